"""What the trainers of YOLO make of a folder: they leave images out, or refuse it all, for what others read.

As Ultralytics 8.4 does it.
"""

from collections.abc import Iterable, Iterator
from pathlib import Path

from ssd_det.annotations.formats.yolo_images import label_path_of
from ssd_det.annotations.formats.yolo_labels import Label
from ssd_det.annotations.formats.yolo_source import LabelFile, YoloSource
from ssd_det.annotations.json_files import JsonObject
from ssd_det.annotations.paths import IMAGE_SUFFIXES
from ssd_det.annotations.values import SHOWN_FAULTS
from ssd_det.doctor.faults import Fault


def find_yolo(source: YoloSource) -> list[Fault]:
    """Find what trainers of YOLO would not take of a folder, and what of it was not read."""
    layout, root = source.layout, source.dataset_root
    found = [
        _fault("mixed-rows", _mixed(source)),
        _fault("further-columns", _with_further_columns(source)),
        _fault("orphan-labels", _files(root, source.found.orphans)),
        _fault("no-labels", _files(root, source.found.unlabelled)),
        _fault("stray-labels", _files(root, _elsewhere(source))),
        _fault("unusual-suffix", _files(root, _unusual(source))),
        _fault("missing-split", ({"split": entry.split, "entry": entry.text} for entry in layout.missing)),
    ]
    yaml: JsonObject = {"file_name": layout.yaml.name}
    count = layout.content.get("nc")
    if count is not None and str(count).strip() != str(len(layout.names)):
        found.append(_fault("class-count", [{**yaml, "nc": count, "names": len(layout.names)}]))
    if set(layout.names) != set(range(len(layout.names))):
        found.append(_fault("class-numbers", [{**yaml, "first": min(layout.names), "last": max(layout.names)}]))
    if not {"val", "validation"} & layout.content.keys():
        found.append(_fault("no-val", [yaml]))
    return [fault for fault in found if fault.count]


def _fault(kind: str, examples: Iterable[JsonObject]) -> Fault:
    examples = list(examples)
    return Fault(kind, len(examples), examples[:SHOWN_FAULTS])


def _mixed(source: YoloSource) -> Iterator[JsonObject]:
    for file in source.label_files:
        kinds = {_kind(source, label) for label in file.labels}
        if len(kinds) > 1:
            yield {"file_name": file.path, "rows": " and ".join(sorted(kinds))}


def _kind(source: YoloSource, label: Label) -> str:
    if label.is_polygon:
        return "polygons"
    return "keypoints" if source.layout.keypoint_columns and label.columns else "boxes"


def _with_further_columns(source: YoloSource) -> Iterator[JsonObject]:
    """The label files with further columns, and those of the first such row."""
    keypoints = source.layout.keypoint_columns or 0
    for file in source.label_files:
        row = next((label for label in file.labels if _further(label) not in (0, keypoints)), None)
        if row is not None:
            yield {"file_name": file.path, "line": _line_of(file, row), "columns": row.columns}


def _further(label: Label) -> int:
    return len(label.columns.split())


def _line_of(file: LabelFile, label: Label) -> int:
    return len(file.content[: label.line[0]].splitlines()) + 1


def _elsewhere(source: YoloSource) -> Iterator[Path]:
    """The folders of labels that trainers of YOLO do not look in."""
    root = source.dataset_root
    labelled = (one for one in source.found.labelled if one.label.is_file())
    found = (label for image, label in labelled if label != root / label_path_of(image.relative_to(root)))
    return iter(dict.fromkeys(label.parent for label in found))


def _unusual(source: YoloSource) -> Iterator[Path]:
    return (image for image, _ in source.found.labelled if not image.name.lower().endswith(IMAGE_SUFFIXES))


def _files(root: Path, files: Iterable[Path]) -> Iterator[JsonObject]:
    return ({"file_name": file.relative_to(root).as_posix()} for file in files)
