import json
from types import SimpleNamespace

import pytest
import tf_keras as keras

from asc_tf.errors import AscError
from asc_tf.experiment.dataset import Dataset
from asc_tf.experiment.settings import Config
from asc_tf.micro.arena import Arena
from asc_tf.search import structures as module
from asc_tf.search.budget import cost_of, parse_budget
from asc_tf.search.space import Space
from asc_tf.search.structures import Structures

DATASET = Dataset("", ("airport", "bus"), ("a",), 1.0, 0.0, 1.0)
CONFIG = Config().with_settings(["frontend.mel_bins=32", "model.depth=1,1,1,1"])


def structures_of(tmp_path, space, budget, report=lambda line: None, config=CONFIG):
    return Structures(Space(space, config), DATASET, parse_budget(budget), tmp_path / "structures.json", report)


@pytest.fixture
def one_layer(monkeypatch):
    """Networks are a convolution of twice the width, for what is the same with any network."""

    def build(config, dataset):
        stem = keras.layers.Conv2D(2 * config.model.width, 3, name="stem")
        return keras.Sequential([keras.Input((32, 34, 1)), stem, keras.layers.GlobalAveragePooling2D()])

    monkeypatch.setattr(module, "build_model", build)


@pytest.fixture
def built(monkeypatch):
    """Configs of the networks that were built."""
    seen, build = [], module.build_model
    monkeypatch.setattr(module, "build_model", lambda config, dataset: seen.append(config) or build(config, dataset))
    return seen


def test_settings_that_fit_no_network_are_named_as_such(tmp_path):
    config = CONFIG.with_settings(["model.sub_bands=3"])
    with pytest.raises(AscError, match="the network's settings do not fit together: SubSpectralNormalization"):
        structures_of(tmp_path, "width=4:30", "2022", config=config)


@pytest.mark.slow
def test_bisection_finds_what_fits_and_builds_few(tmp_path, built):
    space = Space("width=4:30", CONFIG)
    bytes_ = cost_of(module.keras_account(module.build_model(space.configured({"width": 14}), DATASET), 1)).bytes
    built.clear()
    found = structures_of(tmp_path, "width=4:30", f"bytes={bytes_}")
    assert [width for width in range(4, 32, 2) if found.fits({"width": width})] == [4, 6, 8, 10, 12, 14]
    assert found.count() == 6 and len(built) <= 4  # of 14


def test_what_was_found_is_kept(tmp_path, one_layer, built):
    first = structures_of(tmp_path, "lambda,width=4:8", "bytes=100KB")
    first.keep()
    built.clear()
    again = structures_of(tmp_path, "lambda,width=4:8", "bytes=100KB")
    assert not built and again.fits({"lambda": 0.5, "width": 8}) and first.count() == float("inf")


@pytest.mark.slow
def test_each_combination_has_a_largest_width(tmp_path):
    lines = []
    found = structures_of(tmp_path, "width=4:12,depth=1-1-1-1|2-2-2-3", "bytes=5K", lines.append)
    found.keep()
    largest = json.loads((tmp_path / "structures.json").read_text())
    assert largest["depth=1-1-1-1"] > largest["depth=2-2-2-3"] >= 4
    assert not found.fits({"width": 12, "depth": "2-2-2-3"})
    assert f"{found.count()} of 10 networks are within the budget bytes=5K" in lines


def test_networks_that_cannot_be_built_are_left_out(tmp_path):
    found = structures_of(tmp_path, "subbands=4|5", "bytes=100KB")  # 16 bins, which 5 do not divide
    assert found.fits({"subbands": "4"}) and not found.fits({"subbands": "5"})


def test_a_budget_for_none_is_refused_with_the_smallest(tmp_path, one_layer):
    smallest = r"the smallest has 88 bytes, 69,120 MACs"  # 9 weights and a bias for each of 8 channels, 30 x 32 places
    with pytest.raises(AscError, match=f"--budget bytes=80: no network of --space width=4:8 .*{smallest}$"):
        structures_of(tmp_path, "width=4:8", "bytes=80")


def test_latency_is_measured_if_it_is_limited(tmp_path, one_layer, monkeypatch):
    spent = {4: 1.0, 6: 2.0, 8: 3.0}
    monkeypatch.setattr(module, "network_file", lambda network, *_, **__: network.get_layer("stem").filters // 2)
    monkeypatch.setattr(module, "shrunk", lambda content: content)
    monkeypatch.setattr(module, "latencies", lambda contents, **_: {"": [spent[contents[""]]]})
    found = structures_of(tmp_path, "width=4:8", "latency_ms=2")
    assert [found.fits({"width": width}) for width in spent] == [True, True, False]


@pytest.fixture
def on_chip(one_layer, monkeypatch):
    """Widths whose RAM and flash were looked for: 10 KB of RAM and 20 KB of flash for each of the width."""
    seen = []

    def footprint(network, *_):
        seen.append(network.get_layer("stem").filters // 2)
        return SimpleNamespace(ram=10_240 * seen[-1], flash=20_480 * seen[-1], arena=Arena(9, 1, measured=False))

    monkeypatch.setattr(module, "predicted_footprint", footprint)
    return seen


@pytest.mark.parametrize(("budget", "fitting"), [("ram=60KB", 3), ("flash=160KB", 4), ("ram=60KB,flash=100KB", 2)])
def test_ram_and_flash_are_limits_of_a_microcontroller(tmp_path, on_chip, budget, fitting):
    found = structures_of(tmp_path, "width=2:10", budget)
    assert [found.fits({"width": width}) for width in range(2, 12, 2)] == [True] * fitting + [False] * (5 - fitting)


def test_the_smallest_is_told_with_its_ram_and_flash(tmp_path, on_chip):
    said = (
        r"the smallest has [\d,]+ bytes, [\d,]+ MACs, 40,960 bytes of RAM, 81,920 bytes of flash on a microcontroller"
    )
    with pytest.raises(AscError, match=f"--budget ram=39KB: no network of --space width=4:8 is within it; {said}"):
        structures_of(tmp_path, "width=4:8", "ram=39KB")


def test_what_the_frontend_alone_exceeds_is_not_converted(tmp_path, on_chip):
    with pytest.raises(AscError, match="no network"):
        structures_of(tmp_path, "width=4:8", "ram=20KB")  # the Fourier transform alone takes 16 KB, its ring 4 KB
    assert on_chip == [4]  # for the sentence


def test_trials_know_their_arena(tmp_path, on_chip):
    found = structures_of(tmp_path, "width=4:6", "ram=60KB")
    cost = found.cost(module.build_model(CONFIG.with_settings(["model.width=4"]), DATASET))
    assert (cost.ram_bytes, cost.flash_bytes, cost.arena_bytes, cost.arena_is_measured) == (40_960, 81_920, 10, False)
