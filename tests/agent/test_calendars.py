"""What an instrument learns of its exchange's calendar: checked against days that everybody remembers."""

from __future__ import annotations

from datetime import UTC, date, datetime, time

import pytest

from quietfill.agent.calendars import adapted, to_register, with_calendar, with_calendar_around
from quietfill.domain.errors import BadInput
from quietfill.domain.instrument import Instrument, LocalSession, TickRule
from quietfill.domain.types import MINUTE, QUANTITY_SCALE, timestamp_from
from quietfill.venue.feeds.markets import shanghai


def stock(calendar: str | None, **terms: object) -> Instrument:
    """Return an instrument that names a calendar and nothing else of its times."""
    return Instrument(symbol="X", ticks=(TickRule(0, 1),), lot=1, calendar=calendar, **terms)  # type: ignore[arg-type]


def span(opens: str, closes: str) -> LocalSession:
    """Return one session."""
    return LocalSession(time.fromisoformat(opens), time.fromisoformat(closes))


def test_thanksgiving_week_in_new_york() -> None:
    """Thursday is closed, Friday ends at 13:00, and the weekend is none."""
    instrument = with_calendar(stock("XNAS"), date(2024, 11, 1), date(2024, 12, 31))

    assert instrument.timezone == "America/New_York"
    assert instrument.sessions == (span("09:30", "16:00"),)
    assert instrument.sessions_on(date(2024, 11, 27)) == (span("09:30", "16:00"),)
    assert instrument.sessions_on(date(2024, 11, 28)) == ()
    assert instrument.sessions_on(date(2024, 11, 29)) == (span("09:30", "13:00"),)
    assert instrument.sessions_on(date(2024, 11, 30)) == ()
    assert instrument.next_open_date(date(2024, 11, 30)) == date(2024, 12, 2)


def test_christmas_eve_in_hong_kong_has_no_afternoon() -> None:
    """The lunch break goes with the afternoon that it led to."""
    instrument = with_calendar(stock("XHKG"), date(2024, 12, 1), date(2024, 12, 31))

    assert instrument.sessions_on(date(2024, 12, 23)) == (span("09:30", "12:00"), span("13:00", "16:00"))
    assert instrument.sessions_on(date(2024, 12, 24)) == (span("09:30", "12:00"),)


def test_stated_sessions_are_kept_on_regular_days() -> None:
    """Shanghai's continuous trading ends before its closing auction; the calendar only says on which days."""
    stated = shanghai("600961", tick=10**7, lot=100 * QUANTITY_SCALE)
    instrument = with_calendar(stated, date(2023, 6, 1), date(2023, 7, 31))

    assert instrument.sessions == stated.sessions
    assert instrument.sessions_on(date(2023, 7, 11)) == instrument.sessions
    assert instrument.sessions_on(date(2023, 6, 22)) == ()  # the Dragon Boat holiday
    assert {day.sessions for day in instrument.special_days} == {()}


def test_a_futures_week_opens_on_sunday() -> None:
    """Days are those on which a session opens: Friday evening and Saturday have none."""
    instrument = with_calendar(stock("CMES"), date(2024, 1, 1), date(2024, 1, 31))

    assert instrument.closed_weekdays == (4, 5)
    assert instrument.sessions_on(date(2024, 1, 14)) == (span("17:00", "12:00"),)  # closes early on a holiday


@pytest.mark.parametrize("calendar", ["24/7", None])
def test_round_the_clock_stays_what_it_is(calendar: str | None) -> None:
    """A market without days off gets none, and one without a calendar is not looked up."""
    instrument = stock(calendar)

    assert with_calendar_around(instrument, date(2024, 1, 1)) == instrument


@pytest.mark.parametrize(
    ("stated", "regular", "hours", "meant"),
    [
        # our close lies before an auction: an early close moves it as well
        ([("09:30", "15:57")], [("09:30", "16:00")], [("09:30", "13:00")], [("09:30", "12:57")]),
        # it lies an hour before: that is no auction, and only what is beyond the early close goes
        ([("17:00", "16:00")], [("17:00", "17:00")], [("17:00", "12:00")], [("17:00", "12:00")]),
        # late openings, and a close that is later as well
        ([("09:00", "15:20")], [("09:00", "15:30")], [("10:00", "16:30")], [("10:00", "16:20")]),
        # an early close within the morning drops the afternoon
        (
            [("09:30", "11:30"), ("13:00", "14:57")],
            [("09:30", "11:30"), ("13:00", "15:00")],
            [("09:30", "11:30")],
            [("09:30", "11:27")],
        ),
        # where we state what the exchange keeps, its hours are ours
        ([("09:30", "16:00")], [("09:30", "16:00")], [("09:30", "13:00")], [("09:30", "13:00")]),
        ([("09:30", "15:57")], [("09:30", "16:00")], [("09:30", "16:00")], [("09:30", "15:57")]),
    ],
)
def test_a_day_with_other_hours(stated, regular, hours, meant) -> None:
    """The exchange's change of hours is carried over to the sessions that we trade in."""
    as_sessions = [tuple(span(*pair) for pair in pairs) for pairs in (stated, regular, hours, meant)]

    assert adapted(*as_sessions[:3]) == as_sessions[3]


def test_a_day_of_an_order_follows_the_calendar() -> None:
    """What an agent is given in November 2024 ends a Black Friday's orders at 13:00 New York time."""
    instrument = with_calendar_around(stock("XNAS"), date(2024, 11, 1))

    day = instrument.trading_day(date(2024, 11, 29))

    assert day.spans[0][1] - day.spans[0][0] == 210 * MINUTE


def test_a_calendar_that_is_not_known_is_named() -> None:
    """A wrong code, or one that does not reach back far enough, is an error that names it."""
    with pytest.raises(BadInput, match="calendar 'XXXX' is not known"):
        with_calendar_around(stock("XXXX"), date(2024, 1, 1))
    with pytest.raises(BadInput, match="calendar XTKS from 1949"):
        with_calendar_around(stock("XTKS"), date(1950, 1, 1))


def test_a_calendar_reaches_as_far_as_its_holidays_are_published() -> None:
    """Beyond what is published days are as their weekday says; nothing fails."""
    instrument = with_calendar(stock("XSHG"), date(2025, 1, 1), date(2080, 1, 1))

    assert instrument.sessions_on(date(2079, 1, 2)) != ()
    assert instrument.special_days[-1].date < date(2079, 1, 1)


def test_registering_the_same_instrument_again_brings_new_days_off() -> None:
    """A year later the table gets next year's holidays; another instrument under the same symbol is refused."""
    this_year, next_year = (timestamp_from(datetime(year, 6, 3, tzinfo=UTC)) for year in (2024, 2025))
    first = to_register(stock("XNAS"), None, this_year)

    again = to_register(stock("XNAS"), first, next_year)

    assert date(2025, 11, 27) in {day.date for day in again.special_days}
    assert again.sessions == first.sessions
    with pytest.raises(BadInput, match="X is registered as another instrument already"):
        to_register(stock("XNAS", currency="CAD"), first, next_year)
