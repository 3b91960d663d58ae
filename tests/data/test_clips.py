import numpy as np
import pandas as pd
import pytest

from asc_tf.data.clips import check_audio_files, devices_of, hold_out_locations, read_clips, scenes_of
from asc_tf.errors import AscError

META = """filename\tscene_label\tidentifier\tsource_label
audio/airport-lisbon-1000-40000-a.wav\tairport\tlisbon-1000\ta
audio/airport-lisbon-1000-40000-s1.wav\tairport\tlisbon-1000\ts1
audio/street_traffic-lyon-7-3-5-b.wav\tstreet_traffic\tlyon-7\tb
audio/street_traffic-lyon-7-3-6-b.wav\tstreet_traffic\tlyon-7\tb
audio/airport-milan-2-1-s4.wav\tairport\tmilan-2\ts4
audio/my own name.flac\tairport\tattic\tphone
"""
TRAIN = "filename\tscene_label\n" + "".join("\t".join(line.split("\t")[:2]) + "\n" for line in META.splitlines()[1:5])
TEST = "filename\tscene_label\naudio/airport-milan-2-1-s4.wav\tairport\n"


@pytest.fixture
def root(tmp_path):
    (tmp_path / "evaluation_setup").mkdir()
    (tmp_path / "meta.csv").write_text(META)
    (tmp_path / "evaluation_setup" / "fold1_train.csv").write_text(TRAIN)
    (tmp_path / "evaluation_setup" / "fold1_evaluate.csv").write_text(TEST)
    return tmp_path


def test_rows_hold_what_the_metadata_says(root):
    clips = read_clips(root)
    assert clips.iloc[1].to_dict() == {
        "filename": "audio/airport-lisbon-1000-40000-s1.wav",
        "clip_id": "airport-lisbon-1000-40000-s1",
        "scene": "airport",
        "device": "s1",
        "city": "lisbon",
        "location": "lisbon-1000",
        "segment": "40000",
        "piece": "",
        "parent": "airport-lisbon-1000-40000-s1",
        "split": "train",
    }
    assert list(clips.split) == ["train"] * 4 + ["test", ""]
    assert scenes_of(clips) == ["airport", "street_traffic"] and devices_of(clips) == ["a", "b", "phone", "s1", "s4"]


def test_pieces_of_one_second_share_their_parent(root):
    pieces = read_clips(root).iloc[2:4]
    assert list(pieces.piece) == ["5", "6"] and list(pieces.segment) == ["3", "3"]
    assert pieces.parent.nunique() == 1


def test_a_file_name_of_another_pattern_is_a_segment_of_its_own(root):
    clip = read_clips(root).iloc[5]
    assert clip.segment == "my own name" and clip.device == "phone" and clip.city == "attic"


def test_missing_folder(tmp_path):
    with pytest.raises(AscError, match="nowhere: no such folder"):
        read_clips(tmp_path / "nowhere")


def test_missing_audio_is_counted_and_the_first_named(root):
    clips = read_clips(root)
    (root / "audio").mkdir()
    (root / clips.filename[0]).write_bytes(b"x")
    with pytest.raises(
        AscError, match="40000-s1.wav and 4 more: no such file; expected every file that the metadata names"
    ):
        check_audio_files(root, clips)


def many_clips():
    rows = [
        {
            "scene": scene,
            "location": f"city{place % 5}-{scene}{place}",
            "parent": f"{scene}{place}-{segment}",
            "piece": p,
        }
        for scene, places in (("bus", 20), ("park", 10), ("tram", 2))
        for place in range(places)
        for segment in range(3)
        for p in range(2)
    ]
    return pd.DataFrame(rows)


@pytest.mark.parametrize(("fraction", "expected"), [(0.1, [2, 1, 1]), (0.5, [10, 5, 1]), (0.9, [18, 9, 1])])
def test_held_out_locations_are_whole_and_in_every_scene(fraction, expected):
    clips = many_clips()
    held_out = hold_out_locations(clips, fraction, seed=0)
    assert not set(clips.location[held_out]) & set(clips.location[~held_out])
    assert not set(clips.parent[held_out]) & set(clips.parent[~held_out])
    assert [
        clips[held_out & (clips.scene == scene)].location.nunique() for scene in ("bus", "park", "tram")
    ] == expected


def test_the_draw_follows_the_seed():
    clips = many_clips()
    one, same, other = (hold_out_locations(clips, 0.3, seed) for seed in (1, 1, 2))
    assert (one == same).all() and (one != other).any()
    assert not hold_out_locations(clips, 0, 1).any()


def test_a_location_of_two_scenes_stays_on_one_side():
    clips = pd.DataFrame({"scene": ["bus", "bus", "tram", "tram"] * 3, "location": ["x", "y", "x", "z"] * 3})
    for seed in range(20):
        held_out = hold_out_locations(clips, 0.5, seed)
        assert not set(clips.location[held_out]) & set(clips.location[~held_out])
        assert set(clips.scene[~held_out]) == {"bus", "tram"}


def test_a_scene_of_one_location_cannot_be_validated():
    clips = pd.DataFrame({"scene": ["bus", "tram", "tram"], "location": ["x", "y", "z"]})
    with pytest.raises(AscError, match="scene 'bus' has only one training location"):
        hold_out_locations(clips, 0.1)


@pytest.mark.slow
@pytest.mark.shared
def test_the_real_tau_2020_metadata_holds_out_a_tenth_of_the_locations(shared):
    clips = read_clips(shared / "tau_meta" / "2020_mobile")
    train = clips[clips.split == "train"]
    held_out = hold_out_locations(train, 0.1, seed=0)
    assert not set(train.location[held_out]) & set(train.location[~held_out])
    assert 0.05 < np.mean(held_out) < 0.2
    assert scenes_of(train[held_out]) == scenes_of(train)
