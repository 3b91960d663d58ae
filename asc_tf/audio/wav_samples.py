"""Samples of WAV files without a codec: integers and floating point, in blocks."""

import os

from asc_tf.audio.levels import check_levels
from asc_tf.audio.sample_format import GUARD_BYTES, SampleDecoder
from asc_tf.audio.wav_header import data_bytes, truncated

BLOCK_VALUES = 1 << 15  # samples of all channels in a block: a block fits into the processor's cache


class WavSamples:
    """The samples after a header that `read_wav_header` has read.

    Args:
        path: of the file, for messages.
        file: open binary file.
        header: a `WavHeader`.

    Attributes:
        sample_rate_hz, channels: of the header.
        frames: number of frames; None for codecs, which this class does not decode.

    Raises:
        AscError: as `data_bytes`.
    """

    def __init__(self, path, file, header):
        self._path, self._file, self._header = path, file, header
        self.sample_rate_hz, self.channels = header.sample_rate_hz, header.channels
        available = file.seek(0, os.SEEK_END) - header.start
        self._bytes = data_bytes(header, path, self._peek(0)[:4], available, self._peek)
        self.frames = self._bytes // header.frame_bytes if header.format else None

    def __iter__(self):
        """Yield float32 arrays [n, channels] in +-1."""
        decode, frame_bytes = SampleDecoder(self._header.format, self._path), self._header.frame_bytes
        frames = min(self.frames, max(1, BLOCK_VALUES // self.channels))
        content = memoryview(bytearray(GUARD_BYTES + frame_bytes * frames))
        self._file.seek(self._header.start)
        for first in range(0, self.frames, frames or 1):
            block = content[: GUARD_BYTES + frame_bytes * min(frames, self.frames - first)]
            if self._file.readinto(block[GUARD_BYTES:]) < len(block) - GUARD_BYTES:
                found = self._file.seek(0, os.SEEK_END)
                raise truncated(self._path, self._header.start + self._bytes, found)
            samples = decode(block).reshape(-1, self.channels)
            if self._header.format.floating:
                check_levels(samples, self._path, first)
            yield samples

    def _peek(self, behind):
        self._file.seek(self._header.start + behind)
        return self._file.read(8)
