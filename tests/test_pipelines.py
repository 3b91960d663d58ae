"""Each pipeline runs from recordings to a file, on the embedded data set in small."""

import runpy
from pathlib import Path

import pandas as pd
import pytest
import soundfile

from asc_tf.runtime import Classifier

PIPELINES = Path(__file__).resolve().parents[1] / "pipelines"
NAMES = sorted(path.name for path in PIPELINES.glob("*.py"))


@pytest.fixture(scope="module")
def recordings(synthetic_root, tmp_path_factory):
    """A folder for each of three scenes, four recordings of 2 s in each."""
    root = tmp_path_factory.mktemp("recordings")
    meta = pd.read_csv(synthetic_root / "meta.csv", sep="\t")
    for scene, clips in list(meta.groupby("scene_label"))[:3]:
        (root / scene).mkdir()
        for index, (one, other) in enumerate(zip(clips.filename[:4], clips.filename[4:8], strict=True)):
            sounds = [soundfile.read(synthetic_root / name)[0] for name in (one, other)]
            soundfile.write(root / scene / f"{index}.flac", pd.concat([*map(pd.Series, sounds)]).to_numpy(), 44100)
    return root


def run(name, monkeypatch, *arguments):
    """As its own program."""
    monkeypatch.setattr("sys.argv", [name, *map(str, arguments)])
    runpy.run_path(str(PIPELINES / name), run_name="__main__")


@pytest.mark.slow
@pytest.mark.usefixtures("eager", "shallow")
@pytest.mark.parametrize("name", NAMES)
def test_pipeline_runs_from_recordings_to_a_file(name, synthetic_root, recordings, tmp_path, monkeypatch, capsys):
    own = name == "own_recordings.py"
    more = {"own_recordings.py": ["1"], "compress_to_61_kb.py": ["8"]}.get(name, [])
    run(name, monkeypatch, recordings if own else synthetic_root, tmp_path, "1", *more)
    assert own or "unseen" in capsys.readouterr().out
    files = sorted(tmp_path.rglob("*.tflite"))
    assert len(files) == (3 if name == "unheard_microphones.py" else 1)
    assert len(Classifier(files[0]).labels) == (3 if own else 10)


@pytest.mark.parametrize("name", NAMES)
def test_a_pipeline_is_short_and_without_arguments_explains_itself(name, monkeypatch):
    assert len((PIPELINES / name).read_text().splitlines()) <= 80
    with pytest.raises(SystemExit, match=name):
        run(name, monkeypatch)
