"""The file of a feature cache: rows with a checksum each. Written whole, verified when opened, read row by row."""

import io
import os
import zlib

import numpy as np

from asc_tf.atomic import whole_file
from asc_tf.errors import AscError, unreadable

SHARDS = 64


def shard_of(filename):
    """Number of a clip's shard. It depends on the name alone, so that other clips may come and go."""
    return zlib.crc32(filename.encode()) % SHARDS


def row_type(filenames, shape):
    """numpy type of a row: checksum of the rest, the audio file's name, size and modification time, features.

    Args:
        filenames: of the shard's clips, as bytes; the longest one sets the field's width.
        shape: of a row's features.
    """
    width = max(map(len, filenames))
    head = [("crc32", "<u4"), ("bytes", "<i8"), ("mtime_ns", "<i8"), ("filename", f"S{width}")]
    return np.dtype([*head, ("features", "<f2", shape)])


def write_shard(path, rows, count, dtype):
    """Write a shard as an .npy file of records, `np.load(path, mmap_mode="r")["features"]`; whole or not at all.

    Args:
        path: of the file.
        rows: yields (filename as bytes, bytes, mtime_ns, features), in the order of the file.
        count: largest possible number of rows. A shard without rows gets no file.
        dtype: of `row_type`.

    Raises:
        AscError: the file cannot be written.
    """
    written = 0
    with whole_file(path) as part, part.open("wb") as file:
        file.write(_header(dtype, count))
        row = np.zeros(1, dtype)
        raw = row.view(np.uint8)
        for row["filename"], row["bytes"], row["mtime_ns"], row["features"] in rows:
            row["crc32"] = zlib.crc32(raw[4:])
            file.write(raw)
            written += 1
        file.seek(0)
        file.write(_header(dtype, written))
    if not written:
        path.unlink()


def read_shard(path, shape, wanted):
    """Find and verify the rows of a shard.

    Args:
        path: of the file, which may be missing.
        shape: of a row's features.
        wanted: function (filename) to (bytes, mtime_ns), or to None for a row that may be skipped unread.

    Returns:
        (the open file, {filename: offset of its features in it}, number of damaged rows). An outdated row is neither
        valid nor damaged; a damaged file header counts as one damaged row. The offsets hold for the open file, even if
        another file replaces it on disk; the file is None if there is none.

    Raises:
        AscError: the file exists and cannot be read.
    """
    try:
        file = path.open("rb")
        return file, *_valid_rows(file, shape, wanted)
    except FileNotFoundError:
        return None, {}, 0
    except OSError as error:
        raise unreadable(path, error) from error


def shard_filenames(path):
    """Names of the clips of a shard's rows, possibly of damaged rows too; empty if the file is missing."""
    try:
        rows = np.load(path, mmap_mode="r", allow_pickle=False)
        return [name.decode(errors="replace") for name in rows["filename"].tolist()]
    except Exception:  # as in `read_shard`
        return []


class StoredFeatures:
    """Features of many clips in the shards of a cache, read from disk when indexed like an array.

    Rows are read, not memory-mapped, so that the process does not grow with the data it has read.

    Attributes:
        shape: [rows, frequency, time]; the pieces of a clip are rows of their own.
        dtype: float16.
        folder: of the cache.

    Args:
        folder: of the cache.
        files: {number: open file} of the shards.
        shard: number of the shard of every row, int [rows].
        offsets: of every row's features in its shard, int [rows].
        row_shape: (frequency, time).
    """

    dtype = np.dtype(np.float16)

    def __init__(self, folder, files, shard, offsets, row_shape):
        self.folder = folder
        self._files, self._shard, self._offsets = files, shard, offsets
        self.shape = (len(shard), *row_shape)

    def __len__(self):
        return self.shape[0]

    def followed_by(self, others):
        """These rows followed by those of other `StoredFeatures` of the same frequency and time."""
        files = self._files | {number + 1 + max(self._files): file for number, file in others._files.items()}
        shard = np.concatenate([self._shard, others._shard + 1 + max(self._files)])
        offsets = np.concatenate([self._offsets, others._offsets])
        return StoredFeatures(self.folder, files, shard, offsets, self.shape[1:])

    def __array__(self, dtype=None, copy=None):
        return self[:].astype(dtype or self.dtype, copy=False)

    def __getitem__(self, index):
        rows = np.arange(len(self))[index]
        features = np.empty((rows.size, *self.shape[1:]), self.dtype)
        for row, target in zip(rows.flat, features, strict=True):
            file = self._files[int(self._shard[row])]
            if os.preadv(file.fileno(), [target], int(self._offsets[row])) != target.nbytes:
                raise AscError(f"{file.name}: became shorter while it was read; run the same command again")
        return features.reshape(*rows.shape, *self.shape[1:])


def _valid_rows(file, shape, wanted):
    """({filename: offset}, number of damaged rows) of an open shard."""
    offsets, damaged = {}, 0
    try:
        rows, dtype = _read_header(file, shape)
    except Exception:  # numpy's parser raises all kinds of errors on damaged headers
        return offsets, 1
    head_size = dtype.fields["features"][1]
    for left in range(rows, 0, -1):
        start = file.tell()
        head = file.read(head_size)
        if len(head) < head_size:
            return offsets, damaged + left
        name = bytes(head[20:]).rstrip(b"\0").decode(errors="replace")
        expected = wanted(name)
        if expected is None:
            file.seek(start + dtype.itemsize)
            continue
        features = file.read(dtype.itemsize - head_size)
        size, time = np.frombuffer(head[4:20], "<i8").tolist()
        if zlib.crc32(features, zlib.crc32(head[4:])) != int.from_bytes(head[:4], "little"):
            damaged += 1
        elif (size, time) == expected:
            offsets[name] = start + head_size
    return offsets, damaged


def _header(dtype, rows):
    # numpy leaves room in the header for a growing number of rows, so the header's length does not depend on it.
    header = {"descr": np.lib.format.dtype_to_descr(dtype), "fortran_order": False, "shape": (rows,)}
    file = io.BytesIO()
    np.lib.format.write_array_header_1_0(file, header)
    return file.getvalue()


def _read_header(file, shape):
    np.lib.format.read_magic(file)
    (rows,), _, dtype = np.lib.format.read_array_header_1_0(file)
    size = file.tell()
    file.seek(0)
    if dtype != row_type([b" " * dtype["filename"].itemsize], shape) or file.read(size) != _header(dtype, rows):
        raise ValueError("another header")
    return rows, dtype
