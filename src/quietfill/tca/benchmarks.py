"""What the market did over an order's life: the prices that its fills are measured against.

All figures come from a `MarketHistory`. Volume and VWAP are those of its prints: the others' alone where the
recording is without our trades, everybody's where it is a live feed's (`tca.prints` makes the one of the other).
Sums are exact (`tca.exact_sums`) and divided once.
"""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING

import numpy as np

from quietfill.domain.exact import exact_price
from quietfill.domain.types import PRICE_SCALE, OrderSide
from quietfill.tca.exact_sums import exact_dot, exact_sum

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from quietfill.domain.exact import Exact
    from quietfill.domain.fields import Number
    from quietfill.domain.types import Quantity, Timestamp
    from quietfill.market.history import MarketHistory


def interval_volume(history: MarketHistory, start: Timestamp, end: Timestamp) -> Quantity:
    """Return the quantity that was printed at start <= t <= end, both ends in, in 1e-8."""
    return exact_sum(history.print_quantity[_prints(history, start, end)])


def interval_vwap(history: MarketHistory, start: Timestamp, end: Timestamp) -> Fraction | None:
    """Return the volume-weighted price of the prints at start <= t <= end, both ends in.

    sum(p q) / sum(q), in 1e-9 of the currency; None where nothing was printed.
    """
    inside = _prints(history, start, end)
    volume = exact_sum(history.print_quantity[inside])
    if volume == 0:
        return None
    return Fraction(exact_dot(history.print_price[inside], history.print_quantity[inside]), volume)


def interval_twap(history: MarketHistory, start: Timestamp, end: Timestamp) -> Fraction | None:
    """Return the time-weighted mid over [start, end] of continuous trading, in 1e-9 of the currency.

    integral of (bid + ask) / 2 dt / integral of dt. Breaks, and times at which a side of the touch was empty or not yet
    known, are in neither integral. An interval without any such time has the mid at its end, or None.
    """
    weighted = total = 0
    for opens, closes in history.day.spans:
        begin, stop = max(start, opens), min(end, closes)
        if begin < stop:
            value, duration = _mid_integral(history, begin, stop)
            weighted += value
            total += duration
    return Fraction(weighted, 2 * total) if total else mid_at(history, end)


def mid_at(history: MarketHistory, at: Timestamp) -> Fraction | None:
    """Return the mid of the touch in force at *at*: the last change with time <= at. None while a side is empty."""
    return _mid(history, int(np.searchsorted(history.touch_time, at, side="right")) - 1)


def mid_before(history: MarketHistory, at: Timestamp) -> Fraction | None:
    """Return the mid of the touch just before *at*: the last change with time < at. None while a side is empty."""
    return _mid(history, row_before(history, at))


def row_before(history: MarketHistory, at: Timestamp) -> int:
    """Return the row of the touch just before *at*; -1 where there is none."""
    return int(np.searchsorted(history.touch_time, at, side="left")) - 1


def in_currency(price: Exact | None) -> float | None:
    """Return a price or average in 1e-9 of the currency as a public figure; None where there is none."""
    return None if price is None else float(Fraction(price) / PRICE_SCALE)


def performance_bps(side: OrderSide | str, average: Number, benchmark: Number) -> float | None:
    """Return -s (average - benchmark) / |benchmark| in bps: minus the cost, so positive when it was good.

    Both are prices in currency; None against a benchmark of 0.

    Raises:
        ValueError: when the side is unknown or a price is not a finite number.
    """
    base = Fraction(exact_price(benchmark, "benchmark"))
    above = Fraction(exact_price(average, "average")) - base
    return float(-10_000 * OrderSide.parse(side).sign * above / abs(base)) if base else None


def touch_rows(history: MarketHistory, start: Timestamp, end: Timestamp) -> slice:
    """Return the rows of the touch that are in force at some time of [start, end]."""
    first = int(np.searchsorted(history.touch_time, start, side="right")) - 1
    return slice(max(0, first), int(np.searchsorted(history.touch_time, end, side="right")))


def _prints(history: MarketHistory, start: Timestamp, end: Timestamp) -> slice:
    first = int(np.searchsorted(history.print_time, start, side="left"))
    return slice(first, max(first, int(np.searchsorted(history.print_time, end, side="right"))))


def _mid(history: MarketHistory, row: int) -> Fraction | None:
    if row < 0 or not history.has_touch[row]:
        return None
    return Fraction(int(history.bid[row]) + int(history.ask[row]), 2)


def _mid_integral(history: MarketHistory, begin: Timestamp, stop: Timestamp) -> tuple[int, int]:
    """Return the integral of bid + ask over [begin, stop) and the time over which there was a mid, in ns."""
    rows = touch_rows(history, begin, stop)
    edges: NDArray[np.int64] = np.append(np.maximum(history.touch_time[rows], begin), stop)
    durations = np.where(history.has_touch[rows], np.diff(edges), 0)
    value = exact_dot(history.bid[rows], durations) + exact_dot(history.ask[rows], durations)
    return value, exact_sum(durations)
