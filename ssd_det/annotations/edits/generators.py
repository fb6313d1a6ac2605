"""Random generators for many ids, each the same as ``numpy.random.default_rng([seed, id])``, seeded all at once.

Seeding takes NumPy many times as long as a draw. What it seeds with is the hash of its ``SeedSequence`` (M. E. O'Neill,
"Developing a seed_seq Alternative", 2015; numpy/random/bit_generator.pyx); here it is computed for all ids together
and tests compare it with NumPy's. ``PCG64`` takes it through NumPy's own interface for seeds, ``ISeedSequence``.
"""

from collections.abc import Iterator
from itertools import pairwise

import numpy as np
import numpy.typing as npt
from numpy.random import PCG64, Generator
from numpy.random.bit_generator import ISeedSequence

from ssd_det.console import bar

Words = npt.NDArray[np.uint32]
Seeds = npt.NDArray[np.uint64]
Ids = npt.NDArray[np.int64]

WORD = 32  # bits
POOL = 4  # words of entropy: as many as a seed and an id of 64 bits have
SEED = 8  # words that a PCG64 is seeded with
INPUT_HASH = 0x43B0D7E5, 0x931E8875  # the first constant, and what each is multiplied by for the next
OUTPUT_HASH = 0x8B51F9DD, 0x58F38DED
MIX = np.uint32(0xCA01F9DD), np.uint32(0x4973F715)


def generators(seed: int, ids: Ids) -> Iterator[Generator]:
    """A generator for each id, which depends on the seed and the id only; each is made when it is asked for.

    Args:
        seed: of which 64 bits count.
        ids: ``[N]``, of what the generators are for.
    """
    words = seeds(seed, ids)
    return (_generator(words[index]) for index in bar(range(len(ids)), "noise"))


def seeds(seed: int, ids: Ids) -> Seeds:
    """What ``SeedSequence([seed, id]).generate_state(4, np.uint64)`` is for each id.

    Returns:
        ``[N, 4]``.
    """
    constants = pairwise(_constants(*INPUT_HASH))
    pool = [_hashed(words, *next(constants)) for words in _entropy(seed, ids)]
    for source in range(POOL):
        for target in range(POOL):
            if target != source:
                mixed = MIX[0] * pool[target] - MIX[1] * _hashed(pool[source], *next(constants))
                pool[target] = _folded(mixed)
    constants = pairwise(_constants(*OUTPUT_HASH))
    words = np.stack([_hashed(pool[index % POOL], *next(constants)) for index in range(SEED)], axis=1)
    seeds: Seeds = words[:, ::2] | words[:, 1::2].astype(np.uint64) << np.uint64(WORD)
    return seeds


def _generator(words: Seeds) -> Generator:
    return Generator(PCG64(_ComputedSeed(words)))  # type: ignore[arg-type]  # annotated for SeedSequence alone


class _ComputedSeed(ISeedSequence):
    """A seed whose words are already computed, as many and as long as a ``PCG64`` asks for."""

    def __init__(self, words: Seeds) -> None:
        self.words = words

    def generate_state(self, n_words: int, dtype: object = np.uint64) -> Seeds:
        """The words."""
        return self.words


def _entropy(seed: int, ids: Ids) -> list[Words]:
    """The words of the seed, then those of the ids, low ones first; the seed's high one only if it is not 0."""
    numbers = ids.astype(np.uint64)
    of_ids = [(numbers >> np.uint64(shift)).astype(np.uint32) for shift in (0, WORD)]
    high, low = divmod(seed % 2**64, 2**WORD)
    of_seed = [np.full_like(of_ids[0], word) for word in ([low, high] if high else [low])]
    padding = [np.zeros_like(of_ids[0])] * (POOL - len(of_seed) - len(of_ids))
    return [*of_seed, *of_ids, *padding]


def _constants(first: int, factor: int) -> Iterator[np.uint32]:
    while True:
        yield np.uint32(first)
        first = first * factor % 2**WORD


def _hashed(words: Words, constant: np.uint32, following: np.uint32) -> Words:
    return _folded((words ^ constant) * following)


def _folded(words: Words) -> Words:
    return words ^ words >> np.uint32(WORD // 2)
