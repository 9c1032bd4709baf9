"""The prints of an interval with our own trades in them and without, and the benchmarks made of them.

A recorded live feed shows our own trades, the recording that a simulated venue replays does not
(`MarketHistory.includes_own`). Both tapes are made from either here: what is missing is added, what is too much
is taken out. A benchmark that holds our own trades follows us: with participation p, the distance to the VWAP
of everybody is (1 - p) times the distance to the VWAP of the others.
"""

from __future__ import annotations

from fractions import Fraction
from math import ceil
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

import numpy as np

from quietfill.domain.errors import BadInput
from quietfill.domain.types import OrderSide, Price, Quantity, Timestamp, to_decimal
from quietfill.tca.exact_sums import exact_cumulative, exact_dot, exact_sum

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from numpy.typing import NDArray

    from quietfill.domain.types import PublicNumber
    from quietfill.market.history import MarketHistory
    from quietfill.tca.children import BookedFill

    Columns: TypeAlias = tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]

HALF = Fraction(1, 2)


class OwnPrint(NamedTuple):
    """One trade of ours, as the tape shows or would show it."""

    at: Timestamp
    price: Price
    quantity: Quantity


class Turnover(NamedTuple):
    """What traded in an interval.

    Attributes:
        volume: in 1e-8.
        value: sum of price times quantity, in 1e-17 of the currency.
    """

    volume: Quantity
    value: int

    @property
    def vwap(self) -> Fraction | None:
        """The volume-weighted price in 1e-9 of the currency; None where nothing traded."""
        return Fraction(self.value, self.volume) if self.volume > 0 else None


def own_prints(fills: Iterable[BookedFill]) -> list[OwnPrint]:
    """Return fills as the prints that they were, in venue time."""
    return sorted(OwnPrint(item.fill.exchange_time, item.fill.price, item.fill.quantity) for item in fills)


def others_turnover(history: MarketHistory, own: Sequence[OwnPrint], start: Timestamp, end: Timestamp) -> Turnover:
    """Return what the others traded at start <= t <= end, both ends in."""
    return _turnover(history, own, start, end, own_counted=-1 if history.includes_own else 0)


def total_turnover(history: MarketHistory, own: Sequence[OwnPrint], start: Timestamp, end: Timestamp) -> Turnover:
    """Return what everybody traded at start <= t <= end, both ends in, we included."""
    return _turnover(history, own, start, end, own_counted=0 if history.includes_own else 1)


def participation(history: MarketHistory, own: Sequence[OwnPrint], start: Timestamp, end: Timestamp) -> Fraction | None:
    """Return our share of all that traded at start <= t <= end, 0 to 1; None where nothing did."""
    ours = sum(trade.quantity for trade in own if start <= trade.at <= end)
    volume = total_turnover(history, own, start, end).volume
    return min(Fraction(ours, volume), Fraction(1)) if volume > 0 else None


def relative_performance(
    history: MarketHistory, own: Sequence[OwnPrint], side: OrderSide, start: Timestamp, end: Timestamp
) -> Fraction | None:
    """Return the RPM: the share of the interval's volume at prices worse for us than our average, half of that at it.

    1 is best, 1/2 is as good as the market. Our own trades count, being part of what could be had (Kissell and Glantz,
    Optimal Trading Strategies, 2003). None without trades of ours or without prints.
    """
    quantity = sum(trade.quantity for trade in own)
    total = total_turnover(history, own, start, end).volume
    if quantity == 0 or total <= 0:
        return None
    floor, rest = divmod(sum(trade.price * trade.quantity for trade in own), quantity)
    _, prices, quantities = tape(history, own, start, end)
    above, below = prices > floor, prices < floor + bool(rest)  # the average lies at floor, or between it and the next
    worse = exact_sum(quantities[above if side is OrderSide.BUY else below])
    at_average = total - exact_sum(quantities[above]) - exact_sum(quantities[below])
    return (worse + HALF * at_average) / total


def participation_price(
    history: MarketHistory, own: Sequence[OwnPrint], start: Timestamp, rate: PublicNumber
) -> Fraction | None:
    """Return the PWP: the average price of the first filled / rate that traded from *start* on, part of the last print.

    It is what an order that took the share *rate* of all volume, from arrival until it had what we filled, would have
    paid. In 1e-9 of the currency; None without trades of ours, or where less than that was observed.

    Raises:
        BadInput: when *rate* is not within 0 < rate <= 1.
    """
    share = Fraction(to_decimal(rate, "rate"))
    if not 0 < share <= 1:
        raise BadInput(f"rate must be above 0 and at most 1, not {rate!r}")
    wanted = sum(trade.quantity for trade in own) / share
    seen_until = max([history.observed_until, *(trade.at for trade in own)])  # our own trades we know by ourselves
    _, prices, quantities = tape(history, own, start, seen_until)
    reached = exact_cumulative(quantities)
    if not wanted or not len(reached) or reached[-1] < wanted:
        return None
    last = int(np.searchsorted(reached, ceil(wanted), side="left"))
    left = wanted - (int(reached[last - 1]) if last else 0)
    return (exact_dot(prices[:last], quantities[:last]) + left * int(prices[last])) / wanted


def tape(history: MarketHistory, own: Sequence[OwnPrint], start: Timestamp, end: Timestamp) -> Columns:
    """Return time, price and quantity of everybody's prints at start <= t <= end, ours last of those at one instant."""
    inside = print_rows(history, start, end)
    recorded = history.print_time[inside], history.print_price[inside], history.print_quantity[inside]
    ours = [] if history.includes_own else [trade for trade in own if start <= trade.at <= end]
    if not ours:
        return recorded
    added = np.array(ours, dtype=np.int64).T
    order = np.argsort(np.concatenate([recorded[0], added[0]]), kind="stable")
    time, price, quantity = (np.concatenate(pair)[order] for pair in zip(recorded, added, strict=True))
    return time, price, quantity


def print_rows(history: MarketHistory, start: Timestamp, end: Timestamp) -> slice:
    """Return the rows of the prints at start <= t <= end, both ends in."""
    first = int(np.searchsorted(history.print_time, start, side="left"))
    return slice(first, max(first, int(np.searchsorted(history.print_time, end, side="right"))))


def _turnover(
    history: MarketHistory, own: Sequence[OwnPrint], start: Timestamp, end: Timestamp, *, own_counted: int
) -> Turnover:
    inside = print_rows(history, start, end)
    prices, quantities = history.print_price[inside], history.print_quantity[inside]
    ours = [trade for trade in own if start <= trade.at <= end] if own_counted else []
    volume = exact_sum(quantities) + own_counted * sum(trade.quantity for trade in ours)
    value = exact_dot(prices, quantities) + own_counted * sum(trade.price * trade.quantity for trade in ours)
    # A feed may not show every trade of ours: then nothing of the others' is known to have traded.
    return Turnover(volume, value) if volume > 0 else Turnover(0, 0)
