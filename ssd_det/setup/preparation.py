"""What ``ssd-det init`` does: look, choose, measure, write, and say what comes next."""

import math
import shlex
import tempfile
from collections.abc import Sequence
from itertools import count
from pathlib import Path

from ssd_det.annotations.formats.reading import files_of, read_annotations
from ssd_det.annotations.formats.with_images import left_out_images, read_with_images, with_found_images
from ssd_det.annotations.formats.yolo_rows import RowKind
from ssd_det.annotations.output import check_outputs
from ssd_det.annotations.repeated_images import warn_of_repeated_images
from ssd_det.batches.trusted_boxes import correct_by_trusted
from ssd_det.console import say
from ssd_det.setup.configuration import check_setup, pipeline_yaml, write_setup
from ssd_det.setup.facts import DataFacts, Machine, inspect_machine, measure_data
from ssd_det.setup.messages import print_chosen, print_seen
from ssd_det.setup.rules import Settings, choose
from ssd_det.setup.timing import MOST_MEASURED, WARM_UP, Cost, measure
from ssd_det.starting.starter import Starter

YAML = (".yaml", ".yml")
SECTIONS = {"refine": "refiner", "detect": "detector"}
USABLE_SHARE = 0.9  # of the memory: later steps may need somewhat more than the first ones
PLACEHOLDER, RUN_FOLDER = "TEST.json", "runs/mine"
MOST_STEPS = WARM_UP + MOST_MEASURED


def prepare(
    annotations: str,
    image_root: str,
    output: str,
    test_annotations: str | None,
    trusted: str | None,
    skip_timing: bool,
    allow_outside: bool,
    skip_missing_images: bool,
    yolo_rows: RowKind | None,
    overwrite: bool,
) -> None:
    """Write a configuration of the pipeline that fits data and machine; see :func:`ssd_det.setup.init.init`."""
    path = Path(output) if output.endswith(YAML) else Path(output) / "pipeline.yaml"
    inputs = files_of(name for name in (annotations, trusted, test_annotations) if name)
    check_outputs([path], inputs, overwrite)
    if test_annotations is not None:
        read_annotations(test_annotations, yolo_rows=yolo_rows)  # which the trainings would otherwise find out
    whole, paths = read_with_images(annotations, image_root, skip_missing_images, allow_outside, yolo_rows)
    if left_out := left_out_images(whole, paths, image_root):
        say(left_out)
    coco = with_found_images(whole, paths)
    warn_of_repeated_images(coco)
    if trusted is not None:
        correct_by_trusted(whole, trusted, image_root, yolo_rows)  # says what they show
    data, machine = measure_data(coco), inspect_machine()
    print_seen(coco, data, machine)
    settings = choose(data, machine)
    check_setup(path, settings, inputs, overwrite)
    chosen = {"allow_outside": allow_outside, "skip_missing_images": skip_missing_images}
    flags = [name for name, value in chosen.items() if value]
    told = [f"yolo_rows={yolo_rows}"] if yolo_rows else []
    costs: dict[str, Cost | None] = {}
    if not skip_timing:
        words = [f"--data.annotations={annotations}", f"--data.image_root={image_root}"]
        words += [f"--data.{word}" for word in (*(f"{flag}=true" for flag in flags), *told)]
        with Starter() as starter:
            settings, costs = _fit_memory(data, machine, settings, words, starter)
    about = f"{Path(annotations).name}: {data.images:,} images, {data.objects:,} objects; {machine.describe()}"
    write_setup(path, settings, pipeline_yaml(settings, about))
    print_chosen(path, settings, costs)
    _print_next(path, annotations, image_root, test_annotations, trusted, [*flags, *told])


def _print_next(
    path: Path,
    annotations: str,
    image_root: str,
    test_annotations: str | None,
    trusted: str | None,
    flags: Sequence[str],
) -> None:
    """Say what to do with the file that was written."""
    options = {"config": path, "annotations": annotations, "image_root": image_root}
    options |= {"trusted": trusted} if trusted else {}
    options |= {"test_annotations": test_annotations or PLACEHOLDER, "output": RUN_FOLDER}
    command = " ".join(f"--{name} {shlex.quote(str(value))}" for name, value in options.items())
    say("Next:")
    say(f"  ssd-det pipeline {command}{''.join(f' --{flag}' for flag in flags)}")
    if test_annotations is None:
        words = f"{shlex.quote(annotations)} --output {shlex.quote(str(path.parent / 'split'))}"
        say(f"{PLACEHOLDER} stands for a file with boxes that you trust, of other images. Without one,")
        say(f"  ssd-det split-annotations {words}")
        say("makes a train.json and a val.json; a test on boxes as inaccurate as the others says little.")


def _fit_memory(
    data: DataFacts, machine: Machine, settings: Settings, words: list[str], starter: Starter
) -> tuple[Settings, dict[str, Cost | None]]:
    """Measure steps as the file will say, and choose smaller ones until they fit the memory."""
    limit = USABLE_SHARE * min((gpu.memory for gpu in machine.gpus), default=machine.memory)
    for halvings in count(1):
        costs = _measure(settings, words, starter)
        peaks = [math.inf if cost is None else cost.memory for cost in costs.values()]
        if max(peaks) <= limit or not settings.can_shrink:
            break
        say(f"They need {_amount(max(peaks))}, and {limit:.1f} GiB can be used: trying fewer images or objects a step.")
        settings = choose(data, machine, halvings)
    if max(peaks) > limit:
        say(f"Warning: a training needs {_amount(max(peaks))}, and {limit:.1f} GiB can be used: free some memory.")
    return settings, costs


def _measure(settings: Settings, words: list[str], starter: Starter) -> dict[str, Cost | None]:
    """What a step of each training costs, by section."""
    costs = {}
    with tempfile.TemporaryDirectory() as folder:  # nothing is left where a training fails
        path = Path(folder) / "pipeline.yaml"
        write_setup(path, settings, pipeline_yaml(settings, "measuring"))
        for section, name in SECTIONS.items():
            say(f"Measuring up to {MOST_STEPS} steps of the {name} ...")
            costs[section] = measure(path, section, words, starter.run)
    return costs


def _amount(memory: float) -> str:
    return "more memory than there is" if math.isinf(memory) else f"{memory:.1f} GiB"
