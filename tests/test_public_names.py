"""What editors see of `asc_tf`: a stub that names everything, types at every signature, and examples that run.

python tests/test_public_names.py && ruff check --fix asc_tf/__init__.pyi writes the stub.
"""

import ast
import doctest
import importlib
import inspect
from pathlib import Path

import pytest

import asc_tf

STUB = Path(asc_tf.__file__).with_suffix(".pyi")
FRAMEWORKS = {
    "build",
    "call",
    "compile",
    "compute_output_shape",
    "get_config",
    "train_step",
    "test_step",
    "update_step",
}
"""Methods whose signature is Keras's."""


def stub_text():
    """`asc_tf/__init__.pyi`: every public name imported from its home."""
    imports = [f"from asc_tf.{home} import {name} as {name}" for name, home in asc_tf._HOMES.items()]
    return "\n".join([f'"""{asc_tf.__doc__.splitlines()[0]}"""', "", *imports, "", "__version__: str", ""])


def imported(text):
    """{name: module} of what a stub imports."""
    nodes = [node for node in ast.parse(text).body if isinstance(node, ast.ImportFrom)]
    return {alias.asname: node.module for node in nodes for alias in node.names}


def test_the_stub_names_all_that_is_there():
    advice = "python tests/test_public_names.py && ruff check --fix asc_tf/__init__.pyi writes it"
    assert imported(STUB.read_text()) == imported(stub_text()), advice
    assert STUB.with_name("py.typed").is_file()


def signatures():
    """(name, function) of all public functions, and of constructors and methods of public classes."""
    for name in asc_tf._HOMES:
        thing = getattr(asc_tf, name)
        if not inspect.isclass(thing):
            yield name, thing
            continue
        for method, function in vars(thing).items():
            function = getattr(function, "__func__", function)
            public = method == "__init__" or not method.startswith(("_", "on_")) and method not in FRAMEWORKS
            if public and inspect.isfunction(function):
                yield f"{name}.{method}", function


def test_every_public_signature_is_typed():
    left = []
    for name, function in signatures():
        signature = inspect.signature(function)
        for each in signature.parameters.values():
            if each.annotation is each.empty and each.name not in ("self", "cls") and each.kind is not each.VAR_KEYWORD:
                left.append(f"{name}({each.name})")
        if signature.return_annotation is signature.empty and not name.endswith(".__init__"):
            left.append(f"{name} -> ")
    assert not left


def modules_with_examples():
    for path in sorted(Path(asc_tf.__file__).parent.rglob("*.py")):
        if any(">>>" in (ast.get_docstring(node) or "") for node in ast.walk(ast.parse(path.read_text()))
               if isinstance(node, ast.Module | ast.FunctionDef | ast.ClassDef)):  # fmt: skip
            yield ".".join(path.relative_to(STUB.parents[1]).with_suffix("").parts).removesuffix(".__init__")


@pytest.mark.parametrize("module", list(modules_with_examples()))
def test_the_examples_of_docstrings_run(module, monkeypatch, synthetic_root):
    """Where an example names the folder "TAU", it is the synthetic data set."""
    monkeypatch.chdir(synthetic_root.parent)
    if not Path("TAU").exists():
        Path("TAU").symlink_to(synthetic_root, target_is_directory=True)
    found = doctest.testmod(importlib.import_module(module), optionflags=doctest.ELLIPSIS)
    assert found.attempted and not found.failed


@pytest.mark.parametrize(
    "name",
    ["read_clips", "hold_out_locations", "LogMel", "bc_resnet_asc", "load_waveform", "augment_batch", "prune",
     "quantize", "keras_account", "verdicts", "warmup_cosine", "ResidualNormalization", "SubSpectralNormalization",
     "find_recipe", "Config", "register"],
)  # fmt: skip
def test_what_a_user_calls_first_has_an_example(name):
    assert ">>>" in (getattr(asc_tf, name).__doc__ or ""), name


if __name__ == "__main__":
    STUB.write_text(stub_text())
