"""`asc-tf train` with settings that are wrong or do not fit together."""

import pytest
from command_line import TRAIN, fails, train_fails


def test_unknown_recipe_and_setting_name_the_nearest(root, tmp_path, capsys):
    arguments = ["--data", root, "--run", tmp_path / "run"]
    sentence = fails(capsys, "train", *arguments, "--recipe", "bc-resnet-asc1")
    assert "--recipe bc-resnet-asc1: no such recipe; did you mean 'bc-resnet-asc-1'?" in sentence
    sentence = fails(capsys, *TRAIN, *arguments, "--set", "train.epoch=3")
    assert "--set train.epoch: no such setting; did you mean 'train.epochs'?" in sentence


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ("model.sub_bands=3", "the network's settings do not fit together: SubSpectralNormalization"),
        ("model.depth=2,2", "the network's settings do not fit together: depth is (2, 2)"),
        ("frontend.hop_ms=300", "the frontend's settings do not fit together: window_ms is 130.0 and hop_ms 300.0"),
        ("frontend.mel_bins=2000", "the frontend's settings do not fit together: 2000 mel bins are too many"),
    ],
)
def test_settings_that_do_not_fit_together(root, tmp_path, capsys, setting, message):
    assert message in train_fails(capsys, root, tmp_path / "run", setting)


@pytest.mark.parametrize(
    ("settings", "parts"),
    [
        (["model.rho=7"], ("model.rho is 7", "bc-resnet-asc has no such setting")),
        (["model.network=cp-mobile", "model.norm_position=all"], ("model.norm_position is all", "cp-mobile")),
        (["model.norm_position=stages"], ("norm_position is 'stages'; expected one of none, input, all",)),
    ],
)
def test_settings_that_the_network_does_not_have(synthetic_root, tmp_path, capsys, settings, parts):
    recipe = ["--recipe", "bc-resnet-asc-1"] if len(settings) == 1 else ["--recipe", "bc-resnet-asc-1-resnorm"]
    sentence = fails(capsys, "train", "--data", synthetic_root, "--run", tmp_path / "run", *recipe, "--set", *settings)
    assert all(part in sentence for part in parts)
    assert not (tmp_path / "run").exists()
