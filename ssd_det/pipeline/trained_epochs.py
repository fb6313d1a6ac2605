"""Whether a training came to its end: the epochs that its checkpoint has, and those that its settings ask for.

A process that was stopped may have ended as if it had not been, as those of earlier versions did.
"""

import pickle
import zipfile
from pathlib import Path
from typing import Any

from ssd_det.annotations.json_files import JsonObject
from ssd_det.pipeline.sections import callbacks_of, checkpoint_callbacks

MAY_END_EARLY = ("EarlyStopping", "Timer")
LIGHTNING = ("lightning.", "pytorch_lightning.")
MOST_BYTES = 2**26  # of what a checkpoint holds beside its tensors


class _Anything:
    """Stands in for an object that is not built."""

    def __new__(cls, *arguments: object, **options: object) -> "_Anything":
        return super().__new__(cls)

    def __setstate__(self, state: object) -> None:
        pass

    def __setitem__(self, key: object, value: object) -> None:
        pass

    def append(self, value: object) -> None:
        pass


class _Structure(pickle._Unpickler):  # in Python, for which no number is too large
    """Reads what a checkpoint holds without torch: dicts, lists, texts and numbers, and nothing that could run."""

    def find_class(self, module: str, name: str) -> type:
        return dict if (module, name) == ("collections", "OrderedDict") else _Anything

    def persistent_load(self, key: object) -> None:
        return None


def epochs_done(checkpoint: Path) -> int | None:
    """How many whole epochs a checkpoint was trained for; ``None`` where it does not tell."""
    try:
        with zipfile.ZipFile(checkpoint) as archive:
            (entry,) = (entry for entry in archive.infolist() if entry.filename.endswith("/data.pkl"))
            if entry.file_size > MOST_BYTES:
                return None
            with archive.open(entry) as file:
                content: Any = _Structure(file).load()
        if "loops" not in content:
            return int(content["epoch"]) + 1
        return int(content["loops"]["fit_loop"]["epoch_progress"]["current"]["processed"])
    except Exception:  # whatever a damaged file may lead to
        return None


def epochs_asked(settings: JsonObject) -> int | None:
    """How many epochs the last checkpoint of a training must have; ``None`` where something may rightly end it earlier.

    Args:
        settings: of ``fit``.
    """
    trainer = settings.get("trainer", {})
    epochs = trainer.get("max_epochs")
    if not isinstance(epochs, int) or epochs < 1 or trainer.get("fast_dev_run") or trainer.get("max_time"):
        return None
    if trainer.get("max_steps", -1) != -1 or any(_may_end_early(callback) for callback in callbacks_of(settings)):
        return None
    arguments = [callback["init_args"] for callback in checkpoint_callbacks(settings)]
    chosen = ("monitor", "every_n_train_steps", "train_time_interval")
    if not arguments or any(entry.get(name) for entry in arguments for name in chosen):
        return None
    every = max(entry.get("every_n_epochs") or 1 for entry in arguments)
    return epochs - epochs % every


def _may_end_early(callback: JsonObject) -> bool:
    """Whether a callback may end a training: some of Lightning's, and any that is not known here."""
    path = callback["class_path"]
    is_known = "." not in path or path.startswith(LIGHTNING)
    return not is_known or path.endswith(MAY_END_EARLY)
