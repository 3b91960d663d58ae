"""Figure 1 of Kim et al., DCASE Workshop 2021, of a run: whether stage 2 tells devices apart."""

import dataclasses
from pathlib import Path

import numpy as np
import tf_keras as keras

from asc_tf.atomic import write_text
from asc_tf.data.loader import evaluation_batches, reading
from asc_tf.errors import AscError
from asc_tf.experiment.run_folder import load_model, read_run, write_csv
from asc_tf.report.device_probe import device_map, device_map_chart
from asc_tf.report.drawing import standalone
from asc_tf.stages.experiment import Experiment
from asc_tf.stages.features import features_of

_CLIPS_A_DEVICE = 200
_STAGE = "stage2"


def write_device_figure(run, report=print):
    """Draw t-SNE of the training clips' stage-2 features by device: RUN/tsne.svg, with its points in RUN/tsne.csv.

    Of each device at most 200 training clips are taken, the same for the same seed.

    Args:
        run: run folder.
        report: called with lines for the user.

    Returns:
        (path of the SVG, {"frequency-wise": percent, "channel-wise": percent} of a linear probe).

    Raises:
        AscError: no trained run, a network without a stage 2, or too few devices.
    """
    run = Path(run)
    config, dataset = read_run(run)
    network = stage_network(load_model(run), run)
    experiment = Experiment.again(config, dataset)
    clips = experiment.clips.iloc[np.sort(experiment.recorded)].groupby("device", group_keys=False)
    clips = clips.sample(frac=1, random_state=config.seed).groupby("device").head(_CLIPS_A_DEVICE)
    there = dataclasses.replace(experiment, clips=clips.reset_index(drop=True))
    features = features_of(there, run, report)
    with reading(features):
        batches = evaluation_batches(features, there.labels, len(dataset.scenes))
        found = np.concatenate([network(batch, training=False).numpy() for batch, _ in batches])
    places, accuracies = device_map(found, there.clips, config.seed)
    write_csv(run / "tsne.csv", places)
    write_text(run / "tsne.svg", standalone(device_map_chart("tsne", places, accuracies)))
    return run / "tsne.svg", accuracies


def stage_network(network, source):
    """The part of a network from its features to the end of stage 2, [batch, frequency, time, channel].

    Raises:
        AscError: it has no stage 2; `source` names it.
    """
    last = [layer for layer in network.layers if layer.name.startswith(f"{_STAGE}_") or layer.name == _STAGE]
    if not last:
        raise AscError(f"{source}: its network has no layers of a stage 2; expected BC-ResNet-ASC or a relative of it")
    output = last[-1].input if last[-1].name == f"{_STAGE}_pool" else last[-1].output
    return keras.Model(network.input, output)
