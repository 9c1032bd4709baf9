"""What was seen to trade at each side of a book: the pace at which its queues are eaten."""

from __future__ import annotations

from math import sqrt
from typing import TYPE_CHECKING

import msgspec

from quietfill.domain.types import MINUTE, OrderSide, Quantity, quantity_float

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from quietfill.domain.instrument import TradingDay
    from quietfill.domain.types import Duration, Timestamp
    from quietfill.market.history import MarketHistory
    from quietfill.market.view import MarketView


class Flow(msgspec.Struct, frozen=True, kw_only=True):
    """What traded over some minutes of continuous trading.

    Attributes:
        bought: quantity that buyers took from the asks, in 1e-8.
        sold: quantity that sellers took from the bids.
        buys, sells: how many prints those were; None where only the volume is known.
        minutes: observed.
    """

    bought: Quantity
    sold: Quantity
    minutes: float
    buys: int | None = None
    sells: int | None = None

    def rate(self, side: OrderSide) -> float:
        """Return the quantity a minute that reaches resting orders of *side*, in shares, contracts or coins."""
        return quantity_float(self.sold if side is OrderSide.BUY else self.bought) / self.minutes

    def trade_size(self, side: OrderSide) -> float | None:
        """Return the mean size of one print that reaches resting orders of *side*; None where not known."""
        quantity, prints = (self.sold, self.sells) if side is OrderSide.BUY else (self.bought, self.buys)
        return quantity_float(quantity) / prints if prints else None


def observed_flow(history: MarketHistory, now: Timestamp, minutes: float) -> Flow | None:
    """Return what traded over the last *minutes* of continuous trading, by who took whom.

    A print above the mid just before it was a buyer's, below it a seller's (the quote rule of Lee and Ready 1991);
    one at the mid, or without a known touch, counts half for each. A conflated feed shows several trades as one print.

    Returns:
        None when nothing was observed, or nothing printed.
    """
    seen = history.seen_at(now)
    start = max(_back(seen.day, now, round(minutes * MINUTE)), seen.since or 0)
    lasted = seen.day.elapsed(start, min(now, seen.observed_until))
    first = int(seen.print_time.searchsorted(start, side="right"))
    if lasted <= 0 or first == len(seen.print_time):
        return None
    return _by_taker(seen, first, lasted / MINUTE)


def days_flow(market: MarketView, day: TradingDay, now: Timestamp) -> Flow | None:
    """Return the day's volume so far as flow, half of it to each side; None where the feed tells none or none traded.

    For feeds that show the day's volume and no prints.
    """
    lasted = day.elapsed(day.spans[0][0], now) if day.spans else 0
    if not market.volume or lasted <= 0:
        return None
    half = market.volume // 2
    return Flow(bought=half, sold=half, minutes=lasted / MINUTE)


def volatility_a_minute(daily: float | None, day: TradingDay) -> float | None:
    """Return a day's volatility, as a fraction of the price, in bps a square root of a minute of the day's trading."""
    length = sum(closes - opens for opens, closes in day.spans)
    return None if daily is None or length <= 0 else 10_000 * daily / sqrt(length / MINUTE)


def _back(day: TradingDay, now: Timestamp, trading_time: Duration) -> Timestamp:
    """Return the instant since which so much trading time has passed; the first open where that is less."""
    for opens, closes in reversed(day.spans):
        lasted = min(now, closes) - opens
        if lasted <= 0:
            continue
        if trading_time <= lasted:
            return min(now, closes) - trading_time
        trading_time -= lasted
    return day.spans[0][0] if day.spans else now


def _by_taker(seen: MarketHistory, first: int, minutes: float) -> Flow:
    quantity: NDArray[np.int64] = seen.print_quantity[first:]
    rows = seen.touch_time.searchsorted(seen.print_time[first:], side="left") - 1
    known = rows >= 0
    if len(seen.touch_time):
        known = known & seen.has_touch[rows]
        twice = seen.bid[rows] + seen.ask[rows]
        above = 2 * seen.print_price[first:] - twice
    else:
        above = quantity * 0
    up, down = known & (above > 0), known & (above < 0)
    middle = ~(up | down)
    shared, shared_prints = int(quantity[middle].sum()), int(middle.sum())
    return Flow(
        bought=int(quantity[up].sum()) + shared // 2,
        sold=int(quantity[down].sum()) + shared // 2,
        buys=int(up.sum()) + -(-shared_prints // 2),
        sells=int(down.sum()) + -(-shared_prints // 2),
        minutes=minutes,
    )
