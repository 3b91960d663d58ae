"""From a Config to its objects: frontend, network, optimizer, augmentation."""

import dataclasses
import functools
import inspect

from asc_tf.augment import augment_batch, device_impulse_response, load_impulse_responses
from asc_tf.errors import AscError
from asc_tf.experiment.extension_settings import arguments_of
from asc_tf.extensions import NETWORKS
from asc_tf.frontend.kaldi_log_mel import KaldiLogMel
from asc_tf.frontend.log_mel import LogMel
from asc_tf.frontend.pcen import Pcen
from asc_tf.training.optimizers import AdamWOnKernels, SGDWithL2
from asc_tf.training.schedules import warmup_cosine


def build_frontend(config):
    """The frontend of a Config. Raises AscError if its settings do not fit together."""
    settings = dataclasses.asdict(config.frontend)
    frontend = {"log": LogMel, "kaldi": KaldiLogMel, "pcen": Pcen}[settings.pop("compression")]
    if frontend is Pcen:
        del settings["floor"]
    try:
        return frontend(**settings)
    except ValueError as error:
        raise AscError(f"the frontend's settings do not fit together: {error}") from error


def build_model(config, dataset):
    """The network of a Config for a Dataset.

    Raises:
        AscError: settings that do not fit together, or that this network lacks.
    """
    frontend = build_frontend(config)
    given = {name: value for name, value in dataclasses.asdict(config.model).items() if value is not None}
    network = given.pop("network")
    del given["standardization"]  # the dataset's statistics include it
    given |= arguments_of(config, "model.")
    builder = NETWORKS.find(network)
    for name in sorted(given.keys() - inspect.signature(builder).parameters.keys()):
        raise AscError(
            f"setting model.{name} is {given[name]}; expected none, since the network {network} has no such setting"
        )
    try:
        return builder(
            input_shape=frontend.feature_shape(round(dataset.clip_seconds * frontend.sample_rate_hz)),
            classes=len(dataset.scenes),
            feature_mean=dataset.feature_mean,
            feature_std=dataset.feature_std,
            **given,
        )
    except ValueError as error:
        raise AscError(f"the network's settings do not fit together: {str(error).splitlines()[0]}") from error


def build_optimizer(config, steps_per_epoch):
    """The optimizer of a Config, with its learning rates."""
    train = config.train
    rates = warmup_cosine(train.learning_rate, steps_per_epoch, train.epochs, train.warmup_epochs, train.warmup_from)
    if train.optimizer == "adamw":
        return AdamWOnKernels(rates, train.weight_decay)
    return SGDWithL2(rates, train.momentum, train.l2)


def augmentation(config):
    """`augment_batch` with a Config's arguments, seconds turned into frames."""
    arguments = dataclasses.asdict(config.augment)
    for name in ("impulse_responses", "impulse_response_probability"):
        del arguments[name]
    arguments["roll_frames"] = round(arguments.pop("roll_seconds") * 1000 / config.frontend.hop_ms)
    for name in {key.split(".")[1] for key in config.extensions if key.startswith("augment.")}:
        arguments[name] = arguments_of(config, f"augment.{name}.")
    return functools.partial(augment_batch, **arguments)


def waveform_augmentation(config):
    """`device_impulse_response` with a Config's arguments, or None."""
    settings = config.augment
    if not settings.impulse_responses:
        return None
    responses = load_impulse_responses(settings.impulse_responses, config.frontend.sample_rate_hz)
    return functools.partial(
        device_impulse_response, responses=responses, probability=settings.impulse_response_probability
    )
