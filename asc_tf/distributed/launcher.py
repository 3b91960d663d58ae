"""Starts a group of workers on this machine, watches them, and starts all of them again when one fails."""

import contextlib
import os
import re
import socket
import subprocess
import sys
import tempfile
import time

from asc_tf.distributed import worker_start
from asc_tf.distributed.cluster import Cluster
from asc_tf.distributed.private_network import private_network
from asc_tf.errors import AscError, WorkerLostError, reason_of

RESTARTS = 3  # failures in a row, with no checkpoint in between
_MISTAKES = (1, 2)  # exit statuses of an AscError and of a wrong flag: starting again would not help
_GRACE_SECONDS = 5.0  # time for a worker that the others have lost to show why it ended
# "I0000 00:00:…" of TensorFlow 2.21, "2026-01-31 12:00:00.000: I tensorflow/…" before it, and absl's first words.
_CHATTER = re.compile(r"[IW]\d{4} |\d{4}-\d\d-\d\d [\d:.]+: [IW] |WARNING: All log messages before absl")
_LAST_SECONDS = 60.0  # time for the other workers to end after the chief


def launch(command, workers, progress, report=print, interval_seconds=0.1, trusted_network=False):
    """Run a command to its end as a group of workers; whenever one fails, start all of them again.

    Each worker gets a TF_CONFIG with loopback ports and a share of the processor cores. All workers are in a network of
    their own, since TensorFlow's servers accept every connection (`private_network`). The chief, worker 0, has this
    process's output; the output of another worker is shown if the group ends because of it. A worker left alone may
    hang and ignore SIGTERM, so the group is ended with SIGKILL; on Linux it ends with this process, however that ends.

    Args:
        command: list of strings.
        workers: number of them.
        progress: function to a value that changes as the training advances, such as the newest checkpoint.
        report: called with lines for the user.
        interval_seconds: time between checks of the workers.
        trusted_network: leave the workers in this machine's network, where other machines can reach them.

    Returns:
        The exit status: 0, or that of a worker that ended by a user's mistake.

    Raises:
        AscError: the group fails again and again without progress, or no private network can be made.
    """
    with _network(trusted_network) as namespaces:
        return _supervise(lambda: _group(command, workers, namespaces), workers, progress, report, interval_seconds)


def _supervise(start, workers, progress, report, interval_seconds):
    """As `launch`; `start` makes the context manager of a new group."""
    failures, before = 0, progress()
    while True:
        with start() as group:
            failed = _first_to_fail(group, interval_seconds)
        if failed is None:
            return 0
        worker, status, last_words = failed
        if worker and last_words:
            report(f"worker {worker}: {last_words}")
        if status in _MISTAKES:
            return status
        reason = f"by signal {-status}" if status < 0 else f"with status {status}"
        now = progress()
        failures, before = (1 if now != before else failures + 1), now
        if failures > RESTARTS:
            raise AscError(
                f"worker {worker} ended {reason}; given up after {RESTARTS} restarts without a new checkpoint"
            )
        report(f"worker {worker} ended {reason}; all {workers} workers start again from the last checkpoint")


def share_of(cores, index, workers):
    """The cores of one of several workers: an equal share, or one core shared with others."""
    if len(cores) < workers:
        return {cores[index % len(cores)]}
    start, end = (number * len(cores) // workers for number in (index, index + 1))
    return set(cores[start:end])


@contextlib.contextmanager
def _network(trusted):
    """Namespaces of the workers' network; none for the machine's own network."""
    with contextlib.ExitStack() as stack:
        try:
            namespaces = () if trusted else stack.enter_context(private_network())
        except OSError as error:
            raise AscError(
                f"launch: the workers' servers listen to the whole network and ask for no password, and no network of "
                f"their own can be made here ({reason_of(error)}); expected root, user namespaces or a machine "
                "without network, or --trusted-network behind train if whoever reaches this machine may do all you can"
            ) from None
        yield namespaces


@contextlib.contextmanager
def _group(command, workers, namespaces):
    """Start workers, as [(process, file of its output)]; kill them when the block ends."""
    with contextlib.ExitStack() as stack:
        addresses = tuple(f"127.0.0.1:{port}" for port in free_ports(workers))
        group = []
        stack.callback(_end, group)
        available = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_setaffinity") else []
        for index in range(workers):
            cores = sorted(share_of(available, index, workers)) if available else []
            said = stack.enter_context(tempfile.TemporaryFile())
            output = {} if index == 0 else {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL, "stderr": said}
            process = subprocess.Popen(
                [*start_of(cores, namespaces), *command],
                pass_fds=namespaces,
                env={**os.environ, "TF_CONFIG": Cluster(addresses, index).to_json()},
                start_new_session=True,  # Ctrl-C is for this process
                **output,
            )
            group.append((process, said))
        yield group


def start_of(cores, namespaces):
    """The command's prefix for these cores and namespaces: see `worker_start`."""
    lists = [",".join(map(str, numbers)) for numbers in (cores, namespaces)]
    return [sys.executable, "-I", "-S", worker_start.__file__, str(os.getpid()), *lists]


def free_ports(count):
    """This many loopback ports that are free at the moment."""
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in sockets]


def _end(group):
    for process, _ in group:
        process.kill()
    for process, _ in group:
        process.wait()


def _first_to_fail(group, interval_seconds):
    """(worker, exit status, its last line) of the worker that caused the others' failure, or None at a good end."""
    deadline = None
    while True:
        statuses = [process.poll() for process, _ in group]
        failed = {worker: status for worker, status in enumerate(statuses) if status}
        causes = {worker: status for worker, status in failed.items() if status != WorkerLostError.status}
        now = time.monotonic()
        if failed and deadline is None:
            deadline = now + _GRACE_SECONDS
        if causes or (failed and now > deadline):
            worker, status = next(iter((causes or failed).items()))
            return worker, status, _last_line(group[worker][1])
        if not failed and statuses[0] == 0:
            deadline = deadline or now + _LAST_SECONDS
            if None not in statuses or now > deadline:
                return None
        time.sleep(interval_seconds)


def _last_line(file):
    """The last message of a worker, without TensorFlow's information and warnings."""
    file.seek(0)
    lines = [line.strip() for line in file.read().decode(errors="replace").splitlines()]
    return next((line for line in reversed(lines) if line and not _CHATTER.match(line)), "")
