"""A figure: what was measured, what it stands beside, and what it should be."""

import statistics
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal


class Samples(tuple[float, ...]):
    """One value for each repetition, in the order in which they were measured."""

    __slots__ = ()

    @property
    def median(self) -> float:
        """The value in the middle, which is what counts."""
        return statistics.median(self)


def percentile(values: Iterable[float], share: float) -> float:
    """The value that ``share`` of all values (0 to 1) do not exceed; of few, the largest."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


@dataclass(frozen=True)
class Goal:
    """What a figure should be.

    Attributes:
        of: the ratio to the baseline, or the value itself.
        bound: whether it should be ``limit`` at least, or at most.
        limit: in the figure's unit where it is of the value.
    """

    of: Literal["ratio", "value"]
    bound: Literal["at least", "at most"]
    limit: float

    def holds(self, found: float) -> bool:
        """Whether ``found`` meets it."""
        return found >= self.limit if self.bound == "at least" else found <= self.limit


@dataclass(frozen=True)
class Figure:
    """One line of the table.

    Attributes:
        name: what was measured.
        unit: of the value and of its baseline.
        measured: of the product.
        against: what the baseline is.
        baseline: measured in the same repetitions.
        goal: what it should be; None where it is there to be seen only.
        note: what a reader has to know beside it.
    """

    name: str
    unit: str
    measured: Samples
    against: str
    baseline: Samples
    goal: Goal | None = None
    note: str = ""

    @property
    def ratio(self) -> float:
        """Measured to baseline: the median of each repetition's own ratio.

        The machine drifts from one repetition to the next, and both of one see the same machine.
        """
        pairs = zip(self.measured, self.baseline, strict=True)
        return statistics.median(one / other if other else float("inf") for one, other in pairs)

    @property
    def is_met(self) -> bool | None:
        """Whether the goal is met; None without a goal."""
        if self.goal is None:
            return None
        return self.goal.holds(self.ratio if self.goal.of == "ratio" else self.measured.median)
