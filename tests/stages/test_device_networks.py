"""asc-tf finetune --per-device: a general network and one for each device, and how each clip finds its own."""

import json
import shutil

import numpy as np
import pandas as pd
import pytest

from asc_tf import stages
from asc_tf.cli import main
from asc_tf.errors import AscError
from asc_tf.experiment.device_networks import devices_with_networks
from asc_tf.experiment.run_folder import load_model, read_run
from asc_tf.training.fit import save_model

pytestmark = pytest.mark.usefixtures("eager")

SETTINGS = ["finetune.epochs=1", "finetune.learning_rate=1e-2"]


@pytest.fixture(scope="module")
def run(smallest_run, tmp_path_factory):
    """As the stage leaves it, with a network for device a that always says the first scene."""
    run = shutil.copytree(smallest_run, tmp_path_factory.mktemp("per_device") / "run")
    (run / "predictions.csv").unlink()
    (run / "per_device.json").write_text(json.dumps({"run": str(smallest_run), "devices": ["a"]}))
    model = load_model(run)
    norm = model.get_layer("classifier_bn")
    norm.gamma.assign(0 * norm.gamma)
    norm.beta.assign([5.0, *[0.0] * 9])
    (run / "devices").mkdir()
    save_model(model, run / "devices" / "a.keras")
    return run


def test_each_clip_is_classified_by_the_network_of_its_device(run, smallest_run, capsys):
    assert main(["evaluate", str(run)]) == 0
    text = capsys.readouterr().out
    assert text.index("general") < text.index("per device") and "unseen" in text
    found, general, before = (
        pd.read_csv(folder / "predictions.csv") for folder in (run, run / "general", smallest_run)
    )
    own = found.device == "a"
    assert own.any() and (found.predicted[own] == read_run(run)[1].scenes[0]).all()
    pd.testing.assert_frame_equal(found[~own], general[~own])
    pd.testing.assert_frame_equal(general, before, atol=1e-5)
    assert (run / "general" / "metrics.json").is_file() and "UNSEEN" not in found.device.unique()


@pytest.mark.slow
def test_a_device_that_is_not_known_gets_the_general_network(run, synthetic_root):
    dataset = read_run(run)[1]
    assert devices_with_networks(run, dataset) == ("a",) and "s6" not in dataset.seen_devices
    found = stages.predict_test(run, synthetic_root, seconds=0.5)
    general = stages.predict_test(run, synthetic_root, seconds=0.5, general=True)
    other = found.device == "s6"
    pd.testing.assert_frame_equal(found[other], general[other])
    assert (found.predicted[found.device == "a"] == dataset.scenes[0]).all(), "pieces of clips are routed too"


def test_the_account_judges_each_network_by_itself(run, capsys):
    assert main(["complexity", str(run)]) == 0
    *_, header, general, own = capsys.readouterr().out.strip().splitlines()
    assert header.split()[0] == "network" and header.endswith("DCASE 2025")
    assert general.split()[1:] == own.split()[1:] and own.startswith("a ") and own.endswith("passes")
    assert main(["complexity", str(run), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    for count in ("parameters", "macs", "bytes"):
        assert told["devices"]["a"]["parts"]["network"][count] == told["parts"]["network"][count] > 0


@pytest.mark.slow
def test_each_network_becomes_a_file_and_predict_takes_that_of_the_device(run, synthetic_root, capsys):
    assert main(["export", str(run), "--input", "features"]) == 0
    told = capsys.readouterr()
    assert "the network of device a" in told.out and "--device a" in told.err
    clip = str(next((synthetic_root / "audio").glob("tram*")))

    def scene(*flags):
        assert main(["predict", str(run), clip, "--json", *flags]) == 0
        return json.loads(capsys.readouterr().out)

    first = read_run(run)[1].scenes[0]
    assert scene("--device", "a")["probabilities"][first] > 0.9
    assert scene() == scene("--device", "s6")
    assert main(["predict", str(run), clip, "--device", "s6"]) == 0
    assert "device s6 has no network of its own, as a have: the general one answers" in capsys.readouterr().err
    (run / "model-a.tflite").unlink()
    assert main(["predict", str(run), clip, "--device", "a"]) == 1
    assert f"model-a.tflite: no such file; export the networks of the devices: asc-tf export {run}" in (
        capsys.readouterr().err
    )


@pytest.mark.parametrize(
    "command",
    [["predict", "FILE", "none.wav"], ["listen", "FILE", "none.wav"], ["explain", "FILE", "none.wav"],
     ["explain", "RUN", "none.wav"], ["evaluate", "FILE", "--data", "none"]],
    ids=" ".join,
)  # fmt: skip
def test_commands_of_one_file_say_that_the_general_network_answers(command, run, smallest_file, tmp_path, capsys):
    """Each names a recording or a data set that does not exist, so that nothing is heard after the line."""
    (tmp_path / "devices").mkdir()
    for name in ("a", "b"):
        (tmp_path / "devices" / f"{name}.keras").touch()
    shutil.copy(smallest_file, tmp_path / "model.tflite")
    shutil.copy(smallest_file, tmp_path / "model-a.tflite")
    names = {"FILE": tmp_path / "model.tflite", "RUN": run}
    assert main([str(names.get(word, word)) for word in command]) == 1
    told = capsys.readouterr().err
    file = names[command[1]] if command[1] == "FILE" else run / "model.tflite"
    assert f"{file}: the general network answers for all devices; networks of a" in told
    if command[1] == "FILE":
        own = tmp_path / "model-a.tflite"
        assert f"networks of a, b are files of their own: name {own} for recordings of a" in told
        assert main([str(own) if word == "FILE" else word for word in command]) == 1
        assert "general network" not in capsys.readouterr().err


@pytest.fixture
def two_devices(smallest_run, tmp_path):
    """A run as if it had been trained on devices a and b alone: without checksums and the clips' digest."""
    run = shutil.copytree(smallest_run, tmp_path / "two")
    (run / "SHA256SUMS").unlink()
    config, dataset = (json.loads((run / f"{name}.json").read_text()) for name in ("config", "dataset"))
    config["data"]["leave_out"] = ["c", "s1", "s2", "s3"]
    del dataset["clips_sha256"]
    for name, values in (("config", config), ("dataset", dataset)):
        (run / f"{name}.json").write_text(json.dumps(values))
    return run


@pytest.mark.slow
def test_killed_it_goes_on_with_the_devices_that_are_left(two_devices, tmp_path):
    def stop(line):
        if line.startswith("device b "):
            raise KeyboardInterrupt

    out, lines = tmp_path / "out", []
    with pytest.raises(KeyboardInterrupt):
        stages.finetune_per_device(two_devices, out, SETTINGS, report=stop)
    assert (out / "devices" / "a.keras").is_file() and not (out / "last.keras").exists()
    stages.finetune_per_device(two_devices, out, SETTINGS, report=lines.append)
    devices = devices_with_networks(out, read_run(out)[1])
    assert set(devices) <= set(read_run(out)[1].seen_devices), "those with training clips"
    begun = [line.split()[1] for line in lines if line.startswith("device ")]
    assert begun == ["b"] and devices == ("a", "b")
    general, before = load_model(out).get_weights(), load_model(two_devices).get_weights()
    assert all(np.array_equal(*pair) for pair in zip(general, before, strict=True))
    for device in devices:
        own = load_model(out, device).get_weights()
        assert sum(not np.array_equal(*pair) for pair in zip(own, general, strict=True)) > len(own) / 2
    assert "per device" in stages.evaluate(out)
    stages.finetune_per_device(two_devices, out, SETTINGS, report=pytest.fail)


def test_what_has_one_network_in_mind_refuses_it_and_says_what_to_take(run, smallest_run, tmp_path, capsys):
    out = ["--out", str(tmp_path / "out")]
    for command, sentence in {
        ("finetune", str(run), *out): "(per_device.json); fine-tune the run that it was made from",
        ("compress", str(run), *out): "(per_device.json); compress the run that it was made from",
        ("soup", str(run), str(smallest_run), *out): "(per_device.json); expected runs of one network for a soup",
        ("ensemble", str(smallest_run), str(run), *out): "expected runs of one network for an ensemble",
        ("evaluate", str(run), "--seeds", "2"): "was made from another run (per_device.json)",
        ("finetune", str(smallest_run), *out, "--per-device", "--set", "finetune.device=a"): (
            "--set finetune.device=a: is none of a fine-tuning for each device; expected finetune.epochs, "
        ),
        ("predict", "esc10-mobile", "x.wav", "--device", "a"): "there is no network of a device beside",
        ("predict", "esc10-mobile", "x.wav", "--device", "../a"): "--device '../a': cannot name a folder",
    }.items():
        assert main(list(command)) == 1, command
        error = capsys.readouterr().err.strip()
        assert sentence in error and "\n" not in error
        assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("devices", [["../../etc"], [], "a", None, ["a", "s6"]])
def test_a_record_that_names_other_devices_is_refused(run, tmp_path, devices):
    (tmp_path / "per_device.json").write_text(json.dumps({"devices": devices}))
    with pytest.raises(AscError, match=r"per_device.json: names .*; expected devices of a, b, c, s1, s2, s3"):
        devices_with_networks(tmp_path, read_run(run)[1])
