"""A submission of a run: the files that the organizers' scripts expect, and what these would refuse."""

import importlib
import json
import shutil
import sys

import pytest
import yaml

from asc_tf import stages
from asc_tf.cli import main
from asc_tf.data.tau import SCENES
from asc_tf.errors import AscError
from asc_tf.experiment.run_folder import load_model
from asc_tf.submission.checking import meta_problems, package_problems, submission_problems
from asc_tf.submission.meta_file import FILL_IN, read_meta, results_block, write_meta
from asc_tf.submission.output_file import COLUMNS
from asc_tf.submission.package import GENERAL, write_package
from asc_tf.submission.years import YEARS
from asc_tf.training.fit import save_model

LABEL = "Kim_QTI_task1_1"


def filled(path, form):
    """A metadata file of a year with nothing left to fill in, as it is read."""
    write_meta(path, form, path.name.split(".")[0], {}, dict.fromkeys(form.complexity, 1), {})
    path.write_text(path.read_text().replace(f": {FILL_IN}", ": known"))
    return yaml.safe_load(path.read_text())


def write_rows(path, rows):
    lines = ["\t".join(COLUMNS), *("\t".join(map(str, row)) for row in rows)]
    path.write_text("\n".join(lines) + "\n")


@pytest.mark.parametrize("form", YEARS.values(), ids=lambda form: str(form.year))
def test_a_filled_in_metadata_file_is_accepted(form, tmp_path):
    label = f"Kim_QTI_{form.task}_2"
    meta = filled(tmp_path / f"{label}.meta.yaml", form)
    assert not meta_problems(meta, label, form)
    development = meta["results"]["development_dataset"]
    assert set(development) == ({"overall", "class_wise", "device_wise"} if form.results == ("",) else {*form.results})


def test_what_only_the_authors_of_2022_know_is_asked_for_and_kept(tmp_path):
    """The organizers' validator of 2022 requires memory_use, and says nowhere what it counts."""
    path, form = tmp_path / f"{LABEL}.meta.yaml", YEARS[2022]
    numbers = dict.fromkeys(form.complexity, 1) | {"memory_use": FILL_IN}
    write_meta(path, form, LABEL, {}, numbers, {})
    assert "system.complexity.memory_use is FILL IN; expected a number" in meta_problems(read_meta(path), LABEL, form)
    path.write_text(path.read_text().replace(f"memory_use: {FILL_IN}", "memory_use: 65"))
    write_meta(path, form, LABEL, {}, numbers | {"macs": 2}, {})
    assert read_meta(path)["system"]["complexity"] == {
        "total_parameters": 1, "total_parameters_non_zero": 1, "memory_use": 65, "macs": 2
    }  # fmt: skip


def change(path, value):
    """A function that sets a place of the metadata, or takes it away where there is no value."""

    def changed(meta):
        *way, last = path.split(".")
        for name in way:
            meta = meta[int(name) if name.isdigit() else name]
        if value is None:
            del meta[last]
        else:
            meta[last] = value

    return changed


@pytest.mark.parametrize(
    ("changed", "sentence"),
    [
        (
            change("submission.label", "Kim_QTI_task1_2"),
            "submission.label is Kim_QTI_task1_2; expected Kim",
        ),
        (change("submission.abbreviation", "longer than ten"), "submission.abbreviation has more than 10 characters"),
        (change("submission.authors.0.corresponding", False), "0 authors are marked as corresponding; expected 1"),
        (change("submission.authors.0.email", None), "submission.authors[0].email is missing"),
        (change("submission.name", FILL_IN), "submission.name is not filled in"),
        (change("system.inference_code", None), "system.inference_code is missing"),
        (change("system.description.pipeline", None), "system.description.pipeline is missing"),
        (change("system.complexity.macs", 30_000_001), "macs is 30,000,001; the rules of 2025 allow 30,000,000"),
        (change("system.complexity.total_model_size", "128 kB"), "total_model_size is 128 kB; expected a number"),
        (change("system.external_datasets", [{"name": "PaSST"}]), "system.external_datasets[0].url is missing"),
        (change("results.development_dataset.general", None), "development_dataset.general.overall is missing"),
        (
            change("results.development_dataset.general.device_wise.s6.accuracy", "good"),
            "s6.accuracy is good",
        ),
    ],
)
def test_what_is_refused_in_the_metadata(changed, sentence, tmp_path):
    meta = filled(tmp_path / f"{LABEL}.meta.yaml", YEARS[2025])
    changed(meta)
    assert any(sentence in problem for problem in meta_problems(meta, LABEL, YEARS[2025]))


def test_what_is_refused_in_an_output_file(tmp_path):
    folder = tmp_path / "Kim_QTI_task1_1"
    folder.mkdir()
    filled(folder / f"{LABEL}.meta.yaml", YEARS[2024])
    good = [0.91, *[0.01] * 9]
    rows = [
        ("0.wav", "airport", *good),
        ("audio/0.wav", "airport", *good),
        ("1.flac", "airport", *good),
        ("135730.wav", "airport", *good),
        ("2.wav", "street", *good),
        ("3.wav", "airport", 0.5, *good[1:]),
        ("4.wav", "airport", "much", *good[1:]),
    ]
    for share in YEARS[2024].splits[1:]:
        write_rows(folder / f"{LABEL}.output.split_{share}.csv", rows)
    (folder / "notes.txt").write_text("")
    found = "\n".join(submission_problems(folder, YEARS[2024]))
    for sentence in (
        "split_5.csv: no such file", "line 3: 0.wav is named twice", "line 4: 1.flac is no .wav file",
        "line 5: 135730.wav is not in the evaluation set", "line 6: the scene is street; expected one of airport",
        "line 7: the probabilities sum to 0.59", "line 8: a probability is no number",
        "has 6 clips; expected the 135,730 of the evaluation set", "notes.txt: does not belong here",
    ):  # fmt: skip
        assert sentence in found, sentence
    assert "meta.yaml" not in found.replace("expected Kim_QTI_task1_1.meta.yaml", "")


def test_what_authors_filled_in_stays(tmp_path):
    path, form = tmp_path / f"{LABEL}.meta.yaml", YEARS[2024]
    numbers = dict.fromkeys(form.complexity, 1)
    write_meta(path, form, LABEL, {"framework": "keras"}, numbers, {})
    path.write_text(path.read_text().replace(f"lastname: {FILL_IN}", "lastname: Kim"))
    block = results_block(None, None) | {"overall": {"accuracy": 50.0, "logloss": 1.0}}
    write_meta(path, form, LABEL, {}, {**numbers, "macs": 2}, {"split_25": block})
    meta = yaml.safe_load(path.read_text())
    assert meta["submission"]["authors"][0]["lastname"] == "Kim" and meta["system"]["complexity"]["macs"] == 2
    results = meta["results"]["development_dataset"]
    assert results["split_25"]["overall"]["accuracy"] == 50.0 and results["split_5"]["overall"]["accuracy"] is None


@pytest.mark.parametrize(
    ("flags", "sentence"),
    [
        (["RUN"], "--evaluation, --out, --label: not given"),
        (["RUN", "--check", "x"], "--check x: is for a folder that is there; expected no RUN"),
        (["--check", "nowhere"], "--check nowhere: no such folder; expected OUT/task1/LABEL"),
        (["RUN", "--evaluation", "x", "--out", "y", "--label", "Kim_QTI_task1_5"], "_task1_5 is no label of 2025"),
        (["RUN", "--evaluation", "x", "--out", "y", "--label", LABEL], "fold1_test.csv: no such file"),
        (["RUN", "--year", "2021", "--evaluation", "x", "--out", "y", "--label", "Kim_QTI_task1a_1"],
         "is a network for clips of 1 s; expected 10 s for 2021"),
        (["RUN", "--year", "2024", "--evaluation", "ROOT", "--out", "y", "--label", LABEL],
         "was trained with data.split=official; expected one of split5, split10"),
    ],
)  # fmt: skip
def test_mistakes(flags, sentence, smallest_run, synthetic_root, capsys, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    given = {"RUN": str(smallest_run), "ROOT": str(synthetic_root)}
    assert main(["submit", *(given.get(flag, flag) for flag in flags)]) == 1
    assert sentence in capsys.readouterr().err and not list(tmp_path.iterdir())


@pytest.mark.slow
def test_a_run_becomes_a_submission(smallest_run, synthetic_root, tmp_path):
    run = shutil.copytree(smallest_run, tmp_path / "run")
    out, said = tmp_path / "out", []
    folder = stages.submit(run, 2025, synthetic_root, out, LABEL, report=said.append)
    assert folder == out / "task1" / LABEL and any(line.startswith("DCASE 2025: passes") for line in said)
    rows = [line.split("\t") for line in (folder / f"{LABEL}.output.csv").read_text().splitlines()]
    assert rows[0] == ["filename", "scene_label", *SCENES] and rows[1][0].startswith("audio/")
    problems = submission_problems(folder, YEARS[2025])
    assert problems and all(problem.endswith("is not filled in") for problem in problems)
    assert not package_problems(out / "package", LABEL)
    meta = yaml.safe_load((folder / f"{LABEL}.meta.yaml").read_text())
    assert 0 < meta["system"]["complexity"]["total_model_size"] < 128_000
    assert meta["results"]["development_dataset"]["general"]["device_wise"]["s6"]["accuracy"] is not None


@pytest.mark.slow
@pytest.mark.usefixtures("eager")
def test_each_clip_is_answered_by_the_network_of_its_device(smallest_run, synthetic_root, tmp_path):
    """The network of device a always says the first scene."""
    run = shutil.copytree(smallest_run, tmp_path / "run")
    (run / "per_device.json").write_text(json.dumps({"run": str(smallest_run), "devices": ["a"]}))
    (run / "devices").mkdir()
    model = load_model(run)
    norm = model.get_layer("classifier_bn")
    norm.gamma.assign(0 * norm.gamma)
    norm.beta.assign([5.0, *[0.0] * 9])
    save_model(model, run / "devices" / "a.keras")
    (run / "predictions.csv").unlink()
    evaluation = tmp_path / "evaluation"
    (evaluation / "evaluation_setup").mkdir(parents=True)
    files = sorted((synthetic_root / "audio").glob("tram-*-a.wav"))[:2]
    for path in files:
        shutil.copy(path, evaluation)
    table = ["filename\tdevice_id", f"{files[0].name}\ta", f"{files[1].name}\tunknown"]
    (evaluation / "evaluation_setup" / "fold1_test.csv").write_text("\n".join(table) + "\n")
    folder = stages.submit(run, 2025, evaluation, tmp_path / "out", LABEL, "float", report=lambda line: None)
    own, general = (line.split("\t") for line in (folder / f"{LABEL}.output.csv").read_text().splitlines()[1:])
    assert own[1] == SCENES[0] and float(own[2]) > 0.9 and float(general[2]) < 0.9
    package = tmp_path / "out" / "package"
    assert (package / "Kim_QTI_task1" / "models_1" / "a.tflite").is_file()
    counts = json.loads((package / "predictions" / LABEL / "complexity.json").read_text())
    assert set(counts["per_device"]) == {"a", GENERAL} and counts["max_MACs"] > 0
    meta = yaml.safe_load((folder / f"{LABEL}.meta.yaml").read_text())
    assert meta["system"]["description"]["num_models_at_inference"] == 2
    results = meta["results"]["development_dataset"]
    assert results["device_specific"]["device_wise"]["a"] != results["general"]["device_wise"]["a"]
    assert results["device_specific"]["device_wise"]["s6"] == results["general"]["device_wise"]["s6"]


@pytest.mark.slow
def test_the_inference_package_answers_the_organizers_calls(smallest_run, synthetic_root, monkeypatch, tmp_path):
    torch = pytest.importorskip("torch")
    network = tmp_path / "network.tflite"
    stages.export(smallest_run, network, format="int8", input="features", report=lambda line: None)
    label = "Kim_Test_task1_3"
    write_package(tmp_path / "package", label, {GENERAL: network}, {GENERAL: {"macs": 1, "total_model_size": 1}}, 1.0)
    monkeypatch.syspath_prepend(str(tmp_path / "package"))
    api = importlib.import_module(f"Kim_Test_task1.{label}")
    files = sorted(map(str, (synthetic_root / "audio").glob("*.wav")))[:3]
    logits, order = api.predict(files, ["a", "s9", "unknown"], None, use_cuda=False)
    assert order == list(SCENES) and torch.stack(logits).shape == (3, 10)
    model = api.load_model()
    (features,) = api.load_inputs(files[:1], ["a"], model)
    device_model = api.get_model_for_device(model, "a")
    torch.testing.assert_close(device_model(features)[0], logits[0])
    assert isinstance(model, torch.nn.Module) and isinstance(device_model, torch.nn.Module)
    stored = sum(parameter.numel() * parameter.element_size() for parameter in device_model.parameters())
    assert 0 < stored < network.stat().st_size
    with pytest.raises(AscError, match="1 devices for 3 files"):
        api.load_inputs(files, ["a"], model)
    for name in [name for name in sys.modules if name.startswith("Kim_Test_task1")]:
        del sys.modules[name]
