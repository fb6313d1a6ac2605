"""The configurations of a run's two sections, ``refine`` and ``detect``, and what a stage changes in them."""

import copy
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from ssd_det.annotations.json_files import JsonObject
from ssd_det.annotations.output import write_text
from ssd_det.class_names import with_short_names
from ssd_det.errors import InputError
from ssd_det.flags import UNSET_FOLDERS
from ssd_det.runs.layout import section_settings_file

FOR_EVERY_COMMAND = ("seed_everything", "trainer", "model", "data")
JOINT_TASK = "JointTask"
DATA = ("--data.annotations=annotations.json", "--data.image_root=images")  # each stage has its own
TASKS = {"refine": ("RefineTask", JOINT_TASK), "detect": ("DetectTask",)}


def resolve_words(section: str, config: str, settings: Mapping[str, Any], words: Sequence[str], run: Path) -> list[str]:
    """The command that prints the whole configuration of a ``fit``, so that mistakes in it show before any work.

    Args:
        section: ``refine`` or ``detect``.
        config: yaml file of ``fit``.
        settings: what overrides it.
        words: of the command line, what overrides these.
        run: the folder of the run, to write the settings to.
    """
    path = section_settings_file(run, section)
    write_text(path, yaml.safe_dump(dict(settings), sort_keys=False))
    return ["fit", f"--config={config}", *([f"--config={path}"] if settings else []), *words, *DATA, "--print_config"]


def default_words(settings: JsonObject) -> list[str]:
    """The command that prints what the classes of a ``fit`` are by default.

    Args:
        settings: of the ``fit``.
    """
    trainer = {name: _bare(settings["trainer"].get(name)) for name in ("logger", "callbacks")}
    bare = {"trainer": trainer, "model": _bare(settings["model"]), "data": _bare(settings["data"])}
    return ["fit", f"--config={json.dumps(bare)}", *DATA, "--print_config"]


def settings_of(section: str, printed: str) -> JsonObject:
    """The configuration that a ``fit`` printed, made ready for stages.

    Raises:
        InputError: if it is one of another task, has no seed, leaves no checkpoint, or would write its logs elsewhere.
    """
    configuration = with_short_names(yaml.safe_load(printed))
    settings = {key: value for key, value in configuration.items() if key in FOR_EVERY_COMMAND}
    task = task_of(settings)
    if task not in TASKS[section]:
        raise InputError(
            f"{section}: model.class_path is {task}: give a configuration of {' or '.join(TASKS[section])}."
        )
    seed = settings["seed_everything"]
    if isinstance(seed, bool) or not isinstance(seed, int):
        raise InputError(f"{section}: seed_everything is {seed}: give a number, so that a stopped run can go on.")
    for logger in _entries(settings["trainer"]["logger"]):
        folder = logger["init_args"].get("save_dir")
        if folder not in UNSET_FOLDERS:
            raise InputError(
                f"{section}: trainer.logger has the save_dir {folder}: "
                f"leave it empty, as each stage has a folder of its own."
            )
    if not checkpoint_callbacks(settings):
        raise InputError(
            f"{section}: trainer.callbacks has no ModelCheckpoint with the filename last: "
            f"add one as in the configurations that come with the package."
        )
    for path in weights_files(settings):
        settings["model"]["init_args"]["weights"] = str(path.resolve())
    return settings


def defaults_of(printed: str) -> JsonObject:
    """The settings that the command of :func:`default_words` printed."""
    settings: JsonObject = with_short_names(yaml.safe_load(printed))
    return settings


def task_of(settings: JsonObject) -> str:
    """The name of the task's class."""
    name: str = settings["model"]["class_path"].rpartition(".")[2]
    return name


def checkpoint_callbacks(settings: JsonObject) -> list[JsonObject]:
    """The callbacks that write ``last.ckpt``."""
    return [
        callback
        for callback in callbacks_of(settings)
        if callback["class_path"].endswith("ModelCheckpoint") and callback["init_args"].get("filename") == "last"
    ]


def callbacks_of(settings: JsonObject) -> list[JsonObject]:
    """The callbacks that a configuration names."""
    return _entries(settings["trainer"].get("callbacks"))


def weights_files(settings: JsonObject) -> list[Path]:
    """The file of weights that a model starts from, if it is one."""
    weights = settings.get("model", {}).get("init_args", {}).get("weights")
    return [Path(weights)] if isinstance(weights, str) and Path(weights).is_file() else []


def with_data(settings: JsonObject, **values: str | int) -> JsonObject:
    """A copy of settings with some arguments of the data module replaced."""
    changed = copy.deepcopy(settings)
    changed["data"]["init_args"].update(values)
    return changed


def with_trainer(settings: JsonObject, **values: str) -> JsonObject:
    """A copy of settings with some arguments of the trainer replaced."""
    changed = copy.deepcopy(settings)
    changed["trainer"].update(values)
    return changed


def _entries(setting: Any) -> list[JsonObject]:
    """The classes that a setting names: one, a list of them, or none."""
    entries = setting if isinstance(setting, list) else [setting]
    return [entry for entry in entries if isinstance(entry, dict)]


def _bare(setting: Any) -> Any:
    """The classes that a setting names, without their arguments."""
    if isinstance(setting, list):
        return [_bare(entry) for entry in setting]
    return {"class_path": setting["class_path"]} if isinstance(setting, dict) else setting
