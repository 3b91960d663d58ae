import dataclasses

import pytest

from asc_tf.errors import AscError
from asc_tf.experiment.recipes import find_recipe
from asc_tf.experiment.settings import Config
from asc_tf.experiment.teachers import check_teachers, teacher_config
from asc_tf.experiment.training_sections import DistillationConfig


def write(path, teacher):
    path.write_text(Config(distillation=DistillationConfig(recipe=teacher and str(teacher))).to_json())
    return path


def taught_by(teacher):
    return Config(distillation=DistillationConfig(recipe=str(teacher)))


@pytest.mark.parametrize("length", [1, 2, 5])
def test_a_recipe_that_leads_back_to_itself_is_refused(tmp_path, length):
    places = [tmp_path / f"{number}.json" for number in range(length)]
    for place, teacher in zip(places, [*places[1:], places[0]], strict=True):
        write(place, teacher)
    for config in (taught_by(places[0]), find_recipe(str(places[0])).config):
        with pytest.raises(AscError) as caught:
            check_teachers(config)
        assert "setting distillation.recipe is" in str(caught.value) and "taught by itself" in str(caught.value)
        assert all(str(place) in str(caught.value) for place in places) and "\n" not in str(caught.value)


def test_another_spelling_of_a_file_is_the_same_file(tmp_path):
    write(tmp_path / "one.json", tmp_path / "folder" / ".." / "one.json")
    (tmp_path / "folder").mkdir()
    with pytest.raises(AscError, match="taught by itself"):
        check_teachers(taught_by(tmp_path / "one.json"))


def test_teachers_of_teachers_are_allowed(tmp_path):
    last = write(tmp_path / "last.json", "self")
    check_teachers(taught_by(write(tmp_path / "first.json", last)))
    check_teachers(Config())
    check_teachers(taught_by("self"))
    check_teachers(find_recipe("bc-resnet-asc-1-robust").config)


def test_a_teacher_that_cannot_be_read_is_named_before_anything_is_trained(tmp_path):
    with pytest.raises(AscError, match=r"--recipe .*gone.json: cannot be read"):
        check_teachers(taught_by(write(tmp_path / "first.json", tmp_path / "gone.json")))
    (tmp_path / "bad.json").write_text('{"data": {"features": "foo"}}')
    with pytest.raises(AscError, match='bad.json: setting data.features is "foo"'):
        check_teachers(taught_by(tmp_path / "bad.json"))


def test_a_teacher_whose_settings_contradict_the_students_is_refused():
    student = taught_by("qti-submission-1").with_settings(["data.validation_fraction=0"])
    with pytest.raises(AscError, match="train.select is min-var; expected data.validation_fraction above 0"):
        teacher_config(student)
    assert teacher_config(dataclasses.replace(student, data=Config().data)).train.select == "min-var"


@pytest.mark.parametrize(
    ("content", "message"),
    [(b"\xff\xfe", "is no text in UTF-8"), (b"", "holds no settings"), (b'{"a": 1}', r"\(a is none; ")],
)
def test_a_file_that_is_no_recipe_is_named(tmp_path, content, message):
    (tmp_path / "one.json").write_bytes(content)
    with pytest.raises(AscError, match=f"one.json: .*{message}"):
        find_recipe(str(tmp_path / "one.json"))


def test_names_that_are_no_files(tmp_path):
    for name in (str(tmp_path), "a\0b", "x" * 10_000):
        with pytest.raises(AscError, match="--recipe .*: cannot be read") as caught:
            find_recipe(f"{name}/.json")
        assert str(caught.value).isprintable() and len(str(caught.value)) < 5000
