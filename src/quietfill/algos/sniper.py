"""Wait unseen for size, and take it."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Annotated

from msgspec import Meta

from quietfill.algos.base import AlgoParams, Outcome, Plan, Rest, Slice
from quietfill.algos.completing import complete, last_moment
from quietfill.algos.pricing import OWN_SETTLES, appears, limit_on_tick
from quietfill.algos.windows import keep, outside, without_market
from quietfill.domain.types import SECOND, Quantity, TimeInForce, Timestamp, quantity_from, quantity_number
from quietfill.market.depth import size_inside
from quietfill.market.triggers import SizeReaches

if TYPE_CHECKING:
    from quietfill.algos.base import ParentView
    from quietfill.domain.types import Price
    from quietfill.market.view import MarketView

_REST_KEY = "rest"

SHOT_LIFE = SECOND
"""A shot that the broker has not ended by itself after this long is cancelled: some do not know immediate-or-cancel."""


class SniperParams(AlgoParams, frozen=True, kw_only=True):
    """Parameters of the sniper and those that every algo has; the rest is abandoned unless stated otherwise.

    Attributes:
        min_size: size at or inside the limit that makes it shoot, in shares, contracts or coins; unless stated, all
            that is left of the order.
        min_interval_seconds: least time between the end of one shot and the next.
        max_attempts: shots after which it gives up.
        rest: what to do with what is left at the end.
    """

    min_size: Decimal | None = None
    min_interval_seconds: Annotated[float, Meta(ge=0, le=86_400)] = 1.0
    max_attempts: Annotated[int, Meta(ge=1, le=10_000)] = 100
    rest: Rest = Rest.ABANDON


class Sniper:
    """Show nothing until enough size stands at or inside the limit, then take what is there at once.

    Each shot is immediate-or-cancel at the limit, no larger than the size that was seen. A limit price is required.
    """

    Params = SniperParams

    def plan(self, order: ParentView, market: MarketView, now: Timestamp) -> Plan:
        """Return nothing, or the shot that should be under way."""
        if (idle := outside(order, now)) is not None:
            return idle
        until = last_moment(order)
        if now >= until:
            return complete(order, market, _REST_KEY)
        shot = next((child for child in order.working if child.leaves > 0), None)
        if shot is not None:
            return _under_way(order, market, now, until)
        params = order.params
        assert isinstance(params, SniperParams)
        if order.children_count >= params.max_attempts:
            return _used_up(params, until)
        ready_at = _ready_at(order, params)
        if now < ready_at:
            return Plan(wake_at=min(until, ready_at), why="waits before the next shot")
        return _aim(order, market, params, now, until)


def _under_way(order: ParentView, market: MarketView, now: Timestamp, until: Timestamp) -> Plan:
    """Let shots live their short life."""
    alive = [child for child in order.working if child.leaves > 0 and now < child.requested_at + SHOT_LIFE]
    slices = tuple(keep(child, child.leaves) for child in alive)
    wake_at = min((child.requested_at + SHOT_LIFE for child in alive), default=until)
    return Plan(slices, min(until, wake_at), () if market.is_tradable else appears(market), why="a shot is under way")


def _used_up(params: SniperParams, until: Timestamp) -> Plan:
    text = f"{params.max_attempts} shots are used up"
    if params.rest is Rest.COMPLETE:
        return Plan(wake_at=until, why=text, alert=text)
    return Plan(why=text, alert=text, finish=Outcome.ABANDONED)


def _ready_at(order: ParentView, params: SniperParams) -> Timestamp:
    ended_at = order.last_child_ended_at
    return order.start if ended_at is None else ended_at + round(params.min_interval_seconds * SECOND)


def _aim(order: ParentView, market: MarketView, params: SniperParams, now: Timestamp, until: Timestamp) -> Plan:
    limit = limit_on_tick(order)
    if limit is None:
        # Refused at admission; an amendment cannot take a limit away. Never guess a price.
        return Plan(wake_at=until, why="a sniper needs a limit price", alert="sniper without a limit price")
    if not market.is_tradable:
        return without_market(market, None, 0, until)
    needed = _threshold(order, params)
    seen = size_inside(market.far_levels(order.side), order.side, limit)
    if seen < needed:
        trigger = SizeReaches(order.side.opposite, limit, needed)
        return Plan((), until, (trigger,), why=f"waits for {quantity_number(needed)} at or inside the limit")
    if market.near_is_own(order.side.opposite):
        return Plan(wake_at=min(until, now + OWN_SETTLES), why="the size there may be our own")
    return Plan((_shot(order, limit, seen),), min(until, now + SHOT_LIFE), why="takes what stands inside the limit")


def _threshold(order: ParentView, params: SniperParams) -> Quantity:
    """Return the size to wait for: in whole lots and worth a child, at most all that is left."""
    stated = order.leaves if params.min_size is None else quantity_from(params.min_size, "min_size")
    lot = order.instrument.lot
    wanted = max(stated, params.min_child_quantity, lot)
    return min(order.leaves, -(-wanted // lot) * lot)


def _shot(order: ParentView, limit: Price, seen: Quantity) -> Slice:
    quantity = min(seen, order.leaves)
    if quantity < order.leaves:
        quantity = order.instrument.whole_lots(quantity)
    why = f"{quantity_number(seen)} at or inside the limit: takes {quantity_number(quantity)}"
    return Slice(f"shot{order.children_count}", quantity, limit, TimeInForce.IOC, crossing=True, why=why)
