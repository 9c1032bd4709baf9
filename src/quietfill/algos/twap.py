"""Spread an order evenly over its window."""

from __future__ import annotations

from typing import TYPE_CHECKING

from quietfill.algos.schedule import Schedule, ScheduleParams, even_share, work

if TYPE_CHECKING:
    from quietfill.algos.base import ParentView, Plan
    from quietfill.domain.types import Quantity, Timestamp
    from quietfill.market.view import MarketView


class TwapParams(ScheduleParams, frozen=True, kw_only=True):
    """Parameters of TWAP: pacing and those that every algo has."""


class Twap:
    """Trade the same number of lots in each slice of trading time, as passively as the slice allows.

    Each slice rests at the near touch, steps to mid, and crosses at its own deadline.
    """

    Params = TwapParams

    def plan(self, order: ParentView, market: MarketView, now: Timestamp) -> Plan:
        """Return the slice in which *now* falls."""
        params = order.params
        assert isinstance(params, TwapParams)

        def cumulative(schedule: Schedule, number: int) -> Quantity:
            lot = order.instrument.lot
            return lot * even_share((order.quantity - order.schedule_filled) // lot, number, schedule.count)

        return work(order, market, now, params, cumulative)
