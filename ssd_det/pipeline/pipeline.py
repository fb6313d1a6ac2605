"""The command ``ssd-det pipeline``."""

import copy
import json
import os
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from jsonargparse import ArgumentParser
from jsonargparse.typing import Path_fr

from ssd_det import __version__
from ssd_det.annotations.categories import different_categories
from ssd_det.annotations.coco import CocoFile
from ssd_det.annotations.formats.reading import read_annotations
from ssd_det.annotations.image_files import missing_images_error, resolve_images
from ssd_det.annotations.output import make_folder, write_json
from ssd_det.errors import INTERRUPTED, InputError
from ssd_det.flags import allow_bare_flags
from ssd_det.pipeline.plan import Inputs, Refining, plan, resolve_words, settings_of
from ssd_det.pipeline.processes import Processes, locked
from ssd_det.pipeline.stage import digest
from ssd_det.runs.records import RUN_RECORD

SECTIONS = ("refine", "detect")
OWN_KEYS = ("config", "settings")
OWN_SETTINGS = (
    "data.annotations",
    "data.image_root",
    "data.test_annotations",
    "data.test_image_root",
    "data.fold",
    "data.folds",
    "data.allow_outside",
    "trainer.default_root_dir",
    "ckpt_path",
)
TORCHRUN = ("TORCHELASTIC_RUN_ID", "LOCAL_RANK")


@dataclass
class Section:
    """What a ``fit`` of the pipeline is told.

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
    baselines: bool = False,
    average_over_flip: bool = False,
    rounds: int = 1,
    folds: int = 1,
    allow_outside: bool = False,
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
        test_image_root: the folder that the file names of the test file start from; image_root where not given.
        baselines: train the detector on the noisy and, where known, on the true boxes as well.
        average_over_flip: refine mirrored images as well, and average.
        rounds: how often a refiner is trained, each time on the boxes that the one before wrote.
        folds: train so many refiners, each on the images of all folds but one, whose boxes it then refines; with 1
            a refiner refines the boxes that it was trained on.
        allow_outside: let file names that are absolute or have a part .. lead out of the folders of the images.
        overrides: words of the command line for the configuration of each section.
    """
    if any(name in os.environ for name in TORCHRUN):
        raise InputError(
            "pipeline starts the processes of each stage itself (trainer.devices): "
            "under torchrun use the single commands fit, refine-annotations and test."
        )
    _check_overrides(overrides)
    refining = Refining(average_over_flip, rounds, folds)
    # However a path is spelt, and from wherever: it is the content behind it that counts.
    paths = (annotations, image_root, test_annotations, test_image_root or image_root)
    inputs = Inputs(*(str(Path(path).resolve()) for path in paths))
    coco = _check(inputs, allow_outside)
    run = Path(output).resolve()
    _check_folder(run)
    make_folder(run)
    place = "the preparation"
    processes = Processes()
    with locked(run):
        try:
            record = _open_run(run, inputs)
            settings = _resolve(run, record, processes, {"refine": refine, "detect": detect}, overrides)
            if allow_outside:
                settings = {name: _let_outside(section) for name, section in settings.items()}
            stages = plan(inputs, coco, settings["refine"], settings["detect"], run, baselines, refining)
            for number, stage in enumerate(stages, start=1):
                place = f"[{number}/{len(stages)}] {stage.title}"
                stage.advance(processes, f"[{number}/{len(stages)}]")
                record["current"].append(stage.folder.relative_to(run).as_posix())
                write_json(run / RUN_RECORD, record)
            place = "the report"
            code = processes.run(["report", str(run), *(["--allow_outside"] if allow_outside else [])])
        except KeyboardInterrupt:
            print(f"Stopped in {place}: the same command goes on from there.", file=sys.stderr)
            raise SystemExit(INTERRUPTED) from None
    if code:
        raise SystemExit(code)
    print(f"{processes.seconds:.1f} s in the processes of this call.", flush=True)


def main(words: Sequence[str]) -> None:
    """Parse the words of the command line and run the pipeline."""
    own, overrides = _split(words)
    parser = ArgumentParser(
        prog="ssd-det pipeline",
        description=(pipeline.__doc__ or "").partition("\n")[0],
    )
    parser.add_argument("--config", action="config", help="a yaml with any of these settings")
    parser.add_function_arguments(pipeline, skip={"overrides"})
    allow_bare_flags(parser)
    chosen = vars(parser.instantiate_classes(parser.parse_args(own)))
    del chosen["config"]
    pipeline(**chosen, overrides=overrides)


def _split(words: Sequence[str]) -> tuple[list[str], dict[str, list[str]]]:
    """Part the words that are for us from those that the ``fit`` of a section is to be told."""
    own: list[str] = []
    overrides: dict[str, list[str]] = {section: [] for section in SECTIONS}
    target = own
    for word in words:
        section, dot, rest = word.removeprefix("--").partition(".")
        if word.startswith("--"):
            foreign = section in SECTIONS and bool(dot) and rest.partition("=")[0].partition(".")[0] not in OWN_KEYS
            target = overrides[section] if foreign else own
            target.append(f"--{rest}" if foreign else word)
        else:
            target.append(word)
    return own, overrides


def _check(inputs: Inputs, allow_outside: bool) -> CocoFile:
    """Read the annotation files before any work is done.

    Returns:
        The noisy file.

    Raises:
        InputError: if one cannot be used, images are missing, or their categories differ.
    """
    coco = read_annotations(inputs.annotations, inputs.image_root)
    test = read_annotations(inputs.test_annotations, inputs.test_image_root)
    for file, root in ((coco, inputs.image_root), (test, inputs.test_image_root)):
        missing = resolve_images(file, root, allow_outside)[1]
        if missing:
            raise missing_images_error(file, root, missing)
    if test.categories != coco.categories:
        raise InputError(different_categories(test.path, test.categories, coco.path, coco.categories))
    coco.count_usable()
    return coco


def _check_overrides(overrides: dict[str, list[str]]) -> None:
    """Refuse what the pipeline sets itself in every stage."""
    for section, words in overrides.items():
        for word in words:
            name = word.partition("=")[0].removeprefix("--").replace("init_args.", "")
            if name in OWN_SETTINGS:
                raise InputError(f"--{section}.{name} is set by the pipeline: leave it out, and see its own options.")


def _let_outside(settings: dict[str, Any]) -> dict[str, Any]:
    """A copy of settings that let file names lead out of the folders of the images."""
    changed = copy.deepcopy(settings)
    changed["data"]["init_args"]["allow_outside"] = True
    return changed


def _check_folder(run: Path) -> None:
    names = [path.name for path in run.iterdir() if not path.name.startswith(".")] if run.is_dir() else []
    if names and RUN_RECORD not in names:
        raise InputError(f"{run}: is not empty and holds no run of the pipeline: give another output.")


def _open_run(run: Path, inputs: Inputs) -> dict[str, Any]:
    """Read or make the record of a run.

    Returns:
        ``inputs``; ``resolved``, the configuration of each section with the digest of where it came from; and
        ``current``, the folders of the stages that this call has found finished or brought to their end: none yet.

    Raises:
        InputError: if the run is one on other inputs.
    """
    mine = asdict(inputs)
    path = run / RUN_RECORD
    record: dict[str, Any] = {"inputs": mine, "resolved": {}}
    try:
        if path.is_file():
            record = json.loads(path.read_text(encoding="utf-8"))
        theirs, _ = dict(record["inputs"]), dict(record["resolved"])
    except (ValueError, KeyError, TypeError):
        raise InputError(f"{path}: is not what the pipeline wrote: give another output, or remove {run}.") from None
    for name, value in mine.items():
        if theirs.get(name) != value:
            raise InputError(
                f"{run}: is a run with another configuration: its {name} is {theirs.get(name)}, not {value}: "
                f"give another output, or remove it."
            )
    return {**record, "current": []}


def _resolve(
    run: Path,
    record: dict[str, Any],
    processes: Processes,
    sections: dict[str, Section],
    overrides: dict[str, list[str]],
) -> dict[str, dict[str, Any]]:
    """The whole configuration of each section; one that was worked out before is taken from the record."""
    keys = {
        name: [__version__, digest(Path(section.config.absolute)), section.settings, overrides[name]]
        for name, section in sections.items()
    }
    resolved: dict[str, Any] = record["resolved"]
    questions = {
        name: resolve_words(name, section.config.absolute, section.settings, overrides[name], run)
        for name, section in sections.items()
        if resolved.get(name, {}).get("from") != keys[name]
    }
    for name, printed in processes.ask(questions).items():
        resolved[name] = {"from": keys[name], "settings": settings_of(name, printed)}
    write_json(run / RUN_RECORD, record)
    return {name: resolved[name]["settings"] for name in sections}
