"""How fills came about, each judged against the book at the fill: one by one, and all of them counted."""

from __future__ import annotations

from math import fsum
from typing import TYPE_CHECKING, Any, Final

from quietfill.domain.types import Liquidity, OrderSide, Price, Quantity, quantity_number
from quietfill.tca.fill_quality import categorize, touch_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from quietfill.domain.order import FillCategory
    from quietfill.market.view import MarketView
    from quietfill.tca.children import BookedFill
    from quietfill.tca.ledger import OrderLedger

CATEGORIES: Final[tuple[str, ...]] = ("aggressive", "passive", "midpoint", "auction", "unknown")


def category_of(order: OrderLedger, item: BookedFill) -> FillCategory:
    """Judge a booked fill against the touch that was kept with it, and against the order's arrival mid."""
    touch = touch_of(item)
    bid, ask = (None, None) if touch is None else touch
    fill = item.fill
    return categorize(order.side, fill.price, bid=bid, ask=ask, arrival=order.arrival_mid, liquidity=fill.liquidity)


def stated_fill(
    order: OrderLedger | None, side: OrderSide, price: Price, quantity: Quantity, view: MarketView | None
) -> FillCategory:
    """Judge a fill that a caller states: as the one that was booked, where there is one, else against the book now.

    Args:
        order: of the fill; None for an unknown id.
        side: of the fill.
        price: of the fill.
        quantity: of the fill.
        view: the others' market now; None where it is not known whose to ask.
    """
    for item in reversed(order.fills if order is not None and order.side is side else ()):
        if order is not None and (item.fill.price, item.fill.quantity) == (price, quantity):
            return category_of(order, item)
    bid, ask = (None, None) if view is None else (view.best_bid, view.best_ask)
    arrival = None if order is None else order.arrival_mid
    return categorize(side, price, bid=bid, ask=ask, arrival=arrival, liquidity=Liquidity.UNKNOWN)


def category_summary(orders: Iterable[OrderLedger]) -> dict[str, Any]:
    """Return how many fills, and how much quantity, fell into each category."""
    counts: dict[str, int] = dict.fromkeys(CATEGORIES, 0)
    quantities: dict[str, Quantity] = dict.fromkeys(CATEGORIES, 0)
    slips: list[float] = []
    weights: list[Quantity] = []
    for order in orders:
        for item in order.fills:
            judged, quantity = category_of(order, item), item.fill.quantity
            counts[judged.category] += 1
            quantities[judged.category] += quantity
            if judged.price_vs_arrival_bps is not None:
                slips.append(judged.price_vs_arrival_bps * quantity)
                weights.append(quantity)
    total, filled = sum(counts.values()), sum(quantities.values())
    summary: dict[str, Any] = {"total_fills": total, "total_quantity": quantity_number(filled)}
    for name in CATEGORIES:
        summary[name] = {
            "count": counts[name],
            "pct": 100 * counts[name] / total if total else None,
            "quantity": quantity_number(quantities[name]),
            "quantity_pct": 100 * quantities[name] / filled if filled else None,
        }
    summary["avg_arrival_slippage_bps"] = fsum(slips) / sum(weights) if weights else None
    return summary
