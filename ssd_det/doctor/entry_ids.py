"""A number for the id of every entry, whatever the file has as ids, and for the values that refer to them."""

import math
from collections.abc import Iterable, Sequence
from typing import NamedTuple, TypeGuard

import numpy as np

from ssd_det.annotations.json_files import JsonObject
from ssd_det.annotations.values import MAX_ID, free_ids
from ssd_det.doctor.arrays import Integers

Name = str | int | float  # an id that is no whole number of 64 bits, but that other entries can refer to
NO_ID = -MAX_ID - 1
NONE = np.zeros(0, dtype=np.int64)


class Numbered(NamedTuple):
    """The ids of a list of M entries, and N values that refer to them, as numbers.

    Attributes:
        ids: ``[M]``.
        references: ``[N]``, ``NO_ID`` for what cannot be the id of an entry.
    """

    ids: Integers
    references: Integers


def whole_numbers(values: Sequence[object]) -> Integers:
    """A column of whole numbers; ``NO_ID`` where a value is none of 64 bits."""
    if set(map(type, values)) == {int}:
        try:
            return np.array(values, dtype=np.int64)  # the one number of 64 bits beyond MAX_ID is NO_ID
        except OverflowError:
            pass
    return np.array(list(map(_whole_number, values)), dtype=np.int64)


def number_entries(
    entries: Sequence[JsonObject],
    ids: Integers,
    referring: Sequence[JsonObject] = (),
    key: str = "",
    references: Integers = NONE,
) -> Numbered:
    """Give numbers to entries whose id is no whole number; what referred to an entry still does.

    A text that writes a number becomes that number if it is free; any other id becomes the lowest free number, which is
    none that something refers to already.

    Args:
        entries: of the list.
        ids: of the entries, as :func:`whole_numbers` has them; not changed.
        referring: the entries that refer to them.
        key: under which they do.
        references: what they have there, as :func:`whole_numbers` has it; not changed.
    """
    odd_ids = {index: entries[index].get("id") for index in np.flatnonzero(ids == NO_ID).tolist()}
    odd_references = {index: referring[index].get(key) for index in np.flatnonzero(references == NO_ID).tolist()}
    if not odd_ids and not odd_references:
        return Numbered(ids, references)
    ids, references = ids.copy(), references.copy()
    taken = set(ids.tolist())
    number_of = {name: number for name, number in _written(odd_ids.values()).items() if number not in taken}
    written = _written(odd_references.values())
    free = free_ids({*taken, *references.tolist(), *number_of.values(), *written.values()})
    for index, value in odd_ids.items():
        if not _is_name(value):
            ids[index] = next(free)
            continue
        if value not in number_of:
            number_of[value] = next(free)
        ids[index] = number_of[value]
    for index, value in odd_references.items():
        if _is_name(value):
            references[index] = number_of.get(value, written.get(value, NO_ID))
    return Numbered(ids, references)


def _whole_number(value: object) -> int:
    if type(value) is int or (isinstance(value, float) and value.is_integer()):
        return int(value) if abs(value) <= MAX_ID else NO_ID
    return NO_ID


def _is_name(value: object) -> TypeGuard[Name]:
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return False
    return value != "" and not (isinstance(value, float) and math.isnan(value))


def _written(values: Iterable[object]) -> dict[Name, int]:
    """The number that each text writes, of those that write one as json does."""
    texts = {value for value in values if isinstance(value, str) and value.isascii() and value.isdigit()}
    numbers = {text: int(text) for text in sorted(texts) if len(text) <= len(str(MAX_ID))}
    return {text: number for text, number in numbers.items() if number <= MAX_ID and str(number) == text}
