"""Lists of a part of the training clips, in the format of DCASE 2024's split5.csv."""

import pandas as pd
import pytest

from asc_tf.data.clips import read_clips
from asc_tf.data.splits import list_path, lists_of
from asc_tf.data.tau import CITIES, SCENES, check_report
from asc_tf.errors import AscError
from asc_tf.experiment.settings import Config
from asc_tf.stages.training_data import chosen_clips, split_clips


@pytest.fixture
def root(synthetic_root, tmp_path):
    """A data set with the recordings of `synthetic_root` and its own evaluation_setup/."""
    (tmp_path / "audio").symlink_to(synthetic_root / "audio")
    (tmp_path / "evaluation_setup").mkdir()
    for name in ("meta.csv", "evaluation_setup/fold1_train.csv", "evaluation_setup/fold1_evaluate.csv"):
        (tmp_path / name).write_bytes((synthetic_root / name).read_bytes())
    return tmp_path


def write_list(root, name, filenames, more=""):
    path = root / "evaluation_setup" / f"{name}.csv"
    path.write_text(f"filename{more}\n" + "".join(f"{name}\n" for name in filenames))
    return path


def training_names(root):
    clips = read_clips(root)
    return list(clips.filename[clips.split == "train"])


def test_a_run_reads_the_listed_training_clips_and_the_whole_test_part(root):
    names = training_names(root)
    path = write_list(root, "split50", names[::2])
    for split in ("split50", "split50.csv", str(path)):
        config = Config().with_settings([f"data.split={split}", "data.validation_fraction=0"])
        clips, training, _ = split_clips(root, config)
        assert list(clips.filename.iloc[training]) == names[::2]
        assert (clips.split == "test").sum() == (read_clips(root).split == "test").sum()
        assert not set(clips.filename) & set(names[1::2]), "the others are in no part, so nothing can use them"
    assert len(chosen_clips(root, Config())) == len(chosen_clips(root, config)), "meta.csv's clips are all in the frame"


def test_clips_that_cannot_be_trained_on_are_refused_with_their_line(root):
    names, clips = training_names(root), read_clips(root)
    test = clips.filename[clips.split == "test"].iloc[0]
    for listed, sentence in {
        (names[0], "audio/gone.wav"): "line 3 names audio/gone.wav, which meta.csv does not",
        (names[0], test): f"line 3 names {test}, which is in the test part; expected training clips",
        (names[0], names[0]): f"names {names[0]} twice, in lines 2 and 3",
        (): "split5.csv: names no clips",
    }.items():
        path = write_list(root, "split5", listed)
        with pytest.raises(AscError) as error:
            read_clips(root, path)
        assert str(path) in str(error.value) and sentence in str(error.value)
    path = write_list(root, "split5", [f"{names[0]}\tnowhere"], "\tscene_label")
    with pytest.raises(AscError, match="says scene_label 'nowhere' of "):
        read_clips(root, path)


@pytest.mark.parametrize("split", ["ofical", "../meta", "evaluation_setup/split5"])
def test_a_list_that_is_not_there_is_told_with_those_that_are(root, split):
    for name in ("split100", "split5", "split25"):
        write_list(root, name, training_names(root))
    assert lists_of(root) == ["split5", "split25", "split100"], "by size"
    with pytest.raises(AscError, match=f"^setting data.split is '?{split}") as error:
        list_path(root, split)
    assert "split5, split25, split100" in str(error.value) or "an absolute path may lead anywhere" in str(error.value)


def test_data_check_counts_each_list_and_names_one_that_cannot_be_used(root):
    names = training_names(root)
    write_list(root, "split25", names[::4])
    write_list(root, "split50", ["audio/gone.wav"])
    text, problems = check_report(root, read_clips(root), audio=False)
    assert f"data.split=split25: {len(names[::4])} training clips, 25.0 %" in text
    assert "data.split=split50: cannot be used" in text
    (problem,) = problems
    assert "split50.csv: line 2 names audio/gone.wav" in problem


@pytest.mark.slow
def test_lists_of_tau_2022_are_held_against_the_published_counts(tmp_path):
    """A made data set of TAU 2022's counts, device by device; DCASE 2024 publishes 6,980 of 139,620 for split5."""
    rows = []
    for split, counts in {
        "train": {"a": 10215, "b": 749, "c": 748, "s1": 750, "s2": 750, "s3": 750},
        "test": {"a": 330, "b": 329, "c": 329, **{f"s{number}": 330 for number in range(1, 7)}},
    }.items():
        for device, count in counts.items():
            for number in range(count):
                scene, city = SCENES[number % 10], CITIES[number // 10 % 10]
                place = f"{city}-{number % 7 + 100 * (split == 'test')}"
                rows += [(f"{scene}-{place}-{number}-{piece}-{device}", scene, place, device, split)
                         for piece in range(10)]  # fmt: skip
    clips = pd.DataFrame(rows, columns=["name", "scene_label", "identifier", "source_label", "split"])
    clips.insert(0, "filename", "audio/" + clips.name + ".wav")
    (tmp_path / "evaluation_setup").mkdir()
    meta = clips.drop(columns=["name", "split"])
    meta.to_csv(tmp_path / "meta.csv", sep="\t", index=False)
    train = meta[clips.split == "train"]
    train.to_csv(tmp_path / "evaluation_setup" / "fold1_train.csv", sep="\t", index=False)
    meta[clips.split == "test"].to_csv(tmp_path / "evaluation_setup" / "fold1_evaluate.csv", sep="\t", index=False)
    assert len(train) == 139_620
    write_list(tmp_path, "split5", train.filename[:6_980])
    write_list(tmp_path, "split25", train.filename[:34_900])
    write_list(tmp_path, "split50", train.filename[:69_799])
    text, problems = check_report(tmp_path, read_clips(tmp_path), audio=False)
    assert "data.split=split5: 6,980 training clips, 5.0 %" in text and "split25: 34,900 training clips, 25.0 %" in text
    assert "training clips of split50: 69799, published 69800" in problems
    assert not [problem for problem in problems if "split5:" in problem or "split25" in problem]
