"""Follow a price that goes our way, and trade everything at once when it turns."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Annotated

from msgspec import Meta

from quietfill.algos.base import ParentView, Plan
from quietfill.algos.stop import trade_at_once
from quietfill.algos.stop_trigger import StopParams, nearest
from quietfill.algos.stops import Level, plan_stop
from quietfill.domain.types import Price, Timestamp, price_from

if TYPE_CHECKING:
    from quietfill.market.view import MarketView

EXTREME = "extreme"
"""The best price since the order came: the highest for a sell, the lowest for a buy."""

_BPS = 10_000


class TrailingStopParams(StopParams, frozen=True, kw_only=True):
    """How far behind the best price a trailing stop stands; exactly one of the two trails must be set.

    Attributes:
        trail_bps: distance from the best price, in bps of it.
        trail_amount: distance from the best price, in the instrument's currency.
        min_step: the level follows once the best price has improved by this much, in the instrument's currency;
            default, and at least, one tick. Each step is a record.
    """

    trail_bps: Annotated[float, Meta(gt=0, lt=10_000)] | None = None
    trail_amount: Decimal | None = None
    min_step: Decimal | None = None

    def __post_init__(self) -> None:
        """Refuse none or both of the trails, and sizes that are none."""
        if (self.trail_bps is None) == (self.trail_amount is None):
            raise ValueError("exactly one of trail_bps and trail_amount must be set")
        for name, value in (("trail_amount", self.trail_amount), ("min_step", self.min_step)):
            if value is not None and value.is_finite() and (value <= 0 or price_from(value, name) <= 0):
                raise ValueError(f"{name} must be above 0, not {value}")


class TrailingStop:
    """Trade everything at once when the price turns back from its best by the trail, collared as a stop is.

    The level follows the highest price for a sell and the lowest for a buy, in steps, and never moves back. A stop
    price, where one is stated, is the level until the trail overtakes it.
    """

    Params = TrailingStopParams

    def plan(self, order: ParentView, market: MarketView, now: Timestamp) -> Plan:
        """Return nothing until the trigger, then one slice for all leaves."""
        before = order.memo.get(EXTREME)
        extreme = _followed(order, market, before, now)
        level = Level(
            now=level_at(order, extreme),
            before=level_at(order, before),
            better=None if extreme is None else extreme - order.side.sign * _step(order, extreme),
            extreme={} if extreme is None else {EXTREME: extreme},
        )
        return plan_stop(order, market, now, level, trade_at_once)


def level_at(order: ParentView, extreme: Price | None) -> Price | None:
    """Return where a trailing stop triggers; None while no price was seen and none was stated.

    Args:
        order: the stop.
        extreme: the best price that its memo holds, if any.
    """
    if extreme is None:
        return order.stop_price
    sign = order.side.sign
    trailed = extreme + sign * _trail(_params(order), extreme)
    return trailed if order.stop_price is None else sign * min(sign * trailed, sign * order.stop_price)


def _followed(order: ParentView, market: MarketView, before: Price | None, now: Timestamp) -> Price | None:
    """Return the best price, which only moves our way and by no less than a step."""
    best = nearest(order, market) if now >= order.start else None
    if best is None or before is None:
        return best if before is None else before
    improved = order.side.sign * (before - best)
    return best if improved >= _step(order, before) else before


def _trail(params: TrailingStopParams, extreme: Price) -> Price:
    if params.trail_amount is not None:
        return price_from(params.trail_amount, "trail_amount")
    assert params.trail_bps is not None, "one of the trails is set"
    return round(abs(extreme) * params.trail_bps / _BPS)


def _step(order: ParentView, price: Price) -> Price:
    least, tick = _params(order).min_step, order.instrument.tick_at(price)
    return tick if least is None else max(tick, price_from(least, "min_step"))


def _params(order: ParentView) -> TrailingStopParams:
    params = order.params
    assert isinstance(params, TrailingStopParams)
    return params
