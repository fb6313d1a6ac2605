"""The configuration of the pipeline with the reason for each setting beside it, and the files that it refers to."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ssd_det.annotations.output import check_output, make_folder, write_text
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


def write_setup(path: Path, settings: Settings, text: str, overwrite: bool) -> None:
    """Write a ``pipeline.yaml`` and, beside it, the configurations that it names.

    Args:
        path: of the ``pipeline.yaml``.
        settings: what was chosen.
        text: of the file.
        overwrite: allow the files to exist. An unchanged copy of a configuration of the package may always exist.

    Raises:
        InputError: if a file exists and ``overwrite`` is not set, or cannot be written.
    """
    make_folder(path.parent)
    texts = {check_output(path, overwrite=overwrite): text}
    for name in (settings.base.refine, settings.base.detect):
        config_path = path.parent / name
        shipped = (configs_folder() / name).read_text(encoding="utf-8")
        if config_path.is_file() and config_path.read_bytes() == shipped.encode():
            continue
        make_folder(config_path.parent)
        texts[check_output(config_path, overwrite=overwrite)] = shipped
    for output, content in texts.items():
        write_text(output, content)


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
