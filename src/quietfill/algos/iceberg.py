"""Show a little at a time."""

from __future__ import annotations

from decimal import Decimal
from hashlib import blake2b
from typing import TYPE_CHECKING, Annotated

from msgspec import Meta

from quietfill.algos.base import AlgoParams, Plan, Rest, Slice
from quietfill.algos.completing import complete, last_moment
from quietfill.algos.pricing import appears, beside, limit_on_tick
from quietfill.algos.windows import leaves_of_others, outside, without_market
from quietfill.domain.types import SECOND, Quantity, Timestamp, iso_time, price_float, quantity_from

if TYPE_CHECKING:
    from quietfill.algos.base import ChildView, ParentView
    from quietfill.domain.types import Price
    from quietfill.market.view import MarketView


class IcebergParams(AlgoParams, frozen=True, kw_only=True):
    """Parameters of the iceberg and those that every algo has; the rest is abandoned unless stated otherwise.

    Attributes:
        display_size: size shown at a time, in shares, contracts or coins; rounded to whole lots, at least one.
        variance_pct: share of the display size (0-1) by which each tip is larger or smaller, drawn from the order
            id and the tip's number.
        min_replenish_seconds: least time between the end of one tip and the start of the next.
        price_offset_ticks: ticks from the near touch, positive towards the far touch; it never crosses. An order
            with a limit price stands at that instead.
        rest: what to do with what is left at the end.
    """

    display_size: Decimal
    variance_pct: Annotated[float, Meta(ge=0, le=1)] = 0.2
    min_replenish_seconds: Annotated[float, Meta(ge=0, le=86_400)] = 1.0
    price_offset_ticks: Annotated[int, Meta(ge=-10_000, le=10_000)] = 0
    rest: Rest = Rest.ABANDON

    @property
    def display_quantity(self) -> Quantity:
        """The size shown at a time."""
        return quantity_from(self.display_size, "display_size")


class Iceberg:
    """Show one tip of about the display size at a time; when it is done, show the next one a little later.

    A tip stands at the order's limit price, else at the near touch and moves with it. Without either there is
    no price, and it waits.
    """

    Params = IcebergParams

    def plan(self, order: ParentView, market: MarketView, now: Timestamp) -> Plan:
        """Return the tip that should show."""
        if (idle := outside(order, now)) is not None:
            return idle
        tip = next((child for child in order.working if child.leaves > 0), None)
        key = f"tip{order.children_count}" if tip is None else tip.key
        until = last_moment(order)
        if now >= until:
            return complete(order, market, key)
        params = order.params
        assert isinstance(params, IcebergParams)
        if tip is None and (shows_at := _shows_at(order, params)) > now:
            return Plan(wake_at=min(until, shows_at), why=f"the next tip shows at {iso_time(shows_at)}")
        free = order.leaves - leaves_of_others(order, key)
        quantity = _next_size(order, params, free) if tip is None else min(tip.leaves, free)
        limit = limit_on_tick(order)
        if limit is not None:
            return _at_limit(order, market, Slice(key, quantity, limit), limit, until)
        return _at_touch(market, order, tip, Slice(key, quantity, None), until)


def tip_size(order_id: str, number: int, display: Quantity, variance: float, lot: Quantity) -> Quantity:
    """Return the size of one tip: uniform within *display* +- *variance*, in whole lots, at least one.

    Always the same for the same order and number, in every process and after a restart.
    """
    draw = int.from_bytes(blake2b(f"{order_id}:{number}".encode(), digest_size=8, person=b"iceberg tip").digest())
    half = int(display * variance)
    size = display - half + (2 * half * draw >> 64)
    return lot * max(1, (size + lot // 2) // lot)


def _shows_at(order: ParentView, params: IcebergParams) -> Timestamp:
    ended_at = order.last_child_ended_at
    return order.start if ended_at is None else ended_at + round(params.min_replenish_seconds * SECOND)


def _next_size(order: ParentView, params: IcebergParams, free: Quantity) -> Quantity:
    lot = order.instrument.lot
    size = tip_size(order.order_id, order.children_count, params.display_quantity, params.variance_pct, lot)
    return free if free - size < lot else size  # no rest that is too small to show


def _at_limit(order: ParentView, market: MarketView, tip: Slice, limit: Price, wake_at: Timestamp) -> Plan:
    far, sign = market.far(order.side), order.side.sign
    crossing = far is not None and sign * far <= sign * limit
    why = f"shows a tip at the limit {price_float(limit):.10g}"
    wake_when = () if market.is_tradable else appears(market)
    return Plan((Slice(tip.key, tip.quantity, limit, crossing=crossing, why=why),), wake_at, wake_when, why=why)


def _at_touch(market: MarketView, order: ParentView, shown: ChildView | None, tip: Slice, wake_at: Timestamp) -> Plan:
    if not market.is_tradable:
        return without_market(market, shown, tip.quantity, wake_at)
    offset = order.params.price_offset_ticks
    priced = beside(order, market, offset, None if shown is None else shown.limit_price)
    why = f"shows a tip: {priced.why}"
    return Plan((Slice(tip.key, tip.quantity, priced.price, why=why),), wake_at, priced.wake_when, why=why)
