"""What a .tflite file of ours says about itself: JSON in a metadata entry of the flatbuffer. Needs no TensorFlow."""

import dataclasses
import hashlib
import json
from dataclasses import dataclass

import flatbuffers
from ai_edge_litert import schema_py_generated as schema

from asc_tf import __version__
from asc_tf.errors import AscError

ENTRY = b"asc_tf"
FORMAT = 1
_NO_CHECKSUM = "0" * 64  # stands in the checksum's place while it is computed


@dataclass(frozen=True)
class Metadata:
    """Labels in the order of the outputs, the input's rate in Hz and length in samples, and where it came from.

    `checksum`, set by `with_metadata`, is the SHA-256 of the whole file with zeros in its place; None in older files.
    """

    labels: tuple[str, ...]
    sample_rate_hz: int
    samples: int
    frontend: dict
    network: str
    input: str = "waveform"
    version: str = __version__
    format: int = FORMAT
    checksum: str | None = dataclasses.field(default=None, compare=False)


def with_metadata(model_bytes, metadata):
    """A .tflite file's bytes with the metadata added as the entry ENTRY. Nothing may change in the bytes afterwards."""
    model = schema.ModelT.InitFromObj(schema.Model.GetRootAs(model_bytes, 0))
    buffer, entry = schema.BufferT(), schema.MetadataT()
    buffer.data = list(json.dumps({**dataclasses.asdict(metadata), "checksum": _NO_CHECKSUM}).encode())
    entry.name, entry.buffer = ENTRY.decode(), len(model.buffers)
    model.buffers.append(buffer)
    model.metadata = [*(other for other in model.metadata or [] if other.name != ENTRY), entry]
    builder = flatbuffers.Builder(len(model_bytes) + 4096)
    builder.Finish(model.Pack(builder), b"TFL3")
    content = bytes(builder.Output())
    return content.replace(_stored(_NO_CHECKSUM), _stored(hashlib.sha256(content).hexdigest()))


def read_metadata(model_bytes, source):
    """The Metadata of a .tflite file; `source` names it in errors.

    Raises:
        AscError: not a .tflite file, one without our metadata, or one that changed since it was made.
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
        metadata = Metadata(**{**values, "labels": tuple(values["labels"])})
        _check(metadata, model_bytes)
        return metadata
    except AscError:
        raise
    except Exception as error:  # a damaged flatbuffer can fail in any way
        reason = error if isinstance(error, _DamageError) else type(error).__name__
        raise AscError(f"{source}: is a damaged .tflite file ({reason})") from error


class _DamageError(Exception):
    """What does not fit together in a file."""


def _check(metadata, model_bytes):
    if metadata.checksum is not None:
        stored = _stored(metadata.checksum)
        zeroed = model_bytes.replace(stored, _stored(_NO_CHECKSUM))
        if model_bytes.count(stored) != 1 or hashlib.sha256(zeroed).hexdigest() != metadata.checksum:
            raise _DamageError("its checksum does not match")
    numbers = metadata.sample_rate_hz, metadata.samples
    if not all(isinstance(number, int) and number > 0 for number in numbers):
        raise _DamageError(f"{metadata.samples} samples at {metadata.sample_rate_hz} Hz")
    if not metadata.labels or not all(isinstance(label, str) for label in metadata.labels):
        raise _DamageError("its labels are no text")
    if metadata.input not in ("waveform", "features") or not isinstance(metadata.frontend, dict):
        raise _DamageError(f"its input is {str(metadata.input)[:40]!r}")


def _stored(checksum):
    return f'"checksum": "{checksum}"'.encode()


def _entry(model):
    for index in range(model.MetadataLength()):
        entry = model.Metadata(index)
        if entry.Name() == ENTRY:
            return model.Buffers(entry.Buffer()).DataAsNumpy().tobytes()
    return None
