"""Faults of the files of a folder, which leave a row or a file out where the reader is told to go on."""

import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import NoReturn

from ssd_det.errors import InputError

log = logging.getLogger(__name__)


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


def remark(faults: Iterable[FileFault], on_fault: OnFault) -> None:
    """Pass on what was read otherwise than it is written, where nothing is left out.

    Args:
        faults: in the order of the files.
        on_fault: as given to the reader; where faults are refused, one line for each kind is logged instead.
    """
    if on_fault is not refuse:
        for fault in faults:
            on_fault(fault)
        return
    kinds: dict[str, list[FileFault]] = {}
    for fault in faults:
        kinds.setdefault(fault.kind, []).append(fault)
    for of_kind in kinds.values():
        rest = f" There are {len(of_kind) - 1} more of these." if len(of_kind) > 1 else ""
        log.warning("%s%s", of_kind[0].sentence, rest)
