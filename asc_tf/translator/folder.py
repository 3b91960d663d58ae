"""The folder of a device translator: what is read from it and written to it."""

import dataclasses
import json
import math
from pathlib import Path

import tf_keras as keras

import asc_tf.translator.unet  # noqa: F401  registers its layers for loading
from asc_tf.atomic import write_text
from asc_tf.data.names import check_labels
from asc_tf.errors import AscError
from asc_tf.experiment.sections import FrontendConfig


@dataclasses.dataclass(frozen=True)
class Translation:
    """From which device to which others, and how the translator is trained: the defaults are pix2pix's and QTI's.

    QTI's report names the residual blocks, the sub-bands and, for the training, the settings of pix2pix. Epochs,
    lengths and all about pairs are ours.
    """

    source: str
    targets: tuple[str, ...]
    width: int = 64
    """channels of the first convolution, of generator and discriminator"""
    depth: int = 4
    residual_blocks: int = 6
    sub_bands: int = 16
    dropout: float = 0.5
    epochs: int = 200
    """of 250 batches each, however many pairs there are"""
    batch_size: int = 1
    frames: int = 256
    """length of the stretches that are cut from the pairs, or of the whole clips where they are shorter"""
    learning_rate: float = 2e-4
    reconstruction_weight: float = 100.0
    """of the L2 distance, against 1 of the GAN's loss"""
    max_lag_seconds: float = 1.0
    min_correlation: float = 0.5
    held_out: float = 0.2
    """share of the pairs' locations to measure on"""
    seed: int = 0


def check_translation(settings, frontend):
    """Raise an AscError for settings that no translator can be trained with."""
    ranges = [
        ("width", 1, 4096), ("depth", 1, 8), ("residual_blocks", 0, 1000), ("sub_bands", 1, 4096), ("dropout", 0, 0.99),
        ("epochs", 1, math.inf), ("batch_size", 1, math.inf), ("frames", 2**settings.depth, math.inf),
        ("learning_rate", 0, math.inf), ("reconstruction_weight", 0, math.inf), ("max_lag_seconds", 0, math.inf),
        ("min_correlation", -1, 1), ("held_out", 0.01, 0.9), ("seed", 0, 2**31 - 1),
    ]  # fmt: skip
    for name, low, high in ranges:
        value = getattr(settings, name)
        if not low <= value <= high:
            raise AscError(f"--{name.replace('_', '-')} {value:g}: expected a value from {low:g} to {high:g}")
    if frontend.compression != "log":
        raise AscError(f"setting frontend.compression is {frontend.compression}; the translator needs log")
    if frontend.mel_bins % (2**settings.depth * settings.sub_bands):
        raise AscError(
            f"{frontend.mel_bins} mel bins cannot be halved {settings.depth} times into {settings.sub_bands} sub-bands;"
            " give another --depth or --sub-bands"
        )


def read_translator(folder):
    """(root of the data set, `Translation`, `FrontendConfig`) of a translator. Raises AscError if there is none."""
    path = Path(folder) / "translator.json"
    try:
        values = json.loads(path.read_text())
        settings = {**values["settings"], "targets": tuple(values["settings"]["targets"])}
        check_labels(path, "device", [settings["source"], *settings["targets"]])
        return values["root"], Translation(**settings), FrontendConfig(**values["frontend"])
    except (OSError, ValueError, TypeError, KeyError):
        raise AscError(f"{path}: cannot be read; expected a folder of 'asc-tf translate train'") from None


def check_translator_folder(folder, root, settings, frontend):
    """Raise an AscError if the folder holds something else than a translator of these settings."""
    if (folder / "translator.json").is_file():
        if read_translator(folder) != (str(Path(root).resolve()), settings, frontend):
            raise AscError(f"{folder}: holds a translator of another data set or other settings; give another --out")
    elif folder.exists() and (not folder.is_dir() or any(not p.name.startswith(".part-") for p in folder.iterdir())):
        raise AscError(f"{folder}: is not empty and holds no translator; expected a new folder")


def write_translator(folder, root, settings, frontend):
    """Write translator.json."""
    values = {
        "root": str(Path(root).resolve()),
        "settings": dataclasses.asdict(settings),
        "frontend": dataclasses.asdict(frontend),
    }
    write_text(folder / "translator.json", json.dumps(values, indent=2) + "\n")


def load_generator(folder):
    """The trained generator of a translator's folder. Raises AscError if its training has not ended."""
    path = folder / "generator.keras"
    if not path.is_file():
        raise AscError(f"{folder}: its training has not ended; run the same 'asc-tf translate train' command to go on")
    try:
        return keras.models.load_model(path, compile=False)
    except (OSError, ValueError, KeyError) as error:
        raise AscError(f"{path}: cannot be loaded ({str(error).splitlines()[0]})") from error
