"""The commands that train a network: `asc-tf train` and `finetune`."""

import dataclasses
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

from typing_extensions import Doc
from tyro.conf import Positional, arg

from asc_tf.cli.next_steps import after_training, say_next
from asc_tf.cli.tracker import Tracker
from asc_tf.data.names import LOGITS_FILES
from asc_tf.distributed.cluster import read_cluster
from asc_tf.errors import AscError
from asc_tf.experiment.training_sections import Deterministic, Seed
from asc_tf.terminal import say


@dataclass
class Train:
    """Train a network and evaluate it on the test part. After an interruption run it again."""

    data: Path | None = None
    """folder of a data set in the TAU layout"""
    run_folder: Annotated[Path | None, arg(name="run")] = None
    """folder for everything the run makes"""
    resume: Path | None = None
    """folder of a run to go on with, by its own data and settings; in place of --data and --run"""
    recipe: str = "bc-resnet-asc-1-pre-resnorm"
    """experiment to run, one of those that 'asc-tf recipes' lists, or a file of settings (NAME.json)"""
    settings: Annotated[tuple[str, ...], arg(name="set", metavar="NAME=VALUE ...")] = ()
    """settings that differ from the recipe's, such as train.epochs=60 model.width=20"""
    seed: Seed = 0
    deterministic: Deterministic = False
    teacher: Annotated[
        tuple[Path, ...],
        Doc(
            "trained runs to learn from as well (distillation.teacher), or files of logits (.csv with "
            "filename and a column for each scene, or .npz); 'self' trains a teacher with the same settings "
            "first"
        ),
    ] = ()
    strategy: Annotated[
        Literal["mirrored", "multi_worker"] | None,
        Doc(
            "share each batch of train.batch_size clips between all GPUs of this machine, or between the "
            "workers that TF_CONFIG names ('asc-tf launch' starts some here); the learning rate stays as set; "
            "one process if not given"
        ),
    ] = None
    trusted_network: Annotated[
        bool,
        Doc(
            "let all other machines reach the workers on this one, where 'asc-tf launch' can give them no "
            "network of their own: whoever reaches one can read and write your files"
        ),
    ] = False
    tracker: Tracker = None

    def check(self):
        """(folder of the data set, Config), checked as far as possible before TensorFlow is loaded."""
        from asc_tf.experiment.recipes import find_recipe
        from asc_tf.experiment.teachers import check_teachers
        from asc_tf.stages.preconditions import check_training
        from asc_tf.tracking.state import tracking_state

        if self.trusted_network and self.strategy != "multi_worker":
            raise AscError(
                "--trusted-network: is for workers; expected --strategy multi_worker as well, or 'asc-tf launch'"
            )
        if self.resume is not None:
            root, config = self._resumed()
        elif self.data is None or self.run_folder is None:
            missing = "--data" if self.data is None else "--run"
            raise AscError(f"{missing}: is not given; expected --data ROOT --run RUN, or --resume RUN")
        else:
            root = self.data
            config = find_recipe(self.recipe).config.with_settings(
                [f"seed={self.seed}", f"deterministic={self.deterministic}", *self._teaching(), *self.settings]
            )
        check_teachers(config)
        if self.strategy == "multi_worker":
            read_cluster()
        check_training(root, config, self.folder)
        tracking_state(self.folder, self.tracker)
        return root, config

    @property
    def folder(self):
        """The run folder."""
        return self.run_folder if self.resume is None else self.resume

    def run(self):
        (root, config), strategy = self.check(), None
        if self.strategy:
            from asc_tf.distributed.replicas import check_network, make_strategy
            from asc_tf.quiet import hide_native_stderr

            if self.strategy == "multi_worker":
                check_network(read_cluster(), self.trusted_network)  # report a mistake before anything is hidden
                hide_native_stderr()
            strategy = make_strategy(self.strategy, say, self.trusted_network)
        from asc_tf import stages

        if stages.train(root, config, self.folder, report=say, strategy=strategy, tracker=self.tracker) is not None:
            print(stages.evaluate(self.folder))
            after_training(self.folder)
        elif strategy is None:
            say_next(f"{self.folder}: the network is last.keras", ["export", self.folder])

    def _resumed(self):
        """(folder of the data set, Config) of the run to continue."""
        from asc_tf.experiment.run_folder import read_run

        flags = {"data": "data", "run_folder": "run", "recipe": "recipe", "settings": "set", "seed": "seed",
                 "deterministic": "deterministic", "teacher": "teacher"}  # fmt: skip
        defaults = {field.name: field.default for field in dataclasses.fields(self)}
        if given := [f"--{flag}" for name, flag in flags.items() if getattr(self, name) != defaults[name]]:
            raise AscError(
                f"--resume {self.resume}: goes on with the data and settings of the run; expected no "
                f"{', '.join(given)} (a training of other settings, or a longer one, needs another --run folder)"
            )
        config, dataset = read_run(self.resume)
        return Path(dataset.root), config

    def _teaching(self):
        if self.teacher == (Path("self"),):
            return ["distillation.teacher=none", "distillation.recipe=self"]
        if self.teacher:
            runs = ",".join(str(run.resolve()) for run in self.teacher)
            if runs.count(",") >= len(self.teacher):
                raise AscError(f"--teacher {runs}: expected folders without a comma in their names")
            has_files = any(run.suffix in LOGITS_FILES for run in self.teacher)
            cached = ["distillation.logits=cached"] if has_files else []
            return ["distillation.recipe=none", *cached, f"distillation.teacher={runs}"]
        return []


@dataclass
class Finetune:
    """Fine-tune a run's network while clips of its main device are dropped, and evaluate it. Run it again to go on."""

    run_folder: Annotated[Positional[Path], arg(name="run", metavar="RUN")]
    """folder of a run"""
    out: Path
    """folder for the fine-tuned network; it is a run too"""
    settings: Annotated[tuple[str, ...], arg(name="set", metavar="NAME=VALUE ...")] = ()
    """settings of the section finetune that differ from the run's, such as finetune.max_drop_rate=0.99"""
    per_device: bool = False
    """keep the network for unknown devices, and fine-tune a copy of it on the clips of each device alone"""
    tracker: Tracker = None

    def run(self):
        from asc_tf import stages
        from asc_tf.stages.finetuning_checks import check_device_finetuning, check_finetuning
        from asc_tf.tracking.state import tracking_state

        if self.per_device:
            if self.tracker is not None:
                raise AscError(f"--tracker {self.tracker}: follows one training; expected no --per-device with it")
            check_device_finetuning(self.run_folder, self.out, self.settings)
            stages.finetune_per_device(self.run_folder, self.out, self.settings, report=say)
            if stages.has_test_part(self.out):
                print(stages.evaluate(self.out))
            say_next(
                f"{self.out}: the general network is last.keras, those of the devices are in devices/",
                ["export", self.out],
                ["complexity", self.out],
            )
            return
        check_finetuning(self.run_folder, self.out, self.settings)
        tracking_state(self.out, self.tracker)
        stages.finetune(self.run_folder, self.out, self.settings, report=say, tracker=self.tracker)
        if stages.has_test_part(self.out):
            for name, folder in (("pretrained", self.run_folder), ("fine-tuned", self.out)):
                print(f"{name}, on the test part\n{stages.evaluate(folder)}\n")
        after_training(self.out)
