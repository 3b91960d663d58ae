import os
import pickle
import zipfile

import numpy as np
import pytest
from torch_files import (
    call,
    dictionary,
    group,
    integer,
    name,
    tensor,
    text,
    write_archive,
    write_checkpoint,
)  # fmt: skip

from asc_tf.errors import AscError
from asc_tf.internals.torch_checkpoint import read_checkpoint


def test_tensors_are_read_as_they_were_written(tmp_path):
    generator = np.random.default_rng(0)
    tensors = {
        "model.weight": generator.normal(size=(3, 2, 3, 1)).astype(np.float32),
        "model.half": generator.normal(size=5).astype(np.float16),
        "model.count": np.array(7),
    }
    found = read_checkpoint(write_checkpoint(tmp_path / "a.ckpt", tensors)).tensors
    assert list(found) == list(tensors)
    for key, value in tensors.items():
        assert found[key].dtype == value.dtype
        np.testing.assert_array_equal(found[key], value)


def test_a_part_of_a_storage_in_another_order_is_read_too(tmp_path):
    numbers = np.arange(12, dtype=np.float32)
    state = {"a": tensor("0", "f4", 12, (2, 3), (1, 2), offset=4)}
    path = write_archive(tmp_path / "a.pt", dictionary(state), {"0": numbers.tobytes()})
    np.testing.assert_array_equal(read_checkpoint(path).tensors["a"], [[4, 6, 8], [5, 7, 9]])


def test_pytorchs_own_files_are_read(tmp_path):
    torch = pytest.importorskip("torch")
    state = {"w": torch.arange(6.0).reshape(2, 3).T, "n": torch.tensor(3), "h": torch.ones(2, dtype=torch.float16)}
    torch.save({"state_dict": state, "optimizer_states": [{"lr": 0.1}]}, tmp_path / "a.pt")
    found = read_checkpoint(tmp_path / "a.pt").tensors
    for key, value in state.items():
        np.testing.assert_array_equal(found[key], value.numpy())


class Reduced:
    def __init__(self, *parts):
        self.parts = parts

    def __reduce__(self):
        return self.parts


SYSTEM = call(name("os", "system"), text("touch run"))
HOSTILE = {
    "os.system": SYSTEM,
    "builtins.eval": call(name("builtins", "eval"), text("open('run', 'w')")),
    "in the state": dictionary({"state_dict": dictionary({"a": SYSTEM})}),
    "as an argument": call(name("collections", "OrderedDict"), SYSTEM),
    "as a tensor's storage": call(name("torch._utils", "_rebuild_tensor_v2"), SYSTEM, integer(0), group(), group()),
    "as a persistent id": SYSTEM + b"Q",
    "as an instance": b"(" + text("touch run") + b"ios\nsystem\n",
    "by getattr": call(name("builtins", "getattr"), name("collections", "OrderedDict"), text("__init__")),
    "a type of torch": name("torch", "load"),
    "newer protocol": pickle.dumps(Reduced(os.system, ("touch run",)), 4)[:-1],
    "nested in another pickle": call(name("pickle", "loads"), text("x")),
}


@pytest.mark.parametrize("pickled", HOSTILE.values(), ids=HOSTILE)
def test_what_may_run_code_is_refused_and_not_run(pickled, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write_archive(tmp_path / "a.ckpt", pickled)
    with pytest.raises(AscError, match=r"a\.ckpt: cannot be read \(.*names .*\); expected a PyTorch"):
        read_checkpoint(tmp_path / "a.ckpt")
    assert not (tmp_path / "run").exists()


NUMBERS = np.zeros(12, np.float32).tobytes()
DAMAGED = {
    "a tensor behind its storage": (dictionary({"a": tensor("0", "f4", 12, (4,), (4,))}), "ends behind"),
    "a tensor larger than its storage": (dictionary({"a": tensor("0", "f4", 12, (2**20, 2**10), (0, 0))}), "not fit"),
    "a negative stride": (dictionary({"a": tensor("0", "f4", 12, (2,), (-1,))}), "does not fit"),
    "a shorter storage": (dictionary({"a": tensor("0", "f4", 13, (2,), (1,))}), "has 12 numbers, not 13"),
    "a missing storage": (dictionary({"a": tensor("9", "f4", 12, (2,), (1,))}), "no item named"),
    "a storage elsewhere": (dictionary({"a": tensor("../version", "f4", 12, (2,), (1,))}), "no item named"),
    "no dictionary": (integer(3), "holds a int, no dictionary"),
    "no tensor": (dictionary({"a": integer(3)}), "its 'a' is a int, no tensor"),
    "an empty state": (dictionary({"state_dict": b"}"}), "holds no tensors"),
    "a place of memory beyond all": (integer(3) + b"r\xff\xff\xff\x7f", "pickle is damaged"),
    "an extension": (b"\x82\x01", "cannot be read"),
    "nothing": (b"", "cannot be read"),
}


@pytest.mark.parametrize(("pickled", "message"), DAMAGED.values(), ids=DAMAGED)
def test_damage_is_one_sentence(pickled, message, tmp_path):
    write_archive(tmp_path / "a.ckpt", pickled, {"0": NUMBERS})
    with pytest.raises(AscError, match=message) as caught:
        read_checkpoint(tmp_path / "a.ckpt")
    assert "\n" not in str(caught.value)


def test_truncated_and_changed_files_are_refused(tmp_path):
    path = write_checkpoint(tmp_path / "a.ckpt", {"a": np.arange(100, dtype=np.float32)})
    content = path.read_bytes()
    middle = content.index(np.float32(50).tobytes())
    changed = [content[:size] for size in (0, 3, 40, len(content) // 2, len(content) - 1)]
    for each in [*changed, content[:middle] + b"\xff" + content[middle + 1 :], b"text"]:
        path.write_bytes(each)
        with pytest.raises(AscError, match="cannot be read"):
            read_checkpoint(path)


def test_other_archives_are_refused(tmp_path):
    with pytest.raises(AscError, match=r"none\.ckpt: no such file"):
        read_checkpoint(tmp_path / "none.ckpt")
    write_archive(tmp_path / "a.ckpt", dictionary({}), compression=zipfile.ZIP_DEFLATED)
    with pytest.raises(AscError, match="the archive is compressed"):
        read_checkpoint(tmp_path / "a.ckpt")
    with zipfile.ZipFile(tmp_path / "b.ckpt", "w") as archive:
        archive.writestr("config.json", "{}")
    with pytest.raises(AscError, match=r"holds no data\.pkl"):
        read_checkpoint(tmp_path / "b.ckpt")
