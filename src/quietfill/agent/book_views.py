"""Public dictionaries about books, queues, crossing and fills, made from the others' market. Nothing is sent here."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING, Any

from quietfill.domain.types import (
    PRICE_SCALE,
    QUANTITY_SCALE,
    SECOND,
    OrderSide,
    Price,
    Quantity,
    Timestamp,
    datetime_of,
    price_float,
    quantity_float,
    quantity_number,
)
from quietfill.market.arguments import not_negative, share
from quietfill.market.depth import imbalance, microprice, vwap_to_size
from quietfill.market.queue_place import QueueOdds, fill_odds, price_volatility, queue_place
from quietfill.market.spread import WaitingCase, choose

if TYPE_CHECKING:
    from quietfill.domain.instrument import Instrument
    from quietfill.market.queue_flow import Flow
    from quietfill.market.view import Levels, MarketView

HORIZON_MINUTES = 5.0
"""Horizon of `fill_probability_5min`."""

_NO_CHOICE = (
    "spread_cost_bps",
    "spread_saved_bps",
    "expected_queue_time_min",
    "expected_queue_cost_bps",
    "left_behind_probability",
    "net_benefit_bps",
)


def book_analysis(view: MarketView, now: Timestamp) -> dict[str, Any] | None:
    """Return what the others' book says; None when there is none."""
    if not view.bids and not view.asks:
        return None
    twice = view.mid_twice
    return {
        "symbol": view.symbol,
        "timestamp": datetime_of(view.time),
        "age": max(0, now - view.time) / SECOND,
        "best_bid": _price(view.best_bid),
        "best_ask": _price(view.best_ask),
        "mid_price": None if twice is None else twice / 2 / PRICE_SCALE,
        "microprice": microprice(view.bids, view.asks),
        "spread_bps": spread_bps(view),
        "is_locked": twice is not None and view.best_bid == view.best_ask,
        "is_crossed": twice is not None and not view.is_tradable and view.best_bid != view.best_ask,
        "depth": {
            "bid_depth_5": _depth(view.bids[:5]),
            "ask_depth_5": _depth(view.asks[:5]),
            "bid_depth_10": _depth(view.bids[:10]),
            "ask_depth_10": _depth(view.asks[:10]),
            "total_bid_depth": _depth(view.bids),
            "total_ask_depth": _depth(view.asks),
        },
        "imbalance": {
            "imbalance_5": imbalance(view.bids, view.asks, 5),
            "imbalance_10": imbalance(view.bids, view.asks, 10),
        },
        "bid_levels": len(view.bids),
        "ask_levels": len(view.asks),
    }


def execution_cost(
    view: MarketView, side: OrderSide, quantity: Quantity, instrument: Instrument | None
) -> dict[str, Any] | None:
    """Return what taking *quantity* from the others' book now would cost against the mid; None without a book."""
    if not view.bids and not view.asks:
        return None
    levels, twice = view.far_levels(side), view.mid_twice
    vwap, filled = vwap_to_size(levels, quantity)
    value = _value(levels, filled)
    slip = None if twice is None or not filled else side.sign * (Fraction(value, filled) - Fraction(twice, 2))
    multiplier = 1 if instrument is None else instrument.multiplier
    cost = None if slip is None else float(slip * filled * multiplier / (PRICE_SCALE * QUANTITY_SCALE))
    return {
        "symbol": view.symbol,
        "side": side.value,
        "target_quantity": quantity_number(quantity),
        "expected_fill": quantity_number(filled),
        "expected_vwap": vwap if filled else None,
        "mid_price": None if twice is None else twice / 2 / PRICE_SCALE,
        "slippage_bps": None if slip is None or not twice else float(20_000 * slip / abs(twice)),
        "slippage_cost": cost,
        "is_fully_marketable": filled == quantity,
        "fill_rate": filled / quantity,
        "spread_bps": spread_bps(view),
    }


def crossing_choice(
    view: MarketView,
    side: OrderSide,
    urgency: float,
    *,
    opportunity_cost_bps: float | None,
    flow: Flow | None,
    volatility_bps: float | None,
) -> dict[str, Any]:
    """Return whether to cross, and the figures behind it; without a two-sided book, that it does not and why."""
    hurry = share(urgency, "urgency")
    if opportunity_cost_bps is not None:
        not_negative(opportunity_cost_bps, "opportunity_cost_bps")
    told = {"symbol": view.symbol, "side": side.value, "urgency": hurry}
    balance = imbalance(view.bids, view.asks) if view.bids or view.asks else None
    width = spread_bps(view)
    if not view.is_tradable or width is None:
        unknown = dict.fromkeys(_NO_CHOICE)
        return {"should_cross": False, "reason": _why_not(view), **unknown, "book_imbalance": balance, **told}
    case = WaitingCase(
        spread_bps=width,
        ahead=quantity_float(view.near_levels(side)[0][1]),
        opposite=quantity_float(view.far_levels(side)[0][1]),
        rate=None if flow is None else flow.rate(side),
        trade_size=None if flow is None else flow.trade_size(side),
        volatility_bps=volatility_bps,
        opportunity_cost_bps=opportunity_cost_bps,
    )
    choice = choose(case, hurry)
    return {
        "should_cross": choice.should_cross,
        "reason": choice.reason,
        "spread_cost_bps": choice.spread_cost_bps,
        "spread_saved_bps": choice.spread_saved_bps,
        "expected_queue_time_min": choice.queue_minutes,
        "expected_queue_cost_bps": choice.queue_cost_bps,
        "left_behind_probability": choice.left_behind,
        "net_benefit_bps": choice.net_benefit_bps,
        "book_imbalance": balance,
        **told,
    }


def queue_estimate(
    view: MarketView,
    side: OrderSide,
    size: Quantity,
    price: Price | None,
    *,
    flow: Flow | None,
    volatility_bps: float | None,
) -> dict[str, Any]:
    """Return where an order would stand among the others' and when it would have traded; None where not known."""
    place = queue_place(view, side, price) if view.bids or view.asks else None
    rate = None if flow is None else flow.rate(side)
    odds = QueueOdds(None, None)
    if place is not None:
        odds = fill_odds(
            place,
            size,
            HORIZON_MINUTES,
            rate=rate,
            trade_size=None if flow is None else flow.trade_size(side),
            volatility=price_volatility(volatility_bps, view.mid_twice),
        )
    return {
        "symbol": view.symbol,
        "side": side.value,
        "size": quantity_number(size),
        "price": _price(price if place is None else place.price),
        "at_nbbo": None if place is None else place.is_at_touch,
        "queue_position": None if place is None else quantity_number(place.at_level),
        "queue_depth_ahead": None if place is None else quantity_number(place.ahead),
        "nbbo_depth": None if place is None else quantity_number(place.touch_depth),
        "estimated_fill_rate": rate,
        "estimated_fill_time_min": odds.minutes,
        "fill_probability_5min": odds.probability,
    }


def spread_bps(view: MarketView) -> float | None:
    """Return the spread in bps of the mid's magnitude, negative when crossed; None without two sides or at mid 0."""
    bid, ask = view.best_bid, view.best_ask
    if bid is None or ask is None or bid + ask == 0:
        return None
    return 20_000 * (ask - bid) / abs(bid + ask)


def _why_not(view: MarketView) -> str:
    if not view.bids and not view.asks:
        return "no_book_data"
    if not view.bids or not view.asks:
        return "one_sided_book"
    return "mid_is_zero" if view.is_tradable else "locked_or_crossed_book"


def _price(price: Price | None) -> float | None:
    return None if price is None else price_float(price)


def _depth(levels: Levels) -> int | float:
    return quantity_number(sum(size for _, size in levels))


def _value(levels: Levels, quantity: Quantity) -> int:
    """Return price x quantity of the first *quantity* of *levels*, exactly."""
    value = 0
    for price, size in levels:
        taken = min(size, quantity)
        value += price * taken
        quantity -= taken
    return value
