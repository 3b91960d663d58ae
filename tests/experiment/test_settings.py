import dataclasses
import json

import pytest

from asc_tf.errors import AscError
from asc_tf.experiment.sections import FRONTENDS, ModelConfig
from asc_tf.experiment.settings import Config


def test_json_round_trip_keeps_every_setting():
    config = Config(seed=3, frontend=FRONTENDS["tau2022"]).with_settings(
        ["model.depth=1,2,3,4", "data.clip_seconds=2.5"]
    )
    assert Config.from_json(config.to_json()) == config


def test_settings_are_parsed_by_their_type():
    config = Config().with_settings(
        ["train.epochs=7", "train.learning_rate=1e-3", "model.learnable_lambda=bin", "data.split=full",
         "model.depth=1,1,1,1", "frontend.high_hz=none", "train.warmup_epochs=2"]
    )  # fmt: skip
    assert config.train.epochs == 7 and isinstance(config.train.epochs, int)
    assert config.train.learning_rate == 0.001
    assert config.model.learnable_lambda == "bin"
    assert config.data.split == "full"
    assert config.model.depth == (1, 1, 1, 1)
    assert config.frontend.high_hz is None


def test_features_are_kept_unless_they_are_streamed():
    assert Config().data.features == "cache" and Config().augment.impulse_responses is None
    config = Config().with_settings(["augment.impulse_responses=/some/MicIRP", "data.features=stream"])
    assert config.data.features == "stream" and config.augment.impulse_responses == "/some/MicIRP"
    assert Config.from_json(config.to_json()) == config
    assert config.with_settings(["augment.impulse_responses=none", "data.features=cache"]) == Config()


def test_settings_of_before_there_were_streams_are_read_as_kept_features():
    values = json.loads(Config().to_json())
    del values["data"]["features"], values["augment"]["impulse_responses"], values["augment"]["gain_db"]
    del values["augment"]["drc_ratio"], values["augment"]["drc_probability"]
    assert Config.from_json(json.dumps(values)) == Config()


@pytest.mark.parametrize(("before", "now"), [(True, "scalar"), (False, None), (None, None)])
def test_settings_of_before_there_were_baselines_are_read_as_what_they_were(before, now):
    values = json.loads(Config().to_json())
    del values["frontend"]["compression"], values["model"]["norm"], values["model"]["standardization"]
    values["model"]["learnable_lambda"] = before
    config = Config.from_json(json.dumps(values))
    assert config == dataclasses.replace(Config(), model=ModelConfig(learnable_lambda=now))


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ("frontend.floor=1e-5", "setting frontend.floor is 1e-05; expected none with frontend.compression=pcen"),
        ("augment.drc_ratio=4", "setting augment.drc_ratio is 4.0; expected frontend.compression=log with it"),
        ("augment.gain_db=6", "setting augment.gain_db is 6.0; expected frontend.compression=log with it"),
    ],
)
def test_what_needs_a_logarithm_is_refused_with_pcen(setting, message):
    Config().with_settings([setting])
    for pcen in ("frontend=tau2022-pcen", "frontend.compression=pcen"):
        with pytest.raises(AscError) as error:
            Config().with_settings([pcen, setting])
        assert str(error.value) == message


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ("train.epoch=3", "--set train.epoch: no such setting; did you mean 'train.epochs'?"),
        ("lambda=0.3", "did you mean 'model.lambda_'?"),
        ("train.epochs", "--set train.epochs: expected name=value"),
        ("train.epochs=many", "--set train.epochs=many: expected a whole number"),
        ("train.learning_rate=nan", "--set train.learning_rate=nan: expected a number"),
        ("model.norm_position=middle", "expected one of none, input, stages, all"),
        ("model.learnable_lambda=maybe", "expected one of scalar, bin"),
        ("model.mfa=maybe", "expected true or false"),
        ("frontend.compression=root", "--set frontend.compression=root: expected one of log, kaldi, pcen"),
        ("model.standardization=clip", "expected one of scalar, bin"),
        ("train.epochs=0", "setting train.epochs is 0; expected a value from 1"),
        ("model.dropout=1.5", "setting model.dropout is 1.5"),
        ("train.epochs=5", "setting train.warmup_epochs is 5; expected less than train.epochs = 5"),
        ("model.width=7", "setting model.width is 7; expected an even number"),
        ("seed=-1", "setting seed is -1; expected a value from 0"),
        ("data.features=disk", "--set data.features=disk: expected one of cache, stream"),
        ("augment.gain_db=-3", "setting augment.gain_db is -3.0; expected a value from 0"),
        ("augment.drc_ratio=0", "setting augment.drc_ratio is 0.0; expected a value from 1 to 100"),
        ("augment.gain_probability=1.1", "setting augment.gain_probability is 1.1; expected a value from 0 to 1"),
        ("augment.impulse_response_probability=-0.1", "setting augment.impulse_response_probability is -0.1"),
        ("augment.roll_seconds=inf", "setting augment.roll_seconds is inf; expected a value from 0 to 600 s"),
        ("augment.mixup_alpha=inf", "setting augment.mixup_alpha is inf; expected a value from 0 to 1,000"),
        ("augment.time_masks=-1", "setting augment.time_masks is -1; expected a value from 0 to 100"),
        ("frontend.window_ms=1e7", "setting frontend.window_ms is 10000000.0; expected a value from 1 to 1,000 ms"),
        ("frontend.sample_rate_hz=768000", "window_ms is 130.0, 99,840 samples at 768000 Hz; expected at most 65,536"),
        (f"train.batch_size={'9' * 24}", f"train.batch_size is {'9' * 24}; expected a value from 1 to 65,536 clips"),
        (f"train.batch_size={'9' * 5000}", f"--set train.batch_size={'9' * 197}...: expected a whole number from 1"),
        ("model.depth=100000,1,1,1", "setting model.depth is a list of 4; expected a value from 0 to 64"),
        ("model.depth=1,", "--set model.depth=1,: expected a whole number from 0 to 64"),
        ("data.translated=", "--set data.translated=: expected a name or path, or none"),
        ("data.leave_out=a,\n", "--set data.leave_out=a,\\n: expected a name or path"),
        ("sample_rate", "--set sample_rate: expected name=value"),
        ("x=1", "--set x: no such setting; 'asc-tf settings' lists them"),
        (
            "augment.impulse_responses=micirp",
            "setting augment.impulse_responses is micirp; expected data.features=stream",
        ),
    ],
)
def test_wrong_settings_are_named(setting, message):
    with pytest.raises(AscError) as error:
        Config().with_settings([setting])
    assert message in str(error.value) and "\n" not in str(error.value)


def test_an_augmentation_is_chosen_by_its_name():
    augment = Config().with_settings(["augment=hyu"]).augment
    assert (augment.roll_seconds, augment.roll_probability, augment.mixup_alpha) == (0.5, 0.8, 0.3)
    assert (augment.frequency_mask_bins, augment.time_mask_frames, augment.mask_probability) == (40, 4, 0.8)
    with pytest.raises(AscError, match="--set augment=qti: no such preset; did you mean 'qti-"):
        Config().with_settings(["augment=qti"])


def test_a_frontend_is_chosen_by_its_name_and_changed_after():
    config = Config().with_settings(["frontend=tau2022", "frontend.mel_bins=128"])
    assert config.frontend == dataclasses.replace(FRONTENDS["tau2022"], mel_bins=128)
    assert (config.frontend.window_ms * 16, config.frontend.hop_ms * 16) == (2048, 512)
    with pytest.raises(AscError, match="--set frontend=tau2021: no such preset; did you mean 'tau202"):
        Config().with_settings(["frontend=tau2021"])


def test_best_needs_a_validation_part():
    with pytest.raises(AscError, match="train.select is best; expected data.validation_fraction above 0"):
        Config().with_settings(["train.select=best", "data.validation_fraction=0"])


@pytest.mark.parametrize(
    "text", ["", "[]", "{}{", '{"epochs": 3}', '{"train": 5}', json.dumps({"model": {"depths": 3}})]
)
def test_json_that_holds_no_settings_is_refused_by_name(text):
    with pytest.raises(AscError, match=r"^run/config.json: holds no settings of asc-tf"):
        Config.from_json(text, "run/config.json")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{"data": {"features": "foo"}}', 'setting data.features is "foo"; expected one of cache, stream'),
        ('{"train": {"epochs": "7"}}', 'setting train.epochs is "7"; expected a whole number from 1 to 100,000 epochs'),
        ('{"train": {"epochs": 7.5}}', "setting train.epochs is 7.5; expected a whole number"),
        ('{"train": {"epochs": true}}', "setting train.epochs is true; expected a whole number"),
        ('{"train": {"epochs": null}}', "setting train.epochs is null; expected a whole number"),
        ('{"train": {"epochs": 0}}', "setting train.epochs is 0; expected a value from 1 to 100,000 epochs"),
        ('{"train": {"l2": 1e999}}', "setting train.l2 is inf; expected a value from 0 to 100"),
        ('{"train": {"l2": [0.1]}}', "setting train.l2 is a list of 1; expected a number from 0 to 100"),
        (
            '{"model": {"depth": 2}}',
            "setting model.depth is 2; expected a list of 1 to 100 values, each a whole number",
        ),
        ('{"model": {"depth": [2, "2"]}}', "setting model.depth is a list of 2; expected a whole number from 0 to 64"),
        ('{"model": {"mfa": 1}}', "setting model.mfa is 1; expected true or false, or none"),
        ('{"data": {"leave_out": []}}', "setting data.leave_out is a list of 0; expected a list of 1 to 100 values"),
        ('{"data": {"leave_out": ["a\\u0000"]}}', "setting data.leave_out is a list of 1; expected a name or path"),
        ('{"train": {"epoch": 3}}', "holds no settings of asc-tf (train.epoch is none; did you mean 'epochs'?)"),
        ('{"train": [3]}', "holds no settings of asc-tf (train is a list of 1, expected an object)"),
        ('{"train": {"l2": NaN}}', "holds no settings of asc-tf (NaN is no number of JSON)"),
        ('{"train": {"l2": -Infinity}}', "holds no settings of asc-tf (-Infinity is no number of JSON)"),
        ('{"seed": 1, "seed": 2}', 'holds no settings of asc-tf (key "seed" is given twice)'),
        ('{"train": {"l2": 0, "l2": 0}}', 'holds no settings of asc-tf (key "l2" is given twice)'),
        (f'{{"seed": {"9" * 5000}}}', "setting seed is inf; expected a whole number from 0 to 2,147,483,647"),
        ('{"train": {"epochs": 5}}', "setting train.warmup_epochs is 5; expected less than train.epochs = 5"),
    ],
)
def test_json_names_file_setting_what_was_found_and_what_was_expected(text, message):
    with pytest.raises(AscError) as caught:
        Config.from_json(text, "run/config.json")
    assert str(caught.value).startswith(f"run/config.json: {message}")


def test_whole_numbers_of_json_are_real_ones_where_those_are_expected():
    config = Config.from_json('{"train": {"l2": 1}, "frontend": {"high_hz": 8000}}')
    assert type(config.train.l2) is type(config.frontend.high_hz) is float


def test_a_choice_named_none_is_that_choice():
    assert Config().with_settings(["model.norm_position=none"]).model.norm_position == "none"
    assert Config().with_settings(["model.norm_position=all", "model.norm=none"]).model.norm is None


def test_differences_name_the_setting_and_both_values():
    config = Config()
    other = dataclasses.replace(config, seed=2).with_settings(["model.width=20"])
    assert config.differences(other) == ["seed: 0 and 2", "model.width: default and 20"]
    assert config.differences(config) == []


def test_another_network_begins_with_its_own_defaults():
    asc = Config().with_settings(["model.width=20", "model.lambda_=0.5"])
    other = asc.with_settings(["model.rho=3", "model.network=cp-resnet"])
    assert other.model == ModelConfig(network="cp-resnet", rho=3)
    assert asc.with_settings(["model.network=bc-resnet-asc"]) == asc
