"""A volume curve learned from days, and how far it is from days that it has not seen.

What a curve is worth: an order that follows the shares u while the market trades the shares w is off the market's
VWAP by sigma sum_k (u_k - w_k) b_k, b the path of the price in units of the session's volatility sigma. With U and W
the cumulative shares its standard deviation is sigma times the root mean square of U - W over the trading time
(Konishi 2002, "Optimal slice of a VWAP trade", J. Financial Markets 5). That distance is the error used here.
"""

from __future__ import annotations

from itertools import pairwise
from math import fsum, sqrt
from typing import TYPE_CHECKING, NamedTuple

from quietfill.domain.errors import BadInput
from quietfill.market.volume import curve_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from quietfill.market.volume import VolumeCurve

TRIMMED = 0.1
"""So large a share of the days is dropped at each end, bucket by bucket: one wild day must not bend the curve."""


class Distance(NamedTuple):
    """How far curves are from what days really traded, in shares of the day's volume.

    Attributes:
        rms: root mean square over trading time and days; times the session's volatility, what it costs in spread
            around the market's VWAP (one standard deviation).
        typical: the median day's largest distance.
        worst: the largest of all days.
    """

    rms: float
    typical: float
    worst: float


def learned_profile(days: Sequence[Sequence[float]], trimmed: float = TRIMMED) -> tuple[float, ...]:
    """Return relative weights per bucket: the trimmed mean of the days' shares, each day counting the same.

    Args:
        days: volume per bucket of each day, all of the same length.
        trimmed: share of the days dropped at each end of each bucket.

    Returns:
        Weights that add up to 1.

    Raises:
        BadInput: without a day, or when days differ in length or have no volume.
    """
    shares = _shares(days)
    cut = int(len(shares) * trimmed)
    weights: list[float] = []
    for bucket in zip(*shares, strict=True):
        kept = sorted(bucket)[cut : len(bucket) - cut]
        weights.append(fsum(kept) / len(kept))
    total = fsum(weights)
    if total <= 0:
        raise BadInput("no bucket trades on most of the days")
    return tuple(weight / total for weight in weights)


def distance(curve: VolumeCurve, days: Sequence[Sequence[float]]) -> Distance:
    """Return how far one curve is from each of *days*."""
    return _distance([(curve, day) for day in _shares(days)])


def held_out(
    days: Sequence[Sequence[float]],
    learn: Callable[[Sequence[Sequence[float]]], tuple[float, ...]] = learned_profile,
) -> Distance | None:
    """Return the distance of each day from the curve that all the other days give; None with fewer than two days."""
    if len(days) < 2:  # noqa: PLR2004 - one to learn from, one to look at
        return None
    pairs: list[tuple[VolumeCurve, Sequence[float]]] = []
    for number, day in enumerate(_shares(days)):
        others = [*days[:number], *days[number + 1 :]]
        pairs.append((curve_of(learn(others)), day))
    return _distance(pairs)


def _distance(pairs: Sequence[tuple[VolumeCurve, Sequence[float]]]) -> Distance:
    squares: list[float] = []
    largest: list[float] = []
    for curve, shares in pairs:
        gaps = _gaps(curve, shares)
        squares.append(_mean_square(gaps))
        largest.append(max(abs(gap) for gap in gaps))
    ordered = sorted(largest)
    middle = len(ordered) // 2
    typical = ordered[middle] if len(ordered) % 2 else (ordered[middle - 1] + ordered[middle]) / 2
    return Distance(sqrt(fsum(squares) / len(squares)), typical, ordered[-1])


def _gaps(curve: VolumeCurve, shares: Sequence[float]) -> list[float]:
    """Return curve less day at the ends of all buckets, the open and the close (both 0) included."""
    gaps, done = [0.0], 0.0
    for number, share in enumerate(shares, start=1):
        done += share
        gaps.append(curve.share(number / len(shares)) - done)
    return gaps


def _mean_square(gaps: Sequence[float]) -> float:
    """Return the integral of the squared gap over 0..1, the gap being straight between bucket ends."""
    return fsum(a * a + a * b + b * b for a, b in pairwise(gaps)) / 3 / (len(gaps) - 1)


def _shares(days: Sequence[Sequence[float]]) -> list[tuple[float, ...]]:
    if not days:
        raise BadInput("there is no whole day to learn from")
    lengths = {len(day) for day in days}
    if len(lengths) > 1:
        raise BadInput(f"days differ in their number of buckets: {', '.join(map(str, sorted(lengths)))}")
    shares: list[tuple[float, ...]] = []
    for number, day in enumerate(days):
        total = fsum(day)
        if not total > 0:
            raise BadInput(f"day {number + 1} has no volume")
        shares.append(tuple(volume / total for volume in day))
    return shares
