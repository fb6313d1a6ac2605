"""Whether settings have the types that the constructor of their task asks for."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import fields, is_dataclass
from types import NoneType, UnionType
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints


def types_of_arguments(task: type) -> dict[str, Any]:
    """The type of each argument of a constructor, by name."""
    hints = get_type_hints(task.__init__)  # type: ignore[misc]
    return {name: kind for name, kind in hints.items() if name not in {"return", "settings"}}


def wrong_setting(settings: Mapping[str, Any], types: Mapping[str, Any]) -> str | None:
    """The name of the first setting that is of another type, ``None`` if there is none."""
    return next((name for name, value in settings.items() if name in types and not _fits(value, types[name])), None)


def _fits(value: Any, kind: Any) -> bool:
    """Whether a value is of a type, as it is written in constructors of tasks."""
    origin = get_origin(kind)
    if origin in {Union, UnionType}:
        return any(_fits(value, one) for one in get_args(kind))
    if origin is Literal:
        return isinstance(value, str) and value in get_args(kind)
    if origin is Sequence:
        return isinstance(value, list | tuple) and all(_fits(item, get_args(kind)[0]) for item in value)
    if is_dataclass(kind):  # checkpoints hold a dictionary of its fields
        types = get_type_hints(kind)
        names = {field.name for field in fields(kind)}
        return isinstance(value, dict) and value.keys() == names and all(_fits(value[n], types[n]) for n in names)
    if kind is float:
        return type(value) in {int, float} and math.isfinite(value)
    return value is None if kind is NoneType else type(value) is kind
