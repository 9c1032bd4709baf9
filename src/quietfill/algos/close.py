"""Trade at the price of the close: into the closing auction, or in the last minutes before it."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

from msgspec import Meta

from quietfill.algos.base import Outcome, ParentView, Plan, Slice
from quietfill.algos.pricing import limit_on_tick
from quietfill.algos.schedule import Schedule, ScheduleParams, work
from quietfill.algos.windows import as_working, outside, window
from quietfill.domain.types import MINUTE, TimeInForce, iso_time

if TYPE_CHECKING:
    from quietfill.domain.types import Quantity, Timestamp
    from quietfill.market.view import MarketView


class CloseStyle(StrEnum):
    """How the close is traded."""

    CONTINUOUS = "continuous"
    """In the last minutes of continuous trading, more and more towards the end."""
    AUCTION = "auction"
    """In the closing auction, by market-on-close or, with a limit price, limit-on-close orders."""


class CloseParams(ScheduleParams, frozen=True, kw_only=True):
    """How the close is traded; pacing, and the parameters that every algo has.

    Attributes:
        style: in the last minutes of continuous trading, or in the closing auction.
        minutes: continuous style: how much trading time before the end it is worked in.
        weight: continuous style: share x of that time does the share x ^ weight; 1 is even, with 2 the rate rises in
            a straight line from nothing.
        cutoff_minutes: auction style: how long before the end of continuous trading the venue takes the last order,
            change or cancel for the auction. Nothing is asked for after it.
        auction_minutes: auction style: how long after the end of continuous trading the auction's word is awaited.
    """

    style: CloseStyle = CloseStyle.CONTINUOUS
    minutes: Annotated[float, Meta(gt=0, le=1_440)] = 10.0
    weight: Annotated[float, Meta(ge=1, le=10)] = 2.0
    cutoff_minutes: Annotated[float, Meta(ge=0, le=1_440)] = 10.0
    auction_minutes: Annotated[float, Meta(ge=0, le=1_440)] = 15.0


class Close:
    """Trade close to the closing price: weighted to the end of continuous trading, or in the closing auction.

    In the auction style everything is sent at once as market-on-close, or limit-on-close where there is a limit
    price, and left alone from the venue's cut-off on. An auction order that the venue refuses is not sent again.
    """

    Params = CloseParams

    def plan(self, order: ParentView, market: MarketView, now: Timestamp) -> Plan:
        """Return the slice in which *now* falls, or what the auction is to have."""
        params = order.params
        assert isinstance(params, CloseParams)
        if params.style is CloseStyle.AUCTION:
            return _auction(order, params, now)
        return _continuous(order, params, market, now)


def _continuous(order: ParentView, params: CloseParams, market: MarketView, now: Timestamp) -> Plan:
    if (idle := outside(order, now)) is not None:
        return idle
    first, end = order.day.spans[0][0], window(order)[1]
    begin = order.day.after(first, max(0, order.day.elapsed(first, end) - round(params.minutes * MINUTE)))
    if now < begin:
        return Plan(wake_at=begin, why=f"works from {iso_time(begin)}")

    def cumulative(schedule: Schedule, number: int) -> Quantity:
        lot = order.instrument.lot
        lots = (order.quantity - order.schedule_filled) // lot
        done: float = (schedule.boundary(number) / schedule.span) ** params.weight
        return lot * round(lots * done)

    return work(order, market, now, params, cumulative, begin=begin)


def _auction(order: ParentView, params: CloseParams, now: Timestamp) -> Plan:
    if order.leaves == 0:
        return Plan(why="filled", finish=Outcome.FILLED)
    if now < order.start:
        return Plan(wake_at=order.start, why=f"starts at {iso_time(order.start)}")
    close = order.day.spans[-1][1]
    cutoff = close - round(params.cutoff_minutes * MINUTE)
    if order.working and now >= cutoff:
        return _awaiting(order, now, close + round(params.auction_minutes * MINUTE))
    over = _over(order, cutoff, now)
    if over is not None:
        return Plan(as_working(order), why=over, finish=Outcome.ENDED, alert=over)
    return Plan(_pieces(order), cutoff, why="for the closing auction")


def _awaiting(order: ParentView, now: Timestamp, silence: Timestamp) -> Plan:
    """Return the plan from the cut-off on: what works is left alone, past the end of continuous trading too."""
    if now >= silence:
        why = "the closing auction gave no word"
        return Plan(why=why, finish=Outcome.ENDED, alert=why)
    is_late = now >= order.end
    finish = Outcome.ENDED if is_late else None
    return Plan(as_working(order), silence if is_late else order.end, why="awaits the closing auction", finish=finish)


def _over(order: ParentView, cutoff: Timestamp, now: Timestamp) -> str | None:
    """Return why nothing more can be sent for the auction, if so."""
    ended_at = order.last_child_ended_at
    if ended_at is not None and ended_at >= order.schedule_start:  # not by a pause or an amendment of ours
        return "the venue ended the closing auction's order; it is not sent again"
    if order.end < cutoff:
        return f"the order ends at {iso_time(order.end)}, before the closing auction"
    return f"the cut-off at {iso_time(cutoff)} has passed: nothing more is sent" if now >= cutoff else None


def _pieces(order: ParentView) -> tuple[Slice, ...]:
    """Return everything as orders for the auction, none larger than the largest child."""
    most = order.params.max_child_quantity
    largest = max(order.instrument.lot, order.instrument.whole_lots(most or order.quantity))
    limit = limit_on_tick(order)
    return tuple(
        Slice(f"auction{number}", min(largest, order.leaves - sent), limit, TimeInForce.MOC)
        for number, sent in enumerate(range(0, order.leaves, largest), start=1)
    )
