"""What has changed since a stage was recorded, in words; what only looks different is no change.

A run may be moved, its inputs as well, and a later version has settings that a record does not have.
"""

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from ssd_det.annotations.json_files import JsonObject
from ssd_det.class_names import with_short_names
from ssd_det.runs.records import StageRecord

SHOWN_CHANGES = 3
_ABSENT = object()
WITHOUT_EFFECT = frozenset({"data.init_args.num_workers"})
"""Settings on which no product depends: who is told to lower them loses nothing."""
PATHS_OF_DATA = ("annotations", "image_root", "test_annotations", "test_image_root")


def changes(record: StageRecord, due: StageRecord, defaults: JsonObject, missing: Sequence[Path]) -> str:
    """Why a stage that was begun has to be done again, in words; empty where there is no reason.

    Args:
        record: what was recorded, with the paths of today.
        due: what would be recorded today.
        defaults: of settings that the record may lack.
        missing: products that are not there any more.
    """
    settings = differences(with_short_names(record.settings), with_short_names(due.settings), defaults)
    found = [f"{name} was {old} and is {new}" for name, old, new in settings if name not in WITHOUT_EFFECT]
    found += [f"{path} has changed" for path, new in due.inputs.items() if record.inputs.get(path) != new]
    if record.commands != due.commands and not found:
        found.append("its commands have changed")
    found += [f"{path} is missing" for path in missing]
    rest = len(found) - SHOWN_CHANGES
    return "; ".join(found[:SHOWN_CHANGES]) + (f"; and {rest} more changes" if rest > 0 else "")


def lacks_settings(record: StageRecord, settings: JsonObject) -> bool:
    """Whether some settings of today came after a record and are on, by default or because a user wants them so."""
    return _lacks(with_short_names(record.settings), with_short_names(settings))


def moves(record: StageRecord, due: StageRecord, run: Path | None) -> dict[str, str]:
    """Where files and folders of a record are today, by their former paths.

    Args:
        record: what was recorded.
        due: what would be recorded today.
        run: the folder of the run.
    """
    found = {} if run is None else _moved_run(record, due, str(run))
    for (old, old_digest), (new, new_digest) in zip(record.inputs.items(), due.inputs.items(), strict=False):
        if old_digest == new_digest is not None:
            found[old] = new
    old_data, new_data = (part.settings.get("data", {}).get("init_args", {}) for part in (record, due))
    for name in PATHS_OF_DATA:
        old, new = old_data.get(name), new_data.get(name)
        if isinstance(old, str) and isinstance(new, str) and not Path(old).exists():
            found[old] = new
    return {old: new for old, new in found.items() if old != new}


def with_moves(record: StageRecord, moved: Mapping[str, str]) -> StageRecord:
    """A record with the paths of today."""
    return replace(
        record,
        commands=_moved(record.commands, moved),
        settings=_moved(record.settings, moved),
        inputs={_moved(path, moved): value for path, value in record.inputs.items()},
    )


def _moved_run(record: StageRecord, due: StageRecord, run: str) -> dict[str, str]:
    """The former folder of the run: a word of the commands begins and ends as one that names a file of the run."""
    for word in (word for command in due.commands for word in command):
        before, found, after = word.partition(run + os.sep)
        if found:
            for old in (old for command in record.commands for old in command):
                if old.startswith(before) and old.endswith(os.sep + after):
                    return {old.removeprefix(before).removesuffix(os.sep + after): run}
    return {}


def _moved(value: Any, moved: Mapping[str, str]) -> Any:
    """A copy of json-like content with the paths of today."""
    if isinstance(value, dict):
        return {key: _moved(item, moved) for key, item in value.items()}
    if isinstance(value, list):
        return [_moved(item, moved) for item in value]
    if not isinstance(value, str):
        return value
    option, equals, path = value.rpartition("=") if value.startswith("--") else ("", "", value)
    for old in sorted(moved, key=len, reverse=True):
        if path == old or path.startswith(old + os.sep):
            return option + equals + moved[old] + path.removeprefix(old)
    return value


def differences(old: Any, new: Any, defaults: Any, name: str = "") -> list[tuple[str, Any, Any]]:
    """Where two settings differ: dotted name, old and new value.

    Args:
        old: recorded.
        new: of today.
        defaults: what settings are that are not recorded; where this is not known either they are off: 0, false, null
            or empty.
        name: of the settings.
    """
    if not _can_be_entered(old, new):
        return [] if old == new else [(name, old, new)]
    found = []
    for key, before, today in _pairs(old, new):
        dotted, default = f"{name}.{key}" if name else str(key), _entry(defaults, key)
        if before is _ABSENT:
            found += [(dotted, default, today)] if today != default and (today or default) else []
        elif today is not _ABSENT:
            found += differences(before, today, default, dotted)
        elif before:
            found.append((dotted, before, None))
    return found


def _lacks(old: Any, new: Any) -> bool:
    if not _can_be_entered(old, new):
        return False
    return any(bool(today) if before is _ABSENT else _lacks(before, today) for _, before, today in _pairs(old, new))


def _can_be_entered(old: Any, new: Any) -> bool:
    """Whether two settings are to be compared part by part: mappings, and lists of the same classes."""
    if isinstance(old, dict) and isinstance(new, dict):
        return True
    return isinstance(old, list) and isinstance(new, list) and _classes(old) == _classes(new) != []


def _classes(entries: list[Any]) -> list[Any]:
    """The classes that a list names; empty if it names anything else."""
    names = [entry.get("class_path") if isinstance(entry, dict) else None for entry in entries]
    return names if all(names) else []


def _pairs(old: Any, new: Any) -> Iterator[tuple[Any, Any, Any]]:
    """Each part of two settings: its key, old and new value."""
    if isinstance(old, list):
        yield from ((index, *values) for index, values in enumerate(zip(old, new, strict=True)))
    else:
        yield from ((key, old.get(key, _ABSENT), new.get(key, _ABSENT)) for key in dict.fromkeys([*old, *new]))


def _entry(settings: Any, key: Any) -> Any:
    """A part of settings, ``None`` if they have none of this key."""
    if isinstance(settings, list):
        return settings[key] if isinstance(key, int) and key < len(settings) else None
    return settings.get(key) if isinstance(settings, dict) else None
