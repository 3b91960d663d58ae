"""A folder of C source for a microcontroller, from a .tflite file of int8 features."""

import contextlib
import os
import shutil
from importlib import resources
from pathlib import Path

from asc_tf.atomic import part_beside
from asc_tf.complexity.tflite_account import tflite_account
from asc_tf.errors import AscError, unwritable
from asc_tf.micro import selftest, tables
from asc_tf.micro.arena import arena_of
from asc_tf.micro.footprint import footprint_of
from asc_tf.micro.network import model_header, model_source, network_of, resolver
from asc_tf.micro.readme import readme
from asc_tf.runtime.classifier import Classifier
from asc_tf.runtime.metadata import read_metadata
from asc_tf.runtime.shipped import find_model, is_model

_SPARE_PERCENT = 25  # of an arena that was not measured
_BLOCK_BYTES = 1024


def check_free_folder(out):
    """Raise an AscError if something is at `out` other than an empty folder."""
    if out is None:
        raise AscError("--out: is not given; expected the name of a new folder for --target micro")
    path = Path(out)
    if path.is_dir() and not path.is_symlink() and not any(path.iterdir()):
        return
    if path.exists() or path.is_symlink():
        raise AscError(f"--out {path}: exists; expected the name of a new folder for --target micro")


def finished_file(source, root=None):
    """The .tflite file that `source` names, or None if it names a run.

    Args:
        source: run folder, .tflite file or name of a shipped model.
        root: data set to calibrate a run on, or None.

    Raises:
        AscError: a data set for a finished file.
    """
    if not is_model(source) or (Path(source) / "config.json").is_file():
        return None
    if root is not None:
        raise AscError(f"--data {root}: calibrates a run; {source} is a finished file")
    return find_model(source)


def write_micro_folder(file, out, name, samples=None):
    """Write a folder of C source that hears what a .tflite file hears.

    Args:
        file: path of a .tflite file of int8 features.
        out: the folder, new or empty; it appears whole or not at all.
        name: of the model, for the README.
        samples: int16 [samples], a recording for the test vector; None takes a made sound.

    Returns:
        `Footprint`.

    Raises:
        AscError: a file with another frontend than the C code has, with float features, or with operators that
            TensorFlow Lite for Microcontrollers does not have; `out` is not free, or cannot be written.
    """
    check_free_folder(out)
    classifier = Classifier(file)
    made = tables.tables_of(classifier.metadata, file)
    network = network_of(Path(file).read_bytes(), file)
    footprint = _footprint(file, network, made)
    if samples is None:
        samples = selftest.made_sound(classifier.samples)
    vector = selftest.vector_of(classifier, file, samples)
    texts = {
        "asc_tables.h": tables.header(made),
        "asc_tables.c": tables.source(made),
        "asc_model.h": model_header(network, _arena_size(footprint.arena)),
        "asc_model.c": model_source(network),
        "asc_resolver.h": resolver(network),
        "asc_test_vector.h": selftest.header(vector),
        "asc_test_vector.c": selftest.source(vector),
        "README.md": readme(name, classifier, network, made, footprint),
    }
    with _whole_folder(out) as part:
        for template in resources.files("asc_tf.micro").joinpath("c").iterdir():
            (part / template.name).write_text(template.read_text(encoding="utf-8"), encoding="utf-8")
        for file_name, text in texts.items():
            (part / file_name).write_text(text, encoding="utf-8")
    return footprint


def footprint_of_file(file):
    """`Footprint` of a .tflite file of int8 features; errors as of `write_micro_folder`."""
    content = Path(file).read_bytes()
    made = tables.tables_of(read_metadata(content, file), file)
    return _footprint(file, network_of(content, file), made)


def _footprint(file, network, made):
    return footprint_of(network, made, arena_of(network), tflite_account(file).operations().macs)


def _arena_size(arena):
    wanted = arena.bytes if arena.measured else arena.bytes * (100 + _SPARE_PERCENT) // 100
    return -(-wanted // _BLOCK_BYTES) * _BLOCK_BYTES


@contextlib.contextmanager
def _whole_folder(path):
    """Yield a temporary folder beside `path`; move it there when the block ends well, delete it when it fails."""
    path, part = Path(path), None
    try:
        path.absolute().parent.mkdir(parents=True, exist_ok=True)
        part = part_beside(path.absolute())
        part.mkdir()
        yield part
        os.replace(part, path)
    except OSError as error:
        raise unwritable(path, error) from error
    finally:
        if part is not None:
            shutil.rmtree(part, ignore_errors=True)
