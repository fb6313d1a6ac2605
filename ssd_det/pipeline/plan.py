"""Which stages a run has, and what each is told."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from ssd_det.annotations.coco import CocoFile
from ssd_det.annotations.formats.yolo_rows import RowKind
from ssd_det.annotations.json_files import JsonObject
from ssd_det.errors import InputError
from ssd_det.pipeline.order import stands_alone
from ssd_det.pipeline.previous_round import PreviousRound
from ssd_det.pipeline.run_settings import Detecting, Inputs, Refining
from ssd_det.pipeline.sections import JOINT_TASK, checkpoint_callbacks, task_of, with_data, with_trainer
from ssd_det.pipeline.stage import Stage, starting_from
from ssd_det.runs.layout import (
    CHECKPOINT,
    CONFIG,
    DETECTOR_FOLDERS,
    JOINT,
    LABELS,
    METRICS,
    QUALITY,
    REFINER,
    TEST_FOLDERS,
    Boxes,
    corrected_file,
    fold_folder,
    refined_file,
    round_folder,
    true_file,
)


def plan(
    inputs: Inputs,
    coco: CocoFile,
    refine: JsonObject,
    detect: JsonObject,
    run: Path,
    refining: Refining,
    detecting: Detecting,
    yolo_rows: RowKind | None = None,
    previous: PreviousRound | None = None,
) -> list[Stage]:
    """The stages of a run, in their order.

    Args:
        inputs: what it works on.
        coco: the noisy annotations, read. From a folder, refined boxes go into a copy of it as well.
        refine: settings of the refiner, or of refiner and detector together.
        detect: settings of the detector.
        run: the folder of the run.
        refining: how boxes are refined.
        detecting: how detectors are trained.
        yolo_rows: what longer rows of a YOLO folder are, where they do not tell.
        previous: the round that the run goes on from, if there is one.

    Raises:
        InputError: if a joint model is to be trained in rounds or folds, or detectors are to begin with it, or the
            round before has another model or lacks a training.
    """
    noisy = Path(inputs.annotations)
    also = previous.trusted if previous else None
    correcting = [_correct(inputs, inputs.trusted, also, corrected_file(run), yolo_rows)] if inputs.trusted else []
    learnt = replace(inputs, annotations=str(corrected_file(run))) if inputs.trusted else inputs
    true = true_file(run)
    true_is_known = all(a.true_bbox is not None for a in coco.annotations if coco.why_unusable(a) is None)
    *earlier, last = _refining(learnt, refine, run, refining, true if true_is_known else None)
    if coco.source is not None:
        last = _with_folder(last, inputs, yolo_rows)
    # The last stage of refining compares its boxes with the true ones.
    stages = [*correcting, *earlier, *([_true_boxes(noisy, true)] if true_is_known else []), last]
    # A round that goes on from another has detectors to begin with.
    first = _checkpoint_of_refiner(run, refine, refining) if detecting.from_refiner and previous is None else None
    stages += _detector(run, "refined", detect, refined_file(run), inputs, first)
    if detecting.baselines:
        stages += _detector(run, "noisy", detect, noisy, inputs, first)
    if detecting.baselines and true_is_known:
        stages += _detector(run, "clean", detect, true, inputs, first)
    if previous is not None:
        previous.check_models({"refine": refine, "detect": detect})
        stages = previous.continued(stages, run)
    return [replace(stage, run=run, has_all_cores=stands_alone(stage, stages)) for stage in stages]


def _refining(inputs: Inputs, settings: JsonObject, run: Path, refining: Refining, true: Path | None) -> list[Stage]:
    """Everything up to the refined boxes of the run."""
    if task_of(settings) == JOINT_TASK:
        if refining.rounds > 1 or refining.folds > 1:
            raise InputError(
                "refine.config is one of a joint model, trained once and on all images: give no rounds, no folds."
            )
        return _joint(inputs, settings, run, refining, true)
    stages = []
    boxes = Path(inputs.annotations)
    for number in range(1, refining.rounds + 1):
        is_last = number == refining.rounds
        folder = run if is_last else round_folder(run, number)
        title = f", round {number}" if refining.rounds > 1 else ""
        stages += _round(folder, title, boxes, inputs, settings, refining, true if is_last else None)
        boxes = refined_file(folder)
    return stages


def _joint(inputs: Inputs, settings: JsonObject, run: Path, refining: Refining, true: Path | None) -> list[Stage]:
    """Train refiner and detector together, test the detector, and refine."""
    noisy = Path(inputs.annotations)
    settings = with_data(settings, annotations=inputs.annotations, **_test_data(inputs))
    folder = run / JOINT
    checkpoint = folder / CHECKPOINT
    return [
        _fit("fit joint model", folder, settings, [noisy]),
        _test("test joint model", run / TEST_FOLDERS["joint"], checkpoint, settings, inputs),
        _refine("", [checkpoint], settings, noisy, refined_file(run), true, refining),
    ]


def _round(
    folder: Path,
    title: str,
    boxes: Path,
    inputs: Inputs,
    settings: JsonObject,
    refining: Refining,
    true: Path | None,
) -> list[Stage]:
    """Train refiners on boxes, fold after fold, and refine these with all of them.

    Args:
        folder: of the round.
        title: what the titles of the stages add.
        boxes: the annotations that the round starts from.
        inputs: of the run.
        settings: of the refiner.
        refining: how boxes are refined.
        true: what the refined boxes of the round are compared with, if anything.
    """
    settings = with_data(settings, image_root=inputs.image_root, annotations=str(boxes))
    stages, checkpoints = [], []
    for fold in range(refining.folds):
        of_fold = fold_folder(folder, fold) if refining.folds > 1 else folder
        fold_title = f"{title}, fold {fold}" if refining.folds > 1 else title
        learning = with_data(settings, fold=fold, folds=refining.folds)
        stages.append(_fit(f"fit refiner{fold_title}", of_fold / REFINER, learning, [boxes]))
        checkpoints.append(of_fold / REFINER / CHECKPOINT)
    settings = with_data(settings, fold=0, folds=1)
    return [*stages, _refine(title, checkpoints, settings, boxes, refined_file(folder), true, refining)]


def _correct(inputs: Inputs, trusted: str, also: Path | None, output: Path, yolo_rows: RowKind | None) -> Stage:
    """Put trusted boxes in, those of the round before as well, and take out of others what these show to be shared."""
    words = [f"--trusted={trusted}", f"--image_root={inputs.image_root}", f"--output={output}", "--overwrite"]
    words += [f"--also_trusted={also}"] if also else []
    return Stage(
        "correct what boxes share",
        output.parent,
        [["correct-annotations", inputs.annotations, *words, *([f"--yolo_rows={yolo_rows}"] if yolo_rows else [])]],
        [Path(inputs.annotations), Path(trusted), *([also] if also else [])],
        [output.name],
    )


def _true_boxes(noisy: Path, true: Path) -> Stage:
    return Stage(
        "take out the true boxes",
        true.parent,
        [["true-annotations", str(noisy), f"--output={true}", "--overwrite"]],
        [noisy],
        [true.name],
    )


def _fit(title: str, folder: Path, settings: JsonObject, inputs: list[Path]) -> Stage:
    settings = with_trainer(settings, default_root_dir=str(folder))
    for callback in checkpoint_callbacks(settings):
        callback["init_args"]["dirpath"] = str((folder / CHECKPOINT).parent)
    return Stage(
        title, folder, [["fit", f"--config={folder / CONFIG}"]], inputs, [CHECKPOINT], settings, resumable=True
    )


def _refine(
    title: str,
    checkpoints: Sequence[Path],
    settings: JsonObject,
    boxes: Path,
    output: Path,
    true: Path | None,
    refining: Refining,
) -> Stage:
    """Refine boxes and, where true ones are given, compare with these."""
    folder = output.parent
    commands = [
        [
            "refine-annotations",
            f"--config={folder / CONFIG}",
            f"--checkpoint={checkpoints[0]}",
            *(f"--other_checkpoints+={checkpoint}" for checkpoint in checkpoints[1:]),
            f"--output={output}",
            "--overwrite",
            *(["--average_over_flip"] if refining.average_over_flip else []),
            *([f"--average_over_scales={list(scales)}"] if (scales := refining.average_over_scales) else []),
        ]
    ]
    products = [output.name]
    inputs = [boxes, *checkpoints]
    if true is not None:
        comparison = [f"--reference={true}", f"--output={folder / QUALITY}", "--overwrite"]
        commands.append(["compare-annotations", str(output), *comparison])
        products.append(QUALITY)
        inputs.append(true)
    settings = with_trainer(settings, default_root_dir=str(folder))
    return Stage(f"refine annotations{title}", folder, commands, inputs, products, settings)


def _with_folder(stage: Stage, inputs: Inputs, yolo_rows: RowKind | None) -> Stage:
    """Let the last stage of refining put its boxes into a copy of the folder that the noisy ones came from."""
    refined, labels = stage.folder / stage.products[0], stage.folder / LABELS
    words = [str(refined), f"--like={inputs.annotations}", f"--image_root={inputs.image_root}", f"--output={labels}"]
    convert = ["convert-annotations", *words, "--overwrite", *([f"--yolo_rows={yolo_rows}"] if yolo_rows else [])]
    return replace(stage, commands=[*stage.commands, convert], products=[*stage.products, LABELS])


def _checkpoint_of_refiner(run: Path, settings: JsonObject, refining: Refining) -> Path:
    """The checkpoint of the first refiner of the last round."""
    if task_of(settings) == JOINT_TASK:
        raise InputError(
            "refine.config is one of a joint model, which has a detector of its own: leave detectors_from_refiner out."
        )
    return (fold_folder(run, 0) if refining.folds > 1 else run) / REFINER / CHECKPOINT


def _detector(
    run: Path, boxes: Boxes, settings: JsonObject, annotations: Path, inputs: Inputs, first: Path | None
) -> list[Stage]:
    """Train a detector on an annotation file, from a refiner's checkpoint where one is given, and test it."""
    title = "" if boxes == "refined" else f" on {boxes} boxes"
    folder = run / DETECTOR_FOLDERS[boxes]
    settings = with_data(settings, annotations=str(annotations), **_test_data(inputs))
    fit = _fit(f"fit detector{title}", folder, settings, [annotations])
    return [
        fit if first is None else starting_from(first, fit),
        _test(f"test detector{title}", run / TEST_FOLDERS[boxes], folder / CHECKPOINT, settings, inputs),
    ]


def _test(title: str, folder: Path, checkpoint: Path, settings: JsonObject, inputs: Inputs) -> Stage:
    return Stage(
        title,
        folder,
        [["test", f"--config={folder / CONFIG}", f"--ckpt_path={checkpoint}"]],
        [checkpoint, Path(inputs.test_annotations)],
        [METRICS],
        with_trainer(settings, default_root_dir=str(folder)),
    )


def _test_data(inputs: Inputs) -> dict[str, str]:
    """Where the images are, and what a detector is tested on."""
    return {name: getattr(inputs, name) for name in ("image_root", "test_annotations", "test_image_root")}
