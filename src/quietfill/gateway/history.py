"""Bars and ticks of the past, and bars as they come about."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final
from zoneinfo import ZoneInfo

from quietfill.domain.types import (
    MINUTE,
    SECOND,
    Duration,
    Timestamp,
    datetime_of,
    price_decimal,
    quantity_decimal,
    timestamp_from,
)
from quietfill.gateway.bars import SHOWN, Bar, bars
from quietfill.gateway.cursor import Refused
from quietfill.gateway.orders import rounded
from quietfill.gateway.wire import instant_of, local_text

if TYPE_CHECKING:
    from quietfill.gateway.cursor import Cursor
    from quietfill.gateway.server import Handler, PaperGateway
    from quietfill.gateway.session import Session
    from quietfill.gateway.wire import Value

_HOUR: Final = 60 * MINUTE
_DAY: Final = 24 * _HOUR
_STEPS: Final = {
    "1 secs": SECOND, "5 secs": 5 * SECOND, "10 secs": 10 * SECOND, "15 secs": 15 * SECOND, "30 secs": 30 * SECOND,
    "1 min": MINUTE, "2 mins": 2 * MINUTE, "3 mins": 3 * MINUTE, "5 mins": 5 * MINUTE, "10 mins": 10 * MINUTE,
    "15 mins": 15 * MINUTE, "20 mins": 20 * MINUTE, "30 mins": 30 * MINUTE, "1 hour": _HOUR, "2 hours": 2 * _HOUR,
    "3 hours": 3 * _HOUR, "4 hours": 4 * _HOUR, "8 hours": 8 * _HOUR, "1 day": _DAY,
}  # fmt: skip
_UNITS: Final = {"S": SECOND, "D": _DAY, "W": 7 * _DAY, "M": 31 * _DAY, "Y": 366 * _DAY}
_LIVE_STEP: Final = 5 * SECOND
_MOST_TICKS: Final = 1000
_AS_SECONDS: Final = 2


@dataclass(eq=False)
class _LiveBars:
    """A subscription to bars as they come about: 5-second bars, or the last bar of a history request."""

    session: Session
    number: int
    what: str
    step: Duration
    told_to: Timestamp
    is_update: bool = False
    form: int = 1


class History:
    """Requests for what was recorded up to now."""

    def __init__(self, gateway: PaperGateway) -> None:
        self._gateway = gateway
        self._contract = gateway.contract
        self.live: dict[tuple[Session, int], _LiveBars] = {}

    def handlers(self) -> dict[int, Handler]:
        """Return what answers which request."""
        return {
            20: self._history,
            25: self._cancel(has_version=True, code=366, words="No historical data query found for ticker id:{}"),
            50: self._real_time_bars,
            51: self._cancel(has_version=True, code=300, words="Can't find EId with tickerId:{}"),
            87: self._head,
            90: lambda _, __: None,
            96: self._ticks,
        }

    def forget(self, session: Session) -> None:
        """Drop all subscriptions of a client that left."""
        for key in [key for key in self.live if key[0] is session]:
            del self.live[key]
        self._gateway.watch(bars=len(self.live))

    def look(self, now: Timestamp) -> None:
        """Tell subscribers of bars that are over, or have changed."""
        for live in list(self.live.values()):
            over = now // _LIVE_STEP * _LIVE_STEP
            if over <= live.told_to:
                continue
            if live.is_update:
                begin = self._aligned(over - 1, live.step)
                for bar in bars(self._gateway.floor.history, live.what, begin, over, live.step):
                    self._say_update(live, bar)
            else:
                for bar in bars(self._gateway.floor.history, live.what, live.told_to, over, _LIVE_STEP):
                    prices = (bar.open, bar.high, bar.low, bar.close, bar.volume, bar.average, bar.trades)
                    live.session.say(50, 3, live.number, bar.start // SECOND, *prices, about=live.number)
            live.told_to = over

    # ------------------------------------------------------------ bars

    def _history(self, session: Session, cursor: Cursor) -> None:
        number = cursor.integer()
        self._contract.check(cursor.contract())
        cursor.skip()
        end_words, size, duration = cursor.text(), cursor.text(), cursor.text()
        cursor.skip()
        what, form, keeps = cursor.text().upper(), cursor.integer(), cursor.flag()
        step = self._step(size)
        if what not in SHOWN:
            raise self._no_data(f"{what or 'nothing'} is not recorded; {', '.join(SHOWN)} are")
        if keeps and end_words:
            raise Refused(321, "Error validating request.-'gw' : cause - an end date and updates exclude one another")
        now = self._gateway.floor.now
        end = min(self._instant(end_words, now), now)
        begin = self._aligned(max(end - self._length(duration), self._gateway.floor.tape.first_time), step)
        found = bars(self._gateway.floor.history, what, begin, end, step)
        if not found and not keeps:
            raise self._no_data(f"{self._contract.symbol}@{self._contract.primary_exchange} {what.title()}")
        self._say_bars(session, number, found, (begin, end), step=step, form=form)
        if keeps:
            told = now // _LIVE_STEP * _LIVE_STEP
            self.live[session, number] = _LiveBars(session, number, what, step, told, is_update=True, form=form)
            self._gateway.watch(bars=len(self.live))

    def _say_bars(
        self,
        session: Session,
        number: int,
        found: list[Bar],
        span: tuple[Timestamp, Timestamp],
        *,
        step: Duration,
        form: int,
    ) -> None:
        fields: list[Value] = []
        for bar in found:
            fields += [self._date(bar.start, step, form), bar.open, bar.high, bar.low, bar.close]
            fields += [bar.volume, bar.average, bar.trades]
        begin, end = (local_text(at, self._contract.zone) for at in span)
        session.say(17, number, begin, end, len(found), *fields, about=number)

    def _say_update(self, live: _LiveBars, bar: Bar) -> None:
        date = self._date(bar.start, live.step, live.form)
        prices = (bar.open, bar.close, bar.high, bar.low, bar.average, bar.volume)
        live.session.say(90, live.number, bar.trades, date, *prices, about=live.number)

    def _real_time_bars(self, session: Session, cursor: Cursor) -> None:
        cursor.skip()
        number = cursor.integer()
        self._contract.check(cursor.contract())
        size, what = cursor.integer(), cursor.text().upper()
        if size != _LIVE_STEP // SECOND or what not in SHOWN:
            words = f"bars of {size} s of {what or 'nothing'}; there are bars of 5 s of {', '.join(SHOWN)}"
            raise Refused(321, f"Error validating request.-'gw' : cause - {words}")
        if (session, number) in self.live:
            raise Refused(102, "Duplicate ticker ID for API client")
        told = -(-self._gateway.floor.now // _LIVE_STEP) * _LIVE_STEP
        self.live[session, number] = _LiveBars(session, number, what, _LIVE_STEP, told)
        self._gateway.watch(bars=len(self.live))

    def _cancel(self, *, has_version: bool, code: int, words: str) -> Handler:
        def cancel(session: Session, cursor: Cursor) -> None:
            cursor.skip(int(has_version))
            number = cursor.integer()
            if self.live.pop((session, number), None) is None:
                raise Refused(code, words.format(number))
            self._gateway.watch(bars=len(self.live))

        return cancel

    # ------------------------------------------------------------ ticks

    def _head(self, session: Session, cursor: Cursor) -> None:
        number = cursor.integer()
        self._contract.check(cursor.contract())
        cursor.skip(3)
        first = self._gateway.floor.tape.first_time
        form = cursor.integer()
        zone = self._contract.zone
        session.say(88, number, str(first // SECOND) if form == _AS_SECONDS else local_text(first, zone, named=False))

    def _ticks(self, session: Session, cursor: Cursor) -> None:
        number = cursor.integer()
        self._contract.check(cursor.contract())
        cursor.skip()
        begin_words, end_words, count, what = cursor.text(), cursor.text(), cursor.integer(), cursor.text().upper()
        cursor.skip()
        ignores_size = cursor.flag()
        if not 0 < count <= _MOST_TICKS or bool(begin_words) == bool(end_words):
            words = (
                f"{count} ticks with {'both' if begin_words else 'neither'} start and end; one of them, and 1 to 1000"
            )
            raise Refused(321, f"Error validating request.-'gw' : cause - {words}")
        if what not in {"TRADES", "MIDPOINT", "BID_ASK"} or (what == "BID_ASK" and not ignores_size):
            raise self._no_data(f"{what or 'nothing'} with sizes is not recorded")
        seen = self._gateway.floor.history
        times = seen.print_time if what == "TRADES" else seen.touch_time
        if begin_words:
            first = int(times.searchsorted(self._instant(begin_words, 0)))
            rows = range(first, min(first + count, len(times)))
        else:
            last = int(times.searchsorted(self._instant(end_words, 0)))
            rows = range(max(last - count, 0), last)
        if what == "TRADES":
            fields: list[Value] = []
            for row in rows:
                price, size = price_decimal(int(seen.print_price[row])), quantity_decimal(int(seen.print_quantity[row]))
                fields += [int(times[row]) // SECOND, 0, price, size, self._contract.primary_exchange, ""]
            session.say(98, number, len(rows), *fields, True)  # noqa: FBT003 - a field
            return
        self._say_touches(session, number, what, [row for row in rows if seen.has_touch[row]])

    def _say_touches(self, session: Session, number: int, what: str, rows: list[int]) -> None:
        seen = self._gateway.floor.history
        fields: list[Value] = []
        for row in rows:
            bid, ask = int(seen.bid[row]), int(seen.ask[row])
            prices = (rounded(price_decimal(bid + ask) / 2),) if what == "MIDPOINT" else map(price_decimal, (bid, ask))
            fields += [int(seen.touch_time[row]) // SECOND, 0, *prices, *([0] if what == "MIDPOINT" else [0, 0])]
        session.say(96 if what == "MIDPOINT" else 97, number, len(rows), *fields, True)  # noqa: FBT003 - a field

    # ------------------------------------------------------------ words

    def _step(self, size: str) -> Duration:
        step = _STEPS.get(size, _STEPS.get(f"{size}s"))
        if step is None:
            raise Refused(321, f"Error validating request.-'gw' : cause - Invalid bar size '{size}'")
        return step

    def _length(self, words: str) -> Duration:
        match = re.fullmatch(r"\s*(\d+)\s*([SDWMY])\s*", words)
        if match is None:
            raise Refused(321, f"Error validating request.-'gw' : cause - Invalid duration '{words}'")
        return int(match[1]) * _UNITS[match[2]]

    def _instant(self, words: str, otherwise: Timestamp) -> Timestamp:
        if not words:
            return otherwise
        try:
            return instant_of(words, self._contract.zone)
        except ValueError:
            raise Refused(321, f"Error validating request.-'gw' : cause - Invalid time '{words}'") from None

    def _aligned(self, at: Timestamp, step: Duration) -> Timestamp:
        if step < _DAY:
            return at // step * step
        local = datetime_of(at).astimezone(ZoneInfo(self._contract.zone))
        return timestamp_from(local.replace(hour=0, minute=0, second=0, microsecond=0))

    def _date(self, at: Timestamp, step: Duration, form: int) -> str:
        if step >= _DAY:
            return local_text(at, self._contract.zone)[:8]
        return str(at // SECOND) if form == _AS_SECONDS else local_text(at, self._contract.zone)

    def _no_data(self, what: str) -> Refused:
        words = f"HMDS query returned no data: {what}"
        return Refused(162, f"Historical Market Data Service error message:{words}")
