"""Whether threads can be started, found out before a library fails to and ends the process."""

from threading import Event, Thread

from ssd_det.errors import InputError

NO_THREADS = (
    "No more threads can be started: raise the limit of processes and threads (ulimit -u; docker run --pids-limit), or "
    "set OMP_NUM_THREADS to 1, and give the command again."
)
REFUSED = "can't start new thread"  # Python's words


def check_threads(count: int) -> None:
    """Start threads and end them again.

    Args:
        count: how many will be needed.

    Raises:
        InputError: if they cannot be started.
    """
    ended = Event()
    started: list[Thread] = []
    try:
        for _ in range(count):
            thread = Thread(target=ended.wait)
            thread.start()
            started.append(thread)
    except RuntimeError:
        raise InputError(NO_THREADS) from None
    finally:
        ended.set()
        for thread in started:
            thread.join()
