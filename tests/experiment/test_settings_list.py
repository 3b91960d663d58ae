from pathlib import Path

import pytest

from asc_tf.errors import AscError
from asc_tf.experiment.setting import fields_of
from asc_tf.experiment.settings import Config
from asc_tf.experiment.settings_list import WIDTH, settings_markdown, settings_text

PAGE = Path(__file__).resolve().parents[2] / "docs" / "settings.md"


def test_the_page_of_the_documentation_is_up_to_date():
    assert PAGE.read_text() == settings_markdown() + "\n", "run: asc-tf settings --markdown > docs/settings.md"


def test_the_list_names_every_setting_and_fits_its_width():
    text = settings_text()
    assert max(map(len, text.splitlines())) <= WIDTH
    for item in fields_of(Config):
        assert f"  {item.key}" in text and f"`{item.key}`" in settings_markdown()


def test_a_setting_is_shown_with_default_range_unit_help_and_symbol():
    text = " ".join(settings_text(["model", "train"]).split())
    assert "train.epochs = 100 1 to 100,000 epochs passes over the training clips" in text
    assert "model.lambda_ = the network's own 0 to 100, none weight of its shortcut (λ)" in text
    assert "train.optimizer = sgd sgd, adamw" in text and "frontend." not in text


def test_an_unknown_section_is_answered_with_the_nearest():
    with pytest.raises(AscError, match="trian: no such section of settings; did you mean 'train'?"):
        settings_text(["trian"])
