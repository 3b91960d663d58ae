"""The commands that make a network: `asc-tf train`, `finetune` and `ensemble`."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

from tyro.conf import Positional, arg

from asc_tf.distributed.cluster import read_cluster
from asc_tf.errors import AscError
from asc_tf.experiment.training_sections import Deterministic, Seed
from asc_tf.terminal import say


@dataclass
class Train:
    """Train a network and evaluate it on the test part. The same command goes on after an interruption."""

    data: Path
    """folder of a data set in the TAU layout"""
    run_folder: Annotated[Path, arg(name="run")]
    """folder for everything the run makes"""
    recipe: str = "bc-resnet-asc-1-pre-resnorm"
    """experiment to run, one of those that 'asc-tf recipes' lists, or a file of settings (NAME.json)"""
    settings: Annotated[tuple[str, ...], arg(name="set", metavar="NAME=VALUE ...")] = ()
    """settings that differ from the recipe's, such as train.epochs=60 model.width=20"""
    seed: Seed = 0
    deterministic: Deterministic = False
    teacher: tuple[Path, ...] = ()
    """trained runs to learn from as well (distillation.teacher); 'self' trains one with the same settings first"""
    strategy: Literal["mirrored", "multi_worker"] | None = None
    """share each batch of train.batch_size clips between all GPUs of this machine, or between the workers that
    TF_CONFIG names ('asc-tf launch' starts some here); the learning rate stays as set. One process if not given"""
    trusted_network: bool = False
    """let workers on this machine be reached from all others, where 'asc-tf launch' can give them no network of their
    own: whoever reaches one can read and write your files"""

    def check(self):
        """The Config, once all is checked that can be before TensorFlow is loaded."""
        from asc_tf.experiment.recipes import find_recipe
        from asc_tf.experiment.teachers import check_teachers
        from asc_tf.stages.preconditions import check_training

        config = find_recipe(self.recipe).config.with_settings(
            [f"seed={self.seed}", f"deterministic={self.deterministic}", *self._teaching(), *self.settings]
        )
        if self.trusted_network and self.strategy != "multi_worker":
            raise AscError("--trusted-network: is for workers; expected it with --strategy multi_worker or launch")
        check_teachers(config)
        if self.strategy == "multi_worker":
            read_cluster()
        check_training(self.data, config, self.run_folder)
        return config

    def run(self):
        config, strategy = self.check(), None
        if self.strategy:
            from asc_tf.distributed.replicas import check_network, make_strategy
            from asc_tf.quiet import hide_native_stderr

            if self.strategy == "multi_worker":
                check_network(read_cluster(), self.trusted_network)  # a mistake is said before anything is hidden
                hide_native_stderr()
            strategy = make_strategy(self.strategy, say, self.trusted_network)
        from asc_tf import stages

        if stages.train(self.data, config, self.run_folder, report=say, strategy=strategy) is not None:
            print(stages.evaluate(self.run_folder))

    def _teaching(self):
        if self.teacher == (Path("self"),):
            return ["distillation.teacher=none", "distillation.recipe=self"]
        if self.teacher:
            runs = ",".join(str(run.resolve()) for run in self.teacher)
            if runs.count(",") >= len(self.teacher):
                raise AscError(f"--teacher {runs}: expected folders without a comma in their names")
            return ["distillation.recipe=none", f"distillation.teacher={runs}"]
        return []


@dataclass
class Finetune:
    """Fine-tune a run's network while clips of its main device are dropped, evaluate it. The same command goes on."""

    run_folder: Annotated[Positional[Path], arg(name="run", metavar="RUN")]
    """folder of a run"""
    out: Path
    """folder for the fine-tuned network, a run as any other"""
    settings: Annotated[tuple[str, ...], arg(name="set", metavar="NAME=VALUE ...")] = ()
    """settings of the section finetune that differ from the run's, such as finetune.max_drop_rate=0.99"""

    def run(self):
        from asc_tf import stages
        from asc_tf.stages.preconditions import check_finetuning

        check_finetuning(self.run_folder, self.out, self.settings)
        stages.finetune(self.run_folder, self.out, self.settings, report=say)
        if stages.has_test_part(self.out):
            for name, folder in (("pretrained", self.run_folder), ("fine-tuned", self.out)):
                print(f"{name}, on the test part\n{stages.evaluate(folder)}\n")


@dataclass
class Ensemble:
    """Join trained runs to one network that averages theirs, and evaluate it."""

    runs: Positional[tuple[Path, ...]]
    """folders of two runs or more"""
    out: Path
    """folder for the ensemble, a run as any other"""
    average: Literal["probabilities", "logits"] = "probabilities"
    """what is averaged"""

    def run(self):
        from asc_tf import stages
        from asc_tf.stages.preconditions import check_members

        check_members(self.runs, self.out)
        stages.join_runs(self.runs, self.out, self.average)
        if stages.has_test_part(self.out):
            print(stages.evaluate(self.out))
