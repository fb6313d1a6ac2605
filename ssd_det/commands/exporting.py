"""Commands about checkpoints."""

from ssd_det.annotations.output import CHECKPOINT, check_output
from ssd_det.console import say


def export_detector(checkpoint: str, *, output: str, overwrite: bool = False) -> None:
    """Write the detector of a joint model as a checkpoint of its own.

    Args:
        checkpoint: made by fit with a configuration of the joint model.
        output: the checkpoint to write, for test and predict with a configuration of the detector.
        overwrite: allow the output to exist.
    """
    from ssd_det.checkpoint_io import save_whole  # noqa: PLC0415 (Lightning takes seconds to import)
    from ssd_det.tasks.export import detector_checkpoint  # noqa: PLC0415

    path = check_output(output, others=[checkpoint], overwrite=overwrite, kind=CHECKPOINT)
    save_whole(detector_checkpoint(checkpoint), path)
    say(f"{path}: the detector of {checkpoint}.")
