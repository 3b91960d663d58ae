"""The complexity account of whatever a user names."""

from pathlib import Path

import tf_keras as keras

import asc_tf.layers  # noqa: F401  registers the layers for loading
from asc_tf.complexity.keras_account import keras_account
from asc_tf.complexity.tflite_account import tflite_account
from asc_tf.errors import AscError, nearest
from asc_tf.experiment.run_folder import load_model, read_run
from asc_tf.models import NAMED_NETWORKS


def account_of(target, seconds=None, length=None):
    """What a network stores and computes: `asc-tf complexity`.

    Args:
        target: run folder, .keras file, .tflite file, or name of `asc_tf.models.NAMED_NETWORKS`.
        seconds: of sound in the input, for the rules that limit MACs per second; None takes them from the run, from
            the file's metadata or from the named network.
        length: of the axes of its input that have no length of their own, but for the batch: frames, or samples.

    Returns:
        An `asc_tf.complexity.account.Account`.

    Raises:
        AscError: nothing of that name, or a file that cannot be loaded.
    """
    path = Path(target)
    if str(target) in NAMED_NETWORKS and not path.exists():
        return account_of_named(str(target), seconds, length)
    if path.is_dir():
        _, dataset = read_run(path)
        return keras_account(load_model(path), seconds or dataset.clip_seconds, length)
    if path.suffix == ".tflite":
        return tflite_account(path, seconds, length)
    if path.suffix != ".keras":
        raise AscError(
            f"{target}: is no run folder, .keras or .tflite file, and no network of that name is known; "
            f"{nearest(str(target), list(NAMED_NETWORKS))}"
        )
    if not path.is_file():
        raise AscError(f"{path}: no such file; expected a model saved by Keras")
    try:
        model = keras.models.load_model(path, compile=False)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise AscError(f"{path}: cannot be loaded ({str(error).splitlines()[0]})") from error
    return keras_account(model, seconds, length)


def account_of_named(name, seconds=None, length=None):
    """The account of one of `NAMED_NETWORKS`, untrained."""
    named = NAMED_NETWORKS[name]
    return keras_account(named.build(), seconds or named.seconds, length)
