"""Wait for a price, then trade everything at once."""

from __future__ import annotations

from typing import TYPE_CHECKING

from quietfill.algos.base import ParentView, Plan
from quietfill.algos.market import ALL, marketable
from quietfill.algos.stop_trigger import StopParams
from quietfill.algos.stops import Level, plan_stop, reference_bound
from quietfill.algos.windows import leaves_of_others, outside, window

if TYPE_CHECKING:
    from collections.abc import Mapping

    from quietfill.domain.types import Timestamp
    from quietfill.market.view import MarketView


class Stop:
    """Trade everything at once when the price goes through the stop price, collared at the mid of that instant.

    A buy stop triggers at or above its stop price, a sell stop at or below; already through triggers at once. The
    collar is the mid at the trigger +- `max_slippage_bps` and the order's limit; what it leaves rests there.
    """

    Params = StopParams

    def plan(self, order: ParentView, market: MarketView, now: Timestamp) -> Plan:
        """Return nothing until the trigger, then one slice for all leaves."""
        return plan_stop(order, market, now, Level(order.stop_price, order.stop_price), trade_at_once)


def trade_at_once(order: ParentView, memo: Mapping[str, int], market: MarketView, now: Timestamp) -> Plan:
    """Return one slice for all leaves, marketable up to the collar at the trigger."""
    if (idle := outside(order, now)) is not None:
        return idle
    quantity = order.leaves - leaves_of_others(order, ALL)
    return marketable(order, market, reference_bound(order, memo), quantity, window(order)[1])
