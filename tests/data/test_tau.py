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
    rows = {"filename": ["x.wav"], "scene": ["bus"], "device": ["a"], "city": ["lyon"], "location": ["lyon-7"],
            "piece": [""], "split": ["train"]}  # fmt: skip
    return pd.DataFrame({**rows, **columns})


def test_a_data_set_of_ones_own_is_not_compared():
    assert published_like(frame(scene=["kitchen"])) is None
    assert published_like(frame()) == "tau2020" and published_like(frame(piece=["3"])) == "tau2022"


def test_missing_clips_of_a_published_set_are_problems(tmp_path):
    text, problems = check_report(tmp_path, frame())
    assert "train clips of device a: 1, published 10215" in problems
    assert any("x.wav: named in the metadata and not on disk" in problem for problem in problems)
    assert "train 1 / test 0" in text


def test_a_location_in_both_parts_is_a_problem(tmp_path):
    clips = pd.concat(
        [frame(scene=["kitchen"]), frame(scene=["kitchen"], split=["test"], filename=["y.wav"])], ignore_index=True
    )
    _, problems = check_report(tmp_path, clips, audio=False)
    assert problems == ["1 locations are in the training and in the test part, lyon-7 for one"]


def test_there_are_ten_scenes_in_order():
    assert len(SCENES) == 10 and list(SCENES) == sorted(SCENES)
