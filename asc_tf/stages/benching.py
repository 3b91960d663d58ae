"""Training each method on one data set, over several seeds, into one table."""

import dataclasses
from pathlib import Path

import pandas as pd
import tf_keras as keras

from asc_tf.atomic import exclusive, write_text
from asc_tf.evaluation.metrics import device_metrics
from asc_tf.evaluation.report import bench_table
from asc_tf.experiment.bench_rows import COMMON, NETWORKS, ROWS, TEACHER
from asc_tf.experiment.command_settings import Translation
from asc_tf.experiment.recipes import find_recipe
from asc_tf.experiment.run_folder import read_run, write_csv
from asc_tf.stages.evaluation import evaluate, predict_test
from asc_tf.stages.finetuning import finetune
from asc_tf.stages.preconditions import check_bench
from asc_tf.stages.training import train
from asc_tf.stages.translation import apply_translator, train_translator

TRANSLATION = Translation("a", ("b", "c", "s1", "s2", "s3"), width=8, epochs=12)


def bench(root, out, network="bc-resnet-asc-1", names=(), seeds=3, responses=None, report=print):
    """Train the rows of `experiment.bench_rows` with seeds 0, 1, ..., and tabulate their test results.

    Every run is a run folder, OUT/NETWORK/ROW/SEED; teachers are in OUT/teacher/SEED, the translator and its clips in
    OUT/translator and OUT/translated. A second call continues and reads finished runs, so that rows can be trained one
    by one, or by several processes with separate rows. One process makes the shared parts while the others wait. After
    each run the call writes OUT/NETWORK.csv (device by device) and OUT/NETWORK.md from all finished runs.

    Args:
        root: folder of the data set.
        out: folder for all results of the bench.
        network: key of `NETWORKS`.
        names: of the rows; all of them if there are none.
        seeds: number of seeds.
        responses: folder of impulse responses, for the rows that use them.
        report: called with lines for the user.

    Returns:
        The table, Markdown.

    Raises:
        AscError: no such row, rows that need impulse responses without them, or what `train` and `finetune` raise.
    """
    rows, out = check_bench(root, names, responses), Path(out)
    for seed in range(seeds):
        for number, row in enumerate(rows, start=1):
            keras.backend.clear_session()
            report(f"seed {seed}, row {number} of {len(rows)}: {row.title}")
            _run(root, out, network, row, seed, responses, report)
            table = _tabulate(out, network, seeds)
    return table


def _run(root, out, network, row, seed, responses, report):
    """Train and evaluate one run, unless it exists."""
    folder = out / network / row.name / str(seed)
    if row.tuned:
        finetune(out / network / row.tuned / str(seed), folder, row.settings, report)
    else:
        train(root, _config(root, out, network, row, seed, responses, report), folder, report)
    evaluate(folder, report=report)


def _config(root, out, network, row, seed, responses, report):
    """The Config of a row; makes the teacher and the translated clips that the row needs."""
    config = find_recipe(row.recipe).config
    config = dataclasses.replace(config, model=dataclasses.replace(config.model, **NETWORKS[network]))
    config = config.with_settings((*COMMON, *row.settings, f"seed={seed}"))
    given = []
    if row.responses:
        given += [f"augment.impulse_responses={Path(responses).resolve()}", "data.features=stream"]
    if row.translator:
        given.append(f"data.translated={_translated(root, out, config.frontend, report)}")
    if row.teacher:
        given.append(f"distillation.teacher={_teacher(root, out, seed, report)}")
    return config.with_settings(given)


def _teacher(root, out, seed, report):
    """Run folder of a seed's teacher, trained if missing."""
    recipe, settings = TEACHER
    folder = (out / "teacher" / str(seed)).resolve()
    config = find_recipe(recipe).config.with_settings((*COMMON, *settings, f"seed={seed}"))
    with exclusive(folder, report):
        train(root, config, folder, lambda line: report(f"teacher: {line}"))
    return folder


def _translated(root, out, frontend, report):
    """Folder of translated clips, made if missing."""
    folder = (out / "translated").resolve()
    with exclusive(out / "translator", report):
        if not (out / "translator" / "distances.csv").is_file():
            train_translator(root, TRANSLATION, out / "translator", frontend, report)
    with exclusive(folder, report):
        apply_translator(out / "translator", str(folder), report=report)
    return folder


def _tabulate(out, network, seeds):
    """Write NETWORK.csv and NETWORK.md of the finished runs; return the table."""
    frames = []
    for row in ROWS.values():
        for seed in range(seeds):
            folder = out / network / row.name / str(seed)
            if (folder / "predictions.csv").is_file():
                metrics = device_metrics(predict_test(folder), read_run(folder)[1].seen_devices)
                metrics = metrics.rename_axis("device").reset_index()
                frames.append(metrics.assign(row=row.name, title=row.title, seed=seed))
    results = pd.concat(frames, ignore_index=True)
    write_csv(out / f"{network}.csv", results)
    table = bench_table(results)
    write_text(out / f"{network}.md", table + "\n")
    return table
