"""The faults that the doctor knows: how bad each is, and what to do about it."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Any, NamedTuple


class Severity(StrEnum):
    """How bad a fault is: an error stops or misleads, a warning is most likely wrong, a note is worth knowing."""

    ERROR = "error"
    WARNING = "warning"
    NOTE = "note"


class Kind(NamedTuple):
    """A kind of fault.

    ``mend`` is what a person can do, in one sentence; ``did`` what ``--fix`` does, ``None`` where it does nothing.
    """

    severity: Severity
    meaning: str
    mend: str
    did: str | None = None


@dataclass(frozen=True)
class Fault:
    """What was found of one kind: how often, and the first examples, each by names as the file has them."""

    kind: str
    count: int
    examples: list[dict[str, Any]]

    @property
    def known(self) -> Kind:
        """What is known of its kind."""
        return KINDS[self.kind]


_E, _W, _N = Severity.ERROR, Severity.WARNING, Severity.NOTE

# In the order in which they are shown.
KINDS = {
    "no-entries": Kind(_E, "a list is empty", "Give a file that has images, annotations and categories."),
    "malformed-entry": Kind(_E, "an entry is no object", "Replace it by an object with an id, or remove it."),
    "bad-id": Kind(_E, "an id is no whole number of 64 bits", "Give it a whole number."),
    "reused-image-id": Kind(_E, "images share an id", "Give each image its own id, and correct image_id."),
    "reused-category-id": Kind(_E, "categories share an id", "Give each its own id, and correct category_id."),
    "reused-annotation-id": Kind(
        _E, "annotations share an id", "Give each annotation its own id.", "gave later annotations new ids"
    ),
    "unknown-image": Kind(_E, "an annotation's image is not in the file", "Add the image or remove the annotation."),
    "unknown-category": Kind(
        _E, "an annotation's category is not in the file", "Add the category or remove the annotation."
    ),
    "bad-box": Kind(_E, "bbox is not 4 finite numbers", "Give x, y, width and height in pixels."),
    "bad-earlier-box": Kind(
        _E, "true_bbox or original_bbox is not 4 finite numbers", "Give x, y, width and height, or remove the key."
    ),
    "bad-file-name": Kind(_E, "an image has no file_name", "Give the path of its file from the image folder."),
    "bad-image-size": Kind(_E, "width or height of an image is no positive whole number", "Give its size in pixels."),
    "bad-category-name": Kind(_E, "a category has no name", "Give it a name."),
    "normalised-boxes": Kind(
        _E,
        "all boxes are shares of their image, from 0 to 1",
        "Multiply them by the size of their image.",
        "turned shares of the image into pixels",
    ),
    "corners-as-boxes": Kind(
        _E,
        "boxes are x1, y1, x2, y2, not x, y, width, height",
        "Subtract the first corner from the second.",
        "turned corners into x, y, width and height",
    ),
    "negative-size": Kind(
        _E, "width or height is negative: corners are swapped", "Swap the corners.", "swapped the corners"
    ),
    "missing-file": Kind(_E, "an image file is not there", "Correct image_root or file_name, or leave the image out."),
    "outside-file": Kind(
        _E,
        "a file name leads out of the image root",
        "Correct file_name or image_root, or give --allow_outside if the file may be read from there.",
    ),
    "ambiguous-name": Kind(
        _E, "several files fit a file name", "Write the folders into file_name, or give another image_root."
    ),
    "shared-file": Kind(
        _E, "two names lead to one file", "Give the folder that the file names start from as image_root."
    ),
    "unreadable-file": Kind(_E, "an image file is none that can be read", "Replace it or leave the image out."),
    "rotated-size": Kind(
        _E,
        "size and boxes are those of the picture as its EXIF header turns it",
        "Turn size, boxes and polygons to the stored pixels.",
        "turned size, boxes and polygons to the stored pixels",
    ),
    "rotated-masks": Kind(
        _E,
        "as rotated-size, and there are masks or keypoints",
        "Store the picture as it is shown, without the header's rotation.",
    ),
    "size-mismatch": Kind(
        _E,
        "an image has another size than its file, which its boxes fit",
        "Take width and height from the file.",
        "took width and height from the image file",
    ),
    "resized-file": Kind(
        _E,
        "an image has another size than its file, which its boxes do not fit",
        "Scale the boxes to the file, or restore the file that was annotated.",
    ),
    "backslash-in-name": Kind(
        _W, "a file name has backslashes", "Write file names with slashes.", "wrote slashes for backslashes"
    ),
    "repeated-file-name": Kind(_W, "images share a file name", "Merge these images into one."),
    "repeated-category-name": Kind(_W, "categories share a name", "Merge these categories or rename one."),
    "text-flag": Kind(
        _W,
        "iscrowd or difficult is a text",
        "Write 0 or 1 without quotes.",
        "wrote flags as numbers",
    ),
    "bad-flag": Kind(_W, "iscrowd or difficult is neither 0 nor 1", "Write 0 or 1."),
    "zero-size": Kind(_W, "a box has no width or height", "Draw it again or remove the annotation; refining keeps it."),
    "outside-image": Kind(
        _W, "a box lies wholly outside its image", "Draw it again or remove the annotation; refining keeps it."
    ),
    "exact-duplicate": Kind(
        _W,
        "box, category and image are those of an earlier annotation",
        "Remove all but the first.",
        "removed all but the first",
    ),
    "near-duplicate": Kind(
        _W, "IoU above 0.95 with another box of the category", "Look at both, and remove one if it is one object."
    ),
    "wrong-area": Kind(
        _W,
        "area is neither that of the box nor that of the polygons",
        "Compute it again.",
        "computed area again, from polygons where there are any",
    ),
    "bad-segmentation": Kind(_W, "segmentation is neither polygons nor a mask", "Correct it or remove it."),
    "segmentation-outside-box": Kind(
        _W, "polygons leave their box by more than 2 px", "Draw the box around its polygons."
    ),
    "beyond-image": Kind(
        _N,
        "a box reaches more than a pixel beyond its image",
        "Clip it to the image.",
        "clipped boxes to their image",
    ),
    "tiny": Kind(_N, "a box has a side below 2 px or less than 4 px²", "Make sure that it is meant."),
    "whole-image": Kind(_N, "a box is the whole image", "Make sure that it is meant."),
    "rare-category": Kind(
        _N, "a category has less than 1% of the annotations of the largest", "Expect little of it, or add some."
    ),
    "empty-category": Kind(_N, "a category has no annotation", "Remove it if it is not meant to be there."),
    "empty-image": Kind(_N, "an image has no annotation", "Make sure that there is nothing in it."),
    "unnamed-file": Kind(_N, "an image file is not in the annotation file", "Add it if it was forgotten."),
}
