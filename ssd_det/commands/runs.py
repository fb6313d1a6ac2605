"""Commands about runs of the pipeline: their configurations and what they have reached."""

from pathlib import Path

from ssd_det.data.writing import check_output, make_folder, write_json, write_text
from ssd_det.report.figures import draw_figures
from ssd_det.report.results import markdown, print_results
from ssd_det.report.run import box_overlaps, read_results, training_curves
from ssd_det.screen import say
from ssd_det.shipped import configs_folder, shipped_configs


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
    write_text(folder / "results.md", text)
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
        write_text(path, source.read_text(encoding="utf-8"))
        say(str(path))
