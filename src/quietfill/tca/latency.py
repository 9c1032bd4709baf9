"""How long things took: histograms that merge, cost O(1) a sample, and know how wrong they may be.

A sample falls into the bucket k with gamma^(k-1) < x <= gamma^k, gamma = (1 + e) / (1 - e), and every value of a
bucket is told as 2 gamma^k / (1 + gamma): at most the share e away from it (DDSketch: Masson, Rim and Lee, PVLDB 12,
2019; the same idea as HdrHistogram's). Count, sum, minimum and maximum are kept exactly, in ns.

Percentiles are by *nearest rank*: the p-th is the value of rank ceil(p / 100 x count) among the sorted samples, so
it is always near a latency that was measured, never one that lies between two. Nothing is interpolated.
"""

from __future__ import annotations

from math import ceil, log
from typing import TYPE_CHECKING, TypeAlias

from quietfill.domain.errors import BadInput
from quietfill.domain.types import MILLISECOND, MINUTE, Duration, Timestamp

if TYPE_CHECKING:
    from collections.abc import Iterable

RELATIVE_ERROR = 0.01
"""How far a percentile may lie from the sample that it stands for, as a share of it; the extremes are exact."""

MINUTES_KEPT = 24 * 60
"""How many minutes back samples are remembered."""

_GAMMA = (1 + RELATIVE_ERROR) / (1 - RELATIVE_ERROR)
_LOG_GAMMA = log(_GAMMA)
_MIDDLE = 2 / (1 + _GAMMA)

LatencyFigures: TypeAlias = dict[str, int | float | None]


class Histogram:
    """Durations of one kind. Adding is O(1); two of them can be merged without losing anything.

    Attributes:
        count: samples so far.
        total: their sum in ns, exactly.
        least, most: the extremes in ns, exactly; 0 while there is no sample.
    """

    __slots__ = ("_buckets", "count", "least", "most", "total")

    def __init__(self) -> None:
        """Start empty."""
        self.count = 0
        self.total: Duration = 0
        self.least: Duration = 0
        self.most: Duration = 0
        self._buckets: dict[int, int] = {}

    @classmethod
    def merged(cls, parts: Iterable[Histogram]) -> Histogram:
        """Return a new histogram of all samples of *parts*."""
        whole = cls()
        for part in parts:
            whole.merge(part)
        return whole

    def add(self, duration: Duration) -> None:
        """Count one sample, in ns.

        Raises:
            BadInput: when it is negative.
        """
        if duration < 0:
            raise BadInput(f"duration must not be negative, not {duration}")
        bucket = _bucket(duration)
        self._buckets[bucket] = self._buckets.get(bucket, 0) + 1
        self.least = min(self.least, duration) if self.count else duration
        self.most = max(self.most, duration)
        self.total += duration
        self.count += 1

    def merge(self, other: Histogram) -> None:
        """Count all samples of *other* too."""
        if not other.count:
            return
        for bucket, count in other._buckets.items():
            self._buckets[bucket] = self._buckets.get(bucket, 0) + count
        self.least = min(self.least, other.least) if self.count else other.least
        self.most = max(self.most, other.most)
        self.total += other.total
        self.count += other.count

    @property
    def mean(self) -> float | None:
        """The exact mean in ns; None without samples."""
        return self.total / self.count if self.count else None

    def percentile(self, percent: float) -> float | None:
        """Return the sample of rank ceil(percent / 100 x count) in ns, within `RELATIVE_ERROR`; None without samples.

        Raises:
            BadInput: when *percent* is not above 0 and at most 100.
        """
        if not 0 < percent <= 100:  # noqa: PLR2004 - per cent
            raise BadInput(f"percent must be above 0 and at most 100, not {percent!r}")
        if not self.count:
            return None
        rank = ceil(percent * self.count / 100)
        if rank >= self.count:
            return float(self.most)
        below = 0
        for bucket in sorted(self._buckets):
            below += self._buckets[bucket]
            if below >= rank:
                return min(max(_value(bucket), float(self.least)), float(self.most))
        raise AssertionError("the buckets hold fewer samples than were counted")

    def figures(self) -> LatencyFigures:
        """Return count, mean_ms, min_ms, max_ms, p50_ms, p95_ms and p99_ms; None for what no sample tells."""
        empty = not self.count
        return {
            "count": self.count,
            "mean_ms": in_ms(self.mean),
            "min_ms": None if empty else in_ms(self.least),
            "max_ms": None if empty else in_ms(self.most),
            **{f"p{percent}_ms": in_ms(self.percentile(percent)) for percent in (50, 95, 99)},
        }


class MinuteRing:
    """A histogram a minute over the last `MINUTES_KEPT` minutes, so that any lookback can be asked for."""

    __slots__ = ("_minutes", "_newest")

    def __init__(self) -> None:
        """Start empty."""
        self._minutes: dict[int, Histogram] = {}
        self._newest = -1

    @property
    def minutes(self) -> int:
        """How many minutes are held that saw a sample."""
        return len(self._minutes)

    def add(self, duration: Duration, at: Timestamp) -> None:
        """Count a sample of *duration* ns that ended at *at*; one older than the ring is not kept.

        Raises:
            BadInput: when the duration is negative.
        """
        minute = at // MINUTE
        if minute <= self._newest - MINUTES_KEPT:
            return
        histogram = self._minutes.get(minute)
        if histogram is None:
            histogram = Histogram()
        histogram.add(duration)
        if minute not in self._minutes:
            self._minutes[minute] = histogram
            self._move_to(max(minute, self._newest))

    def last(self, minutes: int, now: Timestamp) -> Histogram:
        """Return the samples of the minute of *now* and of the *minutes* whole ones before it."""
        first = now // MINUTE - minutes
        return Histogram.merged(part for minute, part in self._minutes.items() if minute >= first)

    def _move_to(self, newest: int) -> None:
        if newest == self._newest:
            return
        self._newest = newest
        gone = newest - MINUTES_KEPT
        for minute in [minute for minute in self._minutes if minute <= gone]:
            del self._minutes[minute]


def in_ms(duration: float | None) -> float | None:
    """Return ns as ms."""
    return None if duration is None else duration / MILLISECOND


def _bucket(duration: Duration) -> int:
    """Return the number of the bucket; what took no time has the lowest."""
    return ceil(log(duration) / _LOG_GAMMA) if duration else -1


def _value(bucket: int) -> float:
    return _MIDDLE * _GAMMA**bucket if bucket >= 0 else 0.0
