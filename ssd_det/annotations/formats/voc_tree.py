"""Turning a split of a Pascal VOC tree (a folder of a VOCdevkit) into a COCO annotation file."""

from collections.abc import Iterable
from pathlib import Path

from ssd_det.annotations.formats.file_faults import FileFault, counted, refuse
from ssd_det.annotations.formats.voc_file import FLAGS
from ssd_det.annotations.formats.voc_images import VocImages
from ssd_det.annotations.formats.voc_layout import ANNOTATIONS, IMAGES, LISTS
from ssd_det.annotations.formats.voc_source import category_ids, coco_content, with_images
from ssd_det.annotations.formats.voc_xml import read_voc_file
from ssd_det.annotations.json_files import JsonObject
from ssd_det.annotations.paths import normal
from ssd_det.annotations.values import first_of
from ssd_det.console import warn
from ssd_det.errors import InputError
from ssd_det.foreign.regular_files import read_regular


def convert_voc_tree(root: str | Path, split: str) -> JsonObject:
    """Read a split of a Pascal VOC tree as COCO.

    Corners are 1-based in VOC and 0-based in COCO: 1 is taken off all four, and the width is xmax − xmin. The
    categories are those of all xml files of the tree, by name, so that all splits of a tree have the same.

    Args:
        root: the folder that holds ``Annotations``, ``ImageSets/Main`` and ``JPEGImages``.
        split: name of a list in ``ImageSets/Main``, usually ``trainval`` or ``test``.

    Returns:
        The content of a COCO file. Each annotation keeps ``difficult``, ``truncated``, ``occluded`` and ``pose`` as
        far as its object has them; file names start from ``JPEGImages``.

    Raises:
        InputError: if a file is missing, is not the xml of VOC, or has an invalid box, or a size that is neither
            valid nor that of its image.
    """
    root = Path(root)
    listing = root / LISTS / "Main" / f"{split}.txt"
    for path in (root / ANNOTATIONS, listing.parent):
        if not path.is_dir():
            raise InputError(
                f"{path}: there is no such folder: give the folder that holds Annotations, ImageSets and JPEGImages."
            )
    if not listing.exists():
        others = first_of(sorted(path.stem for path in listing.parent.glob("*.txt")))
        fix = f"give a split that has one ({others})" if others else "add it, with the names of images"
        raise InputError(f"{listing}: there is no such list: {fix}.")
    names = _names_in(listing)
    if not names:
        raise InputError(f"{listing}: lists no images: give a split with images.")
    tree = {path.stem: read_voc_file(path) for path in sorted((root / ANNOTATIONS).glob("*.xml"))}
    files = [tree[name] if name in tree else read_voc_file(root / ANNOTATIONS / f"{name}.xml") for name in names]
    remarks: list[FileFault] = []
    images = VocImages(normal(root / IMAGES), normal(root / IMAGES))
    located = with_images(files, images, normal(root / ANNOTATIONS), refuse, remarks)
    for remark in counted(remarks):
        warn(remark)
    names = [image.name for _, image in located]
    return coco_content([file for file, _ in located], names, category_ids(tree.values()))


def tree_files(root: str | Path) -> list[Path]:
    """All files in the folders of a Pascal VOC tree that are read, images among them."""
    return [path for folder in (ANNOTATIONS, LISTS, IMAGES) for path in (Path(root) / folder).rglob("*")]


def _names_in(listing: Path) -> list[str]:
    """The names in a list, each once, in the order of the list."""
    try:
        lines = read_regular(listing, "list of image names").decode().splitlines()
    except UnicodeDecodeError as error:
        raise InputError(f"{listing}: cannot be read ({error}): give a list of image names.") from None
    return list(dict.fromkeys(line.split()[0] for line in lines if line.strip()))


def count_flags(annotations: Iterable[JsonObject]) -> dict[str, int]:
    """How many annotations have each flag set."""
    entries = list(annotations)
    return {flag: sum(bool(entry.get(flag)) for entry in entries) for flag in FLAGS}
