"""How often refined boxes were closer to trusted ones, and how sure that is."""

from dataclasses import dataclass

from scipy.stats import binomtest
from torch import Tensor


@dataclass(frozen=True)
class TruthCheck:
    """How often refined boxes were closer to trusted ones than the boxes before.

    Attributes:
        count: of trusted boxes.
        closer: the share of them for which the refined box was closer.
        low: the lower end of its 95% interval (Wilson).
        high: its upper end.
        expected: the share that the rehearsal expected.
    """

    count: int
    closer: float
    low: float
    high: float
    expected: float

    @property
    def contradicts(self) -> bool:
        """Whether the rehearsal was surely wrong."""
        return not self.low <= self.expected <= self.high

    @property
    def sentence(self) -> str:
        """What was found, and whether the rehearsal had expected it."""
        found = (
            f"Refining brings {self.closer:.0%} of {self.count} trusted objects closer to the truth "
            f"(95% interval {self.low:.0%} to {self.high:.0%})"
        )
        if self.contradicts:
            return f"{found}; the rehearsal had said {self.expected:.0%}, so that the scores follow the trusted boxes."
        return f"{found}, as the rehearsal had said ({self.expected:.0%})."


def check_expected(closer: Tensor, expected: Tensor) -> TruthCheck:
    """Compare what happened with what was expected.

    Args:
        closer: ``BoolTensor[N]``, whether the refined box of each trusted object was closer; at least one.
        expected: ``Tensor[N]``, the probabilities of that.
    """
    low, high = wilson_interval(int(closer.sum()), len(closer))
    return TruthCheck(len(closer), closer.double().mean().item(), low, high, expected.mean().item())


def wilson_interval(successes: int, count: int) -> tuple[float, float]:
    """The 95% interval of a share."""
    interval = binomtest(successes, count).proportion_ci(method="wilson")
    return float(interval.low), float(interval.high)
