"""Groups of small programs in place of trainings; that of real ones is in tests/training/test_replicas.py."""

import json
import os
import signal
import subprocess
import sys
import textwrap
import threading
import time

import pytest
from network import answers, outside_addresses

from asc_tf.distributed import launcher
from asc_tf.distributed.launcher import launch, share_of
from asc_tf.errors import AscError


def program(text, *arguments):
    """A command that runs Python text, which knows `index`, its worker's number, and `cluster`."""
    head = "import json, os, pathlib, sys, time; c = json.loads(os.environ['TF_CONFIG'])\n"
    head += "index, cluster = c['task']['index'], c['cluster']\n"
    return [sys.executable, "-c", head + textwrap.dedent(text), *map(str, arguments)]


def still():
    """Progress of a training that makes none."""
    return 0


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux pins processes to cores")
def test_every_worker_knows_the_group_and_its_own_cores(tmp_path):
    write = "pathlib.Path(sys.argv[1], str(index)).write_text(json.dumps([cluster, sorted(os.sched_getaffinity(0))]))"
    assert launch(program(write, tmp_path), 2, still) == 0
    (one, cores), (other, others) = (json.loads((tmp_path / name).read_text()) for name in "01")
    assert one == other and len(set(one["worker"])) == 2
    available = sorted(os.sched_getaffinity(0))
    if len(available) > 1:
        assert not set(cores) & set(others) and sorted(cores + others) == available


@pytest.mark.parametrize(
    "chatter",
    [
        "I0000 00:00:1795821894.713847   12361 cudart_stub.cc:31] Could not find cuda drivers on your machine",
        "2026-01-31 12:00:00.123456: W tensorflow/core/framework/local_rendezvous.cc:404] End of sequence",
        "WARNING: All log messages before absl::InitializeLog() is called are written to STDERR",
    ],
)
def test_the_last_words_of_a_worker_are_none_of_the_log(chatter):
    text, lines = (
        f"""
        if index == 1:
            print("the disk is full", {chatter!r}, sep="\\n", file=sys.stderr)
            sys.exit(1)
        time.sleep(60)
    """,
        [],
    )
    assert launch(program(text), 2, still, lines.append) == 1
    assert lines == ["worker 1: the disk is full"]


@pytest.mark.parametrize(
    ("cores", "workers", "shares"),
    [([0, 1], 2, [{0}, {1}]), ([4, 5, 8, 9, 10], 2, [{4, 5}, {8, 9, 10}]), ([3, 7], 3, [{3}, {7}, {3}])],
)
def test_cores_are_shared(cores, workers, shares):
    assert [share_of(cores, index, workers) for index in range(workers)] == shares


def test_all_workers_start_again_when_one_fails(tmp_path):
    """Worker 1 is killed in the first group; worker 0, which ignores SIGTERM, would hang for ever."""
    text = """
        import signal
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        first = not pathlib.Path(sys.argv[1], "again").exists()
        pathlib.Path(sys.argv[1], f"{'first' if first else 'second'}-{index}").write_text("")
        if first and index == 1:
            while not pathlib.Path(sys.argv[1], "first-0").exists():
                time.sleep(0.01)
            pathlib.Path(sys.argv[1], "again").write_text("")
            os.kill(os.getpid(), 9)
        if first:
            time.sleep(3600)
    """
    lines = []
    assert launch(program(text, tmp_path), 2, still, lines.append) == 0
    assert sorted(path.name for path in tmp_path.iterdir()) == ["again", "first-0", "first-1", "second-0", "second-1"]
    assert lines == ["worker 1 ended by signal 9; all 2 workers start again from the last checkpoint"]


@pytest.mark.parametrize("trusted", [False, True])
@pytest.mark.skipif(sys.platform != "linux", reason="only Linux has network namespaces")
def test_no_other_machine_reaches_a_worker_unless_told_that_it_may(tmp_path, trusted):
    """Both workers listen on every address, as TensorFlow's servers do, and talk to each other by TF_CONFIG."""
    text = """
        import socket
        def port(number):
            return int(cluster["worker"][number].rpartition(":")[2])
        server = socket.create_server(("::", port(index)), family=socket.AF_INET6, dualstack_ipv6=True)
        while True:
            try:
                socket.create_connection(("127.0.0.1", port(1 - index)), timeout=5)
                break
            except ConnectionRefusedError:
                time.sleep(0.01)
        pathlib.Path(sys.argv[1], f"part{index}").write_text(str(port(index)))
        pathlib.Path(sys.argv[1], f"part{index}").rename(pathlib.Path(sys.argv[1], str(index)))
        while not pathlib.Path(sys.argv[1], "tried").exists():
            time.sleep(0.01)
    """
    addresses, reached = outside_addresses(), []

    def tried():
        for worker in (tmp_path / name for name in "01"):
            wait_until(worker.exists)
            reached.extend(answers(address, int(worker.read_text())) for address in addresses)
        (tmp_path / "tried").touch()

    attempt = threading.Thread(target=tried)
    attempt.start()
    assert launch(program(text, tmp_path), 2, still, trusted_network=trusted) == 0
    attempt.join()
    assert reached == [trusted] * 2 * len(addresses)


def test_without_a_network_of_their_own_no_worker_starts(tmp_path, monkeypatch):
    def refused(*arguments):
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(launcher, "private_network", refused)
    write = program("pathlib.Path(sys.argv[1], str(index)).touch()", tmp_path)
    with pytest.raises(AscError, match=r"can be made here \(Operation not permitted\); expected .* --trusted-network"):
        launch(write, 2, still)
    assert not list(tmp_path.iterdir())
    assert launch(write, 2, still, trusted_network=True) == 0 and len(list(tmp_path.iterdir())) == 2


def test_no_code_runs_between_fork_and_exec():
    """Where gRPC has threads it crashed one worker in a few hundred."""
    forks = []
    os.register_at_fork(before=lambda: forks.append(1))
    assert launch(program(""), 1, still) == 0
    assert not forks


def test_a_group_that_fails_without_progress_is_given_up():
    lines = []
    with pytest.raises(AscError, match="worker 0 ended with status 9; given up after 3 restarts without a new check"):
        launch(program("sys.exit(9)"), 1, still, lines.append)
    assert len(lines) == 3


def test_a_group_that_makes_progress_may_fail_more_often(tmp_path):
    text = """
        count = len(list(pathlib.Path(sys.argv[1]).iterdir()))
        pathlib.Path(sys.argv[1], str(count)).write_text("")
        sys.exit(0 if count == 5 else 9)
    """
    lines = []
    assert launch(program(text, tmp_path), 1, lambda: len(list(tmp_path.iterdir())), lines.append) == 0
    assert len(lines) == 5


@pytest.mark.parametrize("status", [1, 2])
def test_a_users_mistake_is_not_tried_again(status):
    """Whichever worker finds it: the others only lose that one."""
    text = f"""
        if index == 1:
            time.sleep(0.5)
            print("asc-tf: what is wrong", file=sys.stderr)
        sys.exit({status} if index == 1 else 75)
    """
    lines = []
    assert launch(program(text), 2, still, lines.append) == status
    assert lines == ["worker 1: asc-tf: what is wrong"]


LAUNCH = """
import signal, sys
from asc_tf.distributed.launcher import launch
signal.signal(signal.SIGINT, signal.default_int_handler)  # it is ignored where the tests run in the background
launch([sys.executable, "-c", "import os, pathlib, sys, time; "
        "pathlib.Path(sys.argv[1], str(os.getpid())).touch(); time.sleep(3600)", sys.argv[1]], 2, lambda: 0)
"""


@pytest.mark.parametrize("end", [signal.SIGINT, signal.SIGKILL])
@pytest.mark.skipif(sys.platform != "linux", reason="only Linux ends children with their parent")
def test_no_worker_outlives_the_launcher(tmp_path, end):
    launcher = subprocess.Popen([sys.executable, "-c", LAUNCH, str(tmp_path)], stderr=subprocess.DEVNULL)
    wait_until(lambda: len(list(tmp_path.iterdir())) == 2)
    workers = [int(path.name) for path in tmp_path.iterdir()]
    assert all(is_running(worker) for worker in workers)
    launcher.send_signal(end)
    launcher.wait()
    wait_until(lambda: not any(is_running(worker) for worker in workers))


def is_running(process):
    try:
        with open(f"/proc/{process}/stat") as file:
            return file.read().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


def wait_until(condition, seconds=60):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.02)
