"""Running the notebooks as nbmake does."""

from pathlib import Path

from nbmake.nb_run import NotebookRun

FOLDER = Path(__file__).parents[1] / "notebooks"


def run_notebook(name, monkeypatch, **environment):
    """Run a notebook with variables of the environment, and return the outputs of its code cells, cell by cell."""
    for key, value in environment.items():
        monkeypatch.setenv(key, str(value))
    result = NotebookRun(FOLDER / name, default_timeout=None).execute()
    assert result.error is None, result.error.trace
    return [cell.outputs for cell in result.nb.cells if cell.cell_type == "code"]


def pictures(outputs):
    """How many pictures some outputs show."""
    return sum("image/png" in output.get("data", {}) for output in outputs)
