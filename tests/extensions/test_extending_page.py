"""docs/extending.md, line by line: its files become a package, its entry points an installed one."""

import configparser
import re
import shutil
import sys
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

import asc_tf
from asc_tf.compression.pruning import prune, strip_pruning
from asc_tf.compression.quantization import quantize, strip_quantization
from asc_tf.data.clips import read_clips
from asc_tf.errors import AscError
from asc_tf.experiment.build import augmentation, build_model
from asc_tf.experiment.dataset import Dataset
from asc_tf.experiment.settings import Config
from asc_tf.export.shrinking import shrunk
from asc_tf.export.tflite import network_file
from asc_tf.extensions import AUGMENTATIONS, LAYOUTS, NETWORKS, NORMALIZATIONS
from asc_tf.models.network_file import read_network
from asc_tf.search.space import Space

PAGE = Path(__file__).resolve().parents[2] / "docs" / "extending.md"
DATASET = Dataset("nowhere", ("bus", "park", "tram"), ("a",), 1.0, 0.5, 2.0)
SMALL = ["frontend.mel_bins=32", "model.network=plain-net", "model.width=4", "model.norm=leveled"]


@pytest.fixture(scope="module", autouse=True)
def my_asc(tmp_path_factory):
    """The page's files and entry points on the path, as an installer would put them there."""
    folder = tmp_path_factory.mktemp("site")
    blocks = re.findall(r"```(?:python|ini)\n# (\S+)\n(.*?)```", PAGE.read_text(), re.DOTALL)
    assert len(blocks) == 5
    for name, text in blocks:
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(text)
    settings = configparser.ConfigParser()
    settings.read(folder / "setup.cfg")
    groups = settings["options.entry_points"].items()
    (folder / "my_asc-1.0.dist-info").mkdir()
    (folder / "my_asc-1.0.dist-info" / "METADATA").write_text("Metadata-Version: 2.1\nName: my-asc\nVersion: 1.0\n")
    (folder / "my_asc-1.0.dist-info" / "entry_points.txt").write_text(
        "\n".join(f"[{group}]{lines}\n" for group, lines in groups)
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(folder)
        yield
    for registry in (NETWORKS, NORMALIZATIONS, AUGMENTATIONS, LAYOUTS):
        for name in [name for name in registry._things if name not in registry.own]:
            del registry._things[name]
    for name in [name for name in sys.modules if name.partition(".")[0] == "my_asc"]:
        del sys.modules[name]


@pytest.fixture(scope="module")
def config():
    return Config().with_settings([*SMALL, "model.kernel=5", "augment.tilt.tilt_db=9"])


@pytest.fixture(scope="module")
def network(config):
    return build_model(config, DATASET)


def test_the_network_is_built_with_its_own_settings_and_the_normalization(network):
    assert network.get_layer("stage1").kernel_size == (5, 5) and network.get_layer("stage1").filters == 4
    assert type(network.get_layer("input_leveled")).__name__ == "Leveled" and network.output_shape == (None, 3)


def test_its_settings_are_checked_like_all_others(config):
    for setting, sentence in (
        ("model.kernel=99", "setting model.kernel is 99; expected a value from 1 to 15"),
        ("model.kernel=x", "model.kernel=x: expected a whole number"),
        ("model.kernle=5", "did you mean 'model.kernel'"),
        ("augment.tilt.tilt_db=-1", "augment.tilt.tilt_db is -1.0; expected a value from 0 to 60 dB"),
        ("augment.tilt.depth=1", "no such setting"),
        ("model.network=plane-net", "expected one of .*plain-net"),
    ):
        with pytest.raises(AscError, match=sentence):
            config.with_settings([setting])
    with pytest.raises(AscError, match="model.kernel"):
        Config().with_settings(["model.kernel=5"])


def test_a_run_folder_keeps_them(config):
    assert Config.from_json(config.to_json()) == config
    assert config.differences(Config().with_settings(SMALL)) == [
        "model.kernel: 5 and default", "augment.tilt.tilt_db: 9.0 and default",
    ]  # fmt: skip
    with pytest.raises(AscError, match="setting model.kernel is 99; expected a value from 1 to 15"):
        Config.from_json(config.to_json().replace('"model.kernel": 5', '"model.kernel": 99'))
    with pytest.raises(AscError, match="setting model.mine: is no setting of the network plain-net or of"):
        Config.from_json(config.to_json().replace('"model.kernel"', '"model.mine"'))


def test_another_network_begins_without_them(config):
    assert config.with_settings(["model.network=cp-resnet"]).extensions == {"augment.tilt.tilt_db": 9.0}


def test_a_search_varies_what_its_signature_says():
    space = Space("width=4:8,kernel", Config().with_settings(SMALL))
    assert space.configured({"width": 4, "kernel": 7}).extensions == {"model.kernel": 7}


def test_the_network_is_saved_pruned_rounded_counted_and_exported(network, tmp_path):
    network.save(tmp_path / "net.keras")
    loaded = read_network(tmp_path / "net.keras")
    features = np.random.default_rng(0).normal(size=(4, *network.input_shape[1:])).astype(np.float32)
    np.testing.assert_array_equal(loaded(features), network(features))
    small = strip_quantization(quantize(strip_pruning(prune(network, 0.5)), activations=True))
    kernels = [layer.kernel.numpy() for layer in small.layers if hasattr(layer, "kernel")]
    assert sum(np.count_nonzero(kernel) for kernel in kernels) == pytest.approx(sum(k.size for k in kernels) / 2, abs=1)
    account = asc_tf.keras_account(small, 1.0)
    assert account.operations().macs > 0 and not any(layer.unaccounted for layer in account.layers)
    assert shrunk(network_file(small, network.input_shape[1:], "int8", features))


def test_the_augmentation_is_used_between_gain_and_masks_and_leaves_others_draws_alone(config):
    features = tf.random.stateless_normal((4, 32, 20, 1), (0, 1))
    labels = tf.one_hot([0, 1, 2, 0], 3)
    seed = tf.constant([1, 2], tf.int64)
    tilted, mixed = augmentation(config)(features, labels, seed)
    plain, same = augmentation(Config())(features, labels, seed)
    np.testing.assert_allclose(mixed, same)
    difference = (tilted - plain).numpy()
    assert np.abs(difference).max() > 0.1
    np.testing.assert_allclose(np.diff(difference, axis=1, n=2), 0, atol=1e-5)  # a straight line over frequency


@pytest.fixture(scope="module")
def notes(tmp_path_factory, synthetic_root):
    """The synthetic data set without its metadata, as field notes."""
    root = tmp_path_factory.mktemp("data") / "notes"
    clips = read_clips(synthetic_root)
    shutil.copytree(synthetic_root / "audio", root / "audio")
    places = clips.location.where(clips.split == "train", "test-" + clips.location)
    rows = zip(clips.filename, clips.scene, places, clips.device, strict=True)
    (root / "notes.txt").write_text("\n".join(" ".join(row) for row in rows))
    return root


def test_the_layout_is_read_in_place_of_taus(notes, synthetic_root):
    theirs, ours = read_clips(synthetic_root), read_clips(notes)
    for column in ("filename", "clip_id", "scene", "device", "split"):
        assert list(ours[column]) == list(theirs[column]), column


@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        ("audio/", "../audio/", r"notes.txt: line 1: filename"),
        ("\n", " more\n", "columns"),
    ],
)
def test_names_of_another_layout_are_checked_as_well(notes, tmp_path, old, new, sentence):
    (tmp_path / "notes.txt").write_text((notes / "notes.txt").read_text().replace(old, new))
    with pytest.raises((AscError, ValueError), match=sentence):
        read_clips(tmp_path)


@pytest.mark.slow
@pytest.mark.usefixtures("eager")
def test_all_four_train_together(notes, tmp_path, capsys):
    from asc_tf.cli import main

    settings = [*SMALL, "augment.tilt.tilt_db=9", "train.epochs=1", "train.warmup_epochs=0", "train.batch_size=16"]
    run = tmp_path / "run"
    assert main(["train", "--data", str(notes), "--run", str(run), "--set", *settings]) == 0, capsys.readouterr().err
    assert main(["export", str(run)]) == 0
    assert (run / "model.tflite").is_file()
