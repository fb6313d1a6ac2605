"""The command that shows what refining has changed."""


def report(
    source: str,
    *,
    reference: str | None = None,
    image_root: str | None = None,
    output: str | None = None,
    count: int = 5_000,
    bags: int = 0,
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
        bags: refine about so many images of the run again, to draw how good the refiner's bags of proposals are, as
            figures/bags.png; the true boxes must be known.
        overwrite: allow the output to have files in it; a page among them is replaced, others stay. The page in a run's
            folder always is replaced.
        allow_outside: let file names that are absolute or have a part .. lead out of image_root.
    """
    from ssd_det.commands.report_writing import write_report  # noqa: PLC0415 (torch takes seconds to import)

    write_report(source, reference, image_root, output, count, bags, overwrite, allow_outside)
