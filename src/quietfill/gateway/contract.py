"""The one contract that a paper gateway trades, as the protocol describes it."""

from __future__ import annotations

import zlib
from datetime import date, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Final

from quietfill.domain.types import PRICE_SCALE, QUANTITY_SCALE, Price, Timestamp, datetime_of
from quietfill.gateway.cursor import ContractQuery, Refused
from quietfill.gateway.wire import price_text, quantity_text

if TYPE_CHECKING:
    from quietfill.domain.instrument import Instrument
    from quietfill.venue.tape import Tape

_EXCHANGES: Final = {"XSHG": "SEHKNTL", "XNAS": "NASDAQ", "BINANCE": "PAXOS"}
"""What the protocol calls the recorded venues, by what we call them."""

ORDER_TYPES: Final = ("LMT", "MKT")
TIMES_IN_FORCE: Final = ("DAY", "GTC", "IOC", "FOK", "GTD")
NOT_FOUND: Final = "No security definition has been found for the request"
CENT_RULE: Final = 26  # the number that the real gateway has for steps of 0.01 at any price
_RULE_BASE: Final = 9_000
_DAYS_OF_HOURS: Final = 6


class PaperContract:
    """What the protocol says of the recorded instrument.

    Args:
        tape: the recording; its instrument's symbol up to the first dot is the contract's symbol.
    """

    def __init__(self, tape: Tape) -> None:
        self.instrument: Instrument = tape.instrument
        self._date = tape.date
        self._unit = tape.unit
        self.zone = self.instrument.timezone
        self.symbol = self.instrument.symbol.partition(".")[0]
        self.con_id = 100_000_000 + zlib.crc32(self.instrument.symbol.encode()) % 900_000_000
        self.currency = self.instrument.currency or "USD"
        self.security_type = self.instrument.security_type
        self.primary_exchange = _EXCHANGES.get(self.instrument.venue, self.instrument.venue or "PAPER")
        self.exchanges = ("SMART", self.primary_exchange) if self.security_type == "STK" else (self.primary_exchange,)
        self.rule_id = self._rule_id()

    def check(self, query: ContractQuery) -> None:
        """Refuse a query that names something else, or nothing.

        Raises:
            Refused: with code 200.
        """
        named = {query.symbol, query.local_symbol} - {""}
        by_name = bool(named) and named <= {self.symbol, self.instrument.symbol}
        venues = {"", "SMART", self.primary_exchange, self.instrument.venue}
        fits = (
            (query.con_id == self.con_id or (query.con_id == 0 and by_name and bool(query.security_type)))
            and query.security_type in {"", self.security_type}
            and query.currency in {"", self.currency}
            and query.exchange in venues
            and query.primary_exchange in venues
        )
        if not fits:
            raise Refused(200, NOT_FOUND)

    def values(self, exchange: str = "") -> dict[str, str]:
        """Return the contract's fields by name; an order is shown on the exchange that it was sent to."""
        return {
            "conId": str(self.con_id),
            "symbol": self.symbol,
            "secType": self.security_type,
            "strike": "0",
            "right": "?" if self.security_type == "STK" else "",
            "multiplier": "" if self.instrument.multiplier == 1 else str(self.instrument.multiplier),
            "exchange": exchange or self.exchanges[0],
            "currency": self.currency,
            "localSymbol": self.symbol,
            "tradingClass": self.symbol,
        }

    def eleven(self, exchange: str = "") -> tuple[str, ...]:
        """Return the eleven fields that name the contract in most answers."""
        values = self.values(exchange)
        order = ("conId", "symbol", "secType", "", "strike", "right", "multiplier", "exchange")
        more = ("currency", "localSymbol", "tradingClass")
        return tuple([values.get(name, "") for name in (*order, *more)])

    def details(self, now: Timestamp) -> dict[str, str]:
        """Return what contractDetails says besides the request's number."""
        hours = self.hours(now)
        return self.values() | {
            "marketName": self.symbol,
            "minTick": price_text(min(rule.increment for rule in self.instrument.ticks)),
            "orderTypes": ",".join(ORDER_TYPES),
            "validExchanges": ",".join(self.exchanges),
            "marketRuleIds": ",".join([str(self.rule_id)] * len(self.exchanges)),
            "longName": self.instrument.symbol,
            "primaryExchange": self.primary_exchange,
            "timeZoneId": self.zone,
            "tradingHours": hours,
            "liquidHours": hours,
            "stockType": "COMMON" if self.security_type == "STK" else "",
            "minSize": self.size_step,
            "sizeIncrement": self.size_step,
            "suggestedSizeIncrement": quantity_text(self.instrument.lot),
            "suggestedSizeAlone": quantity_text(self.instrument.lot),
        }

    @property
    def size_step(self) -> str:
        """The smallest step of an order's size."""
        return quantity_text(self._unit if self.instrument.odd_lots else self.instrument.lot)

    def hours(self, now: Timestamp) -> str:
        """Return the sessions from today on, as `20230711:0930-20230711:1130;...;20230715:CLOSED`."""
        today = max(self._date, datetime_of(now).date())
        return ";".join(
            part for ahead in range(_DAYS_OF_HOURS) for part in self._hours_of(today + timedelta(days=ahead))
        )

    def price_steps(self) -> list[tuple[str, str]]:
        """Return the market rule: (from this price on, the step)."""
        return [(price_text(rule.above), price_text(rule.increment)) for rule in self.instrument.ticks]

    def price_of(self, number: Decimal) -> Price | None:
        """Return a price that the venue can hold, None when it is finer than that."""
        scaled = number * PRICE_SCALE
        return int(scaled) if scaled == scaled.to_integral_value() else None

    def size_fault(self, number: Decimal) -> bool:
        """Say whether an order's size is off the grid."""
        step = self._unit if self.instrument.odd_lots else self.instrument.lot
        return bool(number * QUANTITY_SCALE % step)

    def _rule_id(self) -> int:
        steps = self.instrument.ticks
        if len(steps) == 1 and steps[0].increment == PRICE_SCALE // 100:
            return CENT_RULE
        return _RULE_BASE + zlib.crc32(repr(steps).encode()) % 1000

    def _hours_of(self, day: date) -> list[str]:
        if self.instrument.sessions and day.weekday() >= _SATURDAY:
            return [f"{day:%Y%m%d}:CLOSED"]
        sessions = self.instrument.sessions_on(day)
        if not sessions:
            return [f"{day:%Y%m%d}:CLOSED"]
        words: list[str] = []
        for span in sessions:
            end = day if span.closes > span.opens else day + timedelta(days=1)
            words.append(f"{day:%Y%m%d}:{span.opens:%H%M}-{end:%Y%m%d}:{span.closes:%H%M}")
        return words


_SATURDAY = 5
