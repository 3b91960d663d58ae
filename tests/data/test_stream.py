import gc
import os
import shutil
import struct
import time
import weakref

import numpy as np
import pytest
import soundfile
import tensorflow as tf

from asc_tf.audio.waveform import load_waveform
from asc_tf.augment import augment_batch
from asc_tf.data import graph_wav
from asc_tf.data.cache import cached_features
from asc_tf.data.clips import read_clips
from asc_tf.data.loader import evaluation_batches, mean_and_std, reading, training_batches
from asc_tf.data.stream import StreamedFeatures
from asc_tf.data.waveforms import Cut
from asc_tf.errors import AscError
from asc_tf.frontend.log_mel import LogMel
from asc_tf.frontend.pcen import Pcen

pytestmark = pytest.mark.rewritten  # the cache's graphs are rewritten in another way than tf.data's
FRONTEND = LogMel(mel_bins=32)
LABELS = np.arange(14) % 3


def with_chunks(path, before=b"", after=b""):
    """Put chunks before and after the data of a WAV file with a 44-byte header."""
    content = path.read_bytes()
    body = content[8:36] + before + content[36:] + after
    path.write_bytes(b"RIFF" + struct.pack("<I", len(body)) + body)


def write(path, samples, rate=44100, subtype="PCM_16", **arguments):
    length = round(len(samples) * rate / 44100)
    resampled = np.stack([np.interp(np.arange(length), np.arange(len(x)) * rate / 44100, x) for x in samples.T], axis=1)
    soundfile.write(path, resampled, rate, subtype, format=arguments.get("format", "WAV"))


def write_plain_float(path, mono):
    """Floating point behind a header of 44 bytes: libsndfile writes more chunks."""
    data = (3 * mono).astype("<f4").tobytes()
    body = (
        b"WAVEfmt "
        + struct.pack("<IHHIIHH", 16, 3, 1, 44100, 4 * 44100, 4, 32)
        + struct.pack("<4sI", b"data", len(data))
    )
    path.write_bytes(b"RIFF" + struct.pack("<I", len(body) + len(data)) + body + data)


def slow(*values, **more):
    return pytest.param(*values, **more, marks=pytest.mark.slow)


CHUNK = b"LIST" + struct.pack("<I", 6) + b"INFOxx"
KINDS = {
    "16-bit": lambda path, mono, stereo: write(path, mono),
    "16-bit, 16 kHz": lambda path, mono, stereo: write(path, mono, 16000),
    "24-bit": lambda path, mono, stereo: write(path, mono, 44100, "PCM_24"),
    "24-bit, 22.05 kHz": lambda path, mono, stereo: write(path, mono, 22050, "PCM_24"),
    "24-bit, odd length": lambda path, mono, stereo: write(path, mono[1:], 44100, "PCM_24"),
    "32-bit": lambda path, mono, stereo: write(path, mono, 48000, "PCM_32"),
    "8-bit": lambda path, mono, stereo: write(path, mono, 44100, "PCM_U8"),
    "float": lambda path, mono, stereo: write_plain_float(path, mono),
    "float, chunks": lambda path, mono, stereo: write(path, 3 * mono, 44100, "FLOAT"),
    "stereo": lambda path, mono, stereo: write(path, stereo),
    "24-bit stereo": lambda path, mono, stereo: write(path, stereo, 48000, "PCM_24"),
    "FLAC": lambda path, mono, stereo: write(path, mono, format="FLAC"),
    "chunk before": lambda path, mono, stereo: (write(path, mono), with_chunks(path, before=CHUNK)),
    "chunk after": lambda path, mono, stereo: (write(path, mono), with_chunks(path, after=CHUNK)),
}  # fmt: skip
DECODED_BY_TENSORFLOW = {"16-bit", "16-bit, 16 kHz", "24-bit", "24-bit, 22.05 kHz", "32-bit", "float"}


@pytest.fixture(scope="module")
def clips(synthetic_root):
    return read_clips(synthetic_root).iloc[: len(KINDS)].reset_index(drop=True)


@pytest.fixture(scope="module")
def original(synthetic_root, clips, tmp_path_factory):
    """One recording of every kind, and the whole ones' cache."""
    root = tmp_path_factory.mktemp("kinds")
    (root / "audio").mkdir()
    for name, make in zip(clips.filename, KINDS.values(), strict=True):
        shutil.copy2(synthetic_root / name, root / name)
        mono, _ = soundfile.read(root / name, always_2d=True)
        make(root / name, mono, np.concatenate([mono, 0.3 * mono[::-1]], axis=1))
    cached_features(root, clips, FRONTEND, 1.0)
    return root


@pytest.fixture
def root(original, tmp_path):
    """A copy that a test may damage."""
    return shutil.copytree(original, tmp_path / "kinds")


@pytest.fixture(scope="module")
def cached(original, clips):
    return cached_features(original, clips, FRONTEND, 1.0)


@pytest.fixture(scope="module")
def streamed(original, clips):
    return StreamedFeatures(original, clips, FRONTEND, 1.0)


@pytest.fixture(params=["graph", slow("host")])
def decoder(request, monkeypatch):
    """Both ways to decode."""
    if request.param == "host":
        monkeypatch.setattr(graph_wav, "kind_and_rate", lambda raw: (tf.constant(0), tf.constant(0)))
    return request.param


def same_batches(some, others, count):
    for batch, other in zip(some.take(count), others.take(count), strict=True):
        for values, expected in zip(batch, other, strict=True):
            np.testing.assert_array_equal(values, expected)


def test_replicas_share_the_evaluation_of_streamed_clips(streamed, cached):
    """Batches of five, five and four clips."""
    context = tf.distribute.InputContext(1, 0, 3)
    batches = list(evaluation_batches(streamed, LABELS, 3, context=context))
    assert sorted(len(features) for features, _ in batches) == [4, 5, 5]
    features = np.concatenate([features.numpy()[..., 0] for features, _ in batches])
    np.testing.assert_array_equal(features, cached[:].astype(np.float32))


def test_the_recordings_are_of_many_kinds(original, clips):
    kinds = [soundfile.info(original / name) for name in clips.filename]
    assert {kind.subtype for kind in kinds} == {"PCM_16", "PCM_24", "PCM_32", "PCM_U8", "FLOAT"}
    assert {kind.channels for kind in kinds} == {1, 2} and {kind.format for kind in kinds} == {"WAV", "FLAC"}
    assert {kind.samplerate for kind in kinds} == {16000, 22050, 44100, 48000}
    odd = original / clips.filename[list(KINDS).index("24-bit, odd length")]
    assert soundfile.info(odd).frames % 2 == 1 and odd.stat().st_size == 44 + 3 * soundfile.info(odd).frames + 1


@pytest.mark.parametrize("piece_seconds", [None, 0.3])
def test_streamed_features_are_the_cached_ones_bit_by_bit(original, clips, decoder, piece_seconds):
    streamed = StreamedFeatures(original, clips, FRONTEND, 1.0, piece_seconds)
    cached = cached_features(original, clips, FRONTEND, 1.0, piece_seconds=piece_seconds)
    assert streamed.shape == cached.shape and len(streamed) == len(cached) and streamed.dtype == cached.dtype
    np.testing.assert_array_equal(streamed[:], cached)


def test_streamed_pcen_is_the_cached_one_bit_by_bit(original, clips, decoder):
    frontend = Pcen(mel_bins=32)
    streamed = StreamedFeatures(original, clips, frontend, 1.0)
    np.testing.assert_array_equal(streamed[:], cached_features(original, clips, frontend, 1.0))


def test_the_default_frontend_too_and_in_batches_of_any_size(synthetic_root, decoder):
    clips = read_clips(synthetic_root)[::6]
    labels = np.zeros(len(clips), int)
    cached = cached_features(synthetic_root, clips, LogMel(), 1.0)
    streamed = StreamedFeatures(synthetic_root, clips, LogMel(), 1.0)
    for size in (1, 64):
        batches = [batch for batch, _ in evaluation_batches(streamed, labels, 1, batch_size=size)]
        np.testing.assert_array_equal(np.concatenate(batches)[..., 0], cached)


def test_tensorflow_decodes_the_usual_wav_files(original, clips, decoder, monkeypatch):
    by_hand, load = [], Cut.load
    monkeypatch.setattr(Cut, "load", lambda cut, path: by_hand.append(path) or load(cut, path))
    StreamedFeatures(original, clips, FRONTEND, 1.0)[:]
    expected = [str(original / name) for name, kind in zip(clips.filename, KINDS, strict=True)
                if decoder == "host" or kind not in DECODED_BY_TENSORFLOW]  # fmt: skip
    assert sorted(by_hand) == sorted(expected)


@pytest.mark.parametrize("index", [0, -2, slice(3, 9, 4), slice(2, 2), [5, 0, 5], np.arange(4).reshape(2, 2)], ids=str)
def test_rows_are_indexed_like_an_array(streamed, cached, index):
    row = streamed[index]
    assert row.dtype == np.float16 and row.shape == cached[index].shape
    np.testing.assert_array_equal(row, cached[index])


def test_mean_and_deviation_are_those_of_the_cache(streamed, cached):
    rows = np.array([1, 2, 5, 13])
    assert mean_and_std(streamed, rows) == mean_and_std(cached, rows)
    assert mean_and_std(streamed) == mean_and_std(cached)


def test_evaluation_brings_what_the_cache_brings(streamed, cached):
    rows = np.array([9, 3, 4, 0, 11])
    some, others = (evaluation_batches(features, LABELS, 3, 2, rows) for features in (streamed, cached))
    same_batches(some, others, 3)
    assert len(list(some)) == 3


@pytest.mark.parametrize("start_step", [slow(0), 5])
def test_training_brings_what_the_cache_brings(streamed, cached, start_step):
    def augment(features, labels, seed):
        return augment_batch(
            features, labels, seed, roll_frames=5, mixup_alpha=0.3, frequency_mask_bins=6, time_mask_frames=4,
            gain_db=3.0,
        )  # fmt: skip

    some, others = (
        training_batches(features, LABELS, 3, 4, seed=7, augment=augment, start_step=start_step, rows=np.arange(1, 12))
        for features in (streamed, cached)
    )
    same_batches(some, others, 8)


def test_shapes_are_known_as_with_the_cache(streamed, cached):
    """Else Keras compiles another network, which rounds otherwise."""
    for batches in (training_batches, evaluation_batches):
        specs = [batches(features, LABELS, 3, 4).element_spec for features in (streamed, cached)]
        assert specs[0] == specs[1]
    waveforms_too = training_batches(streamed, LABELS, 3, 4, augment_waveforms=louder)
    assert waveforms_too.element_spec[0].shape.as_list() == [4, 32, 34, 1]


@pytest.mark.parametrize("threads", [slow(1), 8])
def test_the_number_of_threads_changes_no_batch(streamed, cached, threads, monkeypatch):
    of = Cut.of

    def uneven(cut, waveform, name):
        time.sleep(0.01 * (len(str(name)) % 4))
        return of(cut, waveform, name)

    monkeypatch.setattr(Cut, "of", uneven)
    options = tf.data.Options()
    options.threading.private_threadpool_size = threads
    batches = training_batches(streamed, LABELS, 3, 4, seed=7).with_options(options)
    same_batches(batches, training_batches(cached, LABELS, 3, 4, seed=7), 12)


# Waveforms that are augmented


def louder(waveforms, seed):
    """Each clip by another gain of 0 to 20 dB."""
    gain_db = tf.random.stateless_uniform((tf.shape(waveforms)[0], 1), seed, 0.0, 20.0)
    return waveforms * 10 ** (gain_db / 20)


def test_waveforms_are_augmented_before_the_frontend(original, clips, streamed, cached):
    shapes = []

    def twice(waveforms, seed):
        shapes.append((waveforms.shape.as_list(), waveforms.dtype, seed.shape.as_list()))
        return 2 * waveforms

    some, plain = (
        next(iter(training_batches(features, LABELS, 3, 6, augment_waveforms=function)))[0]
        for features, function in ((streamed, twice), (cached, None))
    )
    assert all(shape[1] == 16000 and dtype == tf.float32 and seed == [2] for shape, dtype, seed in shapes)
    heard = plain > np.log(FRONTEND.floor) + 0.1
    np.testing.assert_allclose((some - plain)[heard], np.log(4), atol=0.02)


def test_waveforms_are_augmented_by_seed_and_step(streamed):
    def features(seed, start_step, count=2):
        batches = training_batches(streamed, LABELS, 3, 4, seed, start_step=start_step, augment_waveforms=louder)
        return [batch for batch, _ in batches.take(count)]

    whole = features(seed=3, start_step=0, count=4)
    np.testing.assert_array_equal(whole[2:], features(seed=3, start_step=2))
    assert (whole[0] != features(seed=4, start_step=0)[0]).numpy().any()


def test_each_batch_has_another_seed(streamed):
    seeds = []

    def note(waveforms, seed):
        tf.numpy_function(lambda seed: seeds.append(seed.tolist()), [seed], [])
        return waveforms

    list(training_batches(streamed, LABELS, 3, 4, seed=9, start_step=5, augment_waveforms=note).take(3))
    assert sorted(seeds)[:3] == [[9, 5], [9, 6], [9, 7]]


def test_features_follow_the_augmented_waveforms_of_their_own_clips(original, clips, streamed):
    """What a batch brings is the frontend's output for its clips' waveforms, treated with its seed."""
    batch, labels = next(iter(training_batches(streamed, np.arange(14), 14, 14, seed=3, augment_waveforms=louder)))
    names = clips.filename[np.argmax(labels, axis=1)]
    waveforms = np.concatenate([Cut(16000, 1.0).load(original / name) for name in names])
    expected = FRONTEND(louder(waveforms, seed=tf.constant([3, 0], tf.int64)))
    np.testing.assert_allclose(batch, expected, atol=0.01)


def test_cached_features_hold_no_waveforms_to_augment(cached):
    with pytest.raises(ValueError, match="augment_waveforms needs StreamedFeatures"):
        training_batches(cached, LABELS, 3, 4, augment_waveforms=louder)


# Clips that cannot be read


def cut_short(path):
    os.truncate(path, path.stat().st_size - 2000)


DAMAGES = {
    "empty": (lambda path: path.write_bytes(b""), "is empty; expected an audio file"),
    "text": (lambda path: path.write_text("this is no audio at all, but long enough for a header of 44 bytes"),
             "cannot be decoded as audio"),
    "half a header": (lambda path: os.truncate(path, 30), "ended inside the WAV header"),
    "cut short": (cut_short, "truncated"),
    "vanished": (lambda path: path.unlink(), "cannot be read (No such file or directory)"),
    "folder": (lambda path: (path.unlink(), path.mkdir()), "cannot be read (Is a directory)"),
    "length": (lambda path: soundfile.write(path, np.zeros(66150), 44100), "lasts 1.50 s; expected 1.00 s"),
}  # fmt: skip


def consume(features, stage):
    """Read all clips as a stage of an experiment does."""
    if stage == "statistics":
        return mean_and_std(features)
    batches = {
        "training": lambda: training_batches(features, LABELS, 3, 4).take(6),
        "evaluation": lambda: evaluation_batches(features, LABELS, 3),
    }[stage]()
    with reading(features):
        return list(batches)


def test_a_clip_that_cannot_be_read_is_named(root, clips, decoder):
    features, path = StreamedFeatures(root, clips, FRONTEND, 1.0), root / clips.filename[2]
    third, whole = features.batches(tf.data.Dataset.from_tensors([2]), 1), path.read_bytes()
    for damage, (spoil, message) in DAMAGES.items():
        path.rmdir() if path.is_dir() else path.unlink(missing_ok=True)
        path.write_bytes(whole)
        assert load_waveform(path, 16000).any()
        spoil(path)
        with pytest.raises(AscError) as error, features.errors():
            next(iter(third))
        assert str(error.value).startswith(f"{path}: "), damage
        if decoder == "graph" or damage not in ("vanished", "folder"):
            assert message in str(error.value), damage
    np.testing.assert_array_equal(features[3:5], cached_features(root, clips[3:5], FRONTEND, 1.0))


@pytest.mark.parametrize("stage", [slow("statistics"), "training", slow("evaluation")])
def test_every_stage_names_the_clip_that_cannot_be_read(root, clips, stage):
    features = StreamedFeatures(root, clips, FRONTEND, 1.0)
    consume(features, stage)
    path = root / clips.filename[8]
    for damage in ("cut short", "vanished"):
        DAMAGES[damage][0](path)
        with pytest.raises(AscError, match=f"^{path}: "):
            consume(features, stage)


@pytest.mark.slow  # it collects the garbage of all tests before it
def test_a_pipeline_ends_with_the_error_that_it_raised(root, clips):
    """Were it kept alive, the next error would end it in a thread of its own, which waits for itself forever."""
    features, pipelines = StreamedFeatures(root, clips, FRONTEND, 1.0), []
    (root / clips.filename[8]).write_bytes(b"")

    def train():
        batches = iter(training_batches(features, LABELS, 3, 4))
        pipelines.append(weakref.ref(batches))
        with reading(features):
            for _ in batches:
                pass

    with pytest.raises(AscError, match="is empty; expected an audio file"):
        train()
    gc.collect()
    assert pipelines[0]() is None


def test_an_error_that_is_no_clips_fault_stays_what_it_is(streamed):
    with pytest.raises(tf.errors.InvalidArgumentError), reading(streamed):
        tf.constant([1.0, 2.0]) + tf.constant([1.0, 2.0, 3.0])


def test_an_error_of_before_is_not_taken_for_one_of_now(root, clips):
    features = StreamedFeatures(root, clips, FRONTEND, 1.0)
    path = root / clips.filename[0]
    content = path.read_bytes()
    path.write_bytes(b"")
    with pytest.raises(AscError, match="is empty; expected an audio file"):
        features[0]
    path.write_bytes(content)
    with pytest.raises(tf.errors.InvalidArgumentError), reading(features):
        tf.constant([1.0, 2.0]) + tf.constant([1.0, 2.0, 3.0])
