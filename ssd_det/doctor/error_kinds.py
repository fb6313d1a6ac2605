"""The kinds of fault that are errors: they stop what reads the file, or mislead it."""

from ssd_det.doctor.fault_kinds import FaultKind, Severity

_E = Severity.ERROR

# In the order in which they are shown.
ERRORS = {
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
}
