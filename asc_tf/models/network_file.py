"""A network read from a .keras file, as data: nothing that is in the file is run."""

import io
import json
import stat
import tempfile
import zipfile
from pathlib import Path

import h5py
import tf_keras as keras

from asc_tf.errors import AscError
from asc_tf.models.network_classes import unknown_class

MOST_BYTES = 1 << 30
_WEIGHTS = "model.weights.h5"
_MEMBERS = {"metadata.json", "config.json", _WEIGHTS}
_OTHERS = {b"\x89HDF": "an HDF5 file", b"TFL3": "a .tflite file", b"": "empty"}


def read_network(path):
    """Load the network of a .keras file, uncompiled.

    What is not a zip archive never reaches Keras, whose older readers run code that they find. The archive's members
    are read whole, so that their checksums are checked, and Keras is given a copy of what was checked.

    Args:
        path: of the file.

    Raises:
        AscError: no file, another format, damage, or layers that are not of `network_classes`.
    """
    path = Path(path)
    try:
        members = _members(_content(path))
        config = json.loads(members["config.json"])
        if not isinstance(config, dict):
            raise ValueError("its config.json holds no network")
        config["compile_config"] = None
        if (unknown := unknown_class(config)) is not None:
            raise ValueError(f"it holds {unknown}, which may run code")
        _check_weights(members[_WEIGHTS])
        return _loaded({**members, "config.json": json.dumps(config).encode()})
    except FileNotFoundError:
        raise AscError(f"{path}: no such file; expected a network, a .keras file") from None
    except Exception as error:  # the parsers of zip archives, HDF5 and Keras raise whatever damage leads them to
        found = (str(error).splitlines() or [""])[0][:300] or type(error).__name__
        raise AscError(
            f"{path}: cannot be loaded ({found}); expected a .keras file of known layers, as asc-tf writes it"
        ) from error


def _content(path):
    status = path.stat()
    if not stat.S_ISREG(status.st_mode):
        raise ValueError("it is a folder" if path.is_dir() else "it is no file")
    if status.st_size > MOST_BYTES:
        raise ValueError(f"it has {status.st_size:,} bytes, more than {MOST_BYTES:,}")
    content = path.read_bytes()
    if not content.startswith(b"PK"):
        found = _OTHERS.get(content[:4]) or _OTHERS.get(content[4:8])
        raise ValueError(f"it is {found}" if found else "it is no zip archive")
    return content


def _members(content):
    """{name: bytes} of the three members that Keras writes."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        infos = archive.infolist()
        if sorted(info.filename for info in infos) != sorted(_MEMBERS):
            names = ", ".join(info.filename for info in infos[:5])
            raise ValueError(f"the archive holds {names or 'nothing'}; expected {', '.join(sorted(_MEMBERS))}"[:300])
        for info in infos:  # Keras does not compress them, so that they are as large as the file at the most
            if info.compress_type != zipfile.ZIP_STORED or info.file_size > len(content):
                raise ValueError(f"the archive's {info.filename} is compressed")
        return {info.filename: archive.read(info) for info in infos}


def _check_weights(content):
    """Raise a ValueError for an HDF5 file that is more than arrays of numbers within itself."""
    groups, seen, held = [], set(), 0
    with h5py.File(io.BytesIO(content), "r") as file:
        groups.append(file)
        while groups:
            group = groups.pop()
            for name in group:
                each = group[name] if isinstance(group.get(name, getlink=True), h5py.HardLink) else None
                if isinstance(each, h5py.Group) and each.id not in seen:
                    seen.add(each.id)
                    groups.append(each)
                elif isinstance(each, h5py.Dataset) and _is_plain(each):
                    held += each.nbytes
                else:
                    raise ValueError(f"its weights hold {group.name}/{name}, which is no array of numbers")
    if held > len(content):
        raise ValueError(f"its weights say that they are {held:,} bytes, in {len(content):,}")


def _is_plain(array):
    stored_elsewhere = array.external or array.is_virtual
    return array.dtype.kind in "fiub" and array.chunks is None and not stored_elsewhere


def _loaded(members):
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / "network.keras"
        with zipfile.ZipFile(copy, "w") as archive:
            for name, content in members.items():
                archive.writestr(name, content)
        network = keras.models.load_model(copy, compile=False, safe_mode=True)
    if not isinstance(network, keras.Model):
        raise ValueError(f"it holds a {type(network).__name__}, no network")
    return network
