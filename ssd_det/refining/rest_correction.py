"""Taking what trusted boxes show refining to leave out of all refined boxes, where that surely helps."""

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from ssd_det.ops.box_types import Xywh
from ssd_det.ops.boxes import clip, iou
from ssd_det.ops.rest_error import clues, fit_rest_error, is_surely_better, without_unseen
from ssd_det.refining.file_objects import FileObjects

LEAST_IMAGES = 5  # with trusted boxes; those of fewer may be of a kind


@dataclass(frozen=True)
class RestGain:
    """What was gained: the mean IoU of refined with trusted boxes, each corrected by what other images show.

    Attributes:
        before: as they were refined.
        after: without what refining leaves.
    """

    before: float
    after: float

    @property
    def sentence(self) -> str:
        """What was done, and what it is worth."""
        return (
            f"What trusted boxes show refining to leave is taken out of all refined ones: "
            f"mean IoU with the trusted boxes {self.before:.3f} before, {self.after:.3f} after."
        )


def without_rest(
    objects: FileObjects, categories: Tensor, trusted: Mapping[int, Xywh]
) -> tuple[FileObjects, RestGain | None]:
    """Take the error that refining leaves out of refined boxes.

    Args:
        objects: what a pass found for the objects of the file, from boxes that nobody has checked.
        categories: ``LongTensor[N]``, of the objects.
        trusted: boxes xywh, by annotation id, of some of the objects.

    Returns:
        The objects with other refined boxes, those of the trusted ones by fits that have not seen their images, and
        what was gained; the objects as they are and ``None`` where it is not sure that something is.
    """
    rows, true = objects.known(trusted)
    image_ids = torch.tensor([objects.image_ids[row] for row in rows.tolist()], dtype=torch.long)
    images, groups = torch.unique(image_ids, return_inverse=True)
    if len(images) < LEAST_IMAGES:
        return objects, None
    known = clues(objects.noisy, objects.unseen, categories).rows(rows)
    judged = objects.unseen[rows]
    corrected = clip(without_unseen(known, judged, true, groups), objects.image_sizes[rows])
    if not is_surely_better(corrected, judged, true, groups):
        return objects, None
    rest = fit_rest_error(known, judged, true)

    def without(boxes: Tensor) -> Tensor:
        result = clip(rest.without(boxes, clues(objects.noisy, boxes, categories)), objects.image_sizes)
        result[rows] = corrected
        return result

    gain = RestGain(iou(judged, true).mean().item(), iou(corrected, true).mean().item())
    return objects.changed(without), gain
