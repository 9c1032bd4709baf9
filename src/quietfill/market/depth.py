"""What a book's levels say: cost of a size, pressure, and where a size is covered.

Levels are (price in 1e-9 of the currency, quantity in 1e-8), best first, as `MarketView` holds them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from quietfill.domain.types import PRICE_SCALE, OrderSide, Price, Quantity

if TYPE_CHECKING:
    from quietfill.market.view import Levels


def vwap_to_size(levels: Levels, quantity: Quantity) -> tuple[float, Quantity]:
    """Return the average price, in currency, of taking *quantity* from *levels*, and how much of it is there.

    (0.0, 0) when there is nothing to take.

    Raises:
        ValueError: when *quantity* is not positive.
    """
    if quantity <= 0:
        raise ValueError(f"quantity must be positive, not {quantity}")
    value = filled = 0
    for price, size in levels:
        taken = min(size, quantity - filled)
        value += price * taken
        filled += taken
        if filled == quantity:
            break
    return (value / filled / PRICE_SCALE, filled) if filled else (0.0, 0)


def cover_price(levels: Levels, quantity: Quantity) -> Price | None:
    """Return the price of the level at which *levels* add up to *quantity*; the last one when they never do."""
    covered = 0
    for price, size in levels:
        covered += size
        if covered >= quantity:
            return price
    return levels[-1][0] if levels else None


def size_inside(levels: Levels, side: OrderSide, price: Price) -> Quantity:
    """Return what an order of *side* could take from *levels* without paying worse than *price*."""
    sign = side.sign
    return sum(size for level, size in levels if sign * level <= sign * price)


def imbalance(bids: Levels, asks: Levels, n_levels: int = 5) -> float:
    """Return (bid - ask) / (bid + ask) of the size on the best *n_levels*: -1 to 1, 0.0 when both are empty."""
    bid = sum(size for _, size in bids[:n_levels])
    ask = sum(size for _, size in asks[:n_levels])
    return (bid - ask) / (bid + ask) if bid + ask else 0.0


def microprice(bids: Levels, asks: Levels) -> float | None:
    """Return the touch weighted by the *opposite* size, in currency: the side with less size pulls the price to it."""
    if not bids or not asks:
        return None
    (bid, bid_size), (ask, ask_size) = bids[0], asks[0]
    return (bid * ask_size + ask * bid_size) / (bid_size + ask_size) / PRICE_SCALE
