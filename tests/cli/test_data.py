"""`asc-tf data check` and `data synth`."""

import pytest
from command_line import fails

from asc_tf.cli import main


def test_check_counts_and_exits_with_one_on_problems(root, capsys):
    assert main(["data", "check", str(root)]) == 0
    assert "train 40 / test 90" in capsys.readouterr().out
    next((root / "audio").glob("*-a.wav")).unlink()
    assert "no such file" in fails(capsys, "data", "check", root)


@pytest.mark.shared
def test_check_of_the_real_tau_2020_metadata(shared, capsys):
    assert main(["data", "check", str(shared / "tau_meta" / "2020_mobile"), "--metadata-only"]) == 0
    out = capsys.readouterr().out
    assert "train 13,962 / test 2,968" in out
    assert ["a", "10215", "330", "3855"] in [line.split() for line in out.splitlines()]


def test_synth_refuses_a_folder_with_something_in_it(tmp_path, capsys):
    (tmp_path / "x").write_text("mine")
    assert str(tmp_path) in fails(capsys, "data", "synth", tmp_path)
