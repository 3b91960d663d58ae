"""The length that a header promises: libsndfile reads many files whose end is missing as shorter ones."""

import re

from asc_tf.audio.wav_header import UNKNOWN_BYTES, truncated
from asc_tf.errors import AscError

# Formats for which libsndfile, this module or its neighbours notice a missing end.
CHECKED = {"WAV", "WAVEX", "RF64", "W64", "AIFF", "AU", "CAF", "FLAC", "OGG", "MP3", "NIST", "VOC", "SVX", "HTK",
           "WVE"}  # fmt: skip
_LOGGED = re.compile(r"(?:data|SSND|BODY|Data Size|Data length|Riff size|riff) *:? *(\d+) \(?should be (\d+)")
_NIST_FIELDS = (b"sample_count", b"channel_count", b"sample_n_bytes")


def check_is_whole(path, file, format, log):
    """Refuse a file that libsndfile would read as a shorter one.

    Args:
        path: for messages.
        file: open binary file.
        format: libsndfile's name of the format.
        log: libsndfile's log of the header.

    Returns:
        Number of frames, for formats that libsndfile may count otherwise; else 0.

    Raises:
        AscError: the end is missing, or the format does not state where the end is.
    """
    if format not in CHECKED:
        raise AscError(
            f"{path}: has the format {format}, whose end may be missing unseen; expected WAV, FLAC, AIFF, Ogg, MP3 "
            "or the like"
        )
    for promised, found in _LOGGED.findall(log):
        if int(promised) > int(found) and not UNKNOWN_BYTES <= int(promised) <= 0xFFFFFFFF:
            raise truncated(path, promised, found)
    promise = {"CAF": _caf, "NIST": _nist, "VOC": _voc}.get(format)
    if promise is None:
        return 0
    (promised, frames), found = promise(path, file), file.seek(0, 2)
    if promised > found:
        raise truncated(path, promised, found)
    return frames


def _caf(path, file):
    """(End of the samples of a CAF file, frames by the packet table, which only codecs have)."""
    position, size, end, frames = 8, file.seek(0, 2), 0, 0
    while position < size:
        file.seek(position)
        name, length = file.read(4), int.from_bytes(file.read(8), "big", signed=True)
        if name == b"pakt":
            frames = int.from_bytes(file.read(16)[8:], "big")
        if length < 0:  # unknown: to the end
            break
        position += 12 + length
        end = position if name == b"data" else end
    return end, frames


def _nist(path, file):
    """(Length of a NIST SPHERE file by the text at the file's beginning, 0)."""
    file.seek(0)
    header = file.read(1 << 16).split(b"end_head")[0]
    numbers = [re.search(rb"^%s -[is]\d* (\d+)" % name, header, re.M) for name in _NIST_FIELDS]
    start = re.match(rb"NIST_1A\s+(\d+)", header)
    if not (start and all(numbers)):
        raise AscError(f"{path}: has a damaged NIST header; expected {b', '.join(_NIST_FIELDS).decode()}")
    count, channels, width = (int(number[1]) for number in numbers)
    return int(start[1]) + count * channels * width, 0


def _voc(path, file):
    """(Length of a VOC file by its blocks, the last of which is of type 0 or ends the file; 0)."""
    file.seek(20)
    position, size = int.from_bytes(file.read(2), "little"), file.seek(0, 2)
    while position < size:
        file.seek(position)
        block = file.read(4)
        if block[:1] == b"\0":
            return position + 1, 0
        position += 4 + int.from_bytes(block[1:], "little")
    return position, 0
