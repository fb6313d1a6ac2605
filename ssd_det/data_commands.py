"""The commands that put data sets together and take them apart: plain typed functions."""

from pathlib import Path
from typing import Any

from ssd_det.data.merged import merge
from ssd_det.data.splitting import split
from ssd_det.data.writing import check_output, make_folder, write_json
from ssd_det.errors import InputError
from ssd_det.formats.reading import read_annotations
from ssd_det.screen import say


def merge_annotations(
    annotations: list[str], *, output: str, image_root: str | None = None, overwrite: bool = False
) -> None:
    """Put several annotation files of one folder of images together.

    Args:
        annotations: COCO json files, YOLO folders or Pascal VOC folders; the first keep their ids.
        output: the COCO json file to write.
        image_root: the folder that the file names of folders start from; that folder itself where not given.
        overwrite: allow the output to exist.
    """
    path = check_output(output, others=annotations, overwrite=overwrite)
    merged = merge([read_annotations(name, image_root) for name in annotations])
    write_json(path, merged.content)
    say(
        f"{path}: {len(merged.content['annotations'])} annotations in {len(merged.content['images'])} images; "
        f"{merged.shared_images} images were in several files, {merged.renumbered} annotations have a new id."
    )


def split_annotations(
    annotations: str,
    *,
    output: str,
    val: float = 0.2,
    test: float = 0.0,
    seed: int = 0,
    image_root: str | None = None,
    overwrite: bool = False,
) -> None:
    """Divide an annotation file by images, with the same share of each category in every part.

    Args:
        annotations: a COCO json file, a YOLO folder or a Pascal VOC folder.
        output: the folder to write train.json, val.json and, with a share of it, test.json to; it is made if need be.
        val: share of the images of val.json.
        test: share of the images of test.json; 0 for no such file.
        seed: decides which images go where.
        image_root: the folder that the file names of a folder start from; the folder itself where not given.
        overwrite: allow the files to exist.
    """
    if not (0 < val < 1 and 0 <= test < 1 and val + test < 1):
        raise InputError(f"val is {val} and test {test}: give shares from 0 up that leave something to train on.")
    shares = {"train": 1 - val - test, "val": val, **({"test": test} if test else {})}
    coco = read_annotations(annotations, image_root)
    contents = split(coco, shares, seed)
    folder = Path(output)
    make_folder(folder)
    paths = {name: check_output(folder / f"{name}.json", others=[annotations], overwrite=overwrite) for name in shares}
    for name, path in paths.items():
        write_json(path, contents[name])
    for name, path in paths.items():
        images, boxes = (len(contents[name][key]) for key in ("images", "annotations"))
        say(f"{path}: {images} images, {boxes} annotations.")
    for category in coco.categories:
        absent = [name for name, content in contents.items() if category.id not in _category_ids(content)]
        if 0 < len(absent) < len(contents):
            say(f"Too few images for all parts: {category.name} is not in {' and '.join(absent)}.")


def _category_ids(content: dict[str, Any]) -> set[int]:
    return {int(entry["category_id"]) for entry in content["annotations"]}
