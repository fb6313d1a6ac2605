"""The kinds of fault that are warnings, most likely wrong, and those that are notes, worth knowing."""

from ssd_det.doctor.fault_kinds import FaultKind, Severity

_W, _N = Severity.WARNING, Severity.NOTE

# In the order in which they are shown.
WARNINGS = {
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
}

NOTES = {
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
