"""Commands that draw, merge, split and convert data sets."""

from pathlib import Path
from typing import Literal

from ssd_det.annotations.coco import CocoFile
from ssd_det.annotations.edits.demo import draw_demo_data
from ssd_det.annotations.edits.groups import copies, groups
from ssd_det.annotations.edits.merged import check_shared_names, in_folder, merge
from ssd_det.annotations.edits.present import without_missing_images
from ssd_det.annotations.edits.splitting import split
from ssd_det.annotations.edits.turned import to_shown_pictures, to_stored_pixels, turned_images
from ssd_det.annotations.formats.annotation_format import FolderFormat
from ssd_det.annotations.formats.conversion import convert, like_content
from ssd_det.annotations.formats.destination import check_folder, save_folder
from ssd_det.annotations.formats.file_sizes import check_file_sizes
from ssd_det.annotations.formats.folder_writing import write_folder
from ssd_det.annotations.formats.reading import default_image_root, files_of, read_annotations
from ssd_det.annotations.formats.recognise import recognise
from ssd_det.annotations.formats.table import FORMATS, FormatName
from ssd_det.annotations.formats.voc_source import read_voc
from ssd_det.annotations.formats.voc_tree import convert_voc_tree, count_flags, tree_files
from ssd_det.annotations.formats.yolo_rows import RowKind
from ssd_det.annotations.formats.yolo_source import YoloSource
from ssd_det.annotations.image_files import resolve_images
from ssd_det.annotations.json_files import JsonObject
from ssd_det.annotations.output import check_output, check_outputs, write_json, written_whole
from ssd_det.console import say, warn
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
    voc_origin: Literal[0, 1] | None = None,
    exif: Literal["ignore", "apply"] = "ignore",
    skip_missing_images: bool = False,
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
        voc_origin: the pixel that corners in a Pascal VOC folder count from, where boxes at the edges of the images do
            not tell: 1 as in the original data set, or 0 as several tools write.
        exif: with apply, boxes of YOLO and Pascal VOC folders are on the pictures as their EXIF headers turn them,
            read and written; by default they are in the stored pixels, as those of COCO json always are.
        skip_missing_images: leave images out that are not there, with their annotations.
        overwrite: allow the output to exist.
    """
    if (to is None) == (like is None):
        raise InputError("convert-annotations: give either --to coco, yolo or voc, or --like and a folder.")
    if like is not None and exif == "apply":
        raise InputError("convert-annotations: --like does not turn boxes: give --to with --exif apply.")
    inputs = [annotations, *([like] if like else [])]
    if to is None or isinstance(FORMATS[to], FolderFormat):
        path = check_folder(output, inputs, overwrite)
    else:
        path = check_output(output, others=files_of(inputs), overwrite=overwrite)
    coco = _read(annotations, image_root, yolo_rows, voc_origin)
    if like is not None:
        model = _read(like, image_root, yolo_rows, voc_origin)
        kept = save_folder(model, like_content(model, coco), path)
        say(f"{path}: {like} with the boxes of {annotations}.")
        print_kept(kept)
        return
    root = image_root or str(default_image_root(annotations))
    if skip_missing_images:
        coco = without_missing_images(coco, root)
    if isinstance(FORMATS[to or "coco"], FolderFormat):
        shown = exif == "apply" and coco.source is not None
        check_file_sizes(coco, resolve_images(coco, root)[0], root, shown)
    if isinstance(FORMATS[to or "coco"], FolderFormat) or coco.source:
        coco = _turned(coco, root, exif, to or "coco")
    converted = convert(coco, to or "coco", root)
    if converted.content is not None:
        write_json(path, converted.content)
    else:
        write_folder(path, converted.files, converted.links)
    say(f"{path}: {converted.annotations} annotations in {converted.images} images.")
    print_dropped(to or "coco", converted.dropped)


def _read(
    annotations: str, image_root: str | None, yolo_rows: RowKind | None, voc_origin: Literal[0, 1] | None
) -> CocoFile:
    if voc_origin is None or recognise(Path(annotations)) != "voc":
        return read_annotations(annotations, image_root, yolo_rows=yolo_rows, may_be_empty=True)
    return read_voc(Path(annotations), image_root, origin=voc_origin)


def _turned(coco: CocoFile, image_root: str, exif: Literal["ignore", "apply"], target: FormatName) -> CocoFile:
    """Annotations with boxes where the target has them, in pictures that EXIF turns; says how many these are."""
    turned = turned_images(resolve_images(coco, image_root)[0]) if Path(image_root).is_dir() else {}
    boxes = sum(annotation.image_id in turned for annotation in coco.annotations)
    if exif == "ignore":
        if boxes:
            warn(
                f"{boxes} boxes are in {len(turned)} pictures that EXIF turns, as tools of YOLO and Pascal VOC do, "
                f"and are taken to be in the stored pixels: give --exif apply to have them on the turned pictures."
            )
        return coco
    if coco.source is not None:
        coco = to_stored_pixels(coco, turned, shares=isinstance(coco.source, YoloSource))
    if target != "coco":
        coco = to_shown_pictures(coco, turned)
    say(f"{boxes} boxes are turned with their {len(turned)} pictures, as EXIF says.")
    return coco


def convert_voc(tree: str, *, split: str, output: str, overwrite: bool = False) -> None:
    """Turn a split of a Pascal VOC tree into a COCO annotation file.

    convert-annotations takes whole folders.

    Args:
        tree: a folder of a VOCdevkit, such as VOCdevkit/VOC2007: it holds Annotations, ImageSets and JPEGImages.
        split: trainval, test, or another list in ImageSets/Main.
        output: the COCO json file to write; its file names start from JPEGImages.
        overwrite: allow the output to exist.
    """
    path = check_output(output, others=tree_files(tree), overwrite=overwrite)
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
    prefix_folders: list[str] | None = None,
    same_images: bool = False,
    skip_missing_images: bool = False,
    yolo_rows: RowKind | None = None,
    overwrite: bool = False,
) -> None:
    """Put several annotation files of one folder of images together.

    Args:
        annotations: COCO json files, YOLO folders or Pascal VOC folders; the first keep their ids.
        output: the COCO json file to write.
        image_root: the folder that the file names start from; by default images beside a COCO json file, and a folder
            itself.
        prefix_folders: for each of the annotations the folder to put before its file names, such as
            [task1/images,task2/images] where two tasks have pictures of the same names.
        same_images: images of the same name are the same picture, although both files have objects of one class in
            them, or their names start from different folders.
        skip_missing_images: leave images out that are not there, with their annotations.
        yolo_rows: what longer rows of YOLO labels are, where they do not tell: boxes with columns behind them (boxes),
            polygons, oriented boxes (obb) or boxes with keypoints (pose).
        overwrite: allow the output to exist.
    """
    path = check_output(output, others=files_of(annotations), overwrite=overwrite)
    if prefix_folders is not None and len(prefix_folders) != len(annotations):
        raise InputError(f"prefix_folders has {len(prefix_folders)} folders: give one for each of the annotations.")
    files = [read_annotations(name, image_root, yolo_rows=yolo_rows, may_be_empty=True) for name in annotations]
    if skip_missing_images:
        files = [
            without_missing_images(file, image_root or default_image_root(name))
            for name, file in zip(annotations, files, strict=True)
        ]
    if prefix_folders is not None:
        files = [in_folder(file, folder) for file, folder in zip(files, prefix_folders, strict=True)]
    elif not same_images:
        check_shared_names(files, one_root=image_root is not None)
    merged = merge(files)
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
    group: str | None = None,
    image_root: str | None = None,
    skip_missing_images: bool = False,
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
        group: what keeps images together: roboflow for its augmented copies of a photograph, or a regular expression,
            and images are together where it finds the same in their file names (in its first group, if it has one).
        image_root: the folder that the file names start from; by default images beside a COCO json file, and a folder
            itself.
        skip_missing_images: leave images out that are not there, with their annotations.
        yolo_rows: what longer rows of YOLO labels are, where they do not tell: boxes with columns behind them (boxes),
            polygons, oriented boxes (obb) or boxes with keypoints (pose).
        overwrite: allow the files to exist.
    """
    if not (0 < val < 1 and 0 <= test < 1 and val + test < 1):
        raise InputError(
            f"split-annotations: val is {val} and test is {test}: "
            f"give a val above 0 and a test from 0 up, below 1 in all."
        )
    shares = {"train": 1 - val - test, "val": val, **({"test": test} if test else {})}
    coco = read_annotations(annotations, image_root, yolo_rows=yolo_rows, may_be_empty=True)
    if skip_missing_images:
        coco = without_missing_images(coco, image_root or default_image_root(annotations))
    names = [image.file_name for image in coco.images]
    contents = split(coco, shares, seed, groups(names, group) if group else {})
    paths = {name: Path(output) / f"{name}.json" for name in shares}
    check_outputs(paths.values(), [annotations], overwrite)
    with written_whole(Path(output)) as new:
        for name, path in paths.items():
            write_json(new / path.name, contents[name])
    for name, path in paths.items():
        images, boxes = (len(contents[name][key]) for key in ("images", "annotations"))
        say(f"{path}: {images} images, {boxes} annotations.")
    if group is None and (count := copies(names)):
        say(f"{count} images are further copies of a photograph by their names: --group roboflow keeps these together.")
    for category in coco.categories:
        absent = [name for name, content in contents.items() if category.id not in _category_ids(content)]
        if 0 < len(absent) < len(contents):
            say(f"Too few images for all parts: {category.name} is not in {' and '.join(absent)}.")


def _category_ids(content: JsonObject) -> set[int]:
    return {int(entry["category_id"]) for entry in content["annotations"]}
