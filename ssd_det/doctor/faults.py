"""The faults that the doctor finds, and all kinds of them that it knows."""

from collections.abc import Sequence
from dataclasses import dataclass

from ssd_det.annotations.formats.file_faults import FileFault, by_kind
from ssd_det.annotations.json_files import JsonObject
from ssd_det.annotations.values import SHOWN_FAULTS
from ssd_det.doctor.error_kinds import ERRORS
from ssd_det.doctor.fault_kinds import FaultKind
from ssd_det.doctor.warning_kinds import NOTES, WARNINGS

KINDS = {**ERRORS, **WARNINGS, **NOTES}
"""By their ids, in the order in which they are shown."""


@dataclass(frozen=True)
class Fault:
    """The faults of one kind that were found in a file.

    Attributes:
        kind: its id, a key of :data:`KINDS`.
        count: how many there are.
        examples: the first of them, as json, with names as the file has them.
    """

    kind: str
    count: int
    examples: list[JsonObject]

    @property
    def details(self) -> FaultKind:
        """How bad its kind is, and what to do about it."""
        return KINDS[self.kind]


def faults_of_files(file_faults: Sequence[FileFault]) -> list[Fault]:
    """The faults of the files of a folder, those of a kind as one."""
    return [
        Fault(kind, len(found), [{"where": f.where, "sentence": f.sentence} for f in found[:SHOWN_FAULTS]])
        for kind, found in by_kind(file_faults).items()
    ]
