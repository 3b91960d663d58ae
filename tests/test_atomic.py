import errno
import os
import socket
import stat
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from asc_tf.atomic import check_new, exclusive, files, whole_file, write_text
from asc_tf.atomic.locks import LOCK
from asc_tf.errors import AscError


class Interrupted(Exception):
    pass


def write_half_and_fail(path):
    with whole_file(path) as part:
        part.write_text("half of a fi")
        raise Interrupted


def contents(folder):
    return {file.name: file.read_text() for file in folder.iterdir()}


def test_a_file_appears_only_at_the_end_of_the_block(tmp_path):
    path = tmp_path / "table.csv"
    with whole_file(path) as part:
        part.write_text("whole")
        assert part.suffix == ".csv"
        assert part.parent == tmp_path
        assert not path.exists()
    assert contents(tmp_path) == {"table.csv": "whole"}


def test_an_existing_file_stays_whole_until_it_is_replaced(tmp_path):
    path = tmp_path / "table.csv"
    path.write_text("old")
    with whole_file(path) as part:
        part.write_text("new")
        assert path.read_text() == "old"
    assert contents(tmp_path) == {"table.csv": "new"}


def test_missing_folders_are_made(tmp_path):
    write_text(tmp_path / "some" / "run" / "notes.txt", "für später\n")
    assert (tmp_path / "some" / "run" / "notes.txt").read_bytes() == "für später\n".encode()


def test_a_failing_block_leaves_neither_the_file_nor_a_part(tmp_path):
    with pytest.raises(Interrupted):
        write_half_and_fail(tmp_path / "table.csv")
    assert contents(tmp_path) == {}


def test_an_existing_file_survives_a_failing_block(tmp_path):
    (tmp_path / "table.csv").write_text("old")
    with pytest.raises(Interrupted):
        write_half_and_fail(tmp_path / "table.csv")
    assert contents(tmp_path) == {"table.csv": "old"}


def in_another_process(code, *arguments):
    """The killed process of a Python program, after the first line that it prints."""
    with subprocess.Popen([sys.executable, "-c", code, *map(str, arguments)], stdout=subprocess.PIPE) as process:
        process.stdout.readline()
        process.kill()


HALF_A_FILE = (
    "import sys, time\n"
    "from asc_tf.atomic import whole_file\n"
    "with whole_file(sys.argv[1]) as part:\n"
    "    part.write_text('half of a fi')\n"
    "    print(part, flush=True)\n"
    "    time.sleep(60)\n"
)


def test_what_a_killed_process_left_goes_with_the_next_file_and_what_others_write_stays(tmp_path):
    in_another_process(HALF_A_FILE, tmp_path / "table.csv")
    (left,) = tmp_path.iterdir()
    elsewhere, old = (tmp_path / f".part-00000000-1-{n}-table.csv" for n in range(2))
    with whole_file(tmp_path / "other.csv") as alive:
        pass_by = [elsewhere, old, tmp_path / ".part-notes"]
        for path in pass_by:
            path.write_text("")
        os.utime(old, (0, 0))
        alive.write_text("")
        files._swept.clear()  # as another process begins
        write_text(tmp_path / "table.csv", "new")
        assert alive.exists() and not left.exists()
    assert set(contents(tmp_path)) == {"table.csv", "other.csv", elsewhere.name, ".part-notes"}


def test_two_calls_write_one_file_without_seeing_each_other(tmp_path):
    path = tmp_path / "table.csv"
    with whole_file(path) as slow:
        slow.write_text("half of ")
        with whole_file(path) as fast:
            fast.write_text("whole")
            assert slow != fast and all(
                part.name.startswith(".part-") and part.suffix == ".csv" for part in (slow, fast)
            )
        assert path.read_text() == "whole"
        slow.write_text("whole")
    assert contents(tmp_path) == {"table.csv": "whole"}


def test_a_link_stays_and_its_file_is_written(tmp_path):
    (tmp_path / "data").mkdir()
    link = tmp_path / "table.csv"
    link.symlink_to("data/new.csv")
    write_text(link, "new")
    assert link.is_symlink() and contents(tmp_path / "data") == {"new.csv": "new"}


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may make a device")
def test_a_device_stays(tmp_path):
    device = tmp_path / "null"
    try:
        os.mknod(device, 0o666 | stat.S_IFCHR, os.makedev(1, 3))
    except OSError:
        pytest.skip("no devices here")
    with pytest.raises(AscError, match="it is a device"):
        write_text(device, "text")
    assert stat.S_ISCHR(device.stat().st_mode)


def test_a_block_that_writes_nothing_is_an_error(tmp_path):
    with pytest.raises(AscError, match="table.csv: cannot be written"), whole_file(tmp_path / "table.csv"):
        pass
    assert contents(tmp_path) == {}


def file_as_folder(path):
    path.write_text("a file")
    return path / "table.csv"


def file_as_grandparent(path):
    path.write_text("a file")
    return path / "run" / "table.csv"


def folder_in_its_place(path):
    path.mkdir()
    return path


def too_long_a_name(path):
    return path.with_name("n" * 300)


@pytest.mark.parametrize("make", [file_as_folder, file_as_grandparent, folder_in_its_place, too_long_a_name])
def test_a_path_that_cannot_be_written_is_an_error_that_names_it(tmp_path, make):
    path = make(tmp_path / "place")
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(AscError, match="cannot be written") as caught:
        write_text(path, "text")
    assert str(caught.value).startswith(f"{path}: ")
    assert sorted(tmp_path.rglob("*")) == before


def test_a_full_disk_is_an_error_that_names_the_file_and_keeps_the_old_one(tmp_path):
    path = tmp_path / "table.csv"
    path.write_text("old")
    code = (
        "import resource, sys\n"
        "from asc_tf.atomic import write_text\n"
        "from asc_tf.errors import AscError\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))\n"
        "try:\n"
        "    write_text(sys.argv[1], 'new' * 1000)\n"
        "except AscError as error:\n"
        "    print(error)\n"
    )
    result = subprocess.run([sys.executable, "-c", code, path], capture_output=True, text=True, check=True)
    assert result.stdout == f"{path}: cannot be written (File too large)\n"
    assert contents(tmp_path) == {"table.csv": "old"}


# Locks


def test_only_one_is_in_a_folder_at_a_time(tmp_path):
    folder, lines, order = tmp_path / "some" / "cache", [], []
    told = threading.Event()

    def report(line):
        lines.append(line)
        told.set()

    def enter():
        with exclusive(folder, report):
            order.append("second")

    other = threading.Thread(target=enter)
    with exclusive(folder, pytest.fail):
        other.start()
        assert told.wait(30)
        assert order == []
        order.append("first")
    other.join(30)
    assert order == ["first", "second"] and len(lines) == 1
    assert lines[0].startswith(f"waiting for another process that writes to {folder} (process {os.getpid()} on ")
    assert not folder.exists() and tmp_path.exists()


def test_a_folder_is_free_again_after_the_block_though_it_fails(tmp_path):
    with pytest.raises(Interrupted), exclusive(tmp_path / "cache", pytest.fail):
        raise Interrupted
    with exclusive(tmp_path / "cache", pytest.fail):
        check_new(tmp_path / "cache", "cache")
    with exclusive(tmp_path / "another", pytest.fail), exclusive(tmp_path / "cache", pytest.fail):
        pass


@pytest.mark.parametrize("make", [file_as_folder, too_long_a_name])
def test_a_folder_that_cannot_be_locked_is_an_error_that_names_it(tmp_path, make):
    path = make(tmp_path / "place")
    with pytest.raises(AscError, match=f"^{path}: cannot be written"), exclusive(path, pytest.fail):
        pytest.fail("entered")


def test_a_file_system_that_knows_no_locks_is_an_error(tmp_path, monkeypatch):
    def no_locks(file, operation):
        raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))

    monkeypatch.setattr("fcntl.flock", no_locks)
    with pytest.raises(AscError, match="cannot be written .No locks available"), exclusive(tmp_path, pytest.fail):
        pytest.fail("entered")


def test_an_error_inside_the_block_is_not_taken_for_one_of_the_lock(tmp_path):
    with pytest.raises(FileNotFoundError), exclusive(tmp_path, pytest.fail):
        (tmp_path / "nothing").read_text()


LOCKED = (
    "import sys, time\n"
    "from asc_tf.atomic import exclusive\n"
    "with exclusive(sys.argv[1]):\n"
    "    print('locked', flush=True)\n"
    "    sys.stdin.read()\n"
)


def test_the_second_is_refused_with_the_name_of_the_first_and_a_killed_first_is_no_hindrance(tmp_path):
    command = [sys.executable, "-c", LOCKED, tmp_path]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as first:
        first.stdout.readline()
        with pytest.raises(AscError) as refused, exclusive(tmp_path):
            pytest.fail("entered")
        first.kill()
    sentence = str(refused.value)
    assert sentence.startswith(f"{tmp_path}: another process is writing it (process ") and "\n" not in sentence
    assert f"process {first.pid} on {socket.gethostname()} since 2" in sentence and "-c 'import sys, time" in sentence
    assert [path.name for path in tmp_path.iterdir()] == [LOCK]  # as the kill has left it
    with exclusive(tmp_path):
        pass
    assert not contents(tmp_path)


def test_the_thread_that_is_in_a_folder_may_enter_again(tmp_path):
    (tmp_path / "link").symlink_to(tmp_path / "run")
    with exclusive(tmp_path / "run"), exclusive(tmp_path / "link", pytest.fail):
        with exclusive(tmp_path / "run"):
            pass
        assert (tmp_path / "run" / LOCK).exists()
        with ThreadPoolExecutor() as pool, pytest.raises(AscError, match="another process is writing it"):
            pool.submit(exclusive(tmp_path / "run").__enter__).result()
    assert not (tmp_path / "run").exists()


@pytest.fixture
def many_switches():
    """Threads give way to each other every ten microseconds, so that races show."""
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    yield
    sys.setswitchinterval(interval)


def test_a_lock_that_was_deleted_while_another_waited_for_it_is_none(tmp_path, many_switches):
    """Many threads, each of which deletes the lock's file and the folder as it leaves: never are two inside."""
    inside, most = [], []

    def enter(number):
        with exclusive(tmp_path / "run", lambda line: None):
            inside.append(number)
            most.append(len(inside))
            inside.remove(number)

    with ThreadPoolExecutor(16) as pool:
        list(pool.map(enter, range(500)))
    assert max(most) == 1 and len(most) == 500


def test_a_link_in_the_place_of_the_lock_is_not_followed(tmp_path):
    (tmp_path / "diary").write_text("mine")
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / LOCK).symlink_to(tmp_path / "diary")
    with pytest.raises(AscError, match="cannot be written"), exclusive(tmp_path / "run"):
        pytest.fail("entered")
    assert (tmp_path / "diary").read_text() == "mine"
