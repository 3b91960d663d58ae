"""The folder of a run: what is read from it and written to it."""

import dataclasses
import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from asc_tf.atomic import whole_file, write_text
from asc_tf.data.names import check_labels
from asc_tf.errors import AscError
from asc_tf.experiment.settings import Config
from asc_tf.extensions import NETWORKS, NORMALIZATIONS


@dataclass(frozen=True)
class Dataset:
    """What a run must know of its data: dataset.json."""

    root: str
    scenes: tuple[str, ...]
    seen_devices: tuple[str, ...]
    clip_seconds: float
    feature_mean: float | tuple[float, ...]
    feature_std: float | tuple[float, ...]
    """of the training features: two numbers, or one a mel bin each"""


def read_run(run):
    """(Config, Dataset) of a run folder. Raises AscError if it is none."""
    run = Path(run)
    try:
        config = Config.read(run / "config.json")
        values = json.loads((run / "dataset.json").read_text())
        dataset = Dataset(**{k: tuple(v) if isinstance(v, list) else v for k, v in values.items()})
        check_labels(run / "dataset.json", "scene", dataset.scenes)
        check_labels(run / "dataset.json", "device", dataset.seen_devices)
        return config, dataset
    except FileNotFoundError as error:
        raise AscError(f"{error.filename}: no such file; expected a run folder made by 'asc-tf train'") from None
    except (OSError, ValueError, TypeError) as error:
        raise AscError(f"{run / 'dataset.json'}: cannot be read back ({error})") from error


def check_finished(run):
    """Raise an AscError for a run whose training has not ended, or for a folder that is none."""
    read_run(run)
    if not (Path(run) / "last.keras").is_file():
        raise AscError(f"{run}: its training has not ended; run the same 'asc-tf train' command again to go on")


def load_model(run):
    """The network of a run, with the weights that train.select names."""
    check_finished(run)
    config, _ = read_run(run)
    NETWORKS.find(config.model.network)  # which imports the layers that it is made of
    if config.model.norm:
        NORMALIZATIONS.find(config.model.norm)
    import tf_keras as keras

    import asc_tf.layers  # noqa: F401  registers the layers for loading

    path = Path(run) / f"{config.train.select}.keras"
    try:
        return keras.models.load_model(path, compile=False)
    except (OSError, ValueError, KeyError) as error:
        raise AscError(f"{path}: cannot be loaded ({str(error).splitlines()[0]})") from error


def check_repeatable(run, advice):
    """Raise an AscError for a run that cannot be trained again with another setting and compared on the test part.

    Args:
        run: run folder.
        advice: what to do with the run that it was made from, if there is one.
    """
    for name in ("compression.json", "finetuning.json", "ensemble.json"):
        if (Path(run) / name).is_file():
            raise AscError(f"{run}: was made from another run ({name}); {advice}")
    if read_run(run)[0].data.split == "full":
        raise AscError(f"{run}: was trained on the test part too (data.split=full): there is nothing to compare")


def claim(path, asked, kind, of, before=None):
    """Write what was asked for into the folder of something made of runs, or see that it is the same.

    Args:
        path: of the JSON file, in that folder.
        asked: dict that JSON can hold.
        kind: word for what the folder holds, and `of`, how another one differs, for the error.
        before: values of settings that older files do not have.

    Raises:
        AscError: the folder holds something else.
    """
    text = json.dumps(asked, indent=2) + "\n"
    if path.is_file():
        try:
            known = {**(before or {}), **json.loads(path.read_text())}
        except (ValueError, TypeError):
            known = None
        if known != json.loads(text):
            raise AscError(f"{path}: is {of}; give another --out folder")
    else:
        check_free(path, kind)
        write_text(path, text)


def check_free(path, kind):
    """Raise an AscError if the folder of a file that `claim` has not written yet holds something else."""
    out = path.parent
    if not path.is_file() and out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise AscError(f"{out}: is not empty and holds no {kind}; expected a new folder")


def check_run_folder(run, config, root):
    """Raise an AscError if the folder holds something else than a run of these settings on the data set at `root`."""
    path = run / "config.json"
    if path.is_file():
        differences = Config.read(path).differences(config)
        if differences:
            longer = any(difference.startswith("train.epochs: ") for difference in differences)
            raise AscError(
                f"{run}: holds a run of other settings ({'; '.join(differences)}); "
                "give the same settings to go on with it, or another --run folder"
                + (", as a longer training has other learning rates from the first step on" if longer else "")
            )
        if (run / "dataset.json").is_file() and (trained_on := read_run(run)[1].root) != str(Path(root).resolve()):
            raise AscError(f"{run}: is a run on {trained_on}, not on {root}; give another --run folder")
    elif run.exists() and (not run.is_dir() or any(_is_foreign(path) for path in run.iterdir())):
        raise AscError(f"{run}: is not empty and holds no run; expected a new folder or that of a run")


def _is_foreign(path):
    """Whether a file is none that a run leaves when it is killed before config.json is written."""
    return path.name not in ("features", "teacher") and not path.name.startswith(".part-")


def write_settings(run, config, dataset):
    """Write config.json and dataset.json, unless they are there.

    Raises:
        AscError: the data set is no longer what it was when the run began.
    """
    run = Path(run)
    if (run / "dataset.json").is_file():
        _, before = read_run(run)
        close = all(
            np.shape(now) == np.shape(then) and np.abs(np.subtract(now, then)).max() < 1e-3
            for now, then in (
                (dataset.feature_mean, before.feature_mean),
                (dataset.feature_std, before.feature_std),
            )
        )
        same = (
            dataclasses.replace(before, feature_mean=dataset.feature_mean, feature_std=dataset.feature_std) == dataset
        )
        if not (close and same):
            raise AscError(f"{run}: the data set has changed since the run began; give another --run folder")
        return
    write_text(run / "config.json", config.to_json())
    write_text(run / "dataset.json", json.dumps(dataclasses.asdict(dataset), indent=2) + "\n")


def write_csv(path, frame):
    """Write a pandas frame as CSV, whole or not at all."""
    with whole_file(path) as part:
        frame.to_csv(part, index=False)
