"""TFLite Model Metadata, which MediaPipe's AudioClassifier and LiteRT's tools read. Needs no TensorFlow.

Reference: `metadata_schema.fbs` of TensorFlow Lite Support and MediaPipe, version 1.3.0; numbers of fields and types
below are its.
"""

import flatbuffers
from flatbuffers import number_types

ENTRY = "TFLITE_METADATA"
LABELS_FILE = "labels.txt"
_IDENTIFIER, _PARSER_VERSION = b"M001", "1.3.0"  # the first version with AudioProperties
_TENSOR_AXIS_LABELS = 2
_FEATURE_PROPERTIES, _AUDIO_PROPERTIES = 1, 4


def model_metadata(metadata):
    """Content of the entry ENTRY for a file from waveform to probabilities with this `Metadata`.

    It states rate and channels of the waveform, and that the file LABELS_FILE names the probabilities. Score
    calibration is not stated: the probabilities are the network's.
    """
    builder = flatbuffers.Builder(1024)
    audio = _table(builder, {0: _uint32(metadata.sample_rate_hz), 1: _uint32(1)})
    waveform = _tensor(
        builder, "waveform", f"{metadata.samples} samples of one channel in -1 to 1", _AUDIO_PROPERTIES, audio
    )
    labels = {
        0: _text(builder, LABELS_FILE),
        1: _text(builder, "a scene a line, in the order of the probabilities"),
        2: (number_types.Int8Flags, _TENSOR_AXIS_LABELS),
    }
    files = {6: _vector(builder, [_table(builder, labels)])}
    probabilities = _tensor(
        builder, "probabilities", "of the scenes; their sum is 1", _FEATURE_PROPERTIES, _table(builder, {}), files
    )
    graph = _table(builder, {2: _vector(builder, [waveform]), 3: _vector(builder, [probabilities])})
    model = {
        0: _text(builder, metadata.network),
        1: _text(builder, f"Acoustic scene classification, made by asc-tf {metadata.version}"),
        3: _vector(builder, [graph]),
        7: _text(builder, _PARSER_VERSION),
    }
    builder.Finish(_table(builder, model), _IDENTIFIER)
    return bytes(builder.Output())


def labels_file(metadata):
    """Content of LABELS_FILE: a label a line."""
    return "".join(f"{label}\n" for label in metadata.labels).encode()


def _tensor(builder, name, description, kind, properties, more=()):
    content = _table(builder, {0: (number_types.Uint8Flags, kind), 1: _offset(properties)})
    named = {0: _text(builder, name), 1: _text(builder, description), 3: _offset(content)}
    return _table(builder, {**named, **dict(more)})


def _table(builder, fields):
    """Write {number of a field: (its type, its value)}; return the table's place."""
    builder.StartObject(max(fields, default=-1) + 1)
    for slot, (flags, value) in fields.items():
        if flags is number_types.UOffsetTFlags:
            builder.PrependUOffsetTRelativeSlot(slot, value, 0)
        else:
            builder.PrependSlot(flags, slot, value, 0)
    return builder.EndObject()


def _vector(builder, tables):
    builder.StartVector(4, len(tables), 4)
    for table in reversed(tables):
        builder.PrependUOffsetTRelative(table)
    return _offset(builder.EndVector())


def _text(builder, text):
    return _offset(builder.CreateString(text))


def _offset(place):
    return number_types.UOffsetTFlags, place


def _uint32(number):
    return number_types.Uint32Flags, number
