"""Commands that draw, merge, split and convert data sets."""

from pathlib import Path

from ssd_det.annotations.edits.demo import draw_demo_data
from ssd_det.annotations.edits.merged import merge
from ssd_det.annotations.edits.splitting import split
from ssd_det.annotations.formats.annotation_format import FolderFormat
from ssd_det.annotations.formats.conversion import convert, like_content
from ssd_det.annotations.formats.destination import check_folder, save_folder
from ssd_det.annotations.formats.folder_writing import write_folder
from ssd_det.annotations.formats.reading import default_image_root, read_annotations
from ssd_det.annotations.formats.table import FORMATS, FormatName
from ssd_det.annotations.formats.voc_tree import convert_voc_tree, count_flags
from ssd_det.annotations.formats.yolo_rows import RowKind
from ssd_det.annotations.json_files import JsonObject
from ssd_det.annotations.output import check_output, make_folder, write_json
from ssd_det.console import say
from ssd_det.errors import InputError
from ssd_det.report.folder_messages import print_dropped, print_kept


def convert_annotations(
    annotations: str,
    *,
    output: str,
    image_root: str | None = None,
    to: FormatName | None = None,
    like: str | None = None,
    yolo_rows: RowKind | None = None,
    overwrite: bool = False,
) -> None:
    """Turn annotations into COCO, YOLO or Pascal VOC, or put boxes into a copy of a folder of these.

    What the other format cannot hold is said once, with counts. All of a Pascal VOC folder is taken; convert-voc takes
    one split of a tree.

    Args:
        annotations: a COCO json file, a YOLO folder or a Pascal VOC folder.
        output: the COCO json file or the folder to write; a folder links to the images.
        image_root: the folder that its file names start from; by default the YOLO or Pascal VOC folder itself, or
            images beside a COCO json file.
        to: coco, yolo or voc.
        like: instead of to, the YOLO or Pascal VOC folder that the annotations are a new version of: the output is
            a copy of it, to the byte but for the boxes that differ.
        yolo_rows: what longer rows of YOLO labels are, where they do not tell: boxes with columns behind them (boxes),
            polygons, oriented boxes (obb) or boxes with keypoints (pose).
        overwrite: allow the output to exist.
    """
    if (to is None) == (like is None):
        raise InputError("convert-annotations: give either --to coco, yolo or voc, or --like and a folder.")
    inputs = [annotations, *([like] if like else [])]
    check = check_folder if to is None or isinstance(FORMATS[to], FolderFormat) else check_output
    path = check(output, others=inputs, overwrite=overwrite)
    coco = read_annotations(annotations, image_root, yolo_rows=yolo_rows)
    if like is not None:
        model = read_annotations(like, image_root, yolo_rows=yolo_rows)
        kept = save_folder(model, like_content(model, coco), path)
        say(f"{path}: {like} with the boxes of {annotations}.")
        print_kept(kept)
        return
    converted = convert(coco, to or "coco", image_root or default_image_root(annotations))
    if converted.content is not None:
        write_json(path, converted.content)
    else:
        write_folder(path, converted.files, converted.links)
    say(f"{path}: {converted.annotations} annotations in {converted.images} images.")
    print_dropped(to or "coco", converted.dropped)


def convert_voc(tree: str, *, split: str, output: str, overwrite: bool = False) -> None:
    """Turn a split of a Pascal VOC tree into a COCO annotation file.

    convert-annotations takes whole folders.

    Args:
        tree: a folder of a VOCdevkit, such as VOCdevkit/VOC2007: it holds Annotations, ImageSets and JPEGImages.
        split: trainval, test, or another list in ImageSets/Main.
        output: the COCO json file to write; its file names start from JPEGImages.
        overwrite: allow the output to exist.
    """
    path = check_output(output, overwrite=overwrite)
    content = convert_voc_tree(tree, split)
    write_json(path, content)
    flags = ", ".join(f"{count} {flag}" for flag, count in count_flags(content["annotations"]).items())
    say(f"{path}: {len(content['annotations'])} annotations in {len(content['images'])} images; {flags}.")


def demo_data(*, output: str, images: int = 150, test_images: int = 40, seed: int = 0, overwrite: bool = False) -> None:
    """Draw a small detection data set with true boxes, to try everything on.

    Args:
        output: the folder to write train.json, test.json and images/ to; it is made if it does not exist.
        images: how many images train.json has.
        test_images: how many other images test.json has.
        seed: decides every pixel.
        overwrite: allow the files to exist.
    """
    paths = draw_demo_data(Path(output), images, test_images, seed, overwrite)
    for path, count in zip(paths, (images, test_images), strict=True):
        say(f"{path}: {count} images.")


def merge_annotations(
    annotations: list[str],
    *,
    output: str,
    image_root: str | None = None,
    yolo_rows: RowKind | None = None,
    overwrite: bool = False,
) -> None:
    """Put several annotation files of one folder of images together.

    Args:
        annotations: COCO json files, YOLO folders or Pascal VOC folders; the first keep their ids.
        output: the COCO json file to write.
        image_root: the folder that the file names of folders start from; by default that folder itself.
        yolo_rows: what longer rows of YOLO labels are, where they do not tell: boxes with columns behind them (boxes),
            polygons, oriented boxes (obb) or boxes with keypoints (pose).
        overwrite: allow the output to exist.
    """
    path = check_output(output, others=annotations, overwrite=overwrite)
    merged = merge([read_annotations(name, image_root, yolo_rows=yolo_rows) for name in annotations])
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
    yolo_rows: RowKind | None = None,
    overwrite: bool = False,
) -> None:
    """Divide an annotation file by images, with the same share of each category in every part.

    Args:
        annotations: a COCO json file, a YOLO folder or a Pascal VOC folder.
        output: the folder to write train.json, val.json and, with a share of it, test.json to; it is made if it does
            not exist.
        val: share of the images of val.json.
        test: share of the images of test.json; 0 for no such file.
        seed: decides which images go where.
        image_root: the folder that the file names of a folder start from; by default the folder itself.
        yolo_rows: what longer rows of YOLO labels are, where they do not tell: boxes with columns behind them (boxes),
            polygons, oriented boxes (obb) or boxes with keypoints (pose).
        overwrite: allow the files to exist.
    """
    if not (0 < val < 1 and 0 <= test < 1 and val + test < 1):
        raise InputError(f"val is {val} and test {test}: give shares from 0 up that leave something to train on.")
    shares = {"train": 1 - val - test, "val": val, **({"test": test} if test else {})}
    coco = read_annotations(annotations, image_root, yolo_rows=yolo_rows)
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


def _category_ids(content: JsonObject) -> set[int]:
    return {int(entry["category_id"]) for entry in content["annotations"]}
