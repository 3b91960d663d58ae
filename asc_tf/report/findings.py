"""What a report shows of a run: read from its folder, with nothing drawn yet."""

from __future__ import annotations

import dataclasses
import functools
import shlex
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from asc_tf.errors import AscError, unreadable
from asc_tf.evaluation.calibration import expected_calibration_error, reliability_of
from asc_tf.evaluation.metrics import confusion_matrix, device_metrics, scene_metrics
from asc_tf.experiment.dataset import Dataset
from asc_tf.experiment.device_networks import REQUEST
from asc_tf.experiment.published import published_row
from asc_tf.experiment.recipes import RECIPES
from asc_tf.experiment.run_folder import MADE_FROM_ANOTHER
from asc_tf.experiment.settings import Config
from asc_tf.experiment.strict_json import read_json

if TYPE_CHECKING:
    import pandas as pd

    from asc_tf.complexity.account import Account
    from asc_tf.report.files import ExportedFile

_PATHS = ("run", "runs", "teacher")


@dataclass(frozen=True, eq=False)
class Findings:
    """A run, as it is found in its folder.

    Args:
        run: its folder.
        config, dataset: of it.
        history: frame of `read_history`, or None.
        predictions: frame of `predictions_frame` on the test part, or None if there is none (data.split = full).
        account: of its network.
        files: the exported ones.
        durations: {seconds: frame of `device_metrics` of pieces of this length}, of `asc-tf evaluate --seconds`.
        made_by: {name: what was asked for}, of those of MADE_FROM_ANOTHER that there are.
    """

    run: Path
    config: Config
    dataset: Dataset
    history: pd.DataFrame | None
    predictions: pd.DataFrame | None
    account: Account
    files: tuple[ExportedFile, ...] = ()
    durations: dict = dataclasses.field(default_factory=dict)
    made_by: dict = dataclasses.field(default_factory=dict)

    @functools.cached_property
    def devices(self):
        """Frame of `device_metrics`."""
        return device_metrics(self.predictions, self.dataset.seen_devices)

    @functools.cached_property
    def scenes(self):
        """Frame of `scene_metrics`."""
        return scene_metrics(self.predictions)

    @functools.cached_property
    def confusion(self):
        """Frame of `confusion_matrix`."""
        return confusion_matrix(self.predictions, list(self.dataset.scenes))

    @functools.cached_property
    def reliability(self):
        """(frame of `reliability`, expected calibration error)."""
        table = reliability_of(self.predictions)
        return table, expected_calibration_error(table)

    @property
    def wrong(self):
        """The predictions that are wrong, the largest log loss first."""
        frame = self.predictions
        return frame[frame.predicted != frame.scene].sort_values("log_loss", ascending=False, kind="stable")

    @functools.cached_property
    def published(self):
        """What the paper prints for the recipe, of `published_row`."""
        return published_row(self.config.recipe)

    @property
    def remarks(self):
        """Sentences on how the run differs from what the paper's row is of."""
        recipe = RECIPES.get(self.config.recipe)
        if recipe is None or recipe.expected == "-":
            return ()
        other = dataclasses.replace(self.config, seed=recipe.config.seed)
        differences = other.differences(recipe.config)
        of = f"The paper's numbers are those of {recipe.paper}, {recipe.table}, on {recipe.data_set}"
        changed = f" The run's settings differ from the recipe's (run and recipe): {'; '.join(differences)}."
        return (f"{of}; the run's are on {Path(self.dataset.root).name}.{changed if differences else ''}",)

    @property
    def command(self):
        """The command that repeats the run."""
        others = self.made_by
        if "compression.json" in others:
            asked = others["compression.json"]
            flags = [f"--{key} {shlex.quote(str(value))}" for key, value in asked.items()
                     if key != "run" and value is not None]  # fmt: skip
            return f"asc-tf compress {shlex.quote(str(asked.get('run')))} --out NEW {' '.join(flags)}"
        if "finetuning.json" in others:
            asked = others["finetuning.json"]
            settings = [f"train.select={asked.get('select')}"]
            settings += [f"finetune.{key}={'none' if value is None else value}" for key, value in asked.items()
                         if key not in ("run", "select")]  # fmt: skip
            run = shlex.quote(str(asked.get("run")))
            return f"asc-tf finetune {run} --out NEW --set {shlex.join(settings)}"
        if "calibration.json" in others:
            return f"asc-tf calibrate {shlex.quote(str(others['calibration.json'].get('run')))} --out NEW"
        if asked := others.get(REQUEST):
            settings = [f"finetune.{key}={value}" for key, value in asked.items() if key not in ("run", "devices")]
            run = shlex.quote(str(asked.get("run")))
            return f"asc-tf finetune {run} --out NEW --per-device --set {shlex.join(settings)}"
        for name, flag in (("ensemble", "average"), ("soup", "choose")):
            if asked := others.get(f"{name}.json"):
                runs = asked.get("runs")
                runs = shlex.join(map(str, runs if isinstance(runs, list) else ["RUN", "RUN"]))
                return f"asc-tf {name} {runs} --out NEW --{flag} {shlex.quote(str(asked.get(flag)))}"
        words = ["asc-tf", "train", "--data", self.dataset.root, "--run", "NEW", "--recipe",
                 str(self.run.resolve() / "config.json"), "--seed", str(self.config.seed)]  # fmt: skip
        return shlex.join(words + ["--deterministic"] * self.config.deterministic)

    @property
    def method(self):
        """What runs have in common that differ in their seeds alone: hashable."""
        config = dataclasses.replace(
            self.config, seed=0, distillation=dataclasses.replace(self.config.distillation, teacher=None)
        )
        made = {
            name: {key: value for key, value in asked.items() if key not in _PATHS}
            for name, asked in self.made_by.items()
        }
        return config.to_json(), self.dataset.root, str(made)


def read_made_by(run):
    """{name: what was asked for} of a run that was made from another one. Raises AscError for a damaged file."""
    found = {}
    for name in MADE_FROM_ANOTHER:
        path = Path(run) / name
        if path.is_file():
            try:
                found[name] = read_json(path)
            except OSError as error:
                raise unreadable(path, error) from error
            if not isinstance(found[name], dict):
                raise AscError(f"{path}: holds {str(found[name])[:60]}; expected what was asked for, by name")
    return found


def grouped(runs):
    """{title: runs that differ in their seeds alone}; a title is the path of a run's folder, or what theirs share."""
    methods = {}
    for findings in runs:
        methods.setdefault(findings.method, []).append(findings)
    titles = {}
    for group in methods.values():
        first, *others = [findings.run for findings in group]
        parents = {path.parent for path in (first, *others)}
        title = first.parent.name if others and len(parents) == 1 and first.parent.name else first.name
        title = title if title not in titles else f"{title} ({first})"
        titles[title] = group
    return titles
