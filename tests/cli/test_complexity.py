"""`asc-tf complexity` of runs, files and named networks."""

import json

import pytest
from command_line import fails

from asc_tf.cli import main


def test_complexity_of_a_run_its_file_and_a_named_network(smallest_run, smallest_file, capsys):
    accounts = []
    for target in (smallest_run, smallest_run / "last.keras", smallest_file):
        assert main(["complexity", str(target), "--seconds", "1", "--json"]) == 0
        accounts.append(json.loads(capsys.readouterr().out))
    run, keras_file, tflite = (account["parts"]["network"] for account in accounts)
    assert run == keras_file and run["macs"] == tflite["macs"] > 0
    assert [rule["year"] for rule in accounts[0]["rules"]] == [2021, 2022, 2023, 2024, 2025]
    assert main(["complexity", "bc-resnet-asc-1"]) == 0
    text = capsys.readouterr().out
    assert "19,562,940" in text and "109" in text and "stem" in text


@pytest.mark.parametrize(
    ("target", "parts"),
    [
        ("bc-resnet-asc-9", ("bc-resnet-asc-9", "did you mean 'bc-resnet-asc-8'?")),
        ("nothing.keras", ("nothing.keras: no such file",)),
        ("nothing.tflite", ("nothing.tflite: cannot be read",)),
    ],
)
def test_complexity_of_what_is_not_there(capsys, target, parts):
    sentence = fails(capsys, "complexity", target)
    assert all(part in sentence for part in parts)
