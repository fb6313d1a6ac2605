"""The commands that need no model: plain typed functions."""

from functools import partial
from pathlib import Path
from typing import IO

from ssd_det.checkpoint_io import WholeCheckpointIO
from ssd_det.data.coco import read_coco
from ssd_det.data.demo import draw_demo_data
from ssd_det.data.noise import corrupt, with_true_boxes
from ssd_det.data.noise_kinds import Kind
from ssd_det.data.writing import check_output, make_folder, write_json, write_whole
from ssd_det.errors import InputError
from ssd_det.formats.conversion import convert, like_content
from ssd_det.formats.folders import write_folder
from ssd_det.formats.reading import read_annotations
from ssd_det.formats.recognise import Format
from ssd_det.formats.voc_tree import convert_voc_tree, count_flags
from ssd_det.formats.writing import check_destination, check_folder, save_annotations, save_folder
from ssd_det.report.figures import draw_figures
from ssd_det.report.pictures import draw_pictures
from ssd_det.report.quality import compare
from ssd_det.report.results import markdown, print_results
from ssd_det.report.run import box_overlaps, read_results, training_curves
from ssd_det.report.tables import print_comparison, print_folder, print_kept, print_unheld
from ssd_det.screen import say
from ssd_det.tasks.export import detector_checkpoint


def corrupt_annotations(
    annotations: str,
    *,
    output: str,
    noise_level: float,
    seed: int = 0,
    kind: Kind = "uniform",
    detections: str | None = None,
    image_root: str | None = None,
    overwrite: bool = False,
) -> None:
    """Add noise to the boxes of an annotation file, to try refining on.

    Args:
        annotations: a COCO json file, a YOLO folder or a Pascal VOC folder.
        output: what to write, in the same format; of a folder, a folder, with noisy.json beside it. A COCO json file
            keeps the boxes as true_bbox.
        noise_level: n, from 0 up to 1: boxes shift and grow by up to n times their size.
        seed: decides the noise of each annotation, together with its id.
        kind: uniform as published, gaussian, loose, tight, shifted to the right and down, corners on a coarse grid,
            boxes from a detector, or a mix of all but the last.
        detections: for detector, the predictions.json that ssd-det predict wrote for these images.
        image_root: the folder of a YOLO folder's images, where it is not that of data.yaml.
        overwrite: allow the output to exist, or to be the input.
    """
    others = [detections] if detections else []
    destination = check_destination(output, annotations, others, overwrite, beside="noisy.json")
    coco = read_annotations(annotations, image_root)
    content, count = corrupt(coco, noise_level, seed, kind, detections)
    kept = save_annotations(coco, content, destination)
    total = len(content["annotations"])
    say(f"{destination.path}: {kind} noise of level {noise_level} on {count} of {total} boxes, seed {seed}.")
    if destination.folder:
        print_folder(destination.json, kept)


def true_annotations(annotations: str, *, output: str, overwrite: bool = False) -> None:
    """Write an annotation file with the true boxes that a noisy one carries.

    Args:
        annotations: a COCO json file whose annotations have a true_bbox, as corrupt-annotations leaves it.
        output: the COCO json file to write; annotations without a true_bbox pass through.
        overwrite: allow the output to exist, or to be the input.
    """
    path = check_output(output, annotations, overwrite=overwrite)
    content, count = with_true_boxes(read_coco(annotations))
    write_json(path, content)
    say(f"{path}: the true boxes of {count} of {len(content['annotations'])} annotations.")


def export_detector(checkpoint: str, *, output: str, overwrite: bool = False) -> None:
    """Write the detector of a joint model as a checkpoint of its own.

    Args:
        checkpoint: made by fit with a configuration of the joint model.
        output: the checkpoint to write, for test and predict with a configuration of the detector.
        overwrite: allow the output to exist.
    """
    path = check_output(output, others=[checkpoint], overwrite=overwrite)
    WholeCheckpointIO().save_checkpoint(detector_checkpoint(checkpoint), path)
    say(f"{path}: the detector of {checkpoint}.")


def compare_annotations(
    annotations: str,
    *,
    reference: str,
    output: str | None = None,
    before: str | None = None,
    image_root: str | None = None,
    overwrite: bool = False,
) -> None:
    """Measure boxes against true ones, before and after refining.

    Args:
        annotations: what to judge, refined as a rule: a COCO json file, a YOLO folder or a Pascal VOC folder.
        reference: the same annotations with true boxes, in any of these formats.
        output: a json file to write the figures to.
        before: the boxes before refining; original_bbox is taken where it is not given.
        image_root: the folder of a YOLO folder's images, where it is not that of data.yaml.
        overwrite: allow the output to exist.
    """
    inputs = [annotations, reference, *([before] if before else [])]
    path = check_output(output, others=inputs, overwrite=overwrite) if output else None
    file, true, *earlier = (read_annotations(name, image_root, leave_out=["segmentation"]) for name in inputs)
    result = compare(file, true, earlier[0] if earlier else None)
    if path:
        write_json(path, result)
    print_comparison(result)


def draw_annotations(
    annotations: str,
    *,
    image_root: str,
    output: str,
    count: int = 8,
    overwrite: bool = False,
    allow_outside: bool = False,
) -> None:
    """Draw original, refined and, where known, true boxes into the images where boxes moved most.

    Args:
        annotations: a COCO json file, refined as a rule, a YOLO folder or a Pascal VOC folder.
        image_root: the folder that its file names start from.
        output: the folder to write the pictures to; it is made if need be.
        count: how many images.
        overwrite: allow the pictures to exist.
        allow_outside: let file names that are absolute or have a part .. lead out of image_root.
    """
    coco = read_annotations(annotations, image_root)
    paths = draw_pictures(coco, image_root, Path(output), count, overwrite, allow_outside)
    say(f"{output}: {len(paths)} pictures; red the original box, blue the refined one, white the true one.")


def convert_annotations(
    annotations: str,
    *,
    image_root: str,
    output: str,
    to: Format | None = None,
    like: str | None = None,
    overwrite: bool = False,
) -> None:
    """Turn annotations into another format, or put their boxes into a copy of the folder that they came from.

    What the other format cannot hold is said once, with counts. All of a Pascal VOC folder is taken; convert-voc takes
    one split of a tree.

    Args:
        annotations: a COCO json file, a YOLO folder or a Pascal VOC folder.
        image_root: the folder that its file names start from.
        output: the COCO json file or the folder to write; a folder links to the images.
        to: coco, yolo or voc.
        like: in the place of to, the YOLO or Pascal VOC folder that the annotations are a new version of: the output is
            a copy of it, to the byte but for the boxes that differ.
        overwrite: allow the output to exist.
    """
    if (to is None) == (like is None):
        raise InputError("convert-annotations: give either --to coco, yolo or voc, or --like and a folder.")
    inputs = [annotations, *([like] if like else [])]
    check = check_output if to == "coco" else check_folder
    path = check(output, others=inputs, overwrite=overwrite)
    coco = read_annotations(annotations, image_root)
    if like is not None:
        model = read_annotations(like, image_root)
        kept = save_folder(model, like_content(model, coco), path)
        say(f"{path}: {like} with the boxes of {annotations}.")
        print_kept(kept)
        return
    converted = convert(coco, to or "coco", image_root)
    if to == "coco":
        write_json(path, converted.content)
    else:
        write_folder(path, converted.files, converted.links)
    say(f"{path}: {converted.annotations} annotations in {len(coco.images)} images.")
    print_unheld(to or "coco", converted.unheld)


def convert_voc(tree: str, *, split: str, output: str, overwrite: bool = False) -> None:
    """Turn a split of a Pascal VOC tree into a COCO annotation file; convert-annotations takes whole folders.

    Args:
        tree: a folder of a VOCdevkit, VOCdevkit/VOC2007 for one: it holds Annotations, ImageSets and JPEGImages.
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
        output: the folder to write train.json, test.json and images/ to; it is made if need be.
        images: how many images train.json has.
        test_images: how many others test.json has.
        seed: decides every pixel.
        overwrite: allow the files to exist.
    """
    paths = draw_demo_data(Path(output), images, test_images, seed, overwrite)
    for path, count in zip(paths, (images, test_images), strict=True):
        say(f"{path}: {count} images.")


def report(run: str) -> None:
    """Show what a run of the pipeline has reached: table, results and figures.

    Args:
        run: the folder that was the pipeline's output; gets results.json, results.md and figures/.
    """
    folder = Path(run)
    results = read_results(folder)
    figures = draw_figures(
        folder / "figures", box_overlaps(folder), training_curves(folder), results["detectors"], results["scores"]
    )
    write_json(folder / "results.json", results)
    text = markdown(results, [str(path.relative_to(folder)) for path in figures])
    write_whole(folder / "results.md", partial(_write_text, text))
    print_results(results)
    for path in (folder / "results.json", folder / "results.md", *figures):
        say(str(path))


def configs(*, output: str, overwrite: bool = False) -> None:
    """Write out the configurations that come with the package.

    Args:
        output: the folder to write them to; it is made if need be.
        overwrite: allow the files to exist.
    """
    home = configs_folder()
    sources = shipped_configs()
    places = [Path(output) / source.relative_to(home) for source in sources]
    for folder in {place.parent for place in places}:
        make_folder(folder)
    paths = [check_output(place, overwrite=overwrite) for place in places]
    for source, path in zip(sources, paths, strict=True):
        write_whole(path, partial(_write_text, source.read_text(encoding="utf-8")))
        say(str(path))


def _write_text(text: str, file: IO[str]) -> None:
    file.write(text)


def configs_folder() -> Path:
    """Where the configurations that come with the package are: inside a wheel, or beside the package in a checkout."""
    package = Path(__file__).parent
    return package / "configs" if (package / "configs").is_dir() else package.parent / "configs"


def shipped_configs() -> list[Path]:
    """The configurations that come with the package."""
    return sorted(configs_folder().rglob("*.yaml"))
