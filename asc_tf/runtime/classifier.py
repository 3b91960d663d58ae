"""Classify audio with a .tflite file: numpy, soundfile, soxr and LiteRT, no TensorFlow."""

from pathlib import Path

import numpy as np

from asc_tf.errors import AscError
from asc_tf.frontend.decode import load_waveform, resample
from asc_tf.quiet import native_stderr_hidden
from asc_tf.runtime.metadata import check_checksum, read_metadata


class Classifier:
    """A .tflite file made by `asc-tf export`, ready to classify.

    Args:
        path: of the file.
        threads: that LiteRT may use.

    Attributes:
        labels: names of the scenes, in the order of the probabilities.
        sample_rate_hz: that the network works at; other rates are resampled to it.
        samples: length of the network's window.
        path: of the file.
        metadata: all that the file says about itself, a `Metadata`.

    Raises:
        AscError: missing or damaged file, or not one of ours.
    """

    def __init__(self, path, threads=1):
        from ai_edge_litert.interpreter import Interpreter

        self.path = path
        try:
            content = Path(path).read_bytes()
        except OSError as error:
            raise AscError(f"{path}: cannot be read ({error.strerror})") from error
        self.metadata = read_metadata(content, path)
        check_checksum(content, self.metadata, path)
        self.labels = self.metadata.labels
        self.sample_rate_hz = self.metadata.sample_rate_hz
        self.samples = self.metadata.samples
        try:
            with native_stderr_hidden():
                self._interpreter = Interpreter(model_content=content, num_threads=threads)
                self._interpreter.allocate_tensors()
        except (ValueError, RuntimeError) as error:
            raise AscError(f"{path}: LiteRT cannot load it ({str(error).splitlines()[0]})") from error
        (self._input,), (self._output,) = (
            self._interpreter.get_input_details(),
            self._interpreter.get_output_details(),
        )
        shapes = tuple(self._input["shape"]), tuple(self._output["shape"])
        takes = (1, *self.metadata.features, 1) if self.metadata.input == "features" else (1, self.samples)
        expected = takes, (1, len(self.labels))
        if shapes != expected:
            raise AscError(f"{path}: takes and gives {shapes}, but its metadata says {expected}")

    def classify_file(self, path):
        """Probabilities [classes] of an audio file of any rate, channel count and length."""
        return self._average(load_waveform(path, self.sample_rate_hz))

    def classify(self, waveform, sample_rate_hz):
        """Probabilities [classes] of a waveform [samples] or [samples, channels] in +-1 at the given rate.

        Raises:
            AscError: no samples, too many dimensions, samples that are not finite, or an impossible rate.
        """
        if not sample_rate_hz >= 1000:
            raise AscError(f"a sample rate of {sample_rate_hz} Hz cannot be right; expected 1000 Hz or more")
        waveform = np.asarray(waveform, np.float32)
        if waveform.ndim not in (1, 2) or not waveform.size or not np.isfinite(waveform).all():
            raise AscError(
                f"a waveform of shape {waveform.shape} cannot be classified; "
                "expected finite samples [samples] or [samples, channels]"
            )
        if waveform.ndim == 2:
            waveform = waveform.mean(axis=1)
        return self._average(resample(waveform, sample_rate_hz, self.sample_rate_hz))

    def window_probabilities(self, window):
        """Probabilities [classes] of one window: [samples] at the network's rate, or features [frequency, time].

        An 8-bit input is quantized as the file says; values beyond its range are cut.
        """
        if window.ndim == 2:
            window = window[:, :, np.newaxis]
        if self._input["dtype"] == np.int8:
            scale, zero_point = self._input["quantization"]
            window = np.clip(np.round(window / np.float32(scale)) + zero_point, -128, 127).astype(np.int8)
        self._interpreter.set_tensor(self._input["index"], window[np.newaxis])
        self._interpreter.invoke()
        return self._interpreter.get_tensor(self._output["index"])[0]

    def _average(self, waveform):
        if self.metadata.input == "features":
            raise AscError(
                f"{self.path}: takes features, not a waveform; expected a file of 'asc-tf export --input waveform'"
            )
        return np.mean([self.window_probabilities(window) for window in windows(waveform, self.samples)], axis=0)


def windows(waveform, samples):
    """Cut a waveform [n] into windows [samples] that follow each other; the last one ends where the waveform does.

    A waveform shorter than a window is repeated until it fills it, since silence would change its statistics.
    """
    if len(waveform) < samples:
        waveform = np.resize(waveform, samples)
    last = len(waveform) - samples
    starts = list(range(0, last + 1, samples))
    if starts[-1] != last:
        starts.append(last)
    return [waveform[start : start + samples] for start in starts]
