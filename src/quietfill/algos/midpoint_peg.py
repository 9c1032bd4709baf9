"""Stand at mid and move with it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from msgspec import Meta

from quietfill.algos.base import AlgoParams, Plan, Rest, Slice
from quietfill.algos.completing import complete, last_moment
from quietfill.algos.pricing import OWN_SETTLES, pegged
from quietfill.algos.windows import child_of, keep, leaves_of_others, outside, without_market

if TYPE_CHECKING:
    from quietfill.algos.base import ChildView, ParentView
    from quietfill.domain.types import Quantity, Timestamp
    from quietfill.market.view import MarketView

_KEY = "peg"


class MidpointPegParams(AlgoParams, frozen=True, kw_only=True):
    """Parameters of the midpoint peg and those that every algo has; the rest is abandoned unless stated otherwise.

    Attributes:
        max_deviation_bps: how far mid may be from the price before it moves, in 1e-4 of that price; until then
            the child keeps its place in the queue.
        offset_ticks: ticks from mid, positive towards the far touch; it never crosses.
        rest: what to do with what is left at the end.
    """

    max_deviation_bps: Annotated[float, Meta(ge=0, le=10_000)] = 5.0
    offset_ticks: Annotated[int, Meta(ge=-10_000, le=10_000)] = 0
    rest: Rest = Rest.ABANDON


class MidpointPeg:
    """Work all of it in one child at mid, half ticks in our favour, moved in place when mid leaves the tolerance.

    It never crosses before the end, and never follows a quote of our own. Without a two-sided market it is
    left where it stands.
    """

    Params = MidpointPegParams

    def plan(self, order: ParentView, market: MarketView, now: Timestamp) -> Plan:
        """Return the one slice."""
        if (idle := outside(order, now)) is not None:
            return idle
        until = last_moment(order)
        if now >= until:
            return complete(order, market, _KEY)
        child = child_of(order, _KEY)
        quantity = order.leaves - leaves_of_others(order, _KEY)
        if not market.is_tradable:
            return without_market(market, child, quantity, until)
        if market.own_bid or market.own_ask:
            return _unsettled(child, quantity, min(until, now + OWN_SETTLES))
        params = order.params
        assert isinstance(params, MidpointPegParams)
        priced = pegged(
            order,
            market,
            offset_ticks=params.offset_ticks,
            tolerance_bps=params.max_deviation_bps,
            current=None if child is None else child.limit_price,
        )
        return Plan((Slice(_KEY, quantity, priced.price, why=priced.why),), until, priced.wake_when, why=priced.why)


def _unsettled(child: ChildView | None, quantity: Quantity, wake_at: Timestamp) -> Plan:
    """Return the plan while a touch may be ours alone, because a request of ours has no answer yet."""
    slices = () if child is None else (keep(child, quantity),)
    return Plan(slices, wake_at, why="a touch may be our own: nothing follows it")
