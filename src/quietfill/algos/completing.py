"""The last crossing of an order that is to be completed: what is left, before the window ends."""

from __future__ import annotations

from typing import TYPE_CHECKING

from quietfill.algos.base import Plan, Rest, Slice
from quietfill.algos.pricing import cross
from quietfill.algos.windows import child_of, leaves_of_others, window, without_market

if TYPE_CHECKING:
    from quietfill.algos.base import ParentView
    from quietfill.domain.types import Timestamp
    from quietfill.market.view import MarketView


def last_moment(order: ParentView) -> Timestamp:
    """Return until when an algo has its own way: the end, less the time to cross in where it must complete."""
    start, end = window(order)
    return max(start, end - order.crossing_margin) if order.params.rest is Rest.COMPLETE else end


def complete(order: ParentView, market: MarketView, key: str) -> Plan:
    """Return one slice that crosses for everything left, inside collar and limit."""
    end = window(order)[1]
    child = child_of(order, key)
    quantity = order.leaves - leaves_of_others(order, key)
    if not market.is_tradable:
        return without_market(market, child, quantity, end)
    priced = cross(order, market, quantity, None if child is None else child.limit_price)
    why = f"completes at the end of the window: {priced.why}"
    piece = Slice(key, quantity, priced.price, crossing=priced.crossing, why=why)
    return Plan((piece,), end, priced.wake_when, why=why, alert=priced.alert)
