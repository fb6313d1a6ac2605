"""Choosing a few boxes that tell most of all others."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from random import Random
from typing import Literal

Reason = Literal["random", "moved", "spread"]
RANDOM_SHARE = 0.5
MOVED_SHARE = 0.25
LEAST_MOVED = 0.01  # 1 - IoU


@dataclass(frozen=True)
class Candidate:
    """A box that may be chosen.

    Attributes:
        image: that it is in.
        category: of the object.
        size: the name of its size, such as small.
        moved: 1 - IoU with the box that it was before refining, 0 where it was not refined.
    """

    image: int
    category: int
    size: str
    moved: float


def choose(candidates: Sequence[Candidate], count: int, seed: int) -> dict[int, Reason]:
    """Choose the boxes to look at.

    Half are drawn at random from all, before anything else is looked at: what is measured on these holds for the whole
    file. A quarter are those that refining moved most, where it moved any. The others are spread: each time a box of
    the category that has fewest so far, and within it of the size, from an image that has none yet, if there is one.

    Args:
        candidates: all boxes that may be chosen.
        count: how many to choose, all where there are fewer.
        seed: another one chooses others.

    Returns:
        Why each was chosen, by its index; those at random first, then those that moved, then those that are spread.
    """
    order = list(range(len(candidates)))
    Random(seed).shuffle(order)
    count = min(count, len(order))
    chosen: dict[int, Reason] = dict.fromkeys(order[: round(count * RANDOM_SHARE)], "random")
    moved = (index for index in order if index not in chosen and candidates[index].moved >= LEAST_MOVED)
    most = sorted(moved, key=lambda index: -candidates[index].moved)
    chosen |= dict.fromkeys(islice(most, round(count * MOVED_SHARE)), "moved")
    spread = _Spread(candidates, [index for index in order if index not in chosen], chosen)
    while len(chosen) < count:
        chosen[spread.take()] = "spread"
    return chosen


class _Spread:
    """Takes boxes so that categories, sizes and images have about as many of them.

    Args:
        candidates: all boxes.
        order: the indices of those that may be taken, in the order in which they are tried.
        taken: what was taken before.
    """

    def __init__(self, candidates: Sequence[Candidate], order: Sequence[int], taken: Mapping[int, Reason]) -> None:
        self.candidates = candidates
        self.groups: dict[tuple[int, str], list[int]] = {}
        for index in order:
            self.groups.setdefault((candidates[index].category, candidates[index].size), []).append(index)
        self.of_category: Counter[int] = Counter()
        self.of_group: Counter[tuple[int, str]] = Counter()
        self.of_image: Counter[int] = Counter()
        for index in taken:
            self._count(index)

    def take(self) -> int:
        """The next box, which is not taken again."""
        group = min(self.groups, key=lambda group: (self.of_category[group[0]], self.of_group[group]))
        rest = self.groups[group]
        fresh = (place for place, index in enumerate(rest) if not self.of_image[self.candidates[index].image])
        place = next(fresh, None)
        if place is None:
            place = min(range(len(rest)), key=lambda place: self.of_image[self.candidates[rest[place]].image])
        index = rest.pop(place)
        if not rest:
            del self.groups[group]
        self._count(index)
        return index

    def _count(self, index: int) -> None:
        candidate = self.candidates[index]
        self.of_category[candidate.category] += 1
        self.of_group[candidate.category, candidate.size] += 1
        self.of_image[candidate.image] += 1
