import shutil

import pandas as pd
import pytest

from asc_tf.data.clips import read_clips
from asc_tf.data.tau import PUBLISHED, SCENES, check_report, compare_with_published, count_table, published_like


@pytest.mark.shared
def test_the_real_tau_2020_metadata_has_the_published_counts(shared):
    clips = read_clips(shared / "tau_meta" / "2020_mobile")
    assert published_like(clips) == "tau2020" and compare_with_published(clips, "tau2020") == []
    table = count_table(clips, "device")
    assert table.train.to_dict() == {
        "a": 10215, "b": 749, "c": 748, "s1": 750, "s2": 750, "s3": 750, "s4": 0, "s5": 0, "s6": 0, "all": 13962,
    }  # fmt: skip
    assert table.test.to_dict() == {
        "a": 330, "b": 329, "c": 329, "s1": 330, "s2": 330, "s3": 330, "s4": 330, "s5": 330, "s6": 330, "all": 2968,
    }  # fmt: skip
    assert (clips.segment.str.fullmatch(r"\d+")).all() and (clips.piece == "").all()


@pytest.mark.shared
def test_the_real_tau_2022_test_part_reads_as_pieces_of_one_second(shared, tmp_path):
    """The 2022 metadata here is the test part only: meta.csv is rebuilt from its file names."""
    names = pd.read_csv(shared / "tau_meta" / "2022_mobile" / "evaluation_setup" / "fold1_evaluate.csv", sep="\t")
    stems = names.filename.str.extract(r"audio/(?P<scene>[a-z_]+)-(?P<place>[a-z]+-\d+)-.*-(?P<device>[a-z0-9]+)\.wav")
    meta = pd.DataFrame({
        "filename": names.filename, "scene_label": stems.scene, "identifier": stems.place, "source_label": stems.device,
    })  # fmt: skip
    (tmp_path / "evaluation_setup").mkdir()
    first = names.iloc[:1]
    meta.to_csv(tmp_path / "meta.csv", sep="\t", index=False)
    first.to_csv(tmp_path / "evaluation_setup" / "fold1_train.csv", sep="\t", index=False)
    names.iloc[1:].to_csv(tmp_path / "evaluation_setup" / "fold1_evaluate.csv", sep="\t", index=False)
    clips = read_clips(tmp_path)
    assert len(clips) == 29_680 == sum(PUBLISHED["tau2022"].test.values())
    assert published_like(clips) == "tau2022"
    assert clips.groupby("parent").piece.nunique().max() == 10
    assert clips.device.value_counts().to_dict() == PUBLISHED["tau2022"].test
    problems = compare_with_published(clips, "tau2022")
    assert "clips in meta.csv: 29680, published 230350" in problems


def test_published_counts_add_up():
    assert sum(PUBLISHED["tau2020"].train.values()) == 13_962 and sum(PUBLISHED["tau2020"].test.values()) == 2_968
    assert sum(PUBLISHED["tau2022"].train.values()) == 139_620 and sum(PUBLISHED["tau2022"].test.values()) == 29_680


def frame(**columns):
    row = {"filename": "audio/bus-lyon-7-3-a.wav", "clip_id": "bus-lyon-7-3-a", "scene": "bus", "device": "a",
           "city": "lyon", "location": "lyon-7", "segment": "3", "piece": "", "split": "train"} | columns  # fmt: skip
    return pd.DataFrame([row])


@pytest.mark.parametrize(
    "other",
    [
        {"scene": "kitchen", "clip_id": "kitchen-lyon-7-3-a"},
        {"city": "rome", "location": "rome-7", "clip_id": "bus-rome-7-3-a"},
        {"clip_id": "my bus"},
        {"device": "phone", "clip_id": "bus-lyon-7-3-phone"},
        {"device": "s4", "clip_id": "bus-lyon-7-3-s4"},
    ],
    ids=["scene", "city", "name", "device", "device that TAU does not train on"],
)
def test_a_data_set_of_ones_own_with_scenes_of_tau_is_not_compared(tmp_path, other):
    clips = frame(**other)
    assert published_like(clips) is None
    text, problems = check_report(tmp_path, clips, audio=False)
    assert text.startswith("Data set in the TAU layout: 1 clips") and problems == []


def test_the_same_frame_in_taus_names_is_a_part_of_it():
    assert published_like(frame()) == "tau2020"
    assert published_like(frame(piece="5", clip_id="bus-lyon-7-3-5-a")) == "tau2022"


def test_a_part_of_a_published_set_is_said_and_is_no_problem(tmp_path):
    text, problems = check_report(tmp_path, frame())
    assert text.startswith("TAU Urban Acoustic Scenes 2020 Mobile, development, a part of it (train 1 of 13,962, ")
    assert problems == [
        f"{tmp_path / 'audio/bus-lyon-7-3-a.wav'}: no such file; expected every file that the metadata names"
    ]
    assert "train 1 / test 0" in text


@pytest.mark.shared
def test_the_real_metadata_are_complete_and_a_twentieth_of_the_training_part_is_a_part(shared, tmp_path):
    """As with split5.csv of DCASE 2024 in the place of fold1_train.csv: names alone, without scenes."""
    clips = read_clips(shared / "tau_meta" / "2020_mobile")
    text, problems = check_report(shared, clips, audio=False)
    assert ", development, complete: 23035 clips" in text and problems == []
    root = shutil.copytree(shared / "tau_meta" / "2020_mobile", tmp_path / "root", copy_function=shutil.copyfile)
    names = clips.filename[clips.split == "train"].iloc[::20]
    (root / "evaluation_setup").chmod(0o755)
    (root / "evaluation_setup" / "fold1_train.csv").write_text("filename\n" + "\n".join(names) + "\n")
    text, problems = check_report(root, read_clips(root), audio=False)
    assert "a part of it (train 699 of 13,962, test 2,968 of 2,968 clips)" in text and problems == []


def test_a_location_in_both_parts_is_a_problem(tmp_path):
    clips = pd.concat([frame(), frame(split="test", filename="y.wav")], ignore_index=True)
    _, problems = check_report(tmp_path, clips, audio=False)
    assert problems == ["1 locations are in the training and in the test part, lyon-7 for one"]


def test_there_are_ten_scenes_in_order():
    assert len(SCENES) == 10 and list(SCENES) == sorted(SCENES)
