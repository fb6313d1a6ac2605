"""Stages side by side, each once those whose products it reads have come to their end."""

from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType

from ssd_det.pipeline.processes import GRACE_SECONDS, Processes
from ssd_det.pipeline.stage import Stage
from ssd_det.starting.cores import usable_cores

Advance = Callable[[Stage, Processes], None]


class Lanes:
    """Where stages run: each lane has processes of its own, one at a time.

    Of one lane the stages are waited for by the main thread, of several by a thread each. Processes end with the thread
    that started them, so the threads stay until all lanes are closed.

    Args:
        count: how many stages may run at the same time; each has its share of the cores.
        temporary: the folder of their temporary files.
    """

    def __init__(self, count: int, temporary: Path) -> None:
        threads = max(1, usable_cores() // count) if count > 1 else None
        self.processes = [Processes(temporary, threads) for _ in range(count)]
        self._threads = ThreadPoolExecutor(count)
        self._stack = ExitStack()

    def __enter__(self) -> "Lanes":
        self._stack.enter_context(self._threads)
        for processes in self.processes:
            self._stack.enter_context(processes)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._stack.close()

    @property
    def seconds(self) -> float:
        """Wall time in which processes were running, the sum over the lanes."""
        return sum(processes.seconds for processes in self.processes)

    def bring_to_end(self, stages: Sequence[Stage], advance: Advance, ended: Callable[[Stage], None]) -> None:
        """Bring stages to their end, in their order as far as lanes and the products that they read allow.

        Where one fails or this process is stopped, the others are stopped as well, and can go on from there.

        Args:
            stages: of a run.
            advance: brings a stage to its end in a lane.
            ended: is told of each stage that has come to its end, in the main thread.
        """
        if len(self.processes) == 1:
            for stage in stages:
                advance(stage, self.processes[0])
                ended(stage)
            return
        waiting, free = list(stages), list(self.processes)
        running: dict[Future[None], tuple[Stage, Processes]] = {}
        try:
            while waiting or running:
                for stage in _ready(waiting, [stage for stage, _ in running.values()])[: len(free)]:
                    waiting.remove(stage)
                    processes = free.pop(0)
                    running[self._threads.submit(advance, stage, processes)] = stage, processes
                for future in wait(running, return_when=FIRST_COMPLETED).done:
                    future.result()
                    stage, processes = running.pop(future)
                    free.append(processes)
                    ended(stage)
        except BaseException:
            self._stop(running)
            raise

    def _stop(self, running: dict[Future[None], tuple[Stage, Processes]]) -> None:
        """Stop all stages, whose trainings may still write a checkpoint."""
        try:
            for processes in self.processes:
                processes.terminate()
            wait(running, GRACE_SECONDS)
        finally:
            for processes in self.processes:
                processes.kill()


def _ready(waiting: Sequence[Stage], running: Sequence[Stage]) -> list[Stage]:
    """The stages that read nothing which another one has yet to leave."""
    unfinished = [*running, *waiting]
    return [stage for stage in waiting if not any(stage.reads(other) for other in unfinished if other is not stage)]
