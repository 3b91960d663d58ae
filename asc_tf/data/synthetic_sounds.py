"""Textures and events of procedural acoustic scenes. Needs numpy alone.

A texture fills a clip: `texture(generator, samples, character)` -> [samples] of RMS 1. An event is short:
`event(generator, character)` -> waveform of peak 1. `character`, 0 to 1, sets how the sound differs from location to
location (pitch, colour, size). The scenes at the end mix the same few sounds, so that no single one gives a scene away.
"""

import numpy as np

SAMPLE_RATE_HZ = 44100


def scene_waveform(scene, location_generator, clip_generator, samples):
    """One recording of a scene, as a perfect microphone would hear it.

    Args:
        scene: a key of `SCENE_SOUNDS`.
        location_generator: numpy Generator of the location: sets the character and usual level of every sound there.
        clip_generator: numpy Generator of the recording: sets everything that happens in it.
        samples: length, at 44.1 kHz.

    Returns:
        float64 waveform [samples], RMS of a few hundredths.
    """
    textures, events = SCENE_SOUNDS[scene]
    waveform = np.zeros(samples)
    for texture, (level_db, character) in textures.items():
        usual_db, usual_character = location_generator.normal((level_db, character), (1.2, 0.1))
        gain, character = _near(clip_generator, usual_db, usual_character, 1.2)
        waveform += gain * texture(clip_generator, samples, character)
    for event, (per_minute, level_db, character) in events.items():
        usual_rate, usual_character = location_generator.normal((1, character), (0.2, 0.1))
        expected = per_minute / 60 * max(usual_rate, 0.4) * samples / SAMPLE_RATE_HZ
        for _ in range(clip_generator.poisson(expected)):
            gain, character = _near(clip_generator, level_db, usual_character, 3.0)
            _add_somewhere(clip_generator, waveform, gain * event(clip_generator, character))
    return _unit_rms(waveform) * amplitude(clip_generator.normal(-28.0, 2.0))


def amplitude(level_db):
    """Amplitude factor of a level in dB."""
    return 10 ** (level_db / 20)


def shaped_noise(generator, samples, gain):
    """Gaussian noise [samples] of RMS 1 whose spectrum follows `gain`, a function of frequency in Hz."""
    frequency_hz = np.fft.rfftfreq(samples, 1 / SAMPLE_RATE_HZ)
    real, imaginary = generator.standard_normal((2, len(frequency_hz)), dtype=np.float32)
    return _unit_rms(np.fft.irfft((real + 1j * imaginary) * gain(frequency_hz), samples))


def band(centre_hz, octaves):
    """A bell on the logarithmic frequency axis, for `shaped_noise`."""
    return lambda hz: np.exp(-0.5 * (np.log2(np.maximum(hz, 1) / centre_hz) / octaves) ** 2)


def tilt(corner_hz, db_per_octave):
    """Flat up to the corner and a constant slope above it, for `shaped_noise`."""
    return lambda hz: (np.maximum(hz, corner_hz) / corner_hz) ** (db_per_octave / 6.02)


def _unit_rms(waveform):
    return waveform / np.sqrt(np.mean(waveform**2) + 1e-12)


def _near(generator, level_db, character, spread_db):
    """(gain, character) of one sound, drawn around the usual values of its location."""
    level_db, character = generator.normal((level_db, character), (spread_db, 0.08))
    return amplitude(level_db), float(np.clip(character, 0, 1))


def _between(low, high, character):
    return low * (high / low) ** character


def _times(seconds):
    return np.arange(round(seconds * SAMPLE_RATE_HZ)) / SAMPLE_RATE_HZ


def _add_somewhere(generator, waveform, event):
    start = int(generator.integers(-len(event) // 2, len(waveform) - len(event) // 2))
    first, last = max(0, start), min(len(waveform), start + len(event))
    waveform[first:last] += event[first - start : last - start]


def _wander(generator, samples, points_per_second):
    """A random curve around 1 with this deviation and this many turning points a second."""
    points = generator.standard_normal(2 + int(np.ceil(points_per_second * samples / SAMPLE_RATE_HZ)))
    return np.interp(np.arange(samples) * points_per_second / SAMPLE_RATE_HZ, np.arange(len(points)), points)


def _harmonics(pitch_hz, strengths):
    """Sum of the harmonics of a pitch curve [samples] in Hz, each with its strength."""
    turn = np.exp(2j * np.pi * np.cumsum(pitch_hz) / SAMPLE_RATE_HZ)
    power, total = np.ones_like(turn), np.zeros(len(turn))
    for strength in strengths:
        power = power * turn
        total += strength * power.imag
    return total


def _peak_one(waveform):
    return waveform / np.max(np.abs(waveform))


# Textures.


def traffic(generator, samples, character):
    noise = shaped_noise(generator, samples, tilt(_between(60, 250, character), -7))
    return _unit_rms(noise * amplitude(2.5 * _wander(generator, samples, 0.7)))


def ventilation(generator, samples, character):
    slope, bump = tilt(150, -4), band(_between(250, 1200, character), 0.4)
    return shaped_noise(generator, samples, lambda hz: slope(hz) * (1 + 2 * bump(hz)))


def engine(generator, samples, character):
    pitch_hz = _between(24, 60, character) * (1 + 0.05 * _wander(generator, samples, 0.8))
    tone = _harmonics(pitch_hz, generator.uniform(0.3, 1, 14) / np.arange(1, 15) ** 0.7)
    return _unit_rms(_unit_rms(tone) + 0.5 * shaped_noise(generator, samples, tilt(200, -8)))


def rails(generator, samples, character):
    noise = shaped_noise(
        generator, samples, lambda hz: tilt(120, -5)(hz) + band(_between(400, 1600, character), 0.5)(hz)
    )
    joints_hz = generator.uniform(1.2, 2.6)
    beat = np.maximum(0, np.sin(2 * np.pi * (_times(samples / SAMPLE_RATE_HZ) * joints_hz + generator.uniform()))) ** 6
    return _unit_rms(noise * (1 + generator.uniform(0.3, 1.2) * beat) * amplitude(2 * _wander(generator, samples, 2)))


def motor_whine(generator, samples, character):
    glide = generator.uniform(-0.5, 0.5) * np.linspace(-0.5, 0.5, samples) + 0.01 * _wander(generator, samples, 2)
    return _unit_rms(_harmonics(_between(350, 1400, character) * 2**glide, (1, 0.5, 0.4, 0.2)))


def babble(generator, samples, character):
    """Many talkers: three bands of speech, each with its own syllables; the fewer talkers, the deeper the gaps."""
    depth_db = _between(3, 9, character)
    bands = ((300 + 250 * character, 0.5, 0), (1100 + 400 * character, 0.5, -5), (2600, 0.4, -11))
    parts = [
        amplitude(level_db + depth_db * _wander(generator, samples, 9))
        * shaped_noise(generator, samples, band(hz, width))
        for hz, width, level_db in bands
    ]
    return _unit_rms(np.sum(parts, axis=0))


def leaves(generator, samples, character):
    noise = shaped_noise(generator, samples, band(_between(2000, 5000, character), 0.9))
    wind = shaped_noise(generator, samples, tilt(60, -9)) * amplitude(5 * _wander(generator, samples, 1.5))
    return _unit_rms(noise * amplitude(4 * _wander(generator, samples, 1)) + 1.2 * wind)


def water(generator, samples, character):
    noise = shaped_noise(generator, samples, band(_between(900, 3500, character), 1.2))
    return _unit_rms(noise * amplitude(1.5 * _wander(generator, samples, 25)))


# Events.


def footstep(generator, character):
    """Two or three steps."""
    steps, gap_seconds = int(generator.integers(2, 4)), generator.uniform(0.45, 0.65)
    time = _times(gap_seconds * steps) % gap_seconds
    noise = shaped_noise(generator, len(time), band(_between(250, 2200, character), 0.8))
    return _peak_one(noise * np.exp(-time / 0.02))


def thump(generator, character):
    time = _times(0.4)
    noise = shaped_noise(generator, len(time), tilt(_between(70, 300, character), -10))
    return _peak_one(noise * np.exp(-time / 0.07))


def beep(generator, character):
    time = _times(generator.uniform(0.3, 0.9))
    gate = np.sin(2 * np.pi * generator.uniform(3, 5) * time) > 0
    return _peak_one(np.sin(2 * np.pi * _between(900, 3200, character) * time) * gate + 1e-9)


def chime(generator, character):
    time = _times(1.5)
    notes = _between(350, 900, character) * np.array([1, 0.8, 1.19])[generator.permutation(3)]
    starts = time - np.array([0, 0.35, 0.7])[:, np.newaxis]
    rings = np.sin(2 * np.pi * notes[:, np.newaxis] * starts) * np.exp(-np.maximum(starts, 0) / 0.3) * (starts > 0)
    return _peak_one(rings.sum(axis=0))


def birdsong(generator, character):
    time = _times(generator.uniform(0.15, 0.7))
    trill_hz, width = generator.uniform(5, 16), generator.uniform(0.05, 0.25)
    pitch_hz = _between(2200, 5500, character) * 2 ** (width * np.sin(2 * np.pi * trill_hz * time))
    return _peak_one(_harmonics(pitch_hz, (1, 0.2)) * np.abs(np.sin(np.pi * trill_hz * time)) * np.hanning(len(time)))


def car_pass(generator, character):
    seconds = generator.uniform(1.5, 4.0)
    time = _times(seconds) - seconds / 2
    noise = shaped_noise(
        generator, len(time), lambda hz: tilt(120, -6)(hz) + 0.5 * band(_between(500, 1300, character), 0.7)(hz)
    )
    return _peak_one(noise / (1 + (time / (0.15 * seconds)) ** 2))


def squeal(generator, character):
    time = _times(generator.uniform(0.5, 1.8))
    pitch_hz = _between(1800, 5000, character) * (1 + 0.01 * _wander(generator, len(time), 12))
    return _peak_one(
        _harmonics(pitch_hz, (1, 0.4)) * np.hanning(len(time)) * amplitude(4 * _wander(generator, len(time), 10))
    )


def horn(generator, character):
    time = _times(generator.uniform(0.25, 0.8))
    pitch_hz = np.full(len(time), _between(280, 520, character))
    return _peak_one(_harmonics(pitch_hz, 0.8 ** np.arange(8)) * np.minimum(1, np.minimum(time, time[::-1]) / 0.02))


def crockery(generator, character):
    time = _times(0.35)
    partials_hz = _between(2000, 4500, character) * generator.uniform(0.7, 1.8, (5, 1))
    return _peak_one((np.sin(2 * np.pi * partials_hz * time) * np.exp(-time / 0.05)).sum(axis=0))


# For each scene: textures as (level in dB, character), events as (rate per minute, peak level in dB, character).
SCENE_SOUNDS = {
    "airport": (
        {ventilation: (0, 0.7), babble: (-5, 0.2), traffic: (-12, 0.5)},
        {footstep: (20, 6, 0.7), chime: (16, 9, 0.7), beep: (6, 5, 0.3), thump: (6, 8, 0.4)},
    ),
    "bus": (
        {engine: (0, 0.3), traffic: (-6, 0.7), ventilation: (-8, 0.5), babble: (-9, 0.6)},
        {thump: (14, 10, 0.4), beep: (10, 6, 0.2), squeal: (3, 4, 0.3), car_pass: (4, 6, 0.5)},
    ),
    "metro": (
        {rails: (0, 0.2), ventilation: (-6, 0.3), motor_whine: (-12, 0.2), babble: (-12, 0.5)},
        {thump: (20, 10, 0.7), squeal: (8, 4, 0.6), chime: (5, 5, 0.5)},
    ),
    "metro_station": (
        {ventilation: (-1, 0.1), rails: (-2, 0.9), babble: (-6, 0.3)},
        {footstep: (24, 6, 0.6), chime: (6, 6, 0.3), squeal: (14, 8, 0.7), beep: (20, 9, 0.8)},
    ),
    "park": (
        {leaves: (0, 0.7), traffic: (-6, 0.2), babble: (-14, 0.8)},
        {birdsong: (60, 8, 0.6), footstep: (14, 6, 0.2), car_pass: (2, 4, 0.3)},
    ),
    "public_square": (
        {traffic: (-3, 0.4), babble: (-4, 0.6), water: (-3, 0.6), leaves: (-9, 0.4)},
        {footstep: (24, 6, 0.5), birdsong: (20, 5, 0.3), chime: (3, 5, 0.2), car_pass: (4, 6, 0.5)},
    ),
    "shopping_mall": (
        {babble: (0, 0.4), ventilation: (-5, 0.5), water: (-14, 0.5)},
        {footstep: (16, 6, 0.8), crockery: (45, 8, 0.5), beep: (14, 6, 0.6)},
    ),
    "street_pedestrian": (
        {babble: (-2, 0.8), traffic: (-2, 0.5), leaves: (-14, 0.5)},
        {footstep: (60, 10, 0.5), crockery: (6, 6, 0.3), car_pass: (5, 6, 0.4), birdsong: (5, 4, 0.4)},
    ),
    "street_traffic": (
        {traffic: (0, 0.9), engine: (-7, 0.9), leaves: (-12, 0.3), babble: (-13, 0.7)},
        {car_pass: (30, 12, 0.6), horn: (10, 8, 0.5), footstep: (8, 6, 0.4), squeal: (2, 4, 0.2)},
    ),
    "tram": (
        {motor_whine: (-2, 0.7), rails: (-3, 0.7), engine: (-10, 0.5), babble: (-9, 0.5)},
        {squeal: (12, 7, 0.4), chime: (6, 6, 0.9), thump: (9, 9, 0.5), car_pass: (4, 5, 0.4)},
    ),
}
