"""Plain WAV files decoded inside a TensorFlow graph, by tensorflow-io where that is installed."""

import functools
import struct

import tensorflow as tf

_FORMATS = {16: b"\x02\0\x10\0", 24: b"\x03\0\x18\0"}  # block align and bits of mono samples, as in the header
_HEAD = b"WAVEfmt " + struct.pack("<IHH", 16, 1, 1)
_PROBE = b"RIFF" + struct.pack("<I", 38) + _HEAD + struct.pack("<II", 8000, 16000) + _FORMATS[16] + b"data\2\0\0\0\0\0"


@functools.cache
def decoder():
    """tensorflow-io's WAV decoder, or None where it is not installed or does not fit this TensorFlow."""
    try:
        import tensorflow_io

        decode_wav = tensorflow_io.audio.decode_wav
        decode_wav(_PROBE, dtype=tf.int16)
    except (ImportError, NotImplementedError, AttributeError, tf.errors.OpError):
        return None
    return decode_wav


def kind_and_rate(raw):
    """(1 if 16-bit, 2 if 24-bit mono PCM with the usual 44-byte header and nothing missing, else 0; rate in Hz)."""
    head = tf.strings.substr(tf.strings.join([raw, tf.constant(bytes(44))]), 0, 44)

    def field(start):
        return tf.io.decode_raw(tf.strings.substr(head, start, 4), tf.int32)[0]

    rate, length = field(24), field(40)
    usual = (
        (tf.strings.substr(head, 0, 4) == b"RIFF")
        & (tf.strings.substr(head, 8, 16) == _HEAD)
        & (tf.strings.substr(head, 36, 4) == b"data")
        & (length > 0)
        & (length + 44 == tf.strings.length(raw))
        & (rate >= 1000)
        & (rate <= 768000)
    )
    bits = [(tf.strings.substr(head, 32, 4) == form) & (length % (width // 8) == 0) for width, form in _FORMATS.items()]
    return tf.where(usual, tf.where(bits[0], 1, tf.where(bits[1], 2, 0)), 0), rate


def decode(raw, bits):
    """float32 [samples] in +-1 of a file that `kind_and_rate` found to have so many bits; equals `load_waveform`."""
    dtype = {16: tf.int16, 24: tf.int32}[bits]
    return tf.cast(decoder()(raw, dtype=dtype)[:, 0], tf.float32) / -float(dtype.min)
