"""What the recorded venues are: sessions, currency, zone. Ticks and lots come from the feed or the caller."""

from __future__ import annotations

from datetime import date, datetime, time
from zoneinfo import ZoneInfo

from quietfill.domain.instrument import Instrument, LocalSession, TickRule
from quietfill.domain.types import SECOND, Price, Quantity, Timestamp, timestamp_from

_QUOTES = ("USDT", "USDC", "FDUSD", "BUSD", "USD", "EUR", "BTC", "ETH", "BNB")
"""Currencies that Binance's symbols end with."""

_HALF_DAY = 12 * 3600 * SECOND


def shanghai(symbol: str, *, tick: Price, lot: Quantity) -> Instrument:
    """Return a Shanghai stock; its auctions are no part of the sessions."""
    return Instrument(
        symbol=symbol,
        ticks=(TickRule(0, tick),),
        lot=lot,
        currency="CNY",
        venue="XSHG",
        timezone="Asia/Shanghai",
        sessions=(LocalSession(time(9, 30), time(11, 30)), LocalSession(time(13), time(14, 57))),
        calendar="XSHG",
    )


def nasdaq(symbol: str, *, tick: Price, lot: Quantity) -> Instrument:
    """Return a US stock as traded on Nasdaq in regular hours."""
    return Instrument(
        symbol=symbol,
        ticks=(TickRule(0, tick),),
        lot=lot,
        currency="USD",
        venue="XNAS",
        timezone="America/New_York",
        sessions=(LocalSession(time(9, 30), time(16)),),
        calendar="XNAS",
    )


def binance(symbol: str, *, tick: Price, lot: Quantity) -> Instrument:
    """Return a market of Binance, spot or perpetual; it never closes."""
    return Instrument(
        symbol=symbol,
        ticks=(TickRule(0, tick),),
        lot=lot,
        odd_lots=False,
        currency=next((quote for quote in _QUOTES if symbol.endswith(quote)), ""),
        venue="BINANCE",
        security_type="CRYPTO",
    )


def is_shanghai(symbol: str) -> bool:
    """Say whether a symbol's suffix names the Shanghai exchange."""
    return symbol.upper().endswith((".SH", ".SS"))


def midnight(day: date, zone: ZoneInfo) -> Timestamp:
    """Return the instant from which a venue's seconds after midnight count.

    Taken from noon backwards, so that on a day when the clocks change the trading hours still come out right.
    """
    return timestamp_from(datetime.combine(day, time(12), zone)) - _HALF_DAY
