"""The first numbers of generators for many ids, drawn all at once; making a generator takes NumPy many times as long.

They are those of NumPy's PCG64 (M. E. O'Neill, "PCG: A Family of Simple Fast Space-Efficient Statistically Good
Algorithms for Random Number Generation", 2014; numpy/random/src/pcg64), and tests compare them with NumPy's. Its state
has 128 bits, which are two words here, as NumPy's arrays have no longer integers.
"""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from ssd_det.annotations.edits.generators import Ids, Seeds, seeds

Floats = npt.NDArray[np.float64]

DRAWS = 4  # for each id
WORD = np.uint64(64)
HALF = np.uint64(32)
LOW_HALF = np.uint64(2**32 - 1)
LOW_BITS = np.uint64(63)
MULTIPLIER = np.uint64(0x2360ED051FC65DA4), np.uint64(0x4385DF649FCCF645)
TURN_AT = np.uint64(58)  # the six bits from here on say by how many bits a number is turned
UNUSED = np.uint64(11)  # bits that a double has no room for
UNIT = 2.0**-53


class Wide(NamedTuple):
    """Numbers of 128 bits, ``[N]`` each."""

    high: Seeds
    low: Seeds

    def __add__(self, other: "Wide") -> "Wide":  # type: ignore[override]  # no tuple of four
        low = self.low + other.low
        return Wide(self.high + other.high + (low < self.low), low)


def uniform_draws(seed: int, ids: Ids) -> Floats:
    """What ``numpy.random.default_rng([seed, id]).random(4)`` is for each id ``[N]``: ``[N, 4]``."""
    words = seeds(seed, ids)
    start, sequence = Wide(words[:, 0], words[:, 1]), Wide(words[:, 2], words[:, 3])
    increment = sequence + sequence + Wide(np.zeros_like(sequence.high), np.ones_like(sequence.low))
    state = _multiplied(start + increment) + increment
    draws = np.empty((len(words), DRAWS))
    for column in draws.T:
        state = _multiplied(state) + increment
        column[:] = (_scrambled(state) >> UNUSED) * UNIT
    return draws


def _multiplied(state: Wide) -> Wide:
    """States times the multiplier, of which 128 bits are kept."""
    high, low = MULTIPLIER
    return Wide(_high_word(state.low, low) + state.low * high + state.high * low, state.low * low)


def _high_word(numbers: Seeds, factor: np.uint64) -> Seeds:
    """The upper 64 bits of numbers of 64 bits times another, by halves as on paper."""
    low, high = numbers & LOW_HALF, numbers >> HALF
    factor_low, factor_high = factor & LOW_HALF, factor >> HALF
    first, second = low * factor_high, high * factor_low
    middle = (low * factor_low >> HALF) + (first & LOW_HALF) + (second & LOW_HALF)
    product: Seeds = high * factor_high + (first >> HALF) + (second >> HALF) + (middle >> HALF)
    return product


def _scrambled(state: Wide) -> Seeds:
    """The numbers that states give: both words as one, turned by as many bits as their first ones say."""
    mixed, turn = state.high ^ state.low, state.high >> TURN_AT
    turned: Seeds = np.bitwise_or(mixed >> turn, mixed << ((WORD - turn) & LOW_BITS))
    return turned
