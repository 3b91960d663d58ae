"""Training shared by several devices or machines, through `tf.distribute`.

These functions take a `tf.distribute.Strategy`; with that of a plain process, `tf.distribute.get_strategy()`, they do
nothing.
"""

import contextlib
from collections.abc import Callable

import tensorflow as tf

from asc_tf.distributed.cluster import read_cluster
from asc_tf.distributed.private_network import is_private
from asc_tf.errors import AscError, WorkerLostError
from asc_tf.internals.tensorflow import change_device_data, untuned
from asc_tf.quiet import native_stderr_hidden

_LOST = (
    tf.errors.UnavailableError,
    tf.errors.AbortedError,
    tf.errors.CancelledError,
    tf.errors.DeadlineExceededError,
)


def make_strategy(
    name: str, report: Callable[[str], object] = print, trusted_network: bool = False
) -> tf.distribute.Strategy:
    """The strategy of a name: "mirrored", all GPUs of this machine, or "multi_worker", the workers of TF_CONFIG.

    Call it before anything else of TensorFlow. "multi_worker" waits until all workers have begun. TensorFlow's servers
    listen on every address of the machine and accept every connection, so workers on the loopback must be in a private
    network, as `asc-tf launch` makes one. A TF_CONFIG that names machines declares their network trusted.

    Args:
        name: "mirrored" or "multi_worker".
        report: called with lines for the user.
        trusted_network: accept workers on the loopback in a network that other machines can reach.

    Raises:
        AscError: TF_CONFIG is missing or wrong, its workers could be reached from outside unnoticed, or another worker
            does not answer.
    """
    change_device_data(untuned)
    if name == "mirrored":
        devices = tf.config.list_logical_devices("GPU") or tf.config.list_logical_devices("CPU")
        return tf.distribute.MirroredStrategy([device.name for device in devices])
    cluster = check_network(read_cluster(), trusted_network)
    if cluster.index == 0 and len(cluster.workers) > 1:
        report(f"waiting for {len(cluster.workers)} workers: {', '.join(cluster.workers)}")
    with other_workers(), native_stderr_hidden():
        return tf.distribute.MultiWorkerMirroredStrategy()


def check_network(cluster, trusted_network):
    """The cluster, or an AscError if its workers are on the loopback and other machines can reach them."""
    if cluster.is_local() and not (trusted_network or is_private()):
        raise AscError(
            f"TF_CONFIG names {', '.join(cluster.workers)}, but TensorFlow's servers listen to the whole network and "
            "let everybody in; expected 'asc-tf launch', which gives the workers a network of their own, or "
            "--trusted-network"
        )
    return cluster


def is_chief(strategy):
    """Whether this process is the one that writes: the first of several workers."""
    cluster = _cluster(strategy)
    return cluster is None or cluster.index == 0


def workers_of(strategy):
    """Number of processes that train together."""
    cluster = _cluster(strategy)
    return len(cluster.workers) if cluster else 1


def _cluster(strategy):
    resolver = strategy.cluster_resolver
    return read_cluster() if resolver and resolver.task_type else None


def gathered(strategy, number):
    """The numbers of all workers, in the workers' order; each waits for the last one. Alone: [number]."""
    cluster = _cluster(strategy)
    if cluster is None:
        return [number]
    mine = tf.one_hot(cluster.index, len(cluster.workers), number, 0, dtype=tf.int64)
    first = cluster.index * (strategy.num_replicas_in_sync // len(cluster.workers))
    numbers = strategy.experimental_distribute_values_from_function(
        lambda context: mine if context.replica_id_in_sync_group in (0, first) else tf.zeros_like(mine)
    )
    return strategy.reduce(tf.distribute.ReduceOp.SUM, numbers, axis=None).numpy().tolist()


@contextlib.contextmanager
def chief_first(strategy):
    """Let the chief run the block alone, then the other workers, which find the files that the chief has written.

    Nothing in the block may wait for other workers; making or reading a variable of the strategy does.
    """
    if not is_chief(strategy):
        gathered(strategy, 0)
    yield
    if is_chief(strategy):
        gathered(strategy, 0)


@contextlib.contextmanager
def other_workers():
    """Turn TensorFlow's error about another worker's end inside the block into a `WorkerLostError`."""
    try:
        yield
    except tf.errors.OpError as error:
        if not isinstance(error, _LOST):
            raise
        raise WorkerLostError(
            "another worker has ended or cannot be reached; start all of them again to go on from the last checkpoint"
        ) from error
