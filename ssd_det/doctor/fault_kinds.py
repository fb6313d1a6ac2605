"""What is said of a kind of fault: how bad it is, and what to do about it."""

from enum import StrEnum
from typing import NamedTuple


class Severity(StrEnum):
    """How bad a fault is: an error stops or misleads, a warning is most likely wrong, a note is worth knowing."""

    ERROR = "error"
    WARNING = "warning"
    NOTE = "note"


class FaultKind(NamedTuple):
    """A kind of fault.

    Attributes:
        severity: how bad it is.
        meaning: what is wrong, a clause.
        advice: what a person can do, a sentence.
        fix: what ``--fix`` did, in the past tense; ``None`` where it does nothing.
    """

    severity: Severity
    meaning: str
    advice: str
    fix: str | None = None

    @property
    def fixable(self) -> bool:
        """Whether ``--fix`` fixes it."""
        return self.fix is not None
