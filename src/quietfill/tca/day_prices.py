"""Prices of the whole day, and the range of an interval: open, close, day's VWAP, best, worst and median print.

What the day will have been is not known before it is over: a close, and every average to the close, is None
until the market was observed to its last close, and an open is None where observation began later.
"""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from quietfill.tca.prints import OwnPrint, print_rows, total_turnover

if TYPE_CHECKING:
    from collections.abc import Sequence

    from quietfill.domain.types import Price, Timestamp
    from quietfill.market.history import MarketHistory


FIRST_ROW = 1_000_000_000
"""How long after the open, in ns, a recording of the whole day may begin: nothing need happen sooner."""


class PrintRange(NamedTuple):
    """The lowest, the highest and the volume-weighted median print of an interval, in 1e-9 of the currency."""

    low: Price
    high: Price
    median: Price


def open_price(history: MarketHistory) -> Price | None:
    """Return the first print of the day, that of an opening auction included; None when the day began unobserved."""
    if not len(history.print_price) or not is_whole(history):
        return None
    return int(history.print_price[0])


def close_price(history: MarketHistory) -> Price | None:
    """Return the last print of the day, that of a closing auction included; None before the last close."""
    if not len(history.print_price) or not is_over(history):
        return None
    return int(history.print_price[-1])


def day_vwap(history: MarketHistory, own: Sequence[OwnPrint]) -> Fraction | None:
    """Return the VWAP of everybody's prints of the whole day, in 1e-9; None unless all of it was observed."""
    if not is_over(history) or not is_whole(history) or not len(history.print_time):
        return None
    return total_turnover(history, own, int(history.print_time[0]), history.observed_until).vwap


def rest_of_day_vwap(history: MarketHistory, own: Sequence[OwnPrint], start: Timestamp) -> Fraction | None:
    """Return the VWAP of everybody's prints from *start* to the end of the day, in 1e-9; None before the last close."""
    if not is_over(history) or not history.covers(start):
        return None
    return total_turnover(history, own, start, history.observed_until).vwap


def print_range(history: MarketHistory, start: Timestamp, end: Timestamp) -> PrintRange | None:
    """Return lowest, highest and median print at start <= t <= end; None where nothing was printed.

    The median is the lowest price at or below which half of the volume traded.
    """
    inside = print_rows(history, start, end)
    prices, quantities = history.print_price[inside], history.print_quantity[inside]
    if not len(prices):
        return None
    order = np.argsort(prices, kind="stable")
    reached = np.cumsum(quantities[order].astype(np.float64))
    middle = int(np.searchsorted(reached, reached[-1] / 2, side="left"))
    return PrintRange(int(prices.min()), int(prices.max()), int(prices[order[middle]]))


def is_whole(history: MarketHistory) -> bool:
    """Say whether the market was observed from its first open on."""
    return bool(history.day.spans) and history.covers(history.day.spans[0][0] + FIRST_ROW)


def is_over(history: MarketHistory) -> bool:
    """Say whether the market was observed to its last close."""
    return bool(history.day.spans) and history.observed_until >= history.day.spans[-1][1]
