"""What the benchmarks share."""

import statistics
import time
from collections.abc import Callable, Sequence


def paired(
    *functions: Callable[[], object],
    runs: int,
    clock: Callable[[], float] = time.perf_counter,
    warm_up: bool = True,
) -> list[list[float]]:
    """Seconds that functions take, run in turn, so that a busy machine slows all of them.

    Args:
        functions: what to time.
        runs: of each.
        clock: ``time.process_time`` counts the seconds of processors alone.
        warm_up: run each once before.
    """
    if warm_up:
        for function in functions:
            function()
    times: list[list[float]] = [[] for _ in functions]
    for _ in range(runs):
        for function, seconds in zip(functions, times, strict=True):
            start = clock()
            function()
            seconds.append(clock() - start)
    return times


def ratio_line(name: str, first: Sequence[float], second: Sequence[float]) -> str:
    """Medians of two series in seconds, and the median of their ratios pair by pair."""
    ratio = statistics.median(b / a for a, b in zip(first, second, strict=True))
    return f"{name}: {statistics.median(first):.3f} s against {statistics.median(second):.3f} s, ratio {ratio:.2f}"
