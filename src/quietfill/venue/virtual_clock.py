"""A clock that the simulated market moves, with alarms that ring in simulated time."""

from __future__ import annotations

import heapq
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from quietfill.domain.types import Timestamp


class VirtualAlarm:
    """A pending call."""

    __slots__ = ("callback", "is_cancelled")

    def __init__(self, callback: Callable[[], None]) -> None:
        """Hold what to call."""
        self.callback = callback
        self.is_cancelled = False

    def cancel(self) -> None:
        """Forget it; harmless when it has fired."""
        self.is_cancelled = True


class VirtualClock:
    """Stands still until it is set; equal alarms ring in the order they were set."""

    def __init__(self, start: Timestamp, on_alarm: Callable[[], None] | None = None) -> None:
        """Begin at *start*; *on_alarm* hears of each new alarm."""
        self._now = start
        self._on_alarm = on_alarm
        self._heap: list[tuple[Timestamp, int, VirtualAlarm]] = []
        self._serial = 0

    def now(self) -> Timestamp:
        """Return the simulated instant."""
        return self._now

    def call_at(self, when: Timestamp, callback: Callable[[], None]) -> VirtualAlarm:
        """Call *callback* when the clock reaches *when*."""
        alarm = VirtualAlarm(callback)
        self._serial += 1
        heapq.heappush(self._heap, (when, self._serial, alarm))
        if self._on_alarm is not None:
            self._on_alarm()
        return alarm

    def next_alarm(self) -> Timestamp | None:
        """Return when the next alarm rings."""
        while self._heap and self._heap[0][2].is_cancelled:
            heapq.heappop(self._heap)
        return self._heap[0][0] if self._heap else None

    def set(self, now: Timestamp) -> None:
        """Move on to *now*; alarms ring when `ring` is called."""
        assert now >= self._now, "time never goes back"
        self._now = now

    def ring(self) -> None:
        """Call everything that is due, each at most once."""
        due = self.next_alarm()
        while due is not None and due <= self._now:
            heapq.heappop(self._heap)[2].callback()
            due = self.next_alarm()
