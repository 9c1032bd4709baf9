"""Times in which nothing that adds risk is sent: the gateway's own restart, the nightly resets of its servers.

What is written into such a time may be lost, and its ids given out again. A window is text, such as
`23:40-23:55 America/New_York` for every day, or `Fri 22:55-Sat 03:05 America/New_York` for once a week; a window that
ends before it begins ends on the next day.
"""

from __future__ import annotations

import re
from datetime import datetime, time, timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import msgspec

from quietfill.domain.errors import BadInput
from quietfill.domain.types import datetime_of, timestamp_from

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from quietfill.brokers.ib.gate import Gate
    from quietfill.domain.types import Timestamp
    from quietfill.ports.clock import Alarm

_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_WEEK = 7
_TEXT = re.compile(
    rf"(?:({'|'.join(_DAYS)}) )?(\d\d):(\d\d)-(?:({'|'.join(_DAYS)}) )?(\d\d):(\d\d)(?: (\S+))?", re.IGNORECASE
)


class QuietWindow(msgspec.Struct, frozen=True):
    """One window that comes again every day or every week.

    Attributes:
        text: as it was written.
        begin, end: times of day in `zone`.
        day: of the week on which it begins, 0 for Monday; None for every day.
        days: how many days after its beginning it ends.
    """

    text: str
    begin: time
    end: time
    zone: ZoneInfo
    day: int | None
    days: int

    def near(self, now: Timestamp) -> Iterator[tuple[Timestamp, Timestamp]]:
        """Yield when it begins and ends, from a week before *now* to a week after it."""
        today = datetime_of(now).astimezone(self.zone).date()
        for offset in range(-_WEEK - 1, _WEEK + 2):
            date = today + timedelta(days=offset)
            if self.day is None or date.weekday() == self.day:
                begins = _instants(datetime.combine(date, self.begin, self.zone))
                ends = _instants(datetime.combine(date + timedelta(days=self.days), self.end, self.zone))
                yield min(begins), max(ends)


def read_quiet_windows(texts: tuple[str, ...], default_zone: str = "") -> tuple[QuietWindow, ...]:
    """Read several windows.

    Raises:
        BadInput: naming the first that is none.
    """
    return tuple(read_quiet_window(text, default_zone) for text in texts)


def read_quiet_window(text: str, default_zone: str = "") -> QuietWindow:
    """Read a window.

    Args:
        text: `[day ]hh:mm-[day ]hh:mm[ zone]`.
        default_zone: for a text that names none.

    Raises:
        BadInput: naming the text, and what is wrong with it.
    """
    match = _TEXT.fullmatch(text.strip())
    if match is None:
        raise BadInput(
            f"quiet_windows: {text!r} is not like '23:40-23:55 America/New_York' or 'Fri 23:00-Sat 03:00 ...'"
        )
    first, begin_hour, begin_minute, last, end_hour, end_minute, zone = match.groups()
    if last and not first:
        raise BadInput(f"quiet_windows: {text!r} names the day of its end and not that of its beginning")
    try:
        begin, end = time(int(begin_hour), int(begin_minute)), time(int(end_hour), int(end_minute))
    except ValueError as error:
        raise BadInput(f"quiet_windows: {text!r}: {error}") from None
    day = None if first is None else _DAYS.index(first.capitalize())
    if day is None or last is None:
        days = 0 if end > begin else 1
    else:
        days = (_DAYS.index(last.capitalize()) - day) % _WEEK
        if days == 0 and end <= begin:
            days = _WEEK
    return QuietWindow(text.strip(), begin, end, _zone(zone or default_zone, text), day, days)


def _instants(local: datetime) -> tuple[Timestamp, Timestamp]:
    """Return the two instants that a time of day may mean where the clock is put forward or back; else they are one.

    On that night a window is as long as it may be meant: one that ended before it began would bar nothing.
    """
    return timestamp_from(local), timestamp_from(local.replace(fold=1))


def _zone(name: str, text: str) -> ZoneInfo:
    if not name:
        raise BadInput(f"quiet_windows: {text!r} names no time zone, and tws_timezone is not set")
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        raise BadInput(f"quiet_windows: {text!r}: {name!r} is no time zone") from None


class QuietTimes:
    """Closes a gate in each window and opens it after.

    Args:
        gate: is barred and lifted.
        now, call_at: the time.
    """

    def __init__(
        self,
        windows: tuple[QuietWindow, ...],
        gate: Gate,
        *,
        now: Callable[[], Timestamp],
        call_at: Callable[[Timestamp, Callable[[], None]], Alarm],
    ) -> None:
        """Watch nothing yet."""
        self._windows = windows
        self._gate = gate
        self._now = now
        self._call_at = call_at
        self._alarm: Alarm | None = None

    def watch(self) -> None:
        """See what time it is, and again whenever a window begins or ends; call it anew when the clock is another."""
        self.stop()
        if not self._windows:
            return
        now = self._now()
        spans = [(begin, end, window) for window in self._windows for begin, end in window.near(now)]
        inside = [(end, window) for begin, end, window in spans if begin <= now < end]
        if inside:
            end, window = max(inside, key=lambda one: one[0])
            until = datetime_of(end).astimezone(window.zone).strftime("%H:%M")
            self._gate.bar(_RULE, f"quiet window until {until} {window.zone.key}")
            self._alarm = self._call_at(end, self.watch)
        else:
            self._gate.lift(_RULE, "the quiet window is over")
            self._alarm = self._call_at(min(begin for begin, _, _ in spans if begin > now), self.watch)

    def stop(self) -> None:
        """Watch no more."""
        if self._alarm is not None:
            self._alarm.cancel()
            self._alarm = None


_RULE = "quiet window"
