"""Batches from processes that read images, none of which is lost on the way without a word.

torch moves what a worker hands over into shared memory in a thread of its own, whose errors it prints: the batch is
gone, and the main process waits for it for ever. Here batches are in shared memory before they are handed over.
"""

import os
import sys
from collections.abc import Callable, Iterator
from multiprocessing import get_context, get_start_method
from multiprocessing.queues import Queue
from typing import Any, NoReturn, TypeVar

from lightning_utilities.core.apply_func import apply_to_collection
from torch import Tensor
from torch.utils.data import DataLoader, get_worker_info

from ssd_det.batches.batch import Sample
from ssd_det.batches.worker_faults import why_not_shared, why_not_started
from ssd_det.batches.worker_signals import leave_stopping_to_parent, sigterm_held_back
from ssd_det.errors import InputError
from ssd_det.stopping import held_back

Batch = TypeVar("Batch")


class ImageLoader(DataLoader[Batch]):
    """A data loader that says why its processes cannot be started, and whose processes leave signals to this one.

    Args:
        arguments: of torch's.
        options: the same.
    """

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **{"worker_init_fn": leave_stopping_to_parent, **options})

    def __iter__(self) -> Any:
        """Start the processes, and iterate over the batches; where they cannot be started, the first is an InputError.

        Raised at once, it would be lost: Lightning's clean-up fails where it has no iterator.
        """
        try:
            self._check_locks()
            self._check_processes()
            with sigterm_held_back():
                return super().__iter__()
        except OSError as error:
            return _failing(InputError(why_not_started(error)))

    def _check_locks(self) -> None:
        """Make as many locks as torch will: where it fails to, what it has begun complains as well.

        Raises:
            OSError: if there is no room for them, which is in shared memory.
        """
        needed = 3 * (self.num_workers + 2) if self.num_workers else 0  # of queues, and of an event
        locks = [get_context().Lock() for _ in range(needed)]
        del locks

    def _check_processes(self) -> None:
        """Fork as many processes as torch will: where it fails to, those that it has begun are waited for for ever.

        Raises:
            OSError: if they cannot be started.
        """
        if get_start_method() != "fork":
            return
        waiting, ending = os.pipe()
        forked: list[int] = []
        try:
            with held_back():  # a signal would have a child go on in the code of its parent
                for _ in range(self.num_workers):
                    forked.append(os.fork() or _wait_for_end(waiting, ending))
        finally:
            os.close(waiting)
            os.close(ending)
            for process in forked:
                os.waitpid(process, 0)


def _wait_for_end(waiting: int, ending: int) -> NoReturn:
    """Be a process that does nothing until its parent closes a pipe."""
    os.close(ending)
    os.read(waiting, 1)
    os._exit(0)


def _failing(error: InputError) -> Iterator[Any]:
    raise error
    yield


def collate_shared(collate: Callable[[list[Sample]], Batch], samples: list[Sample]) -> Batch:
    """Put samples into a batch that can be handed over, see :func:`in_shared_memory`."""
    return in_shared_memory(collate(samples))


def in_shared_memory(batch: Batch) -> Batch:
    """A batch that a worker can hand over; the same batch where there are no workers.

    Raises:
        InputError: if there is too little shared memory.
    """
    worker = get_worker_info()
    if worker is None:
        return batch
    # What else may fail on the way, such as a full TMPDIR, fails in that thread as well.
    Queue._on_queue_feeder_error = staticmethod(_end_worker)  # type: ignore[attr-defined]
    try:
        shared: Batch = apply_to_collection(batch, Tensor, Tensor.share_memory_)
    except RuntimeError as error:
        sizes: list[int] = []
        waiting = 2 * worker.num_workers + 1  # torch's workers are two batches ahead
        apply_to_collection(batch, Tensor, lambda tensor: sizes.append(tensor.nbytes))
        raise InputError(why_not_shared(error, waiting * sum(sizes))) from None
    return shared


def _end_worker(error: Exception, _: object) -> None:
    """End a worker that could not hand something over, which the main process notices."""
    print(f"A process that reads images cannot hand them over: {error}.", file=sys.stderr, flush=True)
    os._exit(1)
