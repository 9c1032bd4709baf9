"""A whole agent around a broker that a test plays by hand, in virtual time, without a market of its own."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from quietfill import (
    AgentConfig,
    AuditLogger,
    DecisionEvent,
    EventBus,
    EventType,
    ExecutionAgentImpl,
    FillEvent,
    Instrument,
    MemoryJournal,
    OrderState,
    TickRule,
    ValidatedDecisionEvent,
)
from quietfill.agent.intake import order_id_of
from quietfill.domain.types import MINUTE, SECOND, datetime_of, price_from, quantity_from
from quietfill.venue.virtual_clock import VirtualClock

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Coroutine

    from quietfill import OrderEvent
    from quietfill.engine.child import ChildState
    from quietfill.engine.parent import ParentState
    from quietfill.ports.journal import Journal

NOON = 1_700_000_000 * SECOND
RATES = {"max_orders_per_minute": 2700, "min_order_interval_ms": 0, "max_replaces_per_minute": 2700}
STOCK = Instrument(symbol="ACME", ticks=(TickRule(0, price_from(Decimal("0.01"))),), lot=quantity_from(1))


@dataclass
class Call:
    """One call of the agent, which the test answers when it likes."""

    order: OrderEvent | None = None
    number: int | None = None
    terms: dict[str, Any] = field(default_factory=dict)
    key: str | None = None
    answer: asyncio.Future[Any] = field(default_factory=lambda: asyncio.get_running_loop().create_future())

    def gives(self, value: Any) -> None:
        """Let the call return, or raise an exception."""
        if self.answer.done():
            return
        if isinstance(value, BaseException):
            self.answer.set_exception(value)
        else:
            self.answer.set_result(value)


class HandBroker:
    """Has the four members that every broker must have, and answers nothing by itself.

    `first_id` numbers the orders; `on_place` may do something inside `place_order`.
    """

    def __init__(self) -> None:
        self.is_connected = True
        self.placed: list[Call] = []
        self.cancelled: list[Call] = []
        self.listeners: list[Callable[[FillEvent], None]] = []
        self.on_place: Callable[[Call], Any] = lambda _call: None
        self.on_cancel: Callable[[Call], Any] = lambda _call: None

    async def place_order(self, order_event: OrderEvent, idempotency_key: str | None = None) -> Any:
        """Wait for the test's answer."""
        call = Call(order=order_event, key=idempotency_key)
        self.placed.append(call)
        self.on_place(call)
        return await call.answer

    async def cancel_order(self, broker_order_id: int) -> Any:
        """Wait for the test's answer."""
        call = Call(number=broker_order_id)
        self.cancelled.append(call)
        self.on_cancel(call)
        return await call.answer

    def on_fill(self, callback: Callable[[FillEvent], None]) -> None:
        """Have fills told."""
        self.listeners.append(callback)

    def fill(self, event: FillEvent) -> None:
        """Tell a fill to everybody who listens."""
        for listener in self.listeners:
            listener(event)


class TalkingBroker(HandBroker):
    """Also reports status, modifies, and lists orders and executions."""

    def __init__(self) -> None:
        super().__init__()
        self.modified: list[Call] = []
        self.status_listeners: list[Callable[[Any], None]] = []
        self.listed: list[Any] = []
        self.executed: list[Any] = []
        self.asked = 0

    async def modify_order(self, broker_order_id: int, *, quantity: float, limit_price: float) -> Any:
        """Wait for the test's answer."""
        call = Call(number=broker_order_id, terms={"quantity": quantity, "limit_price": limit_price})
        self.modified.append(call)
        return await call.answer

    def on_order_status(self, callback: Callable[[Any], None]) -> None:
        """Have status told."""
        self.status_listeners.append(callback)

    def say(self, number: int, status: str, **more: Any) -> None:
        """Tell a status."""
        for listener in self.status_listeners:
            listener({"broker_order_id": number, "status": status, **more})

    async def open_orders(self) -> list[Any]:
        """List what the test put there."""
        self.asked += 1
        return list(self.listed)

    async def executions(self) -> list[Any]:
        """List what the test put there."""
        return list(self.executed)


def fill_of(order: OrderEvent, quantity: float, **changes: Any) -> FillEvent:
    """Return a fill of an order, told by the order's own id alone."""
    terms: dict[str, Any] = {
        "order_id": order.event_id,
        "symbol": order.symbol,
        "side": order.side,
        "filled_quantity": quantity,
        "fill_price": order.limit_price or 10.02,
        "timestamp": order.timestamp,
        **changes,
    }
    return FillEvent(**terms)


@dataclass
class OwnDesk:
    """An agent around one broker of the user's."""

    agent: ExecutionAgentImpl
    broker: Any
    clock: VirtualClock
    journal: Journal
    heard: list[Any]

    # Time

    async def turn(self) -> None:
        """Let everything that is ready run."""
        for _ in range(12):
            await asyncio.sleep(0)

    async def pass_time(self, seconds: float) -> None:
        """Let virtual time pass, alarm by alarm."""
        await self.turn()
        until = self.clock.now() + round(seconds * SECOND)
        due = self.clock.next_alarm()
        while due is not None and due <= until:
            self.clock.set(max(due, self.clock.now()))
            self.clock.ring()
            await self.turn()
            due = self.clock.next_alarm()
        self.clock.set(until)

    # In

    def quote(self, bid: float = 10.00, ask: float = 10.02) -> None:
        """Show a one-level book."""
        self.agent.update_order_book("ACME", [(bid, 1000, 1)], [(ask, 1000, 1)])

    def decision(self, **changes: Any) -> DecisionEvent:
        """Make a decision of now: buy 100 with a limit of 10.00."""
        now = self.clock.now()
        terms: dict[str, Any] = {
            "symbol": "ACME",
            "action": "buy",
            "quantity": 100,
            "limit_price": 10.00,
            "timestamp": datetime_of(now),
            "end": datetime_of(now + 10 * MINUTE),
            "source_agent": "PortfolioManager",
            **changes,
        }
        return DecisionEvent(**terms)

    def approval(self, decision: DecisionEvent, **changes: Any) -> ValidatedDecisionEvent:
        """Approve a decision."""
        terms: dict[str, Any] = {
            "original_decision_id": decision.event_id,
            "approved": True,
            "source_agent": "ComplianceAgent",
            **changes,
        }
        return ValidatedDecisionEvent(**terms)

    async def submit(self, **changes: Any) -> str:
        """Have a decision validated; return the order id."""
        decision = self.decision(**changes)
        await self.agent.process_event(decision)
        await self.agent.process_event(self.approval(decision))
        await self.turn()
        return order_id_of(decision.event_id)

    # Known

    @property
    def parent(self) -> ParentState:
        """The one order."""
        (parent,) = self.agent.runtime.engine.state.parents.values()
        return parent

    @property
    def child(self) -> ChildState:
        """The first child of the one order."""
        return self.parent.children()[0]

    def states(self) -> list[OrderState]:
        """Return the state of every child."""
        return [child.state for child in self.parent.children()]

    def records(self, kind: type) -> list[Any]:
        """Return the journal's records of one kind."""
        return [entry.record for entry in self.journal.read() if isinstance(entry.record, kind)]

    def alerts(self, severity: str = "critical") -> list[str]:
        """Return the texts of all alerts of one severity."""
        return [alert.text for alert in self.agent.runtime.engine.state.alerts if alert.severity == severity]


@asynccontextmanager
async def open_own_desk(
    broker: Any, journal: Journal | None = None, start: int = NOON, **parameters: Any
) -> AsyncGenerator[OwnDesk]:
    """Start an agent on a broker; stop it in the end."""
    bus, journal, clock = EventBus(), journal or MemoryJournal(), VirtualClock(start)
    config = AgentConfig("Desk", parameters={**RATES, **parameters})
    agent = ExecutionAgentImpl(config, bus, AuditLogger(), broker, journal=journal, clock=clock)
    agent.register_instrument(STOCK)
    heard: list[Any] = []

    async def hear(event: Any) -> None:
        heard.append(event)

    for event_type in EventType:
        bus.subscribe(event_type, hear)
    await bus.start()
    await agent.start()
    desk = OwnDesk(agent, broker, clock, journal, heard)
    desk.quote()
    await desk.turn()
    try:
        yield desk
    finally:
        for calls in (getattr(broker, name, ()) for name in ("placed", "cancelled", "modified")):
            for call in calls:
                if isinstance(call, Call):
                    call.answer.cancel()
        await agent.stop()
        await bus.stop()


def play(scene: Callable[[OwnDesk], Coroutine[Any, Any, None]], broker: Any = None, **parameters: Any) -> None:
    """Run one scene on a fresh desk."""

    async def run() -> None:
        async with open_own_desk(broker or HandBroker(), **parameters) as desk:
            await asyncio.wait_for(scene(desk), 60)

    asyncio.run(run())
