import pytest
from tiny import TINY_SETTINGS

from asc_tf import stages
from asc_tf.config import Config

SETTINGS = [setting for setting in TINY_SETTINGS if "epochs" not in setting]


@pytest.mark.parametrize(
    "network",
    [
        ["bc-resnet", "model.width=8", "model.depth=1,1,1,1", "frontend.mel_bins=64"],
        ["bc-res2net", "model.width=8", "model.depth=1,1,1,1", "model.mfa=true"],
        ["cp-mobile", "model.width=8", "frontend.mel_bins=64"],
        ["cp-resnet", "model.width=4", "model.rho=3"],
    ],
    ids=lambda network: network[0],
)
def test_every_network_trains_from_its_settings_and_is_evaluated(synthetic_root, tmp_path, network):
    """BC-ResNet-ASC does in all other tests."""
    name, *settings = network
    config = Config().with_settings(
        [*SETTINGS, f"model.network={name}", *settings, "train.epochs=1", "train.warmup_epochs=0"]
    )
    predictions = stages.train(synthetic_root, config, tmp_path / "run", report=lambda line: None)
    assert len(predictions) == 90
    account = stages.account_of(tmp_path / "run")
    assert account.seconds == 1.0 and account.operations("network").macs > 0 and not account.unaccounted("network")
