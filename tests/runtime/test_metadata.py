import dataclasses
import random

import flatbuffers
import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema
from ai_edge_litert.interpreter import Interpreter

from asc_tf import __version__
from asc_tf.errors import AscError
from asc_tf.runtime.metadata import ENTRY, Metadata, read_metadata, with_metadata


@pytest.fixture(scope="module")
def labelled(smallest_file):
    return smallest_file.read_bytes()


@pytest.fixture(scope="module")
def bare(labelled):
    """The same network with an entry of someone else's in place of ours."""
    model = schema.ModelT.InitFromObj(schema.Model.GetRootAs(labelled, 0))
    (entry,) = model.metadata = [entry for entry in model.metadata if entry.name == ENTRY]
    entry.name = b"min_runtime_version"
    model.buffers[entry.buffer].data = list(b"2.3.0")
    builder = flatbuffers.Builder(len(labelled))
    builder.Finish(model.Pack(builder), b"TFL3")
    return bytes(builder.Output())


@pytest.fixture
def metadata():
    return Metadata(
        labels=("café", "tram", 'a "quoted" place'),
        sample_rate_hz=44100,
        samples=441000,
        frontend={"class": "LogMel", "high_hz": None, "floor": 1e-7},
        network="some_network",
    )


def outputs(model_bytes, waveform):
    interpreter = Interpreter(model_content=model_bytes)
    interpreter.allocate_tensors()
    interpreter.set_tensor(interpreter.get_input_details()[0]["index"], waveform)
    interpreter.invoke()
    return interpreter.get_tensor(interpreter.get_output_details()[0]["index"])


def test_what_is_written_is_read_back(bare, metadata):
    assert read_metadata(with_metadata(bare, metadata), "model.tflite") == metadata
    assert (metadata.input, metadata.version, metadata.format) == ("waveform", __version__, "float")


def test_metadata_changes_neither_the_network_nor_other_entries(bare, labelled, metadata):
    waveform = np.random.default_rng(0).normal(0, 0.1, (1, 16000)).astype(np.float32)
    added = with_metadata(bare, metadata)
    np.testing.assert_array_equal(outputs(added, waveform), outputs(bare, waveform))
    np.testing.assert_array_equal(outputs(labelled, waveform), outputs(bare, waveform))
    model = schema.Model.GetRootAs(added, 0)
    names = {model.Metadata(i).Name() for i in range(model.MetadataLength())}
    assert names == {b"asc_tf", b"min_runtime_version"}


@pytest.mark.parametrize(
    "content",
    [b"", b"short", b"a text that is no model", b"RIFF\0\0\0\0WAVEfmt "],
    ids=["empty", "short", "text", "WAV"],
)
def test_other_files_are_not_tflite_files(content):
    with pytest.raises(AscError, match="^some.file: is not a .tflite file$"):
        read_metadata(content, "some.file")


def test_a_tflite_file_of_someone_else_has_no_labels(bare):
    with pytest.raises(AscError, match="^model.tflite: has no labels inside; expected a file made by 'asc-tf export'$"):
        read_metadata(bare, "model.tflite")


def test_metadata_of_another_format_is_refused(bare, metadata, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr("asc_tf.runtime.metadata.RECORD", 2)
        newer = with_metadata(bare, metadata)
    with pytest.raises(AscError, match="^model.tflite: its metadata has format 2; this version reads 1$"):
        read_metadata(newer, "model.tflite")


@pytest.mark.parametrize(
    ("old", "new"),
    [(b'"labels"', b'"LABELS"'), (b'"network"', b'"netw0rk"'), (b'{"labels"', b"[labels  ")],
    ids=["no labels", "unknown field", "no JSON"],
)
def test_damaged_json_is_refused(labelled, old, new):
    assert labelled.count(old) == 1 and len(old) == len(new)
    with pytest.raises(AscError, match="^model.tflite: is a damaged .tflite file"):
        read_metadata(labelled.replace(old, new), "model.tflite")


def without_checksum(content):
    """The file as older versions wrote it: blanks in the checksum's place."""
    start = content.index(b', "checksum": "')
    return content[:start] + b" " * 80 + content[start + 80 :]


def test_a_file_without_a_checksum_is_read(labelled):
    older = without_checksum(labelled)
    assert read_metadata(older, "model.tflite") == read_metadata(labelled, "model.tflite")
    assert read_metadata(older, "model.tflite").checksum is None
    assert len(read_metadata(labelled, "model.tflite").checksum) == 64


def test_every_change_of_a_file_with_a_checksum_is_found(labelled):
    generator = random.Random(0)
    for trial in range(3000):
        content = bytearray(labelled)
        kind = trial % 5
        if kind == 0:
            del content[generator.randrange(len(content)) :]
        elif kind == 1:
            content += generator.randbytes(generator.randint(1, 100))
        elif kind == 2:
            content[generator.randrange(len(content))] ^= 1 << generator.randrange(8)
        elif kind == 3:
            start = generator.randrange(len(content))
            content[start : start + 16] = generator.randbytes(16)
        else:
            del content[generator.randrange(len(content))]
        with pytest.raises(AscError, match="^model.tflite: (is|has|its) [^\n]*$"):
            read_metadata(bytes(content), "model.tflite")


@pytest.mark.parametrize(
    "changes",
    [{"samples": -1}, {"sample_rate_hz": "16 kHz"}, {"labels": ()}, {"labels": (1, 2)}, {"input": "smell"}],
    ids=["samples", "rate", "no labels", "labels", "input"],
)
def test_metadata_that_cannot_be_right_are_refused(bare, metadata, changes):
    with pytest.raises(AscError, match="^model.tflite: is a damaged .tflite file"):
        read_metadata(with_metadata(bare, dataclasses.replace(metadata, **changes)), "model.tflite")


def test_random_damage_gives_an_error_or_metadata_but_nothing_else(labelled):
    labelled = without_checksum(labelled)
    generator = random.Random(0)
    json_start = labelled.index(b'{"labels"')
    regions = [(0, len(labelled)), (0, 200), (json_start, json_start + 500), (len(labelled) - 4000, len(labelled))]
    damaged, refused = 0, 0
    for trial in range(240):
        content = bytearray(labelled)
        if trial % 4 == 0:
            del content[generator.randrange(len(content)) :]
        else:
            start, stop = regions[trial // 4 % 4]
            for _ in range(generator.randint(1, 8)):
                content[generator.randrange(start, stop)] = generator.randrange(256)
        damaged += 1
        try:
            found = read_metadata(bytes(content), "model.tflite")
        except AscError as error:
            refused += 1
            assert str(error).startswith("model.tflite: ") and "\n" not in str(error), trial
        else:
            assert isinstance(found, Metadata), trial
            assert isinstance(found.labels, tuple), trial
    assert 60 <= refused < damaged
