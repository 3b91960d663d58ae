"""The folder of a run: reading and writing it."""

import dataclasses
import io
import json
from pathlib import Path

import numpy as np
import pandas as pd

from asc_tf.atomic import check_new, checked_file, read_checked, whole_file, write_checked
from asc_tf.errors import AscError, unreadable
from asc_tf.experiment.dataset import read_dataset, write_dataset
from asc_tf.experiment.device_networks import REQUEST, device_file
from asc_tf.experiment.settings import Config
from asc_tf.experiment.trained_on import check_trained, digest_of, write_trained
from asc_tf.extensions import NETWORKS, NORMALIZATIONS

# Each states what was asked for, in the folder of a run that was made from other runs.
MADE_FROM_ANOTHER = ("compression.json", "finetuning.json", "calibration.json", "ensemble.json", "soup.json", REQUEST)
TRAINED_ON_ALL = "was trained on the test part too (data.split=full)"
NOTHING_TO_EVALUATE = "trained on the test part too (data.split=full): no clips are left to evaluate on"


def read_run(run):
    """(Config, Dataset) of a run folder. Raises AscError if the folder is no run's."""
    run = Path(run)
    try:
        return Config.read(run / "config.json"), read_dataset(run / "dataset.json")
    except FileNotFoundError as error:
        raise AscError(f"{error.filename}: no such file; expected a run folder made by 'asc-tf train'") from None
    except OSError as error:
        raise unreadable(error.filename or run, error) from error


def check_finished(run):
    """Raise an AscError for an unfinished run, or for a folder that holds no run."""
    read_run(run)
    if not (Path(run) / "last.keras").is_file():
        raise AscError(f"{run}: its training has not ended; run the same 'asc-tf train' command again to go on")


def load_model(run, device=None):
    """The network of a run, with the weights that train.select names.

    Args:
        run: run folder.
        device: one of `devices_with_networks`, for its own network; None for the run's general one.

    Raises:
        AscError: no finished run, a file that `read_network` refuses, or a network of other features or scenes.
    """
    check_finished(run)
    config, dataset = read_run(run)
    NETWORKS.find(config.model.network)  # imports the layers that the network uses
    if config.model.norm:
        NORMALIZATIONS.find(config.model.norm)
    from asc_tf.models.network_file import read_network

    path = Path(run) / f"{config.train.select}.keras" if device is None else device_file(run, device)
    network = read_network(path)
    found = network.input_shape[1], network.output_shape[-1]
    expected = config.frontend.mel_bins, len(dataset.scenes)
    if found != expected:
        raise AscError(
            f"{path}: is a network of {found[0]} mel bins and {found[1]} scenes; expected {expected[0]} and "
            f"{expected[1]}, those of the run"
        )
    return network


def check_repeatable(run, advice):
    """Raise an AscError for a run that cannot be repeated with another setting and compared on the test part.

    Args:
        run: run folder.
        advice: what to do with the original run, if this run was made from one.
    """
    if (Path(run) / "imported.json").is_file():
        raise AscError(f"{run}: was imported (imported.json); expected a run that was trained here")
    for name in MADE_FROM_ANOTHER:
        if (Path(run) / name).is_file():
            raise AscError(f"{run}: was made from another run ({name}); {advice}")
    if read_run(run)[0].data.split == "full":
        raise AscError(f"{run}: {TRAINED_ON_ALL}; expected a run with a test part")


def claim(path, asked, kind, of, before=None, flag="--out"):
    """Write the request into the folder of something made from runs, or check that the same request is there.

    Args:
        path: of the JSON file, in that folder.
        asked: the request, a dict that JSON can hold.
        kind: word for the folder's content; `of`: the difference of another one, for the error.
        before: values of settings that older files lack.

    Raises:
        AscError: the folder holds something else.
    """
    text = json.dumps(asked, indent=2) + "\n"
    if path.is_file():
        try:
            known = {**(before or {}), **json.loads(read_checked(path))}
        except (ValueError, TypeError, RecursionError) as error:
            raise unreadable(path, error, "what was asked for here") from error
        if known != json.loads(text):
            raise AscError(f"{path}: is {of}; expected another {flag}")
    else:
        check_free(path, kind)
        write_checked(path, text)


def check_free(path, kind):
    """Raise an AscError if the folder of a file that `claim` has not yet written holds something else."""
    if not path.is_file():
        check_new(path.parent, kind)


def check_run_folder(run, config, root):
    """Raise an AscError if the folder holds something else than a run of these settings on the data set at `root`."""
    path = run / "config.json"
    if path.is_file():
        differences = Config.read(path).differences(config)
        if differences:
            longer = any(difference.startswith("train.epochs: ") for difference in differences)
            raise AscError(
                f"{run}: holds a run of other settings ({'; '.join(differences)}); "
                "expected the same settings, or another --run"
                + (" (a longer training has other learning rates from the first step on)" if longer else "")
            )
        if (run / "dataset.json").is_file() and (trained_on := read_run(run)[1].root) != str(Path(root).resolve()):
            raise AscError(f"{run}: holds a run on {trained_on}; expected {root}, or another --run")
    else:
        check_new(run, "run", ("features", "teacher"))  # a killed run leaves these before it writes config.json


def write_settings(run, config, dataset, trained=None):
    """Write config.json and dataset.json, unless they are there.

    Args:
        run: run folder.
        config, dataset: a `Config` and a `Dataset`.
        trained: frame of `asc_tf.experiment.trained_on.trained_clips`, to be kept and compared.

    Raises:
        AscError: the data set has changed since the run began.
    """
    run = Path(run)
    if trained is not None:
        dataset = dataclasses.replace(dataset, clips_sha256=digest_of(trained))
    if (run / "dataset.json").is_file():
        _, before = read_run(run)
        if trained is not None:
            check_trained(run, before, trained)
        if not same_data(before, dataset):
            raise AscError(f"{run}: the data set has changed since the run began; expected another --run")
        return
    write_checked(run / "config.json", config.to_json())
    if trained is not None:
        write_trained(run, trained)
    write_dataset(run / "dataset.json", dataset)


def same_data(before, now):
    """Whether two `Dataset` are of the same data; statistics may differ by the order of their sums."""
    for name in ("feature_mean", "feature_std"):
        then, today = getattr(before, name), getattr(now, name)
        if np.shape(then) != np.shape(today) or np.abs(np.subtract(then, today)).max() >= 1e-3:
            return False
        now = dataclasses.replace(now, **{name: then})
    if "" in (before.clips_sha256, now.clips_sha256):
        now = dataclasses.replace(now, clips_sha256=before.clips_sha256)
    return now == before


def write_csv(path, frame):
    """Write a pandas frame as CSV, whole or not at all."""
    with whole_file(path) as part:
        frame.to_csv(part, index=False)


def write_checked_csv(path, frame):
    """As `write_csv`, with a checksum, for a table that `read_csv` reads back."""
    with checked_file(path) as part:
        frame.to_csv(part, index=False)


def read_csv(path, columns, text=()):
    """A table of a run folder.

    Args:
        path: of the CSV file.
        columns: names of the required columns.
        text: names of the columns without numbers.

    Raises:
        AscError: it is damaged, no CSV file, or lacks rows or columns, or has text in place of numbers.
    """
    try:
        content = io.BytesIO(read_checked(path))
        frame = pd.read_csv(content, dtype=dict.fromkeys(text, str), keep_default_na=False, na_values=[""])
    except (OSError, ValueError) as error:  # pandas raises its own errors as ValueErrors
        raise unreadable(path, error, "a table") from error
    missing = [name for name in columns if name not in frame.columns]
    if missing or not len(frame):
        found = f"no column '{missing[0]}'" if missing else "no row"
        raise AscError(f"{path}: has {found}; expected rows of {', '.join(columns)}")
    for name in frame.columns:
        if name not in text and not pd.api.types.is_numeric_dtype(frame[name]):
            raise AscError(f"{path}: column '{name}' holds text; expected numbers")
    return frame.fillna(dict.fromkeys(text, ""))
