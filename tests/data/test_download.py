"""Download from a server on the loopback interface that answers as Zenodo does, or misbehaves as told."""

import contextlib
import errno
import hashlib
import http.server
import io
import json
import os
import random
import re
import socket
import subprocess
import sys
import threading
import zipfile

import pytest

from asc_tf.data import download as module
from asc_tf.data.download import Archive, download
from asc_tf.errors import AscError

PREFIX = "TAU-urban-acoustic-scenes-2020-mobile-development"
META, AUDIO = f"{PREFIX}.meta.zip", f"{PREFIX}.audio.1.zip"
NOISE = random.Random(0).randbytes(300_000)  # does not compress
MEMBERS = {
    META: {"meta.csv": b"filename\tscene_label\n", "evaluation_setup/fold1_train.csv": b"filename\n"},
    AUDIO: {f"audio/bus-lyon-1-{i}-a.wav": NOISE[i * 1000 : (i + 1) * 1000] for i in range(4)},
}


def zipped(members):
    """The bytes of a zip file of the members, {name: contents}."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, contents in members.items():
            archive.writestr(name, contents)
    return buffer.getvalue()


def in_top_folder(members):
    return {f"{PREFIX}/": b"", **{f"{PREFIX}/{name}": contents for name, contents in members.items()}}


class Server(http.server.ThreadingHTTPServer):
    """Serves `files` {name: bytes} under /records, after a redirect from /record, and writes down what it is asked.

    asked: (file name, Range header or None) of each request for a file; sent: bytes of the bodies sent.
    Misbehaviour: `ranges` False ignores the Range header; `cuts` holds, for the next requests in turn, the bytes of the
    body after which the connection is closed; `status` is answered to all.
    """

    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.files, self.asked, self.sent = {}, [], 0
        self.ranges, self.cuts, self.status = True, [], None

    def archives(self):
        """What `_archives` lists: all files in order, with true checksums."""
        address = f"http://127.0.0.1:{self.server_port}/record/1/files"
        return [
            Archive(name, f"{address}/{name}?download=1", hashlib.md5(contents).hexdigest())
            for name, contents in self.files.items()
        ]


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        if self.path.startswith("/record/"):
            return self.answer(301, {"Location": self.path.replace("/record/", "/records/")})
        name = self.path.rpartition("/")[2].removesuffix("?download=1")
        asked_range = self.headers["Range"]
        self.server.asked.append((name, asked_range))
        if self.server.status:
            return self.answer(self.server.status)
        body, start = self.server.files[name], 0
        if asked_range and self.server.ranges:
            start = int(re.fullmatch(r"bytes=(\d+)-", asked_range)[1])
        if start and start >= len(body):
            return self.answer(416, {"Content-Range": f"bytes */{len(body)}"})
        content_range = {"Content-Range": f"bytes {start}-{len(body) - 1}/{len(body)}"} if start else {}
        self.answer(206 if start else 200, content_range, body[start:])

    def answer(self, status, headers=None, body=b""):
        self.send_response(status)
        for key, value in {"Content-Length": str(len(body)), **(headers or {})}.items():
            self.send_header(key, value)
        self.end_headers()
        if body and self.server.cuts:
            body = body[: self.server.cuts.pop(0)]
        self.wfile.write(body)
        self.server.sent += len(body)

    def log_message(self, *arguments):
        pass


@pytest.fixture
def server(monkeypatch):
    """A server of two archives, which `download` takes for those of TAU 2020; one try, no pauses."""
    with Server() as server:
        server.files = {name: zipped(in_top_folder(members)) for name, members in MEMBERS.items()}
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        monkeypatch.setenv("no_proxy", "*")
        monkeypatch.setattr(module, "TRIES", 1)
        monkeypatch.setattr(module, "PAUSE_SECONDS", 0)
        monkeypatch.setattr(module, "_archives", lambda name: server.archives())
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture
def no_archives_kept(tmp_path):
    """Checks after the test that the archives left nothing but their markers."""
    yield
    assert {path.name for path in (tmp_path / "archives").iterdir()} == {f"{META}.done", f"{AUDIO}.done"}


def unpacked(root):
    """{name: contents} of the files below a folder, but for those in archives/."""
    files = (path for path in root.rglob("*") if path.is_file() and path.parent != root / "archives")
    return {path.relative_to(root).as_posix(): path.read_bytes() for path in files}


def kept(root):
    return {path.name for path in (root / "archives").iterdir()}


ALL_MEMBERS = {**MEMBERS[META], **MEMBERS[AUDIO]}


@pytest.mark.usefixtures("no_archives_kept")
def test_archives_are_unpacked_without_top_folder_and_dropped(server, tmp_path, capfd):
    download("tau2020", tmp_path)
    assert unpacked(tmp_path) == ALL_MEMBERS
    assert server.asked == [(META, None), (AUDIO, None)]
    for archive in server.archives():
        assert (tmp_path / "archives" / f"{archive.filename}.done").read_text().strip() == archive.md5
    out, err = capfd.readouterr()
    assert out == ""
    size = f"{len(server.files[AUDIO]) / 1000:.2f}k"
    assert f"\r{AUDIO}: 100%" in err
    assert f"{size}/{size}" in err


@pytest.mark.usefixtures("no_archives_kept")
def test_archives_without_top_folder_are_unpacked_as_they_are(server, tmp_path):
    server.files = {name: zipped(members) for name, members in MEMBERS.items()}
    download("tau2020", tmp_path)
    assert unpacked(tmp_path) == ALL_MEMBERS


@pytest.mark.usefixtures("no_archives_kept")
def test_second_run_asks_for_nothing_and_writes_nothing(server, tmp_path):
    download("tau2020", tmp_path)
    (tmp_path / "archives" / AUDIO).write_bytes(b"left by a process killed after the marker was written")
    (tmp_path / "meta.csv").write_bytes(b"changed by the user")
    server.asked.clear()
    download("tau2020", tmp_path)
    assert server.asked == []
    assert (tmp_path / "meta.csv").read_bytes() == b"changed by the user"


def test_archive_with_a_new_checksum_is_fetched_again(server, tmp_path):
    download("tau2020", tmp_path)
    server.files[META] = zipped(in_top_folder({"meta.csv": b"a corrected table"}))
    server.asked.clear()
    download("tau2020", tmp_path)
    assert server.asked == [(META, None)]
    assert (tmp_path / "meta.csv").read_bytes() == b"a corrected table"


@pytest.mark.usefixtures("no_archives_kept")
def test_interrupted_download_goes_on_with_the_missing_bytes(server, tmp_path):
    size = len(server.files[AUDIO])
    half = size // 2
    server.cuts = [len(server.files[META]), half]
    with pytest.raises(AscError, match=f"{AUDIO}.*byte {half} .*same command again to go on where it stopped"):
        download("tau2020", tmp_path)
    assert kept(tmp_path) == {f"{META}.done", f"{AUDIO}.part"}
    assert (tmp_path / "archives" / f"{AUDIO}.part").read_bytes() == server.files[AUDIO][:half]
    server.asked.clear()
    server.sent = 0
    download("tau2020", tmp_path)
    assert server.asked == [(AUDIO, f"bytes={half}-")]
    assert server.sent == size - half
    assert unpacked(tmp_path) == ALL_MEMBERS


@pytest.mark.usefixtures("no_archives_kept")
def test_lost_connections_that_bring_bytes_do_not_use_up_the_tries(server, tmp_path, monkeypatch):
    monkeypatch.setattr(module, "TRIES", 3)
    server.cuts = [len(server.files[META]), 10, 20, 0, 30, 0]
    download("tau2020", tmp_path)
    assert [asked for name, asked in server.asked if name == AUDIO] == [
        None, "bytes=10-", "bytes=30-", "bytes=30-", "bytes=60-", "bytes=60-",
    ]  # fmt: skip
    assert unpacked(tmp_path) == ALL_MEMBERS


@pytest.mark.parametrize("tries", [1, 3])
def test_failing_server_is_asked_as_often_as_said_with_a_pause_between(server, tmp_path, monkeypatch, tries):
    pauses = []
    monkeypatch.setattr(module, "TRIES", tries)
    monkeypatch.setattr(module, "PAUSE_SECONDS", 7)
    monkeypatch.setattr(module.time, "sleep", pauses.append)
    server.status = 503
    with pytest.raises(AscError, match=f"{META}.*503.*same command"):
        download("tau2020", tmp_path)
    assert server.asked == [(META, None)] * tries
    assert pauses == [7] * (tries - 1)


def test_refused_connection_is_named(tmp_path, monkeypatch):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{free.getsockname()[1]}/{META}"
    monkeypatch.setenv("no_proxy", "*")
    monkeypatch.setattr(module, "TRIES", 1)
    monkeypatch.setattr(module, "_archives", lambda name: [Archive(META, url, "0" * 32)])
    with pytest.raises(AscError, match=f"{META}.*refused.*same command"):
        download("tau2020", tmp_path)


@pytest.mark.usefixtures("no_archives_kept")
def test_server_without_ranges_is_asked_for_the_whole(server, tmp_path, monkeypatch):
    unpack, fetched = module._unpack, {}

    def noting_unpack(path, root):
        fetched[path.name] = path.read_bytes()  # zipfile itself would overlook what stands before the archive
        unpack(path, root)

    monkeypatch.setattr(module, "_unpack", noting_unpack)
    server.cuts = [100]
    server.ranges = False
    with pytest.raises(AscError, match="byte 100"):
        download("tau2020", tmp_path)
    server.sent = 0
    download("tau2020", tmp_path)
    assert server.asked[1] == (META, "bytes=100-")
    assert server.sent == len(server.files[META]) + len(server.files[AUDIO])
    assert fetched == server.files
    assert unpacked(tmp_path) == ALL_MEMBERS


@pytest.mark.usefixtures("no_archives_kept")
def test_complete_partial_file_is_not_fetched(server, tmp_path):
    (tmp_path / "archives").mkdir()
    (tmp_path / "archives" / f"{META}.part").write_bytes(server.files[META])
    download("tau2020", tmp_path)
    assert server.asked == [(AUDIO, None)]
    assert unpacked(tmp_path) == ALL_MEMBERS


@pytest.mark.parametrize("extra_bytes", [0, 5])
@pytest.mark.usefixtures("no_archives_kept")
def test_partial_file_that_cannot_be_continued_is_begun_anew(server, tmp_path, extra_bytes):
    size = len(server.files[META]) + extra_bytes
    (tmp_path / "archives").mkdir()
    (tmp_path / "archives" / f"{META}.part").write_bytes(bytes(size))
    download("tau2020", tmp_path)
    assert server.asked == [(META, f"bytes={size}-"), (META, None), (AUDIO, None)]
    assert unpacked(tmp_path) == ALL_MEMBERS


@pytest.mark.parametrize("there", [None, META, f"{META}.part"])
def test_wrong_checksum_is_named_and_nothing_is_left(server, tmp_path, monkeypatch, there):
    changed = bytes(len(server.files[META]) - 1)
    found = hashlib.md5(changed).hexdigest()
    expected = server.archives()
    monkeypatch.setattr(module, "_archives", lambda name: expected)
    server.files[META] = changed
    (tmp_path / "archives").mkdir()
    if there:
        (tmp_path / "archives" / there).write_bytes(changed[: 50 if there.endswith(".part") else None])
    with pytest.raises(AscError, match=f"{META}.*{found}.*{expected[0].md5}"):
        download("tau2020", tmp_path)
    assert kept(tmp_path) == set()
    assert unpacked(tmp_path) == {}


@pytest.mark.usefixtures("no_archives_kept")
def test_unpacking_goes_on_after_a_kill(server, tmp_path):
    archives, audio = tmp_path / "archives", tmp_path / "audio"
    archives.mkdir()
    audio.mkdir()
    (archives / AUDIO).write_bytes(server.files[AUDIO])
    whole, short, torn, _ = (tmp_path / name for name in MEMBERS[AUDIO])
    whole.write_bytes(NOISE[5000:6000])  # of the right size, and told by its contents from a member written anew
    short.write_bytes(NOISE[:10])
    left = torn.with_name(f".part-00000000-1-0-{torn.name}")
    left.write_bytes(NOISE[:10])
    os.utime(left, (0, 0))
    download("tau2020", tmp_path)
    assert server.asked == [(META, None)]
    assert unpacked(tmp_path) == {**ALL_MEMBERS, f"audio/{whole.name}": NOISE[5000:6000]}


def test_failure_between_members_leaves_whole_ones_only(server, tmp_path, monkeypatch):
    copy, copied = module.shutil.copyfileobj, []

    def full_disk_at_the_fifth(source, target, length):
        copied.append(target)
        if len(copied) == 5:
            target.write(source.read(10))
            raise OSError(errno.ENOSPC, "No space left on device")
        copy(source, target, length)

    monkeypatch.setattr(module.shutil, "copyfileobj", full_disk_at_the_fifth)
    with pytest.raises(AscError, match="bus-lyon-1-2-a.wav.*No space left"):
        download("tau2020", tmp_path)
    assert kept(tmp_path) == {f"{META}.done", AUDIO}
    assert unpacked(tmp_path) == dict(list(ALL_MEMBERS.items())[:4])
    server.asked.clear()
    download("tau2020", tmp_path)
    assert server.asked == []
    assert len(copied) == 7
    assert unpacked(tmp_path) == ALL_MEMBERS


@pytest.mark.usefixtures("no_archives_kept")
def test_full_disk_while_fetching_is_an_os_error_and_goes_on(server, tmp_path):
    server.files[AUDIO] = zipped(in_top_folder({"audio/long.wav": NOISE}))
    with largest_file(150_000), pytest.raises(OSError, match="File too large") as caught:
        download("tau2020", tmp_path)
    assert caught.value.errno == errno.EFBIG
    assert kept(tmp_path) == {f"{META}.done", f"{AUDIO}.part"}
    assert unpacked(tmp_path) == MEMBERS[META]
    size = (tmp_path / "archives" / f"{AUDIO}.part").stat().st_size
    assert 0 < size <= 150_000
    download("tau2020", tmp_path)
    assert server.asked[-1] == (AUDIO, f"bytes={size}-")
    assert unpacked(tmp_path) == {**MEMBERS[META], "audio/long.wav": NOISE}


@contextlib.contextmanager
def largest_file(size):
    """Let the system refuse to write a file beyond `size` bytes, as a full disk would."""
    resource = pytest.importorskip("resource")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@pytest.mark.parametrize(
    "name", [f"{PREFIX}/../../outside.csv", "../outside.csv", "/{}/outside.csv", "C:\\outside.csv", "a\\..\\..\\b.csv"]
)
def test_member_outside_the_folder_is_refused_before_anything_is_unpacked(server, tmp_path, name):
    name = name.format(tmp_path)
    server.files[META] = zipped({"meta.csv": b"", name: b""})
    root = tmp_path / "data"
    with pytest.raises(AscError, match=f"{META}.*{re.escape(name)}"):
        download("tau2020", root)
    assert unpacked(root) == {}
    assert [path.name for path in tmp_path.iterdir()] == ["data"]


def test_file_that_is_no_archive_is_named(server, tmp_path):
    server.files[META] = b"not a zip file"
    with pytest.raises(AscError, match=f"{META}: cannot be unpacked"):
        download("tau2020", tmp_path)


def test_unknown_name_is_refused_before_a_folder_is_made(tmp_path):
    with pytest.raises(AscError, match="'tau2021' is no data set that can be downloaded; did you mean 'tau202[02]'"):
        download("tau2021", tmp_path / "data")
    assert not (tmp_path / "data").exists()


WITHOUT_EXTRA = """
import sys
sys.modules.update(soundata=None, tqdm=None)
from asc_tf.data.download import AscError, download
try:
    download("tau2020", sys.argv[1])
except AscError as error:
    print(error)
"""


def test_install_without_the_extra_is_told_of_it(tmp_path):
    command = [sys.executable, "-c", WITHOUT_EXTRA, tmp_path / "data"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout == "data download: needs soundata; install it by: pip install 'asc-tf[download]'\n"
    assert not (tmp_path / "data").exists()


SHOW_ARCHIVES = """
import json, logging, sys
from asc_tf.data.download import _archives
names = {key: [(a.filename, a.url, a.md5) for a in _archives(key)] for key in ("tau2020", "tau2022")}
root = logging.getLogger()
json.dump({**names, "handlers": len(root.handlers), "level": root.level, "modules": list(sys.modules)}, sys.stdout)
"""


@pytest.fixture(scope="module")
def shown():
    """What soundata lists, asked in a process of its own: it configures logging on its first import only."""
    pytest.importorskip("soundata")
    done = subprocess.run([sys.executable, "-c", SHOW_ARCHIVES], capture_output=True, text=True, check=True)
    return json.loads(done.stdout)


@pytest.mark.parametrize("name", ["tau2020", "tau2022"])
def test_soundata_lists_eighteen_archives_metadata_first(shown, name):
    prefix = PREFIX.replace("2020", name[-4:])
    parts = ["meta", "doc", *(f"audio.{i}" for i in range(1, 17))]
    assert [filename for filename, _, _ in shown[name]] == [f"{prefix}.{part}.zip" for part in parts]
    for filename, url, md5 in shown[name]:
        assert re.fullmatch(rf"https://zenodo\.org/record/\d+/files/{re.escape(filename)}(\?download=1)?", url)
        assert re.fullmatch("[0-9a-f]{32}", md5)
    assert len({md5 for _, _, md5 in shown[name]}) == 18


def test_soundata_disturbs_no_logging_and_brings_no_tensorflow(shown):
    assert "soundata.download_utils" in shown["modules"]
    assert (shown["handlers"], shown["level"]) == (0, 30)
    assert "tensorflow" not in shown["modules"]
