"""What the numbers among the settings of a task may be."""

from collections.abc import Mapping
from typing import Any

from ssd_det.errors import InputError


def check_range(least: int, settings: Mapping[str, Any], *names: str) -> None:
    """Make sure that settings are numbers, and at least so large.

    Raises:
        InputError: if one is not.
    """
    for name in names:
        if not settings[name] >= least:  # NaN is in no order
            raise InputError(f"model.{name} is {settings[name]}: give a number from {least} up.")
