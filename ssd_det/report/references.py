"""The true boxes to compare with: those of another file, or those that a file carries itself."""

from dataclasses import replace

import numpy as np

from ssd_det.annotations.coco import CocoFile
from ssd_det.annotations.image_names import last_part
from ssd_det.annotations.values import first_of
from ssd_det.errors import InputError
from ssd_det.ops.id_rows import Integers, rows_of
from ssd_det.report.boxes_by_id import BoxesById
from ssd_det.report.measured_boxes import MeasuredBoxes, measure_file


def measure_against(file: CocoFile, reference: CocoFile | None, before: CocoFile | None = None) -> MeasuredBoxes:
    """Measure the boxes of a file against true ones.

    Args:
        file: the boxes, refined ones as a rule.
        reference: the true boxes, under the same annotation ids; ``None`` where they are not known.
        before: the boxes before refining; ``original_bbox`` is taken where it is not given.

    Returns:
        A row for each annotation of the file. Crowd boxes and true boxes without area count as not known.

    Raises:
        InputError: if annotation ids differ, or belong to other images.
    """
    for other in (file, before):
        if other is not None and reference is not None:
            _check_same(other, reference)
    return _measure(file, reference, before)


def measure_against_some(file: CocoFile, reference: CocoFile, before: CocoFile | None = None) -> MeasuredBoxes:
    """Measure the boxes of a file against true ones of some of its annotations; all else as :func:`measure_against`.

    Raises:
        InputError: if annotation ids of the file and of the boxes before differ, or belong to other images.
    """
    if before is not None:
        _check_same(before, file)
    return _measure(file, reference, before)


def _measure(file: CocoFile, reference: CocoFile | None, before: CocoFile | None) -> MeasuredBoxes:
    old = BoxesById(before.columns.id, before.columns.bbox) if before is not None else None
    return measure_file(file, true_boxes(reference), old)


def true_boxes(reference: CocoFile | None) -> BoxesById:
    """The boxes of a file that others can be measured against; none where there is no file."""
    if reference is None:
        return BoxesById.of({})
    measurable = reference.columns.rows(reference.columns.measurable)
    return BoxesById(measurable.id, measurable.bbox)


def carried_reference(coco: CocoFile) -> CocoFile | None:
    """The annotations of a file that carry a true box, with this box; ``None`` if there are none."""
    carrying = [a._replace(bbox=a.true_bbox) for a in coco.annotations if a.true_bbox]
    return replace(coco, annotations=carrying) if carrying else None


def _check_same(file: CocoFile, reference: CocoFile) -> None:
    """Make sure that two files have the same annotations, each in the same image.

    Raises:
        InputError: if they do not.
    """
    ids, expected = file.columns.id, reference.columns.id
    for wanted, present, lacking, other in ((expected, ids, file, reference), (ids, expected, reference, file)):
        missing = np.setdiff1d(wanted, present, assume_unique=True)
        if len(missing):
            raise InputError(
                f"{lacking.path}: {len(missing)} annotation ids of {other.path} are not in it: "
                f"{first_of(sorted(missing.tolist()))}: compare files with the same annotations."
            )
    _check_images(file, reference)


def _check_images(file: CocoFile, reference: CocoFile) -> None:
    """Make sure that annotations are of images of the same name; two data sets may well have the same ids.

    Raises:
        InputError: if they are not.
    """
    rows = rows_of(reference.columns.id, file.columns.id)
    numbers: dict[str, int] = {}
    others = np.flatnonzero(_name_numbers(file, numbers)[rows] != _name_numbers(reference, numbers))
    if len(others):
        there, here = reference.annotations[int(others[0])], file.annotations[int(rows[others[0]])]
        raise InputError(
            f"{reference.path}: annotation {there.id} is of {reference.image_by_id[there.image_id].file_name}, but in "
            f"{file.path} of {file.image_by_id[here.image_id].file_name}: compare files with the same annotations."
        )


def _name_numbers(coco: CocoFile, numbers: dict[str, int]) -> Integers:
    """A number for the name of each annotation's image, without its folders, ``[N]``.

    Args:
        coco: the annotations.
        numbers: of names; new ones are added.
    """
    of_images = [numbers.setdefault(last_part(image.file_name), len(numbers)) for image in coco.images]
    image_ids = np.array([image.id for image in coco.images], dtype=np.int64)
    return np.array(of_images, dtype=np.int64)[rows_of(coco.columns.image_id, image_ids)]
