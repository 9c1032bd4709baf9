"""The port to time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable

    from quietfill.domain.types import Timestamp


class Clock(Protocol):
    """Tells the time in ns UTC; never goes back."""

    def now(self) -> Timestamp:
        """Return the present instant."""
        ...


class Alarm(Protocol):
    """A pending call of `TimedClock.call_at`."""

    def cancel(self) -> None:
        """Forget it; harmless when it has fired."""
        ...


class TimedClock(Clock, Protocol):
    """A clock that can also wake somebody."""

    def call_at(self, when: Timestamp, callback: Callable[[], None]) -> Alarm:
        """Call *callback* on the event loop's thread at *when*, or as soon as possible if that is past."""
        ...
