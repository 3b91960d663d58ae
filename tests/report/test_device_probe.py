"""Figure 1 of the workshop paper: the probe finds devices where they are, and only there; the figure of a run."""

import shutil

import numpy as np
import pandas as pd
import pytest

from asc_tf.cli import main
from asc_tf.errors import AscError
from asc_tf.experiment.build import build_model
from asc_tf.experiment.run_folder import read_run
from asc_tf.report.device_probe import device_map, device_map_chart, feature_statistics, probe_accuracy
from asc_tf.report.drawing import standalone

CLIPS = 90


@pytest.fixture(scope="module")
def clips():
    numbers = np.arange(CLIPS)
    return pd.DataFrame(
        {
            "clip_id": [f"clip{number}" for number in numbers],
            "device": np.array(["a", "b", "<s1>"])[numbers % 3],
            "scene": "park",
            "location": [f"city-{number // 3}" for number in numbers],
        }
    )


@pytest.fixture(scope="module")
def features(clips):
    """A device colours the frequencies of its clips, and no channel more than the others."""
    generator = np.random.default_rng(0)
    response = {device: generator.normal(0, 1, (8, 1, 1)) for device in clips.device.unique()}
    response = {device: (each - each.mean()) / each.std() for device, each in response.items()}
    return np.stack([generator.normal(0, 1, (8, 20, 4)) + response[device] for device in clips.device])


def test_statistics_are_those_of_the_paper(features):
    found = feature_statistics(features)
    assert found["frequency-wise"].shape == (CLIPS, 16) and found["channel-wise"].shape == (CLIPS, 8)
    assert found["frequency-wise"][3, 2] == pytest.approx(features[3, 2].mean())
    assert found["channel-wise"][3, 4 + 1] == pytest.approx(features[3, :, :, 1].std())


def test_a_device_that_colours_frequencies_is_told_by_frequency_alone(features, clips):
    places, accuracies = device_map(features, clips)
    assert accuracies["frequency-wise"] > 95 and accuracies["channel-wise"] < 60
    assert len(places) == 2 * CLIPS and np.isfinite(places[["x", "y"]].to_numpy()).all()
    svg = standalone(device_map_chart("map", places, accuracies))
    assert "&lt;s1&gt;" in svg and "<s1>" not in svg and "prefers-color-scheme: dark" in svg


def test_what_is_heard_in_a_location_does_not_tell_its_device():
    """Each location has one device and a feature of its own: known again, it would tell; a location is in one fold."""
    locations = np.repeat(np.arange(20), 6)
    devices = np.where(locations % 2, "a", "b")
    assert probe_accuracy(np.eye(20)[locations], devices, locations) < 65


@pytest.mark.parametrize(
    ("devices", "sentence"), [("aaaa", "of 1 device"), ("aabb", "device 'a' has training clips of one location")]
)
def test_too_few_devices_or_locations(devices, sentence):
    with pytest.raises(AscError, match=sentence):
        probe_accuracy(np.zeros((4, 2)), list(devices), ["x", "x", "y", "y"])


@pytest.fixture
def run(smallest_run, tiny_config, tmp_path):
    """`smallest_run` with an untrained BC-ResNet-ASC, which has the stages that the figure compares."""
    run = shutil.copytree(smallest_run, tmp_path / "run")
    (run / "SHA256SUMS").unlink()  # the change is meant
    (run / "config.json").write_text(tiny_config.to_json())
    build_model(tiny_config, read_run(run)[1]).save(run / "last.keras")
    return run


def test_the_figure_of_a_run(run, capsys, monkeypatch):
    assert main(["report", str(run), "--figure", "tsne"]) == 1
    assert "has training clips of one location" in capsys.readouterr().err and not (run / "tsne.svg").exists()
    monkeypatch.setattr("asc_tf.report.device_probe.probe_accuracy", lambda *arguments: 50.0)
    assert main(["report", str(run), "--figure", "tsne"]) == 0
    assert "frequency-wise" in capsys.readouterr().out
    svg = (run / "tsne.svg").read_text(encoding="utf-8")
    assert "linear probe" in svg and svg.count("t-SNE 1 (no unit)") == 2
    table = pd.read_csv(run / "tsne.csv")
    assert list(table.columns) == ["statistics", "clip_id", "device", "scene", "x", "y"]
    assert main(["report", str(run), "--figure", "tsne", "--out", "x.svg"]) == 1
    assert "--out x.svg: is for pages" in capsys.readouterr().err
