"""Plain WAV files decoded inside a TensorFlow graph, by TensorFlow's own operations.

`tf.audio.decode_wav` reads 16 bits alone. tensorflow-io reads more, but loads on TensorFlow 2.16 only, accepts damaged
FLAC files and rounds Ogg otherwise than libsndfile (benchmarks/decoding.py): host code decodes those formats.
"""

import struct

import tensorflow as tf

from asc_tf.audio.levels import LARGEST_SAMPLE
from asc_tf.audio.wav_header import HIGHEST_RATE_HZ, LOWEST_RATE_HZ

HEADER_BYTES = 44
_START = b"WAVEfmt " + struct.pack("<I", 16)
# Format tag, block align and bits per sample of one channel, as in the header.
_PCM, _FLOAT = 1, 3
KINDS = {"PCM_16": (_PCM, 2, 16), "PCM_24": (_PCM, 3, 24), "PCM_32": (_PCM, 4, 32), "FLOAT": (_FLOAT, 4, 32)}


def kind_and_rate(raw):
    """Read a 44-byte header, if the file is an undamaged WAV file of one channel with the usual header.

    Args:
        raw: the file's bytes, string [].

    Returns:
        (int32 []: 1 plus the place in KINDS, 0 for every other file; int32 []: rate in Hz).
    """
    head = tf.strings.substr(tf.strings.join([raw, tf.constant(bytes(HEADER_BYTES))]), 0, HEADER_BYTES)

    def text(start, length):
        return tf.strings.substr(head, start, length)

    def number(start, dtype=tf.int32):
        return tf.cast(tf.io.decode_raw(text(start, dtype.size), dtype)[0], tf.int32)

    rate, length = number(24), number(40)
    usual = (
        (text(0, 4) == b"RIFF")
        & (text(8, 12) == _START)
        & (number(22, tf.uint16) == 1)
        & (text(36, 4) == b"data")
        & (length > 0)
        & (length + HEADER_BYTES == tf.strings.length(raw))
        & (rate >= LOWEST_RATE_HZ)
        & (rate <= HIGHEST_RATE_HZ)
    )
    found = [
        usual
        & (number(20, tf.uint16) == tag)
        & (number(32, tf.uint16) == block)
        & (number(34, tf.uint16) == bits)
        & (length % block == 0)
        for tag, block, bits in KINDS.values()
    ]
    place = tf.reduce_sum([tf.where(same, place + 1, 0) for place, same in enumerate(found)])
    sound = tf.cond(place == 1 + [*KINDS].index("FLOAT"), lambda: _within_limit(decode(raw, "FLOAT")), lambda: True)
    return tf.where(sound, place, 0), rate


def decode(raw, kind):
    """Samples of a file of a kind that `kind_and_rate` found.

    Args:
        raw: the file's bytes, string [].
        kind: name in KINDS.

    Returns:
        float32 [samples] in +-1, exactly the numbers of `load_waveform`.
    """
    data = tf.strings.substr(raw, HEADER_BYTES, -1)
    if kind == "FLOAT":
        return tf.io.decode_raw(data, tf.float32)
    if kind == "PCM_24":
        # With a zero byte below, they become 32-bit integers.
        samples = tf.reshape(tf.io.decode_raw(data, tf.uint8), (-1, 3))
        integers = tf.bitcast(tf.pad(samples, ((0, 0), (1, 0))), tf.int32)
    else:
        integers = tf.io.decode_raw(data, {"PCM_16": tf.int16, "PCM_32": tf.int32}[kind])
    return tf.cast(integers, tf.float32) / -float(integers.dtype.min)


def _within_limit(samples):
    return tf.reduce_all(tf.abs(samples) <= LARGEST_SAMPLE)  # refuses NaN too
