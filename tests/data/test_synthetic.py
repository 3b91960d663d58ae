"""The procedural data set has TAU's layout and imbalance, and its devices sound different."""

from pathlib import Path

import numpy as np
import pytest
import soundfile

from asc_tf.data import synthetic
from asc_tf.data.clips import check_audio_files, hold_out_locations, read_clips
from asc_tf.data.synthetic import DEVICES, SEEN_DEVICES, UNSEEN_DEVICES, write_synthetic
from asc_tf.data.tau import SCENES
from asc_tf.errors import AscError

CLIPS = 40
RECORDING = ["scene", "location", "segment"]


@pytest.fixture(scope="module")
def root(synthetic_root):
    """Of CLIPS training clips and seed 0."""
    return synthetic_root


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    """(data set of 20 training clips and seed 1 in a folder that was empty, calls of its progress, number of clips)."""
    folder, calls = tmp_path_factory.mktemp("small"), []
    counts = write_synthetic(folder, clips=20, seconds=1.0, seed=1, progress=lambda *call: calls.append(call))
    return folder, calls, counts


@pytest.fixture(scope="module")
def clips(root):
    return read_clips(root)


@pytest.fixture(scope="module")
def audio(root, clips):
    return {name: soundfile.read(root / name)[0] for name in clips.filename}


def planned(clips):
    """(training, test) recordings of a size, without a sound."""
    return synthetic._training_recordings(clips), synthetic._test_recordings(clips)


def test_layout(root, clips):
    check_audio_files(root, clips)
    assert clips.split.value_counts().to_dict() == {"train": 40, "test": 90}
    for _, part in clips.groupby("split"):
        assert set(part.scene) == set(SCENES)
    assert (clips.clip_id == clips.parent).all()
    assert clips.segment.str.fullmatch(r"\d+").all()
    tables = root / "evaluation_setup"
    assert (root / "meta.csv").read_text().startswith("filename\tscene_label\tidentifier\tsource_label\naudio/")
    evaluate = (tables / "fold1_evaluate.csv").read_text().splitlines()
    assert evaluate[0] == "filename\tscene_label"
    assert (tables / "fold1_test.csv").read_text().splitlines() == [line.split("\t")[0] for line in evaluate]


def test_devices_are_as_imbalanced_as_taus(clips):
    counts = clips[clips.split == "train"].device.value_counts()
    assert counts["a"] == round(0.73 * CLIPS)
    assert set(counts.index) == set(SEEN_DEVICES)
    others = counts.drop("a")
    assert others.max() - others.min() <= 1


def test_every_test_segment_is_heard_by_all_nine_devices(clips):
    for _, devices in clips[clips.split == "test"].groupby(RECORDING).device:
        assert sorted(devices) == sorted(SEEN_DEVICES + UNSEEN_DEVICES)


def test_other_devices_train_in_parallel_to_device_a(clips):
    train = clips[clips.split == "train"]
    by_a = set(train[train.device == "a"][RECORDING].itertuples(index=False, name=None))
    assert set(train[train.device != "a"][RECORDING].itertuples(index=False, name=None)) <= by_a


def test_no_location_on_both_sides_and_enough_to_hold_out(clips):
    train, test = (clips[clips.split == part] for part in ("train", "test"))
    assert not set(train.location) & set(test.location)
    assert (train.groupby("scene").location.nunique() >= 2).all()
    assert clips.city.nunique() > 1
    held_out = hold_out_locations(train, 0.3)
    assert set(train[held_out].scene) == set(train[~held_out].scene) == set(SCENES)


@pytest.mark.parametrize(("size", "locations", "per_scene"), [(20, 2, 1), (28, 2, 1), (400, 4, 3), (2000, 4, 15)])
def test_plan_of_other_sizes(size, locations, per_scene):
    train, test = planned(size)
    assert sum(len(recording.devices) for recording in train) == size
    for scene in SCENES:
        assert len({recording.location for recording in train if recording.scene == scene}) >= locations
        assert sum(recording.scene == scene for recording in test) == per_scene
        # a device that trained on some scenes alone would give them away
        assert size < 400 or {d for r in train if r.scene == scene for d in r.devices} == set(SEEN_DEVICES)
    assert not {recording.location for recording in train} & {recording.location for recording in test}


def test_format(root, clips):
    for name in clips.filename:
        info = soundfile.info(root / name)
        assert (info.format, info.subtype, info.samplerate, info.channels) == ("WAV", "PCM_24", 44100, 1)
        assert info.frames == 44100


def test_audio_is_neither_clipped_nor_silent(audio):
    for name, samples in audio.items():
        assert np.isfinite(samples).all(), name
        assert np.abs(samples).max() < 1, name
        assert np.sqrt(np.mean(samples**2)) > 1e-3, name


def test_devices_hear_the_same_segment_with_other_spectra(clips, audio):
    def octave_levels_db(name):
        power = np.abs(np.fft.rfft(audio[name])) ** 2
        edges = [125, 250, 500, 1000, 2000, 4000, 8000]  # bins are 1 Hz wide
        return 10 * np.log10([power[low:high].mean() for low, high in zip(edges, edges[1:], strict=False)])

    levels = {device: [] for device in DEVICES}
    for _, segment in clips[clips.split == "test"].groupby(RECORDING):
        for clip in segment.itertuples():
            levels[clip.device].append(octave_levels_db(clip.filename))
    levels = {device: np.mean(per_clip, axis=0) for device, per_clip in levels.items()}
    for device in set(DEVICES) - {"a"}:
        difference_db = levels[device] - levels["a"]
        assert np.ptp(difference_db) > (6 if device in UNSEEN_DEVICES else 3), device
    for unseen in UNSEEN_DEVICES:
        for seen in SEEN_DEVICES:
            assert np.ptp(levels[unseen] - levels[seen]) > 4, (unseen, seen)


def test_simulated_devices_compress():
    steps = np.repeat([0.01, 0.5], 44100) * np.tile([1.0, -1.0], 44100)
    for name, device in DEVICES.items():
        range_db = 20 * np.log10(50) - np.ptp(synthetic._reduction_db(steps, device)[[22050, 66150]])
        assert (range_db < 30) == name.startswith("s"), name


def test_parallel_clips_are_the_same_recording(clips, audio):
    segment = next(group for _, group in clips[clips.split == "test"].groupby(RECORDING))
    names = segment.set_index("device").filename

    def loudness(name):
        return np.log(np.sqrt(np.mean(audio[name].reshape(100, -1) ** 2, axis=1)))

    other_scene = clips[(clips.split == "test") & (clips.scene != segment.scene.iloc[0]) & (clips.device == "a")]
    same = np.corrcoef(loudness(names["a"]), loudness(names["b"]))[0, 1]
    different = np.corrcoef(loudness(names["a"]), loudness(other_scene.filename.iloc[0]))[0, 1]
    assert same > 0.7 > different


def test_same_seed_same_bytes(root, small, tmp_path):
    def contents(folder):
        paths = [path for path in folder.rglob("*.*") if path.suffix in (".wav", ".csv") and path.name[0] != "."]
        return {path.relative_to(folder): path.read_bytes() for path in paths if "features" not in path.parts}

    assert write_synthetic(tmp_path / "again", clips=CLIPS, seconds=1.0, seed=0) == (40, 90)
    assert contents(tmp_path / "again") == contents(root)
    name = Path("audio/airport-city5-1000-40000-a.wav")
    assert contents(small[0])[name] != contents(root)[name]


def test_progress_counts_to_the_total(small):
    _, calls, counts = small
    assert counts == (20, 90) and calls == [(done, 110) for done in range(1, 111)]


def test_an_empty_folder_is_filled_and_another_refused(small):
    folder, *_ = small
    with pytest.raises(AscError, match="is not empty; expected a new folder"):
        write_synthetic(folder, clips=20, seconds=1.0)
    assert len(read_clips(folder)) == 110
    with pytest.raises(AscError, match="is not empty; expected a new folder"):
        write_synthetic(folder / "meta.csv", clips=20, seconds=1.0)


@pytest.mark.parametrize(
    ("arguments", "message"), [({"clips": 19}, "clips is 19"), ({"seconds": 0.5}, "seconds is 0.5")]
)
def test_too_small_is_refused(tmp_path, arguments, message):
    with pytest.raises(AscError, match=message):
        write_synthetic(tmp_path / "data", **arguments)
    assert not any(tmp_path.iterdir())


def test_nothing_is_left_behind_on_failure(tmp_path, monkeypatch):
    write, written = soundfile.write, []

    def full_disk(path, *args, **kwargs):
        if len(written) == 3:
            raise OSError(28, "No space left on device")
        written.append(path)
        write(path, *args, **kwargs)

    monkeypatch.setattr(soundfile, "write", full_disk)
    with pytest.raises(AscError, match="data: cannot be written .No space left"):
        write_synthetic(tmp_path / "data", clips=20, seconds=1.0)
    assert len(written) == 3
    assert not any(tmp_path.iterdir())
