"""The first program of a launched worker: sets its cores, network and lifetime, then becomes the worker's command.

`python -I -S worker_start.py LAUNCHER CORES NAMESPACES COMMAND …`: LAUNCHER is a process number, CORES are numbers
separated by commas, or nothing, NAMESPACES likewise file descriptors of `private_network`. It is a separate program,
since code between fork and exec (preexec_fn) may crash if the launcher has threads, such as those of gRPC.
"""

import ctypes
import os
import signal
import sys

_DIE_WITH_PARENT = 1  # PR_SET_PDEATHSIG


def main(launcher, cores, namespaces, *command):
    if cores:
        os.sched_setaffinity(0, map(int, cores.split(",")))
    for namespace in map(int, filter(None, namespaces.split(","))):
        _enter(namespace)
        os.close(namespace)
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_DIE_WITH_PARENT, signal.SIGKILL)  # after `_enter`, which would undo it
        if os.getppid() != int(launcher):  # the launcher ended before the line above
            sys.exit(1)
    os.execvp(command[0], command)


def _enter(namespace):
    if ctypes.CDLL(None, use_errno=True).setns(namespace, 0):
        sys.exit(f"cannot enter the private network: {os.strerror(ctypes.get_errno())}")


if __name__ == "__main__":
    main(*sys.argv[1:])
