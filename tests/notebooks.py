"""Running the notebooks as nbmake does."""

from functools import partial
from pathlib import Path

from nbclient import NotebookClient
from nbmake import nb_run

PATIENCE = 3600  # seconds; a kernel that starts on a busy machine takes more than the client's own
FOLDER = Path(__file__).parents[1] / "notebooks"


def run_notebook(name, monkeypatch, **environment):
    """Run a notebook with variables of the environment, and return the outputs of its code cells, cell by cell."""
    for key, value in environment.items():
        monkeypatch.setenv(key, str(value))
    patient = partial(NotebookClient, startup_timeout=PATIENCE, iopub_timeout=PATIENCE)
    monkeypatch.setattr(nb_run, "NotebookClient", patient)
    result = nb_run.NotebookRun(FOLDER / name, default_timeout=None).execute()
    assert result.error is None, result.error.trace
    return [cell.outputs for cell in result.nb.cells if cell.cell_type == "code"]


def pictures(outputs):
    """How many pictures some outputs show."""
    return sum("image/png" in output.get("data", {}) for output in outputs)
