"""Classification of each clip by the network of its device."""

import numpy as np

from asc_tf.data.loader import evaluation_batches
from asc_tf.experiment.device_networks import devices_with_networks
from asc_tf.experiment.run_folder import load_model, read_run


def routed_logits(run, clips, features, labels, general=False, prepared=lambda network: network):
    """Logits [clips, scenes] of a run's networks, each clip by the network of its device.

    Args:
        run: run folder.
        clips: frame of `read_clips`.
        features: of these clips.
        labels: index of each clip's scene.
        general: classify all clips by the general network, as those of devices without an own one.
        prepared: function of each loaded network to the network to use.
    """
    dataset = read_run(run)[1]
    own = () if general else devices_with_networks(run, dataset)
    of = clips.device.where(clips.device.isin(own), "").to_numpy()
    logits = np.zeros((len(clips), len(dataset.scenes)), np.float32)
    for device in sorted(set(of)):
        rows = np.flatnonzero(of == device)
        network = prepared(load_model(run, device or None))
        batches = evaluation_batches(features, labels, len(dataset.scenes), rows=rows)
        logits[rows] = network.predict(batches, verbose=0)
    return logits
