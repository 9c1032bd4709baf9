"""Rest at the touch for as long as that is the cheaper way, and cross when it is not."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import msgspec
from msgspec import Meta

from quietfill.algos.base import AlgoParams, ChildView, Plan, Rest, Slice
from quietfill.algos.completing import complete, last_moment
from quietfill.algos.pricing import cross, limit_on_tick, rest
from quietfill.algos.windows import child_of, leaves_of_others, outside, without_market
from quietfill.domain.types import MINUTE, SECOND, OrderSide, Quantity, Timestamp, quantity_float
from quietfill.market.queue_place import size_ahead
from quietfill.market.spread import Crossing, WaitingCase, choose
from quietfill.market.triggers import SizeReaches, TouchLeaves, Trigger

if TYPE_CHECKING:
    from quietfill.algos.base import ParentView
    from quietfill.domain.types import Duration, Price
    from quietfill.market.view import MarketView

CROSSED = "crossed_at"
"""Key of the memo: when it last chose to cross, so that the next clip waits its turn, after a restart too."""

_KEY = "all"
_GROWTH_SHARE = 4
_LOOKS_IN_A_QUEUE = 8
_SOONEST, _LATEST = SECOND, 30 * SECOND


class AdaptiveParams(AlgoParams, frozen=True, kw_only=True):
    """Parameters of adaptive and those that every algo has.

    Attributes:
        volatility_bps: of the mid over one minute; not counted unless stated.
        opportunity_cost_bps: what a missed order pays more than crossing now; derived from spread, volatility and
            queue unless stated.
        urgency: 0 crosses only where waiting costs more than twice as much, 0.5 takes the lesser expected cost,
            1 crosses at once.
    """

    volatility_bps: Annotated[float, Meta(ge=0)] | None = None
    opportunity_cost_bps: Annotated[float, Meta(ge=0)] | None = None


class Adaptive:
    """Rest at the near touch until waiting costs more than crossing: queue, imbalance, volatility, time and urgency.

    It crosses for what the far touch shows, then rests again; the next clip's turn comes with the time that is left.
    """

    Params = AdaptiveParams

    def plan(self, order: ParentView, market: MarketView, now: Timestamp) -> Plan:
        """Return one slice: all leaves at the near touch, or a clip across."""
        if (idle := outside(order, now)) is not None:
            return idle
        until = last_moment(order)
        if now >= until:
            return complete(order, market, _KEY)
        child = child_of(order, _KEY)
        quantity = order.leaves - leaves_of_others(order, _KEY)
        if quantity <= 0:
            return Plan(wake_at=until, why="what is left is still working elsewhere")
        if not market.is_tradable:
            return without_market(market, child, quantity, until)
        if child is not None and _still_crosses(order, market, child):
            across = _across(order, market, min(quantity, child.leaves), child, until, "still marketable")
            return across or _rest(order, market, quantity, child, until)
        return _chosen(order, market, quantity, child, now, until)


def _chosen(
    order: ParentView,
    market: MarketView,
    quantity: Quantity,
    child: ChildView | None,
    now: Timestamp,
    until: Timestamp,
) -> Plan:
    """Weigh a clip across against waiting, once its turn has come."""
    clip = _clip(order, market, quantity)
    turn = _next_turn(order, clip, until)
    if now < turn or not _can_cross(order, market):
        return _rest(order, market, quantity, child, min(until, turn) if now < turn else until)
    choice = choose(_case(order, market, child, now, until), order.params.urgency)
    if choice.should_cross:
        across = _across(order, market, clip, child, until, choice.reason.replace("_", " "))
        if across is not None:
            return msgspec.structs.replace(across, memo={CROSSED: now})
    return _rest(order, market, quantity, child, min(until, now + _next_look(choice)), choice)


def _rest(
    order: ParentView,
    market: MarketView,
    quantity: Quantity,
    child: ChildView | None,
    wake_at: Timestamp,
    choice: Crossing | None = None,
) -> Plan:
    priced = rest(order, market, None if child is None else child.limit_price)
    why, alert = priced.why, None
    if choice is not None:
        why = f"{why}: waiting costs {choice.queue_cost_bps:.2g} bps, crossing {2 * choice.spread_cost_bps:.2g}"
        if choice.should_cross:
            alert = f"collar binds: the far touch is more than {order.max_slippage_bps} bps from mid; resting instead"
            why = f"{why}; collar binds"
    piece = Slice(_KEY, quantity, priced.price, why=why)
    return Plan((piece,), wake_at, _when_it_changes(order, market), why=why, alert=alert)


def _across(
    order: ParentView, market: MarketView, quantity: Quantity, child: ChildView | None, until: Timestamp, reason: str
) -> Plan | None:
    """Return the plan that crosses for *quantity*; None where the collar forbids it."""
    priced = cross(order, market, quantity, None if child is None else child.limit_price)
    if not priced.crossing:
        return None
    why = f"{priced.why}: {reason}"
    piece = Slice(_KEY, quantity, priced.price, crossing=True, why=why)
    return Plan((piece,), until, priced.wake_when, why=why)


def _case(
    order: ParentView, market: MarketView, child: ChildView | None, now: Timestamp, until: Timestamp
) -> WaitingCase:
    near, far = market.near(order.side), market.far(order.side)
    assert near is not None, "a tradable market has two sides"
    assert far is not None, "a tradable market has two sides"
    at = near if child is None or child.limit_price is None else child.limit_price
    ahead = size_ahead(market.near_levels(order.side), order.side, at)
    params = order.params
    assert isinstance(params, AdaptiveParams)
    middle = abs(near + far)
    return WaitingCase(
        # Where the mid is zero bps mean nothing; what counts is the proportion of the costs.
        spread_bps=20_000 * abs(far - near) / middle if middle else 1.0,
        ahead=quantity_float(max(ahead, order.instrument.lot)),
        opposite=quantity_float(market.far_levels(order.side)[0][1]),
        own=quantity_float(order.leaves) / 2,
        rate=_rate(order, market, now),
        volatility_bps=params.volatility_bps,
        minutes_left=order.day.elapsed(now, until) / MINUTE if params.rest is Rest.COMPLETE else None,
        opportunity_cost_bps=params.opportunity_cost_bps,
    )


def _rate(order: ParentView, market: MarketView, now: Timestamp) -> float | None:
    """Return what reaches our side a minute, half of all that trades: since the start, and a minute of the day's pace.

    None where the feed tells no volume, or nothing was observed yet.
    """
    if market.volume is None:
        return None
    volume, minutes = quantity_float(order.market_volume), order.day.elapsed(order.start, now) / MINUTE
    opened = order.day.elapsed(order.day.spans[0][0], order.start) / MINUTE
    if order.day_volume_at_start is not None and opened > 1:
        volume, minutes = volume + quantity_float(order.day_volume_at_start) / opened, minutes + 1
    return volume / minutes / 2 if minutes > 0 and volume > 0 else None


def _clip(order: ParentView, market: MarketView, quantity: Quantity) -> Quantity:
    """Return what crosses at once: the far touch's size, in lots, and no child that is too small to send."""
    shown = order.instrument.whole_lots(market.far_levels(order.side)[0][1])
    least: Quantity = order.params.min_child_quantity
    return min(quantity, max(shown, order.instrument.lot, least))


def _next_turn(order: ParentView, clip: Quantity, until: Timestamp) -> Timestamp:
    """Return when the next clip may cross: what is left, spread over the time from the last one on.

    From urgency 0.5 on it may be sooner, at 1 at once: liquidity that was taken needs time to come back.
    """
    crossed_at = order.memo.get(CROSSED)
    if crossed_at is None:
        return order.start
    clips = 1 + -(-order.leaves // clip)
    wait: Duration = int((until - crossed_at) / clips * min(1.0, 2 * (1 - order.params.urgency)))
    return crossed_at + max(0, wait)


def _still_crosses(order: ParentView, market: MarketView, child: ChildView) -> bool:
    """Say whether a child that was sent to trade at once still can: then the choice stands."""
    far = market.far(order.side)
    if not child.crossing or child.limit_price is None or far is None:
        return False
    return order.side.sign * far <= order.side.sign * child.limit_price


def _can_cross(order: ParentView, market: MarketView) -> bool:
    """Say whether there is a choice: a far touch within the limit, and touches that are surely the others'."""
    far, limit = market.far(order.side), limit_on_tick(order)
    assert far is not None, "a tradable market has two sides"
    if market.own_bid or market.own_ask:
        return False
    return limit is None or order.side.sign * far <= order.side.sign * limit


def _when_it_changes(order: ParentView, market: MarketView) -> tuple[Trigger, ...]:
    """Wake when either touch moves, or the queue before us grows by a quarter."""
    side = order.side
    near, size = market.near_levels(side)[0]
    grown = size + size // _GROWTH_SHARE + order.instrument.lot
    return (_leaves(market, side), _leaves(market, side.opposite), SizeReaches(side, near, grown))


def _leaves(market: MarketView, side: OrderSide) -> TouchLeaves:
    touch: Price | None = market.near(side)
    assert touch is not None, "a tradable market has two sides"
    return TouchLeaves(side, touch, touch)


def _next_look(choice: Crossing) -> Duration:
    """Return after how long to look again where nothing wakes it: no trigger tells that a queue has shrunk."""
    if choice.queue_minutes is None:
        return _LATEST
    return max(_SOONEST, min(_LATEST, int(choice.queue_minutes * MINUTE / _LOOKS_IN_A_QUEUE)))
