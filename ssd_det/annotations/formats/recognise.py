"""Telling what format annotations have, by their files."""

from pathlib import Path

from ssd_det.annotations.formats.annotation_format import AnnotationFormat
from ssd_det.annotations.formats.table import FORMATS, FormatName
from ssd_det.errors import InputError


def recognise(path: Path) -> FormatName:
    """The format of annotations: a json file is COCO; data.yaml and label files are YOLO; xml files are Pascal VOC.

    Args:
        path: a json file, a data.yaml or its folder, a folder of label files below one, a folder with Annotations,
            or a folder of xml files.

    Raises:
        InputError: if a folder is of no format, or of two.
    """
    evidence = {name: text for name, candidate in FORMATS.items() if (text := candidate.evidence(path))}
    if len(evidence) > 1:
        raise InputError(
            f"{path}: holds {' and '.join(evidence.values())}: give data.yaml, or the folder of one of them alone."
        )
    names = list(evidence) or [name for name, candidate in FORMATS.items() if candidate.may_be(path)]
    if not names:
        *examples, last = (candidate.example for candidate in FORMATS.values())
        raise InputError(f"{path}: holds no annotations: give {', '.join(examples)}, or {last}.")
    return names[0]


def format_of(path: Path) -> AnnotationFormat:
    """The format of annotations, as :func:`recognise` tells it.

    Raises:
        InputError: if a folder is of no format, or of two.
    """
    return FORMATS[recognise(path)]
