"""What a .tflite file of ours says about itself: JSON in a metadata entry of the flatbuffer. Needs no TensorFlow."""

import dataclasses
import hashlib
import json
from dataclasses import dataclass, field

from ai_edge_litert import schema_py_generated as schema

from asc_tf import __version__
from asc_tf.errors import AscError
from asc_tf.runtime.sharing_builder import packed

ENTRY = b"asc_tf"
FORMAT = 1
_NO_CHECKSUM = "0" * 64


@dataclass(frozen=True)
class Metadata:
    """What a file's numbers mean and where it came from.

    Args:
        labels: in the order of the outputs.
        sample_rate_hz, samples: rate in Hz and length of the waveform that one run of the file is about.
        frontend: class and settings of what makes features of it.
        network: name of the network.
        input: what the file takes, "waveform" [1, samples] or "features" [1, frequency, time, 1].
        features: (frequency, time) of the features, or None where the file does not say.
        weights: "float", "float16" or "int8".
        quantization: of the input, None where it is float32; else {"dtype": "int8", "scale", "zero_point"}, with
            real value = scale * (number - zero_point). The output is float32 always.
        version: of asc_tf.
        format: of this record.
        checksum: SHA-256 of the file with these 64 digits 0.
    """

    labels: tuple[str, ...]
    sample_rate_hz: int
    samples: int
    frontend: dict
    network: str
    input: str = "waveform"
    features: tuple[int, int] | None = None
    weights: str = "float"
    quantization: dict | None = None
    version: str = __version__
    format: int = FORMAT
    checksum: str = field(default=_NO_CHECKSUM, compare=False)


def with_metadata(model_bytes, metadata):
    """A .tflite file's bytes with the metadata, and in it the checksum of them all, added as the entry ENTRY."""
    model = schema.ModelT.InitFromObj(schema.Model.GetRootAs(model_bytes, 0))
    buffer, entry = schema.BufferT(), schema.MetadataT()
    buffer.data = list(json.dumps(dataclasses.asdict(dataclasses.replace(metadata, checksum=_NO_CHECKSUM))).encode())
    entry.name, entry.buffer = ENTRY.decode(), len(model.buffers)
    model.buffers.append(buffer)
    model.metadata = [*(other for other in model.metadata or [] if other.name != ENTRY), entry]
    content = packed(model)
    return content.replace(_NO_CHECKSUM.encode(), hashlib.sha256(content).hexdigest().encode())


def check_checksum(model_bytes, metadata, source):
    """Raise an AscError if a file's bytes are not those that its metadata was written for."""
    unsigned = model_bytes.replace(metadata.checksum.encode(), _NO_CHECKSUM.encode())
    if metadata.checksum != hashlib.sha256(unsigned).hexdigest():
        raise AscError(f"{source}: is damaged (its checksum is another); copy or export it again")


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
        features = values.get("features")
        features = None if features is None else tuple(features)
        return Metadata(**{**values, "labels": tuple(values["labels"]), "features": features})
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
