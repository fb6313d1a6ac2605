"""Leaving images out that are not there, before the rest is checked."""

from pathlib import Path

import numpy as np

from ssd_det.annotations.entries import chosen_entries
from ssd_det.annotations.image_files import Finding, ImageFolder, left_out_sentence
from ssd_det.annotations.json_files import JsonObject
from ssd_det.console import warn
from ssd_det.doctor.columns import read_columns


def without_missing(source: str, content: JsonObject, image_root: str, allow_outside: bool) -> JsonObject:
    """The content of a file without the images that are not there, which are counted, and their annotations.

    Args:
        source: where it is from, for what is said on standard error.
        content: with the lists of a COCO file, whatever these hold; not changed.
        image_root: the folder that its file names start from.
        allow_outside: let file names lead out of it.

    Returns:
        The content itself where all images are there, or none, which is most likely a wrong ``image_root``.

    Raises:
        InputError: if ``image_root`` is not a folder.
    """
    columns, folder = read_columns(content), ImageFolder(Path(image_root))
    names = columns.file_names
    missing = {
        index: name
        for index, name in enumerate(names)
        if name is not None and folder.find(name, allow_outside) == Finding()
    }
    if not missing or len(missing) == len(names):
        return content
    warn(left_out_sentence(source, image_root, missing.values(), len(names)))
    images = [entry for index, entry in enumerate(content["images"]) if index not in missing]
    belongs = ~np.isin(columns.image_index, list(missing))
    annotations = chosen_entries(content["annotations"], np.flatnonzero(belongs))
    return {**content, "images": images, "annotations": annotations}
