import numpy as np
import pytest

from asc_tf.audio.levels import SILENCE_DBFS, check_levels, is_silent, level_dbfs
from asc_tf.errors import AscError


def square(amplitude, samples=1000):
    return np.float32(amplitude) * np.float32([1, -1] * (samples // 2))


@pytest.mark.parametrize(("amplitude", "level"), [(1, 0), (0.1, -20), (10, 20), (2**-15, -90.309), (1e-5, -100)])
def test_the_level_is_that_of_a_square_wave_of_full_scale(amplitude, level):
    assert level_dbfs(square(amplitude)) == pytest.approx(level, abs=1e-3)


def test_a_sine_of_full_scale_is_3_db_below_it_and_a_constant_is_nothing():
    assert level_dbfs(np.sin(2 * np.pi * np.arange(1000) / 10)) == pytest.approx(-3.01, abs=0.01)
    assert level_dbfs(np.full(1000, 0.3, np.float32)) < -150
    assert level_dbfs(square(0.1) + np.float32(0.5)) == pytest.approx(-20, abs=1e-3)
    assert level_dbfs(np.zeros(1000)) == level_dbfs(np.zeros(0)) == -np.inf


def test_silence_is_below_one_step_of_16_bits():
    assert SILENCE_DBFS == -90
    step = np.float32(2.0**-15)
    generator = np.random.default_rng(0)
    dither = step * (generator.uniform(-0.5, 0.5, 16000) + generator.uniform(-0.5, 0.5, 16000)).astype(np.float32)
    channels = generator.normal(0, 0.1, 16000).astype(np.float32)
    cancelled = (np.round(channels / step) * step + np.round(-channels / step + 0.3) * step) / 2
    assert is_silent(np.zeros(1000)) and is_silent(dither) and is_silent(cancelled) and is_silent(np.full(9, -step))
    assert not is_silent(square(2 * step)) and not is_silent(generator.normal(0, 1e-4, 1000))
    click = np.zeros(160_000)
    click[:100] = 0.01
    assert not is_silent(click)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, 1e30, -32768, 16.1])
def test_what_cannot_be_sound_is_named(value):
    samples = np.full((50, 2), 0.5, np.float32)
    check_levels(samples, "x")
    samples[7, 1] = value
    with pytest.raises(AscError, match=rf"^x: sample 107 is {value:g}.*; expected \+-1".replace("e+", r"e\+")):
        check_levels(samples, "x", first=100)


def test_mixes_that_exceed_full_scale_are_sound():
    check_levels(np.array([[16.0], [-16.0]]), "x")
    check_levels(np.zeros((0, 1)), "x")
