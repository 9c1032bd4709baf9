"""Work a quantity along a clock: slices in trading time, each from the near touch to mid to across.

TWAP and VWAP differ only in how much should be done by the end of a slice. All else is here: where
slices begin and end, what is due, and at which stage a slice is. A plan asks for "scheduled
cumulative minus filled", so what an earlier slice could not do, and what came late, is simply in the
difference; nothing is remembered.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum
from functools import lru_cache
from hashlib import blake2b
from typing import TYPE_CHECKING, Annotated, TypeAlias

import msgspec
from msgspec import Meta

from quietfill.algos.base import AlgoParams, ChildView, Plan, Rest, Slice
from quietfill.algos.pricing import Priced, cross, inside, rest
from quietfill.algos.windows import child_of, leaves_of_others, outside, window, without_market
from quietfill.domain.instrument import TradingDay
from quietfill.domain.types import MILLISECOND, SECOND, Duration, Quantity, Timestamp

if TYPE_CHECKING:
    from quietfill.algos.base import ParentView
    from quietfill.market.view import MarketView

LEAST_CROSSING_SHARE = 100
"""A slice keeps at least one in this many of its length for crossing: an answer must come before its end."""

MOST_CROSSING_SHARE = 4
"""An inner slice gives at most one in this many of its length to crossing; the last one what it needs."""

Cumulative: TypeAlias = "Callable[[Schedule, int], Quantity]"
"""How much should be done since the schedule's start by the end of slice k, in whole lots."""


class ScheduleParams(AlgoParams, frozen=True, kw_only=True):
    """What paces a scheduled algo.

    Attributes:
        slice_seconds: trading time of one slice.
        jitter: share of a slice by which inner slice ends move, half of it each way, drawn from the order id.
        discretion: share of a slice spent resting at the near touch; then mid, and across before the slice's end.
            urgency bends it: 0.5 takes it as stated, 0 rests to the deadline, 1 crosses at once.
    """

    slice_seconds: Annotated[float, Meta(gt=0, le=86_400)] = 60.0
    jitter: Annotated[float, Meta(ge=0, lt=1)] = 0.2
    discretion: Annotated[float, Meta(ge=0, le=1)] = 0.7


class Stage(StrEnum):
    """How far a slice has stepped in."""

    PASSIVE = "passive"
    MID = "mid"
    CROSS = "cross"


class Schedule(msgspec.Struct, frozen=True):
    """The time side of a scheduled order. Times inside are trading ns since its start: breaks do not count.

    Attributes:
        start, end: the window in continuous trading.
        span: trading time between them.
        count: number of slices.
        jitter: as the parameter.
    """

    order_id: str
    day: TradingDay
    start: Timestamp
    end: Timestamp
    span: Duration
    count: int
    jitter: float

    @classmethod
    def of(cls, order: ParentView, params: ScheduleParams, begin: Timestamp | None = None) -> Schedule:
        """Lay out what is left when the schedule was last rebased over the window that was left then.

        *begin* is where it starts within that window; None is at once.
        """
        smallest = max(order.instrument.lot, params.min_child_quantity)
        most = (order.quantity - order.schedule_filled) // smallest
        start, end = window(order)
        start = start if begin is None else max(start, begin)
        return _laid_out(order.order_id, order.day, start, end, most, params.slice_seconds, params.jitter)

    def boundary(self, number: int) -> Duration:
        """Return when slice *number* (from 1) ends; 0 for number 0."""
        if number <= 0:
            return 0
        if number >= self.count:
            return self.span
        shift = (_draw(self.order_id, number) - 0.5) * self.jitter * self.span / self.count
        return self.span * number // self.count + int(shift)

    def slice_at(self, elapsed: Duration) -> int:
        """Return the number of the slice in which *elapsed* falls, from 1."""
        number = min(self.count, elapsed * self.count // self.span + 1)
        if elapsed >= self.boundary(number):  # jitter moves an end by less than half a slice
            return min(self.count, number + 1)
        return number - 1 if elapsed < self.boundary(number - 1) else number

    def elapsed(self, now: Timestamp) -> Duration:
        """Return the trading time since the start."""
        return self.day.elapsed(self.start, now)

    def instant(self, elapsed: Duration) -> Timestamp:
        """Return when *elapsed* trading time has passed."""
        return self.day.after(self.start, elapsed)

    def key(self, order: ParentView, number: int) -> str:
        """Return the key of a slice, never the same again after a rebase."""
        rebased = order.schedule_start - order.start
        return f"s{number}" if rebased == 0 else f"s{number}@{rebased // MILLISECOND}ms"


@lru_cache(maxsize=1024)
def _laid_out(
    order_id: str, day: TradingDay, start: Timestamp, end: Timestamp, most: int, slice_seconds: float, jitter: float
) -> Schedule:
    """Lay a schedule out once: it is asked for at every look at an order and changes only when terms do."""
    span = day.elapsed(start, end)
    count = -(-span // max(1, int(slice_seconds * SECOND)))
    return Schedule(order_id, day, start, end, span, max(1, min(count, most)), jitter)


def even_share(lots: int, number: int, count: int) -> int:
    """Return round-half-even(lots x number / count) without leaving the integers: never falls as *number* grows."""
    whole, rest_of_it = divmod(2 * lots * number + count, 2 * count)
    return whole - 1 if rest_of_it == 0 and whole % 2 else whole


def stage_at(
    schedule: Schedule, number: int, elapsed: Duration, params: ScheduleParams, margin: Duration
) -> tuple[Stage, Duration]:
    """Return the stage of slice *number* and when the next one begins, in trading time since the start.

    The slice's deadline is its end less the time that crossing needs, so that it is done by its end. With
    patience share p = discretion ** (u / (1 - u)) and crossing share x = min(1, 2 (1 - u)) of the time to
    the deadline, u the urgency, it rests until p, stands at mid until x, and then crosses.
    """
    begin, end = schedule.boundary(number - 1), schedule.boundary(number)
    last = number == schedule.count
    deadline = max(begin, end - _crossing_time(end - begin, margin, last=last))
    cross_from = begin + int((deadline - begin) * min(1.0, 2 * (1 - params.urgency)))
    rest_until = min(cross_from, begin + int((deadline - begin) * _patience(params)))
    if elapsed < rest_until:
        return Stage.PASSIVE, rest_until
    if last and params.rest is not Rest.COMPLETE:
        return Stage.MID, end
    if elapsed < cross_from:
        return Stage.MID, cross_from
    return Stage.CROSS, end


def work(
    order: ParentView,
    market: MarketView,
    now: Timestamp,
    params: ScheduleParams,
    cumulative: Cumulative,
    *,
    drift: Quantity = 0,
    begin: Timestamp | None = None,
) -> Plan:
    """Return the plan of a scheduled algo: at most one child, that of the slice in which *now* falls.

    Args:
        order: the parent order.
        market: the others' market.
        now: the time.
        params: what paces it.
        cumulative: how much should be done by the end of a slice.
        drift: a working child is not resized, and a second child of a slice not started, for less than this.
        begin: where the schedule starts within the order's window; *now* is not before it.
    """
    if (idle := outside(order, now)) is not None:
        return idle
    schedule = Schedule.of(order, params, begin)
    elapsed = schedule.elapsed(now)
    number = schedule.slice_at(elapsed)
    key = schedule.key(order, number)
    child = child_of(order, key)
    last = number == schedule.count
    quantity = due(order, cumulative(schedule, number), key, child, last=last)
    stage, until = stage_at(schedule, number, elapsed, params, order.crossing_margin)
    name = f"slice {number} of {schedule.count}"
    if quantity <= 0 or (child is None and not last and quantity < drift):
        done = schedule.instant(schedule.boundary(number))
        return Plan(wake_at=done, why=f"{name} is done")
    wake_at = schedule.instant(until)
    if not market.is_tradable:
        return without_market(market, child, quantity, wake_at)
    priced = price_for(stage, order, market, quantity, child)
    if child is not None and not last and child.limit_price == priced.price and abs(quantity - child.leaves) <= drift:
        quantity = child.leaves
    why = f"{name} {priced.why}"
    piece = Slice(key, quantity, priced.price, crossing=priced.crossing, why=why)
    return Plan((piece,), wake_at, priced.wake_when, why=why, alert=priced.alert)


def due(order: ParentView, scheduled: Quantity, key: str, child: ChildView | None, *, last: bool) -> Quantity:
    """Return the leaves that a slice should have: scheduled since the rebase, less filled, less other children's.

    A child grows and shrinks in whole lots, so that a partial fill alone never changes it; an odd rest
    goes whole into the last slice where the venue takes odd lots.
    """
    left = order.leaves - leaves_of_others(order, key)
    if last and order.instrument.odd_lots:
        return max(0, left)
    wanted = min(left, order.schedule_filled + scheduled - order.filled - leaves_of_others(order, key))
    base = 0 if child is None else child.leaves
    return max(0, base + order.instrument.whole_lots(wanted - base))


def price_for(
    stage: Stage, order: ParentView, market: MarketView, quantity: Quantity, child: ChildView | None
) -> Priced:
    """Return where a slice stands at *stage*."""
    current = None if child is None else child.limit_price
    if stage is Stage.PASSIVE:
        return rest(order, market, current)
    if stage is Stage.MID:
        return inside(order, market, current)
    return cross(order, market, quantity, current)


def _crossing_time(length: Duration, margin: Duration, *, last: bool) -> Duration:
    needed = max(margin, length // LEAST_CROSSING_SHARE)
    return needed if last else min(needed, length // MOST_CROSSING_SHARE)


def _patience(params: ScheduleParams) -> float:
    if params.urgency >= 1:
        return 0.0
    share: float = params.discretion ** (params.urgency / (1 - params.urgency))
    return share


@lru_cache(maxsize=4096)
def _draw(order_id: str, number: int) -> float:
    """Return a number in [0, 1) that depends on nothing but the order's id and the slice's number."""
    return int.from_bytes(blake2b(f"{order_id}/{number}".encode(), digest_size=6).digest(), "big") / 2**48
