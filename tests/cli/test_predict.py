"""`asc-tf predict` without TensorFlow: scenes, JSON, files that cannot be read."""

import json
import subprocess
import sys

import pytest
from command_line import fails

from asc_tf.cli import main


def test_predict_prints_the_most_likely_scenes(smallest_file, synthetic_root, capsys):
    clip = next((synthetic_root / "audio").glob("park*"))
    assert main(["predict", str(smallest_file), str(clip), "--top", "2"]) == 0
    line = capsys.readouterr().out
    assert line.startswith(f"{clip}: ") and line.count("%") == 2
    assert main(["predict", str(smallest_file), str(clip), "--json"]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert len(answer["probabilities"]) == 10 and sum(answer["probabilities"].values()) == pytest.approx(1, abs=1e-5)
    assert answer["scene"] == max(answer["probabilities"], key=answer["probabilities"].get)


def test_predict_names_the_bad_file_and_still_classifies_the_others(smallest_file, synthetic_root, tmp_path, capsys):
    good = next((synthetic_root / "audio").glob("bus*"))
    bad = tmp_path / "bad.wav"
    bad.write_bytes(b"RIFF")
    assert main(["predict", str(smallest_file), str(bad), str(good)]) == 1
    out, err = capsys.readouterr()
    assert out.startswith(str(good)) and f"asc-tf: {bad}: ended inside the WAV header" in err
    assert "1 of 2 files could not be classified" in err


def test_predict_loads_no_tensorflow(smallest_file, synthetic_root):
    clip = next((synthetic_root / "audio").glob("bus*"))
    code = (
        "import sys, asc_tf.cli\n"
        f"assert asc_tf.cli.main(['predict', {str(smallest_file)!r}, {str(clip)!r}]) == 0\n"
        "assert not {'tensorflow', 'tf_keras', 'pandas'} & set(sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0 and done.stderr == ""


def test_impossible_number_of_scenes(smallest_file, capsys):
    assert "--top 0" in fails(capsys, "predict", smallest_file, "x.wav", "--top", 0)


@pytest.mark.shared
def test_predict_on_the_real_tau_clip(smallest_file, shared, capsys):
    assert main(["predict", str(smallest_file), str(shared / "tau_audio" / "metro_station-paris.wav")]) == 0
    assert capsys.readouterr().out.count("%") == 3
