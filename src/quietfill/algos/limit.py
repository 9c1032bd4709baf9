"""Wait at a price: one slice at the limit for everything."""

from __future__ import annotations

from typing import TYPE_CHECKING

from quietfill.algos.base import AlgoParams, Plan, Slice
from quietfill.algos.pricing import limit_on_tick
from quietfill.algos.windows import leaves_of_others, life, outside, spent, window
from quietfill.domain.types import Timestamp, price_float

if TYPE_CHECKING:
    from quietfill.algos.base import ParentView
    from quietfill.market.view import MarketView

_KEY = "all"


class LimitParams(AlgoParams, frozen=True, kw_only=True):
    """Parameters of the limit algo: those that every algo has; a limit price is required."""


class Limit:
    """Rest all of it at the limit price until the end of the order."""

    Params = LimitParams

    def plan(self, order: ParentView, market: MarketView, now: Timestamp) -> Plan:
        """Return one slice at the limit for all leaves."""
        if (idle := outside(order, now)) is not None:
            return idle
        if (over := spent(order)) is not None:
            return over
        end = window(order)[1]
        price = limit_on_tick(order)
        if price is None:
            # Refused at admission; an amendment cannot take a limit away. Never guess a price.
            return Plan(wake_at=end, why="a limit order needs a limit price", alert="limit order without a limit price")
        sign, far = order.side.sign, market.far(order.side)
        crossing = far is not None and sign * far <= sign * price
        why = f"at the limit {price_float(price):.10g}"
        quantity = order.leaves - leaves_of_others(order, _KEY)
        return Plan((Slice(_KEY, quantity, price, life(order), crossing=crossing, why=why),), end, why=why)
