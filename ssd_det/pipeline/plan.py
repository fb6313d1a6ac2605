"""Which stages a run has, and what each is told."""

import copy
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from ssd_det.annotations.coco import CocoFile
from ssd_det.annotations.output import write_text
from ssd_det.errors import InputError
from ssd_det.flags import UNSET_FOLDERS
from ssd_det.pipeline.stage import CHECKPOINT, Stage, weights_files

FOR_EVERY_COMMAND = ("seed_everything", "trainer", "model", "data")
JOINT = "JointTask"
LABELS = "labels"
TASKS = {"refine": ("RefineTask", JOINT), "detect": ("DetectTask",)}


@dataclass(frozen=True)
class Inputs:
    """What a run works on.

    Attributes:
        annotations: the noisy file or folder.
        image_root: of its images.
        test_annotations: those with true boxes to test on.
        test_image_root: of its images.
    """

    annotations: str
    image_root: str
    test_annotations: str
    test_image_root: str


@dataclass(frozen=True)
class Refining:
    """How a run refines boxes.

    Attributes:
        average_over_flip: refine mirrored images as well, and average.
        rounds: how often a refiner is trained, each time on the boxes that the one before wrote.
        folds: how many refiners a round trains, each on the images of all folds but one, whose boxes it then refines;
            1 for one refiner that refines the boxes that it was trained on.
    """

    average_over_flip: bool = False
    rounds: int = 1
    folds: int = 1

    def __post_init__(self) -> None:
        """Check the numbers.

        Raises:
            InputError: if one is out of range.
        """
        for name in ("rounds", "folds"):
            if getattr(self, name) < 1:
                raise InputError(f"{name} is {getattr(self, name)}: give a number from 1 up.")


def resolve_words(section: str, config: str, settings: Mapping[str, Any], words: Sequence[str], run: Path) -> list[str]:
    """The command that prints the whole configuration of a ``fit``, so that mistakes in it show before any work.

    Args:
        section: ``refine`` or ``detect``.
        config: yaml file of ``fit``.
        settings: what overrides it.
        words: of the command line, what overrides these.
        run: the folder of the run, to note the settings in.
    """
    path = run / f"{section}.yaml"
    write_text(path, yaml.safe_dump(dict(settings), sort_keys=False))
    given = ["--data.annotations=annotations.json", "--data.image_root=images"]
    return ["fit", f"--config={config}", *([f"--config={path}"] if settings else []), *words, *given, "--print_config"]


def settings_of(section: str, printed: str) -> dict[str, Any]:
    """The configuration that a ``fit`` printed, made ready for stages.

    Raises:
        InputError: if it is one of another task, has no seed, leaves no checkpoint, or would write its logs elsewhere.
    """
    settings = {key: value for key, value in yaml.safe_load(printed).items() if key in FOR_EVERY_COMMAND}
    task = _task(settings)
    if task not in TASKS[section]:
        raise InputError(
            f"{section}: model.class_path is {task}: give a configuration of {' or '.join(TASKS[section])}."
        )
    seed = settings["seed_everything"]
    if isinstance(seed, bool) or not isinstance(seed, int):
        raise InputError(f"{section}: seed_everything is {seed}: give a number, so that a stopped run can go on.")
    for logger in _entries(settings["trainer"]["logger"]):
        folder = logger["init_args"].get("save_dir")
        if folder not in UNSET_FOLDERS:
            raise InputError(
                f"{section}: trainer.logger has the save_dir {folder}: "
                f"leave it empty, as each stage has a folder of its own."
            )
    if not _checkpoints(settings):
        raise InputError(
            f"{section}: trainer.callbacks has no ModelCheckpoint with the filename last: "
            f"add one as in the configurations that come with the package."
        )
    for path in weights_files(settings):
        settings["model"]["init_args"]["weights"] = str(path.resolve())
    return settings


def _task(settings: Mapping[str, Any]) -> str:
    """The name of the task's class."""
    name: str = settings["model"]["class_path"].rpartition(".")[2]
    return name


def _checkpoints(settings: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The callbacks that write ``last.ckpt``."""
    return [
        callback
        for callback in _entries(settings["trainer"]["callbacks"])
        if callback["class_path"].endswith("ModelCheckpoint") and callback["init_args"].get("filename") == "last"
    ]


def _entries(setting: Any) -> list[dict[str, Any]]:
    """The classes that a setting names, be it one, a list, or none."""
    entries = setting if isinstance(setting, list) else [setting]
    return [entry for entry in entries if isinstance(entry, dict)]


def plan(
    inputs: Inputs,
    coco: CocoFile,
    refine: dict[str, Any],
    detect: dict[str, Any],
    run: Path,
    baselines: bool,
    refining: Refining,
) -> list[Stage]:
    """The stages of a run, in their order.

    Args:
        inputs: what it works on.
        coco: the noisy annotations, read. From a folder, refined boxes go into a copy of it as well.
        refine: settings of the refiner, or of refiner and detector together.
        detect: settings of the detector.
        run: the folder of the run.
        baselines: train the detector on the noisy and, where they are known, on the true boxes as well.
        refining: how boxes are refined.

    Raises:
        InputError: if a joint model is to be trained in rounds or folds.
    """
    noisy = Path(inputs.annotations)
    true = run / "true" / "true.json"
    known = all(a.true_bbox is not None for a in coco.annotations if coco.why_unusable(a) is None)
    stages = _refining(inputs, refine, run, refining, true if known else None)
    if coco.source is not None:
        _write_folder(stages[-1], noisy, inputs.image_root)
    if known:  # what the last of these stages is compared with
        take_out = Stage(
            "take out the true boxes",
            true.parent,
            [["true-annotations", str(noisy), f"--output={true}", "--overwrite"]],
            [noisy],
            [true.name],
        )
        stages.insert(-1, take_out)
    stages += _detector(run, "", detect, run / "refined" / "refined.json", inputs)
    if baselines:
        stages += _detector(run, "noisy", detect, noisy, inputs)
    if baselines and known:
        stages += _detector(run, "clean", detect, true, inputs)
    return stages


def _refining(
    inputs: Inputs, settings: dict[str, Any], run: Path, refining: Refining, true: Path | None
) -> list[Stage]:
    """Everything up to the refined boxes in ``refined/refined.json``."""
    noisy = Path(inputs.annotations)
    if _task(settings) == JOINT:
        if refining.rounds > 1 or refining.folds > 1:
            raise InputError(
                "refine.config is one of a joint model, trained once and on all images: give no rounds, no folds."
            )
        settings = _with(settings, "data", annotations=inputs.annotations, **_test_data(inputs))
        trained = run / "joint"
        return [
            _fit("fit joint model", trained, settings, [noisy]),
            _test("test joint model", run / "test_joint", trained / CHECKPOINT, settings, inputs),
            _refine("", trained / CHECKPOINT, settings, noisy, run / "refined", true, refining),
        ]
    stages = []
    boxes = noisy
    for round_ in range(1, refining.rounds + 1):
        last_round = round_ == refining.rounds
        place = run if last_round else run / f"round_{round_}"
        learnt = boxes  # a fold must not learn from boxes that another fold has refined
        for fold in range(refining.folds):
            last_fold = fold == refining.folds - 1
            home = place / f"fold_{fold}" if refining.folds > 1 else place
            about = f", round {round_}" if refining.rounds > 1 else ""
            about += f", fold {fold}" if refining.folds > 1 else ""
            own = _with(
                settings, "data", image_root=inputs.image_root, annotations=str(learnt), fold=fold, folds=refining.folds
            )
            stages.append(_fit(f"fit refiner{about}", home / "refiner", own, [learnt]))
            own = _with(own, "data", annotations=str(boxes))
            written = place / "refined" if last_fold else home / "refined"
            judged = true if last_round and last_fold else None
            stages.append(_refine(about, home / "refiner" / CHECKPOINT, own, boxes, written, judged, refining))
            boxes = written / "refined.json"
    return stages


def _fit(title: str, folder: Path, settings: dict[str, Any], inputs: list[Path]) -> Stage:
    settings = _with(settings, "trainer", default_root_dir=str(folder))
    for callback in _checkpoints(settings):
        callback["init_args"]["dirpath"] = str((folder / CHECKPOINT).parent)
    return Stage(
        title, folder, [["fit", f"--config={folder / 'config.yaml'}"]], inputs, [CHECKPOINT], settings, resumable=True
    )


def _refine(
    about: str,
    checkpoint: Path,
    settings: dict[str, Any],
    noisy: Path,
    folder: Path,
    true: Path | None,
    refining: Refining,
) -> Stage:
    refined = folder / "refined.json"
    commands = [
        [
            "refine-annotations",
            f"--config={folder / 'config.yaml'}",
            f"--checkpoint={checkpoint}",
            f"--output={refined}",
            "--overwrite",
            *(["--average_over_flip"] if refining.average_over_flip else []),
        ]
    ]
    products = [refined.name]
    inputs = [noisy, checkpoint]
    if true is not None:
        quality = folder / "quality.json"
        compared = ["compare-annotations", str(refined), f"--reference={true}", f"--output={quality}", "--overwrite"]
        commands.append(compared)
        products.append(quality.name)
        inputs.append(true)
    settings = _with(settings, "trainer", default_root_dir=str(folder))
    return Stage(f"refine annotations{about}", folder, commands, inputs, products, settings)


def _write_folder(stage: Stage, noisy: Path, image_root: str) -> None:
    """Let the last stage of refining put its boxes into a copy of the folder that the noisy ones came from."""
    words = [str(stage.folder / "refined.json"), f"--like={noisy}", f"--image_root={image_root}"]
    stage.commands.append(["convert-annotations", *words, f"--output={stage.folder / LABELS}", "--overwrite"])
    stage.products.append(LABELS)


def _detector(run: Path, boxes: str, settings: dict[str, Any], annotations: Path, inputs: Inputs) -> list[Stage]:
    """Train a detector on an annotation file, and test it."""
    suffix, on = (f"_{boxes}", f" on {boxes} boxes") if boxes else ("", "")
    folder = run / f"detector{suffix}"
    settings = _with(settings, "data", annotations=str(annotations), **_test_data(inputs))
    return [
        _fit(f"fit detector{on}", folder, settings, [annotations]),
        _test(f"test detector{on}", run / f"test{suffix}", folder / CHECKPOINT, settings, inputs),
    ]


def _test(title: str, folder: Path, checkpoint: Path, settings: dict[str, Any], inputs: Inputs) -> Stage:
    return Stage(
        title,
        folder,
        [["test", f"--config={folder / 'config.yaml'}", f"--ckpt_path={checkpoint}"]],
        [checkpoint, Path(inputs.test_annotations)],
        ["metrics.json"],
        _with(settings, "trainer", default_root_dir=str(folder)),
    )


def _test_data(inputs: Inputs) -> dict[str, str]:
    """Where the images are, and what a detector is tested on."""
    return {name: getattr(inputs, name) for name in ("image_root", "test_annotations", "test_image_root")}


def _with(settings: dict[str, Any], section: str, **values: str | int) -> dict[str, Any]:
    """A copy of settings with some of the trainer's or of the data module's replaced."""
    changed = copy.deepcopy(settings)
    (changed[section] if section == "trainer" else changed[section]["init_args"]).update(values)
    return changed
