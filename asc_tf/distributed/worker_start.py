"""What a launched worker runs first: it takes its cores, binds its life to the launcher's, and becomes the command.

`python -I -S worker_start.py LAUNCHER CORES COMMAND …`, LAUNCHER a process number and CORES numbers with commas in
between, or nothing. A program of its own, since code between fork and exec (preexec_fn) may crash where the launcher
has threads, such as those of gRPC.
"""

import ctypes
import os
import signal
import sys

_DIE_WITH_PARENT = 1  # PR_SET_PDEATHSIG


def main(launcher, cores, *command):
    if cores:
        os.sched_setaffinity(0, map(int, cores.split(",")))
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_DIE_WITH_PARENT, signal.SIGKILL)
        if os.getppid() != int(launcher):  # it ended before the line above
            sys.exit(1)
    os.execvp(command[0], command)


if __name__ == "__main__":
    main(*sys.argv[1:])
