"""Metadata of our .tflite files: JSON in a metadata entry of the flatbuffer. Needs no TensorFlow."""

import dataclasses
import hashlib
import io
import json
import zipfile
from dataclasses import dataclass

from asc_tf import __version__
from asc_tf.data.names import label_problem
from asc_tf.errors import AscError, shown
from asc_tf.runtime.sharing_builder import packed

ENTRY = b"asc_tf"
RECORD = 1  # the format of the record itself
_NO_CHECKSUM = "0" * 64  # takes the checksum's place while it is computed


@dataclass(frozen=True)
class Metadata:
    """The meaning of a file's numbers, and its origin.

    Args:
        labels: in the order of the outputs.
        sample_rate_hz, samples: rate in Hz and length of the waveform for one run of the file.
        frontend: class and settings of the frontend that makes its features.
        network: name of the network.
        input: input of the file, "waveform" [1, samples] or "features" [1, frequency, time, 1].
        features: (frequency, time) of the features, or None if the file does not state it.
        format: of the weights, "float", "float16" or "int8"; the record's "weights".
        quantization: of the input, None for float32; else {"dtype": "int8", "scale", "zero_point"}, with real value =
            scale * (number - zero_point). The output is always float32.
        uncertain_below: confidence that 95 % of the network's right answers on its validation clips reach
            (`asc_tf.evaluation.uncertainty`); None without such clips.
        version: of asc_tf.
        checksum: SHA-256 of the file with zeros in place of these 64 digits, set by `with_metadata`; None in older
            files.
    """

    labels: tuple[str, ...]
    sample_rate_hz: int
    samples: int
    frontend: dict
    network: str
    input: str = "waveform"
    features: tuple[int, int] | None = None
    format: str = "float"
    quantization: dict | None = None
    uncertain_below: float | None = None
    version: str = __version__
    checksum: str | None = dataclasses.field(default=None, compare=False)


def with_metadata(model_bytes, metadata, entries=None, files=None):
    """A .tflite file's bytes with the metadata added as the entry ENTRY. The bytes must not change afterwards.

    Args:
        model_bytes: of a .tflite file; what stands behind its flatbuffer is dropped.
        metadata: `Metadata`.
        entries: {name: bytes} of other entries, for other readers.
        files: {name: bytes} of files that come in a ZIP archive behind the flatbuffer.
    """
    schema = _schema()
    model = schema.ModelT.InitFromObj(schema.Model.GetRootAs(model_bytes, 0))
    names = {"format": "weights"}  # in the record, whose own format has that name
    values = {names.get(name, name): value for name, value in dataclasses.asdict(metadata).items()}
    del values["checksum"]
    record = json.dumps({**values, "format": RECORD, "checksum": _NO_CHECKSUM}).encode()
    for name, data in {**(entries or {}), ENTRY.decode(): record}.items():
        _add_entry(model, name, data)
    content = _with_files(packed(model), files or {})
    return content.replace(_stored(_NO_CHECKSUM), _stored(hashlib.sha256(content).hexdigest()))


def _add_entry(model, name, data):
    buffer, entry = _schema().BufferT(), _schema().MetadataT()
    buffer.data = list(data)
    entry.name, entry.buffer = name, len(model.buffers)
    model.buffers.append(buffer)
    model.metadata = [*(other for other in model.metadata or [] if other.name not in (name, name.encode())), entry]


def _with_files(content, files):
    """The bytes with a ZIP archive behind them, which has the same date for the same bytes each time."""
    if not files:
        return content
    whole = io.BytesIO(content)
    with zipfile.ZipFile(whole, "a") as archive:
        for name, data in files.items():
            archive.writestr(zipfile.ZipInfo(name), data)
    return whole.getvalue()


def read_metadata(model_bytes, source):
    """The Metadata of a .tflite file; `source` names it in errors.

    Raises:
        AscError: not a .tflite file, a file without our metadata, or a file that changed since it was made.
    """
    if model_bytes[4:8] != b"TFL3":
        raise AscError(f"{source}: is not a .tflite file")
    try:
        text = _entry(_schema().Model.GetRootAs(model_bytes, 0))
        if text is None:
            raise AscError(f"{source}: has no labels inside; expected a file made by 'asc-tf export'")
        values = json.loads(text)
        if values.get("format") != RECORD:
            raise AscError(f"{source}: its metadata has format {values.get('format')}; this version reads {RECORD}")
        values["format"] = values.pop("weights", "float")
        features = values.get("features")
        features = None if features is None else tuple(features)
        metadata = Metadata(**{**values, "labels": tuple(values["labels"]), "features": features})
        _check(metadata, model_bytes)
        return metadata
    except AscError:
        raise
    except Exception as error:  # a damaged flatbuffer can fail in any way
        reason = error if isinstance(error, _DamageError) else type(error).__name__
        raise AscError(f"{source}: is a damaged .tflite file ({reason})") from error


def _schema():
    """The classes of the file format, loaded when there is a file to read."""
    from ai_edge_litert import schema_py_generated

    return schema_py_generated


class _DamageError(Exception):
    """The contradiction between entries of a file."""


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
    for label in metadata.labels:
        if problem := label_problem(label, is_folder=False):
            raise _DamageError(f"its label {shown(label)} {problem}")
    threshold = metadata.uncertain_below
    if threshold is not None and not (isinstance(threshold, int | float) and 0 <= threshold <= 1):
        raise _DamageError(f"its threshold is {str(threshold)[:40]!r}")
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
