"""What leaves, when, and in which order: cancels first, and never more a second than the gateway takes.

The gateway counts every message of a session, drops sessions that send too many, and serves first in, first out; so
whatever is written too early stands before a cancel. Nothing is written here while it could not leave at once: what
waits can still be overtaken, or withdrawn.
"""

from __future__ import annotations

from collections import deque
from enum import IntEnum
from typing import TYPE_CHECKING

import msgspec

from quietfill.domain.types import MINUTE, SECOND

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from quietfill.domain.types import Duration, Timestamp

_SLOW_DURATION = MINUTE

SPAN = SECOND + SECOND // 5
"""What counts as a second here. The gateway counts when a message reaches it: the last of one burst can come late and
the next burst in time, and then two of them lie in one second of the gateway's. A fifth is room for that."""


class Urgency(IntEnum):
    """Who goes first."""

    CANCEL = 0
    QUESTION = 1
    """Of the session and of reconciliation: nothing goes on without its answer."""
    MODIFY = 2
    PLACE = 3
    DATA = 4


_RISK = frozenset({Urgency.MODIFY, Urgency.PLACE})


class Waiting(msgspec.Struct, frozen=True):
    """One message that has not left.

    Attributes:
        subject: the child it is about; "" for others.
        send: puts it on the wire.
        drop: hears why it never will be.
    """

    urgency: Urgency
    subject: str
    send: Callable[[], None]
    drop: Callable[[str], None]


class Outbox:
    """Messages that wait for their turn.

    Args:
        rate: messages in any second, as the gateway counts.
        reserve: of these, kept for cancels and questions.
    """

    def __init__(self, rate: int = 45, reserve: int = 5) -> None:
        """Start empty and open for everything."""
        assert 0 <= reserve < rate, "a reserve must leave something"
        self.rate = rate
        self._reserve = reserve
        self._queues: tuple[deque[Waiting], ...] = tuple(deque() for _ in Urgency)
        self._sent: deque[Timestamp] = deque()
        self._slow_until: Timestamp = 0
        self._stopped_until: Timestamp = 0
        self.may_add_risk = True
        """While False modifications and placements wait."""
        self.sent = 0

    def __len__(self) -> int:
        """Count what waits."""
        return sum(len(queue) for queue in self._queues)

    @property
    def holds_risk(self) -> bool:
        """Whether a modification or a placement waits."""
        return any(self._queues[urgency] for urgency in _RISK)

    def put(self, message: Waiting) -> None:
        """Take a message at the end of its queue."""
        self._queues[message.urgency].append(message)

    def withdraw(self, subject: str, why: str) -> list[Urgency]:
        """Drop what waits about *subject*, cancels apart; return what that was."""
        dropped = [item for urgency in _RISK for item in self._queues[urgency] if item.subject == subject]
        for item in dropped:
            self._queues[item.urgency].remove(item)
            item.drop(why)
        return [item.urgency for item in dropped]

    def drop_all(self, why: str) -> None:
        """Drop everything: the session that it was meant for is over."""
        self._drop(Urgency, why)

    def drop_risk(self, why: str) -> None:
        """Drop modifications and placements: by the time they could leave they would be old."""
        self._drop(sorted(_RISK), why)

    def slow_down(self, now: Timestamp) -> None:
        """Send nothing that adds risk for a second, and at half the rate for a minute."""
        self._stopped_until, self._slow_until = now + SECOND, now + _SLOW_DURATION

    def shift(self, by: Duration) -> None:
        """Go on with a clock that is ahead by so much: what was sent a moment ago was sent a moment ago."""
        self._sent = deque(at + by for at in self._sent)
        self._stopped_until, self._slow_until = self._stopped_until + by, self._slow_until + by

    def send_due(self, now: Timestamp, *, has_room: Callable[[], bool]) -> Timestamp | None:
        """Send what may leave, while *has_room* says that it leaves at once; return when to come again, if at all."""
        while self._sent and self._sent[0] <= now - SPAN:
            self._sent.popleft()
        while (item := self._next(now)) is not None:
            if not has_room():
                return now + SECOND // 100
            self._queues[item.urgency].popleft()
            self._sent.append(now)
            self.sent += 1
            item.send()
        return self._again_at(now)

    def _drop(self, urgencies: Iterable[Urgency], why: str) -> None:
        dropped = [item for urgency in urgencies for item in self._queues[urgency]]
        for urgency in urgencies:
            self._queues[urgency].clear()
        for item in dropped:
            item.drop(why)

    def _next(self, now: Timestamp) -> Waiting | None:
        return next((queue[0] for queue in self._queues if queue and self._may_leave(queue[0].urgency, now)), None)

    def _may_leave(self, urgency: Urgency, now: Timestamp) -> bool:
        if urgency in _RISK and (not self.may_add_risk or now < self._stopped_until):
            return False
        return len(self._sent) < self._limit(urgency, now)

    def _limit(self, urgency: Urgency, now: Timestamp) -> int:
        rate = self.rate if now >= self._slow_until else max(1, self.rate // 2)
        return rate if urgency <= Urgency.QUESTION else max(1, rate - self._reserve)

    def _again_at(self, now: Timestamp) -> Timestamp | None:
        held = [urgency for urgency in Urgency if self._queues[urgency]]
        if not self.may_add_risk:
            held = [urgency for urgency in held if urgency not in _RISK]
        if not held:
            return None
        free_at = [self._free_at(urgency, now) for urgency in held]
        return min(free_at)

    def _free_at(self, urgency: Urgency, now: Timestamp) -> Duration:
        excess = len(self._sent) - self._limit(urgency, now)
        at = self._sent[excess] + SPAN if excess >= 0 else now
        return max(at, self._stopped_until) if urgency in _RISK else at
