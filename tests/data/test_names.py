"""Names that a run's own files hold are checked as those of the metadata are: such files come from others too."""

import dataclasses
import json

import pytest

from asc_tf.data.names import check_labels
from asc_tf.data.translated import translated_folder
from asc_tf.errors import AscError
from asc_tf.experiment.dataset import Dataset
from asc_tf.experiment.run_folder import read_run
from asc_tf.experiment.sections import FrontendConfig
from asc_tf.experiment.settings import Config
from asc_tf.experiment.translator_folder import Translation, read_translator, write_translator

BAD = ["../../../x/s1", "..", "", "s1\n", "\x1b[2J", "all", "s 1 ", 7, "S4"]


@pytest.mark.parametrize("name", BAD)
def test_labels_of_a_file_are_names_and_each_is_spelled_once(name):
    check_labels("x.json", "device", ["s4", "s5"])
    with pytest.raises(AscError, match=r"^x\.json: ") as error:
        check_labels("x.json", "device", ["s4", name])
    assert str(error.value).isprintable()


@pytest.mark.parametrize("name", BAD)
@pytest.mark.parametrize("kind", ["scenes", "seen_devices"])
def test_a_run_with_another_name_than_metadata_may_hold_is_refused(tmp_path, kind, name):
    """evaluate --leave-device-out makes a folder for each device that dataset.json names."""
    names = {"scenes": ("bus", "s4"), "seen_devices": ("a", "s4")}
    (tmp_path / "config.json").write_text(Config().to_json())
    dataset = Dataset(str(tmp_path), clip_seconds=1.0, feature_mean=0.0, feature_std=1.0, **names)
    values = dataclasses.asdict(dataset)
    (tmp_path / "dataset.json").write_text(json.dumps(values))
    assert read_run(tmp_path)[1] == dataset
    values[kind] = [*values[kind], name]
    (tmp_path / "dataset.json").write_text(json.dumps(values))
    with pytest.raises(AscError, match=r"dataset\.json: (has )?(scene|device)"):
        read_run(tmp_path)


def test_a_translator_with_such_a_device_is_refused(tmp_path):
    settings = Translation("a", ("b", "s1"))
    write_translator(tmp_path, tmp_path, settings, FrontendConfig())
    assert read_translator(tmp_path)[1] == settings
    write_translator(tmp_path, tmp_path, Translation("a", ("b", "../s1")), FrontendConfig())
    with pytest.raises(AscError, match=r"translator\.json: device '\.\./s1' cannot name a folder"):
        read_translator(tmp_path)


def test_translated_clips_stay_in_the_features_unless_a_path_is_absolute(tmp_path):
    assert translated_folder(tmp_path, "loud/s1") == tmp_path / "features" / "loud" / "s1"
    assert str(translated_folder(tmp_path, "/elsewhere")) == "/elsewhere"
    for name in ("../meta.csv", "..", "", "x/../../../y"):
        with pytest.raises(AscError, match="translated clips"):
            translated_folder(tmp_path, name)
