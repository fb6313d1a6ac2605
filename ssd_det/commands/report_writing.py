"""Writing what refining has changed, and what a run of the pipeline has reached."""

from pathlib import Path

from ssd_det.annotations.coco import CocoFile, read_coco
from ssd_det.annotations.formats.reading import read_annotations
from ssd_det.annotations.output import write_json, write_text
from ssd_det.console import say
from ssd_det.errors import InputError
from ssd_det.report.figures import run_figures, write_figures
from ssd_det.report.measured_boxes import MeasuredBoxes, measure_file
from ssd_det.report.quality import Comparison, compare_measured
from ssd_det.report.references import carried_reference, measure_against, true_boxes
from ssd_det.report.result_tables import markdown, print_results
from ssd_det.report.review.page import INDEX, WrittenPage, check_page_folder, write_page
from ssd_det.report.review.summary import summarise
from ssd_det.report.run_results import RunResults, read_boxes, read_results
from ssd_det.runs.layout import RUN_RECORD
from ssd_det.runs.records import image_root_of

PAGE = "page"


def write_report(
    source: str,
    reference: str | None,
    image_root: str | None,
    output: str | None,
    count: int,
    bags: int,
    overwrite: bool,
    allow_outside: bool,
) -> None:
    """Write the page and, of a run, its results; see :func:`ssd_det.commands.reporting.report`."""
    run = _run_folder(source, image_root, output, bags)
    folder = Path(output) if output else Path(source) / PAGE
    check_page_folder(folder, overwrite or output is None)
    coco, true = read_boxes(run) if run else (read_coco(source), None)
    root = image_root or (image_root_of(run) if run else "")
    compared_with = read_annotations(reference, root) if reference is not None else true
    boxes, comparison = _measure(coco, compared_with)
    results = read_results(run, coco) if run else None
    summary = summarise(coco, boxes, comparison, results)
    written = write_page(folder, coco, root, boxes, summary, count, allow_outside)
    _tell_of_page(folder / INDEX, coco, written)
    if run is not None and results is not None:
        # The figures of a run show its own true boxes, whatever the page compares with.
        if true is not compared_with:
            boxes = measure_file(coco, true_boxes(true))
        _report_run(run, results, boxes if true is not None else None, bags)


def _run_folder(source: str, image_root: str | None, output: str | None, bags: int) -> Path | None:
    """The folder of the run that a report is of; ``None`` if it is of a file.

    Raises:
        InputError: if the arguments do not fit together.
    """
    if bags < 0:
        raise InputError(f"bags is {bags}: give a number of images from 0 up.")
    if not Path(source).exists():
        raise InputError(f"{source}: does not exist: give the folder of a run, or a refined COCO json file.")
    if Path(source).is_dir():
        if (Path(source) / RUN_RECORD).is_file():
            return Path(source)
        raise InputError(
            f"{source}: holds no run of the pipeline: give the folder of one, or a refined COCO json file."
        )
    if image_root is None or output is None:
        raise InputError(f"{source}: is no run of the pipeline: give --image_root and --output as well.")
    if bags:
        raise InputError(f"{source}: is no run of the pipeline: --bags needs the folder of one.")
    return None


def _measure(coco: CocoFile, reference: CocoFile | None) -> tuple[MeasuredBoxes, Comparison | None]:
    """Measure the boxes of a file against those of a reference or, without one, those that the file carries.

    Raises:
        InputError: if annotation ids differ.
    """
    if reference is not None:
        boxes = measure_against(coco, reference)
        return boxes, compare_measured(boxes, reference)
    carried = carried_reference(coco)
    if carried is not None:
        boxes = measure_file(coco, true_boxes(carried))
        return boxes, compare_measured(boxes, carried)
    return measure_file(coco, true_boxes(None)), None


def _tell_of_page(index: Path, coco: CocoFile, written: WrittenPage) -> None:
    """Say what a page shows, and what it does not."""
    if all(annotation.original_bbox is None for annotation in coco.annotations):
        say(f"Warning: no box of {coco.path} was refined: there is nothing to decide on.")
    if written.missing:
        say(f"Warning: {written.missing} of {written.images} images cannot be shown; the page says why.")
    if written.annotations < len(coco.annotations):
        say(f"Annotations on the page: {written.annotations} of {len(coco.annotations)}; --count sets how many.")
    say(f"{index}: a page to look at boxes and decide on them, {written.annotations} in {written.images} images.")


def _report_run(run: Path, results: RunResults, boxes: MeasuredBoxes | None, bags: int) -> None:
    """Write and show the results of a run.

    Args:
        run: its folder.
        results: what it has reached.
        boxes: its refined boxes, measured; ``None`` where no true boxes are known.
        bags: how many images to refine again for the figure of bags.
    """
    drawn = run_figures(results, boxes)
    if bags:
        from ssd_det.report.bag_figure import bag_figure  # noqa: PLC0415 (Lightning takes seconds to import)
        from ssd_det.report.bags import measure_bags  # noqa: PLC0415

        ious = measure_bags(run, bags)
        if ious is None:
            say(f"{run}: its true boxes are not known: there is nothing to compare bags with.")
        else:
            drawn["bags"] = bag_figure(ious)
    paths = write_figures(run / "figures", drawn)
    write_json(run / "results.json", results.to_json())
    write_text(run / "results.md", markdown(results, [str(path.relative_to(run)) for path in paths]))
    print_results(results)
    for path in (run / "results.json", run / "results.md", *paths):
        say(str(path))
