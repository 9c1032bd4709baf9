"""Each fill of an order against the market at the fill and after it, and the order's averages over them.

With s = +1 for a buy and -1 for a sell, p the fill's price, m the others' mid at the fill, m_h the mid a time h
later and a - b their spread, all in bps of |m|:

    quoted spread     a - b
    effective spread  2 s (p - m)          positive when paid, negative when earned
    markout           s (m_h - p)          positive when the market then went our way
    realised spread   2 s (p - m_h)        what whoever traded with us kept
    price impact      2 s (m_h - m)        effective = realised + impact, for each fill and on average
    spread capture    s (m - p) / ((a - b) / 2)    1 rested at the near touch, 0 at the mid, -1 crossed

Averages weight fills by quantity, over those of which the figure is known.
"""

from __future__ import annotations

from math import fsum
from typing import TYPE_CHECKING

import msgspec
import numpy as np

from quietfill.domain.types import Duration, Price, Quantity, Timestamp
from quietfill.tca.fill_quality import categorize, touch_of
from quietfill.tca.marks import HORIZONS

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from fractions import Fraction

    from numpy.typing import NDArray

    from quietfill.market.history import MarketHistory
    from quietfill.tca.ledger import OrderLedger

CATEGORIES = ("aggressive", "passive", "midpoint", "auction", "unknown")


class FillFigures(msgspec.Struct, frozen=True, kw_only=True):
    """One fill against the market. None: not known.

    Attributes:
        bid, ask: the others' touch at the fill.
        quote_age: how old it was, in ns, where that was kept.
        category: see `categorize`.
        spread_position: 0 at the near touch of our own side, 1 at the far one.
        quoted_bps, effective_bps: of the mid at the fill; the effective spread is positive when it was paid.
        spread_capture: 1 at the near touch, 0 at the mid, -1 at the far one.
        markout_bps: after each horizon, positive when it helped; None past the end of the data.
    """

    at: Timestamp
    price: Price
    quantity: Quantity
    bid: Price | None
    ask: Price | None
    quote_age: Duration | None
    category: str
    spread_position: float | None
    quoted_bps: float | None
    effective_bps: float | None
    spread_capture: float | None
    markout_bps: tuple[float | None, ...]

    def realized_bps(self, horizon: int) -> float | None:
        """Return the realised spread after the horizon of that number, positive when it hurt."""
        markout = self.markout_bps[horizon]
        return None if markout is None else -2 * markout

    def impact_bps(self, horizon: int) -> float | None:
        """Return the price impact after the horizon of that number: effective less realised spread."""
        realized = self.realized_bps(horizon)
        return None if realized is None or self.effective_bps is None else self.effective_bps - realized


def fill_figures(
    order: OrderLedger, history: MarketHistory | None, horizons: Sequence[Duration] = HORIZONS
) -> list[FillFigures]:
    """Return the figures of every fill, in the order in which they were booked.

    Args:
        order: from the journal.
        history: the observed market; without it there are no markouts.
        horizons: in ns.
    """
    arrival = order.arrival_mid
    later = [_twice_mids(order, history, horizon) for horizon in horizons]
    return [
        _figures(order, place, history, arrival, [mids[place] for mids in later]) for place in range(len(order.fills))
    ]


def weighted(fills: Sequence[FillFigures], figure: Callable[[FillFigures], float | None]) -> float | None:
    """Return the quantity-weighted mean of a figure over the fills of which it is known; None where it is of none."""
    known = [(value, fill.quantity) for fill in fills if (value := figure(fill)) is not None]
    total = sum(quantity for _, quantity in known)
    return fsum(value * quantity for value, quantity in known) / total if total else None


def category_shares(fills: Sequence[FillFigures]) -> dict[str, float]:
    """Return the share of the filled quantity in each of `CATEGORIES`, 0 to 100; empty when nothing is filled."""
    total = sum(fill.quantity for fill in fills)
    if total == 0:
        return {}
    return {name: 100 * sum(fill.quantity for fill in fills if fill.category == name) / total for name in CATEGORIES}


def _figures(
    order: OrderLedger,
    place: int,
    history: MarketHistory | None,
    arrival: Fraction | None,
    later: Sequence[int | None],
) -> FillFigures:
    item = order.fills[place]
    fill, touch = item.fill, touch_of(item, history)
    bid, ask = (None, None) if touch is None else touch
    judged = categorize(order.side, fill.price, bid=bid, ask=ask, arrival=arrival, liquidity=fill.liquidity)
    twice = None if touch is None or sum(touch) == 0 else sum(touch)
    paid = 2 * fill.price
    scale = None if twice is None else order.side.sign * 1e4 / abs(twice)
    spread = None if touch is None else touch[1] - touch[0]
    return FillFigures(
        at=fill.exchange_time,
        price=fill.price,
        quantity=fill.quantity,
        bid=bid,
        ask=ask,
        quote_age=None if item.marks is None else item.marks.quote_age,
        category=judged.category,
        spread_position=judged.price_vs_spread_position,
        quoted_bps=None if twice is None or spread is None else 2e4 * spread / abs(twice),
        effective_bps=None if twice is None or scale is None else 2 * (scale * (paid - twice)),
        spread_capture=None if twice is None or not spread else order.side.sign * (twice - paid) / spread,
        markout_bps=tuple(None if scale is None or mid is None else scale * (mid - paid) for mid in later),
    )


def _twice_mids(order: OrderLedger, history: MarketHistory | None, horizon: Duration) -> Sequence[int | None]:
    """Return twice the mid a time after each fill; None past the end of the data."""
    if history is None or not len(history.touch_time):
        return [None] * len(order.fills)
    when: NDArray[np.int64] = np.array([item.fill.exchange_time + horizon for item in order.fills], dtype=np.int64)
    row = np.searchsorted(history.touch_time, when, side="right") - 1
    place = np.maximum(row, 0)
    known = (row >= 0) & history.has_touch[place] & (when <= history.mids_until)
    twice: list[int] = (history.bid[place] + history.ask[place]).tolist()
    return [mid if is_known else None for mid, is_known in zip(twice, known.tolist(), strict=True)]
