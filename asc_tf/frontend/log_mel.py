"""Log-mel spectrogram."""

import tensorflow as tf
import tf_keras as keras

from asc_tf.frontend.mel_spectrogram import MelSpectrogram


@keras.saving.register_keras_serializable("asc_tf")
class LogMel(MelSpectrogram):
    """Logarithm of the mel power spectrogram S of `MelSpectrogram`.

        output = ln(max(S, floor))

    Input: waveform [batch, samples], float32 in +-1, samples static.
    Output: [batch, frequency = mel_bins, time, 1], natural logarithm of power.

    Args:
        sample_rate_hz, window_ms, hop_ms, mel_bins, low_hz, high_hz: of `MelSpectrogram`.
        floor: power below which the logarithm is cut; 1e-7 is a little above the noise of 16-bit samples.

    Raises:
        ValueError: `floor` is not positive, or as for `MelSpectrogram`.

    Reference: as for `MelSpectrogram`. The papers do not name the floor.

    Examples:
        >>> import asc_tf, numpy as np
        >>> frontend = asc_tf.LogMel()
        >>> frontend(np.zeros((1, 160000), "float32")).shape
        TensorShape([1, 256, 334, 1])
    """

    version = 1

    def __init__(
        self,
        sample_rate_hz: int = 16000,
        window_ms: float = 130.0,
        hop_ms: float = 30.0,
        mel_bins: int = 256,
        low_hz: float = 0.0,
        high_hz: float | None = None,
        floor: float = 1e-7,
        **kwargs,
    ):
        super().__init__(sample_rate_hz, window_ms, hop_ms, mel_bins, low_hz, high_hz, **kwargs)
        if floor <= 0:
            raise ValueError(f"floor is {floor}; expected a positive power")
        self.floor = floor

    def compress(self, power: tf.Tensor) -> tf.Tensor:
        return tf.math.log(tf.maximum(power, self.floor))

    def settings(self) -> dict:
        return {**super().settings(), "floor": self.floor}
