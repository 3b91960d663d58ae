"""Finding the audio files of a folder by their endings and contents, and counting the other files."""

import collections
import os
from pathlib import Path
from typing import NamedTuple

from asc_tf.errors import AscError, unreadable

ENDINGS = {
    ".wav", ".wave", ".bwf", ".rf64", ".bw64", ".w64", ".aif", ".aiff", ".aifc", ".au", ".snd", ".caf", ".flac",
    ".ogg", ".oga", ".opus", ".mp3", ".mp2", ".mpga", ".nist", ".sph", ".voc", ".8svx", ".svx", ".wve", ".sf", ".ircam",
}  # fmt: skip
_HEAD_BYTES = 64
_MAGICS = (b"fLaC", b".snd", b"dns.", b"caff", b"riff\x2e\x91\xcf\x11", b"ID3", b"NIST_1A", b"Creative Voice File",
           b"\xff\xfb", b"\xff\xfa", b"\xff\xf3", b"\xff\xf2")  # fmt: skip
_CHUNKED = {b"RIFF": (b"WAVE",), b"RIFX": (b"WAVE",), b"RF64": (b"WAVE",), b"BW64": (b"WAVE",),
            b"FORM": (b"AIFF", b"AIFC", b"8SVX", b"16SV")}  # fmt: skip
_OGG_CODECS = (b"\x01vorbis", b"OpusHead", b"\x7fFLAC", b"Speex")


class Found(NamedTuple):
    """The contents of a folder and its subfolders.

    Attributes:
        names: of the audio files, relative to the folder, sorted.
        skipped: {ending: how many} of the other files.
        links: number of links to folders that are searched anyway, loops among them.
    """

    names: list[str]
    skipped: dict[str, int]
    links: int = 0

    def __str__(self):
        """One line about the skipped files; empty if there are none."""
        count = sum(self.skipped.values())
        shown = ", ".join(f"{n} {end}" for end, n in sorted(self.skipped.items(), key=lambda item: (-item[1], item[0])))
        parts = [f"{count} {'file' if count == 1 else 'files'} skipped: {shown}"] if count else []
        if self.links:
            parts.append(f"{self.links} {'link' if self.links == 1 else 'links'} to folders that are searched anyway")
        return "; ".join(parts)


def audio_below(folder):
    """Find the audio files of a folder and of all folders below it, linked ones too, each folder once.

    Names that begin with a dot and links to folders that are searched anyway (loops among them) are left out.

    Args:
        folder: where to look.

    Returns:
        A `Found`.

    Raises:
        AscError: a folder cannot be read, or there is no audio.
    """
    names, skipped, links, seen = [], collections.Counter(), 0, set()
    waiting, linked = collections.deque([(os.fspath(folder), "")]), collections.deque()
    while waiting or linked:
        # Links come last, so that a recording is named after its own folder if that folder is searched too.
        path, prefix = (waiting or linked).popleft()
        place, entries = _contents(path)
        if place in seen:
            links += 1
            continue
        seen.add(place)
        for entry in entries:
            name = f"{prefix}{entry.name}"
            if entry.name.startswith("."):
                skipped["hidden"] += 1
            elif entry.is_dir():
                (linked if entry.is_symlink() else waiting).append((entry.path, f"{name}/"))
            elif is_audio(entry):
                names.append(name)
            else:
                skipped[Path(entry.name).suffix.lower() or "without an ending"] += 1
    found = Found(sorted(names), dict(skipped), links)
    if not names:
        said = f" ({found})" if str(found) else ""
        raise AscError(
            f"{folder}: holds no audio file, nor does a folder in it{said}; expected WAV, FLAC, Ogg, AIFF, MP3 ..."
        )
    return found


def is_audio(path):
    """Whether a file is audio, by its ending or else by its first bytes."""
    if Path(path).suffix.lower() in ENDINGS:
        return True
    if not os.path.isfile(path):
        return False
    try:
        with open(path, "rb", buffering=0) as file:
            head = file.read(_HEAD_BYTES)
    except OSError:
        return False
    if head[:4] == b"OggS":
        return head[28:].startswith(_OGG_CODECS)
    return head.startswith(_MAGICS) or head[8:12] in _CHUNKED.get(head[:4], ())


def _contents(path):
    """(What tells a folder from others, its entries)."""
    try:
        status = os.stat(path)
        with os.scandir(path) as entries:
            return (status.st_dev, status.st_ino), list(entries)
    except OSError as error:
        raise unreadable(path, error) from error
