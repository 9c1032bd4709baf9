"""Trade now: one marketable limit for everything, at the worst price the caller can accept."""

from __future__ import annotations

from typing import TYPE_CHECKING

from quietfill.algos.base import AlgoParams, Plan, Slice
from quietfill.algos.pricing import appears, arrival_bound, limit_on_tick
from quietfill.algos.windows import leaves_of_others, life, outside, spent, window
from quietfill.domain.types import Price, Quantity, Timestamp, price_float

if TYPE_CHECKING:
    from quietfill.algos.base import ParentView
    from quietfill.market.view import MarketView

ALL = "all"
"""The key of the one slice."""


class MarketParams(AlgoParams, frozen=True, kw_only=True):
    """Parameters of the market algo.

    Attributes:
        plain: send a market order without any price bound; not together with a limit price.
    """

    plain: bool = False


class Market:
    """Trade everything at once, collared at the arrival mid +- `max_slippage_bps` and the order's limit.

    The child's limit *is* the collar: it takes every level up to there, and what a thinner book leaves
    rests at that price until the end.
    """

    Params = MarketParams

    def plan(self, order: ParentView, market: MarketView, now: Timestamp) -> Plan:
        """Return one slice for all leaves."""
        if (idle := outside(order, now)) is not None:
            return idle
        if (over := spent(order)) is not None:
            return over
        params = order.params
        assert isinstance(params, MarketParams)
        end = window(order)[1]
        quantity = order.leaves - leaves_of_others(order, ALL)
        if params.plain and order.limit_price is None:
            why = "plain market order, as asked"
            return Plan((Slice(ALL, quantity, None, life(order), crossing=True, why=why),), end, why=why)
        bound = limit_on_tick(order) if params.plain else arrival_bound(order)
        if bound is None:
            return Plan(wake_at=end, wake_when=appears(market), why="no arrival quote to collar at")
        return marketable(order, market, bound, quantity, end)


def marketable(order: ParentView, market: MarketView, bound: Price, quantity: Quantity, end: Timestamp) -> Plan:
    """Return one slice that takes all there is up to *bound*; what is left of it rests there until *end*."""
    sign, far = order.side.sign, market.far(order.side)
    reaches = far is not None and sign * far <= sign * bound
    why = f"marketable up to {price_float(bound):.10g}"
    alert = None
    if far is not None and not reaches:
        alert = f"collar binds: the far touch is beyond {price_float(bound):.10g}; the rest waits there"
        why = alert
    piece = Slice(ALL, quantity, bound, life(order), crossing=True, why=why)
    return Plan((piece,), end, why=why, alert=alert)
