"""A stage of the pipeline: what it runs, what it reads and leaves, and whether it must be run."""

import copy
import hashlib
import shutil
import time
import zipfile
from dataclasses import dataclass, field, replace
from itertools import count
from pathlib import Path
from typing import Any

import yaml

from ssd_det.annotations.digests import digest
from ssd_det.annotations.formats.reading import tracked_files
from ssd_det.annotations.formats.recognise import recognise
from ssd_det.annotations.json_files import JsonObject
from ssd_det.annotations.output import make_folder, write_json, write_text
from ssd_det.errors import InputError
from ssd_det.flags import leave_out_folders
from ssd_det.pipeline.changes import changes, lacks_settings, moves, with_moves
from ssd_det.pipeline.processes import Processes, check_ended
from ssd_det.pipeline.sections import weights_files
from ssd_det.pipeline.trained_epochs import epochs_asked, epochs_done
from ssd_det.runs.layout import CHECKPOINT, CONFIG, STAGE_RECORD
from ssd_det.runs.records import StageRecord, read_stage_record
from ssd_det.torch_archive import damaged_part


@dataclass(frozen=True)
class Stage:
    """A step of the pipeline with a folder of its own.

    Attributes:
        title: what it does.
        folder: where it leaves its products.
        commands: the words of the commands of ``ssd-det`` that it runs, one after the other.
        inputs: the files that it reads, and folders of annotations.
        products: names of the files and folders that it leaves in the folder.
        settings: of its commands, if any. While they run, ``config.yaml`` in the folder has them; what stays there
            names no folder to write to.
        resumable: whether the last command is a ``fit``, which can go on from its checkpoint.
        run: the folder of the run, which may be moved.
        has_all_cores: whether no stage that takes long may run beside it.
    """

    title: str
    folder: Path
    commands: list[list[str]]
    inputs: list[Path]
    products: list[str]
    settings: JsonObject = field(default_factory=dict)
    resumable: bool = False
    run: Path | None = None
    has_all_cores: bool = False

    def reads(self, other: "Stage") -> bool:
        """Whether it reads what another stage leaves."""
        return any(path.is_relative_to(other.folder) for path in self.inputs)

    def lacks_settings(self) -> bool:
        """Whether the stage was recorded before some of its settings were there, so that their defaults matter."""
        record = read_stage_record(self.folder)
        return record is not None and lacks_settings(record, self.settings)

    @property
    def kind(self) -> tuple[Any, ...]:
        """What it has in common with stages that take about as long: commands and the class of the model."""
        return (*(words[0] for words in self.commands), self.settings.get("model", {}).get("class_path"))

    def advance(self, processes: Processes, label: str, defaults: JsonObject | None = None, progress: str = "") -> None:
        """Bring the stage to its end: leave it as it is, go on with it, or do it (again).

        Args:
            processes: to run the commands in.
            label: which stage of how many this is, to print before its title.
            defaults: of settings that the stage's record may lack, where they are known.
            progress: how far the run has come, a line to print where there is something to do.

        Raises:
            InputError: if a command is killed or leaves a product out.
            Stopped: if a signal stops a command.
            SystemExit: with its code, if a command fails.
        """
        due = self._due()
        record = self._recorded(due)
        why = changes(record, due, defaults or {}, self._missing() if record.finished else []) if record else ""
        rest = self._untrained() if record and record.finished and not why else ""
        if record and record.finished and not why and not rest:
            print(f"{label} {self.title}: finished before, and nothing it depends on has changed.", flush=True)
            return
        if why:
            print(f"{label} {self.title}: done again, because {why}.", flush=True)
            record = None
        else:
            goes_on = f": goes on{f', as {rest}' if rest else ''}" if record else ""
            print(f"{label} {self.title}{goes_on}", flush=True)
        if progress:
            print(progress, flush=True)
        spent = record.seconds + self._interrupted_seconds(record) if record else 0.0
        self._run(processes, replace(due, seconds=spent), goes_on=record is not None)

    def _recorded(self, due: StageRecord) -> StageRecord | None:
        """What was recorded, with the paths of today, which are written down for a finished stage."""
        record = read_stage_record(self.folder)
        moved = moves(record, due, self.run) if record else {}
        if record and moved:
            record = with_moves(record, moved)
            if record.finished:
                self._write_record(record)
                self._write_config(to_run=False)
        return record

    def _run(self, processes: Processes, record: StageRecord, goes_on: bool) -> None:
        if not goes_on:
            set_aside(self.folder)
        make_folder(self.folder)
        started = time.time()
        self._write_record(replace(record, started=started))
        self._write_config(to_run=True)
        commands = list(self.commands)
        if self.resumable and goes_on:
            commands[-1] = [*commands[-1], *self._checkpoint_words()]
        try:
            for words in commands:
                check_ended(
                    processes.run(words, self.has_all_cores),
                    f"{self.folder}: the process of this stage",
                    self._uses_less_memory(),
                )
        finally:
            self._write_config(to_run=False)
        if missing := self._missing():
            names = ", ".join(path.name for path in missing)
            raise InputError(f"{self.folder}: the stage did not write {names}: correct its settings.")
        if rest := self._untrained():
            raise InputError(f"{self.folder}: {rest}: the same command goes on from there.")
        seconds = record.seconds + (time.time() - started)
        self._write_record(replace(record, seconds=seconds, finished=True))

    def _uses_less_memory(self) -> str:
        """What to do where memory has run out, in words."""
        if "num_workers" not in self.settings.get("data", {}).get("init_args", {}):
            return "free memory"
        return "free memory, or set data.num_workers of this stage to 0"

    def _write_config(self, to_run: bool) -> None:
        """Write the settings, with the folders to write to only as long as the commands need them."""
        if self.settings:
            settings = copy.deepcopy(self.settings)
            if not to_run:
                leave_out_folders(settings["trainer"])
            write_text(self.folder / CONFIG, yaml.safe_dump(settings, sort_keys=False))

    def _untrained(self) -> str:
        """That the checkpoint of a training has fewer epochs than were asked for, in words; empty where it has them."""
        asked = epochs_asked(self.settings) if self.resumable else None
        done = epochs_done(self.folder / CHECKPOINT) if asked else None
        return f"its checkpoint has {done} of {asked} epochs" if asked and done is not None and done < asked else ""

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

    def _missing(self) -> list[Path]:
        """The products that are not there."""
        return [self.folder / name for name in self.products if not (self.folder / name).exists()]

    def _write_record(self, record: StageRecord) -> None:
        write_json(self.folder / STAGE_RECORD, record.to_json())


def starting_from(checkpoint: Path, fit: Stage) -> Stage:
    """A training that begins with what another one has learnt.

    Args:
        checkpoint: of the other one.
        fit: the training, whose last command is a ``fit``.
    """
    (*others, words) = fit.commands
    commands = [*others, [*words, f"--start_from={checkpoint}"]]
    return replace(fit, commands=commands, inputs=[*fit.inputs, checkpoint])


def set_aside(folder: Path) -> None:
    """Rename a folder of what must be done again, and say so; a folder without a file of anyone's is removed."""
    if not any(path.is_file() and not path.name.startswith(".") for path in folder.rglob("*")):
        shutil.rmtree(folder, ignore_errors=True)
        return
    names = (folder.with_name(f"{folder.name}.set_aside_{number}") for number in count(1))
    kept = next(path for path in names if not path.exists())
    folder.rename(kept)
    print(f"What was in {folder} is kept in {kept}: remove it once you do not need it.", flush=True)


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
