import json

import numpy as np
import pytest
import tensorflow as tf

from asc_tf.data.cache import cached_features
from asc_tf.data.clips import read_clips
from asc_tf.data.loader import evaluation_batches, mean_and_std, training_batches
from asc_tf.data.shards import SHARDS, shard_of
from asc_tf.data.stream import StreamedFeatures
from asc_tf.data.translated import (
    read_translated,
    translated_clips,
    translated_folder,
    translation_settings,
    write_translated,
)
from asc_tf.data.waveforms import Cut
from asc_tf.errors import AscError
from asc_tf.frontend.log_mel import LogMel

FRONTEND, CUT, TARGETS = LogMel(mel_bins=16), Cut(16000, 1.0), ("b", "s1")
SHAPE = FRONTEND.feature_shape(16000)[:2]


@pytest.fixture
def clips(synthetic_root):
    clips = read_clips(synthetic_root)
    return clips[clips.split == "train"].reset_index(drop=True)


@pytest.fixture
def rows(clips):
    return translated_clips(clips[clips.device == "a"], TARGETS)


def features_of(rows):
    """Features by which a row can be known again."""
    numbers = np.array([hash_of(name) for name in rows.filename], np.float32)
    return np.broadcast_to(numbers[:, None, None], (len(rows), *SHAPE))


def hash_of(name):
    return sum(name.encode()) % 1000


def write(folder, root, rows, translate=features_of, translator="one", targets=TARGETS):
    settings = translation_settings(FRONTEND, CUT, "a", targets, translator)
    write_translated(folder, root, rows, settings, SHAPE, translate)


def read(folder, root, clips, frontend=FRONTEND, cut=CUT):
    return read_translated(folder, root, clips, frontend, cut)


def test_the_frame_has_every_clip_once_a_target(rows, clips):
    sources = clips[clips.device == "a"]
    assert len(rows) == 2 * len(sources) and set(rows.device) == set(TARGETS)
    assert rows.clip_id.is_unique and rows.filename.is_unique
    first = rows.iloc[len(sources)]
    assert first.filename == f"s1/{first.source}" == f"s1/{sources.iloc[0].filename}"
    assert (first.scene, first.location) == (sources.iloc[0].scene, sources.iloc[0].location)


def test_translated_clips_are_read_back_in_the_order_of_the_frame(tmp_path, synthetic_root, clips, rows):
    write(tmp_path / "t", synthetic_root, rows)
    chosen = clips.iloc[::-2]
    found, features = read(tmp_path / "t", synthetic_root, chosen)
    expected = translated_clips(chosen[chosen.device == "a"], TARGETS)
    assert list(found.filename) == list(expected.filename)
    np.testing.assert_array_equal(features[:][:, 0, 0], [hash_of(name) for name in expected.filename])
    assert features.shape[1:] == SHAPE


def test_they_stand_behind_the_clips_of_the_cache(tmp_path, synthetic_root, clips, rows):
    write(tmp_path / "t", synthetic_root, rows)
    own = cached_features(synthetic_root, clips, FRONTEND, 1.0, tmp_path / "features")
    found, features = read(tmp_path / "t", synthetic_root, clips)
    both = own.followed_by(features)
    assert both.shape == (len(clips) + len(found), *SHAPE)
    chosen = np.array([len(clips) + 3, 2, len(both) - 1, 0])
    expected = np.stack([features[3], own[2], features[-1], own[0]])
    np.testing.assert_array_equal(both[chosen], expected)
    np.testing.assert_array_equal(both[:], np.concatenate([own[:], features[:]]))


@pytest.fixture
def both(tmp_path, synthetic_root, clips, rows):
    """(streamed, cached) clips, each followed by the translated ones."""
    write(tmp_path / "t", synthetic_root, rows)
    _, features = read(tmp_path / "t", synthetic_root, clips)
    cached = cached_features(synthetic_root, clips, FRONTEND, 1.0, tmp_path / "features")
    return StreamedFeatures(synthetic_root, clips, FRONTEND, 1.0).followed_by(features), cached.followed_by(features)


@pytest.mark.slow
def test_they_stand_behind_streamed_clips_too(both, clips):
    streamed, cached = both
    assert streamed.shape == cached.shape
    assert mean_and_std(streamed) == mean_and_std(cached)
    chosen = np.array([len(clips) + 3, 2, len(cached) - 1, 0])
    np.testing.assert_array_equal(streamed[chosen], cached[chosen])
    only = np.arange(len(clips), len(clips) + 4), np.arange(4)  # batches of one kind alone
    for kind, arguments in ((training_batches, {}), *((evaluation_batches, {"rows": rows}) for rows in only)):
        some, others = (kind(each, np.zeros(len(each), np.int32), 3, 8, **arguments).take(5) for each in both)
        assert some.element_spec == others.element_spec
        for batch, expected in zip(some, others, strict=True):
            np.testing.assert_array_equal(batch[0], expected[0])


def test_what_augments_waveforms_leaves_them_alone(both, clips):
    labels, treated = np.arange(len(both[0])), []

    def silenced(waveforms, seed):
        tf.numpy_function(lambda count: treated.append(int(count)), [tf.shape(waveforms)[0]], [])
        return 0 * waveforms

    arguments = {"labels": labels, "classes": len(labels), "batch_size": len(labels)}
    batch, label = next(iter(training_batches(both[0], **arguments, augment_waveforms=silenced)))
    assert treated[0] == len(clips)
    row = np.argmax(label, axis=1)
    silence = np.log(FRONTEND.floor)
    np.testing.assert_allclose(batch[row < len(clips)], silence, atol=0.01)
    np.testing.assert_array_equal(batch[row >= len(clips)][..., 0], both[1][row[row >= len(clips)]])


def test_after_a_kill_only_the_rest_is_translated(tmp_path, synthetic_root, clips, rows):
    done = []

    def killed(part):
        if len(done) > 10:
            raise KeyboardInterrupt
        done.extend(part.filename)
        return features_of(part)

    with pytest.raises(KeyboardInterrupt):
        write(tmp_path / "t", synthetic_root, rows, killed)
    with pytest.raises(AscError, match=rf"lacks \d+ of {len(rows)} translated clips, .* run the same"):
        read(tmp_path / "t", synthetic_root, clips)
    rest = []

    def remembered(part):
        rest.extend(part.filename)
        return features_of(part)

    write(tmp_path / "t", synthetic_root, rows, remembered)
    assert 0 < len(rest) < len(rows) and set(done) | set(rest) == set(rows.filename)
    found, features = read(tmp_path / "t", synthetic_root, clips)
    np.testing.assert_array_equal(features[:][:, 0, 0], [hash_of(name) for name in found.filename])
    before = {path.name: path.read_bytes() for path in (tmp_path / "t").glob("*.npy")}
    write(tmp_path / "t", synthetic_root, rows, killed)
    assert before == {path.name: path.read_bytes() for path in (tmp_path / "t").glob("*.npy")}
    assert len(before) <= SHARDS


def test_a_damaged_row_is_translated_anew(tmp_path, synthetic_root, clips, rows):
    write(tmp_path / "t", synthetic_root, rows)
    path = tmp_path / "t" / f"{shard_of(rows.filename[0]):02d}.npy"
    good = path.read_bytes()
    path.write_bytes(good[:-3] + bytes([good[-3] ^ 1]) + good[-2:])
    with pytest.raises(AscError, match="lacks 1 of"):
        read(tmp_path / "t", synthetic_root, clips)
    write(tmp_path / "t", synthetic_root, rows)
    assert path.read_bytes() == good


def test_other_translators_settings_and_folders_are_refused(tmp_path, synthetic_root, clips, rows):
    write(tmp_path / "t", synthetic_root, rows)
    for change in ({"translator": "two"}, {"targets": ("b", "c")}):
        with pytest.raises(AscError, match="holds clips of another translator or of other devices"):
            write(tmp_path / "t", synthetic_root, rows, **change)
    with pytest.raises(AscError, match="has features of another frontend than the run; expected the same"):
        read(tmp_path / "t", synthetic_root, clips, frontend=LogMel(mel_bins=32))
    with pytest.raises(AscError, match="another clip_samples and piece_samples"):
        read(tmp_path / "t", synthetic_root, clips, cut=Cut(16000, 0.5))
    with pytest.raises(AscError, match="expected a folder of 'asc-tf translate apply'"):
        read(tmp_path / "nothing", synthetic_root, clips)
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.tex").write_text("")
    with pytest.raises(AscError, match="is not empty and holds no translated clips; expected a new folder"):
        write(tmp_path / "mine", synthetic_root, rows)


def test_settings_and_place(tmp_path, synthetic_root, rows):
    write(tmp_path / "t", synthetic_root, rows)
    settings = json.loads((tmp_path / "t" / "settings.json").read_text())
    assert (settings["source"], settings["targets"], settings["translator"]) == ("a", ["b", "s1"], "one")
    assert translated_folder(tmp_path, "t") == tmp_path.resolve() / "features" / "t"
    assert translated_folder(tmp_path, tmp_path / "else") == tmp_path / "else"
