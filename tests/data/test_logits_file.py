import numpy as np
import pytest

from asc_tf.data.logits_file import is_logits_file, read_logits
from asc_tf.errors import AscError
from asc_tf.experiment.settings import Config

SCENES = ("bus", "park")
LINES = ["filename,park,bus", "audio/one.wav,1,2", "two,3,4.5", "three.wav,5,6"]


def written(folder, lines):
    path = folder / "logits.csv"
    path.write_text("\n".join(lines) + "\n")
    return path


@pytest.mark.parametrize("separator", [",", "\t"])
def test_rows_and_columns_come_in_the_order_that_is_asked_for(separator, tmp_path):
    path = written(tmp_path, [line.replace(",", separator) for line in LINES])
    found = read_logits(path, ["audio/two.wav", "audio/one.wav"], SCENES)
    assert found.dtype == np.float32
    np.testing.assert_array_equal(found, [[4.5, 3], [2, 1]])


def test_arrays_say_the_same(tmp_path):
    logits = np.array([[1, 2], [3, 4.5]])
    np.savez(tmp_path / "a.npz", filename=["one.wav", "two.wav"], scenes=["park", "bus"], logits=logits)
    found = read_logits(tmp_path / "a.npz", ["audio/two.wav"], SCENES)
    np.testing.assert_array_equal(found, [[4.5, 3]])


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        (["filename,bus", "one,1"], "has no column 'park'; expected filename, bus, park"),
        (LINES[:2], "lacks 1 training clips, such as two; expected all of them"),
        ([*LINES, "one.flac,1,2"], "has one twice; expected a row for each clip"),
        ([*LINES[:2], "two,inf,1"], "the logits of two are not all finite; expected finite numbers"),
        ([*LINES[:2], "two,loud,1"], "the logits of two are not all finite; expected finite numbers"),
        ([], "cannot be read"),
    ],
)
def test_what_is_missing_or_no_number_is_named(lines, message, tmp_path):
    with pytest.raises(AscError, match=f"logits.csv: {message}"):
        read_logits(written(tmp_path, lines), ["one.wav", "two.wav"], SCENES)


def test_files_that_are_none_are_refused(tmp_path):
    with pytest.raises(AscError, match=r"none\.npz: no such file"):
        read_logits(tmp_path / "none.npz", ["one"], SCENES)
    np.savez(tmp_path / "a.npz", logits=np.array([{"a": 1}], dtype=object))
    for name, content in (("a.npz", None), ("b.npz", b"text"), ("c.npz", b"PK\x03\x04")):
        if content:
            (tmp_path / name).write_bytes(content)
        with pytest.raises(AscError, match=rf"{name}: cannot be read"):
            read_logits(tmp_path / name, ["one"], SCENES)


def test_a_file_of_logits_needs_cached_ones():
    assert is_logits_file("a/logits.csv") and not is_logits_file("a/run")
    with pytest.raises(AscError, match=r"logits\.csv, a file of logits; expected distillation.logits=cached"):
        Config().with_settings(["distillation.teacher=logits.csv"])
