"""What a few steps of a training cost, measured in a separate process that may run out of memory."""

import json
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from itertools import pairwise
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple

import torch
import yaml
from lightning.pytorch import Callback, LightningModule, Trainer

from ssd_det.errors import BAD_INPUT, InputError
from ssd_det.free_memory import GIB
from ssd_det.setup.core_time import CoreTime, core_time
from ssd_det.starting.starter import Finished

WARM_UP = 2
LEAST_MEASURED, MOST_MEASURED = 3, 12
ENOUGH_SECONDS = 10.0  # after these, the least are enough
KILLED = (-9, 137)  # exit codes of a process that the system ended because no memory was left
NO_MEMORY = ("out of memory", "OutOfMemoryError", "can't allocate memory")


class Cost(NamedTuple):
    """What a step costs.

    Attributes:
        seconds: the median, including the reading of images, on cores that nothing else uses.
        memory: peak of the process on its GPU, or else in main memory, in GiB.
        slowdown: how many times as long the steps took that were measured, as other work had the cores meanwhile.
    """

    seconds: float
    memory: float
    slowdown: float = 1.0


class StepTimer(Callback):
    """Write the cost of the steps to a json file when a training ends, which is once they have been measured.

    Args:
        output: the file.
    """

    def __init__(self, output: str) -> None:
        self.output = output
        self._ends: list[float] = []
        self._shares: list[CoreTime] = []

    def on_train_batch_end(self, trainer: Trainer, pl_module: LightningModule, *args: Any, **kwargs: Any) -> None:
        """Record the time when all work of the step is done."""
        if pl_module.device.type == "cuda":
            torch.cuda.synchronize(pl_module.device)
        self._ends.append(time.perf_counter())
        self._shares.append(core_time())
        measured = self._ends[WARM_UP - 1 :]
        if len(measured) > LEAST_MEASURED and measured[-1] - measured[0] > ENOUGH_SECONDS:
            trainer.should_stop = True

    def on_train_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Write the cost."""
        first, last = self._shares[WARM_UP - 1], self._shares[-1]
        ends = self._ends[WARM_UP - 1 :]
        seconds = median(later - earlier for earlier, later in pairwise(ends))
        if pl_module.device.type == "cuda":
            memory = torch.cuda.max_memory_reserved(pl_module.device) / GIB
        else:
            memory = _peak_main_memory()
        share = last.minus(first).share_of_free_cores(ends[-1] - ends[0])
        cost = {"seconds": seconds * share, "memory": memory, "slowdown": 1 / share}
        Path(self.output).write_text(json.dumps(cost), encoding="utf-8")


def _peak_main_memory() -> float:
    """The most main memory that this process has used, in GiB."""
    import resource  # noqa: PLC0415  # only Unix has it

    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / GIB


CommandRunner = Callable[[Sequence[str]], Finished]


def measure(path: Path, section: str, data: Sequence[str], run: CommandRunner) -> Cost | None:
    """Take a few steps of a training as a ``pipeline.yaml`` says, from random weights.

    Args:
        path: of the ``pipeline.yaml``.
        section: ``refine`` or ``detect``.
        data: options of the command line for the data.
        run: runs a command of ``ssd-det``.

    Returns:
        What a step costs; ``None`` if there was not enough memory.

    Raises:
        InputError: with the error of the training, if it failed for another reason.
    """
    content = yaml.safe_load(path.read_text(encoding="utf-8"))[section]
    with tempfile.TemporaryDirectory() as folder:
        settings, output = Path(folder, "settings.yaml"), Path(folder, "cost.json")
        settings.write_text(yaml.safe_dump(content["settings"]), encoding="utf-8")
        timer = {"class_path": f"{__name__}.{StepTimer.__name__}", "init_args": {"output": str(output)}}
        finished = run(
            [
                "fit",
                f"--config={path.parent / content['config']}",
                f"--config={settings}",
                *data,
                "--model.weights=null",
                f"--trainer.callbacks={json.dumps([timer])}",
                f"--trainer.max_steps={WARM_UP + MOST_MEASURED}",
                "--trainer.max_epochs=-1",
                "--trainer.devices=1",
                "--trainer.logger=false",
                "--trainer.enable_checkpointing=false",
                "--trainer.enable_progress_bar=false",
                "--trainer.enable_model_summary=false",
                f"--trainer.default_root_dir={folder}",
            ]
        )
        if finished.code == 0:
            return Cost(**json.loads(output.read_text(encoding="utf-8")))
    if finished.code in KILLED or any(text in finished.errors for text in NO_MEMORY):
        return None
    sentence = finished.errors.strip().rpartition("\n")[2].removeprefix("ssd-det: error: ")
    raise InputError(
        sentence if finished.code == BAD_INPUT else f"With these data, {section} cannot be trained: {sentence}"
    )
