"""Faults of the files of a folder, which leave a row or a file out where the reader is told to go on."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import NoReturn

from ssd_det.errors import InputError


@dataclass(frozen=True)
class FileFault:
    """What is wrong with one row, or one file, of a folder of annotations.

    Attributes:
        kind: of :data:`ssd_det.doctor.faults.KINDS`.
        where: the file, and the line where there is one, for people.
        sentence: what is wrong and how to fix it; names the file and the line.
    """

    kind: str
    where: str
    sentence: str


# What a reader does with a fault. It goes on without the row or the file if this returns.
OnFault = Callable[[FileFault], None]


def refuse(fault: FileFault) -> NoReturn:
    """End with a fault, as every command but the doctor does.

    Raises:
        InputError: always.
    """
    raise InputError(fault.sentence)


def by_kind(faults: Iterable[FileFault]) -> dict[str, list[FileFault]]:
    """The faults of each kind, in their order."""
    kinds: dict[str, list[FileFault]] = {}
    for fault in faults:
        kinds.setdefault(fault.kind, []).append(fault)
    return kinds


def counted(faults: Iterable[FileFault]) -> tuple[str, ...]:
    """One sentence for each kind of fault: that of the first, and how many more there are."""
    return tuple(
        of_kind[0].sentence + (f" {len(of_kind) - 1} more like this." if len(of_kind) > 1 else "")
        for of_kind in by_kind(faults).values()
    )
