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
from asc_tf.experiment.device_networks import devices_with_networks
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
    trained on one of the published shares (data.split=split25) adds that share's output and results. For 2025, a run
    with a network for each device (`asc-tf finetune --per-device`) answers each clip by the network of its device.

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
        path = out / "network" / f"{output_name(label, form, split).removesuffix('.csv')}.{format}.tflite"
        devices = devices_with_networks(run, dataset) if form.tells_devices else ()
        networks = {
            device or GENERAL: export(run, path, format=format, input="features", report=report, device=device)[0]
            for device in (None, *devices)
        }
        complexity = {device: _complexity(device, network, form, report) for device, network in networks.items()}
        names, devices_of = _clips(evaluation, form)
        shown = names if form.tells_devices else [Path(name).name for name in names]  # as that year's organizers do
        answers = _answers(networks, evaluation, names, devices_of, progress)
        write_output(folder / output_name(label, form, split), shown, answers)
        is_pruned = (run / "compression.json").is_file()
        description = system_description(config, format, is_pruned, len(networks))
        largest = {name: max(numbers[name] for numbers in complexity.values()) for name in form.complexity}
        results = _results(run, dataset, form, split)
        write_meta(folder / meta_name(label), form, label, description, largest, results)
        if form.tells_devices:
            write_package(out / "package", label, networks, complexity, form.seconds)
    return folder


def _complexity(device, network, form, report):
    """`complexity_numbers` of a network; its verdict is reported."""
    account = tflite_account(network)
    verdict = next(each for each in verdicts(account) if each.year == form.year)
    of = "" if device == GENERAL else f", network of device {device}"
    report(f"DCASE {form.year}{of}: {VERDICTS[verdict.passes]}: {'; '.join(map(check_text, verdict.checks))}")
    return complexity_numbers(account, form)


def _clips(root, form):
    """(names, devices) of the evaluation set's clips; "" is a device that is not told."""
    table = read_table(Path(root) / "evaluation_setup" / "fold1_test.csv", ("filename",), ("device_id",))
    names = table.columns["filename"]
    return names, table.columns.get("device_id", [""] * len(names)) if form.tells_devices else [""] * len(names)


def _answers(networks, root, names, devices, progress):
    """Probabilities [clips, scenes] in the order of `SCENES`, each clip's by the network of its device.

    A silent clip gets the same probability for each scene.
    """
    found = {}
    for device, network in networks.items():
        classifiers = [Classifier(network) for _ in range(os.cpu_count())]
        order = [classifiers[0].labels.index(scene) for scene in SCENES]
        own = [name for name, of in zip(names, devices, strict=True) if (of if of in networks else GENERAL) == device]
        for record in classified(Path(root), own, classifiers):
            if record["error"]:
                raise AscError(record["error"])
            found[record["file"]] = np.array(record["probabilities"])[order]
            progress(len(found), len(names))
    answers = np.stack([found[name] for name in names])
    return np.where(answers.any(axis=1, keepdims=True), answers, 1 / len(SCENES))


def _results(run, dataset, form, split):
    """{block of the metadata's results: of `results_block`}."""
    blocks = [f"split_{split}"] if split else form.results
    return {name: _block(run, dataset, general=name == "general") for name in blocks}


def _block(run, dataset, general):
    if not has_test_part(run):
        return results_block(None, None)
    predictions = predict_test(run, general=general)
    return results_block(device_metrics(predictions, dataset.seen_devices), scene_metrics(predictions))
