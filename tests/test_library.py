"""The library as the README shows it."""

import re
from pathlib import Path

import pytest

import asc_tf

ROOT = Path(__file__).resolve().parents[1]


def test_every_public_name_is_there():
    for name in asc_tf.__all__:
        assert getattr(asc_tf, name) is not None
    with pytest.raises(AttributeError, match="no attribute 'bc_resnet_mod'"):
        asc_tf.bc_resnet_mod  # noqa: B018


@pytest.mark.slow
@pytest.mark.usefixtures("eager", "shallow")
@pytest.mark.parametrize("page", ["README.md", "docs/library.md"])
def test_a_pages_lines_run(page, synthetic_root, tmp_path, monkeypatch):
    """As they stand, but for the folder, the clips' length, one block a stage and two epochs for a hundred."""
    (block,) = re.findall(r"```python\n(.*?)```", (ROOT / page).read_text(encoding="utf-8"), re.DOTALL)
    for old, new in (("TAU", str(synthetic_root)), ("seconds = 10", "seconds = 1"), ("epochs=100", "epochs=2")):
        assert old in block
        block = block.replace(old, new)
    monkeypatch.chdir(tmp_path)
    names = {}
    exec(compile(block, page, "exec"), names)
    clip = next((synthetic_root / "audio").glob("bus-*"))
    probabilities = asc_tf.Classifier("scenes.tflite").classify_file(clip)
    assert probabilities.sum() == pytest.approx(1, abs=1e-5)
    assert page == "README.md" or names["metrics"].clips["all"] == 90
