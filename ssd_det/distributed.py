"""Several processes that work together, led by the first: the only place that talks to torch.distributed."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar, cast

from torch import distributed

from ssd_det.errors import InputError

Order = TypeVar("Order")
Part = TypeVar("Part")
Result = TypeVar("Result")


@dataclass(frozen=True)
class _Ordered:
    """What all processes are to do next."""

    order: Any


@dataclass(frozen=True)
class _Ended:
    """That there is nothing more to do: the result of the first process, or the sentence of its error."""

    result: Any = None
    sentence: str | None = None


def led_by_first(lead: Callable[[Callable[[Order], list[Part]]], Result], work: Callable[[Order], Part]) -> Result:
    """Let the first process lead: whatever it orders, all do, and only it gets what they found.

    So only the first process holds what all have found, and bad input that one of them meets ends all of them.

    Args:
        lead: is called on the first process alone, with a function that has all processes do an order and returns what
            each found, in the order of their ranks.
        work: does an order on this process.

    Returns:
        What ``lead`` returned, on every process; it should be small.

    Raises:
        InputError: on every process, if ``lead`` does, or ``work`` on any of them.
    """
    if not _is_alone() and distributed.get_rank():
        return cast("Result", _follow(work))

    def on_all(order: Order) -> list[Part]:
        _tell(_Ordered(order))
        found = _collect(_tried(work, order))
        for part in found:
            if isinstance(part, InputError):
                raise part
        return found

    try:
        result = lead(on_all)
    except InputError as error:
        _tell(_Ended(sentence=error.sentence))
        raise
    _tell(_Ended(result))
    return result


def _follow(work: Callable[[Any], Any]) -> Any:
    """Do what the first process orders, until it ends."""
    while isinstance(message := _tell(None), _Ordered):
        _collect(_tried(work, message.order))
    if message.sentence is not None:
        raise InputError(message.sentence)
    return message.result


def _tried(work: Callable[[Order], Part], order: Order) -> Part | InputError:
    """What work finds, or why it cannot."""
    try:
        return work(order)
    except InputError as error:
        return InputError(error.sentence)


def _is_alone() -> bool:
    return not (distributed.is_available() and distributed.is_initialized())


def _tell(message: Any) -> Any:
    """The message of the first process, on every process."""
    if _is_alone():
        return message
    messages = [message]
    distributed.broadcast_object_list(messages, src=0)
    return messages[0]


def _collect(part: Any) -> list[Any]:
    """What every process has, in the order of their ranks, on the first process; nothing on the others."""
    if _is_alone():
        return [part]
    parts = [None] * distributed.get_world_size() if distributed.get_rank() == 0 else None
    distributed.gather_object(part, parts, dst=0)
    return parts or []
