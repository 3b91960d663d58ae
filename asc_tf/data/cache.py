"""Features of many clips, computed once and kept in one memory-mapped file."""

import hashlib
import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import tensorflow as tf
from tqdm import tqdm

from asc_tf.atomic import whole_file
from asc_tf.errors import AscError
from asc_tf.frontend.decode import load_waveform

FORMAT = 1
LENGTH_TOLERANCE_SECONDS = 0.1


def cached_features(root, clips, frontend, clip_seconds, directory=None):
    """Features of the clips of a frame, from the cache if they are there, computed and kept if not.

    The file's name carries a hash of all that determines its content: the frontend's settings, the clips' length, and
    each audio file's name, size and time of change. Another setting or a changed recording makes another file.
    Features are kept as float16: at the values of a log-mel spectrogram (|x| < 17) that rounds by 0.008 at the
    most, 0.034 dB, far below the spread between two microphones.

    Args:
        root: folder of the data set.
        clips: frame of `asc_tf.data.clips.read_clips`.
        frontend: layer from waveform to features, such as `LogMel`.
        clip_seconds: length of every clip; see `fit_length`.
        directory: where the files are kept; ROOT/features if None.

    Returns:
        float16 memory map [clips, frequency, time], rows in the frame's order.

    Raises:
        AscError: a clip that cannot be read or has another length, or a disk that is full or not writable.
    """
    root = Path(root)
    samples = round(clip_seconds * frontend.sample_rate_hz)
    path = Path(directory or root / "features") / f"{_key(root, clips, frontend, samples)}.npy"
    shape = (len(clips), *frontend.feature_shape(samples)[:2])
    kept = _open(path, shape)
    if kept is None:
        with whole_file(path) as part, part.open("wb") as file:
            header = {"descr": "<f2", "fortran_order": False, "shape": shape}
            np.lib.format.write_array_header_1_0(file, header)
            for features in _compute(root, clips, frontend, samples):
                file.write(features.tobytes())
        kept = _open(path, shape)
    return kept


def fit_length(waveform, samples, sample_rate_hz, name):
    """Bring a waveform [n] to [samples]: a tenth of a second is cut or padded with zeros, more is an error.

    Raises:
        AscError: the clip `name` is longer or shorter by more than that.
    """
    if abs(len(waveform) - samples) > LENGTH_TOLERANCE_SECONDS * sample_rate_hz:
        raise AscError(
            f"{name}: lasts {len(waveform) / sample_rate_hz:.2f} s; expected {samples / sample_rate_hz:.2f} s like the "
            "first training clip (set data.clip_seconds for another length)"
        )
    return np.pad(waveform[:samples], (0, max(0, samples - len(waveform))))


def mean_and_std(features, rows=None, chunk=256):
    """Mean and standard deviation over all values of [clips, frequency, time], or of the given rows of it."""
    rows = np.arange(len(features)) if rows is None else rows
    total = squares = count = 0.0
    for start in range(0, len(rows), chunk):
        part = np.asarray(features[rows[start : start + chunk]], np.float64)
        total, squares, count = total + part.sum(), squares + (part**2).sum(), count + part.size
    mean = total / count
    return float(mean), float(np.sqrt(max(squares / count - mean**2, 1e-12)))


def _open(path, shape):
    """The memory map of a feature file; None if it is not there or not whole."""
    try:
        features = np.lib.format.open_memmap(path, mode="r")
    except (OSError, ValueError):
        return None
    return features if features.shape == shape else None


def _key(root, clips, frontend, samples):
    digest = hashlib.sha256(json.dumps([FORMAT, type(frontend).__name__, frontend.settings(), samples]).encode())
    for name in clips.filename:
        try:
            status = (root / name).stat()
        except OSError as error:
            raise AscError(f"{root / name}: cannot be read ({error.strerror})") from error
        digest.update(f"{name}\0{status.st_size}\0{status.st_mtime_ns}\n".encode())
    return digest.hexdigest()[:20]


def _compute(root, clips, frontend, samples, batch_size=16):
    """Yield float16 features [frequency, time] clip by clip; decoding runs ahead in threads."""

    def load(name):
        waveform = load_waveform(root / name, frontend.sample_rate_hz)
        return fit_length(waveform, samples, frontend.sample_rate_hz, root / name)

    transform = tf.function(
        lambda waveforms: tf.cast(frontend(waveforms)[..., 0], tf.float16),
        input_signature=[tf.TensorSpec((None, samples))],
    )
    names = list(clips.filename)
    with (
        ThreadPoolExecutor(2) as pool,
        tqdm(total=len(names), desc="features", unit="clip", disable=None, leave=False) as bar,
    ):
        pending = [pool.submit(load, name) for name in names[:batch_size]]
        for start in range(0, len(names), batch_size):
            following = [pool.submit(load, name) for name in names[start + batch_size : start + 2 * batch_size]]
            try:
                waveforms = np.stack([future.result() for future in pending])
            except AscError:
                pool.shutdown(cancel_futures=True)
                raise
            yield from transform(waveforms).numpy()
            bar.update(len(pending))
            pending = following
