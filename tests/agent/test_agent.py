"""The agent as its user sees it: decisions in, orders worked in the packaged market, events and reports out."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from quietfill import (
    EventType,
    JournalError,
    KillScope,
    KillSwitchEvent,
    MemoryJournal,
    OrderEvent,
    OrderSide,
    OrderType,
    SqliteJournal,
)
from quietfill.agent.intake import order_id_of
from quietfill.domain.records import ChildFilled, ChildRequested
from quietfill.domain.types import MINUTE, SECOND, datetime_of
from tests.agent.desk import Desk, open_desk

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine
    from pathlib import Path


def on_desk(play: Callable[[Desk], Coroutine[Any, Any, None]], **parameters: Any) -> None:
    """Run one play on a fresh desk."""

    async def run() -> None:
        async with open_desk(**parameters) as desk:
            await asyncio.wait_for(play(desk), 60)

    asyncio.run(run())


async def pass_time(desk: Desk, duration: int) -> None:
    """Let simulated time pass."""
    reached = asyncio.Event()
    desk.broker.clock.call_at(desk.broker.clock.now() + duration, reached.set)
    desk.broker.stir()
    await reached.wait()


def test_a_validated_decision_is_worked_to_the_end() -> None:
    """A TWAP of 2,000 fills completely, in several children, and the report's parts add up."""

    async def play(desk: Desk) -> None:
        report = await desk.agent.wait_done(await desk.submit())

        assert report is not None
        assert report["filled_quantity"] == 2000
        assert report["slice_count"] > 5
        assert sum(row["filled_quantity"] for row in report["slices"]) == 2000
        await desk.let_events_pass()
        fills = [event for event in desk.heard if event.event_type is EventType.FILL]
        assert sum(fill.filled_quantity for fill in fills) == 2000
        assert desk.broker.exchange.open_count == 0

    on_desk(play)


def test_an_order_is_accepted_only_after_both_decision_and_approval() -> None:
    """A decision alone sends nothing; who may not approve, and what is not approved, is refused with a reason."""

    async def play(desk: Desk) -> None:
        first, second = desk.decision(), desk.decision()
        await desk.agent.process_event(first)
        await desk.agent.process_event(desk.approval(first, source_agent="Stranger"))
        await desk.agent.process_event(second)
        await desk.agent.process_event(desk.approval(second, approved=False, rejection_reason="too large"))
        await desk.let_events_pass()

        assert desk.agent.get_pending_orders() == []
        assert desk.refusals() == ["refused: Stranger may not approve", "refused: too large"]
        await desk.agent.process_event(desk.approval(first))
        assert len(desk.agent.get_pending_orders()) == 1

    on_desk(play)


def test_a_validation_waits_for_its_decision() -> None:
    """The approval may come first; without the decision it is refused after five simulated seconds."""

    async def play(desk: Desk) -> None:
        late, never = desk.decision(), desk.decision()
        await desk.agent.process_event(desk.approval(late))
        await desk.agent.process_event(desk.approval(never))
        await desk.agent.process_event(late)
        accepted = len(desk.agent.get_pending_orders())
        await pass_time(desk, 6 * SECOND)

        assert accepted == 1
        assert desk.refusals() == [f"refused: decision {never.event_id} is not known after 5 s"]

    on_desk(play)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"action": None}, "the decision has no action"),
        ({"quantity": 0}, "quantity must be positive, not 0"),
        ({"quantity": 2050}, "lot"),
        ({"symbol": "NOPE"}, "NOPE"),
        ({"algo": "magic"}, "magic"),
        ({"algo_params": {"slice_secnods": 5}}, "slice_secnods"),
        ({"limit_price": 9.005, "algo": "limit"}, "tick"),
        ({"algo": "limit"}, "limit_price"),
    ],
)
def test_what_cannot_be_meant_is_refused_with_a_reason(changes: dict[str, Any], reason: str) -> None:
    """Each bad decision becomes one refusal on the bus that names what was wrong, and no order."""

    async def play(desk: Desk) -> None:
        await desk.submit(**changes)
        await desk.let_events_pass()

        assert desk.agent.get_pending_orders() == []
        assert len(desk.refusals()) == 1
        assert reason in desk.refusals()[0]

    on_desk(play)


def test_a_stale_decision_is_refused() -> None:
    """A validation of a decision older than five minutes sends nothing."""

    async def play(desk: Desk) -> None:
        await desk.submit(timestamp=datetime_of(desk.broker.clock.now() - 301 * SECOND))
        await desk.let_events_pass()

        assert desk.refusals() == ["refused: stale: decided 301 s ago"]

    on_desk(play)


def test_a_repeated_validation_sends_one_order() -> None:
    """The same validation a hundred times is one order and ninety-nine duplicates."""

    async def play(desk: Desk) -> None:
        decision = desk.decision(algo="MARKET")
        await desk.agent.process_event(decision)
        for _ in range(100):
            await desk.agent.process_event(desk.approval(decision))
        await desk.agent.wait_done(order_id_of(decision.event_id))
        await desk.let_events_pass()

        children = [e.record for e in desk.journal.read() if isinstance(e.record, ChildRequested)]
        assert len(children) == 1
        assert sum("duplicate" in reason for reason in desk.refusals()) == 99

    on_desk(play)


def test_a_kill_on_the_bus_cancels_and_only_two_people_release_it() -> None:
    """After a kill the order ends, new ones are refused, and the bus cannot lift it."""

    async def play(desk: Desk) -> None:
        order = await desk.submit(algo="limit", limit_price=8.90)
        await pass_time(desk, 1 * SECOND)
        working = desk.broker.exchange.open_count
        await desk.agent.process_event(KillSwitchEvent(reason="test", source_agent="Risk"))
        await desk.agent.wait_done(order)
        await desk.submit()
        await desk.agent.process_event(KillSwitchEvent(activated=False, source_agent="Risk"))
        await desk.let_events_pass()

        assert working == 1
        assert desk.broker.exchange.open_count == 0
        assert desk.agent.get_status()["kill_switch_active"]
        assert any("kill switch" in reason for reason in desk.refusals())
        with pytest.raises(ValueError, match="two different people"):
            await desk.agent.release_kill_switch(KillScope(), "a", "a", "ok")
        assert await desk.agent.release_kill_switch(KillScope(), "a", "b", "ok")
        assert not desk.agent.get_status()["kill_switch_active"]

    on_desk(play)


def test_cancel_pause_resume_and_amend_act_on_a_running_order() -> None:
    """The operator's acts change a live order and say False for an unknown one."""

    async def play(desk: Desk) -> None:
        order = await desk.submit()
        await pass_time(desk, 90 * SECOND)
        assert await desk.agent.pause_order(order, by="desk")
        await pass_time(desk, 5 * SECOND)
        assert desk.broker.exchange.open_count == 0
        assert desk.agent.get_pending_orders()[0]["status"] == "paused"
        assert await desk.agent.resume_order(order, by="desk")
        assert await desk.agent.amend_order(order, by="desk", quantity=1500, slice_seconds=30)
        assert not await desk.agent.amend_order(order, by="desk", quantity=1550)
        assert not await desk.agent.amend_order(order, by="desk", colour="red")
        report = await desk.agent.wait_done(order)

        assert report is not None
        assert report["total_quantity"] == report["filled_quantity"] == 1500
        assert not await desk.agent.cancel_order("unknown")
        assert not await desk.agent.pause_order("unknown", by="desk")
        assert desk.agent.get_fill_quality_report("unknown") is None

    on_desk(play)


def test_a_cancelled_order_ends_with_what_it_has() -> None:
    """A cancel ends the order on the broker's word; nothing is left working."""

    async def play(desk: Desk) -> None:
        order = await desk.submit()
        await pass_time(desk, 3 * MINUTE)
        assert await desk.agent.cancel_order(order)
        report = await desk.agent.wait_done(order)

        assert report is not None
        assert 0 < report["filled_quantity"] < 2000
        assert desk.broker.exchange.open_count == 0
        assert desk.agent.get_pending_orders() == []

    on_desk(play)


def test_direct_orders_can_be_switched_off() -> None:
    """An order without a decision is taken only where that is allowed."""

    async def play(desk: Desk) -> None:
        terms: dict[str, Any] = {"side": OrderSide.SELL, "quantity": 500, "order_type": OrderType.MARKET}
        order = OrderEvent(symbol=desk.symbol, algo="MARKET", **terms)
        await desk.agent.submit_order(order)
        await desk.let_events_pass()

        assert any("direct orders are not allowed" in reason for reason in desk.refusals())

    on_desk(play, allow_direct_orders=False)


def test_market_data_of_the_users_own_is_checked() -> None:
    """Bad prices, volumes and books are refused by name; nothing changes."""

    async def play(desk: Desk) -> None:
        agent, symbol = desk.agent, desk.symbol
        before = agent.runtime.engine.observed.book(symbol)
        with pytest.raises(ValueError, match="finite"):
            agent.update_price(symbol, float("nan"))
        with pytest.raises(ValueError, match="negative"):
            agent.update_market_volume(symbol, -1)
        with pytest.raises(ValueError, match="level 1"):
            agent.update_order_book(symbol, [(9.2, 100, 1), (9.3, 100, 1)], [])
        with pytest.raises(ValueError, match="profile"):
            agent.set_volume_profile(symbol, [])
        assert agent.runtime.engine.observed.book(symbol) is before
        agent.update_price("OTHER", -37.63)
        assert "OTHER" in agent.get_status()["symbols_with_prices"]

    on_desk(play)


def test_an_agent_starts_again_from_its_journal(tmp_path: Path) -> None:
    """A second agent on the same journal knows the order, its fills and its decision."""
    path = tmp_path / "desk.journal"

    async def run() -> tuple[str, dict[str, Any] | None]:
        async with open_desk(SqliteJournal(path)) as desk:
            order = await desk.submit(algo="MARKET")
            return order, await desk.agent.wait_done(order)

    async def again(order: str) -> dict[str, Any] | None:
        async with open_desk(SqliteJournal(path)) as desk:
            return desk.agent.get_fill_quality_report(order)

    order, before = asyncio.run(run())
    assert asyncio.run(again(order)) == before
    assert before is not None
    assert before["filled_quantity"] == 2000


def test_every_fill_is_in_the_journal_before_it_is_told() -> None:
    """What the bus says was filled is what the journal has, execution by execution."""

    async def play(desk: Desk) -> None:
        await desk.agent.wait_done(await desk.submit())
        await desk.let_events_pass()
        booked = [e.record.fill.execution_id for e in desk.journal.read() if isinstance(e.record, ChildFilled)]
        told = [event.execution_id for event in desk.heard if event.event_type is EventType.FILL]
        assert told == booked
        assert len(set(booked)) == len(booked)

    on_desk(play)


def test_a_dead_journal_stops_new_risk_and_says_so() -> None:
    """When the journal fails, nothing new leaves, callers are told, and cancels still go out."""

    class Failing(MemoryJournal):
        fails = False

        def append(self, records: Any) -> int:
            if self.fails:
                raise JournalError("disk full")
            return super().append(records)

    async def run() -> None:
        journal = Failing()
        async with open_desk(journal) as desk:
            await desk.submit(algo="limit", limit_price=8.90)
            await pass_time(desk, 1 * SECOND)
            assert desk.broker.exchange.open_count == 1
            journal.fails = True
            with pytest.raises(JournalError, match="disk full"):
                await desk.agent.process_event(KillSwitchEvent(reason="test", source_agent="Risk"))
            await pass_time(desk, 1 * SECOND)
            assert desk.broker.exchange.open_count == 0
            assert desk.agent.get_status()["journal_failure"] == "disk full"

    asyncio.run(run())
