"""Mistakes that need no TensorFlow to be seen are told before it is loaded."""

import dataclasses
import json
import subprocess
import sys

import numpy as np
import pytest
import soundfile

from asc_tf.experiment.command_settings import Translation
from asc_tf.experiment.dataset import Dataset
from asc_tf.experiment.sections import FrontendConfig
from asc_tf.experiment.settings import Config
from asc_tf.experiment.translator_folder import write_translator

SEARCH = ["search", "--data", "DATA", "--out", "NEW"]
TRANSLATE = ["translate", "train", "DATA", "--out", "NEW"]
MISTAKES = [
    (["evaluate", "nothere"], "nothere/config.json: no such file; expected a run folder"),
    (["evaluate", "UNFINISHED"], "its training has not ended"),
    (["evaluate", "FULL"], "was trained on the test part too"),
    (["evaluate", "RUN", "--data", "nothere"], "nothere: no such folder; expected a data set"),
    (["evaluate", "UNFINISHED", "--seeds", "2"], "its training has not ended"),
    (["evaluate", "TUNED", "--seeds", "2"], "was made from another run"),
    (["evaluate", "TUNED", "--leave-device-out"], "was made from another run"),
    (["evaluate", "LEFT", "--leave-device-out"], "leaves out s1 itself"),
    (["evaluate", "nothere.tflite", "--data", "DATA"], "nothere.tflite: cannot be read"),
    (["train", "--data", "nothere", "--run", "NEW"], "nothere: no such folder"),
    (["train", "--data", "DATA", "--run", "FULL"], "holds a run of other settings"),
    (["train", "--data", "DATA", "--run", "DATA"], "is not empty and holds no run"),
    (["train", "--data", "DATA", "--run", "NEW", "--recipe", "nope"], "no such recipe"),
    (["train", "--data", "DATA", "--run", "NEW", "--set", "train.epoch=3"], "did you mean 'train.epochs'"),
    (["train", "--data", "DATA", "--run", "NEW", "--set", "data.leave_out=x"], "setting data.leave_out is x"),
    (["train", "--data", "DATA", "--run", "NEW", "--teacher", "UNFINISHED"], "its training has not ended"),
    (["launch", "train", "--data", "nothere", "--run", "NEW"], "nothere: no such folder"),
    (["features", "nothere"], "nothere: no such folder"),
    (["export", "nothere"], "nothere/config.json: no such file"),
    (["export", "UNFINISHED"], "its training has not ended"),
    (["export", "RUN", "--format", "onnx"], "an ONNX file takes features only"),
    (["export", "RUN", "--format", "nope"], None),
    (["finetune", "nothere", "--out", "NEW"], "nothere/config.json: no such file"),
    (["finetune", "RUN", "--out", "NEW", "--set", "train.epochs=3"], "is kept by fine-tuning"),
    (["finetune", "UNFINISHED", "--out", "NEW"], "its training has not ended"),
    (["finetune", "RUN", "--out", "DATA"], "is not empty and holds no fine-tuning"),
    (["compress", "nothere", "--out", "NEW"], "nothere/config.json: no such file"),
    (["compress", "RUN", "--out", "NEW", "--prune", "2"], "2"),
    (["compress", "RUN", "--out", "DATA"], "is not empty and holds no compression"),
    (["compress", "RUN", "--out", "NEW", "--weights", "fp16", "--activations", "int8"], "expected --weights int8"),
    (["compress", "RUN", "--out", "NEW", "--teacher", "OTHER"], "has other scenes, clips or features"),
    (["ensemble", "RUN", "nothere", "--out", "NEW"], "nothere/config.json: no such file"),
    (["ensemble", "RUN", "--out", "NEW"], "expected 2 or more for an ensemble"),
    (["ensemble", "RUN", "OTHER", "--out", "NEW"], "has another scenes than"),
    (["complexity", "nope"], "nope: is no run folder"),
    (["complexity", "nope.keras"], "nope.keras: no such file"),
    (["complexity", "UNFINISHED"], "its training has not ended"),
    (["complexity", "RUN", "--seconds", "inf"], "--seconds inf"),
    ([*TRANSLATE, "--from", "a", "--to", "x"], "device 'x' has no clips in the training part; expected one of a, s1"),
    ([*TRANSLATE, "--from", "a", "--to", "s1", "--depth", "9"], "9"),
    (["translate", "apply", "nothere"], "expected a folder of 'asc-tf translate train'"),
    (["translate", "apply", "TRANSLATOR"], "its training has not ended"),
    ([*SEARCH, "--space", "nope", "--budget", "2022"], "--space nope: cannot be searched"),
    ([*SEARCH, "--space", "width", "--budget", "many"], "--budget many"),
    (
        [*SEARCH, "--space", "width", "--budget", "2022", "--set", "data.validation_fraction=0"],
        "expected more for a search",
    ),
    (
        ["search", "--data", "nothere", "--out", "NEW", "--space", "width", "--budget", "2022"],
        "nothere: no such folder",
    ),
    (["bench", "esc10", "--data", "nothere", "--out", "NEW", "--rows", "plain"], "nothere: no such folder"),
    (["bench", "esc10", "--data", "DATA", "--out", "NEW", "--rows", "nope"], "nope"),
    (["predict", "nothere.tflite", "x.wav"], "nothere.tflite: cannot be read"),
    (["nothing"], None),
]
CODE = """
import contextlib, io, json, sys
from asc_tf.cli import main
for arguments in json.load(sys.stdin):
    said = io.StringIO()
    with contextlib.redirect_stderr(said), contextlib.redirect_stdout(io.StringIO()):
        try:
            status = main(arguments)
        except SystemExit as stop:
            status = stop.code
    print(json.dumps([status, said.getvalue(), "tensorflow" in sys.modules]))
"""


def write_run(folder, root, files=("last.keras",), scenes=("bus", "tram"), settings=()):
    folder.mkdir()
    dataset = Dataset(str(root), scenes, ("a", "s1"), 1.0, 0.0, 1.0)
    (folder / "config.json").write_text(Config().with_settings(settings).to_json())
    (folder / "dataset.json").write_text(json.dumps(dataclasses.asdict(dataset)))
    for name in files:
        (folder / name).write_text("{}")


@pytest.fixture(scope="module")
def answers(tmp_path_factory):
    """[status, what was said, whether TensorFlow was loaded] of every command in MISTAKES, of one process."""
    base = tmp_path_factory.mktemp("mistakes")
    root = base / "DATA"
    (root / "evaluation_setup").mkdir(parents=True)
    (root / "audio").mkdir()
    rows = [
        (f"audio/{scene}-x-{place}-{device}.wav", scene, f"x-{place}", device)
        for scene in ("bus", "tram") for place in range(4) for device in ("a", "s1")
    ]  # fmt: skip
    header = ("filename", "scene_label", "identifier", "source_label")
    tables = {"meta.csv": rows, "evaluation_setup/fold1_train.csv": [row for row in rows if "x-3" not in row[2]],
              "evaluation_setup/fold1_evaluate.csv": [row for row in rows if "x-3" in row[2]]}  # fmt: skip
    for name, table in tables.items():
        (root / name).write_text("".join("\t".join(row) + "\n" for row in [header, *table]))
    for row in rows:
        soundfile.write(root / row[0], np.zeros(8000), 8000)
    write_run(base / "RUN", root)
    write_run(base / "OTHER", root, scenes=("bus", "park"))
    write_run(base / "UNFINISHED", root, files=())
    write_run(base / "FULL", root, settings=["data.split=full"])
    write_run(base / "TUNED", root, files=("last.keras", "finetuning.json", "predictions.csv"))
    write_run(base / "LEFT", root, files=("last.keras", "predictions.csv"), settings=["data.leave_out=s1"])
    write_translator(base / "TRANSLATOR", root, Translation("a", ("s1",)), FrontendConfig())
    before = sorted(base.rglob("*"))
    done = subprocess.run(
        [sys.executable, "-c", CODE], input=json.dumps([arguments for arguments, _ in MISTAKES]), cwd=base,
        capture_output=True, text=True, timeout=300,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert sorted(base.rglob("*")) == before, "a mistake leaves nothing behind"
    return [json.loads(line) for line in done.stdout.splitlines()]


@pytest.mark.parametrize("number", range(len(MISTAKES)), ids=[" ".join(arguments) for arguments, _ in MISTAKES])
def test_a_mistake_is_told_before_tensorflow_is_loaded(answers, number):
    (_, message), (status, said, loaded) = MISTAKES[number], answers[number]
    assert not loaded and "Traceback" not in said
    if message is None:
        assert status == 2, "a flag's value that the parser refuses"
    else:
        assert status == 1 and said.startswith("asc-tf: ") and said.count("\n") == 1 and message in said
