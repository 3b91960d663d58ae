"""Headers of WAV files and streams: RIFF, RIFX, RF64, BW64 and Wave64. All WAV headers are read here."""

import struct
from dataclasses import dataclass

from asc_tf.audio.sample_format import SampleFormat
from asc_tf.errors import AscError

LOWEST_RATE_HZ, HIGHEST_RATE_HZ = 1_000, 768_000  # a rate outside means a damaged header
MAGICS = (b"RIFF", b"RIFX", b"RF64", b"BW64", b"riff")
# Writers to a pipe cannot know the length: they write 0, or 2 GB and more (arecord 0x80000000, others a block less, or
# 0xFFFFFFFF).
UNKNOWN_BYTES = 0x7FFFF000

_MOST_CHANNELS = 1024
_PCM, _FLOAT, _EXTENSIBLE = 1, 3, 0xFFFE
# The common ends of the subformats' identifiers: Microsoft's and Ambisonic B-format's.
_SUBFORMATS = bytes.fromhex("000000001000800000aa00389b71"), bytes.fromhex("00002107d3118644c8c1ca000000")
_WAVE64_RIFF = b"riff" + bytes.fromhex("2e91cf11a5d628db04c10000")
_WAVE64_CHUNK = bytes.fromhex("f3acd3118cd100c04f8edb8a")  # the common end of the identifiers of all chunks that matter
_LONGEST_CHUNK = 1 << 20  # limit of bytes before the data
# After data of length 0 these names mean chunks; anything else means samples of unknown length.
_CHUNKS = (b"LIST", b"bext", b"cart", b"cue ", b"fact", b"id3 ", b"ID3 ", b"iXML", b"axml", b"chna", b"JUNK", b"junk",
           b"PAD ", b"FLLR", b"PEAK", b"smpl", b"inst", b"plst", b"DISP", b"afsp", b"acid", b"_PMX")  # fmt: skip


@dataclass(frozen=True)
class WavHeader:
    """The header's fields.

    Args:
        sample_rate_hz: frames a second.
        channels: samples in a frame.
        frame_bytes: length of a frame; for codecs, of a block of frames.
        format: a `SampleFormat`; None for codecs such as mu-law or ADPCM.
        codec: format tag and bits, for messages.
        start: position of the first sample, in bytes.
        said_bytes: length of the samples as the header states it; `data_bytes` interprets it.
        size_bits: width of the header's length field.
    """

    sample_rate_hz: int
    channels: int
    frame_bytes: int
    format: SampleFormat | None
    codec: tuple[int, int]
    start: int
    said_bytes: int
    size_bits: int


def read_wav_header(read, name):
    """Read a header up to the first sample.

    Args:
        read: function from a number of bytes to that many bytes, or fewer at the end.
        name: of the file or stream, for messages.

    Returns:
        A `WavHeader`; None if the first four bytes are not among MAGICS.

    Raises:
        AscError: a header that is cut or damaged, or a header of another format with the same beginning.
    """
    return _HeaderReader(read, name).read()


def data_bytes(header, name, first, available=None, peek=None):
    """The true number of bytes of samples, whatever the header says.

    A length of 0, or a length of 2 GB and more that the file does not have, means that the writer did not know it.
    32-bit lengths overflow at 4 GiB: if a multiple of 4 GiB follows the stated data, those bytes are samples too.

    Args:
        header: a `WavHeader`.
        name: of the file or stream, for messages.
        first: the first four bytes after the header.
        available: bytes after the header; None if unknown, as for a pipe.
        peek: function from a position after the header to the eight bytes at that position.

    Returns:
        Number of bytes; None means all until the stream ends.

    Raises:
        AscError: samples are missing, or there are more samples than the header states.
    """
    said = header.said_bytes
    unknown = said >= (UNKNOWN_BYTES if header.size_bits == 32 else 1 << 62)
    if first in (b"wvpk", b"OggS"):
        raise AscError(f"{name}: holds {'Ogg' if first == b'OggS' else 'WavPack'} data; expected WAV samples")
    wraps = header.size_bits == 32 and (available or 0) >> 32
    if said == 0 and not wraps:
        return 0 if not first or first in _CHUNKS else available
    if available is None:
        return None if unknown else said
    if said > available:
        if unknown:
            return available
        raise truncated(name, header.start + said, header.start + available)
    if wraps:
        said += available - said >> 32 << 32
    end = said if said % 2 == 0 or _is_name(peek(said)[:4]) else said + 1
    names = [*_names_of_chunks(end, peek)]
    if other := {b"data", *MAGICS}.intersection(names):
        raise AscError(f"{name}: has a second block of samples ({min(other).decode()}); expected one WAV file")
    if names or end >= available:
        return said
    if unknown:
        return available
    if available - said > _LONGEST_CHUNK and peek(end).strip(b"\0"):
        raise AscError(
            f"{name}: has a damaged WAV header, it promises {said} bytes of samples and {available - said} stand "
            "behind them"
        )
    return said


def truncated(name, promised, found):
    """The error about a file whose end is missing; both lengths in bytes."""
    return AscError(f"{name}: truncated, the header promises {promised} bytes and the file has {found}")


def check_rate(rate_hz, name):
    """Raise AscError if a sample rate cannot be right."""
    if not LOWEST_RATE_HZ <= rate_hz <= HIGHEST_RATE_HZ:
        raise AscError(
            f"{name}: a sample rate of {rate_hz} Hz cannot be right; expected {LOWEST_RATE_HZ} to {HIGHEST_RATE_HZ} Hz"
        )


def _names_of_chunks(position, peek):
    while _is_name((chunk := peek(position))[:4]):
        yield chunk[:4]
        length = int.from_bytes(chunk[4:], "little")
        position += 8 + length + length % 2


def _is_name(chunk):
    return len(chunk) == 4 and all(0x20 <= byte < 0x7F for byte in chunk)


class _HeaderReader:
    def __init__(self, read, name):
        self._read, self._name, self._position = read, name, 0

    def read(self):
        magic = self._read(4)
        if magic not in MAGICS:
            return None
        self._position = 4
        self._order, self._is_wave64 = ">" if magic == b"RIFX" else "<", magic == b"riff"
        if self._is_wave64:
            is_wave = magic + self._bytes(12) == _WAVE64_RIFF and self._bytes(24)[8:] == b"wave" + _WAVE64_CHUNK
        else:
            is_wave = self._bytes(8)[4:] == b"WAVE"
        if not is_wave:
            raise AscError(f"{self._name}: is a {magic.decode().upper()} file without WAVE; expected audio")
        fmt = long_bytes = None
        while True:
            chunk, length = self._chunk()
            if chunk == b"data":
                return self._header(fmt, length, long_bytes)
            if length > _LONGEST_CHUNK or not _is_name(chunk):
                raise self._damaged(f"a chunk {chunk!r} of {length} bytes before the samples")
            content = self._bytes(length + -length % (8 if self._is_wave64 else 2))[:length]
            if chunk == b"fmt ":
                if fmt is not None:
                    raise self._damaged("two formats of its samples")
                fmt = content
            elif chunk == b"ds64" and length >= 16:
                (long_bytes,) = struct.unpack("<Q", content[8:16])

    def _chunk(self):
        """(name, length of the content) of the next chunk."""
        if not self._is_wave64:
            return struct.unpack(f"{self._order}4sI", self._bytes(8))
        name, end, length = struct.unpack("<4s12sQ", self._bytes(24))
        if length < 24:
            raise self._damaged(f"a chunk of {length} bytes")
        return name if end == _WAVE64_CHUNK else b"----", length - 24

    def _header(self, fmt, length, long_bytes):
        if fmt is None or len(fmt) < 16:
            raise self._damaged("the format of its samples missing")
        tag, channels, rate, _, frame_bytes, bits = struct.unpack(f"{self._order}HHIIHH", fmt[:16])
        valid_bits = bits
        if tag == _EXTENSIBLE and len(fmt) >= 40:
            valid, _, subformat, end = struct.unpack(f"{self._order}HIH14s", fmt[18:40])
            tag = subformat if end in _SUBFORMATS else tag
            valid_bits = valid or bits
        check_rate(rate, self._name)
        if not 1 <= channels <= _MOST_CHANNELS:
            raise self._damaged(f"{channels} channels")
        format_ = None
        if tag in (_PCM, _FLOAT):
            format_ = self._format(tag == _FLOAT, frame_bytes, channels, bits, valid_bits)
        size_bits = 64 if self._is_wave64 else 32
        if long_bytes is not None and length == 0xFFFFFFFF:
            length, size_bits = long_bytes, 64
        return WavHeader(rate, channels, frame_bytes, format_, (tag, bits), self._position, length, size_bits)

    def _format(self, floating, frame_bytes, channels, bits, valid_bits):
        """The `SampleFormat` of integers or floating point."""
        container, rest = divmod(frame_bytes, channels)
        if rest or not valid_bits <= bits <= 8 * container:
            raise self._damaged(f"{channels} channels of {valid_bits} in {bits} bits in {frame_bytes} bytes a frame")
        if floating and valid_bits == 8 * container and container in (4, 8):
            return SampleFormat(container, valid_bits, True, self._order == ">")
        # 8 bits are unsigned and more are signed: 8 in a wider container could be either.
        if not floating and (container == 1 and valid_bits == 8 or 2 <= container <= 4 and bits > 8 and valid_bits > 1):
            return SampleFormat(container, valid_bits, False, self._order == ">")
        raise AscError(
            f"{self._name}: has {'floating point' if floating else 'integer'} samples of {valid_bits} bits in "
            f"{container} bytes; expected integers of 8 to 32 bits or floating point of 32 or 64"
        )

    def _bytes(self, count):
        data = self._read(count)
        self._position += len(data)
        if len(data) < count:
            raise AscError(f"{self._name}: ended inside the WAV header")
        return data

    def _damaged(self, what):
        return AscError(f"{self._name}: has a damaged WAV header, {what}")
