"""Device-aware data-random-drop fine-tuning of a trained network."""

import dataclasses
import math
from pathlib import Path

import tf_keras as keras

from asc_tf.atomic import exclusive
from asc_tf.data.clips import devices_of
from asc_tf.data.loader import reading
from asc_tf.errors import AscError
from asc_tf.experiment.run_folder import claim, load_model, read_run, write_settings
from asc_tf.experiment.trained_on import check_trained
from asc_tf.models.network_file import read_network
from asc_tf.stages.experiment import Experiment
from asc_tf.stages.finetuning_checks import check_finetuning
from asc_tf.stages.fitting import fit, selection, validation_log_loss
from asc_tf.stages.tracking import tracked
from asc_tf.training.device_drop import DeviceRandomDrop, DropRateLog
from asc_tf.training.fine_tuning import AnchoredModel, freeze_all_but_classifier, renew_classifier
from asc_tf.training.fit import save_model
from asc_tf.training.optimizers import AdamWOnKernels
from asc_tf.training.seeding import set_seed

_OLDER = {"renew_classifier": True}  # what finetuning.json of older folders does not say


def finetune(run, out, settings=(), report=print, tracker=None):
    """Fine-tune a run's network into a separate run folder, or continue an interrupted fine-tuning.

    First the classifier is trained on the frozen network, from new initial weights or from its own. Then the whole
    network is trained near its pretrained weights (`AnchoredModel`), while clips of one device are dropped from the
    batches at a growing rate (`DeviceRandomDrop`), which drop_rates.csv lists. Both trainings use no mixup, but
    otherwise the run's own augmentation, batch size, seed and validation part. The test part is left to `evaluate`.

    With train.select=best the pretrained weights count as an epoch: if no epoch lowers their validation log loss, they
    are the result.

    Args:
        run: folder of a trained run, which is not changed.
        out: run folder of the fine-tuned network.
        settings: "finetune.name=value" for changes to the run's settings; train.select may be changed too.
        report: called with lines for the user.
        tracker: of `train`.

    Raises:
        AscError: not a trained run, other settings, a device without training clips, metadata that changed since the
            run was trained, or `out` holds something else or is being written.

    Reference: Lee et al. (HYU), DCASE Workshop 2022, section 3.
    """
    with exclusive(out), tracked(out, tracker, report) as tracking:
        _finetune(Path(run), Path(out), settings, report, tracking)


def _finetune(run, out, settings, report, tracking):
    config = check_finetuning(run, out, settings)
    dataset = read_run(run)[1]
    load_model(run)  # a network that cannot be loaded is refused here
    experiment = Experiment.again(config, dataset)
    check_trained(run, dataset, experiment.trained)
    trained_on = experiment.clips.iloc[experiment.recorded]
    device = config.finetune.device or trained_on.device.mode()[0]
    if device not in set(trained_on.device):
        known = ", ".join(devices_of(trained_on))
        raise AscError(f"setting finetune.device is {device}; expected a device with training clips: {known}")
    asked = {"run": str(run.resolve()), "select": config.train.select, **dataclasses.asdict(config.finetune)}
    claim(out / "finetuning.json", asked, "fine-tuning", "a fine-tuning of another run or other settings", _OLDER)
    if (out / "last.keras").is_file():
        return
    experiment = experiment.with_features(run, report)
    if config.finetune.classifier_epochs:
        _train_classifier(run, out / "classifier", experiment, report, tracking)
    report(f"fine-tuning: clips of device {device} are dropped at a rate of up to {config.finetune.max_drop_rate:g}")
    set_seed(config.seed, config.deterministic)  # before the network is loaded, since its dropout then draws its seeds
    path = out / "classifier" / "model.keras"
    network = read_network(path) if path.is_file() else load_model(run)
    steps = config.finetune.epochs * math.ceil(len(experiment.training) / config.train.batch_size)
    drop = DeviceRandomDrop(experiment.clips.device == device, steps, config.finetune.max_drop_rate)
    keep = selection(out, experiment)
    fit(
        out,
        experiment.with_config(phase(config, config.finetune.epochs)),
        AnchoredModel(network, config.finetune.distance_weight),
        report,
        keep["best"],
        AdamWOnKernels(config.finetune.learning_rate, config.finetune.weight_decay),
        [DropRateLog(drop, out / "drop_rates.csv"), *keep.get("callbacks", [])],
        tracking=tracking,
        select=drop,
    )
    if config.train.select == "best":
        _keep_unless_better(run, out / "best.keras", experiment, report)
    write_settings(out, config, dataset, experiment.trained)
    save_model(network, out / "last.keras")


def _keep_unless_better(run, path, experiment, report):
    """Write the pretrained network to the path of the best epoch's, if that one has no lower validation log loss."""
    pretrained = load_model(run)
    with reading(experiment.features):
        before, after = (validation_log_loss(experiment, each) for each in (pretrained, read_network(path)))
    if after >= before:
        save_model(pretrained, path)
    report(
        f"the {'fine-tuned' if after < before else 'pretrained'} weights are kept: log loss {before:.4f} before and "
        f"{after:.4f} after the best epoch, on {len(experiment.validation)} validation clips"
    )


def _train_classifier(run, folder, experiment, report, tracking):
    """Write model.keras into the folder: the pretrained network, its classifier trained on the frozen rest."""
    config = experiment.config
    path, epochs = folder / "model.keras", config.finetune.classifier_epochs
    if path.is_file():
        return
    report(
        f"{'a new' if config.finetune.renew_classifier else 'the'} classifier on the frozen network, epochs: {epochs}"
    )
    set_seed(config.seed, config.deterministic)
    model = load_model(run)
    if config.finetune.renew_classifier:
        renew_classifier(model)
    freeze_all_but_classifier(model)
    steps = epochs * math.ceil(len(experiment.training) / config.train.batch_size)
    rates = keras.optimizers.schedules.CosineDecay(config.finetune.classifier_learning_rate, steps)
    optimizer = AdamWOnKernels(rates, config.finetune.weight_decay)
    phased = experiment.with_config(phase(config, epochs))
    fit(folder, phased, model, report, optimizer=optimizer, tracking=tracking, phase=folder.name)
    freeze_all_but_classifier(model, frozen=False)
    save_model(model, path)


def phase(config, epochs):
    """The Config of a training within a fine-tuning: so many epochs, no warm-up, no mixup."""
    train = dataclasses.replace(config.train, epochs=epochs, warmup_epochs=0)
    augment = dataclasses.replace(config.augment, mixup_alpha=0.0)
    return dataclasses.replace(config, train=train, augment=augment)
