"""Lists of entries that are made when they are asked for, as all entries of a large file take five times its memory."""

import json
from abc import abstractmethod
from collections.abc import Iterator, Sequence
from typing import Any, TypeVar, overload

import msgspec

PIECE = 2_000  # entries that are made at once

Entry = TypeVar("Entry")
Struct = TypeVar("Struct")

_decode = msgspec.json.Decoder().decode


class EntriesOnDemand(Sequence[Entry]):
    """Entries that are made anew each time that they are asked for; a change to one is lost."""

    @abstractmethod
    def made(self, positions: slice) -> list[Entry]:
        """The entries from one position to another, with a start, a stop and no step."""

    @overload
    def __getitem__(self, index: int) -> Entry: ...
    @overload
    def __getitem__(self, index: slice) -> list[Entry]: ...
    def __getitem__(self, index: int | slice) -> Entry | list[Entry]:
        positions = range(len(self))[index]
        if isinstance(positions, int):
            return self.made(slice(positions, positions + 1))[0]
        if positions.step == 1:
            return self.made(slice(positions.start, positions.stop))
        return [self[position] for position in positions]

    def __iter__(self) -> Iterator[Entry]:
        for start in range(0, len(self), PIECE):
            yield from self[start : start + PIECE]


class TextEntries(EntriesOnDemand[Any]):
    """A list of a json file, of which only the text is kept.

    Args:
        texts: of the entries, each of them json that the json module reads.
    """

    def __init__(self, texts: Sequence[msgspec.Raw]) -> None:
        self._texts = texts

    def __len__(self) -> int:
        return len(self._texts)

    def text(self, positions: slice) -> bytes:
        """Some of the entries as a list in json."""
        return b"[" + b",".join(self._texts[positions]) + b"]"

    def made(self, positions: slice) -> list[Any]:
        """The values that the text writes."""
        text = self.text(positions)
        try:
            entries: list[Any] = _decode(text)
        except msgspec.DecodeError:  # numbers beyond a double, and halves of surrogate pairs
            entries = json.loads(text)
        return entries


def read_structs(entries: Sequence[Any], positions: slice, decoder: msgspec.json.Decoder[list[Struct]]) -> list[Struct]:
    """Some of the entries of a list as far as a decoder knows them, straight from their text where they are text.

    Args:
        entries: of a json file, all of them.
        positions: of those that are wanted.
        decoder: of structs with the keys that are wanted.

    Raises:
        msgspec.DecodeError: if one is not what it expects, or there is a number beyond a double.
    """
    if isinstance(entries, TextEntries):
        return decoder.decode(entries.text(positions))
    structs: list[Struct] = msgspec.convert(entries[positions], decoder.type)
    return structs
