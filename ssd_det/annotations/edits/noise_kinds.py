"""How annotated boxes are wrong: for each kind of noise, how a box moves."""

from collections.abc import Callable, Iterable
from typing import Literal, get_args

import numpy as np
import numpy.typing as npt
from numpy.random import Generator

from ssd_det.annotations.edits.generators import Ids, generators
from ssd_det.annotations.edits.uniform_draws import DRAWS, uniform_draws

Array = npt.NDArray[np.float64]
Kind = Literal["uniform", "gaussian", "loose", "tight", "shifted", "grid", "scale", "detector", "mix"]

TIGHTENING = 0.75  # of the level, or a tight box would be much further off than a loose one
CELL = 1.5  # times the level and the median side of a box: about as far off as uniform noise of that level


def _uniform(draws: Array, level: float) -> Array:
    return (2 * draws - 1) * level


def _gaussian(draws: Array, level: float) -> Array:
    """The spread of uniform noise; sizes change by a factor that is never negative."""
    scaled_draws = draws * level / np.sqrt(3)
    return np.concatenate([scaled_draws[:, :2], np.expm1(scaled_draws[:, 2:])], axis=1)


def _loose(draws: Array, level: float) -> Array:
    """Each side is further out by up to ``level`` times the box's size."""
    return _sides_out(draws * level)


def _tight(draws: Array, level: float) -> Array:
    """Each side is further in, and always less than half-way."""
    return _sides_out(-draws * min(TIGHTENING * level, 0.49))


def _shifted(draws: Array, level: float) -> Array:
    """To the right and down by up to ``level`` times the box's size, which it keeps."""
    shift = draws[:, :2] * level
    return np.concatenate([shift, np.zeros_like(shift)], axis=1)


def _sides_out(outward: Array) -> Array:
    """The moves of boxes whose left, top, right and bottom sides go outwards by shares of their size."""
    low, high = outward[:, :2], outward[:, 2:]
    return np.concatenate([(high - low) / 2, low + high], axis=1)


# From four draws for each box, uniform in [0, 1) but for NORMAL, and the level.
DRAWN: dict[str, Callable[[Array, float], Array]] = {
    "uniform": _uniform,
    "gaussian": _gaussian,
    "loose": _loose,
    "tight": _tight,
    "shifted": _shifted,
}
NORMAL = frozenset({"gaussian"})
MIXED = (*DRAWN, "grid")


def moves(kind: Kind, boxes: Array, seed: int, ids: Ids, level: float) -> Array:
    """How each box moves, for any kind that draws: all but ``scale`` and ``detector``.

    Args:
        kind: ``uniform`` as published; ``gaussian``, of the same spread; ``loose`` and ``tight``, every side too far
            out or in; ``shifted``, all to the right and down; ``grid``, corners on a grid whose cells are 1.5 times
            ``level`` times the median side of the boxes; ``mix``, for each box one of these.
        boxes: ``[N, 4]``, xyxy in pixels, with area.
        seed: decides the draws, together with the ids.
        ids: ``[N]``, of the boxes.
        level: how strong the noise is, in [0, 1).

    Returns:
        ``[N, 4]``: (dx, dy, dw, dh), shifts of the centre and growth in units of the box's size.
    """
    if kind == "grid":
        return _onto_grid(boxes, level)
    if kind == "mix":
        return _mixed(boxes, generators(seed, ids), level)
    if kind in NORMAL:
        draws = [random.standard_normal(DRAWS) for random in generators(seed, ids)]
        return DRAWN[kind](np.array(draws).reshape(-1, DRAWS), level)
    return DRAWN[kind](uniform_draws(seed, ids), level)


def _mixed(boxes: Array, generators_of_boxes: Iterable[Generator], level: float) -> Array:
    """The moves of boxes, each of a kind that is drawn before its move."""
    kinds, draws = np.empty(len(boxes), dtype=np.int64), np.empty((len(boxes), DRAWS))
    for index, random in enumerate(generators_of_boxes):
        kinds[index] = random.integers(len(MIXED))
        is_normal = MIXED[kinds[index]] in NORMAL
        draws[index] = random.standard_normal(DRAWS) if is_normal else random.random(DRAWS)
    found = _onto_grid(boxes, level)
    for number, name in enumerate(DRAWN):
        found[kinds == number] = DRAWN[name](draws[kinds == number], level)
    return found


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
