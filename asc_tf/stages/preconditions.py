"""Checks whether a stage can begin, from its arguments, its run and its data set, before TensorFlow is loaded.

Each stage calls its check first, and the command line calls it before it imports the stage, so that mistakes are
reported at once. All raise an AscError that names the flag or file, the value found and the value expected.
"""

from pathlib import Path

from asc_tf.atomic import check_replaceable
from asc_tf.data.clips import read_clips, scenes_of
from asc_tf.data.logits_file import is_logits_file, read_logits
from asc_tf.errors import AscError, nearest
from asc_tf.experiment.bench_rows import find_rows
from asc_tf.experiment.device_networks import check_one_network
from asc_tf.experiment.named_networks import NAMED_NETWORKS
from asc_tf.experiment.run_folder import (
    TRAINED_ON_ALL,
    check_finished,
    check_free,
    check_repeatable,
    check_run_folder,
    read_run,
)
from asc_tf.experiment.setting_values import check_flags
from asc_tf.experiment.teachers import OTHER_TEACHER, hears_the_same
from asc_tf.experiment.translator_folder import (
    check_translation,
    check_translator_folder,
    check_translator_trained,
    read_translator,
)
from asc_tf.internals.torch_checkpoint import read_checkpoint
from asc_tf.runtime.device_file import path_of_device
from asc_tf.runtime.metadata import read_metadata
from asc_tf.search.budget import parse_budget
from asc_tf.search.space import Space
from asc_tf.stages.training_data import split_clips
from asc_tf.translator.pairs import find_pairs


def check_training(root, config, run):
    """For `train`: the folder is free or belongs to this run, the data set can be split, the teachers are trained."""
    check_run_folder(Path(run), config, root)
    clips, training, _ = split_clips(root, config)
    for teacher in config.distillation.teacher or ():
        if is_logits_file(teacher):
            chosen = clips.iloc[training]
            read_logits(teacher, chosen.filename, scenes_of(chosen))
        else:
            check_finished(teacher)


def has_test_part(run):
    """Whether the data set of a run has clips that the run may not train on."""
    config, dataset = read_run(run)
    return config.data.split != "full" and bool(dataset.root)


def check_has_data(run, flag=None):
    """Raise an AscError for a run without a data set of its own, which an imported one may be.

    Args:
        run: run folder.
        flag: that names a data set to a command which takes one.
    """
    if not read_run(run)[1].root:
        here = f"{flag} ROOT, or " if flag else ""
        raise AscError(
            f"{run}: was imported without a data set; expected {here}an import with --data ROOT into another folder"
        )


def check_evaluation(run, root=None, seconds=None):
    """For `predict_test` and `evaluate`: a trained run, and clips that it was not trained on."""
    run = Path(run)
    read_run(run)
    if root is not None or seconds is not None or not (run / "predictions.csv").is_file():
        check_finished(run)
    if root is None:
        check_has_data(run, "--data")
    if root is None and not has_test_part(run):
        raise AscError(f"{run}: {TRAINED_ON_ALL}; expected another data set by --data")
    if seconds is not None and (run / "ensemble.json").is_file():
        raise AscError(
            f"{run}: is an ensemble, and those classify whole clips; expected one of its members with --seconds"
        )


def in_run_folder(file):
    """Whether an exported file is in the folder of a run."""
    return (Path(file).parent / "config.json").is_file()


def file_data_set(file, root=None):
    """For `evaluate_file`: returns the data set's folder, `root` or that of the run in whose folder the file is."""
    if root is not None:
        return Path(root)
    run = Path(file).parent
    if not in_run_folder(file):
        raise AscError(f"{file}: is in no run folder; expected a data set by --data")
    check_has_data(run, "--data")
    if not has_test_part(run):
        raise AscError(f"{run}: {TRAINED_ON_ALL}; expected another data set by --data")
    return Path(read_run(run)[1].root)


def check_left_out_devices(run):
    """For `evaluate_left_out_devices`: a run that can be trained again without a device."""
    check_finished(run)
    check_repeatable(run, "leave devices out of that one")
    config, _ = read_run(run)
    if config.data.leave_out:
        left_out = ", ".join(config.data.leave_out)
        raise AscError(f"{run}: leaves out {left_out} itself (data.leave_out); expected a run on all devices")
    if config.distillation.teacher:
        raise AscError(
            f"{run}: has teachers that have heard its devices (distillation.teacher); expected none, or "
            "distillation.recipe, as that teacher is trained again too"
        )


def check_export(run, out, format, input, root=None, device=None):
    """For `export`: a trained run, a format that supports the request, a path that may be written. Returns the path.

    An 8-bit file needs clips for its calibration: of the data set at `root`, or else of the run's own.

    The network of a `device` gets a file of its own beside that. An existing file of this format is replaced; a file of
    another format may be in use and is not.
    """
    if format == "onnx" and input != "features":
        raise AscError(f"--input {input}: an ONNX file takes features only; expected --input features")
    check_finished(run)
    if root is not None:
        read_clips(root)
    elif format == "int8":
        check_has_data(run, "--data")
    ending = ".onnx" if format == "onnx" else ".tflite"
    path = Path(out or Path(run) / f"model{ending}")
    if path.suffix != ending:
        raise AscError(f"--out {path}: expected a name that ends in {ending} for --format {format}")
    path = path if device is None else path_of_device(path, device)
    if path.is_dir():
        raise AscError(f"--out {path}: is a folder; expected the name of a file")
    check_replaceable(path)
    if path.exists() and format != "onnx":
        _check_same_format(path, format, input)
    return path


def check_micro_export(run, root=None):
    """For `export_micro`: a finished run, and clips to calibrate on; `root` as of `check_export`."""
    check_finished(run)
    if root is not None:
        read_clips(root)
    else:
        check_has_data(run, "--data")


def _check_same_format(path, format, input):
    try:
        metadata = read_metadata(path.read_bytes(), path)
    except (AscError, OSError):
        raise AscError(f"{path}: is no whole file of asc-tf; delete it, or give another --out") from None
    if (metadata.format, metadata.input) != (format, input):
        raise AscError(
            f"{path}: has --format {metadata.format} --input {metadata.input}; expected {format} and {input}: "
            "delete it, "
            "or give another --out"
        )


def check_report(runs, out):
    """For `write_report`: trained runs, and a page that may be written. Returns the page's path."""
    if not runs:
        raise AscError("RUN: is not given; expected folders of runs")
    for run in runs:
        check_finished(run)
    if len({Path(run).resolve() for run in runs}) < len(runs):
        raise AscError(f"{', '.join(map(str, runs))}: one run is named twice; expected different runs")
    if out is None and len(runs) > 1:
        raise AscError(
            f"--out: is not given; expected the name of a page for the {len(runs)} runs, such as report.html"
        )
    path = Path(out or Path(runs[0]) / "report.html")
    if path.suffix != ".html":
        raise AscError(f"--out {path}: expected a name that ends in .html; tables go to .md and .csv beside it")
    for suffix in (".html", ".md", ".csv"):
        check_replaceable(path.with_suffix(suffix))
    return path


def check_compression(run, out, settings):
    """For `compress`: a trained run, and a `Compression` that suits it."""
    check_flags(settings)
    check_free(Path(out) / "compression.json", "compression")
    if settings.activations == "int8" and settings.weights != "int8":
        raise AscError(f"--activations int8: is given with --weights {settings.weights}; expected --weights int8")
    config, dataset = read_run(run)
    check_one_network(run, "compress the run that it was made from")
    check_finished(run)
    check_has_data(run)
    if settings.teacher is not None:
        if is_logits_file(settings.teacher):
            raise AscError(
                f"--teacher {settings.teacher}: is a file; expected a run, since only a network hears augmented clips"
            )
        if not hears_the_same(settings.teacher, config, dataset):
            raise AscError(f"--teacher {settings.teacher}: {OTHER_TEACHER}")
        check_finished(settings.teacher)


def check_import(checkpoint, run, root=None):
    """For `import_checkpoint`: a PyTorch checkpoint, a folder that is free. Returns the `Checkpoint`."""
    check_free(Path(run) / "imported.json", "import")
    if root is not None:
        read_clips(root)
    return read_checkpoint(checkpoint)


def check_calibration(run, out):
    """For `calibrate`: a trained run with validation clips. Returns its Config and Dataset."""
    check_free(Path(out) / "calibration.json", "calibration")
    config, dataset = read_run(run)
    check_one_network(run, "calibrate the run that it was made from")
    check_finished(run)
    check_has_data(run)
    if not config.data.validation_fraction:
        raise AscError(f"{run}: has no validation clips (data.validation_fraction is 0); expected a run with some")
    return config, dataset


def check_counted(target):
    """For `account_of`: a trained run, a .keras or .tflite file, or a name of `NAMED_NETWORKS`."""
    path = Path(target)
    if path.is_dir():
        check_finished(path)
    elif path.suffix in (".keras", ".tflite"):
        if not path.is_file():
            raise AscError(f"{path}: no such file; expected a network, a .keras or .tflite file")
    elif str(target) not in NAMED_NETWORKS or path.exists():
        raise AscError(
            f"{target}: is no run folder, .keras or .tflite file, nor the name of a network; "
            f"{nearest(str(target), list(NAMED_NETWORKS))}"
        )


def check_translator_training(root, settings, folder, frontend):
    """For `train_translator`: valid settings, a folder that is free or its own, devices with common segments."""
    check_translation(settings, frontend)
    check_translator_folder(Path(folder), root, settings, frontend)
    clips = read_clips(root)
    find_pairs(clips[clips.split == "train"], settings.source, settings.targets)


def check_translator(folder):
    """For `apply_translator`: a trained translator, and its data set."""
    read_clips(read_translator(folder)[0])
    check_translator_trained(folder)


def check_search(root, out, config, settings):
    """For `search`: settings that fit together, a free folder (None: a chief's), validation clips."""
    check_flags(settings)
    if parse_budget(settings.budget).limits_chip and config.frontend.compression != "log":
        raise AscError(
            f"--budget {settings.budget}: limits a microcontroller, for which setting frontend.compression is "
            f"{config.frontend.compression}; expected log, the frontend that is written in C"
        )
    Space(settings.space, config)
    if config.data.split == "full":
        raise AscError("setting data.split is full; expected another, since a search must not hear the test part")
    if out is not None:
        check_free(Path(out) / "search.json", "search")
    if not len(split_clips(root, config)[2]):
        raise AscError("setting data.validation_fraction is 0; expected more for a search, such as 0.2")


def check_bench(root, names, responses):
    """For `bench`: known rows, and their requirements. Returns the rows."""
    rows = find_rows(names)
    lacking = [row.name for row in rows if row.responses and responses is None]
    if lacking:
        raise AscError(f"--responses: is not given; expected it for --rows {' '.join(lacking)}")
    read_clips(root)
    return rows
