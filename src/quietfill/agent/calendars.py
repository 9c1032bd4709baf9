"""From an exchange's calendar to the days of an instrument: weekends, holidays, early closes, late opens.

The library behind it is large and keeps its own tables, so it is loaded here, at the edge, and only for
instruments that name a calendar. What it says becomes plain fields of the instrument, on which the engine
compares integers.
"""

from __future__ import annotations

import warnings
from collections import Counter
from datetime import date, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import msgspec

from quietfill.domain.errors import BadInput
from quietfill.domain.instrument import Instrument, LocalSession, SpecialDay
from quietfill.domain.types import Timestamp, datetime_of

Sessions = tuple[LocalSession, ...]

_DAYS_BACK = 30
_DAYS_AHEAD = 400
"""Calendars are known about a year ahead; what lies beyond trades as its weekday does."""

_DAYS_AROUND = 200
"""What is regular is what most days of more than a year do."""

_LONGEST_AUCTION = 15
"""Minutes. A longer stretch between our close and the exchange's is no auction and does not move with it."""

_MINUTES_A_DAY = 24 * 60


def with_calendar(instrument: Instrument, first: date, last: date) -> Instrument:
    """Return *instrument* with the days off of the calendar that it names, from *first* to *last*.

    Where the instrument states its sessions, these are what a regular day of the calendar means (continuous
    trading may end minutes before the exchange does, with its auction), and an early close moves their end with the
    exchange's. Where it states none, they come from the calendar, with its time zone.

    Raises:
        BadInput: when the calendar is not known, or does not reach back to *first*.
    """
    if instrument.calendar is None:
        return instrument
    zone, hours = _load(instrument.calendar, first - timedelta(days=_DAYS_AROUND), last + timedelta(days=_DAYS_AROUND))
    closed = tuple(sorted(set(range(7)) - {day.weekday() for day in hours}))
    regular = Counter(hours.values()).most_common(1)[0][0]
    if not closed and set(hours.values()) == {_ROUND_THE_CLOCK}:
        return instrument
    if not instrument.sessions:
        instrument = msgspec.structs.replace(instrument, sessions=regular, timezone=zone)
    special: list[SpecialDay] = []
    for number in range((min(last, max(hours)) - first).days + 1):
        day = first + timedelta(days=number)
        sessions = adapted(instrument.sessions, regular, hours[day]) if day in hours else ()
        if sessions != (() if day.weekday() in closed else instrument.sessions):
            special.append(SpecialDay(day, sessions))
    return msgspec.structs.replace(instrument, closed_weekdays=closed, special_days=tuple(special))


def with_calendar_around(instrument: Instrument, today: date) -> Instrument:
    """Return *instrument* with the days off that an agent which runs *today* can meet."""
    return with_calendar(instrument, today - timedelta(days=_DAYS_BACK), today + timedelta(days=_DAYS_AHEAD))


def calendar_timezone(name: str) -> str:
    """Return the time zone of a calendar.

    Raises:
        BadInput: when it is not known.
    """
    return ZoneInfo(str(_open(name, date(2020, 1, 1), date(2020, 12, 31)).tz)).key


def to_register(instrument: Instrument, known: Instrument | None, now: Timestamp) -> Instrument:
    """Return what stands in the table for *instrument*: with its calendar's days off around *now*.

    Args:
        instrument: as its user states it.
        known: what its symbol stands for so far; its days off may be those of another year.
        now: the agent's time.

    Raises:
        BadInput: when the symbol stands for something else, or the calendar is not known.
    """
    resolved = with_calendar_around(instrument, datetime_of(now).date())
    if known is not None and not known.differs_in_days_only(resolved):
        raise BadInput(f"{instrument.symbol} is registered as another instrument already")
    return resolved


def adapted(stated: Sessions, regular: Sessions, hours: Sessions) -> Sessions:
    """Return the sessions of a day on which the exchange keeps *hours*, where *stated* are those of a regular day.

    Args:
        stated: of the instrument.
        regular: of the exchange on a regular day.
        hours: of the exchange on the day in question.
    """
    if hours == regular:
        return stated
    if stated == regular:
        return hours
    usual, today, ours = _minutes(regular), _minutes(hours), _minutes(stated)
    opens = ours[0][0] + today[0][0] - usual[0][0]
    auction = usual[-1][1] - ours[-1][1]
    closes = today[-1][1] - auction if 0 <= auction <= _LONGEST_AUCTION else min(today[-1][1], ours[-1][1])
    spans = [(max(opens, begin), min(closes, end)) for begin, end in ours]
    spans = [(begin, end) for begin, end in spans if begin < end] or [(opens, closes)]
    spans[0], spans[-1] = (opens, spans[0][1]), (spans[-1][0], spans[-1][1])
    if closes > ours[-1][1]:
        spans[-1] = (spans[-1][0], closes)
    return tuple(LocalSession(_time(begin), _time(end)) for begin, end in spans)


_ROUND_THE_CLOCK: Sessions = (LocalSession(time(0), time(0)),)


def _load(name: str, first: date, last: date) -> tuple[str, dict[date, Sessions]]:
    """Return a calendar's time zone and its hours by the local date on which each session opens."""
    calendar = _open(name, first, last)
    zone = ZoneInfo(str(calendar.tz))

    def local(instant: Any) -> time:
        return instant.to_pydatetime().astimezone(zone).time()  # type: ignore[no-any-return]

    hours: dict[date, Sessions] = {}
    for row in calendar.schedule.itertuples(index=False):
        if row.break_start is None or row.break_start != row.break_start:
            sessions: Sessions = (LocalSession(local(row.open), local(row.close)),)
        else:
            sessions = (
                LocalSession(local(row.open), local(row.break_start)),
                LocalSession(local(row.break_end), local(row.close)),
            )
        hours[row.open.to_pydatetime().astimezone(zone).date()] = sessions
    return zone.key, hours


def _open(name: str, first: date, last: date) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # deprecations between the library and its own dependencies
        import exchange_calendars

        if name not in exchange_calendars.get_calendar_names():
            raise BadInput(f"calendar {name!r} is not known; give an ISO 10383 code like XNAS or XSHG")
        try:
            return exchange_calendars.get_calendar(name, start=first.isoformat(), end=last.isoformat())
        except (ValueError, NotImplementedError):  # holidays are not published that far ahead: as far as they are
            pass
        try:
            return exchange_calendars.get_calendar(name, start=first.isoformat())
        except (ValueError, NotImplementedError) as error:
            raise BadInput(f"calendar {name} from {first}: {' '.join(str(error).split())}") from None


def _minutes(sessions: Sessions) -> list[tuple[int, int]]:
    """Return sessions in minutes since the midnight before the first opens; a session may run over the next one."""
    spans: list[tuple[int, int]] = []
    for session in sessions:
        begin = session.opens.hour * 60 + session.opens.minute
        end = session.closes.hour * 60 + session.closes.minute
        spans.append((begin, end if end > begin else end + _MINUTES_A_DAY))
    return spans


def _time(minutes: int) -> time:
    return time(minutes // 60 % 24, minutes % 60)
