"""What an operator does through the agent: settle, register, move orders by file, switch time-outs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from quietfill import BadInput, Instrument, KillScope, MemoryJournal, TickRule
from quietfill.domain.messages import LinkState, Rule
from quietfill.domain.records import InstrumentRegistered, OrderPaused, OrdersImported, RuleSwitched
from quietfill.domain.types import MINUTE, SECOND, datetime_of
from tests.agent.desk import open_desk
from tests.agent.test_agent import on_desk

if TYPE_CHECKING:
    from pathlib import Path

    from tests.agent.desk import Desk


def records(desk: Desk, kind: type) -> list[Any]:
    """Return the journal's records of one kind."""
    return [entry.record for entry in desk.journal.read() if isinstance(entry.record, kind)]


def copied(journal: MemoryJournal) -> MemoryJournal:
    """Return another journal with the same records."""
    copy = MemoryJournal()
    copy.append([entry.record for entry in journal.read()])
    return copy


def later(desk: Desk, duration: int) -> Any:
    """Return an aware time so much after now."""
    return datetime_of(desk.broker.clock.now() + duration)


def test_live_orders_move_by_file_from_one_journal_to_another(tmp_path: Path) -> None:
    """An order exported in the middle goes on in an agent with an empty journal, to its end, with nothing doubled."""
    path = tmp_path / "orders.json"

    async def first() -> str:
        async with open_desk() as desk:
            order_id = await desk.submit(quantity=3000, end=later(desk, 20 * MINUTE))
            ended = await desk.submit(order_type="market", algo=None, quantity=200)
            await desk.agent.wait_done(ended)
            assert desk.agent.persist_orders_to_file(path) == 1
            return order_id

    async def second(order_id: str) -> None:
        async with open_desk() as desk:
            assert await desk.agent.recover_orders_from_file(path) == 1
            assert [row["order_id"] for row in desk.agent.get_pending_orders()] == [order_id]
            assert await desk.agent.recover_orders_from_file(path) == 0
            assert len(records(desk, OrdersImported)) == 1

    import asyncio

    asyncio.run(second(asyncio.run(first())))


@pytest.mark.parametrize("content", ["", "{", "[]", '{"format": "other", "schema": 1, "orders": []}', '{"orders": 3}'])
def test_a_corrupt_file_is_refused_by_name_and_left_alone(tmp_path: Path, content: str) -> None:
    """What is no file of orders is named in the error, stays as it is, and changes nothing."""
    path = tmp_path / "orders.json"
    path.write_text(content, encoding="utf-8")

    async def play(desk: Desk) -> None:
        before = desk.agent.runtime.engine.state.sequence
        with pytest.raises(BadInput, match=r"orders\.json"):
            await desk.agent.recover_orders_from_file(path)
        assert desk.agent.runtime.engine.state.sequence == before

    on_desk(play)
    assert path.read_text(encoding="utf-8") == content


def test_a_missing_file_is_said_to_be_missing(tmp_path: Path) -> None:
    """There is nothing to recover from a file that is not there."""

    async def play(desk: Desk) -> None:
        with pytest.raises(FileNotFoundError):
            await desk.agent.recover_orders_from_file(tmp_path / "none.json")

    on_desk(play)


def test_an_instrument_registered_before_the_start_is_in_the_journal_for_the_next() -> None:
    """What is registered before or after the start is journaled once, and known to a later agent by itself."""
    fresh = Instrument(symbol="NEW", ticks=(TickRule(0, 10**7),), lot=10**8)
    journal = MemoryJournal()

    async def play() -> None:
        async with open_desk(journal) as desk:
            desk.agent.register_instrument(fresh, by="anna", reason="listed today")
            desk.agent.register_instrument(fresh, by="bob")
            with pytest.raises(BadInput, match="another instrument"):
                desk.agent.register_instrument(Instrument(symbol="NEW", ticks=(TickRule(0, 1),), lot=1))
            assert [(one.by, one.reason) for one in records(desk, InstrumentRegistered)] == [("anna", "listed today")]

    async def again() -> None:
        async with open_desk(copied(journal)) as desk:
            assert desk.agent.runtime.engine.state.instruments["NEW"] == fresh

    import asyncio

    asyncio.run(play())
    asyncio.run(again())


def test_acts_carry_who_and_why() -> None:
    """A pause is journaled with its person and reason; an empty name is refused."""

    async def play(desk: Desk) -> None:
        order_id = await desk.submit()
        assert await desk.agent.pause_order(order_id, by="anna", reason="news")
        assert [(one.by, one.reason) for one in records(desk, OrderPaused)] == [("anna", "news")]
        assert await desk.agent.resume_order(order_id, by="anna")
        for act in (desk.agent.pause_order(order_id, by=""), desk.agent.kill(KillScope(), "", "x")):
            with pytest.raises(BadInput, match="by"):
                await act
        assert not await desk.agent.pause_order("unknown", by="anna")

    on_desk(play)


def test_a_person_settles_what_the_line_left_in_doubt() -> None:
    """`resolve` counts what it settled; unknown outcomes and empty reasons are refused."""

    async def play(desk: Desk) -> None:
        order_id = await desk.submit(algo="limit", limit_price=9.00, quantity=200)
        desk.agent.runtime.submit(LinkState(up=False, reason="cut"))
        assert await desk.agent.resolve("nobody", "cancelled", "anna", "rang") == 0
        with pytest.raises(BadInput, match="outcome"):
            await desk.agent.resolve(order_id, "vanished", "anna", "rang")
        with pytest.raises(BadInput, match="reason"):
            await desk.agent.resolve(order_id, "cancelled", "anna", "")

    on_desk(play)


def test_an_order_that_meets_its_deadline_is_listed_with_what_it_got() -> None:
    """A limit order that fills in part is listed with its figures; its life is counted to its end and no longer."""

    async def play(desk: Desk) -> None:
        view = desk.agent.runtime.engine.observed.view(desk.symbol)
        assert view.best_ask is not None
        size = view.asks[0][1] // 10**8
        order_id = await desk.submit(
            algo="limit", limit_price=view.best_ask / 10**9, quantity=int(size) + 100_000, end=later(desk, 5 * SECOND)
        )
        report = await desk.agent.wait_done(order_id)
        assert report is not None
        assert 0 < report["filled_quantity"] < report["total_quantity"]
        rows = desk.agent.get_partial_fill_timeouts()
        assert [row["order_id"] for row in rows] == [order_id] == desk.agent.get_timed_out_orders()
        assert rows[0]["filled_quantity"] + rows[0]["unfilled_quantity"] == rows[0]["total_quantity"]
        assert rows[0]["timeout_at"].tzinfo is not None
        age = desk.agent.get_order_age(order_id)
        assert age is not None
        assert 5 <= age < 10
        assert desk.agent.get_order_age("unknown") is None

    on_desk(play)


def test_without_the_time_out_rule_an_order_lasts_for_its_session() -> None:
    """Switched off, an order that states no life lasts to the close; on again it gets the configured time-out."""

    async def play(desk: Desk) -> None:
        terms = {"algo": "limit", "limit_price": 9.00, "quantity": 200, "end": None}
        await desk.agent.stop_order_timeout_monitor()
        await desk.agent.stop_order_timeout_monitor()
        long = await desk.submit(**terms)
        desk.agent.start_order_timeout_monitor()
        short = await desk.submit(**terms)

        state = desk.agent.runtime.engine.state
        now = desk.broker.clock.now()
        assert state.parents[long].end == desk.broker.instrument.day_of(now).spans[-1][1]
        assert state.parents[short].end - now <= 300 * SECOND
        assert state.parents[short].accepted.timed
        assert [one.on for one in records(desk, RuleSwitched) if one.rule is Rule.TIMEOUTS] == [False, True]

    on_desk(play)
