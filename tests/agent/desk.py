"""A whole agent on the packaged market, as fast as possible: bus, audit log, journal, simulated broker."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from quietfill import (
    AgentConfig,
    AuditLogger,
    DecisionEvent,
    EventBus,
    EventType,
    ExecutionAgentImpl,
    MemoryJournal,
    ValidatedDecisionEvent,
)
from quietfill.agent.intake import order_id_of
from quietfill.domain.types import MINUTE, datetime_of
from quietfill.venue.broker import VenueBroker
from quietfill.venue.exchange import Exchange
from quietfill.venue.options import VenueOptions
from quietfill.venue.samples import load_sample

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from quietfill.ports.journal import Journal

RATES = {"max_orders_per_minute": 2700, "min_order_interval_ms": 0, "max_replaces_per_minute": 2700}


@dataclass
class Desk:
    """An agent with its surroundings, and everything that was said on the bus."""

    agent: ExecutionAgentImpl
    bus: EventBus
    broker: VenueBroker
    journal: Journal
    heard: list[Any]

    @property
    def symbol(self) -> str:
        """What the packaged market trades."""
        return self.broker.instrument.symbol

    def decision(self, **changes: Any) -> DecisionEvent:
        """Make a decision of now: buy 2,000 by TWAP over ten minutes."""
        now = self.broker.clock.now()
        terms: dict[str, Any] = {
            "symbol": self.symbol,
            "action": "buy",
            "quantity": 2000,
            "algo": "TWAP",
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
        return order_id_of(decision.event_id)

    async def let_events_pass(self) -> None:
        """Give the bus the turns of the loop that it needs to tell everybody."""
        for _ in range(500):
            await asyncio.sleep(0)

    def refusals(self) -> list[str]:
        """Return the reasons of everything that was refused."""
        alerts = [event for event in self.heard if event.event_type is EventType.RISK_ALERT]
        return [event.message for event in alerts if event.message.startswith(("refused", "duplicate"))]


@asynccontextmanager
async def open_desk(journal: Journal | None = None, **parameters: Any) -> AsyncGenerator[Desk]:
    """Start an agent on the packaged hour; stop it in the end."""
    tape = load_sample()
    start = max(tape.first_time, tape.day.spans[0][0])
    broker = VenueBroker(Exchange(tape, VenueOptions(), 7), start=start + 2 * MINUTE, end=tape.last_time)
    bus, journal = EventBus(), journal or MemoryJournal()
    agent = ExecutionAgentImpl(
        AgentConfig("Desk", parameters={**RATES, **parameters}), bus, AuditLogger(), broker, journal=journal
    )
    heard: list[Any] = []

    async def hear(event: Any) -> None:
        heard.append(event)

    for event_type in EventType:
        bus.subscribe(event_type, hear)
    await bus.start()
    await agent.start()
    try:
        yield Desk(agent, bus, broker, journal, heard)
    finally:
        await agent.stop()
        await bus.stop()
