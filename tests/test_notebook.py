"""The notebook runs from its first cell to its last, with a small data set and a small network."""

from pathlib import Path

import pytest

NOTEBOOK = Path(__file__).resolve().parents[1] / "examples" / "first_minute.ipynb"
IN_THE_KERNEL = """
import shlex
import tensorflow as tf
from asc_tf.cli import main

tf.config.run_functions_eagerly(True)
shell = get_ipython()
small = {"data": [], "train": ["model.network=cp-mobile", "model.width=8", "model.depth=1"], "export": []}
in_a_shell = shell.system

def run(line):
    program, *arguments = shlex.split(shell.var_expand(line))
    command = arguments[2] if arguments[:2] == ["-m", "asc_tf"] else None
    if command not in small:
        return in_a_shell(line)
    assert main([*arguments[2:], *small[command]]) == 0

shell.system = run
"""
"""`!... -m asc_tf data`, `train` and `export` without processes of their own, which import TensorFlow once more each;
what goes through a pipe keeps its process."""


@pytest.mark.slow
def test_the_notebook_runs(tmp_path):
    nbformat, nbclient = pytest.importorskip("nbformat"), pytest.importorskip("nbclient")
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    (numbers,) = [cell for cell in notebook.cells if cell.source.endswith("CLIPS, EPOCHS = 400, 40")]
    numbers.source = "CLIPS, EPOCHS = 40, 2"
    notebook.cells.insert(0, nbformat.v4.new_code_cell(IN_THE_KERNEL))
    nbclient.NotebookClient(notebook, timeout=600, resources={"metadata": {"path": tmp_path}}).execute()
    text = "".join(output.get("text", "") for cell in notebook.cells for output in cell.get("outputs", []))
    assert "unseen" in text and "model.tflite" in text and "Traceback" not in text
