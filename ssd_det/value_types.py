"""Whether values that were read from a file have the types that are written in the code for them."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import fields, is_dataclass
from types import NoneType, UnionType
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

LARGEST = 2**63 - 1  # of an integer: what arrays and times can hold


def types_of_arguments(kind: type) -> dict[str, Any]:
    """The type of each argument of a constructor, by name."""
    hints = get_type_hints(kind.__init__)  # type: ignore[misc]
    return {name: hint for name, hint in hints.items() if name not in {"return", "settings"}}


def wrong_value(values: Mapping[str, Any], types: Mapping[str, Any]) -> str | None:
    """The name of the first value that is of another type, ``None`` if there is none; others may be anything."""
    return next((name for name, value in values.items() if name in types and not fits(value, types[name])), None)


def fits(value: Any, kind: Any) -> bool:
    """Whether a value is of a type as it is written: a number, a text, a list of them, a dataclass or one of several.

    Args:
        value: what was read. Numbers must be finite, ``True`` is none, and an integer is a float; a dictionary of its
            fields is a dataclass.
        kind: the type.
    """
    origin, inside = get_origin(kind), get_args(kind)
    if origin in {Union, UnionType}:
        return any(fits(value, one) for one in inside)
    if origin in {Sequence, list}:
        return isinstance(value, list | tuple) and all(fits(item, inside[0]) for item in value)
    if origin is dict:
        return isinstance(value, dict) and all(fits(pair[i], inside[i]) for pair in value.items() for i in (0, 1))
    if isinstance(kind, type) and is_dataclass(kind):
        return _fits_fields(vars(value) if isinstance(value, kind) else value, kind)
    return isinstance(value, str) and value in inside if origin is Literal else _fits_plain(value, kind)


def _fits_plain(value: Any, kind: Any) -> bool:
    if kind is float and type(value) is float:
        return math.isfinite(value)
    if kind in {int, float}:
        return type(value) is int and abs(value) <= LARGEST
    return value is None if kind is NoneType else type(value) is kind


def _fits_fields(value: Any, kind: Any) -> bool:
    types = get_type_hints(kind)
    names = {field.name for field in fields(kind)}
    return isinstance(value, dict) and value.keys() == names and all(fits(value[name], types[name]) for name in names)
