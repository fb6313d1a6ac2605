"""Handing settings on to what takes them, by the names in its signature."""

from collections.abc import Callable, Mapping
from inspect import signature
from typing import Any


def taken_by(function: Callable[..., Any], settings: Mapping[str, Any]) -> dict[str, Any]:
    """Those of some settings that a function or class has parameters for."""
    return {name: settings[name] for name in signature(function).parameters if name in settings}
