"""A folder that is being written is refused at once by every stage that would write it, and left as it is."""

import contextlib
import dataclasses
import json
import os
import shutil
import threading

import pandas as pd
import pytest

from asc_tf import stages
from asc_tf.atomic import exclusive
from asc_tf.data import download
from asc_tf.data.translated import write_translated
from asc_tf.errors import AscError
from asc_tf.experiment.dataset import Dataset
from asc_tf.experiment.run_folder import write_settings
from asc_tf.experiment.settings import Config
from asc_tf.search.oracles import PROJECT
from asc_tf.stages import exporting

DATASET = Dataset("/data/esc10", ("bus", "park"), ("a", "s1"), 1.0, 0.0, 1.0)


@contextlib.contextmanager
def written_by_another(folder):
    """Another thread writes the folder, as another process would."""
    entered, leave = threading.Event(), threading.Event()

    def write():
        with exclusive(folder):
            entered.set()
            leave.wait(60)

    other = threading.Thread(target=write)
    other.start()
    entered.wait(60)
    try:
        yield
    finally:
        leave.set()
        other.join()


def begun(folder):
    """A run folder with settings."""
    write_settings(folder, Config(), DATASET)
    return folder


def unused(*arguments):
    pytest.fail("called")


STAGES = {
    "train": lambda place, other: stages.train("nowhere", Config(), place),
    "finetune": lambda place, other: stages.finetune(other, place),
    "compress": lambda place, other: stages.compress(other, place, stages.Compression()),
    "ensemble": lambda place, other: stages.join_runs([other, other], place),
    "evaluate": lambda place, other: stages.evaluate(begun(place)),
    "evaluate on other data": lambda place, other: stages.evaluate(begun(place), "nowhere"),
    "predict": lambda place, other: stages.predict_test(begun(place)),
    "evaluate --seeds": lambda place, other: stages.evaluate_seeds(begun(place), 2),
    "evaluate --leave-device-out": lambda place, other: stages.evaluate_left_out_devices(begun(place)),
    "translate train": lambda place, other: stages.train_translator("nowhere", TRANSLATION, place),
    "translate apply": lambda place, other: write_translated(place, "nowhere", pd.DataFrame(), {}, (8, 8), unused),
}
TRANSLATION = stages.Translation("a", ("b",))


@pytest.mark.parametrize("name", STAGES)
def test_a_stage_does_not_write_where_another_process_does(name, tmp_path):
    place, other = tmp_path / "place", begun(tmp_path / "other")
    with written_by_another(place), pytest.raises(AscError) as refused:
        STAGES[name](place, other)
    assert str(refused.value).startswith(f"{place}: another process is writing it (process {os.getpid()} on ")


def test_two_downloads(tmp_path, monkeypatch):
    monkeypatch.setattr(download, "_archives", lambda name: [])
    with written_by_another(tmp_path / "archives"), pytest.raises(AscError, match="archives: another process is"):
        download.download("tau2020", tmp_path)


def test_two_searches(synthetic_root, tiny_config, tmp_path):
    """A search alone, or the chief of one; workers share the folder."""
    config = tiny_config.with_settings(["data.validation_fraction=0.3"])
    what = stages.Search("width=4:6", "bytes=1MB", algorithm="random", trials=1)
    with written_by_another(tmp_path / "out" / PROJECT), pytest.raises(AscError) as refused:
        (tmp_path / "out" / "search.json").write_text(search_json(synthetic_root, config, what))
        stages.search(synthetic_root, tmp_path / "out", config, what, report=lambda line: None)
    assert str(refused.value).startswith(f"{tmp_path / 'out' / PROJECT}: another process is writing it")


def search_json(root, config, what):
    values = {"data": str(root.resolve()), **dataclasses.asdict(what), "config": json.loads(config.to_json())}
    return json.dumps(values)


def test_an_export_waits_for_none_but_writes_elsewhere(smallest_run, tmp_path, monkeypatch):
    run = shutil.copytree(smallest_run, tmp_path / "run")
    monkeypatch.setattr(exporting, "write_file", lambda path, *arguments: path.write_bytes(b""))
    with written_by_another(run):
        with pytest.raises(AscError, match="run: another process is writing it"):
            stages.export(run)
        stages.export(run, tmp_path / "model.tflite", input="features")
    assert (tmp_path / "model.tflite").is_file() and not (run / "model.tflite").exists()


def test_a_comparison_at_the_end_of_a_job_waits_for_the_other_run(smallest_run, tmp_path):
    run, lines = shutil.copytree(smallest_run, tmp_path / "run"), []
    done = threading.Event()

    def compare():
        stages.evaluate_changes({"one": run}, tmp_path / "changes.csv", report=lines.append)
        done.set()

    with written_by_another(run):
        thread = threading.Thread(target=compare)
        thread.start()
        while not lines:
            done.wait(0.05)
        assert not done.is_set()
    thread.join(60)
    assert done.is_set() and lines[0].startswith(f"waiting for another process that writes to {run} (process ")
