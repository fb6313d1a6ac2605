"""What the numbers among the settings of a task may be."""

import math
from collections.abc import Mapping
from typing import Any

from ssd_det.errors import InputError


def check_range(least: int, settings: Mapping[str, Any], *names: str, group: str = "model") -> None:
    """Make sure that settings are numbers, and at least so large; of a group of settings, all of them.

    Raises:
        InputError: if one is not.
    """
    for name in names:
        value = settings[name]
        if isinstance(value, Mapping):
            check_range(least, value, *value, group=f"{group}.{name}")
        elif not value >= least:  # NaN is in no order
            raise InputError(f"{group}.{name} is {value}: give a number from {least} up.")


def check_finite(settings: Mapping[str, Any], group: str = "model") -> None:
    """Make sure that all numbers among settings, those in lists and in groups of settings included, are finite.

    Raises:
        InputError: if one is infinite, or is not a number.
    """
    for name, value in settings.items():
        if isinstance(value, Mapping):
            check_finite(value, f"{group}.{name}")
            continue
        numbers = list(value) if isinstance(value, list | tuple) else [value]
        if not all(math.isfinite(number) for number in numbers if isinstance(number, float)):
            shown = numbers if isinstance(value, list | tuple) else value
            raise InputError(f"{group}.{name} is {shown}: give finite numbers.")
