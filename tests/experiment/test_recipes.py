import dataclasses
import shlex

import numpy as np
import pytest
import tf_keras as keras
import tyro
from tiny import TINY_SETTINGS

from asc_tf.cli import Command
from asc_tf.data.clips import read_clips, scenes_of
from asc_tf.data.loader import training_batches
from asc_tf.data.tau import SCENES
from asc_tf.data.translated import translated_clips, translated_folder, translation_settings, write_translated
from asc_tf.data.waveforms import Cut
from asc_tf.errors import AscError
from asc_tf.experiment.build import augmentation, build_frontend, build_model, build_optimizer
from asc_tf.experiment.dataset import Dataset
from asc_tf.experiment.recipes import BEYOND, HYU, RECIPES, find_recipe
from asc_tf.experiment.settings import Config
from asc_tf.stages.experiment import Experiment

TODAY = ("cp-mobile-2023", "tf-sepnet")  # networks whose public code prints no score
BC_RESNETS = ("bc-resnet", "bc-resnet-asc")


def made_small(recipe):
    """A recipe's settings for networks of one block a stage and a few channels, and clips of a second."""
    small = [setting for setting in TINY_SETTINGS if "epochs" not in setting and "mel_bins" not in setting]
    network = recipe.config.model.network
    depth = ["model.depth=none" if network in ("cp-resnet", *TODAY) else "model.depth=1,1,1,1"]
    width = ["model.width=8"] if network in ("bc-res2net", "cp-mobile", *TODAY) else []
    return recipe.config.with_settings([*small, *depth, *width, "frontend.mel_bins=64"])


SMALL = {recipe.name: made_small(recipe) for recipe in RECIPES.values()}


def parts_of_a_training(config):
    """What a training begins with: recipes of the same parts are told apart by what their networks are made of."""
    yield from (config.frontend, config.augment, config.data.translated)
    yield dataclasses.replace(config.train, select="last")  # what is kept at the end is no part of it
    yield config.model.network, config.model.standardization


def recipes_of_all_parts():
    """As few recipes as have every part of every recipe's training, those of the most parts that no other has first."""
    parts = {name: set(parts_of_a_training(config)) for name, config in SMALL.items()}
    wanted, chosen = set().union(*parts.values()), []
    while wanted:
        chosen.append(max(parts, key=lambda name: len(parts[name] & wanted)))
        wanted -= parts[chosen[-1]]
    for name in tuple(chosen):
        if parts[name] <= set().union(*(parts[other] for other in chosen if other != name)):
            chosen.remove(name)  # those chosen after it have all that it has
    return chosen


TRAINED = recipes_of_all_parts()
OTHER_NETWORKS = {config.model: name for name, config in reversed(SMALL.items())}
for name in TRAINED:
    OTHER_NETWORKS.pop(SMALL[name].model, None)


@pytest.mark.parametrize("recipe", RECIPES.values(), ids=lambda recipe: recipe.name)
def test_every_recipe_is_sound_and_names_its_source(recipe):
    recipe.config.check()
    assert recipe.config.recipe == recipe.name == find_recipe(recipe.name).name
    assert recipe.paper and recipe.table
    assert recipe.paper == BEYOND or recipe.config.model.network in TODAY or float(recipe.expected.split()[0]) > 42
    assert not recipe.log_loss or 0.5 < float(recipe.log_loss) < 1.4
    assert Config.from_json(recipe.config.to_json()) == recipe.config


@pytest.mark.parametrize(
    "recipe",
    [r for r in RECIPES.values() if r.paper != HYU and r.config.model.network not in (*TODAY, "cp-mobile")],
    ids=lambda recipe: recipe.name,
)
def test_optimization_is_that_of_the_papers(recipe):
    train, augment, model = recipe.config.train, recipe.config.augment, recipe.config.model
    assert (train.momentum, train.l2, train.batch_size, train.learning_rate) == (0.9, 0.001, 64, 0.06)
    assert (train.epochs, train.warmup_epochs) in [(100, 5), (300, 10)]
    assert (augment.roll_seconds, augment.mixup_alpha) == (1.5, 0.3)
    masks = (augment.frequency_masks, augment.frequency_mask_bins, augment.time_masks, augment.time_mask_frames)
    assert masks == ((2, 40, 2, 80) if model.width > 10 else (2, 0, 2, 0)), "SpecAugment for the large models only"
    assert model.network not in BC_RESNETS or (model.sub_bands, model.dropout) == (4, 0.1)
    assert model.network != "bc-resnet-asc" or model.lambda_ in (0.0, 0.1)


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


@pytest.mark.parametrize(
    ("name", "table", "expected", "network"),
    [
        ("bc-resnet-asc-1-global-freqnorm", "table 3", "60.0 ± 0.9", {"standardization": "bin"}),
        ("bc-resnet-asc-1-pcen", "table 3", "62.2 ± 0.8", {"standardization": "scalar"}),
        ("bc-resnet-8", "table 2", "68.6 ± 0.4", {"network": "bc-resnet", "width": 64, "depth": (2, 2, 4, 4)}),
        ("cp-resnet", "table 2", "67.8", {"network": "cp-resnet", "width": 64, "rho": 5}),
    ],
)
def test_the_papers_baselines(name, table, expected, network):
    recipe, plain = find_recipe(name), find_recipe("bc-resnet-asc-1").config
    assert (recipe.table, recipe.expected) == (table, expected)
    assert network.items() <= vars(recipe.config.model).items() and recipe.config.model.norm_position in (None, "none")
    assert (recipe.config.frontend.compression == "pcen") == (name == "bc-resnet-asc-1-pcen")
    if name.startswith("bc-resnet-asc-1"):
        changed = {difference.split(":")[0] for difference in recipe.config.differences(plain)}
        assert len(changed - {"recipe"}) == 1, "a baseline differs from the plain network in one thing"


def quiet(line):
    """In place of `print`."""


def write_noise_as_translated(config, root, clips):
    """Translated clips of device a for a Config, as `asc-tf translate apply` would write them."""
    frontend, cut = build_frontend(config), Cut(config.frontend.sample_rate_hz, 1.0)
    settings = translation_settings(frontend, cut, "a", ("b", "s1"), "noise")
    shape = frontend.feature_shape(cut.samples)[:2]
    rows = translated_clips(clips[clips.device == "a"], ("b", "s1"))
    generator = np.random.default_rng(0)
    write_translated(
        translated_folder(root, config.data.translated), root, rows, settings, shape,
        lambda part: generator.normal(size=(len(part), *shape)),
    )  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("name", OTHER_NETWORKS.values())
def test_the_networks_of_other_recipes_answer(name):
    network = build_model(SMALL[name], Dataset("nowhere", SCENES, ("a",), 1.0, 0.5, 2.0))
    features = np.random.default_rng(0).normal(size=(2, *network.input_shape[1:])).astype(np.float32)
    answer = network(features, training=True).numpy()
    assert answer.shape == (2, 10) and np.isfinite(answer).all() and np.ptp(answer, axis=0).min() > 0


@pytest.mark.slow
@pytest.mark.parametrize("name", TRAINED)
def test_recipes_train_two_steps(name, synthetic_root, tmp_path):
    """From its settings, made small: features, translated clips, statistics, network, augmentation, optimizer."""
    config, translated = SMALL[name], SMALL[name].data.translated
    if translated:
        config = config.with_settings([f"data.translated={tmp_path / 'translated'}"])
    clips = read_clips(synthetic_root)
    clips = clips[clips.split == "train"].reset_index(drop=True)
    dataset, rows = Dataset(str(synthetic_root), tuple(scenes_of(clips)), (), 1.0, 0.0, 1.0), np.arange(30)
    if translated:
        write_noise_as_translated(config, synthetic_root, clips)
    read = Experiment(config, dataset, clips, rows, training=rows).with_features(tmp_path, quiet)
    if translated:
        read = dataclasses.replace(read, training=read.training[-30:])
        assert set(read.clips.device.iloc[read.training]) == {"b", "s1"}
    read = read.with_statistics(tmp_path, quiet)
    model = build_model(config, read.dataset)
    before = model.get_weights()
    model.compile(
        build_optimizer(config, steps_per_epoch=2),
        keras.losses.CategoricalCrossentropy(from_logits=True),
        run_eagerly=True,
    )
    classes = len(dataset.scenes)
    batches = training_batches(
        read.features, read.labels, classes, 16, rows=read.training, augment=augmentation(config)
    )
    history = model.fit(batches, steps_per_epoch=2, verbose=0).history
    assert np.isfinite(history["loss"]).all()
    changed = [not np.array_equal(old, new) for old, new in zip(before, model.get_weights(), strict=True)]
    assert np.mean(changed) > 0.9


@pytest.mark.parametrize("recipe", [r for r in RECIPES.values() if r.paper == HYU], ids=lambda recipe: recipe.name)
def test_hyu_trains_as_the_paper_says(recipe):
    """Lee et al., section 4: AdamW 0.05, 300 epochs of batches of 512, warm-up from 1e-8 to 0.01, 1 s clips."""
    config = recipe.config
    train, model, augment = config.train, config.model, config.augment
    assert (train.optimizer, train.weight_decay, train.batch_size) == ("adamw", 0.05, 512)
    assert (train.epochs, train.warmup_epochs, train.warmup_from, train.learning_rate) == (300, 10, 1e-8, 0.01)
    assert (round(config.frontend.window_ms * 16), round(config.frontend.hop_ms * 16)) == (2048, 512)
    assert (model.width, model.sub_bands, model.lambda_) == (40, 4, 0.1)
    assert (augment.roll_seconds, augment.roll_probability, augment.mixup_alpha) == (0.5, 0.8, 0.3)
    tune = config.finetune
    assert (tune.learning_rate, tune.weight_decay) == (1e-5, 1e-8)
    assert tune.distance_weight == (0.04 if recipe.name.endswith("0.04") else 0.4)


def test_the_baselines_of_2024_and_2025_train_as_their_public_code_says():
    shares = (5, 10, 25, 50, 100)
    splits = {f"dcase2024-baseline-{share}": f"split{share}" for share in shares}
    splits |= dict.fromkeys(("dcase2025-baseline", "dcase2025-baseline-per-device"), "split25")
    for name, split in splits.items():
        recipe = find_recipe(name)
        config, train, augment = recipe.config, recipe.config.train, recipe.config.augment
        assert config.data.split == split and recipe.data_set == "TAU 2022 Mobile"
        assert (train.optimizer, train.epochs, train.batch_size) == ("adamw", 150, 256)
        assert (train.learning_rate, train.weight_decay) == (0.005, 1e-4)
        assert (augment.roll_seconds, augment.mixup_alpha, augment.frequency_mask_bins) == (0.1, 0.0, 48)
        assert (augment.mixstyle_alpha, augment.mixstyle_probability) == (0.3, 0.4)
    assert recipe.expected == "51.89 ± 0.05" and "--per-device" in recipe.commands[-1]
    dataset = Dataset("", SCENES, ("a",), 1.0, 0.0, 1.0)
    network = build_model(config, dataset)
    assert network.input_shape == (None, 256, 65, 1)
    assert sum(np.prod(weight.shape) for weight in network.trainable_weights) == 61_148


@pytest.mark.parametrize(
    ("name", "mel_bins", "high_hz"), [("cp-mobile-2023", 256, 15500), ("tf-sepnet-64", 512, 16000)]
)
def test_networks_of_today_hear_and_learn_as_their_authors_public_code_says(name, mel_bins, high_hz):
    config = find_recipe(name).config
    frontend, train = config.frontend, config.train
    assert (frontend.sample_rate_hz, frontend.mel_bins, frontend.high_hz) == (32000, mel_bins, high_hz)
    assert (round(frontend.window_ms * 32), round(frontend.hop_ms * 32)) == (3072, 500)
    assert (train.epochs, train.batch_size, config.distillation.temperature) == (150, 256, 2.0)
    assert config.distillation.weight == 0.98, "labels weigh 0.02"
    assert find_recipe(name).data_set == "TAU 2022 Mobile"
    assert train.learning_rate == {256: 9e-4, 512: 4e-3}[mel_bins]


def test_every_row_of_hyus_tables_is_there():
    rows = {r.name: (r.table, r.expected, r.log_loss) for r in RECIPES.values() if r.paper == HYU}
    assert len(rows) == 5 + 9 + 4 + 4
    assert rows["bc-res2net-40-mfa-fpm"] == ("table 2", "60.8", "1.167")
    assert rows["bc-res2net-40-5s"] == ("table 3", "59.7", "1.185")
    assert rows["bc-res2net-40-mfa-fpm-drop-0.90"] == ("table 4", "62.6", "1.076")
    assert RECIPES["bc-res2net-40-mfa-fpm-drop-0.99"].config.finetune.max_drop_rate == 0.99


def parsed(command):
    """A command of `asc-tf`, read by its own parser."""
    return tyro.cli(
        Command,
        args=shlex.split(command)[1:],
        config=(tyro.conf.OmitSubcommandPrefixes, tyro.conf.OmitArgPrefixes, tyro.conf.FlagCreatePairsOff),
    )


def test_the_commands_of_every_recipe_are_commands():
    several = [recipe for recipe in RECIPES.values() if len(recipe.commands) > 1]
    assert len(several) > 15
    for command in dict.fromkeys(command for recipe in several for command in recipe.commands):
        words = parsed(command)
        if hasattr(words, "recipe"):
            find_recipe(words.recipe).config.with_settings(words.settings)


def test_the_device_translators_row_differs_from_resnorms_in_the_clips_alone():
    recipe, plain = find_recipe("bc-resnet-asc-8-resnorm-translator"), find_recipe("bc-resnet-asc-8-resnorm")
    assert (recipe.table, recipe.expected) == ("table 2", "75.4 ± 0.3")
    changed = [difference.split(":")[0] for difference in recipe.config.differences(plain.config)]
    assert changed == ["recipe", "data.translated"]


@pytest.mark.parametrize(
    ("number", "scores", "teacher"),
    [
        (1, ("76.99", "0.72"), "on all clips"),
        (2, ("75.91", "0.72"), "self"),
        (3, ("77.46", "0.72"), "self"),
        (4, ("75.10", "0.77"), "on all clips"),
    ],
)
def test_qtis_submissions_are_the_rows_of_their_table_3(number, scores, teacher):
    recipe = find_recipe(f"qti-submission-{number}")
    config, commands = recipe.config, " ".join(recipe.commands)
    assert (recipe.table, recipe.expected, recipe.log_loss) == ("table 3", *scores)
    assert (config.model.width, config.train.epochs, config.data.split) == (80, 300, "official")
    assert config.train.select == ("min-var" if number == 1 else "last")
    assert (config.data.translated == "translated") == (number in (2, 4)) == ("translate apply" in commands)
    assert config.distillation.recipe == ("self" if teacher == "self" else None)
    assert ("--teacher TEACHER" in recipe.flags and "data.split=full" in recipe.first[-1]) == (teacher != "self")
    assert ("asc-tf ensemble" in commands) == (number < 4)
    assert ("--prune 0.84 --weights fp16" in commands) == (number == 4)


def test_unknown_recipe():
    with pytest.raises(AscError, match="--recipe x: no such recipe; expected one of bc-resnet-asc-1, "):
        find_recipe("x")


def test_a_file_of_settings_is_a_recipe(tmp_path):
    config = Config().with_settings(["model.width=14", "train.epochs=7"])
    (tmp_path / "winner.json").write_text(config.to_json())
    assert find_recipe(str(tmp_path / "winner.json")).config == config
    with pytest.raises(AscError, match=r"--recipe .*none.json: cannot be read \(No such file or directory\)"):
        find_recipe(str(tmp_path / "none.json"))
    (tmp_path / "other.json").write_text("[1]")
    with pytest.raises(AscError, match=r"other.json: holds no settings of asc-tf"):
        find_recipe(str(tmp_path / "other.json"))
