"""What a run folder holds is read back in one place each: right, or refused in one sentence, never in a traceback."""

import dataclasses
import json
import random
import shutil

import numpy as np
import pandas as pd
import pytest

from asc_tf.atomic import checked_file, read_checked, write_checked
from asc_tf.atomic.checksums import SUMS
from asc_tf.errors import AscError, DamagedError
from asc_tf.evaluation.metrics import predictions_frame
from asc_tf.experiment.dataset import Dataset, read_dataset
from asc_tf.experiment.run_folder import claim, read_csv, read_run, write_csv, write_settings
from asc_tf.experiment.settings import Config
from asc_tf.experiment.trained_on import FILE, check_trained, check_unseen, digest_of, trained_clips
from asc_tf.stages.evaluation import read_predictions

CHANGES = 300
DATASET = Dataset("/data/esc10", ("bus", "park", "tram"), ("a", "s1"), 1.0, (1.5, 2.25), (1.0, 0.5))
CLIPS = pd.DataFrame(
    [(f"audio/{n:02}.wav", ("bus", "park", "tram")[n % 3], ("a", "s1")[n % 2]) for n in range(12)],
    columns=["filename", "scene", "device"],
)
TRAINED = trained_clips(CLIPS, np.arange(8), np.array([8, 9]))


@pytest.fixture
def run(tmp_path):
    """A run folder whose training has begun."""
    folder = tmp_path / "run"
    write_settings(folder, Config(), DATASET, TRAINED)
    return folder


def refused(call, *arguments):
    with pytest.raises(AscError) as error:
        call(*arguments)
    assert "\n" not in str(error.value)
    return str(error.value)


def changed_somewhere(content, generator):
    """The bytes with one of them changed, left out or doubled, or cut off somewhere."""
    place = generator.randrange(len(content))
    return generator.choice(
        [
            content[:place] + bytes([content[place] ^ 1 << generator.randrange(8)]) + content[place + 1 :],
            content[:place] + content[place + 1 :],
            content[:place] + content[place : place + 1] + content[place:],
            content[:place],
        ]
    )


# Checksums


def test_a_file_is_read_as_it_was_written_and_refused_once_it_is_another(tmp_path):
    path = tmp_path / "table.csv"
    for text in ("a,b\n1,2\n", "a,b\n1,3\n"):
        write_checked(path, text)
        write_checked(tmp_path / "other.csv", text)
        assert read_checked(path) == text.encode()
    assert (tmp_path / SUMS).read_text().count("\n") == 2
    path.write_text("a,b\n1,2\n")
    with pytest.raises(DamagedError, match=r"table\.csv: is damaged or was changed"):
        read_checked(path)
    lines = (tmp_path / SUMS).read_text().splitlines(keepends=True)
    (tmp_path / SUMS).write_text("".join(line for line in lines if "table.csv" not in line))
    assert read_checked(path) == b"a,b\n1,2\n"  # the change is meant


def test_killed_between_the_checksum_and_the_file_neither_is_taken_for_the_other(tmp_path):
    with pytest.raises(KeyboardInterrupt), checked_file(tmp_path / "table.csv") as part:
        part.write_text("half")
        raise KeyboardInterrupt
    assert not list(tmp_path.iterdir())


# config.json, dataset.json and the like


def test_what_is_written_is_read_back(run):
    config, dataset = read_run(run)
    assert config == Config() and dataset == dataclasses.replace(DATASET, clips_sha256=digest_of(TRAINED))
    assert sorted(path.name for path in run.iterdir()) == [SUMS, "config.json", "dataset.json", FILE]


def test_an_older_run_without_checksums_and_digest_is_read(run):
    (run / SUMS).unlink()
    values = json.loads((run / "dataset.json").read_text())
    del values["clips_sha256"]
    (run / "dataset.json").write_text(json.dumps(values))
    assert read_run(run) == (Config(), DATASET)
    write_settings(run, Config(), DATASET, trained_clips(CLIPS, np.arange(3), []))


@pytest.mark.parametrize("name", ["config.json", "dataset.json"])
def test_every_change_of_a_byte_is_noticed(run, name):
    content, generator = (run / name).read_bytes(), random.Random(0)
    for _ in range(CHANGES):
        (run / name).write_bytes(damaged := changed_somewhere(content, generator))
        if damaged != content:
            assert refused(read_run, run).startswith(f"{run / name}: is damaged or was changed")


@pytest.mark.parametrize("name", ["config.json", "dataset.json"])
def test_without_checksums_a_change_is_refused_or_gives_values_of_the_right_types(run, name):
    (run / SUMS).unlink()
    content, generator, found = (run / name).read_bytes(), random.Random(1), 0
    for _ in range(CHANGES):
        (run / name).write_bytes(changed_somewhere(content, generator))
        try:
            config, dataset = read_run(run)
        except AscError as error:
            found += 1
            assert str(error).startswith(f"{run / name}: ") and "\n" not in str(error)
            continue
        config.check()
        assert isinstance(dataset.scenes, tuple) and dataset.clip_seconds > 0
        assert np.isfinite([*dataset.feature_mean, *dataset.feature_std]).all()
    assert found > CHANGES / 2


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"clip_seconds": "1.0"}, "clip_seconds is '1.0'; expected a number above 0"),
        ({"clip_seconds": 0}, "clip_seconds is '0'"),
        ({"clip_seconds": True}, "clip_seconds is 'True'"),
        ({"clip_seconds": 1e999}, "clip_seconds is 'inf'"),
        ({"feature_mean": [1.0, "2"]}, "feature_mean is "),
        ({"feature_mean": None}, "feature_mean is 'None'; expected a number or one a mel bin"),
        ({"feature_std": [1.0, -1.0]}, "feature_std is "),
        ({"scenes": "bus"}, "scenes is 'bus'; expected a list of names"),
        ({"scenes": []}, "scenes is "),
        ({"scenes": ["bus", "bus"]}, "has scenes 'bus' and 'bus'"),
        ({"scenes": [["bus"]]}, "scene "),
        ({"seen_devices": {"a": 1}}, "seen_devices is "),
        ({"root": 7}, "root is '7'; expected a path"),
        ({"clips_sha256": 7}, "clips_sha256 is '7'"),
        ({"more": 7}, "holds root, scenes, "),
    ],
)
def test_values_of_other_types_are_named(run, change, words):
    path = run / "dataset.json"
    values = {**json.loads(path.read_text()), **change}
    (run / SUMS).unlink()
    path.write_text(json.dumps(values))
    assert refused(read_dataset, path).startswith(f"{path}: {words}")


@pytest.mark.parametrize("text", ["", "[]", "7", "{}", "[" * 100_000, '{"root": ', "\ud800"])
def test_what_is_no_dataset_is_refused(run, text):
    path = run / "dataset.json"
    (run / SUMS).unlink()
    path.write_bytes(text.encode("utf-8", "surrogatepass"))
    assert refused(read_dataset, path).startswith(f"{path}: ")
    path.unlink()
    path.mkdir()
    assert refused(read_run, run).startswith(f"{path}: cannot be read")


def test_what_was_asked_for_is_compared_and_damage_is_not_taken_for_another_wish(tmp_path):
    path = tmp_path / "out" / "ensemble.json"
    claim(path, {"runs": ["a"]}, "ensemble", "an ensemble of other runs")
    claim(path, {"runs": ["a"]}, "ensemble", "an ensemble of other runs")
    assert "is an ensemble of other runs" in refused(
        claim, path, {"runs": ["b"]}, "ensemble", "an ensemble of other runs"
    )
    content, generator = path.read_bytes(), random.Random(0)
    for known in (True, False):
        if not known:
            (path.parent / SUMS).unlink()
        for _ in range(50):
            path.write_bytes(damaged := changed_somewhere(content, generator))
            if json_or_none(damaged) != json.loads(content):
                refused(claim, path, {"runs": ["a"]}, "ensemble", "an ensemble of other runs")


def json_or_none(content):
    try:
        return json.loads(content)
    except ValueError:
        return None


# Which clips a run is trained on


def other(**columns):
    """The clips with cells changed: {column: {row: value}}."""
    clips = CLIPS.copy()
    for name, cells in columns.items():
        for row, value in cells.items():
            clips.loc[row, name] = value
    return clips


@pytest.mark.parametrize(
    ("clips", "training", "validation", "words"),
    [
        (other(scene={0: "park", 1: "bus"}), range(8), [8, 9],
         "2 clips changed their scene, audio/00.wav from bus to park"),
        (other(device={3: "a"}), range(8), [8, 9], "1 clip changed their device, audio/03.wav from s1 to a"),
        (CLIPS, range(7), [7, 8, 9], "1 clip changed their part (training or validation), audio/07.wav from training"),
        (CLIPS, range(1, 8), [8, 9, 10], "1 clip are gone, audio/00.wav for one, 1 clip are new, audio/10.wav for one"),
        (other(filename={2: "audio/2.wav"}), range(8), [8, 9], "1 clip are gone, audio/02.wav for one, 1 clip are new"),
    ],
)  # fmt: skip
def test_what_differs_from_the_clips_that_a_run_was_trained_on_is_said(run, clips, training, validation, words):
    now = trained_clips(clips, np.array(training), np.array(validation))
    dataset = read_run(run)[1]
    sentence = refused(check_trained, run, dataset, now)
    assert sentence.startswith(f"{run}: the data set has changed since the run began: {words}")
    assert refused(write_settings, run, Config(), DATASET, now) == sentence
    (run / FILE).write_bytes((run / FILE).read_bytes()[:-9])
    assert "other names, labels or parts" in refused(check_trained, run, dataset, now)
    (run / FILE).unlink()
    assert "other names, labels or parts" in refused(check_trained, run, dataset, now)


def test_the_order_of_the_metadata_does_not_matter(run):
    shuffled = CLIPS.sample(frac=1, random_state=0)
    rows = {
        name: np.flatnonzero(shuffled.filename.isin(TRAINED.filename[TRAINED.part == name])) for name in TRAINED.part
    }
    check_trained(run, read_run(run)[1], trained_clips(shuffled, rows["training"], rows["validation"]))


def test_a_test_part_with_clips_that_were_trained_on_is_refused(run):
    dataset = read_run(run)[1]
    check_unseen(run, dataset, CLIPS.iloc[10:])
    assert "it was trained on 2 clips of the test part, such as audio/08.wav" in refused(
        check_unseen, run, dataset, CLIPS.iloc[8:]
    )


def test_the_same_clips_give_the_same_bytes(run, tmp_path):
    write_settings(tmp_path / "again", Config(), DATASET, TRAINED)
    assert (tmp_path / "again" / FILE).read_bytes() == (run / FILE).read_bytes()


# Tables


def predictions(seed=0):
    logits = np.random.default_rng(seed).normal(0, 2, (len(CLIPS), 3))
    return predictions_frame(CLIPS.assign(clip_id=CLIPS.filename.str[6:8]), logits, DATASET.scenes)


def test_predictions_are_read_back_to_the_last_bit(tmp_path):
    write_csv(tmp_path / "predictions.csv", predictions())
    pd.testing.assert_frame_equal(read_predictions(tmp_path / "predictions.csv", DATASET.scenes), predictions())


@pytest.mark.parametrize("checked", [True, False])
def test_damaged_predictions_are_refused(tmp_path, checked):
    """Cut, empty, or with a byte changed; without a checksum, as older runs are, some changes cannot be known."""
    path, generator = tmp_path / "predictions.csv", random.Random(2)
    with checked_file(path) as part:
        predictions().to_csv(part, index=False)
    if not checked:
        (tmp_path / SUMS).unlink()
    content, found = path.read_bytes(), 0
    for change in [b"", b"\n", content[:500], content.splitlines(keepends=True)[0]]:
        path.write_bytes(change)
        assert refused(read_predictions, path, DATASET.scenes).startswith(f"{path}: ")
    for _ in range(CHANGES):
        path.write_bytes(damaged := changed_somewhere(content, generator))
        try:
            frame = read_predictions(path, DATASET.scenes)
            assert damaged == content or (not checked and frame.scene.isin(DATASET.scenes).all())
        except AscError as error:
            found += 1
            assert str(error).startswith(f"{path}: ") and "\n" not in str(error)
    assert found > CHANGES * (0.9 if checked else 0.3)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "cannot be read (No columns to parse from file)"),
        ("a,b\n", "has no row; expected rows of a, b"),
        ("a,c\nx,1\n", "has no column 'b'"),
        ("a,b\nx,y\n", "column 'b' holds text; expected numbers"),
        ('a,b\n"x,1\n', "cannot be read"),
        ("a,b\nx,1\nx,1,2,3\n", "cannot be read"),
        ("\ufeffa,b\n\udcff,1\n", "cannot be read"),
    ],
)
def test_tables_that_are_none_are_refused(tmp_path, text, words):
    path = tmp_path / "steps.csv"
    path.write_bytes(text.encode("utf-8", "surrogateescape"))
    assert refused(read_csv, path, ("a", "b"), ("a",)).startswith(f"{path}: {words}")


def test_a_folder_that_holds_nothing_but_what_a_kill_left_is_a_new_one(run, tmp_path):
    out = tmp_path / "out"
    out.mkdir()
    for name in (SUMS, ".part-00000000-1-0-compression.json", ".asc-tf.lock"):
        (out / name).write_text("")
    claim(out / "compression.json", {}, "compression", "another")
    shutil.rmtree(out)
    out.mkdir()
    (out / "thesis.txt").write_text("mine")
    assert "is not empty and holds no compression" in refused(claim, out / "compression.json", {}, "compression", "")
