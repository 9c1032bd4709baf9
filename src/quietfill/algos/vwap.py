"""Spread an order the way the market's volume is spread, as it is expected and as it comes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from msgspec import Meta

from quietfill.algos.base import Plan, Rest
from quietfill.algos.participation import capped
from quietfill.algos.schedule import Schedule, ScheduleParams, work
from quietfill.algos.windows import outside, window
from quietfill.domain.types import Quantity, Timestamp
from quietfill.market.volume import VolumeCurve, curve_of, default_curve

if TYPE_CHECKING:
    from quietfill.algos.base import ParentView
    from quietfill.market.view import MarketView

LEAST_SHARE_SEEN = 0.02
"""The day's volume so far says how busy the day is once the curve expects this much of it to be done."""

MOST_CORRECTION = 0.15
"""Live volume moves the schedule at most this far from the curve, as a share of the order."""

_DRIFT_SHARE = 4
"""A child is resized for a change of one in this many of an average slice: live volume changes with every print."""


class VwapParams(ScheduleParams, frozen=True, kw_only=True):
    """Parameters of VWAP: pacing and those that every algo has.

    Attributes:
        max_participation: most that we are of all volume since the start, unless participation_cap says
            otherwise. Softer than that one: an average slice may start before there is volume, and the last
            crossing completes the order all the same.
    """

    max_participation: Annotated[float, Meta(gt=0, le=1)] = 0.25


class Vwap:
    """Trade each slice's share of the expected volume, corrected by live volume, as passively as the slice allows.

    The curve is the instrument's own where one was set or learned, else the default of its calendar.
    Done by the end of the window; each slice rests, steps to mid, and crosses at its own deadline.
    """

    Params = VwapParams

    def plan(self, order: ParentView, market: MarketView, now: Timestamp) -> Plan:
        """Return the slice in which *now* falls."""
        if (idle := outside(order, now)) is not None:
            return idle
        params = order.params
        assert isinstance(params, VwapParams)
        expected = _Expected(order, now)

        def cumulative(schedule: Schedule, number: int) -> Quantity:
            lot = order.instrument.lot
            lots = (order.quantity - order.schedule_filled) // lot
            return lot * round(lots * expected.share_done(schedule.instant(schedule.boundary(number))))

        schedule = Schedule.of(order, params)
        average = (order.quantity - order.schedule_filled) // schedule.count
        plan = work(order, market, now, params, cumulative, drift=average // _DRIFT_SHARE)
        if params.participation_cap is not None or _completes(plan, schedule, params, order):
            return plan
        return capped(plan, order, market, params.max_participation, at_least=average)


def _completes(plan: Plan, schedule: Schedule, params: VwapParams, order: ParentView) -> bool:
    """Say whether this is the last crossing: done by the end goes before the default cap."""
    last = schedule.key(order, schedule.count)
    return params.rest is Rest.COMPLETE and any(piece.crossing and piece.key == last for piece in plan.slices)


class _Expected:
    """How much of the order should be done by when, by the curve and by what the others have traded so far.

    With w(t) the curve within the window, W the others' volume expected in it and V what they traded
    since its start, the share done by t is f = V(t) / (V(t) + W (1 - w(t))), at most `MOST_CORRECTION`
    from w(t). V at a future t is V now + W (w(t) - w(now)). W comes from the day's volume at the start:
    W = day volume (c(end) - c(start)) / c(start), c the curve over the day.
    """

    def __init__(self, order: ParentView, now: Timestamp) -> None:
        self._day = order.day
        start, end = window(order)
        self._session = order.day.elapsed(order.day.spans[0][0], order.day.spans[-1][1])
        self._curve: VolumeCurve = default_curve(self._session) if order.profile is None else curve_of(order.profile)
        self._start, self._end = self._of_day(start), self._of_day(end)
        self._x_start, self._x_end = self._x(start), self._x(end)
        self._traded = order.market_volume - order.schedule_volume
        self._expected: float | None = None
        if order.day_volume_at_start is not None and self._start >= LEAST_SHARE_SEEN:
            before = order.day_volume_at_start + order.schedule_volume
            self._expected = before * (self._end - self._start) / self._start
        self._now = self._within(now)

    def share_done(self, at: Timestamp) -> float:
        """Return the share of the schedule that should be done at *at*, 0-1."""
        planned = self._within(at)
        if not self._expected:
            return planned
        volume = self._traded + self._expected * max(0.0, planned - self._now)
        to_come = self._expected * (1 - planned)
        live = volume / (volume + to_come) if volume + to_come > 0 else planned
        return min(1.0, max(0.0, min(max(live, planned - MOST_CORRECTION), planned + MOST_CORRECTION)))

    def _within(self, at: Timestamp) -> float:
        """Return w: the share of the window's volume that the curve expects by *at*."""
        if self._end > self._start:
            return (self._of_day(at) - self._start) / (self._end - self._start)
        # The curve expects nothing in the whole window: a straight line is all that is left to follow.
        span = self._x_end - self._x_start
        return (self._x(at) - self._x_start) / span if span > 0 else 1.0

    def _of_day(self, at: Timestamp) -> float:
        return self._curve.share(self._x(at))

    def _x(self, at: Timestamp) -> float:
        return self._day.elapsed(self._day.spans[0][0], at) / self._session
