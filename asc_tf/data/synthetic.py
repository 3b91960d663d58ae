"""A small procedural data set in the layout of TAU Urban Acoustic Scenes Mobile, for demo and tests."""

import shutil
import zlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile

from asc_tf.atomic import part_beside
from asc_tf.data.synthetic_sounds import SAMPLE_RATE_HZ, amplitude, scene_waveform
from asc_tf.data.tau import SCENES
from asc_tf.data.tau_writer import write_tables
from asc_tf.errors import AscError, unwritable

SEEN_DEVICES = ("a", "b", "c", "s1", "s2", "s3")
UNSEEN_DEVICES = ("s4", "s5", "s6")
DEVICE_A_SHARE = 0.73
CITIES = 6


@dataclass(frozen=True)
class Device:
    """A microphone and the electronics after it.

    Attributes:
        response: corners of the frequency response as (Hz, dB), joined by straight lines over log frequency.
        resonances: bells on top of it as (Hz, dB, width in octaves).
        gain_db: gain on the whole signal.
        noise_db: RMS of its hiss in dB of full scale.
        compress_above_db, ratio: of the compressor, which follows the 10 ms RMS; ratio 1 compresses nothing.
    """

    response: tuple
    resonances: tuple = ()
    gain_db: float = 0.0
    noise_db: float = -80.0
    compress_above_db: float = 0.0
    ratio: float = 1.0


DEVICES = {
    "a": Device(((30, -2), (80, 0), (12000, 0), (18000, -4))),
    "b": Device(((60, -8), (300, 0), (6000, 2), (14000, -10)), ((2800, 3, 0.4),), 1.0, -70.0),
    "c": Device(((60, -6), (200, 1), (2500, -2), (9000, -6)), ((900, 3, 0.4),), -1.0, -72.0),
    "s1": Device(((60, -12), (400, 0), (4000, 3), (10000, 0)), ((1800, -3, 0.4),), -1.0, -69.0, -34.0, 1.8),
    "s2": Device(((60, 4), (500, 0), (3000, -4), (9000, -10)), ((250, 3, 0.4),), 1.0, -72.0, -32.0, 1.8),
    "s3": Device(((60, -6), (600, -2), (1500, 2), (8000, -4)), ((4500, 4, 0.3),), 0.0, -68.0, -34.0, 1.8),
    "s4": Device(((80, -24), (500, -4), (1500, 2), (4000, 5), (8000, -12)), ((700, 6, 0.25),), -2.0, -68.0, -36.0, 2.0),
    "s5": Device(((60, 7), (250, 4), (1000, -4), (3500, -12), (8000, -16)), ((1700, 7, 0.3),), 1.0, -70.0, -34.0, 2.0),
    "s6": Device(((60, -9), (300, 2), (1000, -8), (3000, 0), (7000, 9)), ((450, 6, 0.25),), 2.0, -66.0, -38.0, 2.5),
}


@dataclass(frozen=True)
class Recording:
    """One segment of one location, and the devices that recorded it."""

    scene: str
    location: str
    segment: int
    devices: tuple
    part: str

    def filename(self, device):
        return f"audio/{self.scene}-{self.location}-{self.segment}-{device}.wav"


def write_synthetic(root, clips=400, seconds=3.0, seed=0, progress=None):
    """Write a procedural data set of the ten TAU scenes in the TAU 2020 Mobile layout.

    Scenes are overlapping distributions of textures and events; devices are frequency responses, hiss and compression.
    As in TAU, device a holds 73 % of the training clips; b, c, s1-s3 share the rest, in parallel to clips of device a
    (unless `clips` is below 28); s4-s6 are in the test part alone, where all nine devices record the same segments. No
    location is in both parts. Audio is 24-bit, 44.1 kHz, mono. The same arguments give the same bytes.

    Args:
        root: folder to make; an existing folder must be empty. It appears whole or not at all.
        clips: number of training clips of all devices together, 20 or more; the test part holds about two thirds as
            many.
        seconds: length of a clip, 1 or more.
        seed: seed of all random draws.
        progress: called as progress(done, total) after each clip, if given.

    Returns:
        (number of training clips, number of test clips).

    Raises:
        AscError: `root` exists and is not an empty folder, or `clips`, `seconds` or `seed` is out of range.
    """
    root = Path(root).resolve()
    if clips < 20:
        raise AscError(f"clips is {clips}; expected 20 or more, two a scene")
    if not 0 <= seed < 2**31:
        raise AscError(f"seed is {seed}; expected 0 to {2**31 - 1}")
    if seconds < 1:
        raise AscError(f"seconds is {seconds}; expected 1 or more")
    if root.exists() and not (root.is_dir() and not any(root.iterdir())):
        raise AscError(f"{root}: is not empty; expected a new folder")
    recordings = [*_training_recordings(clips), *_test_recordings(clips)]
    root.parent.mkdir(parents=True, exist_ok=True)
    part = part_beside(root)
    try:
        part.mkdir()
        _write_audio(part, recordings, round(seconds * SAMPLE_RATE_HZ), seed, progress)
        rows = [(r.filename(d), r.scene, r.location, d, r.part) for r in recordings for d in r.devices]
        counts = write_tables(part, sorted(rows))
        part.replace(root)
    except OSError as error:
        raise unwritable(root, error) from error
    finally:
        shutil.rmtree(part, ignore_errors=True)
    return counts


def _training_recordings(clips):
    """Recordings in turn from each scene; device a gets the first ones, the other devices the last ones."""
    by_a = round(DEVICE_A_SHARE * clips)
    count = max(by_a, 2 * len(SCENES))
    devices = [["a"] if index < by_a else [] for index in range(count)]
    others = SEEN_DEVICES[1:]
    for index in range(clips - by_a):
        # Shift by one device after each turn of the scenes; otherwise every device would record two scenes only.
        devices[-1 - index].append(others[(index + index // len(SCENES)) % len(others)])
    per_scene = count // len(SCENES)
    return _recordings("train", devices, locations=min(max(2, per_scene // 4), 12))


def _test_recordings(clips):
    per_scene = max(1, round(3 * clips / 400))
    devices = [SEEN_DEVICES + UNSEEN_DEVICES] * (per_scene * len(SCENES))
    return _recordings("test", devices, locations=min(per_scene, 12))


def _recordings(part, devices, locations):
    """Deal recordings to the scenes and their locations in turn."""
    first = 200 if part == "test" else 1000
    recordings = []
    for index, heard_by in enumerate(devices):
        turn, scene = divmod(index, len(SCENES))
        number = first + scene * locations + turn % locations
        location = f"city{1 + number % CITIES}-{number}"
        recordings.append(Recording(SCENES[scene], location, 40 * first + index, tuple(heard_by), part))
    return recordings


def _write_audio(root, recordings, samples, seed, progress):
    (root / "audio").mkdir()
    filters = {name: _impulse_response(device) for name, device in DEVICES.items()}
    done, total = 0, sum(len(recording.devices) for recording in recordings)
    for recording in recordings:
        place = f"{recording.scene}-{recording.location}"
        generators = _generator(seed, place), _generator(seed, f"{place}-{recording.segment}")
        waveform = scene_waveform(recording.scene, *generators, samples)
        for name in recording.devices:
            filename = recording.filename(name)
            heard = _hear(waveform, DEVICES[name], filters[name], _generator(seed, filename))
            soundfile.write(root / filename, heard, SAMPLE_RATE_HZ, subtype="PCM_24")
            done += 1
            if progress is not None:
                progress(done, total)


def _generator(seed, name):
    return np.random.default_rng([seed, zlib.crc32(name.encode())])


def _impulse_response(device, taps=1024):
    """Minimum-phase impulse response [taps] of a device, by folding the cepstrum of its magnitude."""
    frequency_hz = np.maximum(np.fft.rfftfreq(4 * taps, 1 / SAMPLE_RATE_HZ), 1)
    corners_hz, levels_db = np.array(device.response, float).T
    response_db = np.interp(np.log2(frequency_hz), np.log2(corners_hz), levels_db)
    for centre_hz, peak_db, octaves in device.resonances:
        response_db += peak_db * np.exp(-0.5 * (np.log2(frequency_hz / centre_hz) / octaves) ** 2)
    cepstrum = np.fft.irfft(np.log(amplitude(response_db)))
    cepstrum[1 : 2 * taps] *= 2
    cepstrum[2 * taps + 1 :] = 0
    return np.fft.irfft(np.exp(np.fft.rfft(cepstrum)))[:taps]


def _hear(waveform, device, impulse_response, generator):
    """The recording of a waveform [samples] by a device: filtered, compressed, with hiss, and within +-1."""
    length = -(-(len(waveform) + len(impulse_response)) // 4096) * 4096  # a product of small factors, fast for the FFT
    spectrum = np.fft.rfft(waveform, length) * np.fft.rfft(impulse_response, length)
    heard = np.fft.irfft(spectrum, length)[: len(waveform)]
    heard = heard * amplitude(device.gain_db)
    if device.ratio > 1:
        heard = heard * amplitude(-_reduction_db(heard, device))
    heard = heard + amplitude(device.noise_db) * generator.standard_normal(len(heard), dtype=np.float32)
    return heard * min(1, 0.98 / np.max(np.abs(heard)))


def _reduction_db(waveform, device):
    """Gain reduction [samples] of a feed-forward compressor on a 10 ms RMS envelope."""
    window = SAMPLE_RATE_HZ // 100
    energy = np.cumsum(np.pad(waveform**2, (window // 2 + 1, window - window // 2 - 1), mode="edge"))
    envelope_db = 10 * np.log10((energy[window:] - energy[:-window]) / window + 1e-12)
    return np.maximum(envelope_db - device.compress_above_db, 0) * (1 - 1 / device.ratio)
