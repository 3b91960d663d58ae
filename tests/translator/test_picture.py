import matplotlib.image
import numpy as np
import pytest

from asc_tf.errors import AscError
from asc_tf.translator.picture import write_translation_picture

EXAMPLES = {device: ("park", np.random.default_rng(n).normal(-4, 2, (3, 16, 20))) for n, device in enumerate("bc")}


def test_a_column_for_each_device(tmp_path):
    write_translation_picture(tmp_path / "two.png", "a", EXAMPLES, 30)
    write_translation_picture(tmp_path / "one.png", "a", {"b": EXAMPLES["b"]}, 30)
    two, one = (matplotlib.image.imread(tmp_path / name) for name in ("two.png", "one.png"))
    assert two.shape[0] == one.shape[0] and two.shape[1] > 1.5 * one.shape[1]
    assert two[..., :3].std() > 0.1


def test_a_place_that_cannot_be_written(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(AscError, match="cannot be written"):
        write_translation_picture(tmp_path / "file" / "x.png", "a", EXAMPLES, 30)
