"""What a run of the pipeline records of itself in its folder, and what each stage records in its own."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from ssd_det.annotations.json_files import JsonObject
from ssd_det.errors import InputError
from ssd_det.runs.layout import RUN_RECORD, STAGE_RECORD
from ssd_det.value_types import fits

LONGEST_NAME = 255  # bytes of the name of a file or folder, on every usual file system


@dataclass(frozen=True)
class StageRecord:
    """What a stage ran, on what, and how far it came.

    Attributes:
        title: what it does.
        commands: the words of each command.
        settings: of ``config.yaml``; empty where the stage has none.
        inputs: digests of what it read, by path; ``None`` for what was not there.
        seconds: wall time of all attempts that have ended.
        started: when the attempt began that has not ended, in seconds since the epoch.
        finished: whether the stage has left its products.
    """

    title: str
    commands: list[list[str]]
    settings: JsonObject
    inputs: dict[str, str | None]
    seconds: float = 0.0
    started: float | None = None
    finished: bool = False

    def to_json(self) -> JsonObject:
        """What ``stage.json`` holds."""
        content = {
            "title": self.title,
            "commands": self.commands,
            "settings": self.settings,
            "inputs": self.inputs,
            "seconds": self.seconds,
        }
        if self.started is not None:
            content["started"] = self.started
        if self.finished:
            content["finished"] = True
        return content


@dataclass(frozen=True)
class ResolvedSection:
    """The whole configuration of a section of the pipeline.

    Attributes:
        source: what it was worked out from.
        settings: the configuration.
    """

    source: list[Any]
    settings: JsonObject


@dataclass(frozen=True)
class RunRecord:
    """What a run works on and with, and which of its stages are up to date.

    Attributes:
        inputs: the paths of annotations and images, by name.
        resolved: configurations by section.
        current: folders of the stages that the last call of the pipeline found or made up to date, in their order.
    """

    inputs: Mapping[str, str]
    resolved: Mapping[str, ResolvedSection]
    current: tuple[str, ...] = ()

    def to_json(self) -> JsonObject:
        """What ``run.json`` holds."""
        return {
            "inputs": dict(self.inputs),
            "resolved": {
                name: {"from": section.source, "settings": section.settings} for name, section in self.resolved.items()
            },
            "current": list(self.current),
        }


def read_stage_record(folder: Path) -> StageRecord | None:
    """Read what a stage recorded of itself, ``None`` if it was not begun.

    Raises:
        InputError: if the file holds something else.
    """
    path = folder / STAGE_RECORD
    try:
        return _stage_record(json.loads(path.read_text(encoding="utf-8")))
    except FileNotFoundError:
        return None
    except (ValueError, KeyError, TypeError, RecursionError):
        raise InputError(f"{path}: is not what the pipeline wrote: remove {folder}.") from None


def read_run_record(run: Path) -> RunRecord | None:
    """Read what a run recorded of itself, ``None`` if it was not begun.

    Raises:
        InputError: if the file holds something else.
    """
    path = run / RUN_RECORD
    try:
        return _run_record(json.loads(path.read_text(encoding="utf-8")))
    except FileNotFoundError:
        return None
    except (ValueError, KeyError, TypeError, RecursionError):
        raise InputError(f"{path}: is not what the pipeline wrote: remove {run}, or give another output.") from None


def current_stages(run: Path) -> list[str]:
    """Folders of the stages that the last call of the pipeline found or made up to date, in their order.

    Raises:
        InputError: if the folder is not a run's.
    """
    try:
        return [_folder(folder) for folder in _checked(_recorded(run, "current"), list)]
    except TypeError:
        raise _no_run(run) from None


def image_root_of(run: Path) -> str:
    """The folder of the images that a run was started on.

    Raises:
        InputError: if the folder is not a run's.
    """
    try:
        return _path(_checked(_recorded(run, "inputs"), dict).get("image_root"))
    except TypeError:
        raise _no_run(run) from None


def previous_round_of(run: Path) -> Path | None:
    """The folder of the round before a run's; ``None`` where it is the first, or is no run."""
    try:
        return Path(_path(_checked(_recorded(run, "inputs"), dict)["previous_round"]))
    except (KeyError, TypeError):
        return None


def damaged(path: Path) -> InputError:
    """The error that names a file of a stage which is not as the pipeline left it."""
    return InputError(f"{path}: is not what the pipeline wrote: remove {path.parent} and run the pipeline again.")


def _stage_record(content: Any) -> StageRecord:
    """Check what ``stage.json`` holds.

    Raises:
        KeyError: if something is missing.
        TypeError: if something has another type.
    """
    for command in _checked(content["commands"], list):
        for word in _checked(command, list):
            _checked(word, str)
    for value in _checked(content["inputs"], dict).values():
        _checked(value, str, type(None))
    return StageRecord(
        title=_checked(content["title"], str),
        commands=content["commands"],
        settings=_checked(content["settings"], dict),
        inputs=content["inputs"],
        seconds=_time(content["seconds"]),
        started=None if content.get("started") is None else _time(content["started"]),
        finished=_checked(content.get("finished", False), bool),
    )


def _run_record(content: Any) -> RunRecord:
    """Check what ``run.json`` holds.

    Raises:
        KeyError: if something is missing.
        TypeError: if something has another type.
    """
    for value in _checked(content["inputs"], dict).values():
        _path(value)
    resolved = {
        name: ResolvedSection(_checked(section["from"], list), _configuration(section["settings"]))
        for name, section in _checked(content["resolved"], dict).items()
    }
    current = tuple(_folder(folder) for folder in _checked(content.get("current", []), list))
    return RunRecord(content["inputs"], resolved, current)


def _checked(value: Any, *types: type) -> Any:
    """The value, if it is of one of the types; ``True`` and ``False`` are no numbers."""
    if not isinstance(value, types) or (isinstance(value, bool) and bool not in types):
        raise TypeError
    return value


def _time(value: Any) -> float:
    """A number of seconds."""
    if not fits(value, float) or value < 0:
        raise TypeError
    seconds: float = value
    return seconds


def _path(value: Any) -> str:
    """The path of a file or folder, which has no character and no length that none can have."""
    path: str = _checked(value, str)
    if "\0" in path or any(len(name.encode(errors="replace")) > LONGEST_NAME for name in path.split("/")):
        raise TypeError
    return path


def _folder(value: Any) -> str:
    """The folder of a stage, which is in that of the run."""
    path = PurePosixPath(_path(value))
    if path.is_absolute() or ".." in path.parts:
        raise TypeError
    return str(path)


def _configuration(value: Any) -> JsonObject:
    """A configuration of ``fit``, as far as the pipeline relies on its form."""
    for part in ("model", "data"):
        _class(value[part])
        _checked(value[part]["init_args"], dict)
    trainer = _checked(value["trainer"], dict)
    for name in ("logger", "callbacks"):
        entries = trainer[name] if isinstance(trainer[name], list) else [trainer[name]]
        for entry in entries:
            if isinstance(entry, dict):
                _class(entry)
    settings: JsonObject = value
    return settings


def _class(value: Any) -> None:
    """A class that a configuration names, and its arguments."""
    _checked(value["class_path"], str)
    _checked(value.get("init_args", {}), dict)


def _recorded(run: Path, key: str) -> Any:
    """What a run recorded of itself under a key, ``None`` if nothing can be read there."""
    try:
        return json.loads((run / RUN_RECORD).read_text(encoding="utf-8"))[key]
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return None


def _no_run(run: Path) -> InputError:
    return InputError(f"{run}: holds no run of the pipeline: give the folder that was its output.")
