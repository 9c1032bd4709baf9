"""The agent when it starts, stops or is asked for something that cannot be."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from quietfill import (
    AgentConfig,
    AuditLogger,
    EventBus,
    EventType,
    ExecutionAgentImpl,
    JournalError,
    KillSwitchEvent,
    MemoryJournal,
    OrderSide,
)
from quietfill.domain.messages import Kill, NewOrder
from quietfill.domain.types import MINUTE, quantity_from
from tests.agent.bench import SlowJournal, turns
from tests.agent.desk import RATES, Desk, open_desk
from tests.agent.test_agent import on_desk

if TYPE_CHECKING:
    from quietfill.venue.broker import VenueBroker


async def unused_broker() -> VenueBroker:
    """Return a broker of a desk that was closed again."""
    async with open_desk() as desk:
        return desk.broker


def agent_on(broker: VenueBroker, bus: EventBus, journal: MemoryJournal) -> ExecutionAgentImpl:
    """Return an agent that was not started."""
    return ExecutionAgentImpl(AgentConfig("Desk", parameters=RATES), bus, AuditLogger(), broker, journal=journal)


def test_a_stop_lets_go_although_the_disk_hangs() -> None:
    """Whatever still waits after the time-out is left to the next start; broker and journal are let go of."""

    async def run() -> None:
        journal = SlowJournal()
        async with open_desk(journal) as desk:
            journal.holds = True
            telling = asyncio.ensure_future(desk.agent.process_event(desk.decision()))
            await turns()

            await desk.agent.stop(timeout=0.01)

            assert not desk.broker.is_connected
            with pytest.raises(JournalError, match="closed"):
                journal.append([])
            telling.cancel()

    asyncio.run(run())


def test_a_start_that_fails_lets_go_of_everything() -> None:
    """The journal is closed, and nobody listens on the bus."""

    async def run() -> None:
        broker, bus, journal = await unused_broker(), EventBus(), MemoryJournal()

        async def fail() -> None:
            raise OSError("no line")

        broker.connect = fail  # type: ignore[method-assign]
        with pytest.raises(OSError, match="no line"):
            await agent_on(broker, bus, journal).start()

        with pytest.raises(JournalError, match="closed"):
            journal.append([])
        assert bus.get_status()["subscribers"] == []

    asyncio.run(run())


def test_a_kill_switch_is_heard_while_the_agent_starts() -> None:
    """A kill that is published while the broker is being connected is in force when the agent runs."""

    async def run() -> None:
        broker, bus = await unused_broker(), EventBus()
        connected = asyncio.Event()

        async def connect() -> None:
            await connected.wait()

        broker.connect = connect  # type: ignore[method-assign]
        await bus.start()
        agent = agent_on(broker, bus, MemoryJournal())
        starting = asyncio.ensure_future(agent.start())
        await turns()
        await bus.publish(KillSwitchEvent(reason="test", source_agent="Risk"))
        await turns()
        connected.set()
        await starting

        assert agent.get_status()["kill_switch_active"]
        await agent.stop()
        await bus.stop()

    asyncio.run(run())


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"quantity": 10**12}, "too large"),
        ({"algo": "limit", "limit_price": 8.9000000001234}, "more decimal places"),
        ({"decision_price": 1e-12}, "more decimal places"),
        ({"time_in_force": "IOC"}, "time in force IOC is not kept by algo twap"),
        ({"time_in_force": "FOK"}, "time in force FOK is not kept by algo twap"),
        ({"reduce_only": True}, "reduce_only is not supported"),
    ],
)
def test_what_cannot_be_kept_is_refused_and_not_worked_otherwise(changes: dict[str, Any], reason: str) -> None:
    """Terms that no order of ours would keep, and numbers that none can hold, become one refusal on the bus."""

    async def play(desk: Desk) -> None:
        await desk.submit(**changes)
        await desk.let_events_pass()

        assert len(desk.refusals()) == 1
        assert reason in desk.refusals()[0]
        assert desk.agent.get_pending_orders() == []

    on_desk(play)


def test_a_kill_that_asks_to_close_positions_closes_them_and_nothing_else_leaves() -> None:
    """What was bought is sold again at the market once everything is cancelled, under the kill that stays in force."""

    async def play(desk: Desk) -> None:
        bought = await desk.submit(order_type="market", algo=None, quantity=500)
        working = await desk.submit(quantity=5000)
        await desk.agent.wait_done(bought)
        kill = KillSwitchEvent(reason="test", source_agent="Risk", close_positions=True)
        await desk.agent.process_event(kill)
        await desk.agent.wait_done(working)
        await desk.agent.wait_done(f"flatten:{kill.event_id}:{desk.symbol}")

        state = desk.agent.runtime.engine.state
        assert state.totals[desk.symbol].position == 0
        assert state.totals[desk.symbol].traded >= 2 * quantity_from(500)
        assert desk.agent.get_status()["kill_switch_active"]
        assert desk.agent.get_pending_orders() == []

    on_desk(play)


def test_more_orders_than_are_remembered_may_end_together() -> None:
    """Each of 1,500 orders that one kill ends is told to the firm, although the engine keeps a thousand."""

    async def play(desk: Desk) -> None:
        now = desk.broker.clock.now()
        for number in range(1500):
            desk.agent.runtime.submit(
                NewOrder(
                    order_id=f"o{number}",
                    decision_id=f"d{number}",
                    symbol=desk.symbol,
                    side=OrderSide.BUY,
                    quantity=quantity_from(100),
                    algo="twap",
                    start=now + 5 * MINUTE,
                    end=now + 10 * MINUTE,
                )
            )
        desk.agent.runtime.submit(Kill(kill_id="k", by="risk", reason="test"))
        for _ in range(20):
            await desk.let_events_pass()

        assert sum(event.event_type is EventType.ORDER_STATE_CHANGE for event in desk.heard) == 1500
        assert desk.agent.runtime.failures == 0

    on_desk(play, max_open_orders=5000)
