"""Where a run of the pipeline keeps what its stages leave: the names of its folders and files, all of them here."""

from pathlib import Path
from typing import Literal

Boxes = Literal["noisy", "joint", "refined", "clean"]
"""What a detector was trained on; ``joint``: on refined boxes, together with the refiner."""

RUN_RECORD = "run.json"
STAGE_RECORD = "stage.json"
CONFIG = "config.yaml"
CHECKPOINT = "checkpoints/last.ckpt"
METRICS = "metrics.json"
QUALITY = "quality.json"
LABELS = "labels"

REFINER = "refiner"
JOINT = "joint"
REFINED = "refined"
TRUE = "true"
DETECTOR_FOLDERS: dict[Boxes, str] = {
    "noisy": "detector_noisy",
    "joint": JOINT,
    "refined": "detector",
    "clean": "detector_clean",
}
TEST_FOLDERS: dict[Boxes, str] = {
    "noisy": "test_noisy",
    "joint": "test_joint",
    "refined": "test",
    "clean": "test_clean",
}


def refined_file(run: Path) -> Path:
    """The refined annotations of a run."""
    return run / REFINED / f"{REFINED}.json"


def true_file(run: Path) -> Path:
    """The true boxes of a run, where they are known."""
    return run / TRUE / f"{TRUE}.json"
