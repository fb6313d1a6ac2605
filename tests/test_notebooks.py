"""The notebooks: kept without outputs, and run; that of results is run beside the pipeline, whose run it shows."""

import json

import pytest

from tests.notebooks import FOLDER, pictures, run_notebook


@pytest.mark.parametrize("name", ["quickstart.ipynb", "results.ipynb"])
def test_no_outputs_are_kept(name):
    cells = json.loads((FOLDER / name).read_text())["cells"]
    assert all(cell["outputs"] == [] and cell["execution_count"] is None for cell in cells if "outputs" in cell)


def test_quickstart_ends_in_refined_boxes_and_pictures(tmp_path, monkeypatch):
    outputs = run_notebook("quickstart.ipynb", monkeypatch, SSD_DET_FOLDER=tmp_path, SSD_DET_SMALL="1")
    refined = json.loads((tmp_path / "refined.json").read_text())
    assert refined["annotations"]
    assert all("true_bbox" in entry for entry in refined["annotations"])
    assert pictures(outputs[-1]) == 4
