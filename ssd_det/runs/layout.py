"""Where a run of the pipeline keeps what its stages leave: the names of its folders and files, all of them here."""

from pathlib import Path
from typing import Literal

Boxes = Literal["noisy", "joint", "refined", "clean"]
"""What a detector was trained on; ``joint``: on refined boxes, together with the refiner."""

LOCK = ".lock"
LOCK_HOLDER = ".lock.pid"
SCRATCH = ".temporary"
RUN_RECORD = "run.json"
STAGE_RECORD = "stage.json"
CONFIG = "config.yaml"
CHECKPOINT = "checkpoints/last.ckpt"
METRICS = "metrics.json"
QUALITY = "quality.json"
LABELS = "labels"

CORRECTED = "corrected"
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
    """The refined annotations of a run, or of a round or a fold of it."""
    return run / REFINED / f"{REFINED}.json"


def corrected_file(run: Path) -> Path:
    """The noisy annotations of a run with trusted boxes in them, and without what these show to be shared."""
    return run / CORRECTED / f"{CORRECTED}.json"


def true_file(run: Path) -> Path:
    """The true boxes of a run, where they are known."""
    return run / TRUE / f"{TRUE}.json"


def section_settings_file(run: Path, section: str) -> Path:
    """The settings of a section, ``refine`` or ``detect``, that the run was started with."""
    return run / f"{section}.yaml"


def round_folder(run: Path, number: int) -> Path:
    """A round before the last, which has the folders of the run itself; counted from 1."""
    return run / f"round_{number}"


def fold_folder(folder: Path, number: int) -> Path:
    """A fold of a run or of a round, counted from 0."""
    return folder / f"fold_{number}"
