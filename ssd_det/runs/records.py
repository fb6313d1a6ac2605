"""What a run of the pipeline notes of itself in its folder, and what each stage notes in its own."""

import json
from pathlib import Path
from typing import Any

from ssd_det.errors import InputError

RUN_RECORD = "run.json"
STAGE_RECORD = "stage.json"
KEYS = ("title", "commands", "settings", "inputs", "seconds")


def read_record(folder: Path) -> dict[str, Any]:
    """What a stage noted of itself, nothing if it was not begun.

    Returns:
        ``title``, ``commands``, ``settings``, ``inputs`` (digests by path), ``seconds``, and ``finished`` or
        ``started``.

    Raises:
        InputError: if the file holds something else.
    """
    path = folder / STAGE_RECORD
    try:
        record: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except ValueError:
        record = {}
    if not isinstance(record, dict) or any(key not in record for key in KEYS):
        raise InputError(f"{path}: is not what the pipeline wrote: remove {folder}.")
    return record


def current_stages(run: Path) -> list[str]:
    """Folders of the stages that the last call of the pipeline found or made up to date, in their order.

    Raises:
        InputError: if the folder is not a run's.
    """
    folders = _noted(run, "current")
    if not isinstance(folders, list) or not all(isinstance(folder, str) for folder in folders):
        raise _no_run(run)
    return folders


def image_root_of(run: Path) -> str:
    """The folder of the images that a run was started on.

    Raises:
        InputError: if the folder is not a run's.
    """
    inputs = _noted(run, "inputs")
    if not isinstance(inputs, dict) or not isinstance(inputs.get("image_root"), str):
        raise _no_run(run)
    root: str = inputs["image_root"]
    return root


def _noted(run: Path, key: str) -> Any:
    """What a run noted of itself under a key, ``None`` if nothing can be read there."""
    try:
        return json.loads((run / RUN_RECORD).read_text(encoding="utf-8"))[key]
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _no_run(run: Path) -> InputError:
    return InputError(f"{run}: holds no run of the pipeline: give the folder that was its output.")


def spoiled(path: Path) -> InputError:
    """The error that names a file of a stage which is not as the pipeline left it."""
    return InputError(f"{path}: is not what the pipeline wrote: remove {path.parent} and run the pipeline again.")
