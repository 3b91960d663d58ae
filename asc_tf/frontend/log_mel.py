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
    """

    version = 1

    def __init__(
        self,
        sample_rate_hz=16000,
        window_ms=130.0,
        hop_ms=30.0,
        mel_bins=256,
        low_hz=0.0,
        high_hz=None,
        floor=1e-7,
        **kwargs,
    ):
        super().__init__(sample_rate_hz, window_ms, hop_ms, mel_bins, low_hz, high_hz, **kwargs)
        if floor <= 0:
            raise ValueError(f"floor is {floor}; expected a positive power")
        self.floor = floor

    def compress(self, power):
        return tf.math.log(tf.maximum(power, self.floor))

    def settings(self):
        return {**super().settings(), "floor": self.floor}
