"""Processes that begin with TensorFlow imported: they take a tenth of a second to start instead of five."""

import multiprocessing
import os
import resource
import sys
from pathlib import Path

# The functions that they call are in the package `tests`; at the end of the path, after an installed asc_tf.
sys.path.append(str(Path(__file__).resolve().parents[1]))
FORKS = multiprocessing.get_context("forkserver")
FORKS.set_forkserver_preload(
    ["asc_tf.augment", "asc_tf.data.cache", "asc_tf.data.stream", "asc_tf.search.service", "asc_tf.stages"]
)


def in_own_process(function, *arguments, seconds=120):
    """What a function of a module returns or raises, called in a process that ends with it."""
    with FORKS.Pool(1) as pool:
        return pool.apply_async(function, arguments).get(seconds)


class Fork:
    """A function's process, to be killed; what it prints comes through `output`, standard error with it.

    Args:
        function, arguments: of a module that can be imported.
        largest_file_bytes: at which every file of the process ends: the write fails as on a full disk.
    """

    def __init__(self, function, *arguments, largest_file_bytes=None):
        reader, writer = FORKS.Pipe(duplex=False)
        self._process = FORKS.Process(target=_run, args=(function, arguments, writer, largest_file_bytes))
        self._process.start()
        writer.close()
        self.output = os.fdopen(os.dup(reader.fileno()))

    def runs(self):
        return self._process.is_alive()

    def kill(self):
        """As `finish`, at once."""
        self._process.kill()
        return self.finish()

    def finish(self, seconds=300):
        """(exit status, what has not been read of the output); the status is None if it still runs."""
        self._process.join(seconds)
        if self.runs():
            return None, ""
        with self.output:
            return self._process.exitcode, self.output.read()


def _run(function, arguments, output, largest_file_bytes):
    for number, name in ((1, "stdout"), (2, "stderr")):
        os.dup2(output.fileno(), number)
        setattr(sys, name, os.fdopen(number, "w", buffering=1, closefd=False))
    output.close()
    if largest_file_bytes is not None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (largest_file_bytes, largest_file_bytes))
    function(*arguments)


def command(*arguments):
    """`asc-tf` with these arguments, its networks untraced: to trace them takes longer than a few steps."""
    import tensorflow as tf

    from asc_tf.__main__ import main

    tf.config.run_functions_eagerly(True)

    sys.argv[1:] = [str(argument) for argument in arguments]
    sys.exit(main())
