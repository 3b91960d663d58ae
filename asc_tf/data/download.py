"""Download of the TAU Urban Acoustic Scenes Mobile development sets and of ESC-10, resumable and with checksums.

soundata knows the archives, their addresses and checksums. Its own downloader keeps a partial archive, then fails on
the checksum for ever, and unpacks everything again on each call; so this module fetches and unpacks.
"""

import hashlib
import http.client
import logging
import shutil
import time
import urllib.error
import urllib.request
import zipfile
from dataclasses import dataclass
from pathlib import Path, PureWindowsPath

from asc_tf.atomic import exclusive, whole_file, write_text
from asc_tf.data.esc10 import copy_clips
from asc_tf.errors import AscError, nearest, not_installed

TRIES = 4  # requests for one archive; the count restarts after each request that brings bytes
PAUSE_SECONDS = 5.0  # between two tries
TIMEOUT_SECONDS = 60.0  # without data on the line
BLOCK_BYTES = 1 << 17  # the most that a reset connection loses

_SOUNDATA_NAMES = {"tau2020": "tau2020uas_mobile", "tau2022": "tau2022uas_mobile", "esc10": "esc50"}
_ORDER = ("meta", "doc", "audio")  # the order of TAU's archives; ESC-50 is a single archive


@dataclass(frozen=True)
class Archive:
    """A zip file to fetch: its name, its address and the md5 checksum in hexadecimal digits."""

    filename: str
    url: str
    md5: str


class _NetworkError(Exception):
    """The network failed; another try may succeed."""


def download(name, root):
    """Download a data set to ROOT/audio/ and, for TAU, ROOT/meta.csv: about 40 GB; ESC-10 0.6 GB.

    Archives are fetched one by one to ROOT/archives, verified, unpacked and deleted. After an interruption the next
    call continues: a partial archive is completed, and unpacked members stay. A finished archive leaves
    ROOT/archives/NAME.done with its checksum, so that the next call skips the archive; delete that file to have the
    archive fetched and unpacked again.

    Args:
        name: "tau2020", "tau2022" or "esc10". ESC-10 comes in the archive of ESC-50; only the clips of ESC-10 stay, and
            `asc_tf.data.esc10.write_split` makes the tables.
        root: folder of the data set; made if missing.

    Raises:
        AscError: an unknown name; soundata is not installed; the network fails; an archive has another checksum, is no
            zip file, or holds a member that cannot be written or would be written outside `root`; or another process is
            downloading into `root`.
        OSError: the disk is full before an archive is whole, or `root` cannot be made.
    """
    archives = _archives(name)
    root = Path(root)
    folder = root / "archives"
    with exclusive(folder):
        for archive in archives:
            done = folder / f"{archive.filename}.done"
            if not (done.is_file() and done.read_bytes().strip() == archive.md5.encode()):
                _unpack_set(name, _fetch(archive, folder), root)
                write_text(done, f"{archive.md5}\n")
            (folder / archive.filename).unlink(missing_ok=True)


def _unpack_set(name, path, root):
    """Unpack an archive of a data set to the places of its files."""
    if name != "esc10":
        _unpack(path, root)
        return
    unpacked = path.with_name("unpacked")
    _unpack(path, unpacked)
    copy_clips(unpacked, root)
    shutil.rmtree(unpacked)


def _archives(name):
    """The archives of a data set as soundata lists them: metadata first, then documentation, then audio."""
    if name not in _SOUNDATA_NAMES:
        raise AscError(f"'{name}' is no data set that can be downloaded; {nearest(name, _SOUNDATA_NAMES)}")
    # soundata calls logging.basicConfig on import, which does nothing if the root logger has a handler.
    handler = logging.NullHandler()
    logging.getLogger().addHandler(handler)
    try:
        import soundata

        remotes = soundata.initialize(_SOUNDATA_NAMES[name], data_home=".").remotes
    except ImportError:
        raise not_installed("data download", "soundata", "download") from None
    finally:
        logging.getLogger().removeHandler(handler)
    keys = [key for key in remotes if key.startswith("development.") or key == "all"]
    keys.sort(key=lambda key: _ORDER.index(key.split(".")[1]) if "." in key else 0)
    return [Archive(remotes[key].filename, remotes[key].url, remotes[key].checksum) for key in keys]


def _fetch(archive, folder):
    """Make sure that an archive is whole and verified in `folder`; return its path."""
    path = folder / archive.filename
    if path.is_file():  # verified before, or put there by the user
        held, found = path, _md5_of(path).hexdigest()
    else:
        held = path.with_name(f"{path.name}.part")
        found = _complete(archive, held)
    if found != archive.md5:
        held.unlink()
        raise AscError(
            f"{path}: has the md5 checksum {found}; expected {archive.md5} (the file is deleted: run the same command "
            "again to fetch it anew)"
        )
    held.replace(path)
    return path


def _complete(archive, part):
    """Fetch the missing rest of a partial file, with new tries if the network fails; returns its md5."""
    furthest, failures = _size(part), 0
    while True:
        try:
            return _continue(archive, part)
        except _NetworkError as error:
            if _size(part) > furthest:
                furthest, failures = _size(part), 0
            failures += 1
            if failures >= TRIES:
                raise AscError(
                    f"{archive.filename}: stopped at byte {_size(part)} ({error}); "
                    "run the same command again to go on where it stopped"
                ) from error
            time.sleep(PAUSE_SECONDS)


def _continue(archive, part):
    """Ask once for the missing rest of a partial file and append it; returns the hexadecimal md5 of the whole."""
    from tqdm import tqdm  # comes with soundata; `_archives` explains a missing soundata

    digest = _md5_of(part)
    if digest.hexdigest() == archive.md5:
        return archive.md5
    response, start = _open(archive.url, _size(part))
    length = response.headers.get("Content-Length")
    total = None if length is None else start + int(length)
    progress = tqdm(desc=archive.filename, initial=start, total=total, unit="B", unit_scale=True)
    with response, progress, part.open("ab") as file:
        if start == 0:
            file.truncate(0)
            digest = _md5_of(None)
        while block := _network(response.read, BLOCK_BYTES):
            file.write(block)
            digest.update(block)
            progress.update(len(block))
    if total is not None and _size(part) < total:
        raise _NetworkError(f"the connection closed {total - _size(part)} bytes before the end")
    return digest.hexdigest()


def _open(url, start):
    """Ask for a file from byte `start` on; returns the response and the byte at which it begins, `start` or 0."""
    request = urllib.request.Request(url, headers={"Range": f"bytes={start}-"} if start else {})
    try:
        response = _network(urllib.request.urlopen, request, timeout=TIMEOUT_SECONDS)
    except _NetworkError as error:
        # Range not satisfiable: the partial file is at least as long as the archive, but not equal to it.
        if start and getattr(error.__cause__, "code", None) == 416:
            return _open(url, 0)
        raise
    return response, start if response.status == 206 else 0


def _network(call, *args, **kwargs):
    """Call and turn a failure of the network into a _NetworkError; an OSError of the disk is raised unchanged."""
    try:
        return call(*args, **kwargs)
    except (OSError, http.client.HTTPException) as error:  # URLError, timeouts and resets are OSErrors
        if isinstance(error, urllib.error.HTTPError):
            error.close()
        raise _NetworkError(str(error).strip("<>") or type(error).__name__) from error


def _size(path):
    return path.stat().st_size if path.is_file() else 0


def _md5_of(path):
    """The running md5 of a file; of nothing if the file is missing."""
    digest = hashlib.md5(usedforsecurity=False)
    if path is not None and path.is_file():
        with path.open("rb") as file:
            while block := file.read(BLOCK_BYTES):
                digest.update(block)
    return digest


def _unpack(path, root):
    """Write the members of an archive below `root`, except those already there in the right size."""
    from tqdm import tqdm

    try:
        with zipfile.ZipFile(path) as archive:
            members = [member for member in archive.infolist() if not member.is_dir()]
            targets = [_target(member, path, root) for member in members]  # refuse before anything is written
            for member, target in zip(tqdm(members, desc=f"unpack {path.name}", unit="file"), targets, strict=True):
                if target.is_file() and target.stat().st_size == member.file_size:
                    continue
                with whole_file(target) as part, archive.open(member) as source, part.open("wb") as file:
                    shutil.copyfileobj(source, file, BLOCK_BYTES)
    except zipfile.BadZipFile as error:
        raise AscError(f"{path}: cannot be unpacked ({error})") from error


def _target(member, path, root):
    """Target of a member: below `root`, without the top folder that has the archive's name."""
    name = PureWindowsPath(member.filename)  # knows both separators and drives, on any system
    if name.anchor or ".." in name.parts:
        raise AscError(f"{path}: holds '{member.filename}', a path outside of {root}; nothing is unpacked")
    top_folder = path.name.partition(".")[0]
    return root.joinpath(*(name.parts[1:] if name.parts[:1] == (top_folder,) else name.parts))
