"""Turning a split of a Pascal VOC tree (a folder of a VOCdevkit) into a COCO annotation file."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from ssd_det.annotations.formats.recognise import ANNOTATIONS
from ssd_det.annotations.formats.voc import category_ids, image_name, voc_content
from ssd_det.annotations.formats.voc_xml import FLAGS, read_voc_file
from ssd_det.errors import InputError


def convert_voc_tree(root: str | Path, split: str) -> dict[str, Any]:
    """Read a split of a Pascal VOC tree as COCO.

    Corners are 1-based in VOC and 0-based in COCO: 1 is taken off all four, and the width is xmax − xmin. The
    categories are those of all xml files of the tree, by name, so that all splits of a tree have the same.

    Args:
        root: the folder that holds ``Annotations``, ``ImageSets/Main`` and ``JPEGImages``.
        split: name of a list in ``ImageSets/Main``, ``trainval`` or ``test`` as a rule.

    Returns:
        The content of a COCO file. Each annotation keeps ``difficult``, ``truncated``, ``occluded`` and ``pose`` as
        far as its object has them; file names start from ``JPEGImages``.

    Raises:
        InputError: if a file is missing, is not the xml of VOC, or has a box or size that is none.
    """
    root = Path(root)
    listing = root / "ImageSets" / "Main" / f"{split}.txt"
    for path in (listing, root / ANNOTATIONS):
        if not path.exists():
            raise InputError(f"{path}: is not there: give the folder that holds Annotations, ImageSets and JPEGImages.")
    names = _listed(listing)
    if not names:
        raise InputError(f"{listing}: lists no images: give a split that has some.")
    tree = {path.stem: read_voc_file(path) for path in sorted((root / ANNOTATIONS).glob("*.xml"))}
    files = [tree[name] if name in tree else read_voc_file(root / ANNOTATIONS / f"{name}.xml") for name in names]
    return voc_content(files, [image_name(file) for file in files], category_ids(tree.values()))


def _listed(listing: Path) -> list[str]:
    """The names in a list, each once, in its order."""
    try:
        lines = listing.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{listing}: cannot be read ({error}): give a list of image names.") from None
    return list(dict.fromkeys(line.split()[0] for line in lines if line.strip()))


def count_flags(annotations: Iterable[dict[str, Any]]) -> dict[str, int]:
    """How many annotations have each flag set."""
    entries = list(annotations)
    return {flag: sum(bool(entry.get(flag)) for entry in entries) for flag in FLAGS}
