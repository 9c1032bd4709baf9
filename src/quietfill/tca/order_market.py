"""What the market did over one order's life: from the observed market where there is one, else from the fills' marks.

Marks are kept with each fill when it is booked, so a journal alone tells volume, VWAP and TWAP up to the last fill.
What looks at single prints or past the last fill (PWP, RPM, the day's prices) needs the observed market.
"""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING

import msgspec

from quietfill.domain.exact import Exact
from quietfill.domain.types import PublicNumber, Quantity, Timestamp
from quietfill.tca.benchmarks import interval_twap, mid_at
from quietfill.tca.day_prices import close_price, day_vwap, open_price, print_range, rest_of_day_vwap
from quietfill.tca.prints import (
    others_turnover,
    own_prints,
    participation,
    participation_price,
    relative_performance,
    total_turnover,
)

if TYPE_CHECKING:
    from quietfill.domain.records import FillMarks
    from quietfill.market.history import MarketHistory
    from quietfill.tca.ledger import OrderLedger

PWP_RATE = 0.2
"""The share of the volume that the PWP takes where nobody says another."""


class OrderMarket(msgspec.Struct, frozen=True, kw_only=True):
    """Prices in 1e-9 of the currency over the interval from arrival to the last fill. None: not known.

    Attributes:
        source: "history", "marks", or None when there is neither.
        volume: what the others traded, in 1e-8.
        participation: ours of all that traded, 0 to 1.
        vwap, vwap_with_own: of the others' prints, and of everybody's.
        twap: the time-weighted mid.
        low, high, median: of the prints; the median by volume.
        pwp: see `participation_price`; rpm: see `relative_performance`.
        open, close, day_vwap, rest_vwap: of the whole day, the last from arrival to its end.
    """

    source: str | None = None
    volume: Quantity | None = None
    participation: Exact | None = None
    vwap: Exact | None = None
    vwap_with_own: Exact | None = None
    twap: Exact | None = None
    low: Exact | None = None
    high: Exact | None = None
    median: Exact | None = None
    pwp: Exact | None = None
    rpm: Exact | None = None
    open: Exact | None = None
    close: Exact | None = None
    day_vwap: Exact | None = None
    rest_vwap: Exact | None = None


def market_of(order: OrderLedger, history: MarketHistory | None) -> MarketHistory | None:
    """Return the history if it is of a day on which the order lived: another day's market says nothing of its cost."""
    if history is None or not history.day.spans:
        return history
    opens, closes = history.day.spans[0][0], history.day.spans[-1][1]
    return history if opens <= order.last_at and order.arrival_at <= closes else None


def interval_market(order: OrderLedger, history: MarketHistory | None) -> OrderMarket:
    """Return volume, participation, VWAP and TWAP from the order's arrival to its last fill, and leave out the rest.

    Where nothing was filled the interval ends with the order.
    """
    if history is None or not history.covers(order.arrival_at):
        marks = last_marks(order)
        return OrderMarket() if marks is None else _marked(order, marks)
    start, end, own = order.arrival_at, interval_end(order), own_prints(order.fills)
    others = others_turnover(history, own, start, end)
    return OrderMarket(
        source="history",
        volume=others.volume,
        participation=participation(history, own, start, end) if own else None,
        vwap=others.vwap,
        vwap_with_own=total_turnover(history, own, start, end).vwap,
        twap=interval_twap(history, start, end),
    )


def order_market(
    order: OrderLedger, history: MarketHistory | None, *, pwp_rate: PublicNumber = PWP_RATE
) -> OrderMarket:
    """Return everything that the market did, of the interval and of the day.

    Raises:
        BadInput: when *pwp_rate* is not within 0 < rate <= 1.
    """
    market = interval_market(order, history)
    if history is None or market.source != "history":
        return market
    start, end, own = order.arrival_at, interval_end(order), own_prints(order.fills)
    spread = print_range(history, start, end)
    return msgspec.structs.replace(
        market,
        low=None if spread is None else spread.low,
        high=None if spread is None else spread.high,
        median=None if spread is None else spread.median,
        pwp=participation_price(history, own, start, pwp_rate),
        rpm=relative_performance(history, own, order.side, start, end),
        open=open_price(history),
        close=close_price(history),
        day_vwap=day_vwap(history, own),
        rest_vwap=rest_of_day_vwap(history, own, start),
    )


def interval_end(order: OrderLedger) -> Timestamp:
    """Return the last fill, else the end, else the last record of an order that still waits for its first fill."""
    if order.last_fill_at is not None:
        return order.last_fill_at
    return order.last_at if order.ended_at is None else order.ended_at


def closing_mid(order: OrderLedger, history: MarketHistory | None) -> Exact | None:
    """Return the mid at the order's end (its last record, while it runs): observed, else as kept with its end."""
    end = order.last_at if order.ended_at is None else order.ended_at
    if history is not None and history.observed_until and (mid := mid_at(history, end)) is not None:
        return mid
    if order.end_bid is None or order.end_ask is None:
        return None
    return Fraction(order.end_bid + order.end_ask, 2)


def last_marks(order: OrderLedger) -> FillMarks | None:
    """Return what was kept with the last fill in venue time; None without one, or where nothing was kept with it."""
    last = max(order.fills, key=lambda item: item.fill.exchange_time, default=None)
    return None if last is None else last.marks


def _marked(order: OrderLedger, marks: FillMarks) -> OrderMarket:
    volume = marks.market_volume
    everybody = None
    if volume is not None and marks.vwap is not None:
        everybody = Fraction(order.value + volume * marks.vwap, order.filled + volume)
    return OrderMarket(
        source="marks",
        volume=volume,
        participation=None if volume is None else Fraction(order.filled, order.filled + volume),
        vwap=marks.vwap,
        vwap_with_own=everybody,
        twap=marks.twap,
    )
