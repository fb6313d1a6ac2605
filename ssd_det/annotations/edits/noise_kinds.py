"""How annotated boxes are wrong: for each kind of noise, how a box moves."""

from collections.abc import Callable, Iterable
from typing import Literal, get_args

import numpy as np
import numpy.typing as npt
from numpy.random import Generator

Array = npt.NDArray[np.float64]
Kind = Literal["uniform", "gaussian", "loose", "tight", "shifted", "grid", "scale", "detector", "mix"]

TIGHTENING = 0.75  # of the level, or a tight box would be much further off than a loose one
CELL = 1.5  # times the level and the median side of a box: about as far off as uniform noise of that level


def _uniform(random: Generator, level: float) -> Array:
    return (2 * random.random(4) - 1) * level


def _gaussian(random: Generator, level: float) -> Array:
    """The spread of uniform noise; sizes change by a factor that is never negative."""
    draws = random.standard_normal(4) * level / np.sqrt(3)
    return np.concatenate([draws[:2], np.expm1(draws[2:])])


def _loose(random: Generator, level: float) -> Array:
    """Each side is further out by up to ``level`` times the box's size."""
    return _sides_out(random.random(4) * level)


def _tight(random: Generator, level: float) -> Array:
    """Each side is further in, and always less than half-way."""
    return _sides_out(-random.random(4) * min(TIGHTENING * level, 0.49))


def _shifted(random: Generator, level: float) -> Array:
    """To the right and down by up to ``level`` times the box's size, which it keeps."""
    return np.concatenate([random.random(2) * level, [0.0, 0.0]])


def _sides_out(outward: Array) -> Array:
    """The move of a box whose left, top, right and bottom sides go outwards by shares of its size."""
    low, high = outward[:2], outward[2:]
    return np.concatenate([(high - low) / 2, low + high])


DRAWN: dict[str, Callable[[Generator, float], Array]] = {
    "uniform": _uniform,
    "gaussian": _gaussian,
    "loose": _loose,
    "tight": _tight,
    "shifted": _shifted,
}
MIXED = (*DRAWN, "grid")


def moves(kind: Kind, boxes: Array, generators: Iterable[Generator], level: float) -> Array:
    """How each box moves, for any kind that draws: all but ``scale`` and ``detector``.

    Args:
        kind: ``uniform`` as published; ``gaussian``, of the same spread; ``loose`` and ``tight``, every side too far
            out or in; ``shifted``, all to the right and down; ``grid``, corners on a grid whose cells are 1.5 times
            ``level`` times the median side of the boxes; ``mix``, for each box one of these.
        boxes: ``[N, 4]``, xyxy in pixels, with area.
        generators: one for each box.
        level: how strong the noise is, in [0, 1).

    Returns:
        ``[N, 4]``: (dx, dy, dw, dh), shifts of the centre and growth in units of the box's size.
    """
    gridded = _onto_grid(boxes, level)
    moves_of_boxes = np.empty((len(boxes), 4))
    for index, random in enumerate(generators):
        name = MIXED[random.integers(len(MIXED))] if kind == "mix" else kind
        moves_of_boxes[index] = gridded[index] if name == "grid" else DRAWN[name](random, level)
    return moves_of_boxes


def scaled(count: int, factor: float) -> Array:
    """The moves ``[N, 4]`` that scale boxes about their centres, all by the same factor."""
    return np.tile([0.0, 0.0, factor - 1, factor - 1], (count, 1))


def _onto_grid(boxes: Array, level: float) -> Array:
    """The moves that put corners on a grid; a side that would vanish becomes a cell long."""
    size = boxes[:, 2:] - boxes[:, :2]
    cell = CELL * level * float(np.median(np.sqrt(size.prod(axis=1)))) if len(boxes) else 0.0
    if cell == 0:
        return np.zeros_like(boxes)
    snapped = np.round(boxes / cell) * cell
    low = snapped[:, :2]
    flat = snapped[:, 2:] <= low
    low = np.where(flat, np.floor(boxes[:, :2] / cell) * cell, low)
    high = np.where(flat, low + cell, snapped[:, 2:])
    shift = ((low + high) - (boxes[:, :2] + boxes[:, 2:])) / 2 / size
    return np.concatenate([shift, (high - low) / size - 1], axis=1)


KINDS = get_args(Kind)
