"""A whole agent whose broker is the edge: orders worked to the end through every kind of break, nothing doubled."""

from __future__ import annotations

import asyncio
import contextlib
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import pytest

from quietfill import (
    AgentConfig,
    AuditLogger,
    DecisionEvent,
    EventBus,
    ExecutionAgentImpl,
    IBBroker,
    MemoryJournal,
    OrderSide,
    OrderState,
    ValidatedDecisionEvent,
)
from quietfill.agent.intake import order_id_of
from quietfill.domain.records import ChildFilled, ChildRequested
from quietfill.domain.types import MINUTE, datetime_of, quantity_from
from tests.ib.line import SECONDS, SYMBOL, paper, play, quick

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from quietfill.engine.parent import ParentState
    from quietfill.gateway.server import PaperGateway
    from quietfill.ports.journal import Journal

RATES = {"max_orders_per_minute": 2700, "min_order_interval_ms": 0, "max_replaces_per_minute": 2700}


class Agent:
    """One agent over one gateway, in the gateway's time."""

    def __init__(self, gateway: PaperGateway, journal: Journal, name: str = "Desk", **settings: Any) -> None:
        self.gateway = gateway
        self.journal = journal
        self.broker = IBBroker(port=gateway.port, settings=quick(**({"working_per_side": 100} | settings)))
        config = AgentConfig(name, parameters=dict(RATES))
        self.impl = ExecutionAgentImpl(
            config, EventBus(), AuditLogger(), self.broker, journal=journal, clock=gateway.floor.clock
        )

    async def start(self) -> None:
        """Connect, look the stock up, and start."""
        await self.broker.connect()
        instrument = await self.broker.instrument(SYMBOL, currency="CNY")
        self.impl.register_instrument(instrument)
        await self.impl.start()

    async def order(self, quantity: int, algo: str, minutes: float, **changes: Any) -> str:
        """Have a decision validated; return the order id."""
        now = self.gateway.floor.now
        decision = DecisionEvent(
            symbol=SYMBOL, action=OrderSide.BUY, quantity=quantity, algo=algo, timestamp=datetime_of(now),
            end=datetime_of(now + round(minutes * MINUTE)), source_agent="PortfolioManager", **changes,
        )  # fmt: skip
        approval = ValidatedDecisionEvent(
            original_decision_id=decision.event_id, approved=True, source_agent="ComplianceAgent",
            timestamp=datetime_of(now),
        )  # fmt: skip
        await self.impl.process_event(decision)
        await self.impl.process_event(approval)
        return order_id_of(decision.event_id)

    def parent(self, order_id: str) -> ParentState:
        """Return an order's state."""
        return self.impl.runtime.engine.state.parents[order_id]

    async def until_done(self, order_id: str, *, plays: float = 2.0) -> ParentState:
        """Let the market run until an order has ended."""
        async with asyncio.timeout(3 * SECONDS):
            while not self.parent(order_id).is_done:
                if self.broker.is_connected:
                    await self.gateway.play(plays)
                else:  # simulated time must not run away while a real socket is opened
                    await self.gateway.play(0.1)
                    await moment()
        return self.parent(order_id)


async def moment() -> None:
    """Let a moment of real time pass, in which sockets are opened and answered."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(0.01):
            await asyncio.Event().wait()


@asynccontextmanager
async def agent_on(*faults: str, journal: Journal | None = None, **settings: Any) -> AsyncGenerator[Agent]:
    """Start a gateway and an agent over it."""
    async with paper(faults=faults) as gateway:
        agent = Agent(gateway, journal or MemoryJournal(), **settings)
        await agent.start()
        try:
            yield agent
        finally:
            await agent.impl.stop()


async def books_agree(agent: Agent, quantity: int) -> None:
    """Check that the journal, the gateway's executions and its position say the same."""
    journaled = [entry.record for entry in agent.journal.read() if isinstance(entry.record, ChildFilled)]
    keys = [record.fill.execution_id for record in journaled]
    assert len(keys) == len(set(keys))
    assert sum(record.fill.quantity for record in journaled) == quantity_from(quantity)
    held = await agent.broker.positions()
    assert held.get(SYMBOL, 0.0) == quantity
    assert await agent.broker.open_orders() == []


@pytest.mark.parametrize("algo", ["TWAP", "MARKET", "POV", "ADAPTIVE", "MIDPOINT_PEG"])
def test_an_order_is_worked_to_the_end(algo):
    """Slices rest, move and cross through the gateway; in the end all is bought and the books agree."""

    async def scenario() -> None:
        async with agent_on() as agent:
            done = await agent.until_done(await agent.order(1_000, algo, 5))
            filled = done.filled // quantity_from(1)

            assert done.state is OrderState.FILLED or (algo in {"POV", "MIDPOINT_PEG"} and filled > 0)
            await books_agree(agent, filled)

    play(scenario)


def test_every_child_carries_our_reference_and_an_end():
    """On the wire an order is good until its own date, under the child's id."""

    async def scenario() -> None:
        async with agent_on() as agent:
            order_id = await agent.order(1_000, "TWAP", 5)
            await agent.gateway.play(5)
            sent = [entry.record for entry in agent.journal.read() if isinstance(entry.record, ChildRequested)]
            orders = agent.gateway.trading.all_orders

            assert [order.terms.fields["orderRef"] for order in orders] == [record.child_id for record in sent]
            assert {order.terms.fields["tif"] for order in orders} == {"GTD"}
            await agent.until_done(order_id)

    play(scenario)


def test_commissions_are_known_in_the_end():
    """Each execution has its cost, with the fill or later, so that fees are a figure."""

    async def scenario() -> None:
        async with agent_on() as agent:
            order_id = await agent.order(1_000, "TWAP", 3)
            await agent.until_done(order_id)
            await agent.gateway.play(2)
            shortfall = agent.impl.calculate_implementation_shortfall(order_id)

            assert shortfall is not None
            assert shortfall["costs"]["fees"] is not None

    play(scenario)


@pytest.mark.parametrize(
    "faults",
    [
        ("cut:after=60",),
        ("cut:after=60", "cut:after=120"),
        ("cut-on-order:times=2",),
        ("restart:after=60,lasts=5,rollback=4",),
        ("restart:after=60,dying=20,lasts=5,rollback=4",),
        ("upstream-lost:after=60,lasts=20",),
        ("execution-twice", "commission-early"),
        ("commission-missing",),
        ("status-missing",),
        ("perm-id-zero", "status-replayed"),
        ("notice:code=10349",),
        ("modify-refused:times=3",),
        ("cancel-refused:times=2",),
        ("order-silent:times=1",),
        ("duplicate-id:times=1",),
        ("broker-cancels:times=1",),
        ("split-segments",),
    ],
)
def test_an_order_survives(faults):
    """Whatever breaks in the middle: all is bought once, nothing is lost, and the books agree."""

    async def scenario() -> None:
        async with agent_on(*faults) as agent:
            order_id = await agent.order(1_000, "TWAP", 5)
            done = await agent.until_done(order_id)
            await agent.gateway.play(5)

            assert done.filled == quantity_from(1_000)
            await books_agree(agent, 1_000)

    play(scenario)


def test_an_agent_that_dies_goes_on_where_it_was():
    """Killed without a word in the middle, with a slice working: the next process finds it, and buys the rest once."""

    async def scenario() -> None:
        async with paper() as gateway:
            first = Agent(gateway, MemoryJournal())
            await first.start()
            order_id = await first.order(1_000, "TWAP", 5)
            await gateway.play(70)
            before = first.parent(order_id).filled
            left_behind = MemoryJournal()
            left_behind.append([entry.record for entry in first.journal.read()])
            await first.broker.disconnect()  # nothing of it can be sent any more, whatever its engine does
            await gateway.play(20)

            second = Agent(gateway, left_behind, "Second")
            await second.start()
            done = await second.until_done(order_id)
            await gateway.play(5)

            assert 0 < before < quantity_from(1_000)
            assert done.filled == quantity_from(1_000)
            await books_agree(second, 1_000)
            await second.impl.stop()
            await first.impl.stop()

    play(scenario)
