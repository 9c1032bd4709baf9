"""Markets and orders for tests of algos, in a line each. Prices in ticks, sizes in shares, times in seconds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time

from quietfill.algos.base import AlgoParams, Plan
from quietfill.domain.instrument import Instrument, LocalSession, TickRule, TradingDay
from quietfill.domain.types import (
    PRICE_SCALE,
    QUANTITY_SCALE,
    SECOND,
    Duration,
    OrderSide,
    Price,
    Quantity,
    TimeInForce,
    Timestamp,
    timestamp_from,
)
from quietfill.market.triggers import Trigger
from quietfill.market.view import Levels, MarketView

TICK: Price = PRICE_SCALE // 100
SHARE: Quantity = QUANTITY_SCALE
LOT: Quantity = 100 * SHARE
OPEN: Timestamp = timestamp_from(datetime(2023, 7, 11, 9, 30, tzinfo=UTC))

STOCK = Instrument(
    symbol="TEST",
    ticks=(TickRule(0, TICK),),
    lot=LOT,
    sessions=(LocalSession(time(9, 30), time(11, 30)), LocalSession(time(13), time(15))),
)
"""Trades 09:30-11:30 and 13:00-15:00 UTC, in lots of 100 shares and ticks of 0.01."""


def at(seconds: float) -> Timestamp:
    """Return an instant in seconds after 2023-07-11 09:30 UTC."""
    return OPEN + round(seconds * SECOND)


def ticks(count: float) -> Price:
    """Return a price of so many ticks of 0.01."""
    return round(count * TICK)


def shares(count: float) -> Quantity:
    """Return a quantity of so many shares."""
    return round(count * SHARE)


def market(
    bids: Sequence[tuple[float, float]] | float | None,
    asks: Sequence[tuple[float, float]] | float | None,
    *,
    volume: float | None = 0,
    last: float | None = None,
    own_bid: bool = False,
    own_ask: bool = False,
    time: Timestamp = OPEN,
) -> MarketView:
    """Return the others' market, each side as (ticks, shares) from the best, or just the touch of 1,000 shares."""
    return MarketView(
        symbol=STOCK.symbol,
        time=time,
        bids=_levels(bids),
        asks=_levels(asks),
        last=None if last is None else ticks(last),
        volume=None if volume is None else shares(volume),
        own_bid=own_bid,
        own_ask=own_ask,
    )


def _levels(side: Sequence[tuple[float, float]] | float | None) -> Levels:
    if side is None:
        return ()
    if isinstance(side, (int, float)):
        side = [(side, 1_000)]
    return tuple((ticks(price), shares(size)) for price, size in side)


@dataclass(kw_only=True)
class Child:
    """A working child that the broker has confirmed."""

    key: str
    leaves: Quantity
    limit_price: Price | None = None
    crossing: bool = False
    requested_at: Timestamp = OPEN


@dataclass(kw_only=True)
class Order:
    """A parent order as algos see it. Unless rebased, its schedule starts with it."""

    params: AlgoParams
    order_id: str = "order-1"
    side: OrderSide = OrderSide.BUY
    quantity: Quantity = 1_000 * SHARE
    limit_price: Price | None = None
    start: Timestamp = OPEN
    end: Timestamp = OPEN + 600 * SECOND
    instrument: Instrument = STOCK
    filled: Quantity = 0
    working: tuple[Child, ...] = ()
    arrival_bid: Price | None = 999 * TICK
    arrival_ask: Price | None = 1_000 * TICK
    day_volume_at_start: Quantity | None = None
    schedule_start: Timestamp = -1
    schedule_filled: Quantity = 0
    schedule_volume: Quantity = 0
    market_volume: Quantity = 0
    children_count: int = 0
    max_slippage_bps: int = 50
    crossing_margin: Duration = 0
    profile: tuple[float, ...] | None = None
    symbol: str = STOCK.symbol
    stop_price: Price | None = None
    time_in_force: TimeInForce = TimeInForce.DAY
    memo: Mapping[str, int] = field(default_factory=dict)
    may_send: bool = True
    last_child_ended_at: Timestamp | None = None
    day: TradingDay = field(default_factory=lambda: STOCK.trading_day(date(2023, 7, 11)))

    def __post_init__(self) -> None:
        """Let the schedule start with the order unless it was rebased."""
        if self.schedule_start < 0:
            self.schedule_start = self.start

    @property
    def leaves(self) -> Quantity:
        """Quantity not filled yet."""
        return max(0, self.quantity - self.filled)


def carried_out(order: Order, plan: Plan, now: Timestamp = OPEN) -> Order:
    """Return the order as it is once the broker has confirmed everything that *plan* asks for at *now*."""
    asked = {child.key: child.requested_at for child in order.working}
    working = tuple(
        Child(
            key=piece.key,
            leaves=piece.quantity,
            limit_price=piece.limit_price,
            crossing=piece.crossing,
            requested_at=asked.get(piece.key, now),
        )
        for piece in plan.slices
    )
    return replace(order, working=working, memo=order.memo if plan.memo is None else plan.memo)


def any_meets(view: MarketView, triggers: Sequence[Trigger]) -> bool:
    """Say whether the market meets any of *triggers*."""
    return any(view.meets(trigger) for trigger in triggers)
