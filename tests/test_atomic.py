import errno
import os
import subprocess
import sys
import threading

import pytest

from asc_tf.atomic import exclusive, whole_file, write_text
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


def test_what_a_killed_process_left_is_overwritten(tmp_path):
    with whole_file(tmp_path / "table.csv") as part:
        left = part
        part.write_text("")
    left.write_text("what a killed process left, longer than what follows")
    write_text(tmp_path / "table.csv", "new")
    assert contents(tmp_path) == {"table.csv": "new"}


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
    assert order == ["first", "second"] and lines == [f"waiting for another process that writes to {folder}"]


def test_a_folder_is_free_again_after_the_block_though_it_fails(tmp_path):
    with pytest.raises(Interrupted), exclusive(tmp_path / "cache", pytest.fail):
        raise Interrupted
    with exclusive(tmp_path / "cache", pytest.fail):
        assert [path.name for path in (tmp_path / "cache").iterdir()] == [".lock"]
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


def test_rivals_write_one_file_without_seeing_each_other(tmp_path):
    path = tmp_path / "table.csv"
    with whole_file(path, rivals=True) as slow:
        slow.write_text("half of ")
        with whole_file(path, rivals=True) as fast:
            fast.write_text("whole")
            assert slow != fast and slow.name.startswith(".part-") and slow.suffix == ".csv"
        assert path.read_text() == "whole"
        slow.write_text("whole")
    assert contents(tmp_path) == {"table.csv": "whole"}
