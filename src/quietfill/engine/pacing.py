"""How fast messages may leave. Asked *before* a request is decided: what waits is the need, never a message.

Placements and replaces have budgets per minute; all three kinds share the broker's messages per second.
Cancels are never counted against a budget and always pass, and a share of each budget is kept for
them and for crossings at their deadline, so that a deadline always finds a token.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

from quietfill.domain.types import MINUTE, SECOND, Duration, Timestamp

if TYPE_CHECKING:
    from quietfill.engine.settings import EngineSettings

RESERVED_SHARE = 5
"""One in this many tokens of a budget is kept for crossings (and, of messages per second, for cancels)."""


class RollingLimit:
    """At most `limit` events in any window of `window` ns."""

    __slots__ = ("_times", "limit", "window")

    def __init__(self, limit: int, window: Duration) -> None:
        """Start with nothing spent."""
        self.limit = limit
        self.window = window
        self._times: deque[Timestamp] = deque()

    def spend(self, now: Timestamp) -> None:
        """Count one event."""
        self._times.append(now)

    def used(self, now: Timestamp) -> int:
        """Return how many events lie inside the window that ends now."""
        while self._times and self._times[0] <= now - self.window:
            self._times.popleft()
        return len(self._times)

    def free_at(self, now: Timestamp, reserve: int) -> Timestamp:
        """Return when one more event fits while *reserve* tokens stay free; `now` if at once."""
        over = self.used(now) - max(0, self.limit - reserve - 1)
        return now if over <= 0 else self._times[over - 1] + self.window


class Pacer:
    """The message budgets of one broker session."""

    __slots__ = ("_last_place", "_messages", "_min_interval", "_places", "_replaces")

    def __init__(self, settings: EngineSettings) -> None:
        """Take the budgets from the settings."""
        self._places = RollingLimit(settings.max_orders_per_minute, MINUTE)
        self._replaces = RollingLimit(settings.max_replaces_per_minute, MINUTE)
        self._messages = RollingLimit(settings.max_messages_per_second, SECOND)
        self._min_interval = settings.min_order_interval
        self._last_place: Timestamp | None = None

    def place_at(self, now: Timestamp, *, urgent: bool) -> Timestamp:
        """Return when a placement may be decided."""
        at = max(self._free_at(self._places, now, urgent=urgent), self._message_at(now))
        if self._last_place is not None:
            at = max(at, self._last_place + self._min_interval)
        return at

    def replace_at(self, now: Timestamp, *, urgent: bool) -> Timestamp:
        """Return when a replace may be decided."""
        return max(self._free_at(self._replaces, now, urgent=urgent), self._message_at(now))

    def placed(self, now: Timestamp) -> None:
        """Count a placement."""
        self._places.spend(now)
        self._messages.spend(now)
        self._last_place = now

    def replaced(self, now: Timestamp) -> None:
        """Count a replace."""
        self._replaces.spend(now)
        self._messages.spend(now)

    def cancelled(self, now: Timestamp) -> None:
        """Count a cancel's message; it never waits."""
        self._messages.spend(now)

    def placements_this_minute(self, now: Timestamp) -> int:
        """Return how many placements lie in the last minute."""
        return self._places.used(now)

    def _message_at(self, now: Timestamp) -> Timestamp:
        return self._messages.free_at(now, self._messages.limit // RESERVED_SHARE)

    @staticmethod
    def _free_at(budget: RollingLimit, now: Timestamp, *, urgent: bool) -> Timestamp:
        return budget.free_at(now, 0 if urgent else budget.limit // RESERVED_SHARE)
