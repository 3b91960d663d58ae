"""The folder of a device translator: reading and writing it."""

import dataclasses
import json
from pathlib import Path

from asc_tf.atomic import check_new, write_checked
from asc_tf.data.names import check_labels
from asc_tf.errors import AscError, unreadable
from asc_tf.experiment.command_settings import Translation
from asc_tf.experiment.sections import FrontendConfig
from asc_tf.experiment.setting_values import check_flags, from_values
from asc_tf.experiment.strict_json import read_json


def check_translation(settings, frontend):
    """Raise an AscError for settings that cannot train a translator."""
    check_flags(settings)
    if settings.frames < 2**settings.depth:
        raise AscError(f"--frames {settings.frames}: expected at least {2**settings.depth}, 2 to the --depth")
    if frontend.compression != "log":
        raise AscError(f"setting frontend.compression is {frontend.compression}; expected log for a translator")
    if frontend.mel_bins % (2**settings.depth * settings.sub_bands):
        raise AscError(
            f"{frontend.mel_bins} mel bins cannot be halved {settings.depth} times into {settings.sub_bands} sub-bands;"
            " give another --depth or --sub-bands"
        )


def read_translator(folder):
    """(root of the data set, `Translation`, `FrontendConfig`) of a translator. Raises AscError if there is none."""
    path = Path(folder) / "translator.json"
    try:
        values = read_json(path)
    except OSError as error:
        raise unreadable(path, error, "a folder of 'asc-tf translate train'") from None
    if not isinstance(values, dict) or not isinstance(values.get("root"), str):
        raise AscError(f"{path}: names no data set; expected what 'asc-tf translate train' has written")
    try:
        settings = from_values(Translation, values.get("settings"))
        frontend = from_values(FrontendConfig, values.get("frontend"), "frontend.")
    except AscError as error:
        raise AscError(f"{path}: {error}") from None
    check_labels(path, "device", [settings.source, *settings.targets])
    return values["root"], settings, frontend


def check_translator_folder(folder, root, settings, frontend):
    """Raise an AscError if the folder holds something else than a translator of these settings."""
    if (folder / "translator.json").is_file():
        if read_translator(folder) != (str(Path(root).resolve()), settings, frontend):
            raise AscError(
                f"{folder}: holds a translator of another data set or of other settings; expected another --out"
            )
    else:
        check_new(folder, "translator")


def write_translator(folder, root, settings, frontend):
    """Write translator.json."""
    values = {
        "root": str(Path(root).resolve()),
        "settings": dataclasses.asdict(settings),
        "frontend": dataclasses.asdict(frontend),
    }
    write_checked(folder / "translator.json", json.dumps(values, indent=2) + "\n")


def check_translator_trained(folder):
    """Raise an AscError if a translator's training has not ended."""
    if not (Path(folder) / "generator.keras").is_file():
        raise AscError(f"{folder}: its training has not ended; run the same 'asc-tf translate train' command to go on")


def load_generator(folder):
    """The trained generator of a translator's folder. Raises AscError if its training has not ended."""
    check_translator_trained(folder)
    from asc_tf.models.network_file import read_network

    return read_network(Path(folder) / "generator.keras")
