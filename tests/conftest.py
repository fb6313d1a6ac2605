"""Fixtures that every test may use."""

import gc
import json
import os
import signal
import sys
from contextlib import suppress
from pathlib import Path

os.environ["NO_ALBUMENTATIONS_UPDATE"] = "1"

# Before all else: its log handler keeps the stream of the moment, and where others have written Union[float, int]
# first, Python takes that for its Union[int, float], and the command line reads a 1 as 1.0.
import cv2
import lightning.pytorch  # noqa: F401 (see above)
import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, settings

from ssd_det.annotations.coco import read_coco
from ssd_det.annotations.edits.demo import draw_demo_data
from ssd_det.annotations.edits.noise import corrupt
from tests.command import SharedStarter
from tests.fuzzing import FUZZING, Costs

# Commands leave signals ignored that are ignored where they start, as under nohup and in the background of a script.
for number in (signal.SIGINT, signal.SIGHUP):
    if signal.getsignal(number) == signal.SIG_IGN:
        signal.signal(number, signal.default_int_handler if number == signal.SIGINT else signal.SIG_DFL)

gc.freeze()  # all that has been imported
gc.enable()
torch.set_num_threads(1)  # threads that spin beside the other test process are many times as slow as none

# How long examples take says more of what else the machine does than of the code. They are the same each time, so that
# no change is blamed for an example that the one before was spared.
settings.register_profile(
    "any machine",
    deadline=None,
    derandomize=not FUZZING,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("any machine")

TINY_MODEL = {
    "backbone": "resnet18",
    "weights": None,
    "frozen_stages": 0,
    "freeze_batch_norm": False,
    "fpn_channels": 32,
    "feature_width": 16,
    "roi_size": 2,
    "ratios": [1.0, 1.3],
    "num_negatives": 10,
}
TINY_DETECTOR = {
    "backbone": "resnet18",
    "weights": None,
    "frozen_stages": 0,
    "freeze_batch_norm": False,
    "fpn_channels": 32,
    "feature_width": 16,
    "anchor_sizes": [8, 16, 32, 64, 128],
    "proposals": 20,
    "rois_per_image": 16,
    "score_threshold": 0.0,
    "shortest_side": 72,
    "longest_side": 96,
}
TINY_JOINT = {
    **TINY_MODEL,
    **{name: TINY_DETECTOR[name] for name in ("anchor_sizes", "proposals", "rois_per_image", "score_threshold")},
}
TINY_DATA = {"shortest_side": 64, "longest_side": 96, "batch_size": 2, "num_workers": 0}


@pytest.fixture(autouse=True)
def ended_wandb():
    """A logger leaves its run open to the end of the process: later tests would be given that run as their own."""
    yield
    wandb = sys.modules.get("wandb")
    if wandb is not None and wandb.run is not None:
        with suppress(Exception):  # of a run whose process a test has ended
            wandb.teardown()
        wandb.run = None


@pytest.fixture
def shared_starter(monkeypatch):
    """Let the pipelines of this process have their configurations read by processes that start warm."""
    monkeypatch.setattr("ssd_det.pipeline.processes.Starter", SharedStarter)


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


@pytest.fixture
def make_coco(tmp_path):
    """Write a COCO file of one 40x30 image; keyword arguments replace its parts."""

    def make(name="noisy.json", **parts):
        content = {
            "images": [{"id": 1, "file_name": "a.png", "width": 40, "height": 30}],
            "annotations": [{"id": 5, "image_id": 1, "category_id": 3, "bbox": [4, 5, 10, 12]}],
            "categories": [{"id": 3, "name": "cat"}],
            **parts,
        }
        path = tmp_path / name
        path.write_text(json.dumps(content))
        return path

    return make


@pytest.fixture
def make_image(tmp_path):
    """Write an image of a ramp of grey and return its path."""

    def make(name="a.png", width=40, height=30):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        ramp = np.linspace(0, 255, width * height * 3).reshape(height, width, 3).astype(np.uint8)
        assert cv2.imwrite(str(path), ramp)
        return path

    return make


@pytest.fixture(scope="session")
def demo(tmp_path_factory):
    """Demo images: six in ``train.json`` and ``noisy.json`` (level 0.4), four in ``test.json``, and ``images/``."""
    folder = tmp_path_factory.mktemp("demo")
    draw_demo_data(folder, images=6, test_images=4, seed=3)
    content, _ = corrupt(read_coco(folder / "train.json"), 0.4, seed=45)
    (folder / "noisy.json").write_text(json.dumps(content))
    return folder


@pytest.fixture(scope="module")
def costs():
    """What damaged files have cost, said at the end of ``make fuzz``; no test depends on it, as machines differ."""
    costs = Costs()
    yield costs
    if FUZZING:
        print(f"\n{costs}")
