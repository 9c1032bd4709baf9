"""What a user's broker says, matched with the child that it is about and reported in our words.

Our own id counts first, then the broker's. A word about an id that nobody knows waits on a shelf while some order's id
may still come. What stays unclaimed is reported under the id it came with, so that an alert is raised: a fill that we
cannot place is a position that nobody watches.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import structlog

from quietfill.brokers.shelf import Shelf
from quietfill.brokers.words import Status, fill_report, read_fill, read_status
from quietfill.domain.errors import BadInput
from quietfill.domain.events import FillEvent
from quietfill.domain.execution_report import ExecutionReport, ReportKind
from quietfill.domain.order_state import OrderState
from quietfill.domain.types import SECOND, quantity_number

if TYPE_CHECKING:
    from collections.abc import Callable

    from quietfill.brokers.lanes import Lane, Lanes
    from quietfill.brokers.shelf import Word
    from quietfill.ports.clock import TimedClock

_log = structlog.get_logger(__name__)

_PATIENCE = 5 * SECOND
"""How long a fill may trail the status that counts it, and a word the id that it is about."""

_ENDS = {
    OrderState.CANCELLED: ReportKind.CANCELLED,
    OrderState.EXPIRED: ReportKind.EXPIRED,
    OrderState.REJECTED: ReportKind.REJECTED,
    OrderState.FAILED: ReportKind.REJECTED,
}
_LIVES = frozenset({OrderState.ACKNOWLEDGED, OrderState.WORKING, OrderState.PARTIAL})


class Hearing:
    """Turns words into reports. Every method is called on the loop, in a turn of its own."""

    def __init__(
        self,
        lanes: Lanes,
        clock: TimedClock,
        report: Callable[[ExecutionReport], None],
        learn: Callable[[Lane, int], None],
        await_silence: Callable[[Lane], None],
    ) -> None:
        """Take who hears reports, who hears broker ids, and who waits for silence."""
        self._lanes = lanes
        self._clock = clock
        self._report = report
        self._learn = learn
        self._await_silence = await_silence
        self._shelf = Shelf(_PATIENCE)

    def fill(self, said: Any) -> None:
        """Hear of a fill."""
        self._hear("fill", read_fill, said)

    def status(self, said: Any) -> None:
        """Hear of a status."""
        self._hear("status", read_status, said)

    def review(self) -> None:
        """Look again at what nobody claimed: another order's id may be known, or no id may be to come any more."""
        ids_may_come = self._lanes.is_placing
        self._shelf.review(self._claim, self._tell_unclaimed, self._clock.now(), ids_may_come=ids_may_come)

    def _hear(self, kind: str, read: Callable[[Any], Word], said: Any) -> None:
        try:
            word = read(said)
            is_claimed = self._claim(word)
        except BadInput as error:
            _log.critical("the broker said what cannot be read", kind=kind, error=str(error))
            self._alert(f"unreadable {kind}", ReportKind.STATUS, str(error))
            return
        if not is_claimed:
            now = self._clock.now()
            self._shelf.put(word, now)
            self._clock.call_at(now + _PATIENCE, self.review)
            self.review()

    def _claim(self, word: Word) -> bool:
        """Book a word with the child that it is about; False when that is not known."""
        lane = self._lanes.find(word.order_id, word.broker_order_id)
        if lane is None:
            return False
        if isinstance(word, FillEvent) and word.order_id != lane.child_id and word.side is not lane.side:
            return False  # the broker's id alone says that it is ours, and the side says that it is not
        if word.broker_order_id and lane.broker_order_id is None:
            self._learn(lane, word.broker_order_id)
        if isinstance(word, FillEvent):
            self._filled(lane, word)
        else:
            self._changed(lane, word)
        return True

    # Fills

    def _filled(self, lane: Lane, event: FillEvent) -> None:
        report = fill_report(lane.child_id, event)
        lane.take(report)
        if lane.silence is not None:
            self._await_silence(lane)
        self._report(report)

    # Status

    def _changed(self, lane: Lane, status: Status) -> None:
        lane.expected = max(lane.expected, status.filled or 0)
        if status.state in _ENDS:
            lane.end()
            self._say(lane, _ENDS[status.state], status)
            return
        if status.state is OrderState.FILLED:
            lane.expected = max(lane.expected, lane.terms.total)
        elif status.state not in _LIVES:
            return  # on its way to something: no proof of anything
        self._lives(lane, status)
        if lane.expected > lane.filled:
            self._clock.call_at(self._clock.now() + _PATIENCE, lambda: self._miss_fills(lane))

    def _lives(self, lane: Lane, status: Status) -> None:
        wanted = lane.wanted
        if wanted is not None and self._confirms(lane, status):
            lane.terms, lane.wanted = wanted, None
            self._say(lane, ReportKind.REPLACED, status)
        elif lane.is_acknowledged:
            self._say(lane, ReportKind.STATUS, status)
        else:
            lane.is_acknowledged = True
            self._say(lane, ReportKind.ACCEPTED, status)

    @staticmethod
    def _confirms(lane: Lane, status: Status) -> bool:
        """Say whether a status shows the terms asked for; another price alone shows in no quantity."""
        assert lane.wanted is not None, "only what was asked for can be confirmed"
        if status.filled is None or status.remaining is None:
            return lane.wanted.total == lane.terms.total
        return status.filled + status.remaining == lane.wanted.total

    def _miss_fills(self, lane: Lane) -> None:
        """Doubt a child that the broker counts more fills of than it told."""
        if lane.is_ended or lane.filled >= lane.expected:
            return
        counted, told = quantity_number(lane.expected), quantity_number(lane.filled)
        reason = f"the broker counts {counted} filled and told of {told}"
        _log.critical("fills are missing", child=lane.child_id, reason=reason)
        self._alert(lane.child_id, ReportKind.NOT_FOUND, reason)

    def _say(self, lane: Lane, kind: ReportKind, status: Status) -> None:
        self._report(
            ExecutionReport(
                child_id=lane.child_id,
                kind=kind,
                exchange_time=self._clock.now(),
                broker_order_id=lane.broker_order_id,
                cumulative=status.filled,
                revision=lane.terms.revision,
                total=lane.terms.total,
                limit_price=lane.terms.limit_price,
                reason=status.reason,
            )
        )

    # Nobody's

    def _tell_unclaimed(self, word: Word) -> None:
        name = word.order_id or f"broker order {word.broker_order_id}"
        if isinstance(word, Status):
            self._alert(name, ReportKind.STATUS, f"broker order {word.broker_order_id} is {word.state}")
            return
        text = f"{word.side} {word.filled_quantity} {word.symbol} at {word.fill_price}"
        _log.critical("a fill belongs to no order of ours", order=name, broker_order_id=word.broker_order_id, fill=text)
        fill = fill_report(name, word).fill
        reason = f"broker order {word.broker_order_id}: {text}"
        at = self._clock.now()
        self._report(ExecutionReport(child_id=name, kind=ReportKind.FILL, exchange_time=at, fill=fill, reason=reason))

    def _alert(self, subject: str, kind: ReportKind, reason: str) -> None:
        self._report(ExecutionReport(child_id=subject, kind=kind, exchange_time=self._clock.now(), reason=reason))
