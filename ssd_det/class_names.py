"""Short names of the classes that configurations name, whichever module they are or were in."""

import re
from typing import Any

SHORT_NAMES = (
    "RefineTask",
    "JointTask",
    "DetectTask",
    "RefineDataModule",
    "JointDataModule",
    "DetectDataModule",
    "BoxQuality",
    "BoxPanels",
    "DetectionMetrics",
)
DOTTED = re.compile(rf"ssd_det\.[\w.]*\b({'|'.join(SHORT_NAMES)})")


def with_short_names(value: Any) -> Any:
    """A copy of json-like settings in which our classes go by their short names.

    Args:
        value: dicts, lists and what is in them. A text that is the dotted path of one of our classes becomes its name,
            all else stays.
    """
    if isinstance(value, dict):
        return {key: with_short_names(entry) for key, entry in value.items()}
    if isinstance(value, list):
        return [with_short_names(entry) for entry in value]
    if isinstance(value, str) and (dotted := DOTTED.fullmatch(value)):
        return dotted[1]
    return value
