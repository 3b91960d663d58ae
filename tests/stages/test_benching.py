"""asc-tf bench: rows, what they need, the table, going on."""

import numpy as np
import pandas as pd
import pytest
from tiny import SMALLEST_SETTINGS, TINY_SETTINGS

from asc_tf import stages
from asc_tf.cli import main
from asc_tf.experiment import bench_rows as rows
from asc_tf.experiment.build import build_model
from asc_tf.experiment.dataset import Dataset
from asc_tf.experiment.recipes import RECIPES
from asc_tf.experiment.settings import Config
from asc_tf.stages import benching, training


def quiet(line):
    """In place of `print`."""


@pytest.fixture(scope="module", autouse=True)
def tiny(eager):
    few = ("train.epochs=1", "train.warmup_epochs=0", "data.validation_fraction=0")
    few = (*few, "finetune.epochs=1", "finetune.classifier_epochs=1")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(benching, "COMMON", (*TINY_SETTINGS, *few))
        patch.setattr(benching, "TEACHER", (rows.TEACHER[0], ("model.width=6",)))
        yield few


@pytest.fixture(scope="module")
def benched(tiny, synthetic_root, tmp_path_factory):
    out = tmp_path_factory.mktemp("bench")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(benching, "COMMON", (*SMALLEST_SETTINGS, *tiny))
        text = stages.bench(synthetic_root, out, names=["drop"], seeds=2, report=quiet)
    return out, text


@pytest.mark.slow
def test_every_row_is_trained_with_every_seed_and_its_base_before_it(benched):
    out, text = benched
    results = pd.read_csv(out / "bc-resnet-asc-1.csv")
    assert list(results.row.unique()) == ["mixstyle", "drop"]
    assert sorted(results.seed.unique()) == [0, 1]
    lines = text.splitlines()
    assert len(lines) == 2 + 2 and (out / "bc-resnet-asc-1.md").read_text() == text + "\n"
    devices = list(results.device.unique())
    header = [cell.strip() for cell in lines[0].strip("|").split("|")]
    first = dict(zip(header, [cell.strip() for cell in lines[2].strip("|").split("|")], strict=True))
    all_ = results[(results.row == "mixstyle") & (results.device == "all")].accuracy
    assert first["all"] == f"{all_.mean():.1f} ± {np.std(all_, ddof=1):.1f}" and first["seeds"] == "2"
    assert set(devices) < {*map(str.lower, header)}


@pytest.mark.slow
def test_the_same_command_again_trains_nothing(benched, tiny, synthetic_root, monkeypatch):
    out, text = benched
    monkeypatch.setattr(benching, "COMMON", (*SMALLEST_SETTINGS, *tiny))
    monkeypatch.setattr(training, "fit", None)
    assert stages.bench(synthetic_root, out, names=["drop"], seeds=2, report=quiet) == text


@pytest.fixture
def config_of(monkeypatch, tmp_path):
    """Function to the Config of a row, without training anything, and the list of what would have been made."""
    made = []
    for name in ("train", "train_translator", "apply_translator"):
        monkeypatch.setattr(benching, name, lambda *args, name=name, **kwargs: made.append((name, *args)))

    def config_of(row, network="bc-resnet-asc-1", seed=1):
        return benching._config("ROOT", tmp_path, network, rows.ROWS[row], seed, tmp_path / "responses", quiet)

    return config_of, made, tmp_path.resolve()


def test_a_distilled_row_has_a_teacher_of_its_seed(config_of):
    config_of, made, out = config_of
    config = config_of("distilled")
    assert config.seed == 1 and config.augment.mixstyle_alpha == 0.3
    assert config.distillation.teacher == (str(out / "teacher" / "1"),)
    ((name, root, teacher, folder, _),) = made
    assert (name, root, folder) == ("train", "ROOT", out / "teacher" / "1")
    assert (teacher.model.width, teacher.seed, teacher.data.validation_fraction) == (6, 1, 0)


def test_a_row_of_translated_clips_has_its_translator(config_of):
    config_of, made, out = config_of
    assert config_of("translator").data.translated == str(out / "translated")
    assert [name for name, *_ in made] == ["train_translator", "apply_translator"]
    (out / "translator").mkdir()
    (out / "translator" / "distances.csv").touch()
    config_of("translator")
    assert [name for name, *_ in made[2:]] == ["apply_translator"]  # which goes on, or sees that all is there


def test_a_row_of_impulse_responses_streams(config_of):
    config_of, _, out = config_of
    config = config_of("responses")
    assert (config.augment.impulse_responses, config.data.features) == (str(out / "responses"), "stream")


def test_methods_go_together(config_of):
    config_of, _, out = config_of
    config = config_of("every")
    assert (config.augment.impulse_responses, config.data.features) == (str(out / "responses"), "stream")
    assert config.data.translated == str(out / "translated")
    assert config.distillation.teacher == (str(out / "teacher" / "1"),) and config.augment.drc_ratio == 5


def test_another_network_keeps_the_rows_normalization(config_of):
    config_of, _, _ = config_of
    config = config_of("pre-resnorm", "bc-res2net-20")
    recipe = RECIPES["bc-resnet-asc-1-pre-resnorm"].config.model
    assert (config.model.network, config.model.scale) == ("bc-res2net", 5)
    assert (config.model.norm_position, config.model.lambda_) == (recipe.norm_position, recipe.lambda_)


@pytest.mark.parametrize("network", rows.NETWORKS)
def test_every_network_can_be_built(config_of, network, monkeypatch):
    """The settings' names are checked without it, but not that they fit together."""
    monkeypatch.setattr(benching, "COMMON", rows.COMMON)
    config = config_of[0]("pre-resnorm", network)
    model = build_model(config, Dataset("ROOT", ("bus", "park"), (), 10.0, 0.0, 1.0))
    assert model.count_params() > 4000


@pytest.mark.parametrize("row", rows.ROWS.values(), ids=list(rows.ROWS))
def test_settings_of_every_row_are_valid(row):
    assert isinstance(RECIPES[row.recipe].config.with_settings((*rows.COMMON, *row.settings)), Config)
    assert row.tuned is None or list(rows.ROWS).index(row.tuned) < list(rows.ROWS).index(row.name)


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (["--rows", "plane"], "--rows plane: expected some of plain, global-freqnorm"),
        (["--rows", "responses"], "--responses: is not given; expected it for --rows responses"),
        (["--seeds", "0"], "--seeds 0: expected a value from 1 to 10,000"),
    ],
)
def test_impossible_benches(synthetic_root, tmp_path, capsys, flags, message):
    assert main(["bench", "esc10", "--data", str(synthetic_root), "--out", str(tmp_path / "out"), *flags]) == 1
    assert message in capsys.readouterr().err and not (tmp_path / "out").exists()
