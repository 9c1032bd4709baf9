"""Weighted means over fills, with standard errors that take the order as the unit.

Fills of one order share its market, so they are no independent draws. With S_j = sum(w x) and W_j = sum(w) over the
fills of order j, m orders and the mean r = sum(S) / sum(W), the linearised standard error of that ratio is

    se = sqrt(m / (m - 1) x sum_j (S_j - r W_j)^2) / sum(W)        none for fewer than two orders

(Cochran, "Sampling Techniques", 3rd ed., 1977: ratio estimators, chapter 6, over clusters of unequal size, chapter 9A;
no finite-population correction).
"""

from __future__ import annotations

from math import sqrt
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence


class ClusteredMeans:
    """Several weighted means over the same fills. Adding is O(1) and memory is bounded."""

    __slots__ = ("_closed", "_columns", "_most_open", "_open", "_sums", "_weights", "clusters")

    def __init__(self, columns: int, most_open: int = 1_000) -> None:
        """Start with no sample in any of *columns*.

        The sums of the last *most_open* orders stay open; a fill of an older one counts as one of a new order.
        """
        self._columns = columns
        self._most_open = most_open
        self._open: dict[str, list[float]] = {}
        self._closed = [[0.0, 0.0, 0.0, 0.0] for _ in range(columns)]  # of closed orders: sum S^2, S W, W^2, count
        self._sums = [0.0] * columns
        self._weights = [0.0] * columns
        self.clusters = 0
        """How many orders there were, with or without a sample."""

    def add(self, cluster: str | None, samples: Sequence[tuple[float, float] | None]) -> None:
        """Count a (weight, value) for each column, None where there is none; without a cluster it is one by itself."""
        sums = None if cluster is None else self._open.get(cluster)
        if sums is None:
            sums = self._new(cluster)
        for column, sample in enumerate(samples):
            if sample is not None:
                weight, value = sample
                sums[2 * column] += weight * value
                sums[2 * column + 1] += weight
                self._sums[column] += weight * value
                self._weights[column] += weight
        if cluster is None:
            self._close(sums)

    def weight(self, column: int) -> float:
        """Return the sum of the weights."""
        return self._weights[column]

    def mean(self, column: int) -> float | None:
        """Return sum(w x) / sum(w); None without samples."""
        weight = self._weights[column]
        return self._sums[column] / weight if weight else None

    def sampled(self, column: int) -> int:
        """Return how many orders have a sample."""
        return int(self._closed[column][3]) + sum(sums[2 * column + 1] > 0 for sums in self._open.values())

    def standard_error(self, column: int) -> float | None:
        """Return the standard error of the mean, in its unit; None for fewer than two orders."""
        mean, count = self.mean(column), self.sampled(column)
        if mean is None or count < 2:  # noqa: PLR2004 - one order says nothing of the spread between orders
            return None
        squares, mixed, weights, _ = self._closed[column]
        spread = squares - 2 * mean * mixed + mean * mean * weights
        spread += sum((sums[2 * column] - mean * sums[2 * column + 1]) ** 2 for sums in self._open.values())
        return sqrt(max(0.0, spread) * count / (count - 1)) / self._weights[column]

    def _new(self, cluster: str | None) -> list[float]:
        self.clusters += 1
        sums = [0.0] * (2 * self._columns)
        if cluster is not None:
            if len(self._open) >= self._most_open:
                self._close(self._open.pop(next(iter(self._open))))
            self._open[cluster] = sums
        return sums

    def _close(self, sums: list[float]) -> None:
        for column, closed in enumerate(self._closed):
            total, weight = sums[2 * column], sums[2 * column + 1]
            closed[0] += total * total
            closed[1] += total * weight
            closed[2] += weight * weight
            closed[3] += weight > 0
