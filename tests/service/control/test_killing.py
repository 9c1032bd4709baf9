"""The kill: answered, and in force, whatever journal and bus do."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from quietfill.domain.events import OrderEvent
from quietfill.domain.messages import Kill, KillScope
from quietfill.domain.records import CancelRequested, KillSwitchEngaged, KillSwitchReleased, OrderCancelAsked, OrderDone
from quietfill.journal.sqlite import SqliteJournal
from quietfill.service.control.door import Limits
from quietfill.testing.disk import FaultyDisk
from tests.service.control.port_desk import BlockedBus, MoodyJournal, on_port

if TYPE_CHECKING:
    from pathlib import Path

    from quietfill.domain.order_state import OrderState
    from tests.service.control.port_desk import PortDesk

QUICK = Limits(kill_seconds=0.05)


def cancels(desk: PortDesk) -> list[str]:
    """Return the children whose cancel left for the broker."""
    return [request.child_id for request in desk.sent if isinstance(request, CancelRequested)]


def state_of(desk: PortDesk, order_id: str) -> OrderState:
    """Return where an order stands."""
    return desk.agent.runtime.engine.state.parents[order_id].state


def test_a_kill_cancels_and_says_what_it_covers() -> None:
    """The answer counts what is live, the journal has who and why, and the order ends."""

    async def play(desk: PortDesk) -> None:
        order_id = await desk.resting()
        done = desk.next_record(OrderDone)

        answer = await desk.post("/v1/kill", {"by": "anna", "reason": "too fast"})

        told = answer.body
        assert (told.pop("kill_id") != "", told) == (
            True,
            {"engaged": True, "live_orders": 1, "live_children": 1, "durable": True},
        )
        await done
        assert state_of(desk, order_id).value == "cancelled"
        (record,) = desk.records(KillSwitchEngaged)
        assert (record.by, record.reason, record.scope) == ("anna", "too fast", KillScope())
        assert [one.by for one in desk.records(OrderCancelAsked)] == ["anna"]

    on_port(play)


def test_a_kill_needs_no_reason() -> None:
    """Nobody is kept from it by a missing word; the journal says that there was none."""

    async def play(desk: PortDesk) -> None:
        assert (await desk.post("/v1/kill", {"by": "anna"})).status == 200
        assert desk.records(KillSwitchEngaged)[0].reason == "no reason given"

    on_port(play)


def test_a_kill_of_a_scope_leaves_the_others() -> None:
    """Another symbol's or account's kill cancels nothing here, and names symbols that nobody knows."""

    async def play(desk: PortDesk) -> None:
        order_id = await desk.resting()
        answer = await desk.post("/v1/kill", {"by": "anna", "symbols": ["AAPPL"], "account": "U1"})

        assert answer.body["unknown_symbols"] == ["AAPPL"]
        assert (answer.body["live_orders"], cancels(desk)) == (0, [])
        assert desk.records(KillSwitchEngaged)[0].scope == KillScope(symbols=("AAPPL",), account="U1")
        answer = await desk.post("/v1/kill", {"by": "anna", "symbols": [desk.symbol]})
        assert (answer.body["live_orders"], cancels(desk)) == (1, [f"{order_id}-1"])

    on_port(play)


def test_a_failing_journal_stops_no_kill() -> None:
    """With the disk gone the kill is in force, its cancels leave, and the answer says that it will not last."""
    journal = MoodyJournal()

    async def play(desk: PortDesk) -> None:
        order_id = await desk.resting()
        journal.fails = True

        for _ in range(2):
            answer = await desk.post("/v1/kill", {"by": "anna"})
            assert (answer.status, answer.body["engaged"], answer.body["durable"]) == (200, True, False)
            assert "the disk is gone" in answer.body["why"]
            assert (answer.body["live_orders"], answer.body["live_children"]) == (1, 1)
        assert cancels(desk) == [f"{order_id}-1"]
        assert desk.agent.runtime.engine.state.is_killed(desk.symbol, None)
        refused = await desk.post("/v1/decisions", {"by": "anna", "symbol": desk.symbol, "side": "buy", "quantity": 1})
        assert (refused.status, "the journal failed" in refused.error) == (503, True)

    on_port(play, journal=journal)


def test_a_real_disk_that_fails_stops_no_kill(tmp_path: Path) -> None:
    """With a journal file whose disk syncs no more, the cancels leave without it."""
    disk = FaultyDisk()
    journal = SqliteJournal(tmp_path / "desk.journal", vfs=disk.name)

    async def play(desk: PortDesk) -> None:
        order_id = await desk.resting()
        disk.fail_syncs()
        answer = await desk.post("/v1/kill", {"by": "anna"})
        assert (answer.body["engaged"], answer.body["durable"]) == (True, False)
        assert "the journal failed" in answer.body["why"]
        assert cancels(desk) == [f"{order_id}-1"]

    on_port(play, journal=journal, limits=Limits(kill_seconds=10.0))


def test_a_hanging_journal_stops_no_kill() -> None:
    """With a disk that never answers the kill is answered in time, and its cancels leave without the commit."""
    journal = MoodyJournal()

    async def play(desk: PortDesk) -> None:
        order_id = await desk.resting()
        journal.hangs = True

        answer = await desk.post("/v1/kill", {"by": "anna"})

        assert (answer.status, answer.body["engaged"], answer.body["durable"]) == (200, True, False)
        assert answer.body["why"] == "the journal did not answer within 0.05 s"
        assert cancels(desk) == [f"{order_id}-1"]

    on_port(play, journal=journal, limits=QUICK)


def test_a_journal_that_wakes_up_sends_no_cancel_twice() -> None:
    """What left without its commit does not leave again with it, and the order ends as ever."""
    journal = MoodyJournal()

    async def play(desk: PortDesk) -> None:
        order_id = await desk.resting()
        journal.hangs = True
        await desk.post("/v1/kill", {"by": "anna"})
        journal.hangs = False
        done = desk.next_record(OrderDone)

        answer = await desk.post("/v1/kill", {"by": "berta"})

        assert answer.body["durable"]
        await done
        assert cancels(desk) == [f"{order_id}-1"]
        assert state_of(desk, order_id).value == "cancelled"

    on_port(play, journal=journal, limits=QUICK)


def test_an_order_that_waits_for_its_commit_never_leaves_after_a_kill() -> None:
    """A child decided before the kill, and durable only after it, is withdrawn."""
    journal = MoodyJournal()

    async def play(desk: PortDesk) -> None:
        journal.hangs = True
        order = OrderEvent(symbol=desk.symbol, quantity=2000, algo="limit", limit_price=8.5)
        waiting = asyncio.create_task(desk.agent.submit_order(order))
        await asyncio.sleep(0)
        answer = await desk.post("/v1/kill", {"by": "anna"})
        assert (answer.body["live_orders"], answer.body["durable"]) == (1, False)
        journal.hangs = False
        done = desk.next_record(OrderDone)
        await desk.post("/v1/kill", {"by": "anna"})
        assert (await done).order_id == await waiting
        assert [request for request in desk.sent if not isinstance(request, CancelRequested)] == []

    on_port(play, journal=journal, limits=QUICK)


def test_a_blocked_bus_stops_no_kill() -> None:
    """With a bus on which nothing moves a kill is durable and its cancels leave; a decision is told to be open."""
    bus = BlockedBus()

    async def play(desk: PortDesk) -> None:
        order_id = await desk.resting()
        bus.is_blocked = True
        body = {"by": "anna", "symbol": desk.symbol, "side": "buy", "quantity": 1}
        waiting = asyncio.create_task(desk.post("/v1/decisions", body))

        answer = await desk.post("/v1/kill", {"by": "anna"})

        assert (answer.status, answer.body["durable"]) == (200, True)
        assert cancels(desk) == [f"{order_id}-1"]
        open_answer = await waiting
        assert (open_answer.status, "is not known" in open_answer.error) == (504, True)

    on_port(play, bus=bus, limits=Limits(commit_seconds=0.1))


def test_a_kill_before_the_start_is_in_force_from_it_on() -> None:
    """While the agent still starts a kill is taken, and nothing can be sent before it is in force."""

    async def play(desk: PortDesk) -> None:
        answer = await desk.post("/v1/kill", {"by": "anna"})
        assert (answer.body["engaged"], answer.body["durable"]) == (True, False)
        assert "starting" in answer.body["why"]
        await desk.agent.start()
        assert desk.agent.runtime.engine.state.is_killed(desk.symbol, None)
        assert len(desk.records(KillSwitchEngaged)) == 1

    on_port(play, is_started=False)


def test_a_bug_of_ours_stops_no_kill(monkeypatch: pytest.MonkeyPatch) -> None:
    """When the engine fails behind the kill the answer says so, and the kill is in force."""

    async def play(desk: PortDesk) -> None:
        engine: Any = desk.agent.runtime.engine
        whole = engine._decide

        def broken(kill: Any, now: int) -> None:
            engine._kill(kill, now)
            raise ZeroDivisionError("a bug")

        monkeypatch.setitem(whole, Kill, broken)
        answer = await desk.post("/v1/kill", {"by": "anna"})
        assert (answer.status, answer.body["engaged"], answer.body["durable"]) == (200, True, False)
        assert "internal error" in answer.body["why"]

    on_port(play)


def test_a_kill_that_is_not_engaged_is_said_not_to_be(monkeypatch: pytest.MonkeyPatch) -> None:
    """When the engine fails before the kill is in force the answer is 500 and says what to do."""

    async def play(desk: PortDesk) -> None:
        def broken(_kill: Any, _now: int) -> None:
            raise ZeroDivisionError("a bug")

        monkeypatch.setitem(desk.agent.runtime.engine._decide, Kill, broken)
        answer = await desk.post("/v1/kill", {"by": "anna"})
        assert (answer.status, answer.body["engaged"]) == (500, False)
        assert "cancel at the broker" in answer.error

    on_port(play)


def test_a_release_takes_two_people_and_the_same_scope() -> None:
    """One person, or another scope, lifts nothing; two lift the kill, and both are in the journal."""

    async def play(desk: PortDesk) -> None:
        await desk.post("/v1/kill", {"by": "anna", "symbols": [desk.symbol]})
        body = {"by": "anna", "second": "berta", "reason": "looked into it"}
        for changes, status, problem in (
            ({}, 409, f"no kill of everything is engaged; engaged: {desk.symbol}"),
            ({"symbols": [desk.symbol], "second": "anna"}, 400, "two different people"),
            ({"symbols": [desk.symbol], "account": "U1"}, 409, "of account U1"),
            ({"symbols": [desk.symbol], "reason": " "}, 400, "reason"),
        ):
            answer = await desk.post("/v1/release", body | changes)
            assert (answer.status, problem in answer.error) == (status, True), answer.error
        assert not desk.records(KillSwitchReleased)

        answer = await desk.post("/v1/release", body | {"symbols": [desk.symbol]})

        assert answer.body == {"released": desk.symbol, "still_engaged": []}
        (record,) = desk.records(KillSwitchReleased)
        assert (record.by, record.second, record.reason) == ("anna", "berta", "looked into it")

    on_port(play)
