"""MP3 files without a stated length: their frames are counted, and a header with the count is put in front.

Without a Xing header libsndfile estimates the length and can be off by a factor of two: a whole file then looks
truncated, or is read without its end.
"""

import io
import os
import struct
from typing import NamedTuple

from asc_tf.errors import AscError

_BITRATES_KBPS = {  # by version (MPEG-1, or MPEG-2 and 2.5) and layer
    (True, 1): (32, 64, 96, 128, 160, 192, 224, 256, 288, 320, 352, 384, 416, 448),
    (True, 2): (32, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384),
    (True, 3): (32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320),
    (False, 1): (32, 48, 56, 64, 80, 96, 112, 128, 144, 160, 176, 192, 224, 256),
    (False, 2): (8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
    (False, 3): (8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
}
_RATES_HZ = {3: (44100, 48000, 32000), 2: (22050, 24000, 16000), 0: (11025, 12000, 8000)}
_WINDOW = 1 << 16  # bytes read at once


class _Frame(NamedTuple):
    """Fields of a four-byte frame header: layer, frame length in bytes, samples, length of the layer III side data."""

    layer: int
    length: int
    samples: int
    side_bytes: int


def _frame(head):
    """The `_Frame` of four bytes; None if no frame starts there or the format is free, without a stated length."""
    if len(head) < 4 or head[0] != 0xFF or head[1] < 0xE0:
        return None
    version, layer, bitrate, rate = head[1] >> 3 & 3, 4 - (head[1] >> 1 & 3), head[2] >> 4, head[2] >> 2 & 3
    if version == 1 or layer == 4 or bitrate in (0, 15) or rate == 3:
        return None
    mpeg1, padding, mono = version == 3, head[2] >> 1 & 1, head[3] >> 6 == 3
    bits_per_second = 1000 * _BITRATES_KBPS[mpeg1, layer][bitrate - 1]
    samples = {1: 384, 2: 1152, 3: 1152 if mpeg1 else 576}[layer]
    slot_bytes = 4 if layer == 1 else 1
    slots = samples // 8 // slot_bytes * bits_per_second // _RATES_HZ[version][rate] + padding
    return _Frame(layer, slots * slot_bytes, samples, (17 if mono else 32) if mpeg1 else (9 if mono else 17))


def with_length(path, file):
    """Return an MP3 file with a stated length.

    Args:
        path: for messages.
        file: open binary file.

    Returns:
        (file: the same file, or one with a Xing header in front if the header is missing or promises fewer frames than
        the file has; the least number of samples a channel, where libsndfile may not know it, else 0).

    Raises:
        AscError: no frame states its length, the last frame is cut, the file has fewer frames than a header promises,
            or frames are damaged.
    """
    window = _Window(file)
    start = position = _behind_id3(window, 0)
    first = _frame(window.at(start, 4))
    if first is None:
        raise AscError(f"{path}: cannot be decoded as audio (no MP3 frame begins at byte {start})")
    promised, found = _promised(window.at(start, first.length), first), 0
    while (frame := _frame(window.at(position, 4))) or window.at(position, 3) == b"ID3":
        found += frame is not None
        position = position + frame.length if frame else _behind_id3(window, position)
    if position > window.size:
        raise AscError(f"{path}: truncated, {position - window.size} bytes of its last MP3 frame are missing")
    if _frames_follow(window, position):
        raise AscError(f"{path}: damaged, no MP3 frame begins at byte {position}")
    if promised is not None:
        found, start = found - 1, start + first.length  # without the header's own frame
        if found < promised:
            raise AscError(f"{path}: truncated, its header promises {promised} MP3 frames and it has {found}")
        if found <= promised + 1:
            return file, 0  # libsndfile knows the number of samples
    if first.layer == 3:
        file = _Behind(_xing_frame(window.at(start, 4), found), file, start)
    return file, (found - 2) * first.samples


def _promised(content, frame):
    """Number of frames by the Xing, Info or VBRI header in a first frame; None without one."""
    for name, count_at in ((b"Xing", 8), (b"Info", 8), (b"VBRI", 14)):
        at = content.find(name, 4, frame.side_bytes + 16)
        has_count = name == b"VBRI" or content[at + 7 : at + 8] and content[at + 7] & 1
        if at > 0 and has_count and len(count := content[at + count_at : at + count_at + 4]) == 4:
            return int.from_bytes(count, "big")
    return None


def _xing_frame(head, count):
    """A silent frame with the same kind of header, and in it a Xing header that promises this many frames."""
    head = bytes([head[0], head[1] | 1, 9 << 4 | head[2] & 0x0C, head[3]])  # no checksum, a bit rate with enough room
    frame = _frame(head)
    return (head + bytes(frame.side_bytes) + b"Xing" + struct.pack(">II", 1, count)).ljust(frame.length, b"\0")


def _behind_id3(window, position):
    """Position after an ID3v2 tag."""
    head = window.at(position, 10).ljust(10, b"\0")
    if head[:3] != b"ID3":
        return position
    length = sum(byte << 7 * place for place, byte in enumerate(reversed(head[6:10])))  # seven bits a byte
    return position + 10 + length + (10 if head[5] & 0x10 else 0)


def _frames_follow(window, position):
    """Whether more frames follow the last frame and the usual trailers (ID3v1, APE tags, zeros)."""
    while position < window.size:
        content = window.at(position, _WINDOW)
        at = content.find(b"\xff")
        while at >= 0:
            frame = _frame(content[at : at + 4])
            if frame and _frame(window.at(position + at + frame.length, 4)):
                return True
            at = content.find(b"\xff", at + 1)
        position += max(1, len(content) - 3)
    return False


class _Window:
    """A file that is read in rising order, a few bytes at a time."""

    def __init__(self, file):
        self._file, self._start, self._content = file, 0, b""
        self.size = file.seek(0, os.SEEK_END)

    def at(self, position, count):
        """This many bytes from a position; fewer at the end."""
        first = position - self._start
        if first < 0 or first + count > len(self._content):
            self._file.seek(position)
            self._start, first = position, 0
            self._content = self._file.read(_WINDOW + count)
        return self._content[first : first + count]


class _Behind(io.RawIOBase):
    """Some bytes followed by a file from a position on, with the methods that libsndfile reads through."""

    def __init__(self, prefix, file, start):
        super().__init__()
        self._prefix, self._file, self._offset, self._position = prefix, file, start - len(prefix), 0
        self._size = file.seek(0, os.SEEK_END) - self._offset

    def seek(self, offset, whence=os.SEEK_SET):
        self._position = offset + {os.SEEK_SET: 0, os.SEEK_CUR: self._position, os.SEEK_END: self._size}[whence]
        return self._position

    def tell(self):
        return self._position

    def readinto(self, buffer):
        content = self._prefix[self._position : self._position + len(buffer)]
        if not content:
            self._file.seek(self._position + self._offset)
            content = self._file.read(len(buffer))
        buffer[: len(content)] = content
        self._position += len(content)
        return len(content)
