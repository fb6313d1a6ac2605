"""The faults that the doctor knows: how bad each is, and what to do about it."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

from ssd_det.annotations.formats.file_faults import FileFault, by_kind
from ssd_det.annotations.json_files import JsonObject
from ssd_det.annotations.values import SHOWN_FAULTS


class Severity(StrEnum):
    """How bad a fault is: an error stops or misleads, a warning is most likely wrong, a note is worth knowing."""

    ERROR = "error"
    WARNING = "warning"
    NOTE = "note"


class FaultKind(NamedTuple):
    """A kind of fault.

    Attributes:
        severity: how bad it is.
        meaning: what is wrong, a clause.
        advice: what a person can do, a sentence.
        fix: what ``--fix`` did, in the past tense; ``None`` where it does nothing.
    """

    severity: Severity
    meaning: str
    advice: str
    fix: str | None = None

    @property
    def fixable(self) -> bool:
        """Whether ``--fix`` fixes it."""
        return self.fix is not None


@dataclass(frozen=True)
class Fault:
    """The faults of one kind that were found in a file.

    Attributes:
        kind: its id, a key of :data:`KINDS`.
        count: how many there are.
        examples: the first of them, as json, with names as the file has them.
    """

    kind: str
    count: int
    examples: list[JsonObject]

    @property
    def details(self) -> FaultKind:
        """How bad its kind is, and what to do about it."""
        return KINDS[self.kind]


_E, _W, _N = Severity.ERROR, Severity.WARNING, Severity.NOTE

# In the order in which they are shown.
KINDS = {
    "bad-xml": FaultKind(_E, "a file is not the xml of Pascal VOC", "Correct it, save it as UTF-8, or take it out."),
    "unknown-size": FaultKind(
        _E, "a file says no size, and its image is not there", "Write the size in pixels, or add the image."
    ),
    "bad-object": FaultKind(
        _E, "an object has no name, or a box that is none", "Write a name, and xmin, ymin, xmax and ymax in order."
    ),
    "no-entries": FaultKind(_E, "a list is empty", "Give a file that has images, annotations and categories."),
    "malformed-entry": FaultKind(
        _E, "an entry is not an object", "Replace it with an object that has an id, or remove it."
    ),
    "unusable-folder": FaultKind(_E, "something else prevents reading the folder", "Correct this to see the rest."),
    "text-id": FaultKind(
        _E,
        "ids are texts",
        "Write them as numbers, with all that refers to them.",
        "wrote ids as numbers, with all that refers to them",
    ),
    "bad-id": FaultKind(
        _E, "an id is missing, or is not a whole number of 64 bits", "Give it a whole number.", "gave them new ids"
    ),
    "reused-image-id": FaultKind(_E, "images share an id", "Give each image its own id, and correct image_id."),
    "reused-category-id": FaultKind(_E, "categories share an id", "Give each its own id, and correct category_id."),
    "reused-annotation-id": FaultKind(
        _E, "annotations share an id", "Give each annotation its own id.", "gave later annotations new ids"
    ),
    "unknown-image": FaultKind(
        _E,
        "an annotation's image is not in the file",
        "Correct image_id or add the image; remove the annotation only if the picture is gone.",
    ),
    "unknown-category": FaultKind(
        _E, "an annotation's category is not in the file", "Correct category_id or add the category."
    ),
    "empty-annotation": FaultKind(
        _E,
        "an annotation has no box, polygons or keypoints",
        "Draw the box, or remove the annotation.",
        "removed annotations that say nothing of where an object is",
    ),
    "box-from-polygons": FaultKind(
        _E,
        "an annotation has polygons and no box",
        "Take the box around the polygons.",
        "took the box around the polygons",
    ),
    "bad-box": FaultKind(_E, "bbox is not 4 finite numbers", "Give x, y, width and height in pixels."),
    "bad-earlier-box": FaultKind(
        _E, "true_bbox or original_bbox is not 4 finite numbers", "Give x, y, width and height, or remove the key."
    ),
    "bad-file-name": FaultKind(_E, "an image has no file_name", "Give the path of its file from the image folder."),
    "bad-image-size": FaultKind(
        _E,
        "width or height of an image is not a positive whole number",
        "Give its size in pixels, or give --image_root to take it from the file.",
    ),
    "size-from-file": FaultKind(
        _E,
        "width or height of an image is not a positive whole number, and its file has it",
        "Take width and height from the file.",
        "took width and height from the image file",
    ),
    "bad-category-name": FaultKind(_E, "the name of a category is no text, or empty", "Give it a name."),
    "number-as-name": FaultKind(
        _E, "the name of a category is a number, no text", "Write it in quotes.", "wrote numbers as texts"
    ),
    "normalised-boxes": FaultKind(
        _E,
        "all boxes are fractions of their image, from 0 to 1",
        "Multiply them by the size of their image.",
        "converted fractions of the image to pixels",
    ),
    "corners-as-boxes": FaultKind(
        _E,
        "boxes are x1, y1, x2, y2, not x, y, width, height",
        "Subtract the first corner from the second.",
        "converted corners to x, y, width and height",
    ),
    "negative-size": FaultKind(
        _E, "width or height is negative: corners are swapped", "Swap the corners.", "swapped the corners"
    ),
    "missing-file": FaultKind(
        _E,
        "an image file does not exist",
        "Correct image_root or file_name, or leave such images out with --skip_missing_images.",
    ),
    "outside-file": FaultKind(
        _E,
        "a file name leads out of the image root",
        "Correct file_name or image_root, or give --allow_outside if the file may be read from there.",
    ),
    "ambiguous-name": FaultKind(
        _E, "a file name fits several files", "Add the folders to file_name, or give another image_root."
    ),
    "shared-file": FaultKind(
        _E, "two file names lead to the same file", "Give the folder that the file names start from as image_root."
    ),
    "other-format": FaultKind(
        _E,
        "an image file is something else than its name says, or of a format that is not read",
        "Save it as JPEG, PNG, WebP, TIFF, BMP, GIF, AVIF, MPO, JPEG 2000 or PPM, or remove the image.",
    ),
    "unreadable-file": FaultKind(_E, "an image file cannot be read", "Replace the file or remove the image."),
    "huge-image": FaultKind(_E, "an image has more pixels than are read", "Cut it into tiles, and its boxes with it."),
    "rotated-size": FaultKind(
        _E,
        "size and boxes are those of the picture as its EXIF header rotates it",
        "Rotate size, boxes and polygons to the stored pixels.",
        "rotated size, boxes and polygons to the stored pixels",
    ),
    "rotated-masks": FaultKind(
        _E,
        "as rotated-size, but with masks or keypoints",
        "Store the picture as it is displayed, without the header's rotation.",
    ),
    "size-mismatch": FaultKind(
        _E,
        "an image's size is not that of its file, and its boxes fit the file",
        "Take width and height from the file.",
        "took width and height from the image file",
    ),
    "resized-file": FaultKind(
        _E,
        "an image's size is not that of its file, and its boxes do not fit the file",
        "Scale the boxes to the file, or restore the file that was annotated.",
    ),
    "turned-photo": FaultKind(
        _W,
        "EXIF turns a picture that YOLO or Pascal VOC boxes belong to; they are read as boxes of the stored pixels",
        "If they were drawn on the turned picture, convert them with --exif apply, or store the picture turned; if "
        "not, give --exif ignore.",
    ),
    "stale-filename": FaultKind(
        _W,
        "filename is that of another image than the one called like the xml file, which is taken",
        "Write the name of the xml file's own image into filename.",
    ),
    "wide-encoding": FaultKind(_E, "a YOLO label file is in UTF-16 or UTF-32", "Save it as UTF-8."),
    "bad-row": FaultKind(_E, "a row of a YOLO label file has a wrong number of columns, or text", "Correct the row."),
    "ambiguous-row": FaultKind(
        _E,
        "a row of a YOLO label file may be read in several ways",
        "Say what such rows are with --yolo_rows boxes, polygons, obb or pose.",
    ),
    "unknown-class": FaultKind(
        _E, "the class of a row is not among the names of data.yaml", "Add the name or correct the row."
    ),
    "not-shares": FaultKind(
        _E,
        "numbers of a row are no shares of its image, from 0 to 1",
        "Divide them by the width and height of the image, or correct the row.",
    ),
    "outside-shares": FaultKind(
        _E,
        "a row has numbers somewhat below 0 or above 1",
        "Clip its box to the image.",
        "clipped boxes to their image",
    ),
    "shared-labels": FaultKind(_E, "two images have one YOLO label file", "Rename one of them and its labels."),
    "class-count": FaultKind(
        _W, "nc in data.yaml is not the number of names", "Correct it: trainers of YOLO refuse the folder."
    ),
    "class-numbers": FaultKind(
        _W, "classes in data.yaml do not count from 0", "Number them from 0 up: trainers of YOLO refuse the folder."
    ),
    "mixed-rows": FaultKind(
        _W,
        "a YOLO label file has rows of several kinds: boxes, polygons or keypoints",
        "Write all of them alike: trainers of YOLO leave the whole image out.",
    ),
    "further-columns": FaultKind(
        _W,
        "rows of YOLO labels have columns behind their box or polygon",
        "Take them out before training: trainers of YOLO leave the image out, or read them as points.",
    ),
    "orphan-labels": FaultKind(_W, "a YOLO label file has no image", "Add the image or remove the file."),
    "no-labels": FaultKind(
        _W, "a folder or list of images has no YOLO label file at all", "Put its labels where data.yaml leads to."
    ),
    "stray-labels": FaultKind(
        _W,
        "YOLO labels are not in a folder labels in place of the last folder images",
        "Move them there: trainers of YOLO do not find them.",
    ),
    "unusual-suffix": FaultKind(_W, "an image has a suffix that trainers of YOLO do not know", "Make it png or jpg."),
    "backslash-in-name": FaultKind(
        _W, "a file name has backslashes", "Write file names with slashes.", "replaced backslashes with slashes"
    ),
    "image-per-object": FaultKind(
        _W,
        "several image entries of one file have an annotation each",
        "Join them: the other objects of the picture count as background now.",
        "joined image entries of one file",
    ),
    "repeated-file-name": FaultKind(
        _W,
        "images share a file name",
        "Give each picture a file_name of its own, with folders. Entries of one picture need one id: as it is, the "
        "objects of the others count as background.",
    ),
    "repeated-category-name": FaultKind(_W, "categories share a name", "Merge these categories or rename one."),
    "text-flag": FaultKind(
        _W, "iscrowd or difficult is a text", "Write 0 or 1 without quotes.", "wrote flags as numbers"
    ),
    "bad-flag": FaultKind(_W, "iscrowd or difficult is neither 0 nor 1", "Write 0 or 1."),
    "rotated-box": FaultKind(
        _W,
        "a box was drawn rotated, and bbox is not around it",
        "Take the upright box around it; refining leaves it unchanged.",
        "took the upright box around the rotated one, and kept that as rotated_bbox",
    ),
    "zero-size": FaultKind(
        _W, "a box has no width or height", "Draw it again or remove the annotation; refining leaves it unchanged."
    ),
    "outside-image": FaultKind(
        _W,
        "a box lies entirely outside its image",
        "Draw it again or remove the annotation; refining leaves it unchanged.",
    ),
    "exact-duplicate": FaultKind(
        _W,
        "box, category and image are those of an earlier annotation",
        "Remove all but the first.",
        "removed all but the first",
    ),
    "near-duplicate": FaultKind(
        _W, "IoU above 0.95 with another box of the category", "Check both, and remove one if they show one object."
    ),
    "wrong-area": FaultKind(
        _W,
        "area is neither that of the box nor that of the polygons",
        "Compute it again.",
        "recomputed area, from polygons where there are any",
    ),
    "bad-segmentation": FaultKind(_W, "segmentation is neither polygons nor a mask", "Correct it or remove it."),
    "segmentation-outside-box": FaultKind(
        _W, "polygons extend beyond their box by more than 2 px", "Draw the box around its polygons."
    ),
    "renamed-image": FaultKind(
        _N,
        "filename is no file, so the image called like the xml file is taken",
        "Correct filename if other tools read it.",
    ),
    "size-from-image": FaultKind(
        _N, "a file says no size, or one of 0, so that of its image is taken", "Write it if other tools read it."
    ),
    "counts-from-zero": FaultKind(
        _N,
        "a corner is 0, as where corners count from 0; a folder is read so if more are 0 than 1",
        "If it is read wrongly, give --voc_origin 0 or 1 to convert-annotations.",
    ),
    "id-zero": FaultKind(
        _N,
        "an annotation has the id 0, which pycocotools takes for no match",
        "Give it another id.",
        "gave it a new id",
    ),
    "beyond-image": FaultKind(
        _N,
        "a box extends more than a pixel beyond its image",
        "Clip it to the image.",
        "clipped boxes to their image",
    ),
    "tiny": FaultKind(_N, "a box has a side below 2 px or an area below 4 px²", "Make sure that it is intended."),
    "whole-image": FaultKind(_N, "a box is the whole image", "Make sure that it is intended."),
    "rare-category": FaultKind(
        _N,
        "a category has less than 1% of the annotations of the largest",
        "Expect poor results for it, or add annotations.",
    ),
    "empty-category": FaultKind(_N, "a category has no annotation", "Remove it if it is not needed."),
    "empty-image": FaultKind(_N, "an image has no annotation", "Make sure that it shows no object."),
    "missing-split": FaultKind(
        _N, "a split of data.yaml is not there", "Add it, or take it out of data.yaml: trainers of YOLO refuse it."
    ),
    "no-val": FaultKind(_N, "data.yaml has no val", "Add it before training: trainers of YOLO refuse the folder."),
    "unnamed-file": FaultKind(_N, "an image file is not in the annotation file", "Add it if it was forgotten."),
}


def faults_of_files(file_faults: Sequence[FileFault]) -> list[Fault]:
    """The faults of the files of a folder, those of a kind as one."""
    return [
        Fault(kind, len(found), [{"where": f.where, "sentence": f.sentence} for f in found[:SHOWN_FAULTS]])
        for kind, found in by_kind(file_faults).items()
    ]
