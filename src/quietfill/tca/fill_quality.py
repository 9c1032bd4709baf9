"""How fills came about: at what cost to the spread, resting or crossing, better or worse than their slice's start."""

from __future__ import annotations

from fractions import Fraction
from math import fsum
from typing import TYPE_CHECKING, Any

from quietfill.domain.order import FillCategory
from quietfill.domain.types import (
    Liquidity,
    OrderSide,
    Price,
    Quantity,
    quantity_number,
)
from quietfill.tca.benchmarks import in_currency, row_before
from quietfill.tca.shortfall import bps_above

if TYPE_CHECKING:
    from collections.abc import Sequence

    from quietfill.market.history import MarketHistory
    from quietfill.tca.children import BookedFill, ChildLedger
    from quietfill.tca.ledger import OrderLedger

MIDPOINT_BAND = Fraction(1, 10)
"""A fill within this share of the spread on either side of the mid is a midpoint fill."""


def touch_of(item: BookedFill, history: MarketHistory | None = None) -> tuple[Price, Price] | None:
    """Return the others' touch at a fill: as the broker reported it, else as it was kept with the fill, else recorded.

    The recording gives the touch just before the fill. None where none of them knows both sides.
    """
    for known in (item.fill, item.marks):
        if known is not None and known.bid is not None and known.ask is not None:
            return known.bid, known.ask
    if history is None:
        return None
    row = row_before(history, item.fill.exchange_time)
    return (int(history.bid[row]), int(history.ask[row])) if row >= 0 and history.has_touch[row] else None


def mid_of(item: BookedFill, history: MarketHistory | None) -> Fraction | None:
    """Return the mid of `touch_of`."""
    touch = touch_of(item, history)
    return None if touch is None else Fraction(sum(touch), 2)


def half_spread_bps(side: OrderSide, price: Price, mid: Fraction) -> float | None:
    """Return s (price - mid) / |mid| in bps: what one fill paid for, or earned by, its side of the spread."""
    return None if mid == 0 else float(10_000 * side.sign * (price - mid) / abs(mid))


def half_spread_paid(
    side: OrderSide, fills: Sequence[BookedFill], history: MarketHistory | None
) -> tuple[float | None, float | None]:
    """Return the quantity-weighted half-spread paid in bps, and the share (0-1) of the quantity it covers.

    Fills without a known mid are left out of the first and lower the second.
    """
    costs: list[float] = []
    covered = total = 0
    for item in fills:
        total += item.fill.quantity
        mid = mid_of(item, history)
        cost = None if mid is None else half_spread_bps(side, item.fill.price, mid)
        if cost is not None:
            costs.append(cost * item.fill.quantity)
            covered += item.fill.quantity
    return (fsum(costs) / covered if covered else None), (covered / total if total else None)


def passive_pct(fills: Sequence[BookedFill]) -> float | None:
    """Return the share of the filled quantity that rested before it traded, 0 to 100.

    Quantity whose liquidity the broker did not state is in neither part; None when that is all of it.
    """
    known = [item.fill for item in fills if item.fill.liquidity is not Liquidity.UNKNOWN]
    total = sum(fill.quantity for fill in known)
    passive = sum(fill.quantity for fill in known if fill.liquidity is Liquidity.PASSIVE)
    return 100 * passive / total if total else None


def spread_position(side: OrderSide, price: Price, bid: Price, ask: Price) -> Fraction | None:
    """Return where a price lies in the spread: 0 at the near touch of our own side, 1 at the far touch.

    None for a locked or crossed book. Outside the touch it is below 0 or above 1.
    """
    if ask <= bid:
        return None
    return Fraction(price - bid, ask - bid) if side is OrderSide.BUY else Fraction(ask - price, ask - bid)


def categorize(
    side: OrderSide,
    price: Price,
    *,
    bid: Price | None,
    ask: Price | None,
    arrival: Fraction | None,
    liquidity: Liquidity = Liquidity.UNKNOWN,
) -> FillCategory:
    """Judge a fill against the touch just before it.

    Within `MIDPOINT_BAND` of the spread around the mid: midpoint; nearer to our own side: passive; nearer to the
    other: aggressive. Without a two-sided, uncrossed touch the broker's word decides, and without that it is unknown.
    An auction fill has no touch to be judged by.
    """
    position = None if bid is None or ask is None else spread_position(side, price, bid, ask)
    category = _by_position(position) if position is not None else str(liquidity)
    if liquidity is Liquidity.AUCTION:
        category, position = "auction", None
    above = None if arrival is None else bps_above(arrival, price, 1, side.sign)
    return FillCategory(
        is_aggressive=category == "aggressive",
        category=category,
        price_vs_arrival_bps=None if above is None else float(above),
        price_vs_spread_position=None if position is None else float(position),
    )


def _by_position(position: Fraction) -> str:
    off_mid = position - Fraction(1, 2)
    if abs(off_mid) <= MIDPOINT_BAND:
        return "midpoint"
    return "aggressive" if off_mid > 0 else "passive"


def fill_quality_report(order: OrderLedger) -> dict[str, Any]:
    """Return the fill quality of an order and of each of its child orders, as public figures.

    A slice's arrival price is the mid that its child order was decided on. `avg_improvement_bps` weights slices by
    filled quantity; rates are 0 to 1; what is not known is None.
    """
    sent = [child for child in order.children if child.was_sent]
    slices = [_slice(index, child) for index, child in enumerate(sent)]
    judged = [
        (row["price_improvement_bps"], child.filled)
        for row, child in zip(slices, sent, strict=True)
        if row["price_improvement_bps"] is not None
    ]
    weight = sum(filled for _, filled in judged)
    better = sum(improvement > 0 for improvement, _ in judged)
    return {
        "order_id": order.order_id,
        "symbol": order.symbol,
        "algo": order.algo,
        "total_quantity": quantity_number(order.quantity),
        "filled_quantity": quantity_number(order.filled),
        "remaining_quantity": quantity_number(order.unfilled),
        "avg_fill_price": average_price(order.value, order.filled),
        "overall_fill_rate": order.filled / order.quantity,
        "slice_count": len(slices),
        "slices": slices,
        "price_improvement": {
            "avg_improvement_bps": fsum(bps * filled for bps, filled in judged) / weight if weight else None,
            "slices_with_improvement": better,
            "total_slices": len(slices),
            "improvement_rate": better / len(judged) if judged else None,
        },
    }


def average_price(value: int, filled: Quantity) -> float | None:
    """Return the quantity-weighted fill price in currency; None when nothing is filled."""
    return in_currency(Fraction(value, filled)) if filled else None


def _slice(index: int, child: ChildLedger) -> dict[str, Any]:
    placed = child.requests[0]
    arrival = None if placed.bid is None or placed.ask is None else Fraction(placed.bid + placed.ask, 2)
    slippage = None if arrival is None else bps_above(arrival, child.value, child.filled, child.side.sign)
    target = max(child.total, child.filled)
    return {
        "slice_index": index,
        "broker_order_id": child.broker_order_id,
        "target_quantity": quantity_number(target),
        "filled_quantity": quantity_number(child.filled),
        "fill_rate": child.filled / target if target else 0.0,
        "avg_fill_price": average_price(child.value, child.filled),
        "arrival_price": in_currency(arrival),
        "slippage_bps": None if slippage is None else float(slippage),
        "price_improvement_bps": None if slippage is None else 0.0 - float(slippage),
        "has_price_improvement": slippage is not None and slippage < 0,
        "is_complete": child.state.is_terminal,
        "fill_count": len(child.fills),
    }
