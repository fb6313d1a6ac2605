"""Commands about runs of the pipeline: their configurations and what they have reached."""

from pathlib import Path

from ssd_det.annotations.coco import CocoFile, read_coco
from ssd_det.annotations.formats.reading import read_annotations
from ssd_det.annotations.output import check_output, make_folder, write_json, write_text
from ssd_det.console import say
from ssd_det.errors import InputError
from ssd_det.report.figures import figures, write_figures
from ssd_det.report.quality import overlaps
from ssd_det.report.result_tables import markdown, print_results
from ssd_det.report.review.page import INDEX, check_page_folder, write_page
from ssd_det.report.run_results import read_results, training_curves
from ssd_det.runs.layout import RUN_RECORD
from ssd_det.runs.records import current_stages, image_root_of
from ssd_det.shipped import configs_folder, shipped_configs

PAGE = "page"


def report(
    source: str,
    *,
    reference: str | None = None,
    image_root: str | None = None,
    output: str | None = None,
    count: int = 5_000,
    overwrite: bool = False,
    allow_outside: bool = False,
) -> None:
    """Show what refining has changed, on a page to review it on, and what a run of the pipeline has reached.

    Args:
        source: the folder that was the pipeline's output, which gets results.json, results.md and figures/ as well; or
            a refined COCO json file, with image_root and output.
        reference: the same annotations with true boxes, in any format, to compare with; what a run or the file itself
            has of them where not given.
        image_root: the folder that file names start from; that of the run where not given.
        output: the folder to write the page to, which is then opened as index.html; page in the run's folder where not
            given.
        count: how many annotations to show at most, those images first whose boxes moved most.
        overwrite: allow the output to have files in it; a page among them is replaced, others stay. The page in a run's
            folder always is replaced.
        allow_outside: let file names that are absolute or have a part .. lead out of image_root.
    """
    run = Path(source) if Path(source).is_dir() else None
    if run is None and (image_root is None or output is None):
        raise InputError(f"{source}: is no run of the pipeline: give --image_root and --output as well.")
    if run is not None and not (run / RUN_RECORD).is_file():
        raise InputError(
            f"{source}: holds no run of the pipeline: give the folder of one, or a refined COCO json file."
        )
    folder = Path(output) if output else Path(source) / PAGE
    check_page_folder(folder, overwrite or output is None)
    coco, true, images = _inputs_of(run) if run else (read_coco(source), None, "")
    given = read_annotations(reference, image_root or images) if reference is not None else true
    written = write_page(folder, coco, image_root or images, given, run, count, allow_outside)
    if all(annotation.original_bbox is None for annotation in coco.annotations):
        say(f"Warning: no box of {coco.path} was refined: there is nothing to decide on.")
    if written.missing:
        say(f"Warning: {written.missing} of {written.images} images cannot be shown; the page says why.")
    if written.annotations < len(coco.annotations):
        say(f"Annotations on the page: {written.annotations} of {len(coco.annotations)}; --count sets how many.")
    say(
        f"{folder / INDEX}: a page to look at boxes and decide on them, "
        f"{written.annotations} in {written.images} images."
    )
    if run is not None:
        _report_run(run, overlaps(coco, true) if true else None)


def _report_run(run: Path, found: dict[str, list[float]] | None) -> None:
    """Write and show the results of a run, with the IoU of its boxes before and after refining where it is known."""
    results = read_results(run)
    drawn = figures(found, training_curves(run), results["detectors"], results["scores"])
    paths = write_figures(run / "figures", drawn)
    write_json(run / "results.json", results)
    text = markdown(results, [str(path.relative_to(run)) for path in paths])
    write_text(run / "results.md", text)
    print_results(results)
    for path in (run / "results.json", run / "results.md", *paths):
        say(str(path))


def _inputs_of(run: Path) -> tuple[CocoFile, CocoFile | None, str]:
    """The refined file of a run, its true boxes where they are known, and the folder of the images.

    Raises:
        InputError: if there is no refined file.
    """
    refined, true = (run / name / f"{name}.json" for name in ("refined", "true"))
    current = current_stages(run)
    if "refined" not in current or not refined.is_file():
        raise InputError(f"{run}: has no refined boxes yet: run the pipeline to its end.")
    return read_coco(refined), read_coco(true) if "true" in current else None, image_root_of(run)


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
        write_text(path, source.read_text(encoding="utf-8"))
        say(str(path))
