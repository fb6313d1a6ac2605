"""Images of a file dealt out to folds, each of which one refiner does not see."""

from ssd_det.annotations.coco import CocoFile
from ssd_det.errors import InputError


def check_folds(coco: CocoFile, folds: int) -> None:
    """Make sure that every fold gets an image.

    Args:
        coco: the file.
        folds: their number.

    Raises:
        InputError: if there are fewer images than folds.
    """
    if folds > len(coco.images):
        raise InputError(
            f"{coco.path}: its images ({len(coco.images)}) cannot be dealt out to {folds} folds: give fewer folds."
        )


def images_of_fold(coco: CocoFile, fold: int, folds: int) -> set[int]:
    """Ids of the images of a fold: dealt out in the order of their ids.

    Args:
        coco: the file.
        fold: its number, from 0.
        folds: how many there are.

    Raises:
        InputError: if there are fewer images than folds.
    """
    check_folds(coco, folds)
    ids = sorted(image.id for image in coco.images)
    return set(ids[fold::folds])
