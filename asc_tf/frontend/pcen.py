"""Per-channel energy normalization of the mel spectrogram."""

import numpy as np
import tensorflow as tf
import tf_keras as keras

from asc_tf.frontend.mel_spectrogram import MelSpectrogram


@keras.saving.register_keras_serializable("asc_tf")
class Pcen(MelSpectrogram):
    """Fixed PCEN: the mel power spectrogram divided by its own recent level, in place of the logarithm.

    PCEN is an automatic gain control for every mel bin: a microphone's colouring is constant, so the level contains it
    and it cancels. With E = full_scale^2 * S, S of `MelSpectrogram`, and the level M a first-order average over time:

        M_mt = (1 - s) * M_m,t-1 + s * E_mt,   M_m0 = E_m0
        output = (E / (epsilon + M)^alpha + delta)^r - delta^r

    Input: waveform [batch, samples], float32 in +-1, samples static.
    Output: [batch, frequency = mel_bins, time, 1], 0 or more, without unit.

    Args:
        sample_rate_hz, window_ms, hop_ms, mel_bins, low_hz, high_hz: of `MelSpectrogram`.
        smoothing: s, share of the new frame in the level. 0.025 averages over 1 / s = 40 frames: 0.4 s at the hop of
            10 ms that it was chosen for, 1.2 s at 30 ms.
        gain: alpha, 0 to 1; 1 removes the level entirely.
        bias: delta.
        exponent: r.
        epsilon: added to the level.
        full_scale: value of a sample of 1; librosa's documentation says that epsilon and delta were chosen for 32-bit
            integer samples.

    Raises:
        ValueError: an argument is out of range, or as for `MelSpectrogram`.

    Reference: Wang et al., "Trainable Frontend For Robust and Far-Field Keyword Spotting", ICASSP 2017, equations 1 and
    2; Kim et al., DCASE Workshop 2021, section 3.1 and table 3 ("Fixed PCEN"), which gives no parameters: the defaults
    here are those of Wang et al. The paper does not state the level's start; starting at the first frame's energy
    avoids a fade-in.
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
        smoothing: float = 0.025,
        gain: float = 0.98,
        bias: float = 2.0,
        exponent: float = 0.5,
        epsilon: float = 1e-6,
        full_scale: float = 2.0**31,
        **kwargs,
    ):
        super().__init__(sample_rate_hz, window_ms, hop_ms, mel_bins, low_hz, high_hz, **kwargs)
        if not 0 < smoothing <= 1:
            raise ValueError(f"smoothing is {smoothing}; expected more than 0, up to 1")
        if not 0 <= gain <= 1:
            raise ValueError(f"gain is {gain}; expected 0 to 1")
        if bias < 0:
            raise ValueError(f"bias is {bias}; expected 0 or more")
        if min(exponent, epsilon, full_scale) <= 0:
            raise ValueError(
                f"exponent is {exponent}, epsilon {epsilon} and full_scale {full_scale}; expected positive numbers"
            )
        self.smoothing = smoothing
        self.gain = gain
        self.bias = bias
        self.exponent = exponent
        self.epsilon = epsilon
        self.full_scale = full_scale

    def compress(self, power: tf.Tensor) -> tf.Tensor:
        energy = power * self.full_scale**2
        level = _moving_average(energy, self.smoothing)
        normalized = energy * tf.pow(level + self.epsilon, -self.gain)
        return tf.pow(normalized + self.bias, self.exponent) - self.bias**self.exponent

    def settings(self) -> dict:
        names = ("smoothing", "gain", "bias", "exponent", "epsilon", "full_scale")
        return {**super().settings(), **{name: getattr(self, name) for name in names}}


def _moving_average(energy, smoothing):
    """m_t = (1 - s) m_t-1 + s e_t with m_0 = e_0, over the frames of [batch, time, frequency].

    A loop over frames would be slow, and a [T, T] matrix would outweigh the network in an exported file. Sums over 1,
    2, 4 ... frames, each made of two earlier sums, take log2 T steps.
    """
    frames = energy.shape[1]
    weights = np.full((frames, 1), smoothing, np.float32)
    weights[0] = 1
    average = energy * weights
    summed = 1
    while summed < frames:
        earlier = tf.pad(average[:, :-summed], ((0, 0), (summed, 0), (0, 0)))
        average += (1 - smoothing) ** summed * earlier
        summed *= 2
    return average
