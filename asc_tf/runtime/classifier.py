"""Classify audio with a .tflite file: numpy, soundfile, soxr and LiteRT, no TensorFlow."""

import hashlib
import os
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np

from asc_tf.audio.levels import check_levels, is_silent
from asc_tf.audio.waveform import enough_memory, mixed_down, resample, waveform_blocks
from asc_tf.errors import AscError, unreadable
from asc_tf.runtime.frontend import frontend_of
from asc_tf.runtime.interpreter import loaded
from asc_tf.runtime.isolated_run import check_by_trial
from asc_tf.runtime.metadata import read_metadata
from asc_tf.runtime.windows import windows


class Classifier:
    """A .tflite file made by `asc-tf export`, ready to classify.

    Args:
        path: of the file.
        threads: number of threads for LiteRT.
        uncertain_below: see the attribute; None means the file's own.

    Attributes:
        labels: names of the scenes, in the order of the probabilities.
        sample_rate_hz: the network's rate; other rates are resampled to it.
        samples: length of the network's window, in samples.
        uncertain_below: confidence below which an answer is called uncertain, or None.
        metadata: the file's `Metadata`.
        sha256: of the file.

    Raises:
        AscError: a missing or damaged file, or a file without our metadata.
    """

    def __init__(self, path: str | os.PathLike, threads: int = 1, uncertain_below: float | None = None):
        self._path = path
        try:
            content = Path(path).read_bytes()
        except OSError as error:
            raise unreadable(path, error) from error
        self.sha256 = hashlib.sha256(content).hexdigest()
        self.metadata = read_metadata(content, path)
        self.labels = self.metadata.labels
        self.uncertain_below = self.metadata.uncertain_below if uncertain_below is None else uncertain_below
        self.sample_rate_hz = self.metadata.sample_rate_hz
        self.samples = self.metadata.samples
        if self.metadata.checksum is None:
            check_by_trial(content, path)
        try:
            self._interpreter = loaded(self._runnable(content), threads)
        except Exception as error:  # LiteRT raises any exception
            raise AscError(f"{path}: LiteRT cannot load it ({_first_line(error)})") from error
        self._input, self._output = self._ends(path)

    def _runnable(self, content):
        """The part of a file's bytes that LiteRT gets."""
        return content

    def _ends(self, path):
        """Details of the one input and the one output, after a check against the metadata."""
        inputs, outputs = self._interpreter.get_input_details(), self._answers()
        shapes = [tuple(map(int, end["shape"])) for end in inputs + outputs]
        takes = (1, self.samples)
        self._frontend = None
        if self.metadata.input == "features":
            self._frontend = frontend_of(self.metadata, path)
            takes = (1, *self._frontend.feature_shape(self.samples))
        expected = [takes, (1, len(self.labels))]
        if shapes != expected:
            raise AscError(f"{path}: takes and gives {shapes}, but its metadata says {expected}")
        types = [np.dtype(end["dtype"]).name for end in inputs + outputs]
        for name, end in zip(types, inputs + outputs, strict=True):
            if name != "float32" and (name not in ("int8", "uint8", "int16") or not end["quantization"][0] > 0):
                raise AscError(f"{path}: takes and gives {types}; expected float32 or quantized integers")
        return inputs[0], outputs[0]

    def _answers(self):
        """Details of the outputs that hold probabilities."""
        return self._interpreter.get_output_details()

    def classify_file(self, path: str | os.PathLike) -> np.ndarray:
        """Probabilities [classes] of an audio file of any rate, channel count and length, as `classify`.

        The file is read and classified in blocks, so its length takes no memory.

        Raises:
            AscError: no audio file, or one that is damaged.
        """
        return self.mean(self.windows_of_file(path))

    def windows_of_file(self, path: str | os.PathLike) -> Iterator[np.ndarray]:
        """Probabilities [classes] of each window of a file that is not silent; errors as for `classify_file`."""
        with enough_memory(path):
            yield from self._heard(waveform_blocks(path, self.sample_rate_hz))

    def classify(self, waveform: np.ndarray, sample_rate_hz: int) -> np.ndarray:
        """Probabilities of a waveform at the given rate: the mean over its windows that are not silent.

        Args:
            waveform: [samples] or [samples, channels] in +-1.
            sample_rate_hz: its rate.

        Returns:
            float32 [classes]; all 0 if the whole waveform is silent.

        Raises:
            AscError: no samples, too many dimensions, samples that cannot be sound, or an impossible rate.
        """
        if not sample_rate_hz >= 1000:
            raise AscError(f"a sample rate of {sample_rate_hz} Hz cannot be right; expected 1000 Hz or more")
        waveform = np.asarray(waveform, np.float32)
        if waveform.ndim not in (1, 2) or not waveform.size or not np.isfinite(waveform).all():
            raise AscError(
                f"a waveform of shape {waveform.shape} cannot be classified; "
                "expected finite samples [samples] or [samples, channels]"
            )
        channels = waveform if waveform.ndim == 2 else waveform[:, np.newaxis]
        check_levels(channels, "a waveform cannot be classified")
        return self.mean(self._heard([resample(mixed_down(channels), sample_rate_hz, self.sample_rate_hz)]))

    def window_probabilities(self, window: np.ndarray) -> np.ndarray:
        """The network's output for one window: [samples] at its rate, or features [frequency, time].

        Features are for files that take features. An 8-bit input is quantized as the file states; values beyond its
        range are clipped.
        """
        given = window
        if self._frontend is not None:
            given = window[:, :, np.newaxis] if window.ndim == 2 else self._frontend(window)
        self._interpreter.set_tensor(self._input["index"], to_quantized(given[np.newaxis], self._input))
        try:
            self._interpreter.invoke()
        except RuntimeError as error:
            raise AscError(f"{self._path}: LiteRT cannot run it ({_first_line(error)})") from error
        probabilities = from_quantized(self._interpreter.get_tensor(self._output["index"])[0], self._output)
        if not np.isfinite(probabilities).all():
            raise AscError(f"{self._path}: gives numbers that are not finite")
        return probabilities

    def mean(self, probabilities: Iterable[np.ndarray]) -> np.ndarray:
        """Mean [classes] of the windows' probabilities; all 0 without windows."""
        total, count = np.zeros(len(self.labels), np.float32), 0
        for one in probabilities:
            total, count = total + one, count + 1
        return total / np.float32(count or 1)

    def _heard(self, blocks):
        """Probabilities [classes] of the windows, in blocks [n] of a waveform, that are not silent."""
        for window in windows(blocks, self.samples):
            if not is_silent(window):
                yield self.window_probabilities(window)


def _first_line(error):
    return (str(error).splitlines() or [type(error).__name__])[0][:200]


def to_quantized(values, end):
    """Real values in the number format of an input; `end` holds LiteRT's details of the input."""
    if end["dtype"] == np.float32:
        return values
    scale, zero_point = end["quantization"]
    limits = np.iinfo(end["dtype"])
    return np.clip(np.rint(values / np.float32(scale)) + zero_point, limits.min, limits.max).astype(end["dtype"])


def from_quantized(values, end):
    """Real values of an output's numbers."""
    if end["dtype"] == np.float32:
        return values
    scale, zero_point = end["quantization"]
    return (values.astype(np.float32) - zero_point) * np.float32(scale)
