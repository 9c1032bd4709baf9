"""A clock that stands still until it is told to move."""

from __future__ import annotations

from quietfill.domain.types import Duration, Timestamp


class ManualClock:
    """A `Clock` whose time a test sets. Like every clock of ours it never goes back."""

    def __init__(self, start: Timestamp = 0) -> None:
        self._now = start

    def now(self) -> Timestamp:
        """Return the instant it was last set to."""
        return self._now

    def advance(self, duration: Duration) -> Timestamp:
        """Move on by *duration* ns and return the new instant.

        Raises:
            ValueError: when the duration is negative.
        """
        if duration < 0:
            raise ValueError(f"a clock never goes back: {duration} ns")
        self._now += duration
        return self._now

    def set(self, instant: Timestamp) -> None:
        """Move on to *instant*.

        Raises:
            ValueError: when it lies in the past.
        """
        if instant < self._now:
            raise ValueError(f"a clock never goes back: from {self._now} to {instant}")
        self._now = instant
