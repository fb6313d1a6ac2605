"""Noise on the boxes of an annotation file: the published protocol, and errors as annotators make them."""

import numpy as np

from ssd_det.annotations.coco import CocoFile
from ssd_det.annotations.edits.detected import nearest_detections
from ssd_det.annotations.edits.noise_kinds import Array, Kind, moves, scaled
from ssd_det.annotations.entries import keep_box, moved, one_by_one, with_changes
from ssd_det.annotations.image_sizes import image_sizes
from ssd_det.annotations.json_files import JsonObject
from ssd_det.errors import InputError
from ssd_det.memory import collection_paused
from ssd_det.ops.box_arrays import corners

LARGEST_FACTOR = 10


def perturb(boxes: Array, draws: Array, image_sizes: Array) -> Array:
    """Shift and scale boxes (the protocol of OA-MIL, section 4.1 of the paper).

    The centre moves by (dx·w, dy·h), the size grows by the factors (1 + dw, 1 + dh), and the result is clipped
    to [0, W − 1] × [0, H − 1]. A box that is left without area keeps its original coordinates.

    Args:
        boxes: ``[N, 4]``, xyxy in pixels.
        draws: ``[N, 4]``, (dx, dy, dw, dh), uniform in [−n, n] for the noise level n.
        image_sizes: ``[N, 2]``, (height, width) of each box's image.

    Returns:
        ``[N, 4]``, xyxy in pixels.
    """
    size = boxes[:, 2:] - boxes[:, :2]
    centre = (boxes[:, :2] + boxes[:, 2:]) / 2 + draws[:, :2] * size
    half = size * (1 + draws[:, 2:]) / 2
    low = np.maximum(centre - half, 0)
    high = np.minimum(centre + half, image_sizes[:, ::-1] - 1)
    empty = (high <= low).any(axis=1, keepdims=True)
    return np.where(empty, boxes, np.concatenate([low, high], axis=1))


@collection_paused()
def corrupt(
    coco: CocoFile,
    noise_level: float | None,
    seed: int,
    kind: Kind = "uniform",
    detections: str | None = None,
    factor: float | None = None,
) -> tuple[JsonObject, int]:
    """Add noise to the boxes of a file, and keep the old ones as ``true_bbox``.

    Crowd boxes, difficult and trusted ones, boxes without area and those whose format cannot hold another stay as they
    are. An existing ``true_bbox`` is kept.

    Args:
        coco: the file; its content is not changed.
        noise_level: how strong the noise is, in [0, 1): n of the published protocol; 0 changes no box. ``None`` for
            ``scale``.
        seed: decides the draws, together with the annotation ids.
        kind: of noise, see :func:`ssd_det.annotations.edits.noise_kinds.moves`. For ``detector`` a box becomes the
            detection of its class that it overlaps most, where their IoU is at least 0.2; others get uniform noise.
        detections: for ``detector``, the COCO results of a detector on these images.
        factor: for ``scale``, what every box is scaled by about its centre, above 0 and up to 10.

    Returns:
        The content of the noisy file, and how many annotations noise was drawn for.

    Raises:
        InputError: if a number is out of range, or ``kind`` and what is given for it do not go together.
    """
    _check(noise_level, kind, detections, factor)
    chosen = coco.columns.rows(coco.columns.measurable & coco.may_move)
    boxes = corners(chosen.bbox)
    sizes = image_sizes(coco, chosen)
    if factor is not None:
        changes = scaled(len(boxes), factor)
    else:
        changes = moves("uniform" if kind == "detector" else kind, boxes, seed, chosen.id, noise_level or 0.0)
    noisy = perturb(boxes, changes, sizes)
    if detections is not None:
        detected = nearest_detections(chosen, boxes, detections)
        noisy = np.where(np.isnan(detected), noisy, perturb(detected, np.zeros_like(boxes), sizes))
    changed = (noisy != boxes).any(axis=1) & (noise_level != 0)
    noisy[:, 2:] -= noisy[:, :2]  # xywh from here on
    count = len(coco.content["annotations"])
    is_chosen, is_changed, boxes_of_all = np.zeros(count, dtype=bool), np.zeros(count, dtype=bool), np.empty((count, 4))
    is_chosen[chosen.position], is_changed[chosen.position], boxes_of_all[chosen.position] = True, changed, noisy

    def change(first: int, entries: list[JsonObject]) -> list[JsonObject]:
        piece = slice(first, first + len(entries))
        columns = (column[piece].tolist() for column in (is_chosen, is_changed, boxes_of_all))
        return [
            _noisy_entry(entry, box if has_moved else None) if may_move else entry
            for entry, may_move, has_moved, box in zip(entries, *columns, strict=True)
        ]

    return with_changes(coco, change), len(chosen)


def _noisy_entry(entry: JsonObject, box: list[float] | None) -> JsonObject:
    """Copy an annotation as it stands in the file with a noisy box xywh, if there is one; its own is the true one."""
    new = dict(entry) if box is None else moved(entry, box)
    keep_box(new, "true_bbox", entry["bbox"])
    return new


def _check(noise_level: float | None, kind: Kind, detections: str | None, factor: float | None) -> None:
    if (kind == "scale") != (factor is not None) or (kind == "scale") != (noise_level is None):
        raise InputError(
            f"kind is {kind}, noise_level is {noise_level} and factor is {factor}: give a factor for kind scale, and a "
            f"noise_level for every other kind."
        )
    if factor is not None and not 0 < factor <= LARGEST_FACTOR:
        raise InputError(f"factor is {factor}: give a number above 0 and up to {LARGEST_FACTOR}.")
    if noise_level is not None and not 0 <= noise_level < 1:
        raise InputError(f"noise_level is {noise_level}: give a number from 0 up to, but not including, 1.")
    if (kind == "detector") != (detections is not None):
        raise InputError(
            f"kind is {kind} and detections is {detections}: give the results of a detector for kind detector only."
        )


@collection_paused()
def with_true_boxes(coco: CocoFile) -> tuple[JsonObject, int]:
    """Copy the content of a file with each ``true_bbox`` in place of the noisy box.

    Args:
        coco: the file; its content is not changed.

    Returns:
        The content, and how many annotations have a true box.

    Raises:
        InputError: if none has.
    """
    columns = coco.columns
    noisy = set(columns.position[~np.isnan(columns.true_bbox[:, 0])].tolist())
    if not noisy:
        raise InputError(f"{coco.path}: no annotation has a true_bbox: give a file that corrupt-annotations wrote.")

    def change(position: int, entry: JsonObject) -> JsonObject:
        if position not in noisy:
            return entry
        new = moved(entry, entry["true_bbox"])
        del new["true_bbox"]
        return new

    return with_changes(coco, one_by_one(change)), len(noisy)
