"""The commands `asc-tf data` and `asc-tf features`."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

from tyro.conf import Positional, subcommand

from asc_tf.errors import AscError
from asc_tf.experiment.sections import FRONTENDS
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
    """Download a development set of TAU Urban Acoustic Scenes Mobile (40 GB); the same command goes on after a stop."""

    name: Positional[Literal["tau2020", "tau2022"]]
    """10 s clips (2020) or 1 s clips (2022)"""
    root: Positional[Path]
    """folder that becomes the data set"""

    def run(self):
        from asc_tf.data.download import download

        try:
            download(self.name, self.root)
        except OSError as error:
            raise AscError(f"{self.root}: cannot be written ({error.strerror or error})") from error
        print(f"complete: {self.root}; count it with: asc-tf data check {self.root}")


@dataclass
class Synth:
    """Write a small procedural data set in the TAU layout: ten scenes, nine devices, three of them unseen."""

    root: Positional[Path]
    """folder to make"""
    clips: int = 400
    """training clips"""
    seed: int = 0

    def run(self):
        from tqdm import tqdm

        from asc_tf.data.synthetic import write_synthetic

        with tqdm(unit="clip", desc="synth", disable=None, leave=False) as bar:

            def progress(done, total):
                bar.total = total
                bar.update()

            train, test = write_synthetic(self.root, clips=self.clips, seed=self.seed, progress=progress)
        print(f"{train} training and {test} test clips in {self.root}")


@dataclass
class Data:
    """Check, download or make a data set."""

    action: (
        Annotated[Check, subcommand("check")]
        | Annotated[Download, subcommand("download")]
        | Annotated[Synth, subcommand("synth")]
    )

    def run(self):
        self.action.run()


@dataclass
class Features:
    """Compute the features of all clips into ROOT/features. The same command goes on after an interruption."""

    root: Positional[Path]
    """folder of a data set in the TAU layout"""
    frontend: Literal[tuple(FRONTENDS)] = "tau2020"
    """log-mel spectrogram with the papers' settings for 10 s clips (tau2020) or 1 s clips (tau2022), or PCEN"""
    workers: int | None = None
    """clips to work on at once; as many as there are processors if not given"""

    def run(self):
        if self.workers is not None and self.workers < 1:
            raise AscError(f"--workers {self.workers}: expected 1 or more")
        from asc_tf import stages

        config = Config(frontend=FRONTENDS[self.frontend])
        features = stages.compute_features(self.root, config, self.workers, report=say)
        clips, bins, frames = features.shape
        print(f"{clips} clips, {bins} mel bins x {frames} frames each, in {features.folder}")
