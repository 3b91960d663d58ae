"""Records of trainings in trackers: each epoch once, whatever happens; the real packages where they are installed."""

import json
import shutil
from types import SimpleNamespace

import pandas as pd
import pytest

from asc_tf import stages
from asc_tf.cli import main
from asc_tf.errors import AscError
from asc_tf.experiment.run_folder import read_run
from asc_tf.stages import tracking
from asc_tf.stages.tracking import tracked
from asc_tf.tracking.state import tracking_state


class Tracker:
    """A tracker in memory, which may be away."""

    def __init__(self):
        self.begun, self.settings, self.logged, self.ended, self.is_away = [], [], [], [], False

    def begin(self, name, id, folder, settings):
        self.begun.append((name, id))
        self.settings.append(settings)
        return SimpleNamespace(id="one", log=self._log, finish=lambda metrics: self._log(metrics, "end"),
                               close=self.ended.append)  # fmt: skip

    def _log(self, metrics, step):
        if self.is_away:
            raise ConnectionError("no answer\nfrom anybody")
        self.logged.append((step, metrics))


@pytest.fixture
def tracker(monkeypatch):
    found = Tracker()
    monkeypatch.setattr(tracking, "begin_record", found.begin)
    monkeypatch.setattr("asc_tf.tracking.state.check_tracker", lambda name: None)
    return found


@pytest.fixture
def no_results(monkeypatch):
    monkeypatch.setattr(tracking.Tracking, "finish", lambda self: True)


def epochs(count):
    return [{"loss": 1 / number, "accuracy": number / 10} for number in range(1, count + 1)]


@pytest.mark.usefixtures("no_results")
def test_an_interrupted_training_goes_on_with_its_record_and_logs_each_epoch_once(tracker, tmp_path):
    with pytest.raises(KeyboardInterrupt), tracked(tmp_path, "mlflow", print, {"compression.prune": 0.8}) as run:
        callback = run.callback({"seed": 0}, "pruned")
        for logs in epochs(2):
            callback.on_epoch_end(0, logs)
        raise KeyboardInterrupt
    with tracked(tmp_path, None, print) as run:  # the second epoch was logged, but not kept
        callback = run.callback({"seed": 0}, "pruned")
        callback.resume(epochs(1))
        for logs in epochs(3)[1:]:
            callback.on_epoch_end(0, logs)
    assert tracker.begun == [("mlflow", None), ("mlflow", "one")] and tracker.ended == [False, True]
    assert tracker.settings == [{"seed": 0, "compression.prune": 0.8}, {"seed": 0}]
    assert [step for step, _ in tracker.logged] == [1, 2, 3]
    assert tracker.logged[1][1] == {"pruned/loss": 0.5, "pruned/accuracy_percent": 20.0}
    with pytest.raises(AscError, match="--tracker wandb: .* is tracked by mlflow; expected the same, or none"):
        tracking_state(tmp_path, "wandb")
    (tmp_path / "tracker.json").write_text("{}")
    with pytest.raises(AscError, match=r"tracker\.json: is damaged|cannot be read"):
        tracking_state(tmp_path, None)


@pytest.mark.usefixtures("no_results")
def test_a_server_that_is_away_ends_no_training(tracker, tmp_path):
    said = []
    with tracked(tmp_path, "wandb", said.append) as run:
        callback = run.callback({})
        for tracker.is_away, logs in zip([False, True, True, False], epochs(4), strict=True):
            callback.on_epoch_end(0, logs)
    assert said == ["wandb: epoch 2 could not be logged (no answer)"] * 2
    assert [step for step, _ in tracker.logged] == [1, 2, 3, 4]


def test_a_run_without_a_tracker_writes_nothing(tmp_path):
    with tracked(tmp_path, None, print) as run:
        assert run is None
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    "command", [["train", "--data", "ROOT", "--run"], ["finetune", "RUN", "--out"], ["compress", "RUN", "--out"]]
)
def test_a_tracker_that_is_not_installed(command, monkeypatch, synthetic_root, smallest_run, tmp_path, capsys):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    given = {"ROOT": str(synthetic_root), "RUN": str(smallest_run)}
    command = [given.get(word, word) for word in command]
    assert main([*command, str(tmp_path / "out"), "--tracker", "wandb"]) == 1
    assert capsys.readouterr().err.splitlines()[-1] == (
        "asc-tf: --tracker wandb: needs wandb; install it by: pip install 'asc-tf[wandb]'"
    )
    assert not (tmp_path / "out").exists()


@pytest.mark.slow
@pytest.mark.usefixtures("eager")
def test_results_are_logged_once_and_parts_of_a_fine_tuning_apart(tracker, smallest_run, tmp_path):
    run = shutil.copytree(smallest_run, tmp_path / "run")
    config, dataset = read_run(run)
    for _ in range(2):  # of a run that was trained without a tracker: its epochs are those of history.csv
        stages.train(dataset.root, config, run, lambda line: None, tracker="wandb")
    assert [step for step, _ in tracker.logged] == [1, 2, "end"] and tracker.ended == [True]
    results = tracker.logged[-1][1]
    assert {"test/a/accuracy_percent", "test/all/log_loss"} <= results.keys()
    settings = ["finetune.classifier_epochs=1", "finetune.epochs=1"]
    stages.finetune(run, tmp_path / "tuned", settings, lambda line: None, tracker="wandb")
    classifier, whole, (step, _) = tracker.logged[3:]
    assert "classifier/loss" in classifier[1] and "loss" in whole[1] and step == "end"


@pytest.mark.slow
@pytest.mark.parametrize("name", ["mlflow", "wandb"])
def test_the_packages_themselves_without_a_network(name, synthetic_root, smallest_config, monkeypatch, tmp_path):
    package = pytest.importorskip(name)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path}/mlflow.db")
    monkeypatch.setenv("WANDB_MODE", "offline")
    monkeypatch.setenv("WANDB_SILENT", "true")
    run = tmp_path / "run"

    def interrupt(line):
        if line.startswith("epoch 1"):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        stages.train(synthetic_root, smallest_config, run, interrupt, tracker=name)
    first = json.loads((run / "tracker.json").read_text())
    stages.train(synthetic_root, smallest_config, run, lambda line: None)
    state = json.loads((run / "tracker.json").read_text())
    assert state == {**first, "epochs": {"": 2}, "finished": True} and first["epochs"] == {"": 1}
    if name == "wandb":
        assert len(list((run / "wandb").glob(f"offline-run-*-{state['id']}"))) == 2
        return
    client = package.MlflowClient()
    record, history = client.get_run(state["id"]), pd.read_csv(run / "history.csv")
    assert record.info.status == "FINISHED" and record.data.params["train.epochs"] == "2"
    losses = client.get_metric_history(state["id"], "val_loss")
    assert [(each.step, pytest.approx(each.value)) for each in losses] == list(enumerate(history.val_loss, start=1))
    devices = pd.read_csv(run / "devices.csv") if (run / "devices.csv").is_file() else None
    assert record.data.metrics["test/all/accuracy_percent"] >= 0 and devices is None
