"""What the agent says: every state of every order, in the order of the journal, to whoever listens at whatever pace."""

from __future__ import annotations

import asyncio
from itertools import pairwise
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from quietfill import (
    VALID_ORDER_TRANSITIONS,
    AgentConfig,
    AuditLogger,
    EventBus,
    EventType,
    ExecutionAgentImpl,
    FillEvent,
    KillScope,
    KillSwitchEvent,
    MemoryJournal,
    OrderEvent,
    OrderState,
    OrderStateChangeEvent,
    RiskAlertEvent,
)
from quietfill.agent.outlet import Outlet
from quietfill.domain.records import ChildFilled, OrderAccepted, OrderDone, OrderRefused
from quietfill.domain.types import MINUTE, SECOND, datetime_of
from quietfill.tca.ledger import Ledger
from tests.agent.bench import SlowJournal, turns
from tests.agent.desk import RATES, Desk, open_desk
from tests.agent.test_agent import on_desk, pass_time
from tests.own_broker import HandBroker, OwnDesk
from tests.own_broker import play as on_own_desk

if TYPE_CHECKING:
    from pathlib import Path

    from quietfill.domain.events import AnyEvent
    from quietfill.domain.records import AnyRecord


async def all_told(desk: Desk) -> None:
    """Let the publisher and the bus tell everything."""
    for _ in range(100_000):
        if not desk.agent.get_status()["events"]["waiting"] and not desk.bus.queue_size:
            return
        await asyncio.sleep(0)


def of_type(heard: list[Any], event_type: EventType) -> list[Any]:
    """Return the events of one type."""
    return [event for event in heard if event.event_type is event_type]


def folded(moves: list[OrderStateChangeEvent]) -> dict[str, OrderState]:
    """Fold state changes as any listener would, holding each to the table and to the one before."""
    states: dict[str, OrderState] = {}
    for move in moves:
        assert move.previous_state is states.get(move.order_id, OrderState.CREATED), move
        assert move.new_state in VALID_ORDER_TRANSITIONS[move.previous_state], move
        states[move.order_id] = move.new_state
    return states


def in_the_engine(desk: Desk) -> dict[str, OrderState]:
    """Return the states of all parents and children as the engine has them."""
    state = desk.agent.runtime.engine.state
    parents = {key: parent.state for key, parent in state.parents.items()}
    return {**parents, **{key: child.state for key, child in state.children.items()}}


def fills_in(desk: Desk) -> int:
    """Count the executions of the journal."""
    return sum(isinstance(entry.record, ChildFilled) for entry in desk.journal.read())


async def work_an_hour(desk: Desk) -> None:
    """Have orders of many fates: filled, cancelled, pegged, paused, amended, timed out, refused, killed."""
    filled = await desk.submit()
    now = desk.broker.clock.now()
    cancelled = await desk.submit(action="sell", quantity=3000)
    await desk.submit(algo="midpoint_peg", quantity=1000, end=datetime_of(now + 15 * MINUTE))
    await desk.submit(algo="limit", limit_price=8.90, quantity=500, end=datetime_of(now + 5 * MINUTE))
    await desk.submit(action=None)
    await pass_time(desk, 3 * MINUTE)
    await desk.agent.cancel_order(cancelled)
    await desk.agent.pause_order(filled, by="desk", reason="lunch")
    await pass_time(desk, 30 * SECOND)
    await desk.agent.resume_order(filled, by="desk")
    await desk.agent.amend_order(filled, by="desk", quantity=1500)
    await desk.agent.amend_order(filled, by="desk", quantity=-1)
    await desk.agent.wait_done(filled)
    killed = await desk.submit(quantity=4000, end=datetime_of(desk.broker.clock.now() + 20 * MINUTE))
    await pass_time(desk, 2 * MINUTE)
    await desk.agent.process_event(KillSwitchEvent(reason="test", source_agent="Risk"))
    await desk.agent.wait_done(killed)
    await desk.agent.release_kill_switch(KillScope(), "anna", "ben", "over")
    await all_told(desk)


def test_folding_the_state_changes_of_an_hour_gives_the_final_states() -> None:
    """Every transition is told, none is skipped or invented, all are in the table, and the last ones are the truth."""

    async def play(desk: Desk) -> None:
        await work_an_hour(desk)
        moves = of_type(desk.heard, EventType.ORDER_STATE_CHANGE)
        states = folded(moves)
        ended = {move.new_state for move in moves}

        assert states == in_the_engine(desk)
        assert {OrderState.FILLED, OrderState.CANCELLED, OrderState.PENDING_REPLACE, OrderState.PARTIAL} <= ended
        assert len(states) > 20

    on_desk(play)


def test_state_changes_carry_quantities_and_the_parent_of_a_child() -> None:
    """The last change of each order says what was filled, at what average, and what never will be."""

    async def play(desk: Desk) -> None:
        await work_an_hour(desk)
        last = {move.order_id: move for move in of_type(desk.heard, EventType.ORDER_STATE_CHANGE)}
        ledger = Ledger.of(entry.record for entry in desk.journal.read())
        for order in ledger.orders.values():
            told = last[order.order_id]
            assert (told.filled_quantity, told.parent_order_id) == (order.filled // 10**8, None)
            assert told.remaining_quantity == order.unfilled // 10**8
            assert told.reason == order.end_reason
            for child in order.children:
                told = last[child.child_id]
                assert (told.filled_quantity, told.parent_order_id) == (child.filled // 10**8, order.order_id)
                average = child.value / child.filled / 10**9 if child.filled else None
                assert told.avg_fill_price == average

    on_desk(play)


def test_everything_said_is_in_the_audit_log_and_every_fill_is_a_trade_there() -> None:
    """The audit log has each event of the bus, in its order, and one trade for each execution with its decision."""

    async def play(desk: Desk) -> None:
        order = await desk.submit(quantity=600)
        await desk.agent.wait_done(order)
        await all_told(desk)
        entries = desk.agent.audit_logger.entries  # type: ignore[attr-defined]
        kept = [entry["content"]["event_id"] for entry in entries if entry["kind"] == "event"]
        trades = [entry["content"] for entry in entries if entry["kind"] == "trade"]
        fills = of_type(desk.heard, EventType.FILL)
        (decision,) = [event.decision_id for event in of_type(desk.heard, EventType.ORDER)]

        assert kept == [event.event_id for event in desk.heard]
        assert [(trade["quantity"], float(trade["price"])) for trade in trades] == [
            (fill.filled_quantity, float(fill.fill_price)) for fill in fills
        ]
        assert {(trade["order_id"], trade["decision_id"]) for trade in trades} == {(order, decision)}

    on_desk(play)


def told_of(event: AnyEvent) -> Any:
    """Return what an event has in common with its record, None for those without."""
    match event:
        case OrderEvent():
            return event.validation_id
        case FillEvent():
            return event.execution_id
        case RiskAlertEvent() if event.details.get("kind") == "refused":
            return event.details["reasons"]
        case OrderStateChangeEvent() if event.parent_order_id is None and event.new_state.is_terminal:
            return event.order_id, event.new_state
        case _:
            return None


def written_of(record: AnyRecord) -> Any:
    """Return what a record has in common with its event, None for those without."""
    match record:
        case OrderAccepted():
            return record.order_id
        case ChildFilled():
            return record.fill.execution_id
        case OrderRefused():
            return record.reasons
        case OrderDone():
            return record.order_id, record.state
        case _:
            return None


def test_events_come_in_the_order_of_the_journal() -> None:
    """Acceptances, fills, ends and refusals are heard in the order in which they were committed."""

    async def play(desk: Desk) -> None:
        await work_an_hour(desk)
        told = [known for event in desk.heard if (known := told_of(event)) is not None]
        written = [known for entry in desk.journal.read() if (known := written_of(entry.record)) is not None]

        assert told == written
        assert [event.timestamp for event in desk.heard] == sorted(event.timestamp for event in desk.heard)

    on_desk(play)


def test_a_blocked_subscriber_delays_nobody_and_no_kill() -> None:
    """One that never returns leaves the others, the orders and the kill switch as quick as without it."""

    async def play(desk: Desk) -> None:
        gate = asyncio.Event()

        async def block(_event: AnyEvent) -> None:
            await gate.wait()

        for event_type in EventType:
            desk.bus.subscribe(event_type, block)
        first = await desk.submit(quantity=600)
        await desk.agent.wait_done(first)
        order = await desk.submit(algo="limit", limit_price=8.90)
        await pass_time(desk, SECOND)
        assert desk.broker.exchange.open_count == 1
        await desk.bus.publish(KillSwitchEvent(reason="test", source_agent="Risk"))
        await turns()
        assert desk.agent.get_status()["kill_switch_active"]
        await desk.agent.wait_done(order)
        await pass_time(desk, SECOND)
        for _ in range(1000):
            await asyncio.sleep(0)

        assert desk.broker.exchange.open_count == 0
        assert folded(of_type(desk.heard, EventType.ORDER_STATE_CHANGE)) == in_the_engine(desk)
        assert desk.agent.get_status()["events"]["lost"] == 0
        gate.set()

    on_desk(play)


def test_what_a_full_subscriber_misses_is_counted_and_alerted() -> None:
    """A bus that cannot give an event to everybody is told of to the others; the audit log has every event."""

    async def play(desk: Desk) -> None:
        gate = asyncio.Event()
        missed: list[Any] = []

        async def block(event: AnyEvent) -> None:
            missed.append(event)
            await gate.wait()

        desk.bus._max_queue = 5
        for event_type in (EventType.FILL, EventType.ORDER_STATE_CHANGE):
            desk.bus.subscribe(event_type, block)
        await desk.agent.wait_done(await desk.submit(quantity=1000))
        for _ in range(1000):
            await asyncio.sleep(0)
        status = desk.agent.get_status()["events"]
        alerts = [event for event in of_type(desk.heard, EventType.RISK_ALERT) if event.subject == "event bus"]
        kept = [entry for entry in desk.agent.audit_logger.entries if entry["kind"] == "event"]  # type: ignore[attr-defined]
        gate.set()

        assert len(missed) == 1
        assert status["lost"] > 5
        assert alerts
        assert all(alert.severity == "critical" for alert in alerts)
        assert all((b.timestamp - a.timestamp).total_seconds() >= 60 for a, b in pairwise(alerts))
        assert len(kept) == status["said"]

    on_desk(play)


class OddBus(EventBus):
    """A bus that raises, or holds up whoever publishes, when a test says so."""

    def __init__(self) -> None:
        super().__init__()
        self.error: Exception | None = None
        self.gate = asyncio.Event()
        self.gate.set()

    async def publish(self, event: Any, priority: bool = False) -> bool:
        """Fail, wait, or publish."""
        await self.gate.wait()
        if self.error is not None:
            raise self.error
        return await super().publish(event, priority)


async def on_odd_bus(desk: Desk) -> tuple[OddBus, ExecutionAgentImpl, list[Any]]:
    """Start a second agent on the same broker class with a bus of its own, and hear it."""
    bus, heard = OddBus(), []

    async def hear(event: Any) -> None:
        heard.append(event)

    for event_type in EventType:
        bus.subscribe(event_type, hear)
    await bus.start()
    config = AgentConfig("Odd", parameters=RATES)
    return bus, ExecutionAgentImpl(config, bus, AuditLogger(), desk.broker, journal=MemoryJournal()), heard


def test_a_bus_that_raises_is_counted_and_told_of_when_it_works_again() -> None:
    """Its failure stops nothing; the first event that gets through is followed by what was lost."""

    async def run() -> None:
        async with open_desk() as closed:
            pass
        bus, agent, heard = await on_odd_bus(closed)
        bus.error = RuntimeError("no route")
        for number in range(3):
            agent._publisher.alert("test", f"number {number}")
        await turns()
        assert agent._publisher.status()["lost"] >= 3
        bus.error = None
        closed.broker.clock.set(closed.broker.clock.now() + 2 * MINUTE)
        agent._publisher.alert("test", "number 3")
        await turns()

        assert heard[0].message == "number 3"
        assert heard[1].subject == "event bus"
        assert heard[1].details["lost"] == agent._publisher.status()["lost"] - 1

    asyncio.run(run())


def test_a_bus_that_holds_up_its_publisher_holds_up_nothing_else() -> None:
    """While one publish waits, orders are worked; when it returns, events go on in order and none is missing."""

    async def play(desk: OwnDesk) -> None:
        bus = desk.agent.event_bus
        gate, publish = asyncio.Event(), bus.publish

        async def slow(event: Any, priority: bool = False) -> bool:
            await gate.wait()
            return await publish(event, priority)

        bus.publish = slow  # type: ignore[method-assign]
        before = len(desk.heard)
        await desk.submit()
        assert len(desk.broker.placed) == 1
        assert len(desk.heard) == before
        gate.set()
        await desk.turn()
        moves = of_type(desk.heard, EventType.ORDER_STATE_CHANGE)

        assert [(move.previous_state, move.new_state) for move in moves] == [
            (OrderState.CREATED, OrderState.PENDING),
            (OrderState.CREATED, OrderState.WORKING),
        ]

    on_own_desk(play, HandBroker())


def test_states_are_told_as_they_were_at_the_record_not_as_they_are_now() -> None:
    """While the disk is slow the engine is ahead: nothing is told, and then each record's own transition is."""

    async def run() -> None:
        journal = SlowJournal()
        async with open_desk(journal) as desk:
            order = await desk.submit(algo="limit", limit_price=8.90)
            await pass_time(desk, SECOND)
            await all_told(desk)
            before = len(desk.heard)
            journal.holds = True
            asking = asyncio.ensure_future(desk.agent.pause_order(order, by="desk"))
            await turns()
            assert desk.agent.runtime.engine.state.parents[order].is_paused
            assert len(desk.heard) == before
            journal.catch_up()
            await asking
            await pass_time(desk, SECOND)
            await all_told(desk)
            moves = of_type(desk.heard, EventType.ORDER_STATE_CHANGE)

            assert folded(moves) == in_the_engine(desk)

    asyncio.run(run())


def test_refusals_and_the_acts_of_people_are_said_with_their_reasons() -> None:
    """Refused orders and amendments are risk alerts; pause, resume, amend, kill and release name who and why."""

    async def play(desk: Desk) -> None:
        await work_an_hour(desk)
        refused = [
            (event.details["kind"], event.message)
            for event in of_type(desk.heard, EventType.RISK_ALERT)
            if "kind" in event.details
        ]
        acts = [event.message for event in of_type(desk.heard, EventType.SYSTEM)]

        assert ("refused", "refused: the decision has no action") in refused
        assert any(kind == "amendment refused" and "quantity" in text for kind, text in refused)
        for said in (
            "paused by desk: lunch",
            "resumed by desk",
            "amended by desk",
            "engaged by Risk: test",
            "released by anna and ben: over",
        ):
            assert acts.count(said) == 1, said

    on_desk(play)


def test_a_repeated_validation_is_told_as_a_duplicate_that_names_the_first_outcome() -> None:
    """The refusal says what became of the first, and moves no order."""

    async def play(desk: Desk) -> None:
        decision = desk.decision(algo="limit", limit_price=8.90)
        await desk.agent.process_event(decision)
        for _ in range(2):
            await desk.agent.process_event(desk.approval(decision))
        await all_told(desk)
        (duplicate,) = [e for e in of_type(desk.heard, EventType.RISK_ALERT) if e.details.get("kind") == "duplicate"]

        assert "accepted as order" in duplicate.details["duplicate_of"]
        assert len(of_type(desk.heard, EventType.ORDER)) == 1
        assert folded(of_type(desk.heard, EventType.ORDER_STATE_CHANGE)) == in_the_engine(desk)

    on_desk(play)


def test_a_restart_says_nothing_twice_and_goes_on_where_the_states_were() -> None:
    """A second agent on the same journal tells only of what is new, from the states that the first one told last."""

    async def run() -> None:
        journal = MemoryJournal()
        async with open_desk(journal) as first:
            await first.submit(algo="limit", limit_price=8.90)
            await pass_time(first, SECOND)
        copy = MemoryJournal()
        copy.append([entry.record for entry in journal.read()])
        async with open_desk(copy) as second:
            await all_told(second)
            heard = [*first.heard, *second.heard]

            assert not of_type(second.heard, EventType.ORDER)
            assert folded(of_type(heard, EventType.ORDER_STATE_CHANGE)) == in_the_engine(second)

    asyncio.run(run())


def test_imported_orders_are_one_event_and_their_past_is_not_said_again(tmp_path: Path) -> None:
    """What another agent said before is not repeated; what happens here is told from there on."""
    path = tmp_path / "orders.json"

    async def run() -> None:
        async with open_desk() as first:
            await first.submit(quantity=3000, end=datetime_of(first.broker.clock.now() + 20 * MINUTE))
            await pass_time(first, 3 * MINUTE)
            await all_told(first)
            first.agent.persist_orders_to_file(path)
            said, before = list(first.heard), fills_in(first)
        async with open_desk() as second:
            await second.agent.recover_orders_from_file(path)
            await all_told(second)
            imported = [event for event in of_type(second.heard, EventType.SYSTEM) if event.subject == "import"]
            heard = [*said, *second.heard]

            assert [event.message for event in imported] == ["1 orders taken over by Desk"]
            assert before > 0
            assert len(of_type(second.heard, EventType.FILL)) == fills_in(second) - before
            assert folded(of_type(heard, EventType.ORDER_STATE_CHANGE)) == in_the_engine(second)

    asyncio.run(run())


def test_an_audit_log_that_fails_stops_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every event reaches the bus, and the failures are counted."""

    async def play(desk: Desk) -> None:
        def fail(*_: Any) -> None:
            raise OSError("disk full")

        monkeypatch.setattr(desk.agent._publisher, "_audit", SimpleNamespace(log_event=fail, log_trade=fail))
        report = await desk.agent.wait_done(await desk.submit(quantity=600))
        await all_told(desk)

        assert report is not None
        assert report["filled_quantity"] == 600
        assert sum(fill.filled_quantity for fill in of_type(desk.heard, EventType.FILL)) == 600
        assert desk.agent.get_status()["events"]["audit_failures"] > 10

    on_desk(play)


def test_stopping_says_what_still_waits() -> None:
    """Events that wait when the agent stops are on the bus afterwards."""

    async def run() -> None:
        async with open_desk() as desk:
            await desk.submit(algo="limit", limit_price=8.90)
            assert desk.agent.get_status()["events"]["waiting"]
            status = desk.agent.get_status
        assert status()["events"]["waiting"] == 0
        assert len(desk.heard) == status()["events"]["said"] > 1

    asyncio.run(run())


def test_events_that_nobody_can_be_told_of_any_more_are_in_the_audit_log() -> None:
    """A bus that hangs for ever costs the bus those events; the audit log has them, and the loss is counted."""

    async def run() -> None:
        async with open_desk() as desk:

            async def hang(event: Any, priority: bool = False) -> bool:
                await asyncio.Event().wait()
                return event is None or priority

            desk.bus.publish = hang  # type: ignore[method-assign]
            await desk.submit(algo="limit", limit_price=8.90)
            await turns()
            await desk.agent.stop(timeout=0.01)
            status = desk.agent.get_status()["events"]
            entries = desk.agent.audit_logger.entries  # type: ignore[attr-defined]
            kept = [entry["content"]["event_type"] for entry in entries if entry["kind"] == "event"]

            assert status["lost"] == status["said"] == len(kept) > 3
            assert {"order", "order_state_change"} <= set(kept)

    asyncio.run(run())


def test_simulated_time_waits_for_a_publisher_that_cannot_keep_up() -> None:
    """With room for a handful of events an order is worked to its end, and none is lost."""

    async def play(desk: Desk) -> None:
        desk.agent._publisher._outlet._limit = 30
        await desk.agent.wait_done(await desk.submit(quantity=3000))
        await all_told(desk)

        assert desk.agent.get_status()["events"]["lost"] == 0
        assert folded(of_type(desk.heard, EventType.ORDER_STATE_CHANGE)) == in_the_engine(desk)

    on_desk(play)


@pytest.mark.parametrize("limit", [1, 3])
def test_an_outlet_hands_on_in_order_and_counts_what_does_not_fit(limit: int) -> None:
    """A taker that waits gets the first ones in order; the rest is counted, and what is late at the end too."""

    async def run() -> None:
        gate, taken = asyncio.Event(), []

        async def take(number: int) -> None:
            await gate.wait()
            taken.append(number)

        outlet = Outlet("test", take, limit)
        assert [outlet.put(number) for number in range(5)] == [number < limit for number in range(5)]
        assert outlet.dropped == 5 - limit
        gate.set()
        await outlet.close(10)
        assert taken == list(range(limit))
        assert not outlet.put(9)

        slow = Outlet("test", take, limit)
        gate.clear()
        assert [slow.put(number) for number in range(limit)] == [True] * limit
        await turns()
        assert await slow.close(0) == list(range(1, limit))
        assert (slow.dropped, slow.waiting, len(taken)) == (limit, 0, limit)

    asyncio.run(run())


def test_what_is_said_before_the_loop_runs_is_told_once_it_does() -> None:
    """A slow venue that a caller records beforehand is alerted after the start."""

    async def closed_broker() -> Any:
        async with open_desk() as desk:
            return desk.broker

    broker, bus = asyncio.run(closed_broker()), EventBus()
    heard: list[Any] = []
    config = AgentConfig("Early", parameters=RATES)
    agent = ExecutionAgentImpl(config, bus, AuditLogger(), broker, journal=MemoryJournal())
    agent.record_venue_latency("ARCA", 500.0)

    async def hear(event: AnyEvent) -> None:
        heard.append(event)

    async def run() -> None:
        bus.subscribe(EventType.RISK_ALERT, hear)
        await bus.start()
        agent.record_venue_latency("BATS", 500.0)
        await turns()
        await bus.stop()

    asyncio.run(run())

    assert [event.subject for event in heard] == ["ARCA", "BATS"]
