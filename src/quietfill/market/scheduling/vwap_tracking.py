"""How far a schedule strays from the VWAP, and the floor below which no fixed schedule gets.

Source: H. Konishi, "Optimal slice of a VWAP trade", Journal of Financial Markets 5 (2002), and what followed it.
The price is a walk b_k over the buckets of the session, the market trades shares w_k of the day's volume and we
trade shares u_k of our order. Slippage against VWAP = sigma sum_k (u_k - w_k) b_k; with m the expected volume curve
and S its covariance its variance is (u - m)' C (u - m) + tr(C S), C_ij = sigma^2 min(i, j). So following the
expected curve is best, and the second part is a floor. Valid where volume and price moves are independent and the
order is too small to move either.
"""

from __future__ import annotations

from itertools import accumulate
from math import sqrt
from typing import TYPE_CHECKING, TypeAlias

import msgspec

from quietfill.domain.errors import BadInput
from quietfill.market.arguments import figures, not_negative, positive

if TYPE_CHECKING:
    from collections.abc import Sequence

Matrix: TypeAlias = tuple[tuple[float, ...], ...]

_ROUNDING = 1e-9


class TrackingVariance(msgspec.Struct, frozen=True):
    """The variance of slippage against VWAP, in squared units of the volatility.

    Attributes:
        schedule: what comes of planning another curve than the expected one, (u - m)' C (u - m).
        floor: what comes of the market's own curve being uncertain, tr(C S).
    """

    schedule: float
    floor: float

    @property
    def total(self) -> float:
        """Both together."""
        return self.schedule + self.floor

    @property
    def standard_deviation(self) -> float:
        """Of the slippage, in units of the volatility."""
        return sqrt(self.total)


def tracking_variance(
    planned: Sequence[float], expected: Sequence[float], covariance: Sequence[Sequence[float]], volatility: float
) -> TrackingVariance:
    """Return the variance of a schedule's slippage against VWAP.

    Args:
        planned: u, the share of our order in each bucket; adds up to 1.
        expected: m, the expected share of the day's volume in each bucket; adds up to 1.
        covariance: S, of the market's shares, one row a bucket.
        volatility: sigma, of the price over one bucket, in currency, bps or whatever the answer is wanted in.

    Raises:
        BadInput: naming the argument and its value.
    """
    u, m = _curve(planned, "planned"), _curve(expected, "expected")
    if len(u) != len(m):
        raise BadInput(f"planned has {len(u)} buckets and expected {len(m)}")
    rows = _square(covariance, len(m))
    sigma = not_negative(volatility, "volatility")
    # With C_ij = min(i, j) a quadratic form is a sum over buckets of squared tails, since b_k adds up steps.
    tails = accumulate(reversed([mine - theirs for mine, theirs in zip(u, m, strict=True)]))
    floor = sum(min(i, j) * each for i, row in enumerate(rows, 1) for j, each in enumerate(row, 1))
    return TrackingVariance(sigma**2 * sum(tail * tail for tail in tails), sigma**2 * floor)


def dirichlet_covariance(expected: Sequence[float], concentration: float) -> Matrix:
    """Return the covariance of Dirichlet shares around a mean curve: (diag(m) - m m') / (concentration + 1).

    Args:
        expected: m, adds up to 1.
        concentration: above 0; the larger, the more alike the days are.

    Raises:
        BadInput: naming the argument and its value.
    """
    m, scale = _curve(expected, "expected"), positive(concentration, "concentration") + 1
    return tuple(tuple(((a if i == j else 0.0) - a * b) / scale for j, b in enumerate(m)) for i, a in enumerate(m))


def volume_curve_moments(days: Sequence[Sequence[float]]) -> tuple[tuple[float, ...], Matrix]:
    """Return the mean curve and the sample covariance of recorded days.

    Args:
        days: volume in each bucket, one row a day, in any unit; two days or more, each with some volume.

    Raises:
        BadInput: naming the day and the value.
    """
    if len(days) < 2:  # noqa: PLR2004
        raise BadInput(f"days must be at least 2 to have a covariance, not {len(days)}")
    shares = [_shares(day, f"days[{place}]") for place, day in enumerate(days)]
    if len({len(day) for day in shares}) > 1:
        raise BadInput("days must all have the same number of buckets")
    mean = tuple(sum(column) / len(shares) for column in zip(*shares, strict=True))
    centred = [[value - middle for value, middle in zip(day, mean, strict=True)] for day in shares]
    buckets = range(len(mean))
    covariance = tuple(
        tuple(sum(day[i] * day[j] for day in centred) / (len(shares) - 1) for j in buckets) for i in buckets
    )
    return mean, covariance


def _shares(day: Sequence[float], name: str) -> tuple[float, ...]:
    volumes = [not_negative(volume, f"{name}[{place}]") for place, volume in enumerate(day)]
    total = sum(volumes)
    if not total:
        raise BadInput(f"{name} has no volume")
    return tuple(volume / total for volume in volumes)


def _curve(values: Sequence[float], name: str) -> tuple[float, ...]:
    read = figures(values, name)
    if abs(sum(read) - 1) > _ROUNDING:
        raise BadInput(f"{name} must add up to 1, not {sum(read)}")
    return read


def _square(rows: Sequence[Sequence[float]], size: int) -> list[tuple[float, ...]]:
    read = [figures(row, f"covariance[{place}]") for place, row in enumerate(rows)]
    if len(read) != size or any(len(row) != size for row in read):
        raise BadInput(f"covariance must be {size} x {size}")
    return read
