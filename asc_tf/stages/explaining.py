"""A run's network, prepared to score the places of a recording."""

from asc_tf.evidence.network_scores import ScoredNetwork
from asc_tf.experiment.build import build_frontend
from asc_tf.experiment.run_folder import load_model, read_run
from asc_tf.export.tflite import metadata_of


def scored_run(run):
    """The `ScoredNetwork` of a run folder, with the weights that train.select names.

    Raises:
        AscError: no finished run, or a network without a map of scores.
    """
    config, dataset = read_run(run)
    network, frontend = load_model(run), build_frontend(config)
    samples = round(dataset.clip_seconds * frontend.sample_rate_hz)
    return ScoredNetwork(network, metadata_of(frontend, network, dataset.scenes, samples), run)
