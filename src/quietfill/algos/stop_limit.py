"""Wait for a price, then rest at the limit."""

from __future__ import annotations

from typing import TYPE_CHECKING

from quietfill.algos.base import ParentView, Plan
from quietfill.algos.limit import Limit
from quietfill.algos.stop_trigger import StopParams
from quietfill.algos.stops import Level, plan_stop

if TYPE_CHECKING:
    from collections.abc import Mapping

    from quietfill.domain.types import Timestamp
    from quietfill.market.view import MarketView

_LIMIT = Limit()


class StopLimit:
    """Place a limit order for everything when the price goes through the stop price.

    Triggers as a stop does. What cannot trade at the limit waits there until the end of the order: a price that
    gaps through both leaves it unfilled.
    """

    Params = StopParams

    def plan(self, order: ParentView, market: MarketView, now: Timestamp) -> Plan:
        """Return nothing until the trigger, then one slice at the limit."""
        return plan_stop(order, market, now, Level(order.stop_price, order.stop_price), _rest)


def _rest(order: ParentView, _memo: Mapping[str, int], market: MarketView, now: Timestamp) -> Plan:
    return _LIMIT.plan(order, market, now)
