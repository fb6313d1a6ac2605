"""How long threads had a core, and how long they waited for one: what tells a busy machine from a slow model."""

from dataclasses import dataclass
from pathlib import Path

THREADS = Path("/proc/self/task")


@dataclass(frozen=True)
class CoreTime:
    """Time of all threads of a process together.

    Attributes:
        had: how long they had a core, in seconds.
        waited: how long they waited for one that others had, in seconds.
    """

    had: float = 0.0
    waited: float = 0.0

    def minus(self, earlier: "CoreTime") -> "CoreTime":
        """The time since an earlier one."""
        return CoreTime(self.had - earlier.had, self.waited - earlier.waited)

    def share_of_free_cores(self, seconds: float) -> float:
        """How much of the time work would have taken, had all cores been free; 1 where the system does not tell.

        Threads that wait for a core hold others up at most as long as they wait, and slow what needs no core, such as
        a GPU, not at all.

        Args:
            seconds: how long it took.
        """
        if self.had <= 0 or self.waited <= 0 or seconds <= 0:
            return 1.0
        return max(self.had / (self.had + self.waited), 1 - self.waited / seconds)


def core_time(threads: Path = THREADS) -> CoreTime:
    """The time of this process until now; nothing where the system does not tell, which is anywhere but under Linux.

    Args:
        threads: the folder that has one of each thread.
    """
    had = waited = 0
    for path in threads.glob("*/schedstat"):
        try:
            numbers = path.read_text(encoding="ascii").split()
        except OSError:  # a thread that has ended
            continue
        had, waited = had + int(numbers[0]), waited + int(numbers[1])
    return CoreTime(had / 1e9, waited / 1e9)
