"""TFLite Model Metadata in our files, read here with nothing but flatbuffers' tables."""

import io
import zipfile

import flatbuffers
import pytest
from ai_edge_litert import schema_py_generated as schema
from flatbuffers import number_types
from flatbuffers.table import Table

from asc_tf.cli import main
from asc_tf.errors import AscError
from asc_tf.export.model_metadata import ENTRY, LABELS_FILE, model_metadata
from asc_tf.runtime.metadata import read_metadata


@pytest.fixture(scope="module")
def content(smallest_file):
    return smallest_file.read_bytes()


def entries(content):
    model = schema.Model.GetRootAs(content, 0)
    found = [model.Metadata(index) for index in range(model.MetadataLength())]
    return {entry.Name().decode(): model.Buffers(entry.Buffer()).DataAsNumpy().tobytes() for entry in found}


def place(table, slot):
    return table.Pos + table.Offset(4 + 2 * slot)


def inner(table, slot):
    return Table(table.Bytes, table.Indirect(place(table, slot)))


def only(table, slot):
    """The one table of a vector."""
    assert table.VectorLen(table.Offset(4 + 2 * slot)) == 1
    return Table(table.Bytes, table.Indirect(table.Vector(table.Offset(4 + 2 * slot))))


def text(table, slot):
    return table.String(place(table, slot)).decode()


def test_a_waveform_file_states_its_rate_its_channel_and_the_file_of_its_labels(content):
    metadata, entry = read_metadata(content, "model.tflite"), entries(content)[ENTRY]
    assert entry[4:8] == b"M001"
    model = Table(entry, flatbuffers.encode.Get(number_types.UOffsetTFlags.packer_type, entry, 0))
    assert (text(model, 0), text(model, 7)) == (metadata.network, "1.3.0")
    graph = only(model, 3)
    taken = inner(only(graph, 2), 3)
    assert taken.Get(number_types.Uint8Flags, place(taken, 0)) == 4  # AudioProperties
    rate, channels = (inner(taken, 1).Get(number_types.Uint32Flags, place(inner(taken, 1), slot)) for slot in (0, 1))
    assert (rate, channels) == (metadata.sample_rate_hz, 1)
    file = only(only(graph, 3), 6)
    assert text(file, 0) == LABELS_FILE and file.Get(number_types.Int8Flags, place(file, 2)) == 2  # TENSOR_AXIS_LABELS


def test_the_labels_are_a_file_behind_the_network_and_part_of_the_checksum(content):
    metadata = read_metadata(content, "model.tflite")
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        assert archive.namelist() == [LABELS_FILE] and archive.testzip() is None
        assert archive.read(LABELS_FILE).decode().splitlines() == list(metadata.labels)
    at = content.rindex(metadata.labels[0].encode() + b"\n")
    with pytest.raises(AscError, match="its checksum does not match"):
        read_metadata(content[:at] + b"X" + content[at + 1 :], "model.tflite")


def test_the_same_metadata_are_the_same_bytes(content):
    metadata = read_metadata(content, "model.tflite")
    assert model_metadata(metadata) == model_metadata(metadata) == entries(content)[ENTRY]


def test_a_features_file_has_none_since_no_audio_task_takes_features(smallest_run, tmp_path):
    assert main(["export", str(smallest_run), "--input", "features", "--out", str(tmp_path / "features.tflite")]) == 0
    written = (tmp_path / "features.tflite").read_bytes()
    assert list(entries(written)) == ["asc_tf"] and not zipfile.is_zipfile(io.BytesIO(written))
