"""The gateway's trading hours, a text of dates, as our sessions: a regular day, and the days that differ from it.

The text looks like `20261122:0930-20261122:1600;20261123:CLOSED`; a session that runs over midnight belongs to the date
on which it opens.
"""

from __future__ import annotations

from collections import Counter
from datetime import UTC, date, datetime, time
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec

from quietfill.domain.errors import BadInput
from quietfill.domain.instrument import LocalSession, SpecialDay

_WEEK = 7


class Hours(msgspec.Struct, frozen=True, kw_only=True):
    """When a contract trades, in its own zone; without sessions it trades round the clock."""

    timezone: str
    sessions: tuple[LocalSession, ...] = ()
    closed_weekdays: tuple[int, ...] = ()
    special_days: tuple[SpecialDay, ...] = ()


def sessions_of(text: str, zone: str) -> Hours:
    """Return the hours that a text of the gateway's means.

    Args:
        text: `liquidHours` or `tradingHours` of contract details.
        zone: `timeZoneId` of the same.

    Raises:
        BadInput: when text or zone cannot be read.
    """
    timezone = _zone(zone)
    days = _days(text)
    open_days = [spans for spans in days.values() if spans]
    if not open_days:
        return Hours(timezone=timezone)
    regular = Counter(open_days).most_common(1)[0][0]
    closed = tuple(
        weekday
        for weekday in range(_WEEK)
        if (those := [spans for day, spans in days.items() if day.weekday() == weekday]) and not any(those)
    )
    # A weekday that was closed on the one date that is listed may just have been a holiday.
    weekend = tuple(weekday for weekday in closed if weekday in _WEEKEND)
    special = tuple(
        SpecialDay(day, spans)
        for day, spans in sorted(days.items())
        if spans != regular and not (day.weekday() in weekend and not spans)
    )
    return Hours(timezone=timezone, sessions=regular, closed_weekdays=weekend, special_days=special)


_WEEKEND = frozenset({5, 6})


def _zone(name: str) -> str:
    """Return a zone's name as the zone database has it; some gateways add a description."""
    plain = name.split(" ", maxsplit=1)[0] if name else "UTC"
    try:
        ZoneInfo(plain)
    except (ZoneInfoNotFoundError, ValueError):
        raise BadInput(f"timeZoneId is not a known time zone: {name!r}") from None
    return plain


def _days(text: str) -> dict[date, tuple[LocalSession, ...]]:
    days: dict[date, list[LocalSession]] = {}
    for part in filter(None, (item.strip() for item in text.split(";"))):
        first, _, last = part.partition("-")
        try:
            if part.endswith(":CLOSED"):
                days.setdefault(_moment(first.removesuffix("CLOSED") + "0000").date(), [])
                continue
            opens, closes = _moment(first), _moment(last)
        except ValueError:
            raise BadInput(f"trading hours cannot be read: {part!r}") from None
        days.setdefault(opens.date(), []).append(LocalSession(_minute(opens), _minute(closes)))
    return {day: tuple(sorted(spans, key=lambda span: span.opens)) for day, spans in days.items()}


def _moment(text: str) -> datetime:
    return datetime.strptime(text, "%Y%m%d:%H%M").replace(tzinfo=UTC)


def _minute(moment: datetime) -> time:
    return time(moment.hour, moment.minute)
