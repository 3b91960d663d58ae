"""Thousands of wrong settings with fixed seeds: each is one sentence, or a Config whose every value is in range."""

import json
import math
import random

import pytest

from asc_tf.errors import AscError
from asc_tf.experiment.command_settings import Compression, Search, Translation
from asc_tf.experiment.recipes import RECIPES
from asc_tf.experiment.setting import fields_of
from asc_tf.experiment.setting_values import check_flags, from_values, value_at
from asc_tf.experiment.settings import PRESETS, Config

TEXTS = [
    "", " ", "0", "-0", "-1", "1", "2", "3.5", "1e-400", "1e7", "1e30", "1e400", "-1e400", "inf", "-inf", "Infinity",
    "nan", "-nan", "9" * 24, "-" + "9" * 24, "9" * 5000, "1_000", "0x10", "0b1", "٣", "½", "none", "None", "null",
    "true", "TRUE", "yes", "foo", "1,1,1,1", "1,-1", "100000,1,1,1", ",", ",,", "1," * 200, "a\0b", "a\nb", "../../x",
    "ü" * 5000, "{}", "[1]", "=", "a=b", "%s", "stream", "full", "min-var", "pcen", "self",
]  # fmt: skip
VALUES = [
    None, True, False, 0, -1, 1, 2, 7.0, 0.5, -0.5, 1e7, 1e308, 10**24, -(10**24), 10**400, math.inf, -math.inf,
    math.nan, "", "foo", "1", "none", "a\0b", "x" * 10_000, [], [1, 1, 1, 1], [[1]], ["a", 3], [None], [True],
    [2] * 200, {}, {"a": 1}, {"epochs": {"epochs": 3}}, [{}],
]  # fmt: skip
BYTES = rb'" { } [ ] , : 0 9 - e \ N "data"'.split() + [b"\xff", b"\0", b"\n"]


def assert_one_sentence(error, *parts):
    text = str(error)
    assert 10 < len(text) < 600 and text.isprintable() and all(part in text for part in parts), text


def assert_in_range(settings):
    """By the fields' ranges, without the code that checks them."""
    for item in fields_of(type(settings)):
        value = value_at(settings, item.key)
        assert item.optional or value is not None, item.key
        for each in () if value is None else value if item.several else (value,):
            assert type(each) is item.type, (item.key, each)
            assert not item.choices or each in item.choices, (item.key, each)
            if item.type in (int, float):
                assert math.isfinite(each) and item.setting.low <= each <= item.setting.high, (item.key, each)


def test_every_number_has_two_finite_limits_and_every_default_is_within():
    for cls in (Config, Compression, Translation, Search):
        for item in fields_of(cls):
            assert item.setting.help and not item.setting.help.endswith("."), item.key
            if item.type in (int, float):
                assert math.isfinite(item.setting.low) and item.setting.low < item.setting.high < math.inf, item.key
    for config in (Config(), *(recipe.config for recipe in RECIPES.values())):
        assert_in_range(config)
    for section, presets in PRESETS.items():
        for name in presets:
            assert_in_range(Config().with_settings([f"{section}={name}"]))


def test_settings_of_flags():
    chance, accepted = random.Random(17), 0
    keys = [*(item.key for item in fields_of(Config)), *PRESETS, "train", "x", "", "train.", ".epochs", "model.network"]
    for _ in range(3000):
        settings = [f"{chance.choice(keys)}={chance.choice(TEXTS)}" for _ in range(chance.choice((1, 1, 2)))]
        try:
            config = Config().with_settings(settings)
        except AscError as error:
            assert_one_sentence(error)
            continue
        accepted += 1
        assert_in_range(config)
        assert Config.from_json(config.to_json()) == config
    assert 200 < accepted < 2500, "both kinds are met"


def changed(values, chance):
    """A copy of what JSON has, with one thing changed in a random place."""
    values = {name: dict(value) if isinstance(value, dict) else value for name, value in values.items()}
    place = chance.choice([values, *(each for each in values.values() if isinstance(each, dict))])
    name = chance.choice([*place, "unknown", "tráin"])
    if chance.random() < 0.1:
        place.pop(name, None)
    else:
        place[name] = chance.choice(VALUES)
    return values


def test_values_of_recipes_and_run_files():
    chance, accepted = random.Random(13), 0
    recipes = [json.loads(recipe.config.to_json()) for recipe in RECIPES.values()]
    for _ in range(3000):
        values = changed(chance.choice(recipes), chance)
        text = json.dumps(values) if chance.random() < 0.98 else json.dumps([values])
        try:
            config = Config.from_json(text, "r/config.json")
        except AscError as error:
            assert_one_sentence(error, "r/config.json: ")
            continue
        accepted += 1
        assert_in_range(config)
        assert Config.from_json(config.to_json()) == config
    assert 200 < accepted < 2500


def test_bytes_of_recipes_and_run_files(tmp_path):
    chance, path, refused = random.Random(11), tmp_path / "config.json", 0
    whole = RECIPES["bc-res2net-40-mfa-fpm"].config.to_json().encode()
    for _ in range(1000):
        content = bytearray(whole)
        for _ in range(chance.choice((1, 1, 3))):
            at = chance.randrange(len(content))
            content[at : at + chance.choice((0, 1, 1, 5, 500))] = chance.choice(BYTES)
        path.write_bytes(content)
        try:
            assert_in_range(Config.read(path))
        except AscError as error:
            refused += 1
            assert_one_sentence(error, f"{path}: ")
    assert refused > 500


@pytest.mark.parametrize(
    "settings", [Compression(), Translation("a", ("b",)), Search("width", "2021")], ids=lambda each: type(each).__name__
)
def test_flags_of_commands_and_their_json(settings):
    chance, cls, refused = random.Random(7), type(settings), 0
    for _ in range(1000):
        values = {**vars(settings), chance.choice([*vars(settings), "unknown"]): chance.choice(VALUES)}
        try:
            made = from_values(cls, values)
            check_flags(made)
            assert_in_range(made)
        except AscError as error:
            refused += 1
            assert_one_sentence(error)
        if "unknown" not in values:
            try:
                check_flags(cls(**values))
            except AscError as error:
                assert_one_sentence(error, "--")
    assert refused > 500


@pytest.mark.parametrize("depth", [100, 900, 100_000])
@pytest.mark.parametrize("opening", ['{"train":', "["])
def test_deep_nesting(depth, opening):
    for text in (opening * depth, f'{{"model": {opening * depth}1{("}" if "{" in opening else "]") * depth}}}'):
        with pytest.raises(AscError) as caught:
            Config.from_json(text, "r/config.json")
        assert_one_sentence(caught.value, "r/config.json: ")
