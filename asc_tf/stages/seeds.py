"""A run repeated with other seeds."""

import dataclasses
from pathlib import Path

import tf_keras as keras

from asc_tf.atomic import exclusive
from asc_tf.evaluation.metrics import device_metrics
from asc_tf.evaluation.report import seeds_table
from asc_tf.experiment.run_folder import check_repeatable, read_run, write_csv
from asc_tf.experiment.trained_on import check_trained
from asc_tf.stages.experiment import Experiment
from asc_tf.stages.training import train


def evaluate_seeds(run, seeds, report=print):
    """Repeat a run with the next seeds, in its subfolder seeds/, and return mean and deviation as text.

    The run itself is the first of them. Finished runs are read, interrupted ones continue. Writes seeds.csv into the
    run folder.
    """
    read_run(run)
    with exclusive(run):
        return _evaluate_seeds(Path(run), seeds, report)


def _evaluate_seeds(run, seeds, report):
    config, dataset = read_run(run)
    check_repeatable(run, "repeat that one with other seeds")
    others = range(config.seed + 1, config.seed + seeds)
    if not all((run / "seeds" / str(seed) / "last.keras").is_file() for seed in others):
        check_trained(run, dataset, Experiment.again(config, dataset).trained)
    results = {}
    for seed in range(config.seed, config.seed + seeds):
        keras.backend.clear_session()
        folder = run if seed == config.seed else run / "seeds" / str(seed)
        if seed != config.seed:
            report(f"seed {seed}")
        predictions = train(dataset.root, dataclasses.replace(config, seed=seed), folder, report)
        results[seed] = device_metrics(predictions, dataset.seen_devices)
    text, summary = seeds_table(results)
    write_csv(run / "seeds.csv", summary.rename_axis("device").reset_index())
    return text
