import numpy as np
import pandas as pd
import pytest
from sklearn import metrics as sklearn_metrics

from asc_tf.evaluation.metrics import (
    confusion_matrix,
    device_changes,
    device_gaps,
    device_metrics,
    left_out_changes,
    predictions_frame,
    scene_metrics,
)
from asc_tf.evaluation.report import (
    changes_table,
    device_table,
    left_out_table,
    scene_table,
    seeds_table,
    steps_table,
)

SCENES = ["bus", "park", "tram"]


@pytest.fixture
def predictions():
    generator = np.random.default_rng(0)
    clips = pd.DataFrame(
        {
            "clip_id": [f"clip{i}" for i in range(60)],
            "filename": [f"audio/clip{i}.wav" for i in range(60)],
            "device": generator.choice(["a", "b", "s4"], 60),
            "scene": generator.choice(SCENES, 60),
        },
        index=np.arange(100, 160),
    )
    return predictions_frame(clips, generator.normal(0, 3, (60, 3)), SCENES)


def test_log_loss_and_accuracy_agree_with_scikit_learn(predictions):
    table = device_metrics(predictions, ["a", "b"])
    for name, chosen in [
        ("a", predictions.device == "a"),
        ("unseen", predictions.device == "s4"),
        ("all", slice(None)),
    ]:
        rows = predictions[chosen]
        probabilities = rows[[f"p({scene})" for scene in SCENES]]
        expected = sklearn_metrics.log_loss(rows.scene, probabilities, labels=SCENES)
        assert table.log_loss[name] == pytest.approx(expected)
        assert table.accuracy[name] == pytest.approx(100 * sklearn_metrics.accuracy_score(rows.scene, rows.predicted))
        assert table.clips[name] == len(rows)


def test_rows_are_devices_then_seen_unseen_all(predictions):
    assert list(device_metrics(predictions, ["a", "b"]).index) == ["a", "b", "s4", "seen", "unseen", "all"]
    assert list(device_metrics(predictions, ["a", "b", "s4"]).index) == ["a", "b", "s4", "seen", "all"]


def test_a_devices_mean_is_over_its_clips_alone(predictions):
    table = device_metrics(predictions, ["a", "b"])
    parts = table.loc[["seen", "unseen"]]
    assert table.accuracy["all"] == pytest.approx(np.average(parts.accuracy, weights=parts.clips))


def test_confusion_agrees_with_scikit_learn_and_scene_accuracy_is_its_diagonal(predictions):
    confusion = confusion_matrix(predictions, SCENES)
    expected = sklearn_metrics.confusion_matrix(predictions.scene, predictions.predicted, labels=SCENES)
    np.testing.assert_array_equal(confusion, expected)
    recall = 100 * np.diag(expected) / expected.sum(axis=1)
    np.testing.assert_allclose(scene_metrics(predictions).accuracy, recall)


def test_extreme_logits_give_finite_log_loss():
    clips = pd.DataFrame({"clip_id": ["x"], "filename": ["audio/x.wav"], "device": ["a"], "scene": ["bus"]})
    frame = predictions_frame(clips, [[-1e4, 0.0, 1e4]], SCENES)
    assert frame.log_loss[0] == pytest.approx(2e4) and frame.predicted[0] == "tram"


def test_device_table_has_a_column_a_device_as_the_papers_print_it(predictions):
    lines = device_table(device_metrics(predictions, ["a", "b"])).splitlines()
    assert lines[0].split() == ["A", "B", "S4", "seen", "unseen", "all"]
    assert lines[1].startswith("accuracy %") and lines[2].startswith("log loss")


def metrics_of(**accuracies):
    rows = {name: {"accuracy": value, "log_loss": 2 - value / 100} for name, value in accuracies.items()}
    return pd.DataFrame.from_dict(rows, orient="index").assign(clips=8)


def test_gaps_are_to_the_mean_of_the_seen_devices():
    metrics = metrics_of(a=90.0, b=80.0, s4=60.0, seen=85.0, unseen=60.0, all=75.0)
    gaps = device_gaps(metrics)
    assert gaps.accuracy_gap.to_dict() == {"a": 5, "b": -5, "s4": -25, "seen": 0, "unseen": -25, "all": -10}
    assert gaps.log_loss_gap["unseen"] == pytest.approx(0.25)
    rows = [line.split() for line in device_table(metrics).splitlines()[3:]]
    assert rows[0] == ["gap", "to", "seen,", "pts", "+5.0", "-5.0", "-25.0", "-25.0"], "none of 'seen' and 'all'"
    assert rows[1] == ["gap", "in", "log", "loss", "-0.050", "+0.050", "+0.250", "+0.250"]


def test_without_seen_devices_there_is_no_gap():
    metrics = metrics_of(a=90.0, s4=60.0, unseen=75.0, all=75.0)
    assert list(device_gaps(metrics).columns) == [] and len(device_table(metrics).splitlines()) == 3


def test_what_a_device_loses_when_it_is_left_out():
    seen = metrics_of(a=90.0, b=80.0, s4=60.0, seen=85.0, unseen=60.0, all=75.0)
    unseen = {"a": metrics_of(a=50.0, b=70.0, seen=70.0), "b": metrics_of(a=95.0, b=75.0, seen=95.0)}
    table = left_out_changes(seen, unseen, {"a": 1320, "b": 12})
    assert list(table.index) == ["a", "b", "mean"]
    assert table.accuracy_seen.to_dict() == {"a": 90, "b": 80, "mean": 85}
    assert table.accuracy_unseen.to_dict() == {"a": 50, "b": 75, "mean": 62.5}
    assert table.accuracy_change.to_dict() == {"a": -40, "b": -5, "mean": -22.5}
    assert table.log_loss_change.to_dict() == pytest.approx({"a": 0.4, "b": 0.05, "mean": 0.225})
    assert table.clips_left_out.tolist()[:2] == [1320, 12] and pd.isna(table.clips_left_out["mean"])
    lines = [line.split() for line in left_out_table(table).splitlines()[2:]]
    assert lines[0] == ["A", "1,320", "90.0", "50.0", "-40.0", "1.100", "1.500", "+0.400"]
    assert lines[2] == ["mean", "85.0", "62.5", "-22.5", "1.150", "1.375", "+0.225"]


def test_seeds_table_is_mean_and_sample_deviation(predictions):
    one = device_metrics(predictions, ["a", "b"])
    other = one + [10, 0.5, 0]
    text, summary = seeds_table({0: one, 1: other})
    np.testing.assert_allclose(summary.accuracy_mean, one.accuracy + 5)
    np.testing.assert_allclose(summary.accuracy_std, np.std([0, 10], ddof=1))
    np.testing.assert_allclose(summary.log_loss_std, np.std([0, 0.5], ddof=1))
    assert list(summary.index) == list(one.index) and "± 7.1" in text and "seed 1" in text


def test_scene_table_shows_every_scene_with_its_row_of_the_confusion_matrix(predictions):
    confusion = confusion_matrix(predictions, SCENES)
    lines = scene_table(scene_metrics(predictions), confusion).splitlines()
    assert lines[0].split() == ["scene", "accuracy", "%", "log", "loss", *(name[:5] for name in SCENES)]
    assert lines[1].split()[0] == "bus" and lines[1].split()[-3:] == [str(n) for n in confusion.loc["bus"]]


SCENES_OF_TAU = ["airport", "bus", "metro", "metro_station", "park", "public_square", "shopping_mall",
                 "street_pedestrian", "street_traffic", "tram"]  # fmt: skip


def test_tables_of_taus_nine_devices_and_ten_scenes_stand_whole_within_100_columns():
    devices = {**dict.fromkeys("abc", 50.0), **{f"s{i}": 5.0 for i in range(1, 7)}}
    metrics = metrics_of(**devices, seen=50.0, unseen=5.0, all=100.0)
    lines = device_table(metrics).splitlines()
    assert len(lines) == 5 and max(map(len, lines)) <= 100
    clips = np.full((10, 10), 2970)
    confusion = pd.DataFrame(clips, SCENES_OF_TAU, SCENES_OF_TAU)
    lines = scene_table(metrics_of(**dict.fromkeys(SCENES_OF_TAU, 100.0)), confusion).splitlines()
    names = ["airpo", "bus", "metro", "met_s", "park", "pub_s", "sho_m", "str_p", "str_t", "tram"]
    assert len(lines) == 13 and max(map(len, lines)) <= 100 and lines[0].split()[-10:] == names
    assert "met_s metro_station" in " ".join(lines[11:]) and "airpo airport" in lines[11]


def test_wider_tables_fold_with_the_first_column_in_each_fold():
    devices = {f"device {i}": 50.0 for i in range(30)}
    lines = device_table(metrics_of(**devices, seen=1.0, all=2.0)).splitlines()
    assert max(map(len, lines)) <= 100 and sum(line.startswith("accuracy %") for line in lines) == 4
    assert " ".join(lines).split().count("DEVICE") == 30
    text, _ = seeds_table({0: metrics_of(**devices), 1: metrics_of(**devices)})
    assert max(map(len, text.splitlines())) <= 100 and "accuracy %, seed 1" in text


def test_columns_whose_short_names_agree_are_numbered():
    scenes = ["street_a", "street_add", "streets", "..", "café noir"]
    lines = scene_table(metrics_of(**dict.fromkeys(scenes, 1.0)), pd.DataFrame(np.eye(5, dtype=int), scenes, scenes))
    assert lines.splitlines()[0].split()[-5:] == ["str_a", "2", "stree", "..", "caf_n"]


def test_changes_are_against_the_first():
    def metrics(*accuracies):
        rows = {name: {"accuracy": value, "log_loss": value / 10} for name, value in zip("ab", accuracies, strict=True)}
        return pd.DataFrame.from_dict(rows, orient="index").assign(clips=8)

    changes = device_changes({"before": metrics(50.0, 75.0), "then": metrics(62.5, 50.0)})
    assert changes.set_index(["step", "device"]).accuracy_change.to_dict() == {
        ("before", "a"): 0.0, ("before", "b"): 0.0, ("then", "a"): 12.5, ("then", "b"): -25.0,
    }  # fmt: skip
    lines = [line.split() for line in changes_table(changes).splitlines()]
    assert lines[0] == ["accuracy", "%", "A", "B"]
    assert lines[1:3] == [["before", "50.0", "75.0"], ["then", "62.5", "(+12.5)", "50.0", "(-25.0)"]]
    assert lines[5] == ["then", "6.250", "(+1.250)", "5.000", "(-2.500)"]


def test_what_a_step_does_not_know_is_a_dash():
    row = {
        "step": "pruned", "accuracy": np.nan, "log_loss": np.nan, "worst_change": np.nan, "parameters": 8055,
        "kernel_nonzeros": 684, "nonzero_bytes": 10096, "format": "float", "file_bytes": 58000.0,
        "latency_ms": 1.234, "latency_ratio": 0.987,
    }  # fmt: skip
    lines = steps_table(pd.DataFrame([row])).splitlines()
    assert max(map(len, lines)) <= 100
    values = [value for line in lines if line.startswith("pruned") for value in line.split()[1:]]
    assert values == ["-", "-", "-", "8,055", "684", "10,096", "float", "58,000", "1.23", "0.99"]
