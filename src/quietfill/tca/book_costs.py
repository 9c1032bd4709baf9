"""What a group of orders cost: sums divided once, with the error of the ratio.

A book's cost in bps is the money it lost over the money it meant to trade, not the mean of its orders' bps, in
which an order for one share counts as much as one for a million. Costs of one order add up within it and across
orders, so the parts of a group add up too, in currency and in bps of one base.
"""

from __future__ import annotations

from fractions import Fraction
from math import fsum, isfinite, sqrt
from typing import TYPE_CHECKING, TypeAlias

import msgspec

from quietfill.domain.errors import BadInput

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterable, Sequence

    from quietfill.tca.shortfall import Shortfall

Amount: TypeAlias = int | float | Fraction
"""Money in one currency; a float counts exactly as the binary number that it is."""

PARTS = ("delay", "trading", "opportunity", "fees", "total")


class CostRatio(msgspec.Struct, frozen=True, kw_only=True):
    """A cost in bps of a base, over a group of orders.

    Attributes:
        bps: 1e4 sum(cost) / sum(base); None when the base sums to 0.
        standard_error_bps: of that ratio; None for fewer than two clusters.
        mean_bps: the plain mean of the orders' own bps, for comparison; None where one has no base.
        orders: how many there are.
        clusters: how many independent groups the error counts.
        effective_orders: sum(base)^2 / sum(base^2): how many orders of equal size would tell as much.
    """

    bps: float | None
    standard_error_bps: float | None
    mean_bps: float | None
    orders: int
    clusters: int
    effective_orders: float


def ratio_of_sums(
    costs: Sequence[Amount], bases: Sequence[Amount], clusters: Sequence[Hashable] | None = None
) -> CostRatio:
    """Return sum(costs) / sum(bases) in bps with its standard error.

    The error is that of a ratio estimator by linearisation, R = C / B, se^2 = G / (G - 1) sum_g e_g^2 / B^2 with
    e_g the sum over cluster g of c_i - R b_i (Cochran, Sampling Techniques, 3rd ed., eq. 6.13, with clusters as
    the sampled units). Orders of one day and symbol meet the same market: name them as one cluster.

    Args:
        costs: one an order, in one currency, positive when they hurt.
        bases: what each is measured against, in the same currency, not negative.
        clusters: the group of each order; None takes every order for independent of the others.

    Raises:
        BadInput: when the lengths differ, a number is not finite or a base is negative; the message says which.
    """
    paid = _amounts(costs, "costs")
    meant = _amounts(bases, "bases")
    groups: Sequence[Hashable] = range(len(paid)) if clusters is None else clusters
    if not len(paid) == len(meant) == len(groups):
        raise BadInput(f"costs, bases and clusters must be of one length, not {len(paid)}, {len(meant)}, {len(groups)}")
    negative = next((place for place, base in enumerate(meant) if base < 0), None)
    if negative is not None:
        raise BadInput(f"bases[{negative}] must not be negative, is {bases[negative]!r}")
    total = sum(meant, Fraction(0))
    squares = sum(float(base) ** 2 for base in meant)
    return CostRatio(
        bps=float(10_000 * sum(paid, Fraction(0)) / total) if total else None,
        standard_error_bps=_error(paid, meant, total, groups),
        mean_bps=_mean(paid, meant),
        orders=len(paid),
        clusters=len(set(groups)),
        effective_orders=float(total) ** 2 / squares if squares else 0.0,
    )


class BookShortfall(msgspec.Struct, frozen=True, kw_only=True):
    """The shortfall of a group of orders in one currency, in parts that add up to its total.

    Attributes:
        orders: those whose every part is known; the sums are theirs.
        unknown: those left out because a part of them is not known.
        paper_value: the base: what all of it was worth at the decision (else arrival) prices.
        standard_errors_bps: of each part in bps and of the total; None for fewer than two clusters.
    """

    orders: int
    unknown: int
    paper_value: Fraction
    delay: Fraction
    trading: Fraction
    opportunity: Fraction
    fees: Fraction
    total: Fraction
    standard_errors_bps: dict[str, float | None]

    def bps(self, cost: Fraction) -> float | None:
        """Return a cost in 1e-4 of the paper value; None where that is 0."""
        return float(10_000 * cost / self.paper_value) if self.paper_value else None


def book_shortfall(orders: Iterable[Shortfall], clusters: Sequence[Hashable] | None = None) -> BookShortfall:
    """Return the sums of the orders' shortfalls, all of one currency.

    Args:
        orders: each from `shortfall`.
        clusters: the group of each order, as for `ratio_of_sums`.

    Raises:
        BadInput: when there are not as many clusters as orders.
    """
    given = list(orders)
    groups: Sequence[Hashable] = range(len(given)) if clusters is None else clusters
    if len(groups) != len(given):
        raise BadInput(f"clusters must be as many as orders, {len(given)}, not {len(groups)}")
    whole = [place for place, order in enumerate(given) if order.total is not None]
    bases = [given[place].paper_value for place in whole]
    kept = [groups[place] for place in whole]
    columns = {part: [_known(given[place], part) for place in whole] for part in PARTS}
    sums = {part: sum(column, Fraction(0)) for part, column in columns.items()}
    assert sum(sums[part] for part in PARTS[:-1]) == sums["total"], "the parts of a book do not add up"
    errors = {part: ratio_of_sums(column, bases, kept).standard_error_bps for part, column in columns.items()}
    return BookShortfall(
        orders=len(whole),
        unknown=len(given) - len(whole),
        paper_value=sum(bases, Fraction(0)),
        standard_errors_bps=errors,
        **sums,
    )


def _known(order: Shortfall, part: str) -> Fraction:
    cost: Fraction | None = getattr(order, part)
    assert cost is not None, "an order with a total has every part"
    return cost


def _amounts(values: Sequence[Amount], name: str) -> list[Fraction]:
    for place, value in enumerate(values):
        if isinstance(value, float) and not isfinite(value):
            raise BadInput(f"{name}[{place}] must be finite, is {value!r}")
    return [Fraction(value) for value in values]


def _mean(paid: Sequence[Fraction], meant: Sequence[Fraction]) -> float | None:
    if not paid or not all(meant):
        return None
    return float(10_000 * sum((cost / base for cost, base in zip(paid, meant, strict=True)), Fraction(0)) / len(paid))


def _error(
    paid: Sequence[Fraction], meant: Sequence[Fraction], total: Fraction, groups: Sequence[Hashable]
) -> float | None:
    count = len(set(groups))
    if count < 2 or not total:  # noqa: PLR2004 - an error needs two
        return None
    ratio, scale = float(sum(paid, Fraction(0)) / total), float(total)
    residuals: dict[Hashable, float] = dict.fromkeys(groups, 0.0)
    for cost, base, group in zip(paid, meant, groups, strict=True):
        residuals[group] += (float(cost) - ratio * float(base)) / scale
    squares = fsum(residual**2 for residual in residuals.values())
    return 10_000 * sqrt(count / (count - 1) * squares)
