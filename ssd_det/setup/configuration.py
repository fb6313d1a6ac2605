"""The configuration of the pipeline with the reason for each setting beside it, and the files that it refers to."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ssd_det.annotations.output import check_outputs, make_folder, write_text, written_whole
from ssd_det.setup.rules import Choice, Settings
from ssd_det.shipped import configs_folder

MODEL, DATA, TRAINER = ("model", "init_args"), ("data", "init_args"), ("trainer",)
SECTION_OF = {
    **dict.fromkeys(("accelerator", "devices", "precision", "max_epochs"), TRAINER),
    **dict.fromkeys(("batch_size", "num_workers", "max_objects"), DATA),
    **dict.fromkeys(("backbone", "weights", "learning_rate", "milestones"), MODEL),
    **dict.fromkeys(("ratios", "offsets", "noise_steps", "anchor_sizes", "detections_per_image"), MODEL),
}
SIZE_SECTION_OF = {"refine": DATA, "detect": MODEL}  # the detector resizes by itself


def pipeline_yaml(settings: Settings, about: str) -> str:
    """The text of a ``pipeline.yaml``.

    Args:
        settings: what was chosen.
        about: what it was chosen for, one line.
    """
    lines = [f"# Chosen by ssd-det init for {about}.", "# Every line may be changed; docs/pipeline.md says how."]
    lines += _lines(settings.refining, indent=0)
    for section, config, choices in (
        ("refine", settings.base.refine, settings.refine),
        ("detect", settings.base.detect, settings.detect),
    ):
        lines += [f"{section}:", f"  config: {config} # {settings.base.why}", "  settings:", "    seed_everything: 0"]
        lines += _lines(_tree(section, {**settings.common, **choices}), indent=4)
    return "\n".join(lines) + "\n"


def check_setup(path: Path, settings: Settings, others: Sequence[str | Path] = (), overwrite: bool = False) -> None:
    """Make sure that a ``pipeline.yaml`` and the configurations that it names may be written.

    Args:
        path: of the ``pipeline.yaml``.
        settings: what was chosen.
        others: inputs that must never be replaced.
        overwrite: allow the files to exist. An unchanged copy of a configuration of the package may always exist.

    Raises:
        InputError: if a file exists and ``overwrite`` is not set, or cannot be written.
    """
    check_outputs([path, *(path.parent / name for name in _configurations(path, settings))], others, overwrite)


def write_setup(path: Path, settings: Settings, text: str) -> None:
    """Write a ``pipeline.yaml`` and, beside it, the configurations that it names, all of them or none.

    Args:
        path: of the ``pipeline.yaml``.
        settings: what was chosen.
        text: of the file.

    Raises:
        InputError: if the system refuses.
    """
    texts = {path.name: text, **_configurations(path, settings)}
    with written_whole(path.parent) as new:
        for name, content in texts.items():
            make_folder((new / name).parent)
            write_text(new / name, content)


def _configurations(path: Path, settings: Settings) -> dict[str, str]:
    """The texts of the configurations that are not yet beside a ``pipeline.yaml``, by their paths from there."""
    names = dict.fromkeys((settings.base.refine, settings.base.detect))
    texts = {name: (configs_folder() / name).read_text(encoding="utf-8") for name in names}
    return {name: text for name, text in texts.items() if not _holds(path.parent / name, text)}


def _holds(path: Path, text: str) -> bool:
    return path.is_file() and path.read_bytes() == text.encode()


def _tree(section: str, choices: Mapping[str, Choice]) -> dict[str, Any]:
    """Choices under the keys that ``fit`` expects them at."""
    tree: dict[str, Any] = {"model": {}, "data": {}, "trainer": {}}
    for name, choice in choices.items():
        branch = tree
        for part in SECTION_OF.get(name) or SIZE_SECTION_OF[section]:
            branch = branch.setdefault(part, {})
        branch[name] = choice
    return tree


def _lines(tree: Mapping[str, Any], indent: int) -> list[str]:
    lines = []
    for name, value in tree.items():
        if isinstance(value, Choice):
            lines.append(f"{' ' * indent}{name}: {_scalar(value.value)} # {value.why}")
        else:
            lines += [f"{' ' * indent}{name}:", *_lines(value, indent + 2)]
    return lines


def _scalar(value: Any) -> str:
    """A value in yaml."""
    return value if isinstance(value, str) else json.dumps(value)
