"""Which day an order belongs to around weekends, holidays and early closes."""

from __future__ import annotations

from datetime import UTC, date, datetime, time

import pytest

from quietfill.domain.instrument import Instrument, LocalSession, SpecialDay, TickRule
from quietfill.domain.types import MINUTE, QUANTITY_SCALE, timestamp_from

TICKS = (TickRule(0, 1),)
REGULAR = (LocalSession(time(9, 30), time(16)),)
STOCK = Instrument(
    symbol="STK",
    ticks=TICKS,
    lot=1,
    sessions=REGULAR,
    closed_weekdays=(5, 6),
    special_days=(
        SpecialDay(date(2024, 11, 28)),
        SpecialDay(date(2024, 11, 29), (LocalSession(time(9, 30), time(13)),)),
        SpecialDay(date(2024, 12, 7), REGULAR),
    ),
)
FUTURE = Instrument(
    symbol="FUT",
    ticks=TICKS,
    lot=QUANTITY_SCALE,
    timezone="America/Chicago",
    sessions=(LocalSession(time(17), time(16)),),
    closed_weekdays=(4, 5),
)


def utc(text: str) -> int:
    """Return an instant."""
    return timestamp_from(datetime.fromisoformat(text).replace(tzinfo=UTC))


@pytest.mark.parametrize(
    ("moment", "opens", "closes"),
    [
        ("2024-11-27T20:00", "2024-11-27T09:30", "2024-11-27T16:00"),  # after the close it is still that day
        ("2024-11-28T10:00", "2024-11-29T09:30", "2024-11-29T13:00"),  # a holiday is no day; the next closes early
        ("2024-11-30T10:00", "2024-12-02T09:30", "2024-12-02T16:00"),  # a Saturday belongs to Monday
        ("2024-12-07T10:00", "2024-12-07T09:30", "2024-12-07T16:00"),  # unless that Saturday trades
    ],
)
def test_days_off_are_no_trading_days(moment: str, opens: str, closes: str) -> None:
    """An instant on a day off belongs to the next session; an early close ends the day early."""
    assert STOCK.day_of(utc(moment)).spans == ((utc(opens), utc(closes)),)


@pytest.mark.parametrize(
    ("moment", "opens"),
    [
        ("2024-01-12T21:00", "2024-01-11T23:00"),  # Friday afternoon is Thursday evening's session
        ("2024-01-12T23:00", "2024-01-14T23:00"),  # Friday evening and all of Saturday belong to Sunday evening's
        ("2024-01-13T12:00", "2024-01-14T23:00"),
        ("2024-01-15T03:00", "2024-01-14T23:00"),
    ],
)
def test_a_week_that_opens_on_sunday_evening(moment: str, opens: str) -> None:
    """Closed weekdays are those on which no session opens, whatever still runs from the evening before."""
    assert FUTURE.day_of(utc(moment)).spans == ((utc(opens), utc(opens) + 23 * 60 * MINUTE),)


def test_a_holiday_has_no_trading_time() -> None:
    """The day of a closed date has no stretch of trading at all, so nothing elapses on it."""
    holiday = STOCK.trading_day(date(2024, 11, 28))

    assert holiday.spans == ()
    assert holiday.elapsed(utc("2024-11-28T00:00"), utc("2024-11-29T00:00")) == 0
    assert STOCK.next_open_date(date(2024, 11, 30)) == date(2024, 12, 2)


@pytest.mark.parametrize(
    ("terms", "message"),
    [
        ({"closed_weekdays": (5, 6)}, "X: a market with days off must state its sessions"),
        ({"sessions": REGULAR, "closed_weekdays": tuple(range(7))}, "X: one weekday at least must be open"),
        (
            {"sessions": REGULAR, "special_days": (SpecialDay(date(2024, 1, 2)), SpecialDay(date(2024, 1, 1)))},
            "X: special days must be in order, each date once",
        ),
    ],
)
def test_days_off_that_contradict_each_other(terms, message: str) -> None:
    """What could never be traded on is refused when the instrument is made."""
    with pytest.raises(ValueError, match=message):
        Instrument(symbol="X", ticks=TICKS, lot=1, **terms)


def test_a_calendar_that_never_opens_again() -> None:
    """A year without a session is said, not searched for ever."""
    shut = tuple(SpecialDay(date.fromordinal(date(2024, 1, 1).toordinal() + n)) for n in range(400))
    instrument = Instrument(symbol="X", ticks=TICKS, lot=1, sessions=REGULAR, special_days=shut)

    with pytest.raises(ValueError, match="X: no session within a year of 2024-01-02"):
        instrument.day_of(utc("2024-01-02T10:00") + MINUTE)
