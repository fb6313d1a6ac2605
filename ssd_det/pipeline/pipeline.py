"""The command ``ssd-det pipeline``."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from jsonargparse import ArgumentParser
from jsonargparse.typing import Path_fr

from ssd_det import __version__
from ssd_det.annotations.categories import with_classes_of
from ssd_det.annotations.coco import CocoFile
from ssd_det.annotations.digests import digest
from ssd_det.annotations.folds import check_folds
from ssd_det.annotations.formats.trusted_reading import read_trusted
from ssd_det.annotations.formats.with_images import (
    check_test_images,
    left_out_images,
    read_with_images,
    with_found_images,
)
from ssd_det.annotations.formats.yolo_rows import RowKind
from ssd_det.annotations.output import make_folder, remove_unfinished, write_json
from ssd_det.class_names import with_short_names
from ssd_det.errors import InputError
from ssd_det.flags import allow_bare_flags, check_configurations, print_errors_safely
from ssd_det.pipeline.lock import locked
from ssd_det.pipeline.plan import Inputs, Refining, plan
from ssd_det.pipeline.previous_round import read_previous_round
from ssd_det.pipeline.processes import Processes, check_ended
from ssd_det.pipeline.run_stages import advance_all
from ssd_det.pipeline.scratch import scratch_folder
from ssd_det.pipeline.sections import resolve_words, settings_of, with_data
from ssd_det.pipeline.side_by_side import Lanes
from ssd_det.runs.layout import RUN_RECORD, STAGE_RECORD, section_settings_file
from ssd_det.runs.records import ResolvedSection, RunRecord, read_run_record
from ssd_det.stopping import Stopped, stopped_by

SECTIONS = ("refine", "detect")
SECTION_OPTIONS = ("config", "settings")
SET_BY_PIPELINE = (
    "data.annotations",
    "data.image_root",
    "data.test_annotations",
    "data.test_image_root",
    "data.fold",
    "data.folds",
    "data.allow_outside",
    "data.skip_missing_images",
    "data.yolo_rows",
    "data.trusted",
    "trainer.default_root_dir",
    "ckpt_path",
    "start_from",
)
TORCHRUN = ("TORCHELASTIC_RUN_ID", "LOCAL_RANK")


@dataclass
class Section:
    """What the user gives for a ``fit`` of the pipeline.

    Args:
        config: a configuration of ``fit``; a relative path starts from the file that names it.
        settings: what overrides it, in the same form.
    """

    config: Path_fr
    settings: dict[str, Any] = field(default_factory=dict)


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
    rounds: int = 1,
    folds: int = 1,
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
        rounds: how often a refiner is trained, each time on the boxes that the one before wrote.
        folds: how many refiners to train, each on the images of all folds but one, whose boxes it then refines; with 1
            a refiner refines the boxes that it was trained on.
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
    _check_overrides(overrides)
    if side_by_side < 1:
        raise InputError(f"side_by_side is {side_by_side}: give a number from 1 up.")
    refining = Refining(average_over_flip, rounds, folds)
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
    _check_folder(run)
    make_folder(run)
    step = "the preparation"
    at_work: dict[Path, str] = {}
    with locked(run), scratch_folder(run) as temporary, Lanes(side_by_side, temporary) as lanes:
        processes = lanes.processes[0]
        try:
            record = _resolve(run, _open_run(run, inputs), processes, {"refine": refine, "detect": detect}, overrides)
            settings = {name: record.resolved[name].settings for name in SECTIONS}
            flags = {"allow_outside": allow_outside, "skip_missing_images": skip_missing_images, "yolo_rows": yolo_rows}
            on = {name: value for name, value in flags.items() if value}
            settings = {name: with_data(section, **on) for name, section in settings.items()}
            sections = settings["refine"], settings["detect"]
            stages = plan(inputs, coco, *sections, run, baselines, refining, yolo_rows, previous)
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
    pipeline_words, overrides = _split(words)
    parser = ArgumentParser(
        prog="ssd-det pipeline",
        description=(pipeline.__doc__ or "").partition("\n")[0],
    )
    parser.add_argument("--config", action="config", help="a yaml with any of these settings")
    parser.add_function_arguments(pipeline, skip={"overrides"})
    allow_bare_flags(parser)
    print_errors_safely(parser)
    check_configurations(pipeline_words)
    chosen = vars(parser.instantiate_classes(parser.parse_args(pipeline_words)))
    del chosen["config"]
    pipeline(**chosen, overrides=overrides)


def _split(words: Sequence[str]) -> tuple[list[str], dict[str, list[str]]]:
    """Separate the options of the pipeline from those for the ``fit`` of each section."""
    pipeline_words: list[str] = []
    overrides: dict[str, list[str]] = {section: [] for section in SECTIONS}
    target = pipeline_words
    for word in words:
        section, dot, rest = word.removeprefix("--").partition(".")
        if word.startswith("--"):
            option = rest.partition("=")[0].partition(".")[0]
            is_for_fit = section in SECTIONS and bool(dot) and option not in SECTION_OPTIONS
            target = overrides[section] if is_for_fit else pipeline_words
            target.append(f"--{rest}" if is_for_fit else word)
        else:
            target.append(word)
    return pipeline_words, overrides


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
            likely in another folder.
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
    for line in lines:
        if line:
            print(line, flush=True)
    return coco


def _check_overrides(overrides: dict[str, list[str]]) -> None:
    """Refuse what the pipeline sets itself in every stage."""
    for section, words in overrides.items():
        for word in words:
            name = word.partition("=")[0].removeprefix("--").replace("init_args.", "")
            if name in SET_BY_PIPELINE:
                raise InputError(
                    f"--{section}.{name} is set by the pipeline: leave it out, and use the pipeline's own options."
                )


def _check_folder(run: Path) -> None:
    """Refuse a folder that has other files in it than those of a run."""
    names = {path.name for path in run.iterdir() if not path.name.startswith(".")} if run.is_dir() else set()
    names -= {section_settings_file(run, section).name for section in SECTIONS}  # of a call with mistakes in them
    if names and RUN_RECORD not in names:
        raise InputError(f"{run}: is not empty and holds no run of the pipeline: give another output.")


def _open_run(run: Path, inputs: Inputs) -> RunRecord:
    """Read or make the record of a run, in which no stage is up to date yet.

    Raises:
        InputError: if the run is one on other inputs.
    """
    paths = inputs.paths
    record = read_run_record(run)
    if record is None:
        return RunRecord(paths, {})
    was_begun = not record.resolved or any(run.rglob(STAGE_RECORD))
    if was_begun and ("previous_round" in paths) != ("previous_round" in record.inputs):
        goes_on = record.inputs.get("previous_round", "nothing")
        raise InputError(f"{run}: is a run that goes on from {goes_on}: do so here as well, or give another output.")
    for name, path in paths.items():
        recorded = record.inputs.get(name, path)  # what an earlier version did not record had its default
        # What is not there any more was most likely moved; each stage sees whether it has the same content.
        # More trusted boxes are the next step of the same run.
        if name != "trusted" and recorded != path and was_begun and Path(recorded).exists():
            raise InputError(
                f"{run}: is a run with another configuration: its {name} is {recorded}, not {path}: "
                f"give another output."
            )
    return replace(record, inputs=paths, current=())


def _resolve(
    run: Path,
    record: RunRecord,
    processes: Processes,
    sections: Mapping[str, Section],
    overrides: Mapping[str, list[str]],
) -> RunRecord:
    """Work out the whole configuration of each section whose source has changed since it was recorded.

    Returns:
        The record with the configurations of all sections, as it is written to the run's folder.
    """
    sources = {
        name: [__version__, digest(Path(section.config.absolute)), section.settings, overrides[name]]
        for name, section in sections.items()
    }
    resolved = {
        name: replace(section, settings=with_short_names(section.settings)) for name, section in record.resolved.items()
    }
    questions = {
        name: resolve_words(name, section.config.absolute, section.settings, overrides[name], run)
        for name, section in sections.items()
        if name not in resolved or resolved[name].source != sources[name]
    }
    for name, printed in processes.ask(questions).items():
        resolved[name] = ResolvedSection(sources[name], settings_of(name, printed))
    record = replace(record, resolved=resolved)
    write_json(run / RUN_RECORD, record.to_json())
    return record
