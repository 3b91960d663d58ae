"""The trials of a search: trained and validated, each in its own folder."""

import dataclasses
import json
import shutil
import time
from pathlib import Path

from asc_tf.atomic import exclusive, part_beside, read_checked, write_checked
from asc_tf.data.loader import evaluation_batches, reading
from asc_tf.errors import AscError
from asc_tf.evaluation.metrics import SUMMARY, device_metrics, predictions_frame
from asc_tf.experiment.run_folder import write_settings
from asc_tf.search.report import OBJECTIVES
from asc_tf.stages.teacher import cached_targets
from asc_tf.stages.training import find_teachers, fit_network
from asc_tf.stages.training_data import split_clips


def read_result(path):
    """The content of a trial's result.json: {name: number or None}.

    Raises:
        AscError: the file is damaged or has other content.
    """
    try:
        result = json.loads(read_checked(path))
        if {*OBJECTIVES, "epochs", "bytes", "macs"} <= result.keys() and all(
            value is None or isinstance(value, (int, float)) for value in result.values()
        ):
            return result
        problem = "it holds no result"
    except (OSError, ValueError, AttributeError, RecursionError) as error:
        problem = str(error)
    raise AscError(f"{path}: cannot be read ({problem}); delete it and run the same command again")


class Trials:
    """Trains and validates trials; the first trial reads the data.

    Attributes:
        seconds, count: total time and number of the trials trained here.
    """

    def __init__(self, root, out, space, chosen, structures, objective, report):
        self.root, self.out, self.space, self.chosen = root, out, space, chosen
        self.structures, self.objective, self.report = structures, objective, report
        self.seconds, self.count, self._data = 0.0, 0, None

    def __call__(self, values, folder, before):
        """{objective: value} of the trial with these values, trained in its folder from the end of `before`."""
        folder = Path(folder)
        kept = folder / "result.json"
        with exclusive(folder, self.report):  # a worker given up as lost may live
            if not kept.is_file():
                self._read_data()
                start = time.monotonic()
                result = self._train(self.space.configured(values), values, folder, before)
                self.seconds, self.count = self.seconds + time.monotonic() - start, self.count + 1
                write_checked(kept, json.dumps({**result, "seconds": time.monotonic() - start}, indent=2) + "\n")
        return {self.objective: read_result(kept)[self.objective]}

    def _read_data(self):
        if self._data is not None:
            return
        with exclusive(self.out, self.report):  # one worker trains the teacher, the others find it
            self._teachers = find_teachers(self.out, self.chosen, self.report)
            data = self.chosen.with_features(self.out, self.report).with_statistics(self.out, self.report)
            self._data, self._targets = data, cached_targets(self.out, data, self._teachers, self.report)

    def _train(self, config, values, folder, before):
        until = int(values.get("tuner/epochs", config.train.epochs))
        shown = ", ".join(f"{d.name} {d.setting(values[d.name]).partition('=')[2]}" for d in self.space.dimensions)
        self.report(f"{folder.name}: {shown}" + (f", on from {Path(before).name}" if before else ""))
        if before and not (folder / "checkpoints").is_dir():
            part = part_beside(folder / "checkpoints")
            shutil.copytree(Path(before) / "checkpoints", part)
            part.rename(folder / "checkpoints")
        write_settings(folder, config, self._data.dataset)
        student = fit_network(
            folder, self._data.with_config(config), self._teachers, self._targets, self.report, until=until
        )
        network = getattr(student, "network", student)
        cost = dataclasses.asdict(self.structures.cost(network))
        return {**self._validated(config, network), "epochs": until, **cost}

    def _validated(self, config, network):
        """{name: value} of all OBJECTIVES on the validation clips; devices left out of the training are unseen."""
        data = self._data
        everything = dataclasses.replace(config, data=dataclasses.replace(config.data, leave_out=None))
        rows = split_clips(self.root, everything)[2] if config.data.leave_out else data.validation
        with reading(data.features):
            batches = evaluation_batches(data.features, data.labels, len(data.dataset.scenes), rows=rows)
            logits = network.predict(batches, verbose=0)
        predictions = predictions_frame(data.clips.iloc[rows], logits, data.dataset.scenes)
        metrics = device_metrics(predictions, data.dataset.seen_devices)
        devices = metrics.drop(index=[*SUMMARY], errors="ignore")
        unseen = metrics.accuracy.get("unseen")
        return {
            "accuracy": metrics.accuracy["all"],
            "log_loss": metrics.log_loss["all"],
            "worst_device": devices.accuracy.min(),
            "unseen_gap": None if unseen is None else metrics.accuracy["seen"] - unseen,
        }
