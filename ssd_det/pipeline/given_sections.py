"""What a user gives for the two sections of a pipeline: configurations, settings, and words of the command line."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from jsonargparse.typing import Path_fr

from ssd_det.errors import InputError

SECTIONS = ("refine", "detect")
SECTION_OPTIONS = ("config", "settings")
SET_BY_PIPELINE = (
    "data.annotations",
    "data.image_root",
    "data.test_annotations",
    "data.test_image_root",
    "data.fold",
    "data.folds",
    "data.allow_outside",
    "data.skip_missing_images",
    "data.yolo_rows",
    "data.trusted",
    "trainer.default_root_dir",
    "ckpt_path",
    "start_from",
)


@dataclass
class Section:
    """What the user gives for a ``fit`` of the pipeline.

    Args:
        config: a configuration of ``fit``; a relative path starts from the file that names it.
        settings: what overrides it, in the same form.
    """

    config: Path_fr
    settings: dict[str, Any] = field(default_factory=dict)


def split_words(words: Sequence[str]) -> tuple[list[str], dict[str, list[str]]]:
    """Separate the options of the pipeline from those for the ``fit`` of each section."""
    pipeline_words: list[str] = []
    overrides: dict[str, list[str]] = {section: [] for section in SECTIONS}
    target = pipeline_words
    for word in words:
        section, dot, rest = word.removeprefix("--").partition(".")
        if word.startswith("--"):
            option = rest.partition("=")[0].partition(".")[0]
            is_for_fit = section in SECTIONS and bool(dot) and option not in SECTION_OPTIONS
            target = overrides[section] if is_for_fit else pipeline_words
            target.append(f"--{rest}" if is_for_fit else word)
        else:
            target.append(word)
    return pipeline_words, overrides


def check_overrides(overrides: dict[str, list[str]]) -> None:
    """Refuse what the pipeline sets itself in every stage."""
    for section, words in overrides.items():
        for word in words:
            name = word.partition("=")[0].removeprefix("--").replace("init_args.", "")
            if name in SET_BY_PIPELINE:
                raise InputError(
                    f"--{section}.{name} is set by the pipeline: leave it out, and use the pipeline's own options."
                )
