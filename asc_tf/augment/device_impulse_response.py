"""Device impulse response augmentation: a clip as another microphone would have recorded it."""

import os
from pathlib import Path

import numpy as np
import tensorflow as tf

from asc_tf.audio.finding import is_audio
from asc_tf.audio.waveform import load_waveform
from asc_tf.errors import AscError

LONGEST_RESPONSE_SECONDS = 2.0
# Not .raw: without a header the sample rate is unknown.


def load_impulse_responses(folder: str | os.PathLike, sample_rate_hz: int) -> np.ndarray:
    """Read every impulse response of a folder, each scaled to unit energy.

    Unit energy keeps the power of white noise, so that a response colours a clip and leaves its level. Hidden files are
    skipped, and so are files without an audio file's ending.

    Args:
        folder: folder of audio files, in any format and at any rate that `load_waveform` reads.
        sample_rate_hz: of the clips that will be convolved, in Hz.

    Returns:
        float32 [responses, samples]: sorted by file name, padded with zeros to the longest.

    Raises:
        AscError: no such folder, no audio file in it, or a file that cannot be decoded, is silent or lasts longer than
            2 s (a recording, not a response).
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise AscError(f"{folder}: no such folder; expected impulse responses")
    paths = [path for path in sorted(folder.iterdir()) if not path.name.startswith(".") and is_audio(path)]
    if not paths:
        raise AscError(f"{folder}: holds no audio file; expected impulse responses, such as .wav")
    responses = [_load_impulse_response(path, sample_rate_hz) for path in paths]
    longest = max(map(len, responses))
    return np.stack([np.pad(response, (0, longest - len(response))) for response in responses])


def device_impulse_response(
    waveforms: tf.Tensor, responses: tf.Tensor, probability: float, seed: tf.Tensor
) -> tf.Tensor:
    """Convolve clips of a batch with impulse responses of microphones, so that few devices sound like many.

        x'_n = sum_k h_k x_(n + p - k),   p = argmax_k |h_k|,   x_n = 0 beyond the ends of the clip

    h is drawn for each treated clip, uniformly from the responses. Its peak counts as time zero, so a clip is neither
    delayed nor lengthened. The convolution is a product of spectra and is computed for the treated clips only.

    Args:
        waveforms: float32 [batch, samples].
        responses: float32 [responses, samples] at the rate of the waveforms, as `load_impulse_responses` gives them.
        probability: with which a clip is treated; 0.4 in the authors' code.
        seed: stateless seed, int [2].

    Returns:
        float32, of the shape of `waveforms`. Samples may leave +-1; nothing is clipped.

    Reference: Morocutti et al., "Device-Robust Acoustic Scene Classification via Impulse Response Augmentation",
    EUSIPCO 2023, with the responses of MicIRP. Unit energy and the peak as time zero are ours: the authors' code takes
    the responses unchanged and keeps the first samples of the convolution. Their code treats clips of device a only;
    here every clip may be treated.
    """
    waveforms, responses = tf.convert_to_tensor(waveforms), tf.convert_to_tensor(responses)
    seeds = tf.random.split(seed, 2)
    batch, samples = tf.shape(waveforms)[0], tf.shape(waveforms)[1]
    treated = tf.where(tf.random.stateless_uniform([batch], seeds[0]) < probability)
    drawn = tf.random.stateless_uniform([batch], seeds[1], 0, tf.shape(responses)[0], tf.int32)
    clips, filters = tf.gather_nd(waveforms, treated), _centred(tf.gather(responses, tf.gather_nd(drawn, treated)))
    before = tf.shape(responses)[1] - 1
    # Wrapped samples land in the first `before` samples, which are cut.
    length = _power_of_two(tf.maximum(samples, before + 1) + before)
    spectrum = _spectrum(clips, length) * _spectrum(filters, length)
    convolved = tf.signal.irfft(spectrum, [length])[:, before : before + samples]
    return tf.tensor_scatter_nd_update(waveforms, treated, convolved)


def _load_impulse_response(path, sample_rate_hz):
    """One response [samples] of unit energy."""
    response = load_waveform(path, sample_rate_hz)
    seconds = len(response) / sample_rate_hz
    if seconds > LONGEST_RESPONSE_SECONDS:
        raise AscError(
            f"{path}: lasts {seconds:g} s, as a recording does; expected an impulse response of at most "
            f"{LONGEST_RESPONSE_SECONDS:g} s"
        )
    energy = np.sum(response.astype(np.float64) ** 2)
    if energy == 0:
        raise AscError(f"{path}: is silent; expected an impulse response")
    return (response / np.sqrt(energy)).astype(np.float32)


def _centred(responses):
    """Responses [responses, samples] with the peak of each in the middle of [responses, 2 samples - 1]."""
    before = tf.shape(responses)[1] - 1
    peaks = tf.argmax(tf.abs(responses), axis=1, output_type=tf.int32)
    places = peaks[:, tf.newaxis] + tf.range(2 * before + 1)
    return tf.gather(tf.pad(responses, ((0, 0), (before, before))), places, batch_dims=1)


def _power_of_two(length):
    """The smallest fast length of at least this length: lengths with large prime factors take ten times as long."""
    powers = tf.constant(2 ** np.arange(31), tf.int32)
    return powers[tf.searchsorted(powers, [length])[0]]


def _spectrum(signals, length):
    # Padded here: tf.signal.rfft does not pad a batch of zero clips and then finds it too short.
    return tf.signal.rfft(tf.pad(signals, ((0, 0), (0, length - tf.shape(signals)[1]))), [length])
