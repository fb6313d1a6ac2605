"""What a trusted annotation would be, had nobody checked its box: with this, the boxes of all others can be judged.

A trusted annotation has it under the key ``untrusted``: ``bbox``, the box that refining starts from, and, once it was
refined, ``refined_bbox``, ``refine_score`` and ``taken``, whether the refined box would have been taken.
"""

from dataclasses import replace
from typing import NamedTuple

from ssd_det.annotations.annotation import Annotation
from ssd_det.annotations.coco import CocoFile
from ssd_det.annotations.json_files import JsonObject
from ssd_det.annotations.values import box_of, is_number, optional_box, shown
from ssd_det.errors import InputError
from ssd_det.ops.box_types import Xywh

KEY = "untrusted"


class Untrusted(NamedTuple):
    """What a trusted annotation would be; boxes are xywh in pixels.

    Attributes:
        box: before refining.
        refined: what it was refined to; ``None`` where it was not.
        score: of the refined box, in [0, 1].
        taken: whether the refined box would have been taken.
    """

    box: Xywh
    refined: Xywh | None = None
    score: float | None = None
    taken: bool = False

    @property
    def current(self) -> Xywh:
        """The box that the annotation would have."""
        return self.refined if self.taken and self.refined else self.box

    def to_json(self) -> JsonObject:
        """What stands under the key."""
        if self.refined is None:
            return {"bbox": list(self.box)}
        return {
            "bbox": list(self.box),
            "refined_bbox": list(self.refined),
            "refine_score": self.score,
            "taken": self.taken,
        }


def untrusted_of(coco: CocoFile, annotation: Annotation) -> Untrusted | None:
    """What a trusted annotation would be; ``None`` where that is not known, or the annotation is not trusted.

    Raises:
        InputError: if the key holds something else.
    """
    if not annotation.trusted:
        return None
    content = coco.entry(annotation).get(KEY)
    if content is None:
        return Untrusted(annotation.original_bbox) if annotation.original_bbox else None
    where = f"{coco.path}: annotation {annotation.id}: {KEY}"
    if not isinstance(content, dict):
        raise InputError(f"{where} is {shown(content)}: remove it.")
    score = content.get("refine_score")
    if score is not None and not (is_number(score) and 0 <= score <= 1):
        raise InputError(f"{where}: refine_score is {shown(score)}: remove {KEY}.")
    return Untrusted(
        box_of(where, "bbox", content.get("bbox")),
        optional_box(where, "refined_bbox", content),
        score,
        content.get("taken") is True,
    )


def as_untrusted(coco: CocoFile) -> tuple[CocoFile, dict[int, Xywh]]:
    """A file as if nobody had checked its boxes, as far as it is known what they were; its content is not changed.

    Returns:
        The file, and the trusted boxes xywh that were taken out of it, by annotation id.

    Raises:
        InputError: see :func:`untrusted_of`.
    """
    annotations, trusted = list(coco.annotations), {}
    for index, annotation in enumerate(annotations):
        known = untrusted_of(coco, annotation)
        if known is None or coco.why_unusable(annotation) is not None:
            continue
        other = annotation._replace(bbox=known.current)
        if coco.why_unusable(other) is None:
            annotations[index], trusted[annotation.id] = other, annotation.bbox
    return (replace(coco, annotations=annotations), trusted) if trusted else (coco, {})
