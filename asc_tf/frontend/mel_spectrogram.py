"""Mel power spectrogram: the common part of the frontends."""

import tensorflow as tf
import tf_keras as keras

from asc_tf.frontend.mel import bands_of, frame_lengths, mel_filterbank
from asc_tf.internals.tensorflow import spare_autograph

spare_autograph()


@keras.saving.register_keras_serializable("asc_tf")
class MelSpectrogram(keras.layers.Layer):
    """Mel power spectrogram, and the base of the layers that compress it.

        S_mt = sum_k M_km |STFT(x)_kt|^2

    Periodic Hann window; frames centred on multiples of the hop, zeros beyond the ends, so that T = 1 + samples // hop.
    The window is padded to the next power of two for the Fourier transform (130 ms at 16 kHz: 2080 samples in 4096).
    This gives each of 256 mel filters some Fourier bins, and TFLite's RFFT2D requires it.

    A subclass overrides `compress`, and what else it does otherwise, and adds its arguments to `settings`.

    Input: waveform [batch, samples], float32 in +-1, samples static.
    Output: [batch, frequency = mel_bins, time, 1], power.

    Args:
        sample_rate_hz: of the waveform.
        window_ms: length of the window. 130 in QTI's papers; 128 (2048 samples) in HYU's.
        hop_ms: step from frame to frame. 30 in QTI's papers; 32 (512 samples) in HYU's.
        mel_bins: number of mel filters.
        low_hz, high_hz: edges of the filterbank; None is half the sample rate.

    Raises:
        ValueError: window, hop, edges or number of bins do not fit together, or samples are unknown.

    Reference: Kim et al., DCASE Workshop 2021, section 3.1; Lee et al., DCASE Workshop 2022, section 4.1. The
    papers do not name the mel scale or the filters' norm: these are librosa's defaults.
    """

    _filterbank = staticmethod(mel_filterbank)
    _periodic_window = True
    version = 1  # raised, in each subclass too, when the same settings give other features: caches are keyed by it

    def __init__(
        self,
        sample_rate_hz: int = 16000,
        window_ms: float = 130.0,
        hop_ms: float = 30.0,
        mel_bins: int = 256,
        low_hz: float = 0.0,
        high_hz: float | None = None,
        **kwargs,
    ):
        super().__init__(dtype=kwargs.pop("dtype", "float32"), trainable=kwargs.pop("trainable", False), **kwargs)
        self.sample_rate_hz = sample_rate_hz
        self.window_ms = window_ms
        self.hop_ms = hop_ms
        self.mel_bins = mel_bins
        self.low_hz = low_hz
        self.high_hz = high_hz
        self.window_samples, self.hop_samples, self.fft_length = frame_lengths(sample_rate_hz, window_ms, hop_ms)
        filterbank = self._filterbank(sample_rate_hz, self.fft_length, mel_bins, low_hz, high_hz)
        self._bands = list(bands_of(filterbank))
        self.input_spec = keras.layers.InputSpec(ndim=2)

    def frames(self, samples: int) -> int:
        """Number of frames of a waveform of this many samples."""
        return 1 + samples // self.hop_samples

    def feature_shape(self, samples: int) -> tuple[int, int, int]:
        """(frequency, time, 1) for a waveform of this many samples."""
        return self.mel_bins, self.frames(samples), 1

    def call(self, waveform):
        if waveform.shape[1] is None:
            name = type(self).__name__
            raise ValueError(f"{name} got a waveform of unknown length; expected a static number of samples")
        frames = self.frames(waveform.shape[1])
        padded = self.padded(waveform)[:, : self.window_samples + (frames - 1) * self.hop_samples]
        windows = tf.signal.frame(padded, self.window_samples, self.hop_samples)
        windows *= tf.signal.hann_window(self.window_samples, periodic=self._periodic_window)
        spectrum = tf.signal.rfft(windows, [self.fft_length])
        power = tf.math.real(spectrum) ** 2 + tf.math.imag(spectrum) ** 2
        mel = tf.concat([tf.matmul(power[:, :, low:high], weights) for low, high, weights in self._bands], axis=2)
        return tf.transpose(self.compress(mel), (0, 2, 1))[:, :, :, tf.newaxis]

    def padded(self, waveform: tf.Tensor) -> tf.Tensor:
        """The waveform with its padding before and after, [batch, window + samples]."""
        half = self.window_samples // 2
        return tf.pad(waveform, ((0, 0), (half, self.window_samples - half)))

    def compress(self, power: tf.Tensor) -> tf.Tensor:
        """From mel power to features, both [batch, time, frequency]."""
        return power

    def compute_output_shape(self, input_shape):
        return (input_shape[0], *self.feature_shape(input_shape[1]))

    def settings(self) -> dict:
        """All settings that determine the features, by argument: key of a cache, metadata of an exported file."""
        names = ("sample_rate_hz", "window_ms", "hop_ms", "mel_bins", "low_hz", "high_hz")
        return {name: getattr(self, name) for name in names}

    def get_config(self):
        return {**super().get_config(), **self.settings()}
