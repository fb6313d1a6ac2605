"""Fixtures that every test may use."""

import os
from pathlib import Path

import numpy as np
import pytest
import torch

torch.set_num_threads(2)


@pytest.fixture(scope="session")
def parity_folder() -> Path:
    """Recorded inputs and outputs of the reference computations; see its README."""
    return Path(os.environ.get("SSD_DET_PARITY", Path(__file__).parent / "parity"))


@pytest.fixture
def parity(parity_folder, request):
    """The arrays of the file that the test's ``parity_file`` mark names, as tensors."""
    name = request.node.get_closest_marker("parity_file").args[0]
    with np.load(parity_folder / f"{name}.npz") as arrays:
        return {key: torch.from_numpy(np.asarray(arrays[key])) for key in arrays.files}
