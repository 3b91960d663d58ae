"""The commands `asc-tf data` and `asc-tf features`."""

import contextlib
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

from typing_extensions import Doc
from tyro.conf import Positional, subcommand

from asc_tf.cli.flags import Workers
from asc_tf.cli.next_steps import say_next
from asc_tf.errors import AscError, unwritable
from asc_tf.experiment.sections import FRONTENDS
from asc_tf.experiment.setting import Setting
from asc_tf.experiment.settings import Config
from asc_tf.terminal import say


@dataclass
class Check:
    """Count the clips of a data set per split, device and scene and compare with the published counts."""

    root: Positional[Path]
    """folder with meta.csv, evaluation_setup/ and audio/"""
    metadata_only: bool = False
    """do not look for the audio files"""

    def run(self):
        from asc_tf.data.clips import read_clips
        from asc_tf.data.tau import check_report

        text, problems = check_report(self.root, read_clips(self.root), audio=not self.metadata_only)
        print(text)
        if problems:
            raise AscError("\n".join(problems))


@dataclass
class Download:
    """Download a data set. After a stop run the same command again.

    tau2020, tau2022: TAU Urban Acoustic Scenes Mobile, development set, clips of 10 s or 1 s, 40 GB.
    esc10: ten kinds of sounds, 400 clips of 5 s of a single device (CC BY), 0.6 GB; see 'asc-tf data devices'.
    """

    name: Positional[Literal["tau2020", "tau2022", "esc10"]]
    """name of the data set"""
    root: Positional[Path]
    """folder that becomes the data set"""
    test_fold: int | None = None
    """fold of esc10 that becomes the test part, 1 to 5; 5 if not given"""

    def run(self):
        from asc_tf.data.download import download
        from asc_tf.data.esc10 import TEST_FOLD, write_split

        if self.test_fold is not None and self.name != "esc10":
            raise AscError(f"--test-fold {self.test_fold}: is for esc10; the split of {self.name} is its own")
        try:
            download(self.name, self.root)
        except OSError as error:
            raise unwritable(self.root, error) from error
        if self.name == "esc10":
            write_split(self.root, TEST_FOLD if self.test_fold is None else self.test_fold)
        print(f"complete: {self.root}")
        say_next(f"{self.root}: the data set", ["data", "check", self.root])


@dataclass
class Devices:
    """Make a data set of many devices from one of a single device: every recording as other devices would have made it.

    Each device is described by microphones (impulse responses), gain, compression and hiss, and by its share of the
    training clips; all of them record every test clip. After an interruption run it again.
    """

    root: Positional[Path]
    """folder of a data set in the TAU layout, all of one device"""
    responses: Path
    """folder of impulse responses of microphones, such as those of MicIRP (micirp.blogspot.com)"""
    out: Path
    """folder to make"""
    devices: Path | None = None
    """JSON file of the devices; if not given, eight with microphones of MicIRP, as imbalanced as TAU's"""

    def run(self):
        from asc_tf.data.multi_device import write_multi_device

        with _bar("devices", "clip") as progress:
            train, test = write_multi_device(self.root, self.out, self.responses, self.devices, progress)
        print(f"{train} training and {test} test clips in {self.out}")
        say_next(
            f"{self.out}: the data set", ["data", "check", self.out], ["train", "--data", self.out, "--run", "RUN"]
        )


@dataclass
class Make:
    """Make a data set of your own recordings, of any length and format: clips of one length, training and test part.

    Pieces of one recording stay together, and so do recordings of one location. Run it again after an
    interruption; --dry-run shows what it would make.
    """

    source: Annotated[
        Positional[Path],
        Doc(
            "folder with a folder for each scene, or a CSV file with the columns filename and scene, and "
            "device, location and split if they are known"
        ),
    ]
    out: Path
    """folder to make"""
    folders: str = "scene"
    """meaning of the folders, from the outermost on: scene, scene/device, scene/location, device/scene ..."""
    seconds: Annotated[
        float, Setting("length of a clip; a shorter rest of a recording is dropped", 0.1, 3600, "seconds")
    ] = 10.0
    hop: Annotated[
        float | None,
        Setting("from the beginning of a clip to that of the next; --seconds if not given", 0.05, 3600, "seconds"),
    ] = None
    test: Annotated[
        float, Setting("share of each scene's locations in the test part, if no column split says it", 0.001, 0.999)
    ] = 0.2
    dry_run: bool = False
    """print the table and write nothing"""

    def run(self):
        from asc_tf.data.own_recordings import plan_clips, plan_table, write_own_set
        from asc_tf.data.recordings import find_recordings

        recordings, errors = find_recordings(self.source, self.folders)
        plan = plan_clips(recordings, self.seconds, self.hop, self.test)
        print(plan_table(plan))
        for error in errors:
            say(f"left out: {error}")
        if self.dry_run:
            print("Nothing is written yet: the same command without --dry-run makes it.")
            return
        with _bar("make", "recording") as progress:
            train, test = write_own_set(plan, self.out, progress)
        print(f"{train} training and {test} test clips in {self.out}")
        say_next(f"{self.out}: the data set", ["train", "--data", self.out, "--run", "saved_models/mine"])


@contextlib.contextmanager
def _bar(name, unit):
    """A function (done, total) that moves a progress bar on a terminal."""
    from tqdm import tqdm

    with tqdm(unit=unit, desc=name, disable=None, leave=False) as bar:

        def progress(done, total):
            bar.total = total
            bar.update(done - bar.n)

        yield progress


@dataclass
class Synth:
    """Write a small procedural data set in the TAU layout: ten scenes, nine devices, three of them unseen."""

    root: Positional[Path]
    """folder to make"""
    clips: Annotated[int, Setting("number of training clips", 20, 10_000_000)] = 400
    seed: Annotated[int, Setting("seed of sounds and devices", 0, 2**31 - 1)] = 0

    def run(self):
        from asc_tf.data.synthetic import write_synthetic

        with _bar("synth", "clip") as progress:
            train, test = write_synthetic(self.root, clips=self.clips, seed=self.seed, progress=progress)
        print(f"{train} training and {test} test clips in {self.root}")
        say_next(f"{self.root}: the data set", ["train", "--data", self.root, "--run", "RUN"])


@dataclass
class Data:
    """Check, download or make a data set."""

    action: (
        Annotated[Check, subcommand("check")]
        | Annotated[Download, subcommand("download")]
        | Annotated[Make, subcommand("make")]
        | Annotated[Devices, subcommand("devices")]
        | Annotated[Synth, subcommand("synth")]
    )

    def run(self):
        self.action.run()


@dataclass
class Features:
    """Compute the features of all clips into ROOT/features. After an interruption run it again."""

    root: Positional[Path]
    """folder of a data set in the TAU layout"""
    frontend: Literal[tuple(FRONTENDS)] = "tau2020"
    """log-mel spectrogram with the papers' settings for 10 s clips (tau2020) or 1 s clips (tau2022), or PCEN"""
    workers: Workers = None

    def run(self):
        from asc_tf import stages
        from asc_tf.data.clips import read_clips

        read_clips(self.root)  # report a mistake before TensorFlow is loaded
        config = Config(frontend=FRONTENDS[self.frontend])
        features = stages.compute_features(self.root, config, self.workers, report=say)
        clips, bins, frames = features.shape
        print(f"{clips} clips, {bins} mel bins x {frames} frames each, in {features.folder}")
        say_next(f"{features.folder}: every training reads them", ["train", "--data", self.root, "--run", "RUN"])
