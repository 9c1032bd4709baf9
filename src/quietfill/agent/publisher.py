"""From records to the firm's events: what became durable is said on the bus and kept in the audit log."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from quietfill.agent.views import average_price
from quietfill.domain.events import (
    AnyEvent,
    FillEvent,
    OrderEvent,
    OrderStateChangeEvent,
    RiskAlertEvent,
    SystemEvent,
)
from quietfill.domain.order_state import OrderState
from quietfill.domain.records import (
    AlertRaised,
    AnyRecord,
    ChildFilled,
    KillSwitchEngaged,
    KillSwitchReleased,
    OrderAccepted,
    OrderDone,
    OrderRefused,
    Reconciled,
)
from quietfill.domain.types import datetime_of, price_decimal, price_float, quantity_exact

if TYPE_CHECKING:
    from collections.abc import Callable

    from quietfill.agent.history import OrderHistory
    from quietfill.ports.audit import Audit
    from quietfill.ports.bus import Bus
    from quietfill.runtime.runtime import Runtime


class Publisher:
    """Hears every durable record once and says those that concern others."""

    def __init__(self, name: str, runtime: Runtime, history: OrderHistory, bus: Bus, audit: Audit) -> None:
        """Sign events with *name*; *history* has heard each record before."""
        self._name = name
        self._runtime = runtime
        self._history = history
        self._bus = bus
        self._audit = audit
        self._tasks: set[asyncio.Task[bool]] = set()
        self._events: dict[type, Callable[[Any], AnyEvent | None]] = {
            OrderAccepted: self._accepted,
            OrderRefused: self._refused,
            ChildFilled: self._filled,
            OrderDone: self._done,
            AlertRaised: self._alerted,
            KillSwitchEngaged: lambda record: self._system("kill switch", f"engaged by {record.by}: {record.reason}"),
            KillSwitchReleased: lambda record: self._system(
                "kill switch", f"released by {record.by} and {record.second}: {record.reason}"
            ),
            Reconciled: lambda record: self._system(
                "reconcile", f"adopted {record.adopted}, in doubt {record.still_in_doubt}"
            ),
        }

    def hear(self, record: AnyRecord) -> None:
        """Say what *record* means to others, if anything."""
        make = self._events.get(type(record))
        event = None if make is None else make(record)
        if event is not None:
            self._say(event)

    def alert(self, subject: str, text: str, severity: str = "warning") -> None:
        """Raise an alert that no record stands behind."""
        self._say(self._risk_alert(subject, severity, text))

    def report_unused(self, keys: tuple[str, ...]) -> None:
        """Say once which configuration keys have no effect."""
        if keys:
            self._say(self._system("configuration", f"accepted and not used: {', '.join(keys)}"))

    def _say(self, event: AnyEvent) -> None:
        self._audit.log_event(event)
        task = asyncio.get_running_loop().create_task(self._bus.publish(event))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

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
            algo=record.algo,
            time_in_force=record.time_in_force,
            account=record.account,
            reduce_only=record.reduce_only,
        )

    def _refused(self, record: OrderRefused) -> AnyEvent:
        kind = "duplicate" if record.duplicate_of is not None else "refused"
        text = f"{kind}: {'; '.join(record.reasons)}"
        return self._risk_alert(record.decision_id, "warning", text, kind=kind, order_id=record.order_id)

    def _filled(self, record: ChildFilled) -> AnyEvent:
        child = self._runtime.engine.state.children[record.child_id]
        fill = record.fill
        return FillEvent(
            timestamp=datetime_of(record.at),
            source_agent=self._name,
            order_id=child.order_id,
            broker_order_id=child.broker_order_id or 0,
            symbol=child.symbol,
            side=child.side,
            filled_quantity=quantity_exact(fill.quantity),
            fill_price=price_decimal(fill.price),
            commission=price_float(fill.commission or 0),
            exchange=fill.venue,
            execution_id=fill.execution_id,
            exchange_time=datetime_of(fill.exchange_time),
            liquidity=fill.liquidity,
        )

    def _done(self, record: OrderDone) -> AnyEvent:
        order = self._history.order(record.order_id)  # the engine may have forgotten it by now
        assert order is not None, "an order's end is heard before it is forgotten"
        return OrderStateChangeEvent(
            timestamp=datetime_of(record.at),
            source_agent=self._name,
            order_id=record.order_id,
            symbol=order.symbol,
            previous_state=OrderState.PARTIAL if record.filled else OrderState.WORKING,
            new_state=record.state,
            reason=record.reason,
            filled_quantity=quantity_exact(record.filled),
            remaining_quantity=quantity_exact(order.unfilled),
            avg_fill_price=average_price(order.value, order.filled),
        )

    def _alerted(self, record: AlertRaised) -> AnyEvent:
        return self._risk_alert(record.subject, record.severity, record.text)

    def _risk_alert(self, subject: str, severity: str, text: str, **details: Any) -> AnyEvent:
        return RiskAlertEvent(
            timestamp=datetime_of(self._runtime.clock.now()),
            source_agent=self._name,
            subject=subject,
            severity=severity,
            message=text,
            details=details,
        )

    def _system(self, subject: str, text: str) -> AnyEvent:
        now = datetime_of(self._runtime.clock.now())
        return SystemEvent(timestamp=now, source_agent=self._name, subject=subject, message=text)
