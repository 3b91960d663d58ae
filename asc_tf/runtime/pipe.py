"""Samples from a pipe as they come: a WAV stream, or raw 16-bit samples. Nothing about their format is guessed."""

import struct
from dataclasses import dataclass

import numpy as np

from asc_tf.errors import AscError
from asc_tf.frontend.decode import HIGHEST_RATE_HZ, LOWEST_RATE_HZ, UNKNOWN_BYTES

_PCM, _FLOAT, _EXTENSIBLE = 1, 3, 0xFFFE
_OTHERS = {b"RIFX": "big-endian WAV", b"RF64": "RF64", b"fLaC": "FLAC", b"OggS": "OGG", b"FORM": "AIFF",
           b".snd": "AU", b"caff": "CAF", b"ID3\3": "MP3", b"ID3\4": "MP3"}  # fmt: skip
_EXPECTED = "expected WAV or raw S16_LE, one channel"
_LONGEST_CHUNK = 1 << 20  # of a header; more is not one
_BLOCK = 1 << 16


@dataclass(frozen=True)
class Format:
    """Rate in Hz, channels, bytes of one channel's sample, whether floating point, and bytes if the header knows."""

    sample_rate_hz: int
    channels: int = 1
    width: int = 2
    floating: bool = False
    length: int | None = None

    def __str__(self):
        kind = "floating point" if self.floating else "integer"
        return f"{self.sample_rate_hz} Hz, {self.channels} channel(s), {8 * self.width}-bit {kind}"


class SamplePipe:
    """A binary file such as standard input, read as it fills.

    Args:
        file: with `read1` or `read`.
        raw_rate_hz: rate of raw samples, S16_LE in one channel.
        said_rate_hz: what the user says the rate is, to be compared with a header's; None if nothing was said.
        name: for errors.

    Attributes:
        format: a `Format`.
        wav: whether a WAV header came first.

    Raises:
        AscError: an empty pipe, a damaged header, a format that is not read here, or a rate other than was said.
    """

    def __init__(self, file, raw_rate_hz, said_rate_hz=None, name="standard input"):
        self._read, self._name = getattr(file, "read1", file.read), name
        self._start = self._bytes(4, optional=True)
        self.wav = self._start == b"RIFF"
        if not self._start:
            raise AscError(f"{name}: ended before a sample came")
        if self._start in _OTHERS:
            raise AscError(f"{name}: is a {_OTHERS[self._start]} stream; {_EXPECTED}")
        self.format = self._read_header() if self.wav else Format(raw_rate_hz)
        if not LOWEST_RATE_HZ <= self.format.sample_rate_hz <= HIGHEST_RATE_HZ:
            raise AscError(f"{name}: a sample rate of {self.format.sample_rate_hz} Hz cannot be right")
        if self.wav and said_rate_hz not in (None, self.format.sample_rate_hz):
            raise AscError(f"{name}: the WAV header says {self.format.sample_rate_hz} Hz, but --rate {said_rate_hz}")

    def __iter__(self):
        """Float32 arrays [n, channels] in +-1 until the end.

        Raises:
            AscError: the stream ends before its header says, or inside a sample.
        """
        frame = self.format.width * self.format.channels
        left, rest, taken = self.format.length, b"" if self.wav else self._start, 0
        while left is None or taken < left:
            more = self._read(_BLOCK if left is None else min(_BLOCK, left - taken))
            taken += len(more)
            rest += more
            whole = len(rest) // frame * frame
            if whole:
                yield self._decode(rest[:whole])
            rest = rest[whole:]
            if not more:
                break
        if left is not None and taken < left:
            raise AscError(f"{self._name}: ended after {taken} of the {left} bytes that the header promises")
        if rest:
            raise AscError(f"{self._name}: ended inside a sample; was it {self.format}?")

    def _decode(self, data):
        width = self.format.width
        if self.format.floating:
            samples = np.frombuffer(data, "<f4")
        elif width == 1:  # 8-bit WAV is unsigned
            samples = (np.frombuffer(data, np.uint8).astype(np.float32) - 128) / 128
        else:
            padded = np.zeros((len(data) // width, 4), np.uint8)
            padded[:, 4 - width :] = np.frombuffer(data, np.uint8).reshape(-1, width)
            samples = padded.view("<i4")[:, 0].astype(np.float32) * np.float32(2.0**-31)
        return samples.reshape(-1, self.format.channels)

    def _read_header(self):
        if self._bytes(8)[4:] != b"WAVE":
            raise AscError(f"{self._name}: is a RIFF stream without WAVE; {_EXPECTED}")
        fmt = None
        while True:
            chunk, length = struct.unpack("<4sI", self._bytes(8))
            if chunk == b"data":
                break
            if length > _LONGEST_CHUNK:
                raise AscError(f"{self._name}: has a damaged WAV header, a chunk of {length} bytes before the data")
            content = self._bytes(length + length % 2)
            fmt = content[:length] if chunk == b"fmt " else fmt
        if fmt is None or len(fmt) < 16:
            raise AscError(f"{self._name}: has a damaged WAV header, without the samples' format")
        tag, channels, rate, _, block, bits = struct.unpack("<HHIIHH", fmt[:16])
        if tag == _EXTENSIBLE and len(fmt) >= 26:
            (tag,) = struct.unpack("<H", fmt[24:26])
        if (tag, bits) not in ((_PCM, 8), (_PCM, 16), (_PCM, 24), (_PCM, 32), (_FLOAT, 32)):
            raise AscError(
                f"{self._name}: has WAV samples of format {tag} with {bits} bits; "
                "expected integers of 8 to 32 bits or 32-bit floating point"
            )
        if not 1 <= channels <= 1024 or block != channels * bits // 8:
            raise AscError(f"{self._name}: has a damaged WAV header, {channels} channels in {block} bytes a sample")
        # Writers to a pipe that do not know the length leave 0 or a very large one.
        known = length if 0 < length < UNKNOWN_BYTES else None
        return Format(rate, channels, bits // 8, tag == _FLOAT, known)

    def _bytes(self, count, optional=False):
        data = b""
        while len(data) < count and (more := self._read(count - len(data))):
            data += more
        if len(data) < count and not optional:
            raise AscError(f"{self._name}: ended inside the WAV header")
        return data
