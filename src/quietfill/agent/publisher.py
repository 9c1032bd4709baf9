"""From records to the firm's events: what became durable is said on the bus and kept in the audit log.

Everything is said in the order of the journal: one queue, one task, one event at a time to the bus, behind the back
of whoever decides. Who listens slowly waits in the bus, in a queue of its own; a bus that is slow itself delays the
events behind it and nothing of the agent. Whatever does not reach the bus is counted and alerted; the audit log has
it all the same.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import structlog

from quietfill.agent.house_events import HouseEvents
from quietfill.agent.outlet import Outlet
from quietfill.agent.views import average_price
from quietfill.domain.events import AnyEvent, Event, FillEvent, OrderEvent, OrderStateChangeEvent, RiskAlertEvent
from quietfill.domain.records import AnyRecord, ChildFilled, OrderAccepted
from quietfill.domain.types import MINUTE, datetime_of, price_decimal, price_float, quantity_exact

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from quietfill.agent.history import OrderHistory
    from quietfill.agent.order_states import Move
    from quietfill.domain.types import Timestamp
    from quietfill.ports.audit import Audit
    from quietfill.ports.bus import Bus
    from quietfill.runtime.runtime import Runtime
    from quietfill.tca.ledger import OrderLedger

_log = structlog.get_logger(__name__)


class _Heard(NamedTuple):
    """A record that waits to be said, with what is told of it as it was when it became durable."""

    record: AnyRecord
    moves: tuple[Move, ...]
    order: OrderLedger | None = None
    broker_order_id: int | None = None


class Publisher:
    """Hears every durable record once and says those that concern others.

    Attributes:
        said: events that were meant for the bus.
        lost: those of them that the bus, or one of its subscribers, did not get.
        audit_failures: entries that the audit log would not take.
    """

    def __init__(self, name: str, runtime: Runtime, history: OrderHistory, bus: Bus, audit: Audit) -> None:
        """Sign events with *name*; *history* has heard each record before."""
        self._name = name
        self._clock = runtime.clock
        self._history = history
        self._bus = bus
        self._audit = audit
        self._house = HouseEvents(name)
        self._outlet: Outlet[_Heard | AnyEvent] = Outlet(f"events of {name}", self._tell)
        self._in_hand = 0
        self._lost_told = 0
        self._lost_told_at: Timestamp | None = None
        self.said = 0
        self.lost = 0
        self.audit_failures = 0

    # What is said

    def hear(self, record: AnyRecord) -> None:
        """Say what *record* means to others, if anything. What an import brought was said before, elsewhere."""
        if self._history.is_imported:
            return
        moves = self._history.moves
        if isinstance(record, ChildFilled):
            child = self._history.child(record.child_id)
            assert child is not None, "a child is heard of before its fills"
            self._say(_Heard(record, moves, self._history.order(child.order_id), child.broker_order_id))
        elif moves or isinstance(record, OrderAccepted) or self._house.concerns(record):
            self._say(_Heard(record, moves))

    def alert(self, subject: str, text: str, severity: str = "warning", **details: Any) -> None:
        """Raise an alert that no record stands behind."""
        self._say(self._risk_alert(subject, severity, text, details))

    def report_unused(self, keys: tuple[str, ...]) -> None:
        """Say once which configuration keys have no effect."""
        if keys:
            text = f"accepted and not used: {', '.join(keys)}"
            self._say(self._house.system(self._clock.now(), "configuration", text, {"keys": list(keys)}))

    # How it is said

    def status(self) -> dict[str, int]:
        """Return how many events were said, wait, and were lost."""
        return {
            "said": self.said,
            "waiting": self._outlet.waiting,
            "lost": self.lost,
            "audit_failures": self.audit_failures,
        }

    async def room(self) -> None:
        """Wait while too many events wait. Only simulated time can."""
        await self._outlet.room()

    async def close(self, timeout: float) -> None:  # noqa: ASYNC109 - passed on
        """Say what waits, within *timeout* seconds."""
        left = await self._outlet.close(timeout)
        in_hand, self._in_hand = self._in_hand, 0
        if left or in_hand:
            self.lost += in_hand
            self._miss(left, "they still waited when the agent stopped")

    def _say(self, item: _Heard | AnyEvent) -> None:
        if not self._outlet.put(item):
            self._miss([item], "too many events wait for the bus")

    def _miss(self, items: list[_Heard | AnyEvent], why: str) -> None:
        """Keep in the audit log what the bus will not have."""
        self._lose(sum(len(self._kept(item)) for item in items), why)

    async def _tell(self, item: _Heard | AnyEvent) -> None:
        try:
            events = self._kept(item)
        except Exception:  # noqa: BLE001 - a bug of ours in one event must not silence those behind it
            _log.exception("an event could not be made", of=type(item).__name__)
            self._lose(1, "an event could not be made")
            return
        for told, event in enumerate(events):
            self._in_hand = len(events) - told
            await self._publish(event)
        self._in_hand = 0

    def _kept(self, item: _Heard | AnyEvent) -> list[AnyEvent]:
        """Return the events of an item, having kept all of them in the audit log."""
        events = list(self._events(item))
        for event in events:
            self._log_event(event)
        if isinstance(item, _Heard) and isinstance(item.record, ChildFilled) and item.order is not None:
            self._log_trade(item.record, item.order)
        self.said += len(events)
        return events

    def _events(self, item: _Heard | AnyEvent) -> Iterator[AnyEvent]:
        if isinstance(item, Event):
            yield item
            return
        record, moves, order, broker_order_id = item
        if isinstance(record, ChildFilled):
            if order is not None:
                yield self._filled(record, order, broker_order_id)
        elif isinstance(record, OrderAccepted):
            yield self._accepted(record)
        elif (event := self._house.of(record)) is not None:
            yield event
        for move in moves:
            yield self._moved(move, record.at)

    async def _publish(self, event: AnyEvent) -> None:
        try:
            taken = await self._bus.publish(event)
        except Exception:  # noqa: BLE001 - a stranger's bus: whatever it raises, the next event must be said
            _log.exception("the bus failed", event_type=str(event.event_type))
            taken = False
        if taken is False:  # a bus of the user's own may say nothing at all
            self._lose(1, "the bus did not take them, or one of its subscribers is full")
        elif self.lost > self._lost_told:
            self._tell_lost("the bus takes events again")

    def _lose(self, count: int, why: str) -> None:
        self.lost += count
        self._tell_lost(why)

    def _tell_lost(self, why: str) -> None:
        """Tell of lost events, at most once a minute: in the log, in the audit log, and to whoever on the bus hears."""
        now = self._clock.now()
        if self._lost_told_at is not None and now - self._lost_told_at < MINUTE:
            return
        count, self._lost_told, self._lost_told_at = self.lost - self._lost_told, self.lost, now
        _log.error("events were lost", count=count, why=why)
        text = f"{count} events did not reach everybody on the bus ({self.lost} in all): {why}; the audit log has them"
        self.alert("event bus", text, "critical", lost=count, lost_in_all=self.lost)

    def _log_event(self, event: AnyEvent) -> None:
        self._keep(lambda: self._audit.log_event(event))

    def _log_trade(self, record: ChildFilled, order: OrderLedger) -> None:
        fill = record.fill
        self._keep(
            lambda: self._audit.log_trade(
                self._name,
                order.order_id,
                order.symbol,
                order.side.value,
                quantity_exact(fill.quantity),
                price_decimal(fill.price),
                None if fill.commission is None else price_decimal(fill.commission),
                order.accepted.decision_id,
            )
        )

    def _keep(self, entry: Callable[[], None]) -> None:
        """Keep one entry in the audit log; one that cannot be kept must not stop what happens."""
        try:
            entry()
        except Exception:  # noqa: BLE001 - a stranger's audit log
            self.audit_failures += 1
            if self.audit_failures & (self.audit_failures - 1) == 0:
                _log.exception("the audit log failed", failures=self.audit_failures)

    # Events of orders

    def _accepted(self, record: OrderAccepted) -> AnyEvent:
        return OrderEvent(
            timestamp=datetime_of(record.at),
            source_agent=self._name,
            decision_id=record.decision_id,
            validation_id=record.order_id,
            symbol=record.symbol,
            side=record.side,
            quantity=quantity_exact(record.quantity),
            order_type=record.order_type,
            limit_price=None if record.limit_price is None else price_decimal(record.limit_price),
            stop_price=None if record.stop_price is None else price_decimal(record.stop_price),
            algo=record.algo,
            time_in_force=record.time_in_force,
            account=record.account,
            reduce_only=record.reduce_only,
        )

    def _filled(self, record: ChildFilled, order: OrderLedger, broker_order_id: int | None) -> AnyEvent:
        fill = record.fill
        return FillEvent(
            timestamp=datetime_of(record.at),
            source_agent=self._name,
            order_id=order.order_id,
            broker_order_id=broker_order_id or 0,
            symbol=order.symbol,
            side=order.side,
            filled_quantity=quantity_exact(fill.quantity),
            fill_price=price_decimal(fill.price),
            commission=price_float(fill.commission or 0),
            exchange=fill.venue,
            execution_id=fill.execution_id,
            exchange_time=datetime_of(fill.exchange_time),
            liquidity=fill.liquidity,
        )

    def _moved(self, move: Move, at: Timestamp) -> AnyEvent:
        return OrderStateChangeEvent(
            timestamp=datetime_of(at),
            source_agent=self._name,
            order_id=move.order_id,
            parent_order_id=move.parent_order_id,
            broker_order_id=move.broker_order_id,
            symbol=move.symbol,
            previous_state=move.previous,
            new_state=move.new,
            reason=move.reason,
            filled_quantity=quantity_exact(move.filled),
            remaining_quantity=quantity_exact(move.remaining),
            avg_fill_price=average_price(move.value, move.filled),
        )

    def _risk_alert(self, subject: str, severity: str, text: str, details: dict[str, Any]) -> AnyEvent:
        return RiskAlertEvent(
            timestamp=datetime_of(self._clock.now()),
            source_agent=self._name,
            subject=subject,
            severity=severity,
            message=text,
            details=details,
        )
