"""Wait for a trigger, and remember that it came.

What all stops share. Nothing works before the trigger; the trigger is put into the order's memo, with the market
at that instant, and journaled before anything is asked for: from then on the order is one like any other, and no
restart can trigger it twice. A trigger that comes while nothing can be sent (no line to the broker, a break in
trading) is latched: once sending is possible it fires if the latest valid price is still through, else the stop
is armed again and a person is told.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, TypeAlias

import msgspec

from quietfill.algos.base import TRIGGERED, Outcome, ParentView, Plan
from quietfill.algos.pricing import collar_bound
from quietfill.algos.stop_trigger import TriggerRule, follows, furthest, is_through, latest, nearest, params_of, wakes
from quietfill.algos.windows import window
from quietfill.domain.types import Price, Timestamp, iso_time, price_float

if TYPE_CHECKING:
    from collections.abc import Mapping

    from quietfill.market.view import MarketView

LATCHED = "latched_at"
"""When the trigger came while nothing could be sent."""

FIRST_VOLUME = "first_volume"
"""The day's volume at the first of two prints in a row."""

BID, ASK, PRICE = "bid", "ask", "price"
"""The touch at the trigger, where there was one, and the price that triggered."""

Memo: TypeAlias = dict[str, int]
Work: TypeAlias = "Callable[[ParentView, Mapping[str, int], MarketView, Timestamp], Plan]"
"""What a stop does once it is triggered: (order, memo, market, now) -> plan."""


class Level(msgspec.Struct, frozen=True):
    """Where a stop triggers.

    Attributes:
        now: the level; None while it is not known.
        before: the level that held while the last update's prints came.
        better: the price at which the level moves on, if it trails.
        extreme: what a trailing level must remember.
    """

    now: Price | None
    before: Price | None
    better: Price | None = None
    extreme: Mapping[str, int] = {}


def plan_stop(order: ParentView, market: MarketView, now: Timestamp, level: Level, work: Work) -> Plan:
    """Return the plan of a stop: wait, latch, or, once triggered, what *work* says."""
    if TRIGGERED in order.memo:
        return work(order, order.memo, market, now)
    if order.leaves == 0:
        return Plan(why="filled", finish=Outcome.FILLED)
    start, end = window(order)
    if now >= end:
        return Plan(why="not triggered by its end", finish=Outcome.ENDED)
    if now < start:
        return Plan(wake_at=start, why=f"watches from {iso_time(start)}")
    return _watch(order, market, now, level, work)


def reference_bound(order: ParentView, memo: Mapping[str, int]) -> Price:
    """Return the mid at the trigger +- `max_slippage_bps`, inside the limit and on tick.

    Where there was no two-sided market then, the price that triggered stands for the mid.
    """
    bid, ask = memo.get(BID, memo[PRICE]), memo.get(ASK, memo[PRICE])
    return collar_bound(order, bid, ask)


def _watch(order: ParentView, market: MarketView, now: Timestamp, level: Level, work: Work) -> Plan:
    is_open = order.day.is_open(now)
    can_act = order.may_send and is_open
    memo: Memo = {**order.memo, **level.extreme}
    alert = None
    if LATCHED in memo:
        price = latest(order, market)
        is_met = price is not None and level.now is not None and is_through(order, price, level.now)
        if can_act and price is not None and not is_met:
            since = iso_time(memo.pop(LATCHED))
            alert = f"the stop was met at {since} while nothing could be sent; the price is back, it is armed again"
    else:
        is_met = _is_met(order, market, level, memo)
        if is_met and not can_act:
            memo[LATCHED] = now
            alert = f"the stop was met at {iso_time(now)} while nothing can be sent"
    if is_met and can_act:
        return _fire(order, market, now, level, work)
    # A latched level waits for the line or the open, not for the market; one that trails still follows.
    is_held = LATCHED in memo and not can_act
    wake_when = follows(order, market, level.better) if is_held else wakes(order, market, level.now, level.better)
    return Plan(
        wake_at=window(order)[1] if is_open else min(opens for opens, _ in order.day.spans if opens > now),
        wake_when=wake_when,
        why="watches for its level" if level.now is None else f"watches for {_text(level.now)}",
        alert=alert or _lack(order, market, level),
        memo=memo if memo != order.memo else None,
    )


def _lack(order: ParentView, market: MarketView, level: Level) -> str | None:
    """Say what is missing when a stop that may be met can never trigger."""
    price = latest(order, market)
    is_through_now = price is not None and level.now is not None and is_through(order, price, level.now)
    if is_through_now and params_of(order).trigger is TriggerRule.DOUBLE_LAST and market.volume is None:
        return "two prints in a row cannot be counted: the feed gives no volume"
    return None


def _is_met(order: ParentView, market: MarketView, level: Level, memo: Memo) -> bool:
    """Say whether the last update triggers; a first print of two in a row is noted in *memo*."""
    price = latest(order, market)
    if params_of(order).trigger is TriggerRule.DOUBLE_LAST:
        return price is not None and level.now is not None and _is_second(order, market, price, level.now, memo)
    if price is not None and level.now is not None and is_through(order, price, level.now):
        return True
    far = furthest(order, market)
    return far is not None and level.before is not None and is_through(order, far, level.before)


def _is_second(order: ParentView, market: MarketView, price: Price, level: Price, memo: Memo) -> bool:
    """Say whether two prints in a row are through; a price that somebody vouches for needs no second.

    Prints are told apart by the day's volume, which a restart does not start anew.
    """
    if not is_through(order, price, level):
        memo.pop(FIRST_VOLUME, None)
        return False
    if market.last_trusted:
        return True
    if market.volume is None:
        return False
    first = memo.get(FIRST_VOLUME)
    if first is None or market.volume < first:
        memo[FIRST_VOLUME] = market.volume
        return False
    near = nearest(order, market)
    if market.volume > first and near is not None and not is_through(order, near, level):
        memo[FIRST_VOLUME] = market.volume  # one in between was not: the count starts again
        return False
    return market.volume > first


def _fire(order: ParentView, market: MarketView, now: Timestamp, level: Level, work: Work) -> Plan:
    price = latest(order, market)
    far = furthest(order, market)
    if price is None or level.now is None or not is_through(order, price, level.now):
        price = far
    assert price is not None, "a stop is met by a price"
    memo: Memo = {**level.extreme, TRIGGERED: now, PRICE: price}
    if market.is_tradable:
        memo |= {BID: market.bids[0][0], ASK: market.asks[0][0]}
    plan = work(order, memo, market, now)
    met = f"triggered at {_text(price)} by {params_of(order).trigger}"
    slices = tuple(msgspec.structs.replace(piece, why=f"{met}; {piece.why}") for piece in plan.slices)
    return msgspec.structs.replace(plan, slices=slices, memo=memo, why=f"{met}; {plan.why}")


def _text(price: Price) -> str:
    return f"{price_float(price):.10g}"
