import pytest

from asc_tf.config import Config
from asc_tf.errors import AscError
from asc_tf.recipes import RECIPES, find_recipe


@pytest.mark.parametrize("recipe", RECIPES.values(), ids=lambda recipe: recipe.name)
def test_every_recipe_is_sound_and_names_its_source(recipe):
    recipe.config.check()
    assert recipe.config.recipe == recipe.name == find_recipe(recipe.name).name
    assert recipe.paper and recipe.table and float(recipe.expected.split()[0]) > 50
    assert Config.from_json(recipe.config.to_json()) == recipe.config


@pytest.mark.parametrize("recipe", RECIPES.values(), ids=lambda recipe: recipe.name)
def test_optimization_is_that_of_the_papers(recipe):
    train, augment, model = recipe.config.train, recipe.config.augment, recipe.config.model
    assert (train.momentum, train.l2, train.batch_size, train.learning_rate) == (0.9, 0.001, 64, 0.06)
    assert (train.epochs, train.warmup_epochs) in [(100, 5), (300, 10)]
    assert (augment.roll_seconds, augment.mixup_alpha) == (1.5, 0.3)
    masks = (augment.frequency_masks, augment.frequency_mask_bins, augment.time_masks, augment.time_mask_frames)
    assert masks == ((2, 40, 2, 80) if model.width == 80 else (2, 0, 2, 0)), "SpecAugment for the large model only"
    assert (model.sub_bands, model.dropout) == (4, 0.1) and model.lambda_ in (0.0, 0.1)


@pytest.mark.parametrize(
    ("name", "width", "norm_position", "lambda_"),
    [
        ("bc-resnet-asc-1", 10, "none", 0.1),
        ("bc-resnet-asc-1-freqin", 10, "input", 0.0),
        ("bc-resnet-asc-1-pre-resnorm", 10, "input", 0.1),
        ("bc-resnet-asc-1-resnorm-no-shortcut", 10, "all", 0.0),
        ("bc-resnet-asc-8-resnorm", 80, "all", 0.1),
    ],
)
def test_a_recipes_network_is_that_of_its_row(name, width, norm_position, lambda_):
    model = find_recipe(name).config.model
    assert (model.width, model.norm_position, model.lambda_) == (width, norm_position, lambda_)


def test_unknown_recipe():
    with pytest.raises(AscError, match="--recipe x: no such recipe; expected one of bc-resnet-asc-1, "):
        find_recipe("x")
