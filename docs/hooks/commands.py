"""The page of commands, made from the parsers while the site is built, so that it cannot say what is not so."""

import html
import json
from argparse import Action
from collections.abc import Sequence
from types import NoneType, UnionType
from typing import Any, Literal, NamedTuple, Union, get_args, get_origin

from jsonargparse import ArgumentParser, capture_parser
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files

from ssd_det.batches.detect_datamodule import DetectDataModule
from ssd_det.batches.joint_datamodule import JointDataModule
from ssd_det.batches.refine_datamodule import RefineDataModule
from ssd_det.cli import PARAMETERS
from ssd_det.errors import BAD_INPUT, FAULTS_FOUND
from ssd_det.main import COMMANDS, main
from ssd_det.stopping import CODE_OF_SIGNALS, STOP_SIGNALS
from ssd_det.tasks.base import Task
from ssd_det.tasks.detect import DetectTask
from ssd_det.tasks.joint import JointTask
from ssd_det.tasks.refine import RefineTask
from ssd_det.trainer import SSDDetTrainer

PAGE = "commands.md"
NAMES = {str: "text", int: "integer", float: "number", bool: "boolean", dict: "mapping"}
TASKS: tuple[type[Task], ...] = (RefineTask, DetectTask, JointTask)
EXTENDED = {JointTask: RefineTask, JointDataModule: DetectDataModule}
DATA = (RefineDataModule, DetectDataModule, JointDataModule)

INTRODUCTION = f"""# Commands

This page is made from the parsers of the commands. `ssd-det --help` lists them, `ssd-det COMMAND --help` says the same
as here. A boolean without a value means true: `--overwrite`.

| exit code | meaning |
|---|---|
| 0 | done |
| {FAULTS_FOUND} | `check-annotations` found faults |
| {BAD_INPUT} | bad input: one sentence on stderr names it, and nothing half-written is left |
""" + "".join(
    f"| {CODE_OF_SIGNALS + number} | stopped by {number.name}: nothing half-written is left; trainings can go on |\n"
    for number in STOP_SIGNALS
)
SETTINGS = """## Settings

`fit`, `refine-annotations`, `test` and `predict` take the settings of a task (`--model.…`), its data (`--data.…`),
Lightning's Trainer (`--trainer.…`, see `--help`) and a seed (`--seed_everything`). `--config` names a yaml of any of
these; words on the command line override it, and a later `--config` an earlier one. `--print_config` prints what they
add up to.
"""
CHECKPOINTS = {
    "fit": "`--ckpt_path` is the checkpoint of a stopped training to go on from.",
    "test": "`--ckpt_path` is the checkpoint to measure; required.",
    "predict": "`--ckpt_path` is the checkpoint to detect with; required.",
}


class Row(NamedTuple):
    """An argument as the page shows it."""

    name: str
    kind: str
    default: str
    meaning: str


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the page to the site; mkdocs calls this."""
    files.append(File.generated(config, PAGE, content=commands_page()))
    return files


def commands_page() -> str:
    """The page in Markdown: every command, then the settings of every task and data module."""
    parts = [INTRODUCTION, *(_command(name) for name in COMMANDS), SETTINGS]
    parts += [_settings(task, "model", _served(task)) for task in TASKS]
    parts += [_settings(data, "data") for data in DATA]
    return "\n".join(parts)


def _command(name: str) -> str:
    text, module = COMMANDS[name]
    if module == "cli":
        own = CHECKPOINTS.get(name) or _table(_refining(name))
        return f"## {name}\n\n{text} Takes [settings](#settings).\n\n{own}\n"
    parser = capture_parser(main, [name])
    words = ["ssd-det", name, *(action.dest.upper() for action in _described(parser) if not action.option_strings)]
    return f"## {name}\n\n{text}\n\n```text\n{' '.join(words)} [--option value ...]\n```\n\n{_table(_rows(parser))}\n"


def _refining(name: str) -> list[Row]:
    """The arguments of a method that only our own Trainer has."""
    method = name.replace("-", "_")
    parser = ArgumentParser()
    parser.add_method_arguments(SSDDetTrainer, method, skip=PARAMETERS[method])
    return _rows(parser)


def _served(task: type[Task]) -> str:
    """What of the command line a task is for."""
    commands = ", ".join(f"`{name}`" for name in COMMANDS if name.replace("-", "_") in task.COMMANDS)
    return f" For {commands}, with `{task.DATA.__name__}`."


def _settings(owner: type[Any], group: str, remark: str = "") -> str:
    """The settings of a class, but for those that it takes over from another."""
    rows = _class_rows(owner, group)
    base = EXTENDED.get(owner)
    if base is not None:
        known = _class_rows(base, group)
        rows = [row for row in rows if row not in known]
        remark += f" Has the settings of [{base.__name__}](#{base.__name__.lower()}) as well."
    text = (owner.__doc__ or "").partition("\n")[0]
    return f"### {owner.__name__}\n\n{text}{remark}\n\n```yaml\nclass_path: {owner.__name__}\n```\n\n{_table(rows)}\n"


def _class_rows(owner: type[Any], group: str) -> list[Row]:
    parser = ArgumentParser()
    parser.add_class_arguments(owner, group)
    return _rows(parser)


def _rows(parser: ArgumentParser) -> list[Row]:
    return [_row(action) for action in _described(parser)]


def _described(parser: ArgumentParser) -> list[Action]:
    """The arguments that set something."""
    return [a for a in parser._actions if hasattr(a, "_typehint") or a.dest == "config"]


def _row(action: Action) -> Row:
    hint = getattr(action, "_typehint", None)
    name = action.option_strings[0] if action.option_strings else action.dest.upper()
    default = "required" if action.required else _default(action.default)
    kind = "path" if hint is None else _kind(hint, nullable=action.default is not None)
    if action.nargs == "+":
        kind += ", one or more"
    meaning = html.escape(" ".join((action.help or "").split()).replace("``", "`"), quote=False)
    return Row(f"`{name}`", kind, default, meaning)


def _kind(hint: Any, nullable: bool) -> str:
    """A type in words; that a value may be missing is said where the default is another."""
    origin, arguments = get_origin(hint), get_args(hint)
    if origin is Literal:
        return ", ".join(f"`{value}`" for value in arguments)
    if origin in (Union, UnionType):
        words = [_kind(part, nullable) for part in arguments if part is not NoneType]
        return " or ".join([*words, *(["`null`"] if nullable and NoneType in arguments else [])])
    if isinstance(origin, type) and issubclass(origin, Sequence):
        return f"list of {_kind(arguments[0], nullable)}"
    return NAMES.get(origin or hint, "path")


def _default(value: Any) -> str:
    if value is None:
        return ""
    return f"`{value if isinstance(value, str) else json.dumps(value)}`"


def _table(rows: Sequence[Row]) -> str:
    lines = ["| argument | type | default | meaning |", "|---|---|---|---|"]
    return "\n".join([*lines, *(f"| {' | '.join(row)} |" for row in rows)])
