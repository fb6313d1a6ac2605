"""How many cores there are to share."""

import os

THREADS = "OMP_NUM_THREADS"
"""The environment variable with the number of threads that torch takes."""


def usable_cores() -> int:
    """How many cores this process may run on."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
