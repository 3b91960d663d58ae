"""A network for each device: fine-tuning on the clips of one device."""

import dataclasses
from pathlib import Path

import tf_keras as keras

from asc_tf.atomic import exclusive
from asc_tf.experiment.device_networks import FOLDER, REQUEST, device_file
from asc_tf.experiment.run_folder import claim, load_model, read_run, write_settings
from asc_tf.experiment.trained_on import check_trained
from asc_tf.stages.experiment import Experiment
from asc_tf.stages.finetuning import phase
from asc_tf.stages.finetuning_checks import DEVICE_SETTINGS, check_device_finetuning
from asc_tf.stages.fitting import fit
from asc_tf.training.fine_tuning import AnchoredModel
from asc_tf.training.fit import save_model
from asc_tf.training.optimizers import AdamWOnKernels
from asc_tf.training.seeding import set_seed


def finetune_per_device(run, out, settings=(), report=print):
    """Make a run that holds a general network and one for each device, or continue an interrupted fine-tuning.

    last.keras is the run's network as it is, for devices without training clips; devices/DEVICE.keras is the same
    network after fine-tuning of all weights on the training clips of this device alone, near the general weights
    (`AnchoredModel`), with the run's own augmentation but for mixup and Freq-MixStyle, which mix devices.

    Args:
        run: folder of a trained run, which is not changed.
        out: folder of the run to make.
        settings: "finetune.name=value" for epochs, learning_rate, weight_decay and distance_weight.
        report: called with lines for the user.

    Raises:
        AscError: as `asc_tf.stages.finetuning.finetune`.

    Reference: the baseline of DCASE 2025 task 1, which fine-tunes its general network on each device. Difference: the
    pull towards the general weights, of Lee et al. (HYU), DCASE Workshop 2022, equation 3.
    """
    with exclusive(out):
        _finetune(Path(run), Path(out), settings, report)


def _finetune(run, out, settings, report):
    config = check_device_finetuning(run, out, settings)
    dataset = read_run(run)[1]
    load_model(run)  # a network that cannot be loaded is refused here
    experiment = Experiment.again(config, dataset)
    check_trained(run, dataset, experiment.trained)
    devices = sorted(set(experiment.clips.device.iloc[experiment.recorded]))
    tuning = {name: getattr(config.finetune, name) for name in DEVICE_SETTINGS}
    asked = {"run": str(run.resolve()), "devices": devices, **tuning}
    claim(out / REQUEST, asked, "fine-tuning for each device", "a fine-tuning of another run or other settings")
    if (out / "last.keras").is_file():
        return
    experiment = experiment.with_features(out, report)
    for number, device in enumerate(devices, start=1):
        if device_file(out, device).is_file():
            continue
        own = experiment.of_device(device)
        report(f"device {device} ({number} of {len(devices)}): {len(own.training)} training clips")
        _tune(run, out, device, own, report)
    final = dataclasses.replace(config, recipe="", train=dataclasses.replace(config.train, select="last"))
    write_settings(out, final, dataset, experiment.trained)
    save_model(load_model(run), out / "last.keras")


def _tune(run, out, device, experiment, report):
    """Train the run's network on an `Experiment` of one device and write devices/DEVICE.keras."""
    config = phase(experiment.config, experiment.config.finetune.epochs)
    config = dataclasses.replace(config, augment=dataclasses.replace(config.augment, mixstyle_alpha=0.0))
    keras.backend.clear_session()
    set_seed(config.seed, config.deterministic)
    network = load_model(run)
    fit(
        out / FOLDER / device,
        experiment.with_config(config),
        AnchoredModel(network, config.finetune.distance_weight),
        report,
        optimizer=AdamWOnKernels(config.finetune.learning_rate, config.finetune.weight_decay),
    )
    save_model(network, device_file(out, device))
