"""The hook for best execution: every fill, once, with what it is measured against, whatever the analyzer does."""

from __future__ import annotations

import asyncio
from datetime import datetime
from typing import TYPE_CHECKING, Any

import pytest

from quietfill import BadInput, BestExecutionAnalyzer, EventType, ExecutionAgentImpl, MemoryJournal
from quietfill.agent.best_execution import TOLD
from quietfill.domain.execution_report import ExecutionReport, Fill, ReportKind
from quietfill.domain.records import ChildFilled, OrderAccepted
from quietfill.domain.types import (
    MINUTE,
    PRICE_SCALE,
    QUANTITY_SCALE,
    SECOND,
    datetime_of,
    price_from,
    quantity_from,
)
from tests.agent.bench import turns
from tests.agent.desk import Desk, open_desk
from tests.agent.test_agent import on_desk, pass_time
from tests.own_broker import HandBroker, OwnDesk, fill_of, play

if TYPE_CHECKING:
    from pathlib import Path


class Keeper:
    """Takes everything and keeps it."""

    def __init__(self) -> None:
        self.told: list[dict[str, Any]] = []

    def record_execution(self, **figures: Any) -> None:
        """Keep one fill."""
        self.told.append(figures)


def fills(desk: Desk) -> list[ChildFilled]:
    """Return the executions of the journal."""
    return [entry.record for entry in desk.journal.read() if isinstance(entry.record, ChildFilled)]


def accepted(desk: Desk) -> list[OrderAccepted]:
    """Return the acceptances of the journal."""
    return [entry.record for entry in desk.journal.read() if isinstance(entry.record, OrderAccepted)]


def alerts(desk: Desk | OwnDesk) -> list[str]:
    """Return what was alerted about the analyzer."""
    found = [event for event in desk.heard if event.event_type is EventType.RISK_ALERT]
    return [event.message for event in found if event.subject == "best execution"]


def copied(journal: Any) -> MemoryJournal:
    """Return another journal with the same records."""
    copy = MemoryJournal()
    copy.append([entry.record for entry in journal.read()])
    return copy


def test_every_fill_is_told_once_with_its_benchmarks() -> None:
    """Quantities, prices, arrival mid, the others' VWAP and TWAP then, times and names are those of the journal."""

    async def scene(desk: Desk) -> None:
        keeper = Keeper()
        desk.agent.set_best_execution_analyzer(keeper)
        decision = desk.decision()
        await desk.agent.process_event(decision)
        await desk.agent.process_event(desk.approval(decision))
        (order,) = [row["order_id"] for row in desk.agent.get_pending_orders()]
        await desk.agent.wait_done(order)
        await turns()
        booked = fills(desk)
        (first,) = accepted(desk)
        assert first.bid is not None
        assert first.ask is not None

        assert len(keeper.told) == len(booked) > 5
        for told, record in zip(keeper.told, booked, strict=True):
            assert set(told) == set(TOLD)
            assert told["quantity"] == record.fill.quantity / QUANTITY_SCALE
            assert told["fill_price"] == record.fill.price / PRICE_SCALE
            assert record.marks is not None
            assert told["vwap_price"] == (None if record.marks.vwap is None else record.marks.vwap / PRICE_SCALE)
            assert told["twap_price"] == (None if record.marks.twap is None else record.marks.twap / PRICE_SCALE)
            assert told["arrival_price"] == (first.bid + first.ask) / 2 / PRICE_SCALE
            assert (told["symbol"], told["side"], told["algo_used"]) == (desk.symbol, "buy", "twap")
            assert told["order_id"] == order
            assert told["decision_timestamp"] == decision.timestamp
            assert told["order_timestamp"] == datetime_of(first.at)
        assert any(told["vwap_price"] is not None for told in keeper.told)

    on_desk(scene)


def test_an_analyzer_with_a_narrower_signature_gets_what_it_takes() -> None:
    """Keywords that it does not name are left out."""

    class Narrow:
        def __init__(self) -> None:
            self.told: list[tuple[Any, ...]] = []

        def record_execution(self, symbol: str, quantity: float, fill_price: float, venue: str | None = "none") -> None:
            self.told.append((symbol, quantity, fill_price, venue))

    async def scene(desk: Desk) -> None:
        narrow = Narrow()
        desk.agent.set_best_execution_analyzer(narrow)
        await desk.agent.wait_done(await desk.submit(quantity=600))
        await turns()

        assert sum(told[1] for told in narrow.told) == 600
        assert {told[0] for told in narrow.told} == {desk.symbol}

    on_desk(scene)


def test_an_async_analyzer_is_awaited_in_order_and_holds_up_nothing() -> None:
    """While it waits with one fill the order goes on; then it gets the others in order."""

    class Slow(Keeper):
        def __init__(self) -> None:
            super().__init__()
            self.gate = asyncio.Event()

        async def record_execution(self, **figures: Any) -> None:  # type: ignore[override]
            await self.gate.wait()
            super().record_execution(**figures)

    async def scene(desk: Desk) -> None:
        slow = Slow()
        desk.agent.set_best_execution_analyzer(slow)
        report = await desk.agent.wait_done(await desk.submit(quantity=600))
        assert report is not None
        assert report["filled_quantity"] == 600
        assert slow.told == []
        slow.gate.set()
        await turns()

        assert [told["quantity"] for told in slow.told] == [r.fill.quantity / QUANTITY_SCALE for r in fills(desk)]

    on_desk(scene)


def test_an_analyzer_that_raises_breaks_nothing_and_is_reported_once() -> None:
    """It is told of every fill all the same; one alert says what happened first."""

    class Broken:
        calls = 0

        def record_execution(self, **_: Any) -> None:
            self.calls += 1
            raise RuntimeError("no disk")

    async def scene(desk: Desk) -> None:
        broken = Broken()
        desk.agent.set_best_execution_analyzer(broken)
        report = await desk.agent.wait_done(await desk.submit())
        await desk.let_events_pass()

        assert report is not None
        assert report["filled_quantity"] == 2000
        assert broken.calls == len(fills(desk)) > 1
        assert len(alerts(desk)) == 1
        assert "RuntimeError: no disk" in alerts(desk)[0]
        assert desk.agent.get_status()["best_execution"]["failed"] == broken.calls

    on_desk(scene)


def test_a_restart_tells_no_fill_again_unless_asked() -> None:
    """Without asking, only new fills are told; asked before the start, every fill of the journal is, once."""

    async def run() -> None:
        journal = MemoryJournal()
        async with open_desk(journal) as first:
            await first.agent.wait_done(await first.submit(quantity=600))
            past = [record.fill.execution_id for record in fills(first)]
        async with open_desk(copied(journal)) as second:
            keeper = Keeper()
            second.agent.set_best_execution_analyzer(keeper)
            await pass_time(second, SECOND)
            assert keeper.told == []
            asking = Keeper()
            second.agent.set_best_execution_analyzer(asking, include_past=True)
            await second.agent.wait_done(await second.submit(algo="MARKET", quantity=100))
            await turns()
            assert sum(told["quantity"] for told in keeper.told) == 0
            assert len(asking.told) == len(fills(second)) > len(past) > 0

    asyncio.run(run())


def test_asked_before_the_start_every_fill_of_the_journal_is_told_once() -> None:
    """However many there are: what was asked for in one piece has no limit."""

    async def run() -> None:
        journal = MemoryJournal()
        async with open_desk(journal) as first:
            await first.agent.wait_done(await first.submit(quantity=600))
        desk_of_second = open_desk(copied(journal))
        keeper = Keeper()
        started = ExecutionAgentImpl.initialize

        async def set_first(agent: Any) -> None:
            agent.set_best_execution_analyzer(keeper, include_past=True)
            await started(agent)

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(ExecutionAgentImpl, "initialize", set_first)
            async with desk_of_second as second:
                await turns()
                booked = fills(second)
                assert [told["quantity"] for told in keeper.told] == [r.fill.quantity / QUANTITY_SCALE for r in booked]
                assert booked

    asyncio.run(run())


def test_imported_fills_were_told_where_they_were_made(tmp_path: Path) -> None:
    """An import tells none of them; the fills that follow here are told."""
    path = tmp_path / "orders.json"

    async def run() -> None:
        async with open_desk() as first:
            await first.submit(quantity=3000, end=datetime_of(first.broker.clock.now() + 20 * MINUTE))
            await pass_time(first, 3 * MINUTE)
            first.agent.persist_orders_to_file(path)
            before = len(fills(first))
        async with open_desk() as second:
            keeper = Keeper()
            second.agent.set_best_execution_analyzer(keeper)
            await second.agent.recover_orders_from_file(path)
            (live,) = second.agent.get_pending_orders()
            await second.agent.pause_order(live["order_id"], by="anna")
            await pass_time(second, MINUTE)
            await turns()
            assert before > 0
            assert len(keeper.told) == len(fills(second)) - before

    asyncio.run(run())


def test_a_doubled_fill_is_told_once() -> None:
    """What the broker says twice happened once; a fill that states no venue and no commission has none."""

    async def scene(desk: OwnDesk) -> None:
        keeper = Keeper()
        desk.agent.set_best_execution_analyzer(keeper)
        await desk.submit()
        call = desk.broker.placed[-1]
        call.answer.set_result(7)
        await desk.turn()
        for _ in range(3):
            desk.broker.fill(fill_of(call.order, 40, broker_order_id=7, execution_id="x1"))
        await desk.turn()

        assert [(told["quantity"], told["venue"]) for told in keeper.told] == [(40, None)]
        assert isinstance(keeper.told[0]["decision_timestamp"], datetime)

    play(scene, HandBroker())


def execution(desk: OwnDesk, commission: str | None, price: str = "10.00", revision: int = 0) -> ExecutionReport:
    """Return the broker's word on the one execution of the one child."""
    fill = Fill(
        execution_id="x1",
        quantity=quantity_from(40),
        price=price_from(price),
        exchange_time=desk.clock.now(),
        commission=None if commission is None else price_from(commission),
        revision=revision,
    )
    return ExecutionReport(
        child_id=desk.child.child_id, kind=ReportKind.FILL, exchange_time=desk.clock.now(), fill=fill
    )


async def working_order(desk: OwnDesk) -> Keeper:
    """Have one order working, and a keeper told."""
    keeper = Keeper()
    desk.agent.set_best_execution_analyzer(keeper)
    await desk.submit()
    desk.broker.placed[-1].answer.set_result(7)
    await desk.turn()
    return keeper


def test_a_fill_waits_a_moment_for_its_commission() -> None:
    """Brokers say it after the fill; the analyzer is told once, with it."""

    async def scene(desk: OwnDesk) -> None:
        keeper = await working_order(desk)
        desk.agent.runtime.submit(execution(desk, None))
        await desk.pass_time(0.5)
        assert keeper.told == []
        desk.agent.runtime.submit(execution(desk, "0.35"))
        await desk.turn()
        await desk.pass_time(10)

        assert [told["commission"] for told in keeper.told] == [0.35]

    play(scene, HandBroker())


def test_a_commission_that_never_comes_is_none() -> None:
    """After the wait the fill is told without; what comes later still is not told again."""

    async def scene(desk: OwnDesk) -> None:
        keeper = await working_order(desk)
        desk.agent.runtime.submit(execution(desk, None))
        await desk.pass_time(1.9)
        assert keeper.told == []
        await desk.pass_time(0.2)
        desk.agent.runtime.submit(execution(desk, "0.35"))
        await desk.pass_time(10)

        assert [told["commission"] for told in keeper.told] == [None]

    play(scene, HandBroker())


def test_a_correction_in_time_is_what_is_told_and_said_on_the_bus() -> None:
    """The analyzer gets the corrected price alone; the bus hears the fill and then its correction."""

    async def scene(desk: OwnDesk) -> None:
        keeper = await working_order(desk)
        desk.agent.runtime.submit(execution(desk, None))
        desk.agent.runtime.submit(execution(desk, "0.35", price="9.99", revision=1))
        await desk.turn()
        said = [event.message for event in desk.heard if event.event_type is EventType.SYSTEM]

        assert [(told["fill_price"], told["commission"]) for told in keeper.told] == [(9.99, 0.35)]
        assert any("execution x1 revised" in text for text in said)

    play(scene, HandBroker())


def test_stopping_tells_a_fill_that_still_waits_for_its_commission() -> None:
    """Nothing that was filled is left untold."""

    async def scene(desk: OwnDesk) -> None:
        keeper = await working_order(desk)
        desk.agent.runtime.submit(execution(desk, None))
        await desk.turn()
        await desk.agent.stop()

        assert [told["commission"] for told in keeper.told] == [None]

    play(scene, HandBroker())


def test_more_fills_than_may_wait_are_counted_and_alerted() -> None:
    """An analyzer that never returns loses fills, and that is said once."""

    class Stuck:
        async def record_execution(self, **_: Any) -> None:
            await asyncio.Event().wait()

    async def scene(desk: Desk) -> None:
        desk.agent._hearers.best_execution._limit = 1
        desk.agent.set_best_execution_analyzer(Stuck())
        await desk.agent.wait_done(await desk.submit())
        await desk.let_events_pass()

        assert desk.agent.get_status()["best_execution"]["dropped"] == len(fills(desk)) - 2
        assert len(alerts(desk)) == 1
        await desk.agent.stop(timeout=0.01)

    on_desk(scene)


class NoMethod:
    """Has nothing to tell a fill to."""


class NeedsMore:
    """Wants what no fill comes with."""

    def record_execution(self, symbol: str, mood: str) -> None:
        """Do nothing."""


class PositionalOnly:
    """Takes nothing by keyword."""

    def record_execution(self, symbol: str, /) -> None:
        """Do nothing."""


@pytest.mark.parametrize(
    ("analyzer", "word"),
    [(NoMethod(), "record_execution"), (NeedsMore(), "mood"), (PositionalOnly(), "symbol"), ("text", "analyzer")],
)
def test_an_analyzer_that_could_not_be_told_is_refused_at_once(analyzer: Any, word: str) -> None:
    """The error names what is missing, and the one before stays."""

    async def scene(desk: Desk) -> None:
        keeper = Keeper()
        desk.agent.set_best_execution_analyzer(keeper)
        with pytest.raises(BadInput, match=word):
            desk.agent.set_best_execution_analyzer(analyzer)
        await desk.agent.wait_done(await desk.submit(algo="MARKET", quantity=100))
        await turns()

        assert sum(told["quantity"] for told in keeper.told) == 100

    on_desk(scene)


def test_none_disconnects() -> None:
    """Nobody is told any more."""

    async def scene(desk: Desk) -> None:
        keeper = Keeper()
        desk.agent.set_best_execution_analyzer(keeper)
        desk.agent.set_best_execution_analyzer(None)
        await desk.agent.wait_done(await desk.submit(algo="MARKET", quantity=100))
        await turns()

        assert fills(desk)
        assert keeper.told == []

    on_desk(scene)


def test_the_bundled_analyzer_reports_what_the_agent_did() -> None:
    """Its total is every fill of two orders, and its cost against arrival the ratio of sums of the journal."""

    async def scene(desk: Desk) -> None:
        analyzer = BestExecutionAnalyzer()
        desk.agent.set_best_execution_analyzer(analyzer)
        for side in ("buy", "sell"):
            await desk.agent.wait_done(await desk.submit(action=side, quantity=1000))
        await turns()
        report = analyzer.report()
        total, arrival = report["total"], report["total"]["cost_bps"]["arrival"]
        lost = meant = 0.0
        for order in accepted(desk):
            assert order.bid is not None
            assert order.ask is not None
            mid = (order.bid + order.ask) / 2
            mine = [record.fill for record in fills(desk) if record.child_id.startswith(order.order_id)]
            lost += sum(order.side.sign * fill.quantity * (fill.price - mid) for fill in mine)
            meant += sum(fill.quantity * mid for fill in mine)

        assert (total["fills"], total["orders"], total["quantity"]) == (len(fills(desk)), 2, 2000)
        assert set(report["by_algo"]) == {"twap"}
        assert arrival["notional_weighted"] == pytest.approx(1e4 * lost / meant)
        assert arrival["coverage"] == 1.0
        assert total["cost_bps"]["vwap"]["coverage"] > 0.5

    on_desk(scene)
