from types import SimpleNamespace

import numpy as np
import pytest
import soxr

from asc_tf.errors import AscError
from asc_tf.runtime import SceneStream
from asc_tf.runtime.answer import SILENCE


def probabilities_of(window):
    """Sensitive to every sample and its place."""
    sums = np.abs([window.sum(), window[::2].sum(), (window * np.arange(len(window))).sum()]) + 1e-3
    return sums / sums.sum()


@pytest.fixture
def counter():
    """A network in numpy that keeps the windows that it was given: 2000 samples at 4 kHz, three scenes."""
    seen = []

    def window_probabilities(window):
        seen.append(window.copy())
        return probabilities_of(window)

    return SimpleNamespace(
        labels=("a", "b", "c"),
        sample_rate_hz=4000,
        samples=2000,
        uncertain_below=None,
        window_probabilities=window_probabilities,
        seen=seen,
    )


def noise(samples, channels=1):
    return np.random.default_rng(0).normal(0, 0.1, (samples, channels)).astype(np.float32)


def heard_in_pieces(stream, samples, length):
    """Push pieces of `length` samples, or of random lengths, empty ones among them, if it is None."""
    generator, results, start = np.random.default_rng(1), [], 0
    while start < len(samples):
        step = int(generator.integers(0, 3000)) if length is None else length
        results += stream.push(samples[start : start + step])
        start += step
    return results + stream.finish()


def test_windows_end_a_hop_apart_and_hold_the_latest_samples(counter):
    samples = noise(9100)
    results = heard_in_pieces(SceneStream(counter, hop_seconds=0.3), samples, None)
    ends = range(2000, 9101, 1200)
    assert [result.seconds for result in results] == [end / 4000 for end in ends]
    np.testing.assert_array_equal(counter.seen, [samples[end - 2000 : end, 0] for end in ends])


@pytest.mark.parametrize("hop", [0.1, 0.5, 1.3], ids=["overlapping", "one after the other", "with gaps"])
@pytest.mark.parametrize(("rate", "channels"), [(4000, 1), (4000, 2), (11025, 2)])
@pytest.mark.parametrize("length", [1, 999, None])
def test_pieces_of_any_length_give_identical_results(counter, hop, rate, channels, length):
    if length == 1 and rate != 4000:
        length = 7
    samples = noise(4 * rate, channels)
    arguments = {"hop_seconds": hop, "sample_rate_hz": rate, "channels": channels}
    whole = heard_in_pieces(SceneStream(counter, **arguments), samples, len(samples))
    pieces = heard_in_pieces(SceneStream(counter, **arguments), samples, length)
    assert len(whole) == 1 + int((4 - 0.5) / hop)
    assert [(r.seconds, r.scene, r.confidence) for r in whole] == [(r.seconds, r.scene, r.confidence) for r in pieces]
    np.testing.assert_array_equal([r.probabilities for r in whole], [r.probabilities for r in pieces])


def test_other_rates_are_resampled_as_files_are(counter):
    samples = noise(22050, 2)
    heard_in_pieces(SceneStream(counter, 0.5, 1, sample_rate_hz=11025, channels=2), samples, 500)
    expected = soxr.resample(samples.mean(axis=1), 11025, 4000, quality="HQ")
    np.testing.assert_allclose(np.concatenate(counter.seen), expected, atol=1e-6)


def test_probabilities_are_smoothed_by_the_formula(counter):
    results = SceneStream(counter, 0.5, smoothing=0.25).push(noise(8000))
    expected = probabilities_of(counter.seen[0])
    for result, window in zip(results, counter.seen, strict=True):
        if window is not counter.seen[0]:
            expected = 0.75 * expected + 0.25 * probabilities_of(window)
        np.testing.assert_allclose(result.probabilities, expected, rtol=1e-12)
        assert result.scene == "abc"[expected.argmax()] and result.confidence == pytest.approx(expected.max())


def test_silence_is_said_to_be_silence_and_starts_the_smoothing_anew(counter):
    results = SceneStream(counter, 0.5, 0.5).push(
        np.concatenate([noise(2000), np.zeros((2000, 1)), noise(4000)[2000:]])
    )
    assert [result.scene == SILENCE for result in results] == [False, True, False]
    np.testing.assert_allclose(results[2].probabilities, probabilities_of(counter.seen[1]))


def test_nothing_is_said_before_the_first_window_is_full(counter):
    stream = SceneStream(counter)
    assert stream.push(noise(1999)) == [] and len(stream.push(noise(1))) == 1
    assert stream.seconds == 0.5


@pytest.mark.parametrize("length", [1, 700, None])
def test_bad_samples_are_in_no_window_however_the_stream_is_cut(counter, length):
    samples, places = noise(20_000), [2300, 2301, 4000, 9000, 11_500]
    samples[places] = np.float32([[np.nan], [1e30], [-17], [np.inf], [-np.inf]])
    said = []
    results = heard_in_pieces(SceneStream(counter, 0.25, report=said.append), samples, length)
    starts = [0, *(place + 1 for place in places)]
    ends = [
        end
        for start, stop in zip(starts, [*places, 20_000], strict=True)
        for end in range(start + 2000, stop + 1, 1000)
    ]
    assert [result.seconds for result in results] == [end / 4000 for end in ends]
    np.testing.assert_array_equal(counter.seen, [samples[end - 2000 : end, 0] for end in ends])
    assert [sentence.split("sample ")[2].split()[0] for sentence in said] == ["2300", "9000", "11500"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"hop_seconds": 0}, "hop_seconds is 0; expected"),
        ({"hop_seconds": float("nan")}, "hop_seconds is nan; expected"),
        ({"smoothing": 0}, "smoothing is 0; expected"),
        ({"smoothing": 1.1}, "smoothing is 1.1; expected"),
        ({"sample_rate_hz": 10}, "a sample rate of 10 Hz"),
    ],
)
def test_settings_out_of_range_are_refused(counter, arguments, message):
    with pytest.raises(AscError, match=message):
        SceneStream(counter, **arguments)


@pytest.mark.parametrize(
    "samples",
    [np.zeros(8, np.int16), noise(8, 2), np.zeros((8, 1, 1)), np.array([0.0, np.nan]), np.array([np.inf])],
    ids=["integers", "stereo", "3-d", "NaN", "Inf"],
)
def test_samples_that_cannot_be_right_are_refused(counter, samples):
    with pytest.raises(AscError, match="a stream got"):
        SceneStream(counter).push(samples)


def test_a_real_network_hears_in_a_stream_what_it_hears_in_a_window(classifier):
    samples = noise(24000)[:, 0]
    results = SceneStream(classifier, 0.5, smoothing=1).push(samples)
    expected = [classifier.window_probabilities(window) for window in samples.reshape(3, 8000)]
    np.testing.assert_array_equal([result.probabilities for result in results], expected)
