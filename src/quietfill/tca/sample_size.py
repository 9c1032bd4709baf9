"""How many orders a comparison needs before it can tell anything, and what a given number of them can tell."""

from __future__ import annotations

from math import ceil, isfinite, sqrt
from statistics import NormalDist

from quietfill.domain.errors import BadInput


def orders_per_arm(
    difference_bps: float, deviation_bps: float, *, significance: float = 0.05, power: float = 0.80
) -> int:
    """Return how many orders each of two arms needs to show a difference of their mean costs.

    n = 2 ((z_{1 - a/2} + z_power) sd / difference)^2, rounded up: two-sided test, independent arms of one standard
    deviation, normal approximation (Cohen, Statistical Power Analysis, 2nd ed., 2.4).

    Args:
        difference_bps: what is to be seen.
        deviation_bps: standard deviation of one order's cost.
        significance: chance of seeing a difference where there is none.
        power: chance of seeing it where there is.

    Raises:
        BadInput: when a size is not positive or a chance is not within 0 to 1.
    """
    _check_positive(difference_bps=difference_bps, deviation_bps=deviation_bps)
    return ceil(2 * (_quantiles(significance, power) * deviation_bps / difference_bps) ** 2)


def detectable_difference(
    orders: int, deviation_bps: float, *, significance: float = 0.05, power: float = 0.80
) -> float:
    """Return the smallest difference in bps that so many orders in each arm would show, the inverse of the above.

    Raises:
        BadInput: as `orders_per_arm`.
    """
    _check_positive(orders=orders, deviation_bps=deviation_bps)
    return _quantiles(significance, power) * deviation_bps * sqrt(2 / orders)


def _quantiles(significance: float, power: float) -> float:
    for name, chance in (("significance", significance), ("power", power)):
        if not 0 < chance < 1:
            raise BadInput(f"{name} must be within 0 to 1, not {chance!r}")
    return NormalDist().inv_cdf(1 - significance / 2) + NormalDist().inv_cdf(power)


def _check_positive(**sizes: float) -> None:
    for name, size in sizes.items():
        if not (isfinite(size) and size > 0):
            raise BadInput(f"{name} must be positive and finite, not {size!r}")
