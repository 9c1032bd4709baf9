"""Which trading day an instant belongs to, round the clock and over midnight included."""

from __future__ import annotations

from datetime import UTC, datetime, time

import pytest

from quietfill.domain.instrument import Instrument, LocalSession, TickRule
from quietfill.domain.types import QUANTITY_SCALE, timestamp_from

TICKS = (TickRule(0, 1),)
ROUND_THE_CLOCK = Instrument(symbol="COIN", ticks=TICKS, lot=1)
OVERNIGHT = Instrument(
    symbol="FUT",
    ticks=TICKS,
    lot=QUANTITY_SCALE,
    timezone="America/Chicago",
    sessions=(LocalSession(time(17), time(16)),),
)
DAYTIME = Instrument(symbol="STK", ticks=TICKS, lot=1, sessions=(LocalSession(time(9, 30), time(16)),))


def utc(text: str) -> int:
    """Return an instant."""
    return timestamp_from(datetime.fromisoformat(text).replace(tzinfo=UTC))


def test_an_order_round_the_clock_runs_over_midnight() -> None:
    """Where nothing closes, a window from 23:56 to 00:03 is not cut."""
    start, end = utc("2024-08-08T23:56"), utc("2024-08-09T00:03")

    day = ROUND_THE_CLOCK.day_of(start, end)

    assert day.clip(start, end) == (start, end)
    assert day.spans == ((utc("2024-08-08T00:00"), utc("2024-08-10T00:00")),)
    assert ROUND_THE_CLOCK.day_of(start).spans == ((utc("2024-08-08T00:00"), utc("2024-08-09T00:00")),)


@pytest.mark.parametrize("moment", ["2024-01-09T23:30", "2024-01-10T08:00", "2024-01-10T21:59"])
def test_an_overnight_session_belongs_to_the_date_it_opened_on(moment: str) -> None:
    """At two in the night the session that opened at 17:00 the day before goes on."""
    day = OVERNIGHT.day_of(utc(moment))

    assert day.spans == ((utc("2024-01-09T23:00"), utc("2024-01-10T22:00")),)
    assert day.is_open(utc(moment))


def test_a_daytime_session_is_that_of_its_own_date() -> None:
    """Before the open and after the close the day is that of the date."""
    for moment in ("2024-01-10T03:00", "2024-01-10T12:00", "2024-01-10T20:00"):
        assert DAYTIME.day_of(utc(moment)).spans == ((utc("2024-01-10T09:30"), utc("2024-01-10T16:00")),)
