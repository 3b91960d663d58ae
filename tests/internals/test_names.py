"""Where each private name of a library is found, so that a new version which has it no more is told in a sentence."""

import ast
import functools
import importlib
import importlib.metadata
from pathlib import Path

import pytest

from asc_tf.internals.tf_keras import FUNCTIONAL

PACKAGE = Path(__file__).resolve().parents[2] / "asc_tf"

# (distribution, module, name, what goes without it)
NAMES = [
    ("tensorflow", "tensorflow.python.autograph.core.config", "CONVERSION_RULES", "trainings that begin soon"),
    ("tensorflow", "tensorflow.python.autograph.core.config", "DoNotConvert", "trainings that begin soon"),
    (
        "tensorflow",
        "tensorflow.python.data.ops.multi_device_iterator_ops",
        "_create_device_dataset",
        "the data of replicas without tf.data's tuning thread",
    ),
    (
        "tensorflow",
        "tensorflow.python.framework.convert_to_constants",
        "convert_variables_to_constants_v2",
        "exports of .tflite files",
    ),
    ("tf-keras", "tf_keras.src.backend", "_SEED_GENERATOR", "a seed that decides after keras.utils.set_random_seed"),
    ("tf-keras", *FUNCTIONAL, "reading a run's network"),
    (
        "tensorflow-model-optimization",
        "tensorflow_model_optimization.python.core.sparsity.keras.pruning_wrapper",
        "PruneLowMagnitude",
        "pruning",
    ),
    ("keras-tuner", "keras_tuner.engine.base_tuner", "BaseTuner", "the search"),
    ("keras-tuner", "keras_tuner.engine.trial", "Trial", "a search that goes on"),
    ("keras-tuner", "keras_tuner.engine.trial", "TrialStatus", "the search"),
    ("keras-tuner", "keras_tuner.src.protos", "get_service_grpc", "the search on several machines"),
    ("keras-tuner", "keras_tuner.src.distribute.oracle_chief", "OracleServicer", "the search on several machines"),
    ("keras-tuner", "keras_tuner.src.distribute.oracle_client", "OracleClient", "the search on several machines"),
    ("keras-tuner", "keras_tuner.src.utils", "save_json", "Hyperband of tf_keras networks"),
]


@pytest.mark.parametrize(("distribution", "module", "name", "use"), NAMES, ids=[name for _, _, name, _ in NAMES])
def test_a_private_name_is_where_it_was(distribution, module, name, use):
    try:
        found = hasattr(importlib.import_module(module), name)
    except ImportError:
        found = False
    version = importlib.metadata.version(distribution)
    assert found, f"{distribution} {version} has no {module}.{name} any more: asc_tf/internals needs it for {use}"


@functools.cache
def parsed():
    return {path.relative_to(PACKAGE): ast.parse(path.read_text()) for path in PACKAGE.rglob("*.py")}


def test_private_modules_of_libraries_are_imported_in_internals_alone():
    private = ("tensorflow.python", "tensorflow_model_optimization.python", "tf_keras.src", "keras_tuner.src")
    for path, tree in parsed().items():
        imports = [node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)]
        imports += [name.name for node in ast.walk(tree) if isinstance(node, ast.Import) for name in node.names]
        found = [name for name in imports if name.startswith((*private, "keras_tuner.engine"))]
        assert path.parts[0] == "internals" or not found, f"{path} imports {found}: its place is asc_tf/internals"


def private_attributes(tree):
    """(names with one underscore that are read or set, those of them that the tree itself defines)."""
    used, own = set(), set()
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            own.add(node.name)
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            own.add(node.id)
        elif isinstance(node, ast.Attribute):
            of_self = isinstance(node.value, ast.Name) and node.value.id == "self"
            (own if of_self and isinstance(node.ctx, ast.Store) else used).add(node.attr)
        elif isinstance(node, ast.Call) and getattr(node.func, "id", "") in ("getattr", "hasattr", "setattr"):
            used.update([node.args[1].value] if isinstance(node.args[1], ast.Constant) else [])
    return {name for name in used if name.startswith("_") and not name.endswith("_")}, own


def test_private_attributes_of_libraries_are_used_in_internals_alone():
    """A private attribute that our own code sets or defines nowhere is a library's; `os._exit` is documented."""
    found = {path: private_attributes(tree) for path, tree in parsed().items() if path.parts[0] != "internals"}
    own = set.union({"_exit"}, *(names for _, names in found.values()))
    foreign = {path: used - own for path, (used, _) in found.items() if used - own}
    assert not foreign, f"{foreign} are a library's private names: their place is asc_tf/internals"
