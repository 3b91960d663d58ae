"""The notebook runs from its first cell to its last, with a small data set."""

from pathlib import Path

import pytest

NOTEBOOK = Path(__file__).resolve().parents[1] / "examples" / "first_minute.ipynb"


@pytest.mark.slow
def test_the_notebook_runs(tmp_path):
    nbformat, nbclient = pytest.importorskip("nbformat"), pytest.importorskip("nbclient")
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    (numbers,) = [cell for cell in notebook.cells if cell.source.endswith("CLIPS, EPOCHS = 400, 40")]
    numbers.source = "CLIPS, EPOCHS = 40, 2"
    nbclient.NotebookClient(notebook, timeout=600, resources={"metadata": {"path": tmp_path}}).execute()
    text = "".join(output.get("text", "") for cell in notebook.cells for output in cell.get("outputs", []))
    assert "unseen" in text and "model.tflite" in text and "Traceback" not in text
