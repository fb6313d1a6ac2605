"""A refiner that was trained for one epoch, and a folder to work with it in."""

import shutil

import pytest

from ssd_det.main import main
from tests.words import DATA, TINY, logging_to


@pytest.fixture(scope="package")
def trained(demo, tmp_path_factory):
    """A folder with the demo's files and a checkpoint of one epoch."""
    folder = tmp_path_factory.mktemp("trained")
    shutil.copytree(demo, folder, dirs_exist_ok=True)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        more = ["--trainer.max_epochs=1", "--trainer.log_every_n_steps=1", *logging_to("runs")]
        assert main(["fit", *TINY, *DATA, *more]) == 0
    return folder


@pytest.fixture
def inside(trained, tmp_path, monkeypatch):
    """A fresh copy of the trained folder as the working directory."""
    shutil.copytree(trained, tmp_path, dirs_exist_ok=True)
    monkeypatch.chdir(tmp_path)
    return tmp_path
