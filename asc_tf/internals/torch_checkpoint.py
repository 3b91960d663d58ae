"""Tensors of a PyTorch checkpoint, read as data: without PyTorch, and without running the file's code.

A checkpoint is a zip archive of stored members: NAME/data.pkl, a pickle that builds dictionaries of tensors, and
NAME/data/KEY, the numbers of each storage. A pickle can call any name that it contains, so this reader knows only the
three kinds of names that tensors need, and refuses all others.
"""

import hashlib
import io
import math
import pickle
import pickletools
import zipfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from asc_tf.errors import AscError, unreadable

MOST_BYTES = 1 << 30
_TYPES = {
    "DoubleStorage": "f8", "FloatStorage": "f4", "HalfStorage": "f2", "LongStorage": "i8", "IntStorage": "i4",
    "ShortStorage": "i2", "CharStorage": "i1", "ByteStorage": "u1", "BoolStorage": "b1",
}  # fmt: skip
_PLACES_IN_MEMORY = {"PUT", "BINPUT", "LONG_BINPUT"}


@dataclass(frozen=True)
class Checkpoint:
    """A checkpoint as it was read, once.

    Args:
        path: of the file.
        sha256: digest of its content.
        tensors: {name: array} of its "state_dict", or of the checkpoint itself.
    """

    path: Path
    sha256: str
    tensors: dict


def read_checkpoint(path):
    """The `Checkpoint` in a file.

    Args:
        path: of a file that `torch.save` of PyTorch 1.6 or later, or PyTorch Lightning, wrote.

    Raises:
        AscError: no file, no checkpoint, damage, or a checkpoint that names more than tensors.
    """
    path = Path(path)
    try:
        if path.stat().st_size > MOST_BYTES:
            raise ValueError(f"it has {path.stat().st_size:,} bytes, more than {MOST_BYTES:,}")
        content = path.read_bytes()
        if not content.startswith(b"PK"):
            raise ValueError("it is no zip archive")
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            return Checkpoint(path, hashlib.sha256(content).hexdigest(), _tensors(_checkpoint(archive)))
    except FileNotFoundError:
        raise AscError(f"{path}: no such file; expected a PyTorch checkpoint") from None
    except Exception as error:  # the parsers of zip archives and pickles raise any exception on damage
        raise unreadable(path, error, "a PyTorch checkpoint of tensors") from error


def _tensors(checkpoint):
    if not isinstance(checkpoint, dict):
        raise ValueError(f"it holds a {type(checkpoint).__name__}, no dictionary")
    state = checkpoint.get("state_dict", checkpoint)
    if not isinstance(state, dict) or not state:
        raise ValueError("it holds no tensors")
    for name, value in state.items():
        if not isinstance(name, str) or not isinstance(value, np.ndarray):
            raise ValueError(f"its {str(name)[:80]!r} is a {type(value).__name__}, no tensor")
    return dict(state)


def _checkpoint(archive):
    members = {info.filename: info for info in archive.infolist()}
    pickles = [name for name in members if name.endswith("/data.pkl")]
    if len(pickles) != 1:
        raise ValueError("the archive holds no data.pkl")
    if any(info.compress_type != zipfile.ZIP_STORED for info in members.values()):
        raise ValueError("the archive is compressed")  # torch.save does not; a small one might unpack to any size
    content = archive.read(pickles[0])
    for operation, argument, _ in pickletools.genops(content):
        # A position's number is the length of the table that the unpickler allocates.
        if operation.name in _PLACES_IN_MEMORY and argument > len(content):
            raise ValueError("its pickle is damaged")
    return _Unpickler(content, archive, pickles[0].removesuffix("data.pkl")).load()


class _Unpickler(pickle.Unpickler):
    """Knows dictionaries and tensors; its base builds numbers, texts, lists and tuples by itself."""

    def __init__(self, content, archive, folder):
        super().__init__(io.BytesIO(content), encoding="utf-8")
        self._archive, self._folder, self._storages = archive, folder, {}
        order = archive.read(f"{folder}byteorder") if f"{folder}byteorder" in archive.namelist() else b"little"
        self._order = ">" if order == b"big" else "<"

    def find_class(self, module, name):
        if (module, name) == ("collections", "OrderedDict"):
            return _Dictionary
        if (module, name) == ("torch._utils", "_rebuild_tensor_v2"):
            return _tensor
        if module == "torch" and name in _TYPES:
            return _StorageType(name)
        raise ValueError(f"it names {module}.{name}, which may run code"[:200])

    def persistent_load(self, pid):
        word, kind, key, _, length = pid
        if word != "storage" or not isinstance(kind, _StorageType) or not isinstance(key, str):
            raise ValueError("it names something outside of itself")
        if key not in self._storages:
            content = self._archive.read(f"{self._folder}data/{key}")
            self._storages[key] = np.frombuffer(content, self._order + _TYPES[kind.name])
        if len(self._storages[key]) != length:
            raise ValueError(f"storage {key[:20]} has {len(self._storages[key]):,} numbers, not {length}")
        return self._storages[key]


class _Dictionary(dict):
    """Replaces OrderedDict: PyTorch sets its own attributes on one, which this reader ignores."""

    def __setstate__(self, state):
        pass


class _StorageType:
    """The type of a storage's numbers, which the pickle names as a class of PyTorch."""

    def __init__(self, name):
        self.name = name


def _tensor(storage, offset, shape, strides, *_):
    """A separate array; gradients, hooks and metadata of the tensor are left out."""
    numbers = (offset, *shape, *strides)
    if not isinstance(storage, np.ndarray) or storage.ndim != 1 or len(shape) != len(strides):
        raise ValueError("a tensor has no storage")
    if not all(type(number) is int and number >= 0 for number in numbers) or math.prod(shape) > len(storage):
        raise ValueError(f"a tensor of shape {tuple(shape)} does not fit its {len(storage):,} numbers"[:200])
    last = offset + sum((size - 1) * stride for size, stride in zip(shape, strides, strict=True))
    if math.prod(shape) and last >= len(storage):
        raise ValueError(f"a tensor of shape {tuple(shape)} ends behind its {len(storage):,} numbers"[:200])
    if not math.prod(shape):
        return np.zeros(shape, storage.dtype)
    steps = [stride * storage.itemsize for stride in strides]
    return np.lib.stride_tricks.as_strided(storage[offset:], shape, steps, writeable=False).copy()
