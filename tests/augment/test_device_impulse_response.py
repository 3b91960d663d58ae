import re

import numpy as np
import pytest
import soundfile
import tensorflow as tf

from asc_tf.augment import device_impulse_response, load_impulse_responses
from asc_tf.errors import AscError

RATE_HZ = 16000


def noise(shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


def convolved(clip, response):
    """The definition: as long as the clip, the peak of the response at time zero."""
    peak = np.abs(response).argmax()
    return np.convolve(clip.astype(np.float64), response.astype(np.float64))[peak : peak + len(clip)]


def factors(clips, responses, probability, seed):
    """What each of so many clips of one sample was multiplied by."""
    column = np.array(responses, np.float32)[:, np.newaxis]
    return device_impulse_response(tf.ones((clips, 1)), column, probability, seed).numpy()[:, 0].round(3)


@pytest.mark.parametrize("samples", [50, 128, 1000])
@pytest.mark.parametrize("response_samples", [1, 2, 33, 300])
def test_a_treated_clip_is_numpys_convolution(samples, response_samples):
    clips, response = noise((5, samples)), noise((1, response_samples), seed=1)
    outputs = device_impulse_response(clips, response, 1.0, (1, 2))
    assert outputs.shape == (5, samples)
    np.testing.assert_allclose(outputs, [convolved(clip, response[0]) for clip in clips], atol=2e-4)


@pytest.mark.parametrize("peak", [0, 7, 19])
def test_a_delta_anywhere_in_the_response_is_the_identity(peak):
    clips, delta = noise((4, 200)), np.eye(20, dtype=np.float32)[[peak]]
    np.testing.assert_allclose(device_impulse_response(clips, delta, 1.0, (1, 2)), clips, atol=1e-5)


def test_a_click_stays_where_it_is_also_under_a_negative_peak():
    click = np.zeros((1, 100), np.float32)
    click[0, 40] = 1
    response = np.array([[0, 0.5, 0.3, -1, 0.8]], np.float32)
    output = device_impulse_response(click, response, 1.0, (1, 2)).numpy()[0]
    np.testing.assert_allclose(output[37:42], response[0], atol=1e-6)
    np.testing.assert_allclose(np.delete(output, range(37, 42)), 0, atol=1e-6)


@pytest.mark.parametrize("samples", [128, 200])
@pytest.mark.parametrize("click, peak", [("first", "last"), ("last", "first")])
def test_nothing_wraps_around_from_one_end_to_the_other(samples, click, peak):
    clip = np.zeros((1, samples), np.float32)
    clip[0, 0 if click == "first" else -1] = 1
    response = np.full((1, 60), 0.5, np.float32)
    response[0, 0 if peak == "first" else -1] = 1
    np.testing.assert_allclose(device_impulse_response(clip, response, 1.0, (1, 2)), clip, atol=1e-6)


def test_each_clip_is_treated_whole_and_with_a_response_of_its_own():
    clips, responses = noise((24, 80)), noise((3, 10), seed=1)
    outputs = device_impulse_response(clips, responses, 0.7, (3, 4)).numpy()
    drawn = []
    for clip, output in zip(clips, outputs, strict=True):
        candidates = [clip, *(convolved(clip, response) for response in responses)]
        matches = [i for i, candidate in enumerate(candidates) if np.abs(candidate - output).max() < 1e-4]
        assert len(matches) == 1
        drawn += matches
    assert set(drawn) == {0, 1, 2, 3}


@pytest.mark.parametrize("probability", [0.3, 0.8])
def test_probability_is_the_share_of_treated_clips_and_responses_come_equally_often(probability):
    found = factors(6000, [2, 3, 4], probability, (5, 6))
    counts = [np.sum(found == factor) for factor in (1, 2, 3, 4)]
    assert sum(counts) == 6000
    for count, share in zip(counts, [1 - probability] + 3 * [probability / 3], strict=True):
        assert abs(count - 6000 * share) < 5 * np.sqrt(6000 * share * (1 - share))


def test_probability_0_is_the_identity_and_1_treats_all():
    clips = noise((8, 50))
    np.testing.assert_array_equal(device_impulse_response(clips, noise((2, 9)), 0.0, (7, 8)), clips)
    assert (factors(1000, [2], 1.0, (7, 8)) == 2).all()


def test_the_seed_decides():
    first = factors(50, range(2, 9), 0.5, (9, 10))
    np.testing.assert_array_equal(factors(50, range(2, 9), 0.5, (9, 10)), first)
    for seed in ((9, 11), (10, 10)):
        assert (factors(50, range(2, 9), 0.5, seed) != first).sum() > 10


def test_it_works_in_a_data_set_of_batches_of_unknown_size():
    clips, responses = noise((11, 300)), noise((3, 20), seed=1)
    data = tf.data.Dataset.from_tensor_slices(clips).batch(4).enumerate()
    data = data.map(lambda step, batch: device_impulse_response(batch, responses, 0.5, tf.stack([step, 12])))
    assert data.element_spec.shape.as_list() == [None, 300]
    found = list(data)
    assert [len(batch) for batch in found] == [4, 4, 3]
    for step, batch in enumerate(found):
        expected = device_impulse_response(clips[4 * step :][:4], responses, 0.5, tf.constant([step, 12], tf.int64))
        np.testing.assert_allclose(batch, expected, atol=1e-5)
    assert 0 < np.sum(np.abs(np.concatenate(found) - clips).max(axis=1) > 0.1) < 11


@pytest.mark.parametrize("probability", [0.0, 0.5, 1.0])
@pytest.mark.parametrize("clips", [0, 6])
def test_it_works_on_shapes_unknown_to_the_graph(probability, clips):
    graph = tf.function(
        lambda *given: device_impulse_response(*given, probability, (13, 14)),
        input_signature=[tf.TensorSpec([None, None]), tf.TensorSpec([None, None])],
    )
    given = noise((clips, 70)), noise((2, 15), seed=1)
    np.testing.assert_allclose(graph(*given), device_impulse_response(*given, probability, (13, 14)), atol=1e-5)


def write(path, samples, rate_hz=RATE_HZ, **arguments):
    soundfile.write(path, samples, rate_hz, **{"subtype": "FLOAT", **arguments})


def test_responses_are_sorted_by_name_scaled_to_unit_energy_and_padded_to_the_longest(tmp_path):
    lengths, names = [40, 300, 7], ["b.wav", "c.wav", "a.wav"]
    written = {}
    for length, name in zip(lengths, names, strict=True):
        written[name] = 0.01 * length * noise(length, seed=length)
        write(tmp_path / name, written[name])
    responses = load_impulse_responses(tmp_path, RATE_HZ)
    assert responses.shape == (3, 300) and responses.dtype == np.float32
    np.testing.assert_allclose((responses**2).sum(axis=1), 1, rtol=1e-5)
    for response, name in zip(responses, sorted(names), strict=True):
        expected = written[name] / np.sqrt((written[name] ** 2).sum())
        np.testing.assert_allclose(response, np.pad(expected, (0, 300 - len(expected))), atol=1e-6)


def test_white_noise_keeps_its_power(tmp_path):
    write(tmp_path / "loud.wav", 20 * noise(50) * np.exp(-np.arange(50) / 10))
    responses = load_impulse_responses(tmp_path, RATE_HZ)
    outputs = device_impulse_response(noise((4, 50000), seed=1), responses, 1.0, (1, 2))
    np.testing.assert_allclose(np.var(outputs, axis=1), 1, rtol=0.05)


def test_a_response_of_another_rate_is_resampled(tmp_path):
    def pulse(rate_hz):
        return np.exp(-(((np.arange(rate_hz // 10) / rate_hz - 0.05) / 3e-4) ** 2))

    write(tmp_path / "pulse.wav", pulse(48000), 48000)
    expected = pulse(RATE_HZ) / np.sqrt((pulse(RATE_HZ) ** 2).sum())
    np.testing.assert_allclose(load_impulse_responses(tmp_path, RATE_HZ), expected[np.newaxis], atol=1e-3)


def test_a_faint_response_is_no_silence(tmp_path):
    write(tmp_path / "faint.wav", np.full(4, 1e-30))
    np.testing.assert_allclose(load_impulse_responses(str(tmp_path), RATE_HZ), [[0.5, 0.5, 0.5, 0.5]], rtol=1e-6)


@pytest.mark.parametrize(
    ("name", "format"),
    [("a.wav", "WAV"), ("a.WAV", "WAV"), ("a.aif", "AIFF"), ("a.aiff", "AIFF"), ("a.flac", "FLAC"), ("a.oga", "OGG")],
)
def test_endings_of_audio_files_are_read_and_others_and_hidden_files_are_not(tmp_path, name, format):
    write(tmp_path / name, noise(2000) / 10, format=format, subtype=soundfile.default_subtype(format))
    for other in ("LICENCE", "readme.txt", "readme.md", "list.csv", "list.json", "headless.raw", "._a.wav", ".wav"):
        (tmp_path / other).write_text("no sound")
    (tmp_path / "folder").mkdir()
    assert load_impulse_responses(tmp_path, RATE_HZ).shape == (1, 2000)


def test_a_response_lasts_2_s_at_most(tmp_path):
    write(tmp_path / "long.wav", noise(2 * RATE_HZ))
    assert load_impulse_responses(tmp_path, RATE_HZ).shape == (1, 2 * RATE_HZ)


def recording(folder):
    write(folder / "response.wav", noise(int(2.5 * 48000)), 48000)


def silence(folder):
    write(folder / "response.wav", np.zeros(100))


def nothing(folder):
    (folder / "response.wav").touch()


def notes_alone(folder):
    (folder / "readme.txt").write_text("no sound")


@pytest.mark.parametrize(
    ("prepare", "sentence"),
    [
        (
            recording,
            "{}/response.wav: lasts 2.5 s, as a recording does; expected an impulse response of at most 2 s",
        ),
        (silence, "{}/response.wav: is silent; expected an impulse response"),
        (nothing, "{}/response.wav: is empty; expected an audio file"),
        (notes_alone, "{}: holds no audio file; expected impulse responses, such as .wav"),
        (lambda folder: folder.rmdir(), "{}: no such folder; expected impulse responses"),
    ],
)
def test_what_cannot_be_used_is_named_in_one_sentence(tmp_path, prepare, sentence):
    folder = tmp_path / "responses"
    folder.mkdir()
    prepare(folder)
    with pytest.raises(AscError, match=f"^{re.escape(sentence.format(folder))}$"):
        load_impulse_responses(folder, RATE_HZ)


def test_one_bad_file_among_good_ones_is_named(tmp_path):
    write(tmp_path / "good.wav", noise(100))
    write(tmp_path / "silent.wav", np.zeros(100))
    with pytest.raises(AscError, match="silent.wav: is silent"):
        load_impulse_responses(tmp_path, RATE_HZ)
