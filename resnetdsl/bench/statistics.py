"""What may be said of measured times. Nothing here reads a clock.

A time on a shared machine has a floor and a long tail, so the mean and the standard deviation describe nothing that
would be met again. The median and the quartiles do, and they stand however long the tail is.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

STABLE = 0.05
"""Two medians that differ by less are of one level."""

_WINDOW = 5


@dataclass(frozen=True, slots=True)
class Spread:
    """The median of some values, the quartiles around it, the least, and how many they are."""

    median: float
    low: float
    high: float
    least: float
    count: int

    @property
    def relative(self) -> float:
        """The distance between the quartiles, as a share of the median."""
        return (self.high - self.low) / self.median if self.median else 0.0


def spread(values: Sequence[float]) -> Spread:
    """The spread of at least one value."""
    if not values:
        raise ValueError("a spread of nothing")
    ordered = sorted(values)
    return Spread(quantile(ordered, 0.5), quantile(ordered, 0.25), quantile(ordered, 0.75), ordered[0], len(ordered))


def quantile(ordered: Sequence[float], share: float) -> float:
    """The value below which this share of sorted values lies, between two of them by their distance."""
    at = share * (len(ordered) - 1)
    below = math.floor(at)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (ordered[above] - ordered[below]) * (at - below)


def ratios(times: Sequence[float], baseline: Sequence[float]) -> Spread:
    """How many times as fast as the baseline, round by round.

    Both were measured in the same rounds, and what slowed the machine in one slowed both: the ratio within a round
    is steadier than the ratio of two medians.
    """
    if len(times) != len(baseline):
        raise ValueError(f"{len(times)} rounds and {len(baseline)} of the baseline")
    return spread([base / time for time, base in zip(times, baseline, strict=True)])


def settled(times: Sequence[float], window: int = _WINDOW, tolerance: float = STABLE) -> bool:
    """Whether the last times are of one level: no longer falling, as they do while caches fill and clocks rise."""
    if len(times) < 2 * window:
        return False
    last, before = spread(times[-window:]).median, spread(times[-2 * window : -window]).median
    return abs(last - before) <= tolerance * before


def differs(one: Spread, other: Spread) -> bool:
    """Whether two spreads are apart: the quartiles of one lie outside those of the other. Else call them equal."""
    return one.high < other.low or other.high < one.low
