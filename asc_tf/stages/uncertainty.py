"""The confidence from which a run's network is to be believed, from its own validation clips."""

import numpy as np
import tensorflow as tf

from asc_tf.data.loader import evaluation_batches, reading
from asc_tf.evaluation.uncertainty import uncertain_below
from asc_tf.stages.calibrating import read_result
from asc_tf.stages.experiment import Experiment
from asc_tf.stages.features import features_of


def validation_threshold(run, config, dataset, model, report, device=None):
    """`uncertain_below` of a network on the validation clips of its run; that of its calibration, if it had one.

    Args:
        run: run folder.
        config, dataset: of the run.
        model: network from features to logits.
        report: called with lines for the user.
        device: take only its validation clips.

    Returns:
        A probability, or None if the run has no validation clips or too few.

    Raises:
        AscError: clips that cannot be read.
    """
    if (calibrated := read_result(run)) is not None:
        return calibrated["uncertain_below"]
    experiment = Experiment.again(config, dataset)
    experiment = experiment if device is None else experiment.of_device(device)
    if not len(experiment.validation):
        return None
    held_out = experiment.of_validation()
    features, labels = features_of(held_out, run, report), held_out.labels
    with reading(features):
        logits = model.predict(evaluation_batches(features, labels, len(dataset.scenes)), verbose=0)
    probabilities = tf.nn.softmax(logits).numpy()
    return uncertain_below(probabilities.max(axis=1), np.argmax(probabilities, axis=1) == labels)
