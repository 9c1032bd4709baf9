"""Cont and Kukanov: how much of an order to rest as a limit order and how much to send as a market order, one venue.

Source: R. Cont and A. Kukanov, "Optimal order placement in limit order markets", Quantitative Finance 17 (2017),
section 3.1. A limit order of L joins a queue of Q, a market order of M is sent at once, L + M = S, and within the
horizon xi leaves the queue from its front. What is then unfilled is bought at the market at a penalty.
Valid for one venue, a short horizon, and no cancelling on the way. Prices a share in currency, sizes in shares.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import msgspec

from quietfill.domain.errors import BadInput
from quietfill.domain.fields import read_fields
from quietfill.market.arguments import finite, not_negative, positive

if TYPE_CHECKING:
    from quietfill.market.scheduling.outflow import OutflowLaw


class PlacementCosts(msgspec.Struct, frozen=True, kw_only=True):
    """What each way of trading costs a share.

    Attributes:
        half_spread: h.
        take_fee: f, paid for a market order; negative where taking is paid for.
        rebate: r, received for a filled limit order; negative where resting costs a fee.
        underfill_penalty: u, for what the limit order leaves unfilled, beyond the mid.
        impact: theta, for each share that we show or trade, and again for what must be traded in the end.
    """

    half_spread: Annotated[float, not_negative]
    take_fee: Annotated[float, finite]
    rebate: Annotated[float, finite]
    underfill_penalty: Annotated[float, not_negative]
    impact: Annotated[float, not_negative] = 0.0

    def __post_init__(self) -> None:
        """Refuse what can never be meant, naming field and value."""
        read_fields(self)
        if self.saving <= 0:
            raise BadInput(f"rebate {self.rebate} leaves nothing to gain by resting: 2 h + f + r is {self.saving}")

    @property
    def saving(self) -> float:
        """Return 2 h + f + r, what a filled limit order saves against a market order."""
        return 2 * self.half_spread + self.take_fee + self.rebate

    @property
    def resting(self) -> float:
        """Return h + r + theta, what an unfilled limit order misses besides the penalty."""
        return self.half_spread + self.rebate + self.impact


class Placement(msgspec.Struct, frozen=True, kw_only=True):
    """The best split.

    Attributes:
        limit: L, in shares.
        market: M, in shares.
        critical_probability: p = (2 h + f + r) / (u + h + r + theta); 1 or more means all-limit.
        expected_fill: E[A], of the limit order, in shares.
        expected_cost: against the mid, in currency.
    """

    limit: float
    market: float
    critical_probability: float
    expected_fill: float
    expected_cost: float


class PenaltyBounds(msgspec.Struct, frozen=True):
    """Between which under-fill penalties the order is split.

    Attributes:
        all_limit_below: the penalty up to which everything rests.
        all_market_above: the penalty from which on everything is sent at once; None where no penalty is enough.
    """

    all_limit_below: float | None
    all_market_above: float | None


def best_placement(costs: PlacementCosts, quantity: float, queue_ahead: float, outflow: OutflowLaw) -> Placement:
    """Return the split with the least expected cost: L* = F^-1(p) - Q, clipped to [0, S].

    Args:
        quantity: S.
        queue_ahead: Q.
        outflow: the law of xi over the horizon.

    Raises:
        BadInput: naming the argument and its value.
    """
    total, ahead = positive(quantity, "quantity"), not_negative(queue_ahead, "queue_ahead")
    denominator = costs.underfill_penalty + costs.resting
    critical = costs.saving / denominator if denominator > 0 else 1.0
    reach = outflow.quantile(critical) - ahead if critical < 1 else total
    limit = min(max(reach, 0.0), total)
    filled = outflow.mean_between(ahead, ahead + limit)
    return Placement(
        limit=limit,
        market=total - limit,
        critical_probability=critical,
        expected_fill=filled,
        expected_cost=placement_cost(costs, total, limit, ahead, outflow),
    )


def placement_cost(
    costs: PlacementCosts, quantity: float, limit: float, queue_ahead: float, outflow: OutflowLaw
) -> float:
    """Return the expected cost of resting *limit* and sending the rest at once, in currency against the mid.

    (h + f) M - (h + r) E[A] + u E[S - M - A] + theta (S + E[S - M - A]), A = min(max(xi - Q, 0), L).

    Raises:
        BadInput: naming the argument and its value.
    """
    total, ahead = positive(quantity, "quantity"), not_negative(queue_ahead, "queue_ahead")
    rested = not_negative(limit, "limit")
    if rested > total:
        raise BadInput(f"limit {rested} must not exceed quantity {total}")
    sent = total - rested
    filled = outflow.mean_between(ahead, ahead + rested)
    short = rested - filled
    taking = (costs.half_spread + costs.take_fee) * sent - (costs.half_spread + costs.rebate) * filled
    return taking + costs.underfill_penalty * short + costs.impact * (total + short)


def penalty_bounds(costs: PlacementCosts, quantity: float, queue_ahead: float, outflow: OutflowLaw) -> PenaltyBounds:
    """Return the under-fill penalties between which the order is split; the penalty in *costs* plays no part.

    All-limit below (2h + f + r) / F(Q + S) - (h + r + theta), all-market above (2h + f + r) / F(Q) - (h + r + theta).
    A bound is None where F there is zero: no penalty is then large enough.

    Raises:
        BadInput: naming the argument and its value.
    """
    total, ahead = positive(quantity, "quantity"), not_negative(queue_ahead, "queue_ahead")

    def bound(size: float) -> float | None:
        chance = outflow.cdf(size)
        return costs.saving / chance - costs.resting if chance > 0 else None

    return PenaltyBounds(bound(ahead + total), bound(ahead))
