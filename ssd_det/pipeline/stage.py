"""A stage of the pipeline: what it runs, what it reads and leaves, and whether it must be run."""

import hashlib
import shutil
import time
import zipfile
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import yaml

from ssd_det.annotations.digests import digest
from ssd_det.annotations.formats.reading import tracked_files
from ssd_det.annotations.formats.recognise import recognise
from ssd_det.annotations.json_files import JsonObject
from ssd_det.annotations.output import make_folder, write_json, write_text
from ssd_det.class_names import with_short_names
from ssd_det.errors import InputError
from ssd_det.pipeline.processes import Processes
from ssd_det.runs.layout import CHECKPOINT, CONFIG, STAGE_RECORD
from ssd_det.runs.records import StageRecord, read_stage_record
from ssd_det.torch_archive import damaged_part

SHOWN_CHANGES = 3


@dataclass(frozen=True)
class Stage:
    """A step of the pipeline with a folder of its own.

    Attributes:
        title: what it does.
        folder: where it leaves its products.
        commands: the words of the commands of ``ssd-det`` that it runs, one after the other.
        inputs: the files that it reads, and folders of annotations.
        products: names of the files and folders that it leaves in the folder.
        settings: what is written to ``config.yaml`` in the folder, if anything.
        resumable: whether the last command is a ``fit``, which can go on from its checkpoint.
    """

    title: str
    folder: Path
    commands: list[list[str]]
    inputs: list[Path]
    products: list[str]
    settings: JsonObject = field(default_factory=dict)
    resumable: bool = False

    def advance(self, processes: Processes, label: str) -> None:
        """Bring the stage to its end: leave it as it is, go on with it, or do it (again).

        Args:
            processes: to run the commands in.
            label: which stage of how many this is, to print before its title.

        Raises:
            InputError: if a command is killed or leaves a product out.
            SystemExit: with its code, if a command fails.
        """
        due = self._due()
        record = read_stage_record(self.folder)
        changes = self._changes(record, due) if record else ""
        if record and record.finished and not changes:
            print(f"{label} {self.title}: finished before, and nothing it depends on has changed.", flush=True)
            return
        if changes:
            print(f"{label} {self.title}: done again, because {changes}.", flush=True)
            record = None
        else:
            print(f"{label} {self.title}{': goes on' if record else ''}", flush=True)
        spent = record.seconds + self._interrupted_seconds(record) if record else 0.0
        self._run(processes, replace(due, seconds=spent), goes_on=record is not None)

    def _run(self, processes: Processes, record: StageRecord, goes_on: bool) -> None:
        if not goes_on:
            shutil.rmtree(self.folder, ignore_errors=True)  # what is left of an attempt that was being removed
        make_folder(self.folder)
        started = time.time()
        self._write_record(replace(record, started=started))
        commands = list(self.commands)
        if self.settings:
            write_text(self.folder / CONFIG, yaml.safe_dump(self.settings, sort_keys=False))
        if self.resumable and goes_on:
            commands[-1] = [*commands[-1], *self._checkpoint_words()]
        for words in commands:
            code = processes.run(words)
            if code < 0:
                raise InputError(
                    f"{self.folder}: the process of this stage was ended by signal {-code} (out of memory?): "
                    f"the same command goes on from here."
                )
            if code:
                raise SystemExit(code)
        if missing := self._missing():
            raise InputError(f"{self.folder}: the stage did not write {', '.join(missing)}: correct its settings.")
        seconds = record.seconds + (time.time() - started)
        self._write_record(replace(record, seconds=seconds, finished=True))

    def _checkpoint_words(self) -> list[str]:
        """What makes ``fit`` go on from the last checkpoint, if there is a complete one."""
        checkpoint = self.folder / CHECKPOINT
        if not checkpoint.is_file():
            return []
        if not zipfile.is_zipfile(checkpoint):
            print(f"{checkpoint} is incomplete: the training starts from the beginning.", flush=True)
            return []
        if (part := damaged_part(checkpoint)) is not None:
            print(f"{checkpoint} is damaged ({part}): the training starts from the beginning.", flush=True)
            return []
        return ["--ckpt_path", str(checkpoint)]

    def _due(self) -> StageRecord:
        """What the products depend on, before any attempt."""
        inputs: dict[str, str | None] = {str(path): input_digest(path) for path in self.inputs}
        inputs |= {str(path): digest(path) for path in weights_files(self.settings)}
        return StageRecord(self.title, self.commands, self.settings, inputs)

    def _interrupted_seconds(self, record: StageRecord) -> float:
        """About how long the last attempt ran, if something ended it: until its last sign of life."""
        if record.started is None:
            return 0.0
        last = max((self.folder / STAGE_RECORD).stat().st_mtime, *map(_modified, self.folder.rglob("*")))
        return max(0.0, last - record.started)

    def _changes(self, record: StageRecord, due: StageRecord) -> str:
        """Why a stage that was begun has to be done again, in words; empty where there is no reason."""
        settings = _differences(with_short_names(record.settings), with_short_names(due.settings))
        changes = [f"{name} was {old} and is {new}" for name, old, new in settings]
        changes += [f"{path} has changed" for path, new in due.inputs.items() if record.inputs.get(path) != new]
        if record.commands != due.commands and not changes:
            changes.append("its commands have changed")
        if record.finished:
            changes += [f"{self.folder / name} is missing" for name in self._missing()]
        rest = len(changes) - SHOWN_CHANGES
        return "; ".join(changes[:SHOWN_CHANGES]) + (f"; and {rest} more changes" if rest > 0 else "")

    def _missing(self) -> list[str]:
        return [name for name in self.products if not (self.folder / name).exists()]

    def _write_record(self, record: StageRecord) -> None:
        write_json(self.folder / STAGE_RECORD, record.to_json())


def _modified(path: Path) -> float:
    """When a file changed last, in seconds since the epoch; 0 for one that was removed in the meantime."""
    try:
        return path.lstat().st_mtime
    except FileNotFoundError:
        return 0.0


def input_digest(path: Path) -> str | None:
    """SHA-256 of a file, or of all files but images that a folder's annotations consist of; ``None`` for neither."""
    if not (path.is_file() or path.is_dir()):
        return None
    if recognise(path) == "coco":
        return digest(path)
    parts = "".join(f"{digest(file)} {file}\n" for file in tracked_files(path))
    return hashlib.sha256(parts.encode()).hexdigest()


def weights_files(settings: JsonObject) -> list[Path]:
    """The file of weights that a model starts from, if it is one."""
    weights = settings.get("model", {}).get("init_args", {}).get("weights")
    return [Path(weights)] if isinstance(weights, str) and Path(weights).is_file() else []


def _differences(old: Any, new: Any, name: str = "") -> list[tuple[str, Any, Any]]:
    """Where two settings differ: dotted name, old and new value."""
    if not isinstance(old, dict) or not isinstance(new, dict):
        return [] if old == new else [(name, old, new)]
    # A setting that came after the record does nothing as long as it is off: 0, false, null or empty.
    keys = [*old, *(key for key in new if key not in old and new[key])]
    return [
        difference
        for key in keys
        for difference in _differences(old.get(key), new.get(key), f"{name}.{key}" if name else str(key))
    ]
