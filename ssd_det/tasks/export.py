"""Taking the detector out of a joint model."""

from pathlib import Path

from ssd_det.errors import InputError
from ssd_det.tasks.checkpoint import ADVICE, Checkpoint, load_checkpoint
from ssd_det.tasks.detect import DetectTask
from ssd_det.tasks.joint import JointTask

PREFIX = "joint.detector."
OF_TRAINING = ("optimizer_states", "lr_schedulers", "loops", "callbacks", "MixedPrecision")


def detector_checkpoint(path: str | Path) -> Checkpoint:
    """Make a detector's checkpoint of a joint model's, with the weights alone: no training can go on from it.

    Args:
        path: a checkpoint of a joint model.

    Returns:
        What :class:`ssd_det.tasks.detect.DetectTask` can be restored from.

    Raises:
        InputError: if the file is missing or something else.
    """
    checkpoint = load_checkpoint(path, JointTask.NAME)
    settings = {**checkpoint["settings"], "detector": "faster_rcnn", "weights": None}
    names = list(DetectTask().hparams)
    weights = {
        f"detector.{name.removeprefix(PREFIX)}": value
        for name, value in checkpoint["state_dict"].items()
        if name.startswith(PREFIX)
    }
    if not weights or not settings.keys() >= set(names):
        raise InputError(f"{path}: is not a whole checkpoint of a joint model: {ADVICE}.")
    return {
        **{key: value for key, value in checkpoint.items() if key not in OF_TRAINING},
        "task": DetectTask.NAME,
        "settings": {name: settings[name] for name in names},
        "state_dict": weights,
    }
