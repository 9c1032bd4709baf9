"""Bars made of what was recorded."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np

from quietfill.domain.types import PRICE_SCALE, Duration, Price, Quantity, Timestamp, price_decimal, quantity_decimal
from quietfill.gateway.orders import rounded

if TYPE_CHECKING:
    from quietfill.market.history import MarketHistory

SHOWN: Final = ("TRADES", "MIDPOINT", "BID", "ASK")
NOT_COUNTED: Final = Decimal(-1)


class Bar(NamedTuple):
    """One bar; volume, average and trades are -1 for bars of quotes."""

    start: Timestamp
    open: Decimal
    high: Decimal
    low: Decimal
    close: Decimal
    volume: Decimal
    average: Decimal
    trades: int


def bars(history: MarketHistory, what: str, start: Timestamp, end: Timestamp, step: Duration) -> list[Bar]:
    """Return the bars of [start, end) in steps; one without a trade repeats the price before it.

    Times at which the market is closed have no bars, nor has what lies before the first price.

    Args:
        history: up to the present.
        what: one of `SHOWN`.
        start: where the first bar begins, ns UTC.
    """
    made: list[Bar] = []
    for begin in range(start, end, step):
        finish = min(begin + step, end)
        if any(opens < finish and closes > begin for opens, closes in history.day.spans):
            bar = _trades(history, begin, finish) if what == "TRADES" else _quotes(history, what, begin, finish)
            if bar is not None:
                made.append(bar)
    return made


def _trades(history: MarketHistory, begin: Timestamp, end: Timestamp) -> Bar | None:
    first, last = np.searchsorted(history.print_time, [begin, end])
    if first == last:
        if first == 0:
            return None
        price = price_decimal(int(history.print_price[first - 1]))
        return Bar(begin, price, price, price, price, Decimal(0), price, 0)
    prices: list[Price] = history.print_price[first:last].tolist()
    sizes: list[Quantity] = history.print_quantity[first:last].tolist()
    volume = sum(sizes)
    value = sum(map(int.__mul__, prices, sizes))
    return Bar(
        begin,
        price_decimal(prices[0]),
        price_decimal(max(prices)),
        price_decimal(min(prices)),
        price_decimal(prices[-1]),
        quantity_decimal(volume),
        rounded(Decimal(value) / volume / PRICE_SCALE),
        len(prices),
    )


def _quotes(history: MarketHistory, what: str, begin: Timestamp, end: Timestamp) -> Bar | None:
    before, last = np.searchsorted(history.touch_time, [begin, end])
    rows = slice(max(int(before) - 1, 0), int(last))
    there = history.has_touch[rows]
    bids, asks = history.bid[rows][there].tolist(), history.ask[rows][there].tolist()
    if not bids:
        return None
    sides = {"BID": (bids, bids), "ASK": (asks, asks), "MIDPOINT": (bids, asks)}[what]
    values = [rounded(price_decimal(low + high) / 2) for low, high in zip(*sides, strict=True)]
    figures = (values[0], max(values), min(values), values[-1])
    return Bar(begin, *figures, NOT_COUNTED, NOT_COUNTED, -1)
