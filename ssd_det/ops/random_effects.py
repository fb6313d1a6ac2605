"""By how much the means of groups differ, beyond chance: a model of random effects."""

from dataclasses import dataclass

from torch import Tensor


@dataclass(frozen=True)
class Grouping:
    """Which of K groups each of N objects belongs to.

    Attributes:
        numbers: ``LongTensor[N]``, from 0 on.
        count: K; some groups may have no object.
    """

    numbers: Tensor
    count: int

    def of(self, rows: Tensor) -> "Grouping":
        """That of some of the objects, by their rows, ``LongTensor[M]``, to the same groups."""
        return Grouping(self.numbers[rows], self.count)


def own_means(values: Tensor, groups: Grouping) -> Tensor:
    """By how much the mean of each group differs from that of all values, chance left out.

    The variance of the means is that of DerSimonian and Laird (1986): a group with few objects, or none, is taken for a
    usual one.

    Args:
        values: ``Tensor[N]``, what noisy boxes differ from refined ones by.
        groups: of the values.

    Returns:
        ``Tensor[K]``, all 0 where the means differ by no more than chance explains.
    """
    counts = groups.numbers.bincount(minlength=groups.count).to(values.dtype)
    there = counts > 0
    known, none = int(there.sum()), values.new_zeros(groups.count)
    if known < 2 or len(values) <= known:
        return none
    means = none.index_add(0, groups.numbers, values)[there] / counts[there]
    rows = there.cumsum(dim=0) - 1
    within = (values - means[rows[groups.numbers]]).square().sum() / (len(values) - known)
    spread = (counts[there] * (means - values.mean()).square()).sum() - (known - 1) * within
    between = spread / (len(values) - counts.square().sum() / len(values))
    if between <= 0:
        return none
    chance = within / counts[there]
    usual = (means / (between + chance)).sum() / (1 / (between + chance)).sum()
    own = none + usual
    # Boxes follow a part of their noise, so that a mean that is chance says the opposite of what they are off by. The
    # part, which is not known yet, is taken for a half.
    own[there] += (means - usual) * ((between - chance) / (between + chance)).clamp(min=0)
    return own - values.mean()
