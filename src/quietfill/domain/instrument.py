"""An instrument: what a symbol means, on which grid it trades, and when.

Sessions are stated in the venue's local time and turned into instants for one date at the edge, so
that the engine only ever compares integers.
"""

from __future__ import annotations

from bisect import bisect_left
from datetime import date, datetime, time, timedelta
from functools import lru_cache
from itertools import pairwise
from math import inf
from operator import attrgetter
from zoneinfo import ZoneInfo

import msgspec

from quietfill.domain.types import OrderSide, Price, Quantity, TimeInForce, Timestamp, datetime_of, timestamp_from


class TickRule(msgspec.Struct, frozen=True):
    """From the price `above` upwards (in absolute value), prices move in steps of `increment`."""

    above: Price
    increment: Price


class LocalSession(msgspec.Struct, frozen=True):
    """One stretch of continuous trading, in the venue's local time of day."""

    opens: time
    closes: time


class SpecialDay(msgspec.Struct, frozen=True):
    """A date that trades at other times than its weekday says, or not at all: an early close, a holiday."""

    date: date
    sessions: tuple[LocalSession, ...] = ()


class Instrument(msgspec.Struct, frozen=True, kw_only=True, cache_hash=True):
    """Everything that prices, sizes and schedules of one symbol are checked against.

    Attributes:
        symbol: the key of the instrument table.
        ticks: the tick ladder, lowest `above` first; the first rule starts at 0.
        lot: the size that quantities must be a multiple of.
        odd_lots: whether an odd rest may be sent; else it is refused at admission.
        multiplier: currency per price point and contract.
        sessions: continuous trading in local time; empty means round the clock.
        calendar: the exchange's holiday calendar by its ISO 10383 code, resolved at the edge into the next two.
        closed_weekdays: weekdays without trading, Monday is 0.
        special_days: dates that differ from their weekday, in order.
        average_daily_volume: what usually trades in a day, for impact estimates until that was observed.
        daily_volatility: of a day, as a fraction of the price (0.02 for 2 %), for the same.
    """

    symbol: str
    ticks: tuple[TickRule, ...]
    lot: Quantity
    currency: str = "USD"
    venue: str = ""
    security_type: str = "STK"
    multiplier: int = 1
    odd_lots: bool = True
    timezone: str = "UTC"
    sessions: tuple[LocalSession, ...] = ()
    calendar: str | None = None
    broker_contract_id: int | None = None
    closed_weekdays: tuple[int, ...] = ()
    special_days: tuple[SpecialDay, ...] = ()
    average_daily_volume: Quantity | None = None
    daily_volatility: float | None = None

    def __post_init__(self) -> None:
        """Refuse a grid that could not be traded on."""
        if not self.symbol:
            raise ValueError("an instrument needs a symbol")
        if not self.ticks or self.ticks[0].above != 0:
            raise ValueError(f"{self.symbol}: the tick ladder must start at price 0")
        if any(rule.increment <= 0 for rule in self.ticks):
            raise ValueError(f"{self.symbol}: every tick increment must be positive")
        if self.lot <= 0:
            raise ValueError(f"{self.symbol}: the lot must be positive")
        if self.multiplier <= 0:
            raise ValueError(f"{self.symbol}: the multiplier must be positive")
        self._check_facts()
        self._check_days_off()

    def _check_facts(self) -> None:
        volume, volatility = self.average_daily_volume, self.daily_volatility
        if volume is not None and volume <= 0:
            raise ValueError(f"{self.symbol}: average_daily_volume must be positive, not {volume}")
        if volatility is not None and not 0 < volatility < inf:
            raise ValueError(f"{self.symbol}: daily_volatility must be positive and finite, not {volatility}")

    def _check_days_off(self) -> None:
        if not self.sessions and (self.closed_weekdays or self.special_days):
            raise ValueError(f"{self.symbol}: a market with days off must state its sessions")
        if not set(range(7)) - set(self.closed_weekdays):
            raise ValueError(f"{self.symbol}: one weekday at least must be open")
        if any(day.date >= later.date for day, later in pairwise(self.special_days)):
            raise ValueError(f"{self.symbol}: special days must be in order, each date once")

    def differs_in_days_only(self, other: Instrument) -> bool:
        """Say whether *other* is the same instrument, but for the days off that a later look at its calendar gave."""
        return other == msgspec.structs.replace(
            self, closed_weekdays=other.closed_weekdays, special_days=other.special_days
        )

    def is_same_contract(self, other: Instrument) -> bool:
        """Say whether *other* is the same contract of the broker, but for what may change: its ladder and days off."""
        known = self.broker_contract_id is not None
        return known and other == msgspec.structs.replace(
            self, ticks=other.ticks, closed_weekdays=other.closed_weekdays, special_days=other.special_days
        )

    def tick_at(self, price: Price) -> Price:
        """Return the price increment in force at *price*."""
        magnitude = abs(price)
        increment = self.ticks[0].increment
        for rule in self.ticks[1:]:
            if magnitude < rule.above:
                break
            increment = rule.increment
        return increment

    def round_price(self, price: Price, side: OrderSide) -> Price:
        """Return the nearest price on the ladder that is not worse for the client on *side*."""
        tick = self.tick_at(price)
        return price // tick * tick if side is OrderSide.BUY else -(-price // tick) * tick

    def on_tick(self, price: Price) -> bool:
        """Say whether *price* lies on the tick ladder."""
        return price % self.tick_at(price) == 0

    def whole_lots(self, quantity: Quantity) -> Quantity:
        """Return the largest multiple of the lot within *quantity*."""
        return quantity // self.lot * self.lot

    def day_of(self, instant: Timestamp, until: Timestamp | None = None) -> TradingDay:
        """Return the continuous sessions of the trading day that *instant* belongs to, at a weekend the next one.

        A session that runs over midnight belongs to the date on which it opened. A market that trades round the
        clock has no last close: its day goes on to the end of the date of *until*.

        Raises:
            ValueError: when the calendar has no session within a year.
        """
        local = datetime_of(instant).astimezone(ZoneInfo(self.timezone)).date()
        before = self.trading_day(local - timedelta(days=1))
        if self.sessions and before.spans and before.spans[-1][1] > instant:
            return before
        day = _day_from(self, local)
        if self.sessions or until is None or until <= day.spans[-1][1]:
            return day
        return TradingDay(((day.spans[0][0], self.day_of(until).spans[-1][1]),))

    def days(self, start: Timestamp, until: Timestamp) -> TradingDay:
        """Return the continuous sessions of every trading day from that of *start* to that of *until*, as one."""
        first = self.day_of(start, until)
        spans = list(first.spans)
        while self.sessions and spans[-1][1] < until:
            last = datetime_of(spans[-1][0]).astimezone(ZoneInfo(self.timezone)).date()
            spans += self.trading_day(self.next_open_date(last + timedelta(days=1))).spans
        return TradingDay(tuple(spans))

    def window(self, start: Timestamp, until: Timestamp, life: TimeInForce) -> TradingDay:
        """Return the sessions in which an order may be worked: one day's, or all until its end if it lives on."""
        return self.days(start, until) if life in _LIVES_ON else self.day_of(start, until)

    def next_open_date(self, day: date) -> date:
        """Return *day* if it trades, else the first date after it that does.

        Raises:
            ValueError: when none does within a year.
        """
        for later in range(_LONGEST_CLOSURE_DAYS):
            candidate = day + timedelta(days=later)
            if self.sessions_on(candidate):
                return candidate
        raise ValueError(f"{self.symbol}: no session within a year of {day}")

    def trading_day(self, day: date) -> TradingDay:
        """Return the continuous sessions of one local date as instants; none on a holiday."""
        return _trading_day(self, day)

    def sessions_on(self, day: date) -> tuple[LocalSession, ...]:
        """Return the continuous sessions of one local date in local time; none on a holiday."""
        place = bisect_left(self.special_days, day, key=attrgetter("date"))
        if place < len(self.special_days) and self.special_days[place].date == day:
            return self.special_days[place].sessions
        return () if day.weekday() in self.closed_weekdays else self.sessions or _ROUND_THE_CLOCK


_LIVES_ON = frozenset({TimeInForce.GTC, TimeInForce.GTD})
_ROUND_THE_CLOCK = (LocalSession(time(0), time(0)),)
_LONGEST_CLOSURE_DAYS = 366


@lru_cache(maxsize=4096)
def _trading_day(instrument: Instrument, day: date) -> TradingDay:
    zone = ZoneInfo(instrument.timezone)
    return TradingDay(tuple(_span(day, span, zone) for span in instrument.sessions_on(day)))


@lru_cache(maxsize=4096)
def _day_from(instrument: Instrument, day: date) -> TradingDay:
    return instrument.trading_day(instrument.next_open_date(day))


def _span(day: date, span: LocalSession, zone: ZoneInfo) -> tuple[Timestamp, Timestamp]:
    opens = datetime.combine(day, span.opens, zone)
    closes = datetime.combine(day, span.closes, zone)
    if closes <= opens:  # 00:00-00:00 is the whole day; 17:00-16:00 runs into the next one
        closes = datetime.combine(day + timedelta(days=1), span.closes, zone)
    return timestamp_from(opens), timestamp_from(closes)


class TradingDay(msgspec.Struct, frozen=True):
    """The stretches of continuous trading of one day, as [open, close) instants in order."""

    spans: tuple[tuple[Timestamp, Timestamp], ...]

    def is_open(self, instant: Timestamp) -> bool:
        """Say whether continuous trading goes on at *instant*."""
        return any(opens <= instant < closes for opens, closes in self.spans)

    def elapsed(self, start: Timestamp, end: Timestamp) -> int:
        """Return the trading time between two instants in ns, breaks left out."""
        return sum(max(0, min(end, closes) - max(start, opens)) for opens, closes in self.spans)

    def after(self, start: Timestamp, trading_time: int) -> Timestamp:
        """Return the instant at which *trading_time* ns of trading have passed since *start*.

        The answer is clipped to the last close.
        """
        for opens, closes in self.spans:
            begin = max(start, opens)
            if begin >= closes:
                continue
            if trading_time <= closes - begin:
                return begin + trading_time
            trading_time -= closes - begin
        return self.spans[-1][1]

    def clip(self, start: Timestamp, end: Timestamp) -> tuple[Timestamp, Timestamp]:
        """Return the part of a window that lies between the day's first open and last close in trading time.

        A start inside a break moves to the next open, an end inside a break to the last close before it.
        """
        for opens, closes in self.spans:
            if opens <= start < end <= closes:  # nothing to clip, as nearly always
                return start, end
        starts = [max(start, opens) for opens, closes in self.spans if closes > start]
        ends = [min(end, closes) for opens, closes in self.spans if opens < end]
        return (starts[0] if starts else self.spans[-1][1]), (ends[-1] if ends else self.spans[0][0])
