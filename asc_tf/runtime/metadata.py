"""What a .tflite file of ours says about itself: JSON in a metadata entry of the flatbuffer. Needs no TensorFlow."""

import dataclasses
import json
from dataclasses import dataclass

import flatbuffers
from ai_edge_litert import schema_py_generated as schema

from asc_tf import __version__
from asc_tf.errors import AscError

ENTRY = b"asc_tf"
FORMAT = 1


@dataclass(frozen=True)
class Metadata:
    """Labels in the order of the outputs, the input's rate in Hz and length in samples, and where it came from."""

    labels: tuple[str, ...]
    sample_rate_hz: int
    samples: int
    frontend: dict
    network: str
    input: str = "waveform"
    version: str = __version__
    format: int = FORMAT


def with_metadata(model_bytes, metadata):
    """A .tflite file's bytes with the metadata added as the entry ENTRY."""
    model = schema.ModelT.InitFromObj(schema.Model.GetRootAs(model_bytes, 0))
    buffer, entry = schema.BufferT(), schema.MetadataT()
    buffer.data = list(json.dumps(dataclasses.asdict(metadata)).encode())
    entry.name, entry.buffer = ENTRY.decode(), len(model.buffers)
    model.buffers.append(buffer)
    model.metadata = [*(other for other in model.metadata or [] if other.name != ENTRY), entry]
    builder = flatbuffers.Builder(len(model_bytes) + 4096)
    builder.Finish(model.Pack(builder), b"TFL3")
    return bytes(builder.Output())


def read_metadata(model_bytes, source):
    """The Metadata of a .tflite file; `source` names it in errors.

    Raises:
        AscError: not a .tflite file, or one without our metadata.
    """
    if model_bytes[4:8] != b"TFL3":
        raise AscError(f"{source}: is not a .tflite file")
    try:
        text = _entry(schema.Model.GetRootAs(model_bytes, 0))
        if text is None:
            raise AscError(f"{source}: has no labels inside; expected a file made by 'asc-tf export'")
        values = json.loads(text)
        if values.get("format") != FORMAT:
            raise AscError(f"{source}: its metadata has format {values.get('format')}; this version reads {FORMAT}")
        return Metadata(**{**values, "labels": tuple(values["labels"])})
    except AscError:
        raise
    except Exception as error:  # a damaged flatbuffer can fail in any way
        raise AscError(f"{source}: is a damaged .tflite file ({type(error).__name__})") from error


def _entry(model):
    for index in range(model.MetadataLength()):
        entry = model.Metadata(index)
        if entry.Name() == ENTRY:
            return model.Buffers(entry.Buffer()).DataAsNumpy().tobytes()
    return None
