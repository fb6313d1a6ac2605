"""Writing annotations in the format that they came in."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, cast

from ssd_det.annotations.coco import CocoFile
from ssd_det.annotations.formats.annotation_format import FolderFormat
from ssd_det.annotations.formats.folder_writing import write_folder
from ssd_det.annotations.formats.reading import files_of
from ssd_det.annotations.formats.recognise import format_of
from ssd_det.annotations.json_files import JsonObject
from ssd_det.annotations.output import check_output, write_json
from ssd_det.annotations.paths import normal
from ssd_det.annotations.source import SourceFolder
from ssd_det.errors import InputError
from ssd_det.late_files import await_file
from ssd_det.ops.box_types import Xywh


@dataclass(frozen=True)
class Destination:
    """Where annotations will be written.

    Attributes:
        json: the COCO json file.
        folder: the folder in the format of the input; ``None`` where only the json file is written.
    """

    json: Path
    folder: Path | None = None

    @property
    def path(self) -> Path:
        """The path to name in messages."""
        return self.folder or self.json


def check_destination(
    output: str | Path,
    annotations: str | Path,
    others: Sequence[str | Path] = (),
    overwrite: bool = False,
    kind: Literal["refined", "noisy"] = "refined",
) -> Destination:
    """Make sure, before any work is done, that annotations may be written.

    A COCO file becomes a file, a folder a folder with a COCO json file of its name beside it, unless the output ends in
    .json. Beside a folder that is changed in place, the name says what kind the boxes are, and the file never replaces
    another: it alone holds the boxes that the folder had.

    Args:
        output: the path to write to.
        annotations: the input that the output is a new version of; ``overwrite`` allows it to be replaced.
        others: inputs that must never be replaced.
        overwrite: allow the output to exist.
        kind: what the boxes will be.

    Raises:
        InputError: if something is in the way, see :func:`ssd_det.annotations.output.check_output`.
    """
    source = Path(annotations)
    for path in (source, Path(output).parent):
        await_file(path)
    source_format = format_of(source)
    wants_json = Path(output).suffix == ".json" and not Path(output).is_dir()
    if wants_json or not isinstance(source_format, FolderFormat):
        return Destination(check_output(output, annotations, files_of(others), overwrite))
    folder, dataset_root = normal(Path(output)), source_format.dataset_root(source)
    in_place = folder in (dataset_root, normal(source)) or folder.resolve() == dataset_root.resolve()
    if in_place:
        folder = dataset_root
        if not overwrite:
            raise InputError(f"{output}: is the input as well: give another output, or --overwrite true.")
    else:
        folders = [other for other in others if files_of([other]) != [Path(other)]]  # not checkpoints and json files
        check_folder(folder, [source, *folders], overwrite)
    json = folder.parent / (f"{folder.name}_{kind}.json" if in_place else f"{folder.name}.json")
    is_of_folder = folder.exists() and not in_place
    if json.exists() and overwrite and not is_of_folder:
        raise InputError(f"{json}: exists already, and would be lost: move it, or give another output.")
    return Destination(check_output(json, others=files_of(others), overwrite=overwrite), folder)


def check_folder(output: str | Path, others: Sequence[str | Path] = (), overwrite: bool = False) -> Path:
    """Make sure that a folder may be written.

    Args:
        output: the folder.
        others: inputs that must never be replaced.
        overwrite: allow it to exist.

    Returns:
        Its absolute path.

    Raises:
        InputError: if it is an input, exists and ``overwrite`` is not given, is a file, or the folder above is missing
            or not writable.
    """
    folder = normal(Path(output))
    if not folder.is_dir():
        check_output(folder)
    elif any(_holds_files_of(Path(path), folder) for path in others):
        raise InputError(f"{output}: holds an input that would be lost: give another output.")
    elif not overwrite:
        raise InputError(f"{output}: exists already: give another output, or --overwrite true.")
    return folder


def save_annotations(coco: CocoFile, content: JsonObject, destination: Destination) -> int:
    """Write the content of a COCO file, and its boxes into a copy of the folder that it came from.

    Args:
        coco: what was read.
        content: the same with other boxes, annotations at the same positions.
        destination: where to write them.

    Returns:
        How many boxes could not be put into the files of the folder, as nothing of them would be left in its numbers.
    """
    if destination.folder is None:
        write_json(destination.json, content)
        return 0
    return save_folder(coco, content, destination.folder, lambda: write_json(destination.json, content))


def save_folder(
    coco: CocoFile, content: JsonObject, folder: Path, before_commit: Callable[[], object] = lambda: None
) -> int:
    """Write a copy of the folder that annotations came from with other boxes, or put them into the folder itself.

    Images are linked to, so that the copy can be trained on.

    Args:
        coco: what was read from the folder.
        content: as of a COCO file, annotations at the same positions.
        folder: the copy, or the folder itself.
        before_commit: is called before an existing folder is touched, and before a new one gets its name.

    Returns:
        How many boxes could not be put in, as nothing of them would be left in the numbers of their files.
    """
    source = cast("SourceFolder", coco.source)
    pairs = enumerate(zip(coco.content["annotations"], content["annotations"], strict=True))
    changed = {i: Xywh(tuple(new["bbox"])) for i, (old, new) in pairs if list(old["bbox"]) != list(new["bbox"])}
    movable = {position: box for position, box in changed.items() if position not in source.fixed}
    rewritten = source.rewritten(movable, folder)
    write_folder(folder, rewritten.files, {} if folder == source.dataset_root else source.links, before_commit)
    return rewritten.kept + len(changed) - len(movable)


def save_fixed(coco: CocoFile, content: JsonObject, folder: Path) -> int:
    """Write a copy of the folder that annotations came from with what was fixed in them, or fix the folder itself.

    Boxes that differ are written, annotations that are not in the content any more are taken out; rows that could not
    be read, and all else, stay to the byte.

    Args:
        coco: what was read from the folder.
        content: as of a COCO file, annotations with the ids that they had.
        folder: the copy, or the folder itself.

    Returns:
        How many boxes could not be put in, as nothing of them would be left in the numbers of their files.
    """
    source = cast("SourceFolder", coco.source)
    boxes = {entry["id"]: Xywh(tuple(entry["bbox"])) for entry in content["annotations"]}
    changed = {
        a.position: boxes[a.id] for a in coco.annotations if a.id in boxes and tuple(boxes[a.id]) != tuple(a.bbox)
    }
    removed = {a.position for a in coco.annotations if a.id not in boxes}
    rewritten = source.rewritten(changed, folder, removed)
    write_folder(folder, rewritten.files, {} if folder == source.dataset_root else source.links)
    return rewritten.kept


def _holds_files_of(path: Path, folder: Path) -> bool:
    """Whether files that an input is made of are in a folder."""
    return any(file.resolve().is_relative_to(folder.resolve()) for file in files_of([path]))
