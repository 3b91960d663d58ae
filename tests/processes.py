"""Processes that begin with TensorFlow imported: they take a tenth of a second to start instead of five."""

import multiprocessing
import sys
from pathlib import Path

# The functions that they call are in the package `tests`; at the end of the path, after an installed asc_tf.
sys.path.append(str(Path(__file__).resolve().parents[1]))
FORKS = multiprocessing.get_context("forkserver")
FORKS.set_forkserver_preload(["asc_tf.augment", "asc_tf.data.cache", "asc_tf.data.stream", "asc_tf.stages"])


def in_own_process(function, *arguments, seconds=120):
    """What a function of a module returns or raises, called in a process that ends with it."""
    with FORKS.Pool(1) as pool:
        return pool.apply_async(function, arguments).get(seconds)
