"""Imports go one way (DESIGN.md, tree), and the light half of the package needs no TensorFlow."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parents[1] / "asc_tf"
# A module may import from its own layer and those above it; the longest matching name decides.
LAYERS = [
    ["errors", "atomic", "quiet", "terminal", "internals", "extensions", "__init__"],
    [
        "distributed.cluster",
        "distributed.private_network",
        "distributed.worker_start",
        "distributed.launcher",
        "distributed.__init__",
    ],
    ["data.names", "data.__init__"],
    ["experiment.setting", "experiment.setting_values", "experiment.strict_json", "experiment.__init__"],
    ["experiment.sections", "experiment.training_sections", "experiment.command_settings"],
    [
        "experiment.extension_settings",
        "experiment.settings",
        "audio",
        "data.tables",
        "data.metadata",
        "data.splits",
        "data.layouts",
        "data.clips",
    ],
    ["frontend", "layers", "augment", "evaluation", "data"],
    ["blocks"],
    ["distributed.replicas"],
    ["models", "translator", "training", "compression", "complexity", "runtime", "tracking"],
    ["evidence"],
    ["export", "serve"],
    ["micro"],
    ["experiment", "search"],
    ["report", "submission"],
    ["stages"],
    ["cli"],
    ["__main__"],
]
RANK = {name: rank for rank, names in enumerate(LAYERS) for name in names}


def rank_of(module):
    parts = module.split(".")
    for length in range(len(parts), 0, -1):
        if ".".join(parts[:length]) in RANK:
            return RANK[".".join(parts[:length])]
    raise AssertionError(f"{module} has no place in the order of imports")


def modules():
    return sorted(PACKAGE.rglob("*.py"))


def imported(path):
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


@pytest.mark.parametrize("path", modules(), ids=lambda path: str(path.relative_to(PACKAGE)))
def test_imports_go_one_way(path):
    module = ".".join(path.relative_to(PACKAGE).with_suffix("").parts).removesuffix(".__init__")
    for name in imported(path):
        assert not name.startswith(("tensorflow.keras", "keras.")) and name != "keras", f"{module} imports {name}"
        inner = name.removeprefix("asc_tf.")
        if inner != name and inner != "__version__":
            assert rank_of(inner) <= rank_of(module), f"{module} imports {inner}"


def loaded(statement):
    code = f"import sys\n{statement}\nprint(*sys.modules, sep='\\n')"
    return set(subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split())


@pytest.mark.parametrize(
    "statement",
    [
        "import asc_tf",
        "import asc_tf.cli",
        "import asc_tf.runtime",
        "import asc_tf.experiment.recipes",
        "import asc_tf.micro.folder, asc_tf.cli.compress",
    ],
)
def test_light_imports_load_no_framework(statement):
    assert not loaded(statement) & {"tensorflow", "tf_keras", "keras", "pandas", "librosa", "sklearn"}


def test_the_runtime_loads_what_a_file_needs_when_a_file_is_there():
    """Importing it takes a few modules of its own; its names load NumPy, and neither decoder nor interpreter."""
    bare = loaded("import asc_tf.runtime")
    assert not bare & {"numpy", "zipfile", "pathlib", "ai_edge_litert", "soundfile"} - loaded("pass")
    assert {name for name in bare if name.startswith("asc_tf")} == {"asc_tf", "asc_tf.runtime"}
    named = loaded("from asc_tf.runtime import Classifier, Heard, SceneStream")
    assert "numpy" in named and not named & {"ai_edge_litert", "soundfile", "difflib"}


def test_names_of_the_runtime():
    import asc_tf.runtime as runtime

    assert dir(runtime) == sorted(runtime.__all__) == sorted(runtime._HOMES)
    assert all(getattr(runtime, name).__name__ == name for name in runtime.__all__)
    with pytest.raises(AttributeError, match="module 'asc_tf.runtime' has no attribute 'Clasifier'"):
        runtime.Clasifier  # noqa: B018


def test_help_loads_no_tensorflow():
    help_ = "import contextlib, io, asc_tf.cli\nwith contextlib.suppress(SystemExit):\n    asc_tf.cli.main(['--help'])"
    assert "asc_tf.cli" in (modules := loaded(help_ + "\n")) and "tensorflow" not in modules


def test_no_two_rooms_import_each_other():
    arrows = set()
    for path in modules():
        room = path.relative_to(PACKAGE).parts[0]
        arrows |= {(room, name.split(".")[1]) for name in imported(path) if name.startswith("asc_tf.")}
    both = {(one, two) for one, two in arrows if one < two and (two, one) in arrows and (PACKAGE / one).is_dir()}
    assert not both
