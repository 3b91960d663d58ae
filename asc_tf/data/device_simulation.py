"""Simulation of a recording device (microphones, compressor, gain and hiss), and its description in JSON."""

import json
import math
from dataclasses import dataclass, fields
from importlib import resources
from pathlib import Path

import numpy as np
from scipy.ndimage import uniform_filter1d
from scipy.signal import fftconvolve

from asc_tf.data.names import check_labels
from asc_tf.errors import AscError, unreadable

_ENVELOPE_MS = 10
_LOWEST_NOISE_HZ = 20  # of brown noise, whose power would grow without limit towards 0 Hz
_RANGES = {
    "gain_db": (-60, 60),
    "hiss_db": (-200, 0),
    "compress_above_db": (-100, 0),
    "ratio": (1, 100),
    "training_share": (0, 1),
}


@dataclass(frozen=True)
class Device:
    """One device, a chain in this order: microphones one after the other, compressor, gain, hiss.

    Attributes:
        microphones: names of impulse responses, file names without ending; the RMS of the sound stays the same.
        gain_db: gain on the whole signal.
        hiss_db: RMS of white noise, in dB of full scale.
        compress_above_db: level above which the compressor works, in dB of full scale (RMS of 10 ms); None: no
            compressor.
        ratio: of the compressor.
        training_share: share of the training recordings that this device also recorded; 0 means an unseen device.
    """

    microphones: tuple = ()
    gain_db: float = 0.0
    hiss_db: float = -60.0
    compress_above_db: float | None = None
    ratio: float = 1.0
    training_share: float = 0.0


@dataclass(frozen=True)
class Devices:
    """The devices of a data set, by name, and the quiet brown noise under every recording.

    Attributes:
        devices: `Device` by name, without the device of the source set, which records everything unchanged.
        background_db: lowest and highest RMS of the noise, in dB of full scale; None leaves it out.
    """

    devices: dict
    background_db: tuple | None = None


def read_devices(path=None):
    """Read a description of devices; by default that of ESC-10 Mobile, which comes with the package.

    {"background_db": [-50, -35], "devices": {"b": {"microphones": ["NAME"], "gain_db": -3, "training_share": 0.075}}}

    Args:
        path: JSON file, or None.

    Raises:
        AscError: unreadable, or not a description of devices: names the file, the device and the field.
    """
    path = resources.files("asc_tf.data") / "esc10_devices.json" if path is None else Path(path)
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise unreadable(path, error, "a description of devices") from error
    except (ValueError, RecursionError) as error:
        raise AscError(f"{path}: is not JSON ({error}); expected a description of devices") from error
    if not isinstance(values, dict) or not isinstance(values.get("devices"), dict) or not values["devices"]:
        raise AscError(f'{path}: expected {{"devices": {{"NAME": {{...}}}}}} with at least one device')
    if unknown := values.keys() - {"devices", "background_db"}:
        raise AscError(f"{path}: has the field '{min(unknown)}'; expected devices and background_db")
    check_labels(path, "device", values["devices"])
    devices = {name: _device(path, name, given) for name, given in values["devices"].items()}
    return Devices(devices, _background(path, values.get("background_db")))


def _background(path, levels):
    if levels is None:
        return None
    pair = isinstance(levels, list) and len(levels) == 2 and all(_is_number(level) for level in levels)
    if not pair or not -200 <= levels[0] <= levels[1] <= 0:
        raise AscError(f"{path}: background_db is {levels}; expected a lowest and a highest level from -200 to 0 dB")
    return tuple(levels)


def _device(path, name, given):
    if not isinstance(given, dict):
        raise AscError(f"{path}: device '{name}' is {given!r}; expected its fields, such as gain_db")
    known = {field.name for field in fields(Device)}
    for key, value in given.items():
        if key not in known:
            raise AscError(
                f"{path}: device '{name}' has the field '{key}'; expected some of {', '.join(sorted(known))}"
            )
        if key == "microphones":
            if not isinstance(value, list) or not all(isinstance(item, str) and item for item in value):
                raise AscError(f"{path}: device '{name}' has microphones {value!r}; expected a list of names")
            continue
        low, high = _RANGES[key]
        if not _is_number(value) or not low <= value <= high:
            raise AscError(f"{path}: device '{name}' has {key} {value!r}; expected a number from {low} to {high}")
    return Device(**{**given, "microphones": tuple(given.get("microphones", ()))})


def _is_number(value):
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def hear(waveform, device, impulse_responses, sample_rate_hz, generator):
    """Simulate the recording of a sound by a device.

    Args:
        waveform: float64 [samples].
        device: a `Device`.
        impulse_responses: of the device's microphones, float64 [taps] each.
        sample_rate_hz: of the sound and the responses.
        generator: NumPy's, for the hiss.

    Returns:
        float64 [samples]; may leave +-1.
    """
    heard = waveform
    for response in impulse_responses:
        heard = fftconvolve(heard, response)[: len(waveform)]
    heard = heard * (np.sqrt(np.mean(waveform**2) + 1e-12) / np.sqrt(np.mean(heard**2) + 1e-12))
    if device.compress_above_db is not None:
        heard = _compress(heard, device, sample_rate_hz)
    hiss = generator.standard_normal(len(heard)) * 10 ** (device.hiss_db / 20)
    return heard * 10 ** (device.gain_db / 20) + hiss


def _compress(waveform, device, sample_rate_hz):
    """Feed-forward compressor on the RMS of 10 ms."""
    window = sample_rate_hz * _ENVELOPE_MS // 1000
    envelope = np.sqrt(uniform_filter1d(waveform**2, window) + 1e-12)
    over_db = np.maximum(20 * np.log10(envelope) - device.compress_above_db, 0)
    return waveform * 10 ** (-over_db * (1 - 1 / device.ratio) / 20)


def brown_noise(samples, sample_rate_hz, level_db, generator):
    """Noise whose power falls by 6 dB an octave from 20 Hz on, with this RMS in dB of full scale: float64 [samples]."""
    spectrum = np.fft.rfft(generator.standard_normal(samples))
    spectrum /= np.maximum(np.arange(len(spectrum)), _LOWEST_NOISE_HZ * samples // sample_rate_hz)
    noise = np.fft.irfft(spectrum, samples)
    return noise * 10 ** (level_db / 20) / np.sqrt(np.mean(noise**2))
