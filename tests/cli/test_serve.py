"""Mistakes of `asc-tf serve`: one sentence each, before anything is served."""

import socket
import sys

import pytest

from asc_tf.cli import main


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--port", "99999"], "--port 99999: expected a value from 0 to 65,535"),
        (["recording.wav"], "recording.wav: is no model; expected a .tflite file"),
        (["esc10-mobile", "procedural-scenes"], "MODEL: 2 names; expected one model"),
    ],
)
def test_mistakes_are_one_sentence(arguments, sentence, capsys):
    assert main(["serve", *arguments]) == 1
    assert sentence in capsys.readouterr().err


def test_without_gradio_it_names_the_extra(monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "gradio", None)
    monkeypatch.setitem(sys.modules, "uvicorn", None)
    assert main(["serve"]) == 1
    assert "pip install 'asc-tf[serve]'" in capsys.readouterr().err


@pytest.mark.slow
def test_a_port_that_is_taken_is_named(capsys):
    pytest.importorskip("gradio", reason="the extra serve is not installed")
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert main(["serve", "--port", str(port)]) == 1
    assert f"--port {port}: cannot be listened on at 127.0.0.1" in capsys.readouterr().err
