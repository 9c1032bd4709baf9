"""The awaited peg and iceberg on the packaged market: what they return, and that nothing is left on any way out."""

from __future__ import annotations

import asyncio
from collections import Counter
from decimal import Decimal
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import pytest

from quietfill import (
    AgentConfig,
    AuditLogger,
    EventBus,
    ExecutionAgentImpl,
    JournalError,
    KillScope,
    MemoryJournal,
    OrderEvent,
    SqliteJournal,
)
from quietfill.agent.intake import order_id_of
from quietfill.domain.messages import RememberDecision
from quietfill.domain.records import CancelRequested, ChildDone, ChildFilled, ChildRequested, ReplaceRequested
from quietfill.domain.stamps import seeded_event_id
from quietfill.domain.types import MINUTE, QUANTITY_SCALE, SECOND, OrderSide
from quietfill.journal.inspect import entries
from quietfill.simulation.rebuild import rebuild
from quietfill.venue.broker import VenueBroker
from quietfill.venue.exchange import Exchange
from quietfill.venue.options import VenueOptions
from quietfill.venue.samples import load_sample
from tests.agent.desk import RATES, Desk, open_desk
from tests.agent.test_agent import on_desk, pass_time

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine
    from pathlib import Path

PEG_KEYS = {
    "symbol", "side", "requested_quantity", "filled_quantity", "remaining_quantity", "avg_fill_price", "repeg_count",
    "duration_seconds", "status",
}  # fmt: skip
ICEBERG_KEYS = {
    "symbol", "side", "total_quantity", "filled_quantity", "remaining_quantity", "avg_fill_price", "slice_count",
    "display_size", "duration_seconds", "fill_rate_per_minute", "status",
}  # fmt: skip


def order_on(desk: Desk, side: str = "buy", quantity: int = 2_000, number: int = 1, **terms: Any) -> OrderEvent:
    """Make a direct order in the packaged market; its id, which sizes and latencies come from, is always the same."""
    event_id = seeded_event_id(7, number)
    return OrderEvent(event_id=event_id, symbol=desk.symbol, side=OrderSide(side), quantity=quantity, **terms)


async def begin(execution: Coroutine[Any, Any, dict[str, Any]]) -> asyncio.Task[dict[str, Any]]:
    """Start waiting for an execution; when this returns, its order was submitted."""
    task = asyncio.ensure_future(execution)
    await asyncio.sleep(0)
    return task


def booked(desk: Desk, kind: type) -> list[Any]:
    """Return the journal's records of one kind."""
    return [entry.record for entry in desk.journal.read() if isinstance(entry.record, kind)]


def check_nothing_left(desk: Desk) -> None:
    """Nothing works at the venue, no parent is live, and no order filled more than it asked for."""
    assert desk.broker.exchange.open_count == 0
    assert desk.agent.get_pending_orders() == []
    executions = Counter(record.fill.execution_id for record in booked(desk, ChildFilled))
    assert set(executions.values()) <= {1}
    for parent in desk.agent.runtime.engine.state.parents.values():
        assert parent.filled <= parent.quantity


@pytest.mark.parametrize("side", ["buy", "sell"])
def test_a_peg_works_one_child_in_place(side: str) -> None:
    """Both sides: one child, moved by replaces alone, fills at no worse than mid when it was last priced."""

    async def play(desk: Desk) -> None:
        order = order_on(desk, side, quantity=60_000)
        result = await desk.agent.execute_midpoint_peg(order, timeout_seconds=1_800)

        assert set(result) >= PEG_KEYS
        assert result["requested_quantity"] == result["filled_quantity"] == 60_000
        assert result["status"] == "filled"
        assert result["remaining_quantity"] == 0
        assert result["side"] == side
        assert 0 < result["duration_seconds"] < 1_800
        (child,) = booked(desk, ChildRequested)
        moves = booked(desk, ReplaceRequested)
        assert result["repeg_count"] == len(moves) > 0
        assert booked(desk, CancelRequested) == []
        sign = OrderSide(side).sign
        for asked in [child, *moves]:
            assert not asked.crossing
            assert sign * 2 * asked.limit_price <= sign * (asked.bid + asked.ask)
        value = sum(record.fill.price * record.fill.quantity for record in booked(desk, ChildFilled))
        assert result["avg_fill_price"] == pytest.approx(value / (60_000 * QUANTITY_SCALE) / 1e9, rel=1e-12)
        check_nothing_left(desk)

    on_desk(play)


@pytest.mark.parametrize("side", ["buy", "sell"])
def test_a_wider_tolerance_moves_a_peg_less_often(side: str) -> None:
    """The number of replaces falls with the tolerance; a quarter of a cent is exact following in this market."""

    async def repegs(deviation: float) -> int:
        async with open_desk() as desk:
            order = order_on(desk, side, quantity=1_000_000)
            result = await desk.agent.execute_midpoint_peg(order, max_deviation_bps=deviation, timeout_seconds=180)
            check_nothing_left(desk)
            return int(result["repeg_count"])

    counts = [asyncio.run(repegs(deviation)) for deviation in (0, 2.5, 10, 60)]

    assert counts[0] == counts[1] > counts[2] > counts[3] == 0


@pytest.mark.parametrize("side", ["buy", "sell"])
def test_a_peg_that_runs_out_of_time_ends_with_what_it_has(side: str) -> None:
    """More than trades at mid in two minutes: partial, cancelled at the time-out, the sums agree."""

    async def play(desk: Desk) -> None:
        order = order_on(desk, side, quantity=400_000)
        result = await desk.agent.execute_midpoint_peg(order, timeout_seconds=120)

        assert result["status"] == "partial"
        assert 0 < result["filled_quantity"] < 400_000
        assert result["filled_quantity"] + result["remaining_quantity"] == 400_000
        assert 120 <= result["duration_seconds"] < 122
        assert result["state"] == "expired"
        assert desk.agent.get_timed_out_orders() == [result["order_id"]]
        check_nothing_left(desk)

    on_desk(play)


def test_a_peg_never_stands_beyond_the_limit_of_its_order() -> None:
    """With a limit below the market it waits there and ends unfilled, with no average price."""

    async def play(desk: Desk) -> None:
        order = order_on(desk, "buy", limit_price=Decimal("8.90"))
        result = await desk.agent.execute_midpoint_peg(order, timeout_seconds=60)

        assert (result["status"], result["filled_quantity"], result["avg_fill_price"]) == ("unfilled", 0, None)
        assert result["repeg_count"] == 0
        (child,) = booked(desk, ChildRequested)
        assert child.limit_price == 8_900_000_000
        check_nothing_left(desk)

    on_desk(play)


@pytest.mark.parametrize("side", ["buy", "sell"])
def test_an_iceberg_shows_one_tip_at_a_time(side: str) -> None:
    """Both sides: tips of the display size within the variance, none before the last ended and a second passed."""

    async def play(desk: Desk) -> None:
        result = await desk.agent.execute_iceberg(
            order_on(desk, side, quantity=5_000), 500, variance_pct=0.4, price_offset_ticks=1
        )

        assert set(result) >= ICEBERG_KEYS
        assert (result["total_quantity"], result["filled_quantity"], result["status"]) == (5_000, 5_000, "filled")
        assert (result["display_size"], result["remaining_quantity"]) == (500, 0)
        minutes = result["duration_seconds"] / 60
        assert result["fill_rate_per_minute"] == pytest.approx(5_000 / minutes)
        tips = booked(desk, ChildRequested)
        assert result["slice_count"] == len(tips) > 6
        assert sum(tip.quantity for tip in tips) == 5_000 * QUANTITY_SCALE
        sizes = {tip.quantity // QUANTITY_SCALE for tip in tips[:-1]}
        assert len(sizes) > 2
        assert sizes <= {300, 400, 500, 600, 700}
        check_pauses(desk, tips)
        check_nothing_left(desk)

    on_desk(play)


def check_pauses(desk: Desk, tips: list[ChildRequested]) -> None:
    """No tip was asked for before the one before it was filled or done, and a second had passed."""
    ended: dict[str, int] = {}
    for record in booked(desk, ChildFilled) + booked(desk, ChildDone):
        ended[record.child_id] = max(ended.get(record.child_id, 0), record.at)
    for before, after in pairwise(tips):
        assert after.at >= ended[before.child_id] + SECOND


def test_a_tip_stands_at_the_limit_of_its_order() -> None:
    """An iceberg with a limit price shows there and nowhere else, until somebody cancels it."""

    async def play(desk: Desk) -> None:
        order = order_on(desk, "sell", quantity=1_000, limit_price=Decimal("9.60"))
        waiting = await begin(desk.agent.execute_iceberg(order, 200, variance_pct=0))
        await pass_time(desk, 30 * SECOND)
        shown = desk.broker.exchange.open_count
        assert await desk.agent.cancel_order(order_id_of(order.event_id))
        result = await waiting

        assert shown == 1
        assert (result["status"], result["slice_count"], result["avg_fill_price"]) == ("unfilled", 1, None)
        assert result["fill_rate_per_minute"] == 0.0
        (tip,) = booked(desk, ChildRequested)
        assert (tip.quantity, tip.limit_price) == (200 * QUANTITY_SCALE, 9_600_000_000)
        check_nothing_left(desk)

    on_desk(play)


def peg(desk: Desk, order: OrderEvent) -> Coroutine[Any, Any, dict[str, Any]]:
    """Start a peg that takes long."""
    return desk.agent.execute_midpoint_peg(order, timeout_seconds=1_200)


def iceberg(desk: Desk, order: OrderEvent) -> Coroutine[Any, Any, dict[str, Any]]:
    """Start an iceberg that takes long."""
    return desk.agent.execute_iceberg(order, 2_000)


both = pytest.mark.parametrize(("start", "side"), [(peg, "buy"), (peg, "sell"), (iceberg, "buy"), (iceberg, "sell")])


@both
@pytest.mark.parametrize("how", ["kill", "cancel"])
def test_an_order_that_is_stopped_returns_what_it_has(start: Callable[..., Any], side: str, how: str) -> None:
    """A kill or a cancel in the middle ends the wait on the broker's word, with the part that was filled."""

    async def play(desk: Desk) -> None:
        order = order_on(desk, side, quantity=1_000_000)
        waiting = await begin(start(desk, order))
        await pass_time(desk, 2 * MINUTE)
        assert desk.broker.exchange.open_count == 1
        if how == "kill":
            await desk.agent.kill(KillScope(), by="Risk", reason="enough")
        else:
            await desk.agent.cancel_order(order_id_of(order.event_id))
        result = await waiting

        assert (result["status"], result["state"]) == ("partial", "cancelled")
        filled = sum(record.fill.quantity for record in booked(desk, ChildFilled))
        assert result["filled_quantity"] * QUANTITY_SCALE == filled > 0
        assert result["filled_quantity"] + result["remaining_quantity"] == 1_000_000
        assert 120 <= result["duration_seconds"] < 125
        check_nothing_left(desk)

    on_desk(play)


@both
def test_a_cancelled_wait_leaves_nothing_working(start: Callable[..., Any], side: str) -> None:
    """When the awaiting task is cancelled its order is too, and the task ends only when nothing works any more."""

    async def play(desk: Desk) -> None:
        order = order_on(desk, side, quantity=1_000_000)
        waiting = await begin(start(desk, order))
        await pass_time(desk, 2 * MINUTE)
        assert desk.broker.exchange.open_count == 1
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting

        check_nothing_left(desk)
        report = desk.agent.get_fill_quality_report(order_id_of(order.event_id))
        assert report is not None
        assert 0 < report["filled_quantity"] < 1_000_000

    on_desk(play)


@both
def test_a_wait_that_is_cancelled_at_once_sends_nothing_that_stays(start: Callable[..., Any], side: str) -> None:
    """Cancelled one turn after it began, when the first request may be under way, the order ends all the same."""

    async def play(desk: Desk) -> None:
        waiting = await begin(start(desk, order_on(desk, side)))
        await asyncio.sleep(0)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        await pass_time(desk, 5 * SECOND)

        check_nothing_left(desk)

    on_desk(play)


def test_a_second_cancellation_is_not_held_up() -> None:
    """While the broker's answer is awaited another cancel ends the wait; the engine cancels on."""

    async def play(desk: Desk) -> None:
        waiting = await begin(peg(desk, order_on(desk, quantity=1_000_000)))
        await pass_time(desk, 1 * MINUTE)
        waiting.cancel()
        await asyncio.sleep(0)
        assert not waiting.done()
        waiting.cancel()
        await asyncio.wait({waiting})
        assert waiting.cancelled()
        await pass_time(desk, 5 * SECOND)

        check_nothing_left(desk)

    on_desk(play)


def test_stopping_the_agent_leaves_orders_to_the_next_start() -> None:
    """A stop is no cancel: the wait ends, the order's child stays at the broker and its parent in the journal."""

    async def run() -> None:
        async with open_desk() as desk:
            order = order_on(desk, quantity=1_000_000, limit_price=Decimal("8.90"))
            waiting = await begin(peg(desk, order))
            await pass_time(desk, 1 * MINUTE)
            await desk.agent.stop()
            with pytest.raises(asyncio.CancelledError):
                await waiting
            assert booked(desk, CancelRequested) == []
            assert desk.broker.exchange.open_count == 1
            with pytest.raises(ValueError, match="not running"):
                await peg(desk, order_on(desk, number=2))

    asyncio.run(run())


def test_a_dead_journal_ends_the_wait_and_cancels() -> None:
    """When the journal fails the caller is told by an exception, and the cancel leaves all the same."""

    class Failing(MemoryJournal):
        fails = False

        def append(self, records: Any) -> int:
            if self.fails:
                raise JournalError("disk full")
            return super().append(records)

    async def run() -> None:
        journal = Failing()
        async with open_desk(journal) as desk:
            order = order_on(desk, quantity=1_000_000, limit_price=Decimal("8.90"))
            waiting = await begin(peg(desk, order))
            await pass_time(desk, 1 * MINUTE)
            assert desk.broker.exchange.open_count == 1
            journal.fails = True
            desk.agent.runtime.submit(RememberDecision(decision_id="d", content={}))
            with pytest.raises(JournalError, match="disk full"):
                await waiting
            await pass_time(desk, 2 * SECOND)
            assert desk.broker.exchange.open_count == 0

    asyncio.run(run())


@both
def test_the_next_start_goes_on_with_an_awaited_order(start: Callable[..., Any], side: str, tmp_path: Path) -> None:
    """Nobody waits for it after a restart, and it is worked all the same: once, to its end, and nothing is left."""
    path = tmp_path / "desk.journal"

    async def first() -> str:
        async with open_desk(SqliteJournal(path)) as desk:
            order = order_on(desk, side, quantity=60_000)
            waiting = await begin(start(desk, order))
            await pass_time(desk, 8 * SECOND)
            await desk.agent.stop()
            assert desk.broker.exchange.open_count <= 1  # an iceberg may wait between two tips
            await asyncio.wait({waiting})
            return order_id_of(order.event_id)

    async def second(order_id: str) -> None:
        past = [entry.record for entry in entries(path)]
        tape = load_sample()
        exchange = Exchange(tape, VenueOptions(), 7)
        broker = VenueBroker(exchange, start=rebuild(exchange, past) or 0, end=tape.last_time)
        config = AgentConfig("Desk", parameters=RATES)
        agent = ExecutionAgentImpl(config, EventBus(), AuditLogger(), broker, journal=SqliteJournal(path))
        await agent.start()
        report = await asyncio.wait_for(agent.wait_done(order_id), 30)
        await agent.stop()

        assert report is not None
        assert report["filled_quantity"] == 60_000
        assert exchange.open_count == 0
        records = [entry.record for entry in entries(path)]
        executions = [record.fill.execution_id for record in records if isinstance(record, ChildFilled)]
        assert len(executions) == len(set(executions)) == sum(row["fill_count"] for row in report["slices"])
        assert len(records) > len(past) > 3

    asyncio.run(second(asyncio.run(first())))


@pytest.mark.parametrize(
    ("parameters", "terms", "reason"),
    [
        ({"allow_direct_orders": False}, {}, "direct orders are not allowed"),
        ({}, {"symbol": "NOPE"}, "unknown symbol 'NOPE'"),
        ({}, {"quantity": 2_050}, "whole number of lots"),
        ({}, {"limit_price": 9.005}, "tick"),
        ({}, {"time_in_force": "FOK"}, "time in force FOK is not kept"),
    ],
)
def test_a_refused_order_says_why(parameters: dict[str, Any], terms: dict[str, Any], reason: str) -> None:
    """What admission refuses comes back unfilled with the reasons; nothing was sent."""

    async def play(desk: Desk) -> None:
        given: dict[str, Any] = {"symbol": desk.symbol, "side": "buy", "quantity": 2_000, **terms}
        order, other = OrderEvent(**given), OrderEvent(**given)
        for result in (await peg(desk, order), await iceberg(desk, other)):
            assert (result["status"], result["filled_quantity"], result["avg_fill_price"]) == ("unfilled", 0, None)
            assert result["remaining_quantity"] == terms.get("quantity", 2_000)
            assert any(reason in text for text in result["refused"])
            assert result["duration_seconds"] == 0.0
        assert booked(desk, ChildRequested) == []

    on_desk(play, **parameters)


def test_the_same_order_is_worked_once() -> None:
    """A second call with the same event sends nothing and says what became of the first."""

    async def play(desk: Desk) -> None:
        order = order_on(desk)
        first = await begin(desk.agent.execute_midpoint_peg(order, timeout_seconds=1_800))
        second = await desk.agent.execute_midpoint_peg(order)
        result = await first

        assert (result["status"], result["refused"]) == ("filled", [])
        assert second["status"] == "unfilled"
        assert "duplicate" in second["refused"][0]
        assert len(booked(desk, ChildRequested)) == 1

    on_desk(play)


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        ({"max_deviation_bps": float("nan")}, "max_deviation_bps"),
        ({"max_deviation_bps": -1}, "max_deviation_bps"),
        ({"max_deviation_bps": True}, "max_deviation_bps"),
        ({"max_deviation_bps": "far"}, "max_deviation_bps"),
        ({"timeout_seconds": 0}, "timeout_seconds"),
        ({"timeout_seconds": float("inf")}, "timeout_seconds"),
        ({"timeout_seconds": -5}, "timeout_seconds"),
        ({"timeout_seconds": 10**12}, "timeout_seconds"),
        ({"display_size": 0}, "display_size"),
        ({"display_size": -100}, "display_size"),
        ({"display_size": float("nan")}, "display_size"),
        ({"display_size": 100, "variance_pct": 1.5}, "variance_pct"),
        ({"display_size": 100, "variance_pct": float("nan")}, "variance_pct"),
        ({"display_size": 100, "min_replenish_seconds": -1}, "min_replenish_seconds"),
        ({"display_size": 100, "price_offset_ticks": 0.5}, "price_offset_ticks"),
    ],
)
def test_bad_arguments_are_refused_by_name(arguments: dict[str, Any], named: str) -> None:
    """A ValueError names the argument, and the journal is as it was."""

    async def play(desk: Desk) -> None:
        before = desk.agent.runtime.engine.state.sequence
        method = desk.agent.execute_iceberg if "display_size" in arguments else desk.agent.execute_midpoint_peg
        with pytest.raises(ValueError, match=named) as refused:
            await method(order_on(desk), **arguments)

        assert "\n" not in str(refused.value)
        assert desk.agent.runtime.engine.state.sequence == before

    on_desk(play)
