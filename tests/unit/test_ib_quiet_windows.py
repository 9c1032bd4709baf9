"""Quiet windows: what a text means, when a window begins and ends, and what a gate says while it is barred."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from quietfill.brokers.ib.gate import Gate
from quietfill.brokers.ib.quiet_windows import QuietTimes, QuietWindow, read_quiet_window
from quietfill.brokers.ib.settings import IBSettings
from quietfill.domain.errors import BadInput
from quietfill.domain.types import SECOND, datetime_of, timestamp_from


def spans(window: QuietWindow, now: datetime) -> list[tuple[str, str]]:
    """Return the windows around an instant, in UTC."""
    near = list(window.near(timestamp_from(now)))
    return [tuple(datetime_of(at).strftime("%a %d %H:%M") for at in span) for span in near]  # type: ignore[misc]


class Hours:
    """A clock moved by hand, and a gate whose changes are written down."""

    def __init__(self, *texts: str, begin: datetime) -> None:
        self.now = timestamp_from(begin)
        self.has_line = True
        self.alarm: tuple[int, object] | None = None
        self.told: list[tuple[bool, str]] = []
        self.gate = Gate(lambda: self.has_line, lambda is_open, why: self.told.append((is_open, why)))
        windows = tuple(read_quiet_window(text) for text in texts)
        self.times = QuietTimes(windows, self.gate, now=lambda: self.now, call_at=self._call_at)
        self.times.watch()

    def _call_at(self, when: int, callback: object) -> Hours:
        self.alarm = when, callback
        return self

    def cancel(self) -> None:
        """Forget the alarm."""
        self.alarm = None

    def pass_to_next(self) -> str:
        """Let time pass to the next alarm; return when that is."""
        assert self.alarm is not None
        self.now, callback = self.alarm
        self.alarm = None
        assert callable(callback)
        callback()
        return datetime_of(self.now).strftime("%a %H:%M")


def test_a_daily_window_follows_its_own_time_zone():
    """It begins by the clock on that wall, in winter and in summer."""
    window = read_quiet_window("23:40-23:55 America/New_York")

    assert ("Tue 10 04:40", "Tue 10 04:55") in spans(window, datetime(2026, 11, 10, tzinfo=UTC))
    assert ("Tue 10 03:40", "Tue 10 03:55") in spans(window, datetime(2026, 3, 10, tzinfo=UTC))


def test_a_window_that_ends_before_it_begins_ends_on_the_next_day():
    """Midnight needs no second window."""
    window = read_quiet_window("23:40-00:20", "UTC")

    assert ("Mon 09 23:40", "Tue 10 00:20") in spans(window, datetime(2026, 11, 10, tzinfo=UTC))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Fri 22:55-Sat 03:05 UTC", ("Fri 13 22:55", "Sat 14 03:05")),
        ("fri 22:55-03:05 UTC", ("Fri 13 22:55", "Sat 14 03:05")),
        ("Sun 06:00-06:30 UTC", ("Sun 15 06:00", "Sun 15 06:30")),
        ("Sat 06:00-Sat 05:00 UTC", ("Sat 07 06:00", "Sat 14 05:00")),
    ],
)
def test_a_weekly_window_comes_once_a_week(text, expected):
    """From the day it names to the day it names, or to the next time that it is so late."""
    near = spans(read_quiet_window(text), datetime(2026, 11, 12, tzinfo=UTC))

    assert expected in near
    assert len({begin[:3] for begin, _ in near}) == 1


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("at night", "is not like"),
        ("23:40-23:55", "names no time zone"),
        ("23:40-Sat 23:55 UTC", "names the day of its end"),
        ("24:00-24:05 UTC", "hour must be in"),
        ("23:40-23:55 Atlantis/Capital", "is no time zone"),
    ],
)
def test_nonsense_is_refused_with_what_is_wrong(text, named):
    """In the settings already, before anything is connected."""
    with pytest.raises(BadInput, match=named):
        IBSettings(quiet_windows=(text,))


def test_the_gate_closes_for_the_window_and_opens_after_it():
    """Each change is told once, with until when; the next one is waited for."""
    hours = Hours("23:40-23:55 UTC", begin=datetime(2026, 11, 10, 12, tzinfo=UTC))

    assert hours.told == []
    assert hours.pass_to_next() == "Tue 23:40"
    assert hours.told == [(False, "quiet window until 23:55 UTC")]
    assert not hours.gate.is_open
    assert hours.gate.why == "quiet window until 23:55 UTC"
    assert hours.pass_to_next() == "Tue 23:55"
    assert hours.told[1:] == [(True, "the quiet window is over")]
    assert hours.pass_to_next() == "Wed 23:40"


def test_windows_that_overlap_are_one():
    """The gate opens when the last of them is over."""
    hours = Hours("23:40-23:55 UTC", "23:50-00:10 UTC", begin=datetime(2026, 11, 10, 23, 45, tzinfo=UTC))

    assert [why for _, why in hours.told] == ["quiet window until 23:55 UTC"]
    assert hours.pass_to_next() == "Tue 23:55"
    assert hours.gate.why == "quiet window until 00:10 UTC"
    assert hours.pass_to_next() == "Wed 00:10"
    assert hours.gate.is_open
    assert [is_open for is_open, _ in hours.told] == [False, True]


def test_a_line_that_breaks_and_comes_back_in_the_window_opens_nothing():
    """The line is one reason and the window another; the gate is open when neither holds."""
    hours = Hours("23:40-23:55 UTC", begin=datetime(2026, 11, 10, 23, 45, tzinfo=UTC))
    hours.has_line = False
    hours.gate.look("cut")
    assert hours.gate.why == "the line to the broker is down"
    hours.has_line = True
    hours.gate.look("connected again")
    assert [is_open for is_open, _ in hours.told] == [False]

    hours.has_line = False
    hours.pass_to_next()
    assert [is_open for is_open, _ in hours.told] == [False]
    hours.has_line = True
    hours.gate.look("connected again")
    assert hours.told[-1] == (True, "connected again")


def test_without_windows_nothing_is_watched():
    """No alarm is set, and none is needed."""
    hours = Hours(begin=datetime(2026, 11, 10, tzinfo=UTC))

    assert hours.alarm is None
    assert hours.gate.is_open
    assert hours.now % SECOND == 0
