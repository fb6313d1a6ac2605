import tempfile

import pytest

from ssd_det.pipeline.scratch import PREFIX, scratch_folder
from ssd_det.runs.layout import SCRATCH


@pytest.fixture(autouse=True)
def temporary(tmp_path, monkeypatch):
    """The system's folder for temporary files."""
    folder = tmp_path / "tmp"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    return folder


@pytest.fixture
def run(tmp_path):
    folder = tmp_path / "run"
    folder.mkdir()
    return folder


def test_it_goes_with_the_pipeline(run, temporary):
    with scratch_folder(run) as folder:
        (folder / "left").write_text("something")
        assert folder.parent == temporary
    assert not list(temporary.iterdir())
    assert not list(run.iterdir())


def test_what_a_killed_call_left_goes_at_the_next(run, temporary):
    killed = scratch_folder(run)
    left = killed.__enter__()
    (left / "left").write_text("something")
    with scratch_folder(run) as folder:
        assert [*temporary.iterdir()] == [folder] != [left]


@pytest.mark.parametrize("name", ["../precious", "precious", f"{PREFIX}../../precious", f"{PREFIX}/../precious", ""])
def test_no_run_can_name_another_folder(run, temporary, name):
    precious = [temporary / "precious", temporary.parent / "precious"]
    for folder in precious:
        folder.mkdir()
    (run / SCRATCH).write_text(name)
    with scratch_folder(run):
        pass
    assert all(folder.is_dir() for folder in precious)


def test_a_link_is_not_followed(run, temporary, tmp_path):
    precious = tmp_path / "precious"
    precious.mkdir()
    (precious / "file").touch()
    (temporary / f"{PREFIX}0").symlink_to(precious)
    (run / SCRATCH).write_text(f"{PREFIX}0")
    with scratch_folder(run):
        pass
    assert (precious / "file").exists()
