"""The commands `asc-tf translate train` and `asc-tf translate apply`."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from tyro.conf import Positional, arg, subcommand

from asc_tf.cli.next_steps import say_next
from asc_tf.errors import AscError
from asc_tf.experiment.command_settings import Translation
from asc_tf.experiment.settings import Config
from asc_tf.terminal import say


@dataclass
class TranslateTrain:
    """Train a device translator on pairs of training clips. After an interruption run it again.

    It is measured on pairs of held-out training locations. The test part is not touched.
    """

    root: Positional[Path]
    """folder of a data set in the TAU layout"""
    out: Path
    """folder for everything the translator makes"""
    translation: Translation
    settings: Annotated[tuple[str, ...], arg(name="set", metavar="NAME=VALUE ...")] = ()
    """settings of the features, such as frontend=tau2022 or frontend.mel_bins=128"""

    def run(self):
        config = Config().with_settings(self.settings)
        others = [difference for difference in config.differences(Config()) if not difference.startswith("frontend.")]
        if others:
            raise AscError(
                f"--set {others[0].split(':')[0]}: is no setting of the frontend; expected frontend.NAME=VALUE"
            )
        from asc_tf import stages
        from asc_tf.stages.preconditions import check_translator_training

        check_translator_training(self.root, self.translation, self.out, config.frontend)
        distances = stages.train_translator(self.root, self.translation, self.out, config.frontend, report=say)
        print("distance to the real clips of the target device in dB, on held-out pairs")
        print(distances.to_string(float_format="{:.2f}".format))
        print(f"pictures of the first of them: {self.out / 'translation.png'}")
        say_next(f"{self.out}: distances.csv is the table", ["translate", "apply", self.out])


@dataclass
class TranslateApply:
    """Write the source device's training clips as the targets would have heard them: additional training clips."""

    translator: Positional[Path]
    """folder of 'asc-tf translate train'"""
    out: str = "translated"
    """folder in ROOT/features, or an absolute path; 'asc-tf train --set data.translated=OUT' reads it"""

    def run(self):
        from asc_tf import stages
        from asc_tf.stages.preconditions import check_translator

        check_translator(self.translator)
        count, folder = stages.apply_translator(self.translator, self.out, report=say)
        print(f"{count} translated clips in {folder}")
        print(f"train on them as well: asc-tf train --set data.translated={self.out} ...")


@dataclass
class Translate:
    """Translate clips of one device into those of another (QTI's device translator)."""

    action: Annotated[TranslateTrain, subcommand("train")] | Annotated[TranslateApply, subcommand("apply")]

    def run(self):
        self.action.run()
