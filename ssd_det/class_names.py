"""The names by which configurations call the classes of this package, however the package is laid out."""

from typing import Any

SHORT_NAMES = frozenset(
    {
        "RefineTask",
        "JointTask",
        "DetectTask",
        "RefineDataModule",
        "JointDataModule",
        "DetectDataModule",
        "BoxQuality",
        "BoxPanels",
        "DetectionMetrics",
    }
)
"""The classes that need no dotted path as a ``class_path``."""

PACKAGE = "ssd_det"


def with_short_names(value: Any) -> Any:
    """A copy of a configuration that calls our classes by their short names.

    Configurations and records may hold the dotted paths of an earlier layout of the package.

    Args:
        value: json-like: dicts, lists, strings, numbers and ``None``.

    Returns:
        The same with each string like ``ssd_det.tasks.refine.RefineTask`` replaced by ``RefineTask``.
    """
    if isinstance(value, dict):
        return {key: with_short_names(item) for key, item in value.items()}
    if isinstance(value, list):
        return [with_short_names(item) for item in value]
    return _short_name(value) if isinstance(value, str) else value


def _short_name(text: str) -> str:
    parts = text.split(".")
    is_ours = parts[0] == PACKAGE and parts[-1] in SHORT_NAMES and all(part.isidentifier() for part in parts)
    return parts[-1] if is_ours else text
