"""When what waits leaves: paced, in the order of its urgency, and no new risk into a line that may be dead."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from quietfill.brokers.ib.errors import NotConnected
from quietfill.brokers.ib.pacing import Outbox, Urgency, Waiting
from quietfill.domain.types import SECOND

if TYPE_CHECKING:
    from collections.abc import Callable

    from quietfill.brokers.ib.connection import Connection
    from quietfill.brokers.ib.settings import IBSettings
    from quietfill.domain.types import Duration, Timestamp
    from quietfill.ports.clock import Alarm


class Dispatch:
    """Empties an outbox into the session that there is.

    Args:
        connection: the line; its session may be another one at any time.
        takes_risk: says whether what adds risk may leave now.
        now, call_at: the time.
    """

    def __init__(
        self,
        connection: Connection,
        settings: IBSettings,
        *,
        takes_risk: Callable[[], bool],
        now: Callable[[], Timestamp],
        call_at: Callable[[Timestamp, Callable[[], None]], Alarm],
    ) -> None:
        """Start with nothing waiting."""
        self.outbox = Outbox(settings.messages_per_second, settings.cancel_reserve)
        self.heard_at: Timestamp = 0
        """When anything was last heard."""
        self._connection = connection
        self._takes_risk = takes_risk
        self._now = now
        self._call_at = call_at
        self._silence = round(settings.silence_seconds * SECOND)
        self._patience = round(settings.probe_answer_seconds * SECOND)
        self._is_probing = False
        self._is_due = False
        self._alarm: Alarm | None = None

    # In

    def request(self, urgency: Urgency, request: str, *arguments: Any) -> None:
        """Put a question or a subscription into the outbox."""
        self.outbox.put(Waiting(urgency, "", lambda: self.send(request, *arguments), _nothing))
        self.push()

    def push(self) -> None:
        """Look at the outbox in the next turn: what was asked for in this one leaves in the order of its urgency."""
        if not self._is_due:
            self._is_due = True
            asyncio.get_running_loop().call_soon(self._send_due)

    def send(self, request: str, *arguments: Any) -> None:
        """Write one request, named as in ib_async's client.

        Raises:
            NotConnected: when the session is over.
        """
        session = self._connection.session
        if session is None:
            raise NotConnected("the session with the gateway is over")
        session.send(request, *arguments)

    # What happens to the session

    def heard(self) -> None:
        """Note that something came: it lives."""
        self.heard_at = self._now()
        if self._is_probing:
            self._is_probing = False
            self.push()

    def began(self) -> None:
        """Note that a session began; nothing that adds risk leaves before everything was asked."""
        self.heard_at = self._now()
        self.outbox.may_add_risk = False

    def ended(self, reason: str) -> None:
        """Drop everything: it was meant for a session that is over."""
        self.outbox.drop_all(reason)
        self._is_probing = False

    def shift(self, ahead: Duration) -> None:
        """Go on with a clock that is ahead by so much."""
        self.heard_at += ahead
        self.outbox.shift(ahead)

    # Out

    def _send_due(self) -> None:
        self._is_due = False
        session = self._connection.session
        if session is None or not session.is_open:
            return
        now = self._now()
        self.outbox.may_add_risk = self._takes_risk() and self._is_surely_alive(now)
        again = self.outbox.send_due(now, has_room=session.has_room)
        if self._alarm is not None:
            self._alarm.cancel()
            self._alarm = None
        if again is not None:
            self._alarm = self._call_at(again, self.push)

    def _is_surely_alive(self, now: Timestamp) -> bool:
        """Say whether something was heard lately; if not, ask before anything that adds risk is sent."""
        if self._is_probing:
            return False
        if now - self.heard_at <= self._silence or not self.outbox.holds_risk:
            return True
        self._is_probing = True
        self.outbox.put(Waiting(Urgency.QUESTION, "", lambda: self.send("reqCurrentTime"), _nothing))
        epoch = self._connection.epoch
        self._call_at(now + self._patience, lambda: self._drop_if_silent(epoch))
        return False

    def _drop_if_silent(self, epoch: int) -> None:
        if self._is_probing and epoch == self._connection.epoch:
            self._connection.drop("the gateway gave no sign of life before an order was to be sent")


def _nothing(_why: str) -> None:
    """Whoever asked hears that the session is over."""
