"""Calibration: probabilities that mean what they say, on clips that training did not use."""

import dataclasses
import functools
import json
from pathlib import Path

import numpy as np
import pandas as pd
import tensorflow as tf

from asc_tf.atomic import exclusive, read_checked, write_checked
from asc_tf.data.loader import evaluation_batches, reading
from asc_tf.errors import AscError, unreadable
from asc_tf.evaluation.calibration import calibration_errors
from asc_tf.evaluation.metrics import predictions_frame
from asc_tf.evaluation.scaling import best_scaling
from asc_tf.evaluation.uncertainty import uncertain_below
from asc_tf.experiment.build import augmentation
from asc_tf.experiment.run_folder import claim, load_model, write_settings
from asc_tf.experiment.trained_on import check_trained
from asc_tf.models.scaled_logits import scale_logits
from asc_tf.stages.experiment import Experiment
from asc_tf.stages.features import features_of
from asc_tf.stages.leave_device_out import runs_without_a_device
from asc_tf.stages.preconditions import check_calibration
from asc_tf.training.fit import save_model

RESULT = "temperature.json"
_AUGMENTED = 3  # versions of each validation clip beside the clip itself


def calibrate(run, out, report=print):
    """Make a run whose probabilities are calibrated: the run's network with a scaled classifier.

    The scaling is fitted on the run's validation clips, which its training did not use. Where 'asc-tf evaluate
    --leave-device-out' has trained the run again without each of its devices, each device's validation clips are heard
    by the network that never heard the device, so that the scaling suits unheard microphones. Otherwise the network
    itself hears each clip as it is and in three versions, augmented as in training but without mixup. Test clips are
    not read. The scaling is one temperature, or one factor and offset for each scene where that pays (`best_scaling`).

    Writes temperature.json: the scaling, errors before and after, and the confidence below which an answer is called
    uncertain, which exported files then hold.

    Args:
        run: folder of a trained run, which is not changed.
        out: run folder of the calibrated network.
        report: called with lines for the user.

    Returns:
        Frame of `calibration_errors` on the clips of the fit, with rows "before" and "after".

    Raises:
        AscError: not a trained run, no validation clips, a network whose logits cannot be scaled, or `out` holds
            something else or is being written.
    """
    run, out = Path(run), Path(out)
    with exclusive(out):
        config, dataset = check_calibration(run, out)
        sources = runs_without_a_device(run)
        asked = {"run": str(run.resolve()), "heard_by": [str(source) for source in sources.values()]}
        claim(out / "calibration.json", asked, "calibration", "a calibration of another run or by other networks")
        if not (out / "last.keras").is_file():
            experiment = Experiment.again(config, dataset)
            check_trained(run, dataset, experiment.trained)
            clips, logits = _heard(run, experiment, sources, report)
            model = load_model(run)
            _write_result(out, model, run, clips, logits, dataset.scenes)
            config = dataclasses.replace(config, train=dataclasses.replace(config.train, select="last"))
            write_settings(out, config, dataset, experiment.trained)
            save_model(model, out / "last.keras")
        return pd.DataFrame(read_result(out)["errors"]).T


def _heard(run, experiment, sources, report):
    """(frame of the validation clips, their logits [versions, clips, classes])."""
    held_out = experiment.of_validation()
    clips, features = held_out.clips, features_of(held_out, run, report)
    held_out = dataclasses.replace(held_out, features=features)
    with reading(features):
        if not sources:
            report(f"{len(clips)} validation clips of the devices that training heard, with {_AUGMENTED} versions each")
            return clips, _versions(load_model(run), held_out)
        heard = clips.device.isin(sources).to_numpy()
        logits = np.zeros((len(clips), len(experiment.dataset.scenes)), np.float32)
        for device, source in sources.items():
            own = (clips.device == device).to_numpy()
            if own.any():
                logits[own] = _logits(load_model(source), held_out, np.flatnonzero(own))
    if not heard.any():
        raise AscError(f"{run}: has no validation clips of the devices {', '.join(sources)}; expected some to fit on")
    report(f"{heard.sum()} validation clips, each heard by a network that never heard its device")
    return clips[heard].reset_index(drop=True), logits[None, heard]


def _versions(model, experiment):
    """Logits of an `Experiment`'s clips as they are, then of their augmented versions, float32 [1 + 3, clips, classes].

    The clips come in another order for each version, since Freq-MixStyle mixes the styles of clips of one batch.
    """
    config, count = experiment.config, len(experiment.clips)
    augment = augmentation(dataclasses.replace(config, augment=dataclasses.replace(config.augment, mixup_alpha=0.0)))
    versions = [_logits(model, experiment, np.arange(count))]
    for version in range(1, 1 + _AUGMENTED):
        rows = np.random.default_rng((config.seed, version)).permutation(count)
        logits = np.zeros_like(versions[0])
        logits[rows] = _logits(model, experiment, rows, functools.partial(_augmented, augment, version))
        versions.append(logits)
    return np.stack(versions)


def _augmented(augment, version, number, batch):
    return augment(*batch, seed=tf.stack([tf.constant(version, tf.int64), number]))


def _logits(model, experiment, rows, augment=None):
    """[rows, classes] of an `Experiment`'s clips; `augment` is a function of a batch's number and the batch."""
    batches = evaluation_batches(experiment.features, experiment.labels, len(experiment.dataset.scenes), rows=rows)
    return model.predict(batches.enumerate().map(augment) if augment else batches, verbose=0)


def _write_result(out, model, run, clips, logits, scenes):
    """`logits`: [versions, clips, classes], first those of the clips as they are."""
    count, logits = len(clips), logits.reshape(-1, len(scenes))
    clips = pd.concat([clips] * (len(logits) // count), ignore_index=True)
    labels = clips.scene.map({scene: number for number, scene in enumerate(scenes)}).to_numpy()
    scaling = best_scaling(logits, labels, clips.location)
    scale_logits(model, scaling.factor, scaling.offset, run)
    before, after = (predictions_frame(clips, each, scenes) for each in (logits, scaling(logits)))
    heard = after.iloc[:count]  # versions of a clip are no further clips to tell the threshold by
    result = {
        "temperature": scaling.temperature,
        "factor": scaling.factor.tolist(),
        "offset": scaling.offset.tolist(),
        "clips": count,
        "uncertain_below": uncertain_below(heard.filter(like="p(").max(axis=1), heard.predicted == heard.scene),
        "errors": {"before": calibration_errors(before), "after": calibration_errors(after)},
    }
    write_checked(out / RESULT, json.dumps(result, indent=2) + "\n")


def read_result(run):
    """What `calibrate` found, or None for a run that is not calibrated. Raises AscError for a damaged file."""
    path = Path(run) / RESULT
    if not path.is_file():
        return None
    try:
        result = json.loads(read_checked(path))
        return {name: result[name] for name in ("temperature", "clips", "uncertain_below", "errors")}
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        raise unreadable(path, error, "what 'asc-tf calibrate' wrote") from error
