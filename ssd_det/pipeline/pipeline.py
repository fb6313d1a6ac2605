"""The command ``ssd-det pipeline``."""

import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from jsonargparse import ArgumentParser

from ssd_det.annotations.categories import with_classes_of
from ssd_det.annotations.coco import CocoFile
from ssd_det.annotations.folds import check_folds
from ssd_det.annotations.formats.trusted_reading import read_trusted
from ssd_det.annotations.formats.with_images import (
    check_test_images,
    left_out_images,
    read_with_images,
    with_found_images,
)
from ssd_det.annotations.formats.yolo_rows import RowKind
from ssd_det.annotations.output import make_folder, remove_unfinished
from ssd_det.annotations.stored_sizes import check_stored_sizes
from ssd_det.errors import InputError
from ssd_det.flags import allow_bare_flags, check_configurations, print_errors_safely
from ssd_det.pipeline.given_sections import SECTIONS, Section, check_overrides, split_words
from ssd_det.pipeline.lock import locked
from ssd_det.pipeline.plan import plan
from ssd_det.pipeline.previous_round import read_previous_round
from ssd_det.pipeline.processes import check_ended
from ssd_det.pipeline.run_folder import check_folder, open_run, resolve_sections
from ssd_det.pipeline.run_settings import Detecting, Inputs, Refining
from ssd_det.pipeline.run_stages import advance_all
from ssd_det.pipeline.scratch import scratch_folder
from ssd_det.pipeline.sections import with_data
from ssd_det.pipeline.side_by_side import Lanes
from ssd_det.stopping import Stopped, stopped_by

TORCHRUN = ("TORCHELASTIC_RUN_ID", "LOCAL_RANK")


def pipeline(
    *,
    refine: Section,
    detect: Section,
    annotations: str,
    image_root: str,
    test_annotations: str,
    output: str,
    test_image_root: str | None = None,
    trusted: str | None = None,
    previous_round: str | None = None,
    baselines: bool = False,
    average_over_flip: bool = False,
    average_over_scales: Sequence[float] = (),
    rounds: int = 1,
    folds: int = 1,
    detectors_from_refiner: bool = False,
    side_by_side: int = 1,
    allow_outside: bool = False,
    skip_missing_images: bool = False,
    yolo_rows: RowKind | None = None,
    overrides: dict[str, list[str]],
) -> None:
    """Refine boxes, train a detector on them and test it; goes on where it was stopped.

    Args:
        refine: configuration of the refiner, or of a joint model; --refine.model.weights=... and the like override it.
        detect: configuration of the detector; --detect.model.detector=... and the like override it.
        annotations: a COCO json file, a YOLO folder or a Pascal VOC folder with inaccurate boxes.
        image_root: the folder that its file names start from.
        test_annotations: true boxes to test the detector on, in any of these formats.
        output: the folder of the run; each stage has a folder in it.
        test_image_root: the folder that the file names of the test file start from; image_root where not given. Needed
            where training and test images have the same names in two folders.
        trusted: boxes of some of the images that a person has checked, in any of these formats. They go into the noisy
            ones, and what they show all boxes to share is taken out of the others before anything else.
        previous_round: the output of a finished run on the same data, whose boxes were looked at. This run goes on from
            it: it adds to its trusted boxes, and its trainings start from those there, for a quarter of their epochs.
        baselines: train the detector on the noisy and, where known, on the true boxes as well.
        average_over_flip: refine mirrored images as well, and average.
        average_over_scales: refine images scaled by these factors as well, and average.
        rounds: how often a refiner is trained, each time on the boxes that the one before wrote.
        folds: how many refiners to train, each on the images of all folds but one, whose boxes it then refines; with 1
            a refiner refines the boxes that it was trained on.
        detectors_from_refiner: begin all detectors with the backbone and the pyramid of the refiner in place of
            model.weights, of several refiners with those of the first; both must have the same of them.
        side_by_side: how many stages may run at the same time, each on its share of the cores. Those that need nothing
            of each other do, such as the refiner and a detector on noisy boxes; products are the same.
        allow_outside: let file names that are absolute or have a part .. lead out of the folders of the images.
        skip_missing_images: leave images out that are not there; their annotations pass through.
        yolo_rows: what longer rows of YOLO labels are, where they do not tell: boxes with columns behind them (boxes),
            polygons, oriented boxes (obb) or boxes with keypoints (pose).
        overrides: words of the command line for the configuration of each section.
    """
    if any(name in os.environ for name in TORCHRUN):
        raise InputError(
            "pipeline starts the processes of each stage itself (trainer.devices): "
            "under torchrun use the single commands fit, refine-annotations and test."
        )
    check_overrides(overrides)
    if side_by_side < 1:
        raise InputError(f"side_by_side is {side_by_side}: give a number from 1 up.")
    refining = Refining(average_over_flip, average_over_scales, rounds, folds)
    detecting = Detecting(baselines, detectors_from_refiner)
    # A run is the same however its paths are written, and from whichever folder it is called.
    paths = (annotations, image_root, test_annotations, test_image_root or image_root, *([trusted] if trusted else []))
    inputs = Inputs(*(str(Path(path).resolve()) for path in paths))
    coco = _check(inputs, test_image_root is not None, skip_missing_images, allow_outside, yolo_rows)
    previous = None
    if previous_round is not None:
        others = [name for name, is_given in (("baselines", baselines), ("rounds", rounds > 1)) if is_given]
        previous = read_previous_round(Path(previous_round).resolve(), Path(output).resolve(), inputs.paths, others)
        inputs = replace(inputs, previous_round=str(previous.run))
        print(previous.sentence, flush=True)
    if inputs.trusted:
        read_trusted(inputs.trusted, coco, inputs.image_root, yolo_rows)  # so that mistakes in it show before any work
    check_folds(coco, refining.folds)
    run = Path(output).resolve()
    check_folder(run)
    make_folder(run)
    step = "the preparation"
    at_work: dict[Path, str] = {}
    with locked(run), scratch_folder(run) as temporary, Lanes(side_by_side, temporary) as lanes:
        processes = lanes.processes[0]
        try:
            record = resolve_sections(
                run, open_run(run, inputs), processes, {"refine": refine, "detect": detect}, overrides
            )
            settings = {name: record.resolved[name].settings for name in SECTIONS}
            flags = {"allow_outside": allow_outside, "skip_missing_images": skip_missing_images, "yolo_rows": yolo_rows}
            on = {name: value for name, value in flags.items() if value}
            settings = {name: with_data(section, **on) for name, section in settings.items()}
            sections = settings["refine"], settings["detect"]
            stages = plan(inputs, coco, *sections, run, refining, detecting, yolo_rows, previous)
            for folder in (run, *(stage.folder for stage in stages)):
                remove_unfinished(folder)
            advance_all(stages, lanes, run, record, at_work)
            step = "the report"
            code = processes.run(["report", str(run), *(["--allow_outside"] if allow_outside else [])])
            check_ended(code, f"{run}: the process of the report")
        except Stopped as stop:
            begun = f"{stopped_by(stop.number)} in {' and '.join(at_work.values()) or step}"
            raise Stopped(stop.number, f"{begun}: the same command goes on from there.") from None
    print(f"{lanes.seconds:.1f} s in the processes of this call.", flush=True)


def main(words: Sequence[str]) -> None:
    """Parse the words of the command line and run the pipeline."""
    pipeline_words, overrides = split_words(words)
    parser = ArgumentParser(
        prog="ssd-det pipeline",
        description=(pipeline.__doc__ or "").partition("\n")[0],
    )
    parser.add_argument("--config", action="config", help="a yaml with any of these settings")
    parser.add_function_arguments(pipeline, skip={"overrides"})
    allow_bare_flags(parser)
    print_errors_safely(parser, "pipeline", pipeline_words)
    check_configurations(pipeline_words)
    chosen = vars(parser.instantiate_classes(parser.parse_args(pipeline_words)))
    del chosen["config"]
    pipeline(**chosen, overrides=overrides)


def _check(
    inputs: Inputs, root_is_given: bool, skip_missing_images: bool, allow_outside: bool, yolo_rows: RowKind | None
) -> CocoFile:
    """Read the annotation files before any work is done, and say which images are left out.

    Args:
        inputs: of the run.
        root_is_given: whether the user gave the folder of the test images.
        skip_missing_images: leave images out that are not there.
        allow_outside: let file names lead out of the folders.
        yolo_rows: what longer rows of YOLO labels are, where they do not tell.

    Returns:
        The noisy file.

    Raises:
        InputError: if one cannot be used, images are missing, their categories differ, or the test images are most
            likely in another folder, or an image is of another size than its file says.
    """
    how = skip_missing_images, allow_outside, yolo_rows
    training = read_with_images(inputs.annotations, inputs.image_root, *how)
    test = read_with_images(inputs.test_annotations, inputs.test_image_root, *how)
    coco = training[0]
    with_classes_of(test[0], coco.path, coco.categories)
    lines = [left_out_images(*training, inputs.image_root), left_out_images(*test, inputs.test_image_root)]
    if not root_is_given:
        lines.append(check_test_images(training, test, "--test_image_root"))
    with_found_images(*training).count_usable()
    for data in (training, test):
        check_stored_sizes(*data)
    for line in lines:
        if line:
            print(line, flush=True)
    return coco
