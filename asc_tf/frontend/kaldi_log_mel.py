"""The log-mel front end of today's systems of the DCASE challenge: pre-emphasis, Kaldi's mel filters."""

import tensorflow as tf
import tf_keras as keras

from asc_tf.frontend.mel import kaldi_filterbank
from asc_tf.frontend.mel_spectrogram import MelSpectrogram


@keras.saving.register_keras_serializable("asc_tf")
class KaldiLogMel(MelSpectrogram):
    """Log-mel after pre-emphasis, with Kaldi's mel filters, brought near zero mean and unit deviation.

        e_n = x_n+1 - preemphasis * x_n
        output = (ln(S(e) + floor) - mean) / deviation

    S is the mel power spectrogram with a symmetric Hann window. Its filters are triangles over mel = 1127 ln(1 + f /
    700), each of height 1, and the signal is mirrored at its ends. e is one sample shorter than the waveform, so T = 1
    + (samples - 1) // hop: 64 frames of 1 s at 32 kHz and a hop of 500 samples.

    Input: waveform [batch, samples], float32 in +-1, samples static and more than half a window.
    Output: [batch, frequency = mel_bins, time, 1].

    Args:
        sample_rate_hz, window_ms, hop_ms, mel_bins, low_hz, high_hz: of `MelSpectrogram`. The defaults are CP-Mobile's;
            TF-SepNet has 512 mel bins up to 16 kHz.
        floor: added to the power.
        preemphasis: weight of the preceding sample.
        mean, deviation: of the logarithm; the authors use these values for all data.

    Raises:
        ValueError: `floor` or `deviation` is not positive, as for `MelSpectrogram`, or the waveform is too short.

    Reference: Schmid et al., DCASE Workshop 2023; Cai et al., ICASSP 2024: the front end of their public systems.
    """

    _filterbank = staticmethod(kaldi_filterbank)
    _periodic_window = False
    version = 1

    def __init__(
        self,
        sample_rate_hz: int = 32000,
        window_ms: float = 96.0,
        hop_ms: float = 15.625,
        mel_bins: int = 256,
        low_hz: float = 0.0,
        high_hz: float | None = 15500.0,
        floor: float = 1e-5,
        preemphasis: float = 0.97,
        mean: float = -4.5,
        deviation: float = 5.0,
        **kwargs,
    ):
        super().__init__(sample_rate_hz, window_ms, hop_ms, mel_bins, low_hz, high_hz, **kwargs)
        if min(floor, deviation) <= 0:
            raise ValueError(f"floor is {floor} and deviation {deviation}; expected positive numbers")
        self.floor = floor
        self.preemphasis = preemphasis
        self.mean = mean
        self.deviation = deviation

    def frames(self, samples: int) -> int:
        if samples - 1 <= self.window_samples // 2:
            raise ValueError(f"a waveform has {samples} samples; expected more than {self.window_samples // 2 + 1}")
        return 1 + (samples - 1) // self.hop_samples

    def padded(self, waveform: tf.Tensor) -> tf.Tensor:
        emphasized = waveform[:, 1:] - self.preemphasis * waveform[:, :-1]
        half = self.window_samples // 2
        return tf.pad(emphasized, ((0, 0), (half, half)), mode="REFLECT")

    def compress(self, power: tf.Tensor) -> tf.Tensor:
        return (tf.math.log(power + self.floor) - self.mean) / self.deviation

    def settings(self) -> dict:
        names = ("floor", "preemphasis", "mean", "deviation")
        return {**super().settings(), **{name: getattr(self, name) for name in names}}
