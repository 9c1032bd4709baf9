"""What a stop looks at, and when that is through its level.

A buy stop is met at or above its level, a sell stop at or below. To say each rule once, prices are compared as
the stop's side sees them: times +1 for a buy and -1 for a sell, so that further up is always further through.
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

from msgspec import Meta

from quietfill.algos.base import AlgoParams
from quietfill.algos.pricing import UNBOUNDED, appears
from quietfill.domain.types import OrderSide, Price
from quietfill.market.triggers import LastThrough, MidLeaves, TouchLeaves, Trigger, VolumeReaches

if TYPE_CHECKING:
    from quietfill.algos.base import ParentView
    from quietfill.market.view import MarketView

_BPS = 10_000


class TriggerRule(StrEnum):
    """Which price triggers a stop."""

    LAST = "last"
    """A print."""
    BID_ASK = "bid_ask"
    """The touch that the order would trade at: the bid for a sell, the ask for a buy."""
    MID = "mid"
    """The middle of bid and ask."""
    DOUBLE_LAST = "double_last"
    """Two prints in a row."""


class StopParams(AlgoParams, frozen=True, kw_only=True):
    """What triggers a stop, and the parameters that every algo has.

    Attributes:
        trigger: the price that is looked at: a print, the touch on the side that hurts, the mid, or two prints in a
            row. Needs a feed with volume for two prints in a row.
        max_tick_bps: a print that is outside the touch and further than this from the mid is taken for a bad tick
            and ignored, as is any print while there is no mid. Never applied to prices from `update_price`.
    """

    trigger: TriggerRule = TriggerRule.LAST
    max_tick_bps: Annotated[float, Meta(gt=0)] | None = 100.0


def params_of(order: ParentView) -> StopParams:
    """Return a stop's parameters."""
    params = order.params
    assert isinstance(params, StopParams)
    return params


def is_through(order: ParentView, price: Price, level: Price) -> bool:
    """Say whether *price* is at or through *level*."""
    return order.side.sign * (price - level) >= 0


def looks_at_prints(order: ParentView) -> bool:
    """Whether the trigger rule looks at prints; else at quotes."""
    return params_of(order).trigger in {TriggerRule.LAST, TriggerRule.DOUBLE_LAST}


def latest(order: ParentView, market: MarketView) -> Price | None:
    """Return the price that the rule looks at, None while there is no valid one."""
    if looks_at_prints(order):
        return _valid(order, market, market.last)
    if not market.is_tradable:
        return None
    if params_of(order).trigger is TriggerRule.BID_ASK:
        return market.far(order.side)
    twice, sign = market.mid_twice, order.side.sign
    return None if twice is None else sign * (sign * twice // 2)


def furthest(order: ParentView, market: MarketView) -> Price | None:
    """Return the valid price furthest through in the last update, that one print of several included."""
    return _extreme(order, market, market.print_high if order.side is OrderSide.BUY else market.print_low)


def nearest(order: ParentView, market: MarketView) -> Price | None:
    """Return the valid price furthest away from triggering in the last update."""
    return _extreme(order, market, market.print_low if order.side is OrderSide.BUY else market.print_high)


def wakes(
    order: ParentView, market: MarketView, level: Price | None, better: Price | None = None
) -> tuple[Trigger, ...]:
    """Return what can make the rule's price reach *level*, or *better* on the favourable side.

    Args:
        order: a stop that was not triggered.
        market: the others' market.
        level: where it triggers; None while that is not known, then every price wakes.
        better: where a trailing level moves on.
    """
    if looks_at_prints(order):
        return _print_wakes(order, market, level, better)
    if level is None or not market.is_tradable:
        return appears(market)
    return (_leaves(order, better, level),)


def follows(order: ParentView, market: MarketView, better: Price | None) -> tuple[Trigger, ...]:
    """Return what can make the rule's price reach *better* on the favourable side, whatever it does on the other."""
    if better is None:
        return ()
    if looks_at_prints(order):
        return (LastThrough(better, rising=order.side is OrderSide.SELL),)
    return (_leaves(order, better, None),) if market.is_tradable else appears(market)


def _leaves(order: ParentView, better: Price | None, level: Price | None) -> Trigger:
    """Return the trigger for the rule's quote reaching either price."""
    sign = order.side.sign
    low = -UNBOUNDED if better is None else sign * better + 1
    high = UNBOUNDED if level is None else sign * level - 1
    if sign < 0:
        low, high = -high, -low
    if params_of(order).trigger is TriggerRule.MID:
        return MidLeaves(low, high)
    return TouchLeaves(order.side.opposite, low, high)


def _print_wakes(
    order: ParentView, market: MarketView, level: Price | None, better: Price | None
) -> tuple[Trigger, ...]:
    rising = order.side is OrderSide.BUY
    if level is None:
        return LastThrough(-UNBOUNDED, rising=True), *_when_valid(order, market)
    wake: list[Trigger] = [LastThrough(level, rising=rising)]
    if better is not None:
        wake.append(LastThrough(better, rising=not rising))
    if market.last is not None and is_through(order, market.last, level):
        wake += _when_valid(order, market)
        if market.volume is not None:
            wake.append(VolumeReaches(market.volume + 1))  # the next print, wherever it is
    return tuple(wake)


def _when_valid(order: ParentView, market: MarketView) -> tuple[Trigger, ...]:
    """Return what may make a print that was ignored a valid one: quotes that come, or move to where it is."""
    if market.last is None or _valid(order, market, market.last) is not None:
        return ()
    if not market.is_tradable:
        return appears(market)
    touches = ((OrderSide.BUY, market.best_bid), (OrderSide.SELL, market.best_ask))
    return tuple(TouchLeaves(side, price, price) for side, price in touches if price is not None)


def _extreme(order: ParentView, market: MarketView, extreme: Price | None) -> Price | None:
    """Return a print of the last update, if that came while the order was watching; else the latest price."""
    came_while_watching = market.time > order.schedule_start and order.day.is_open(market.time)
    if extreme is None or not came_while_watching or not looks_at_prints(order):
        return latest(order, market)
    valid = _valid(order, market, extreme)
    return latest(order, market) if valid is None else valid


def _valid(order: ParentView, market: MarketView, price: Price | None) -> Price | None:
    """Return a print unless it must be taken for a bad tick."""
    most = params_of(order).max_tick_bps
    if price is None or most is None or market.last_trusted:
        return price
    if not market.is_tradable:
        return None
    bid, ask = market.bids[0][0], market.asks[0][0]
    inside = bid <= price <= ask
    off = abs(2 * price - bid - ask) * _BPS
    return price if inside or off <= most * abs(bid + ask) else None
