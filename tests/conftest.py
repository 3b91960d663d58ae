"""Fixtures that several test modules share: small data, one trained run, one exported file a session."""

import collections
import contextlib
import functools
import gc
import logging
import os
import random
import signal
import sys

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
# Tests run side by side: threads for small matrices wait for each other forty times as long as the products take.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
logging.getLogger("tensorflow").setLevel(logging.ERROR)

from pathlib import Path  # noqa: E402

import pytest  # noqa: E402
from tiny import SMALLEST_SETTINGS, TINY_SETTINGS  # noqa: E402

# A shell's background jobs ignore Ctrl-C, and what a test starts would ignore it like them.
signal.signal(signal.SIGINT, signal.default_int_handler)

SHARED = Path(__file__).resolve().parents[2] / "shared"


def pytest_collection_modifyitems(items):
    # Files of long tests first, so that no worker is left alone with them at the end.
    slow = collections.Counter(item.path for item in items if item.get_closest_marker("slow"))
    items.sort(key=lambda item: (-slow[item.path], item.path.parent.name not in ("stages", "training")))
    for item in items:
        if item.get_closest_marker("shared") and not SHARED.is_dir():
            item.add_marker(pytest.mark.skip(reason="the founders' recordings are not at ../shared"))


def pytest_collection_finish(session):
    gc.freeze()  # what was imported is no garbage: to look through it again takes most of the collector's time


def pytest_runtest_setup(item):
    """More time than setup.cfg's for a slow test, or where processes wait; no rewriting of graphs for a quick one."""
    if item.get_closest_marker("timeout") is None and item.config.getoption("timeout") is None:
        seconds = 300 if item.get_closest_marker("slow") else float(item.config.getini("timeout"))
        # The load is the last minute's and may be rising; each step of niceness leaves a process a fifth less.
        busy = 1 + os.getloadavg()[0] / os.cpu_count()
        item.add_marker(pytest.mark.timeout(seconds * busy * 1.25 ** max(0, os.nice(0))))
    # TensorFlow's rewriting of graphs is a fifth of the quick tests' time: they run graphs as they were traced. Here
    # rather than in a fixture, since fixtures of the session come before all others.
    if "tensorflow" in sys.modules:
        as_traced = not any(map(item.get_closest_marker, ("slow", "rewritten")))
        sys.modules["tensorflow"].config.optimizer.set_experimental_options({"disable_meta_optimizer": as_traced})


@pytest.fixture(scope="session")
def shared():
    """The founders' folder of recordings and metadata; use with the mark `shared`."""
    return SHARED


@pytest.fixture(autouse=True)
def every_test_draws_from_the_same_seed():
    """Kernels that a test leaves to their initializers are the same in every run, whatever ran before it."""
    random.seed(0)
    if "tensorflow" in sys.modules:
        sys.modules["tensorflow"].random.set_seed(0)


@pytest.fixture(autouse=True)
def deterministic_kernels_end_with_the_test():
    """A test that asks for determinism must not take XLA away from those that follow in its process."""
    yield
    if "tensorflow" in sys.modules:
        from tensorflow.python.framework.config import disable_op_determinism

        disable_op_determinism()


@contextlib.contextmanager
def without_tracing():
    """Networks run eagerly: to trace them takes longer than a few steps."""
    import tensorflow as tf

    before = tf.config.functions_run_eagerly()
    tf.config.run_functions_eagerly(True)
    try:
        yield
    finally:
        tf.config.run_functions_eagerly(before)


@pytest.fixture(scope="module")
def eager():
    """Networks of a module's tests run without being traced."""
    with without_tracing():
        yield


@pytest.fixture
def shallow(monkeypatch):
    """`asc_tf`'s BC-ResNet-ASC has one block a stage, for what is the same with all of them."""
    import asc_tf

    for name in ("bc_resnet_asc", "HyperBCResNetASC"):
        network = functools.partial(getattr(asc_tf, name), depth=(1, 1, 1, 1))
        monkeypatch.setattr(asc_tf, name, network, raising=False)


@pytest.fixture(scope="session")
def synthetic_root(tmp_path_factory):
    """The embedded data set in small: 40 training clips of 1 s, nine devices."""
    from asc_tf.data.synthetic import write_synthetic

    root = tmp_path_factory.mktemp("data") / "synthetic"
    write_synthetic(root, clips=40, seconds=1.0)
    return root


@pytest.fixture(scope="session")
def tiny_config():
    """Settings that train in seconds: BC-ResNet-ASC of width 4 with one block a stage, 32 mel bins, two epochs."""
    from asc_tf.experiment.recipes import find_recipe

    return find_recipe("bc-resnet-asc-1-pre-resnorm").config.with_settings(TINY_SETTINGS)


@pytest.fixture(scope="session")
def smallest_config():
    """Settings that train in a second or two: a CP-Mobile of one block, for what is the same with any network."""
    from asc_tf.experiment.settings import Config

    return Config().with_settings(SMALLEST_SETTINGS)


def trained(root, config, folder):
    from asc_tf import stages

    with without_tracing():
        stages.train(root, config, folder / "run", report=lambda line: None)
        stages.evaluate(folder / "run")
    return folder / "run"


@pytest.fixture(scope="session")
def smallest_run(synthetic_root, smallest_config, tmp_path_factory):
    """A run folder trained with `smallest_config` on `synthetic_root`, evaluated. Do not change it: copy it."""
    return trained(synthetic_root, smallest_config, tmp_path_factory.mktemp("smallest"))


@pytest.fixture(scope="session")
def smallest_file(smallest_run, tmp_path_factory):
    """The .tflite file of `smallest_run`."""
    from asc_tf import stages

    path, _, _ = stages.export(smallest_run, tmp_path_factory.mktemp("export") / "model.tflite")
    return path
