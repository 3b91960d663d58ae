"""A submission to task 1 of the DCASE challenge, made of a run."""

import os
from pathlib import Path

import numpy as np

from asc_tf.atomic import exclusive
from asc_tf.complexity.account_report import check_text
from asc_tf.complexity.rules import VERDICTS, verdicts
from asc_tf.complexity.tflite_account import tflite_account
from asc_tf.data.tables import read_table
from asc_tf.data.tau import SCENES
from asc_tf.errors import AscError
from asc_tf.evaluation.metrics import device_metrics, scene_metrics
from asc_tf.experiment.run_folder import read_run
from asc_tf.runtime.classifier import Classifier
from asc_tf.runtime.folder import classified
from asc_tf.stages.evaluation import predict_test
from asc_tf.stages.exporting import export
from asc_tf.stages.preconditions import has_test_part
from asc_tf.stages.submission_checks import check_submission
from asc_tf.submission.description import system_description
from asc_tf.submission.label import meta_name, output_name
from asc_tf.submission.meta_file import complexity_numbers, results_block, write_meta
from asc_tf.submission.output_file import write_output
from asc_tf.submission.package import GENERAL, write_package
from asc_tf.submission.years import YEARS


def submit(run, year, evaluation, out, label, format=None, report=print, progress=lambda done, total: None):
    """Write a submission's output and metadata, and for 2025 the inference package: `asc-tf submit`.

    The run's network is exported, and the exported file classifies the evaluation set, so that the complexity that is
    stated is that of the file that answered. Results are those of the run on its test part. For 2024, a run that was
    trained on one of the published shares (data.split=split25) adds that share's output and results.

    Args:
        run: run folder of a network of the ten scenes of TAU.
        year: key of `YEARS`.
        evaluation: folder of the evaluation set, with evaluation_setup/fold1_test.csv.
        out: folder; OUT/TASK/LABEL is to be packed, OUT/network has the exported file, OUT/package is for 2025.
        label: such as Kim_QTI_task1_1.
        format: of the file, as for `export`; None is the year's.
        report: called with lines for the user.
        progress: called with (done, all) after every clip.

    Returns:
        The folder that is to be packed.

    Raises:
        AscError: see `check_submission`; the export fails, or a clip cannot be read.
    """
    run, out, form = Path(run), Path(out), YEARS[year]
    split = check_submission(run, year, evaluation, label, format)
    folder = out / form.task / label
    config, dataset = read_run(run)
    format = format or form.format
    with exclusive(out):
        network = out / "network" / f"{output_name(label, form, split).removesuffix('.csv')}.{format}.tflite"
        export(run, network, format=format, input="features", report=report)
        account = tflite_account(network)
        verdict = next(each for each in verdicts(account) if each.year == year)
        report(f"DCASE {year}: {VERDICTS[verdict.passes]}: {'; '.join(map(check_text, verdict.checks))}")
        names = read_table(Path(evaluation) / "evaluation_setup" / "fold1_test.csv", ("filename",)).columns["filename"]
        shown = names if year >= 2025 else [Path(name).name for name in names]  # as each year's organizers write them
        write_output(folder / output_name(label, form, split), shown, _answers(network, evaluation, names, progress))
        is_pruned = (run / "compression.json").is_file()
        description = system_description(config, format, is_pruned)
        complexity = complexity_numbers(account, form)
        block = _results(run, dataset)
        results = {f"split_{split}": block} if split else dict.fromkeys(form.results, block)
        write_meta(folder / meta_name(label), form, label, description, complexity, results)
        if year == 2025:
            counts = {"MACs": complexity["macs"], "Params": complexity["total_model_size"]}
            write_package(out / "package", label, {GENERAL: network}, {GENERAL: counts}, form.seconds)
    return folder


def _answers(network, root, names, progress):
    """Probabilities [clips, scenes] in the order of `SCENES`; a silent clip gets the same for each scene."""
    classifiers = [Classifier(network) for _ in range(os.cpu_count())]
    order = [classifiers[0].labels.index(scene) for scene in SCENES]
    found = {}
    for record in classified(Path(root), names, classifiers):
        if record["error"]:
            raise AscError(record["error"])
        found[record["file"]] = record["probabilities"]
        progress(len(found), len(names))
    answers = np.array([found[name] for name in names])[:, order]
    return np.where(answers.any(axis=1, keepdims=True), answers, 1 / len(SCENES))


def _results(run, dataset):
    if not has_test_part(run):
        return results_block(None, None)
    predictions = predict_test(run)
    return results_block(device_metrics(predictions, dataset.seen_devices), scene_metrics(predictions))
