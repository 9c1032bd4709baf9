"""Stops as the agent's user sees them: register, list, cancel, switch off and on, restart."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any
from unittest.mock import ANY

import msgspec
import numpy as np
import pytest

from quietfill import (
    AgentConfig,
    AuditLogger,
    EventBus,
    ExecutionAgentImpl,
    MemoryJournal,
    OrderEvent,
    OrderState,
    OrderType,
    PendingOrder,
)
from quietfill.algos.base import TRIGGERED
from quietfill.algos.trailing_stop import EXTREME
from quietfill.domain.records import ChildFilled, ChildRequested, MemoKept, OrderRefused
from quietfill.domain.types import MINUTE, OrderSide, price_float, price_from
from quietfill.venue.broker import VenueBroker
from tests.agent.desk import RATES, Desk, open_desk
from tests.agent.test_agent import on_desk, pass_time

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

KEYS = {"order_id", "symbol", "side", "quantity", "stop_price", "limit_price", "order_type", "last_price"}


def pending(desk: Desk, side: str, stop_price: float | None, **terms: Any) -> PendingOrder:
    """A stop order of 500 shares as a caller holds it."""
    given: dict[str, Any] = {
        "symbol": desk.symbol,
        "side": side,
        "quantity": 500,
        "order_type": OrderType.STOP,
        **terms,
    }
    return PendingOrder(OrderEvent(stop_price=stop_price, **given), None)


def records_of(desk: Desk, kind: type) -> list[Any]:
    return [entry.record for entry in desk.journal.read() if isinstance(entry.record, kind)]


@asynccontextmanager
async def restarted(desk: Desk, speed: float | None = None) -> AsyncGenerator[Desk]:
    """Go on with a new process on the same journal and the same market, from the instant the last one died."""
    journal, old, bus = MemoryJournal(), desk.broker, EventBus()
    journal.append([entry.record for entry in desk.journal.read()])
    broker = VenueBroker(old.exchange, start=old.clock.now(), end=old.exchange.now + 60 * MINUTE, speed=speed)
    agent = ExecutionAgentImpl(AgentConfig("Desk", parameters=RATES), bus, AuditLogger(), broker, journal=journal)
    await bus.start()
    await agent.start()
    try:
        yield Desk(agent, bus, broker, journal, [])
    finally:
        await agent.stop()
        await bus.stop()


@pytest.mark.parametrize(("side", "level"), [("buy", 9.24), ("buy", 9.33), ("sell", 9.18), ("sell", 9.17)])
def test_a_registered_stop_triggers_at_the_recorded_print(side: str, level: float) -> None:
    """It is listed until the first recorded print through its price, and triggers at that very instant."""

    async def play(desk: Desk) -> None:
        order = pending(desk, side, level)
        begin = desk.broker.clock.now()
        desk.agent.register_stop_order(order)
        (listed,) = desk.agent.get_stop_orders()
        assert set(listed) == KEYS
        assert (listed["order_id"], listed["side"], listed["quantity"]) == (order.order_id, side, 500)
        assert (listed["stop_price"], listed["limit_price"], listed["order_type"]) == (level, None, "stop")
        assert listed["last_price"] == pytest.approx(9.2, abs=0.05)

        report = await desk.agent.wait_done(order.order_id)
        history = desk.broker.exchange.history()
        sign, scaled = OrderSide(side).sign, price_from(str(level))
        through = (sign * history.print_price >= sign * scaled) & (history.print_time > begin)
        (memo,) = records_of(desk, MemoKept)
        assert memo.at == int(history.print_time[np.flatnonzero(through)[0]])
        assert report is not None
        assert report["filled_quantity"] == 500
        assert desk.agent.get_stop_orders() == []

    on_desk(play)


def test_no_stop_price_is_an_error() -> None:
    """A pending order without a stop price, or one that is over, cannot be registered; nothing changes."""

    async def play(desk: Desk) -> None:
        with pytest.raises(ValueError, match="stop_price is missing"):
            desk.agent.register_stop_order(pending(desk, "sell", None))
        over = pending(desk, "sell", 9.0)
        over.state = OrderState.CANCELLED
        with pytest.raises(ValueError, match="is over"):
            desk.agent.register_stop_order(over)
        assert desk.agent.get_stop_orders() == []
        assert desk.agent.get_pending_orders() == []

    on_desk(play)


@pytest.mark.parametrize(
    ("terms", "algo"),
    [
        ({"order_type": OrderType.STOP}, "stop"),
        ({"order_type": OrderType.STOP_LIMIT, "limit_price": 8.95}, "stop_limit"),
        ({"order_type": OrderType.LIMIT, "limit_price": 8.95}, "stop_limit"),
        ({"order_type": OrderType.LIMIT}, "stop"),
        ({"order_type": OrderType.MARKET}, "stop"),
    ],
)
def test_the_order_type_says_which_stop(terms: dict[str, Any], algo: str) -> None:
    """A type that states no kind is a stop-limit order when it has a limit price."""

    async def play(desk: Desk) -> None:
        desk.agent.register_stop_order(pending(desk, "sell", 9.0, **terms))
        (listed,) = desk.agent.get_stop_orders()
        assert listed["order_type"] == algo
        assert listed["limit_price"] == terms.get("limit_price")

    on_desk(play)


@pytest.mark.parametrize(("side", "level"), [("buy", 9.1), ("sell", 9.4)])
def test_already_through_triggers_at_once(side: str, level: float) -> None:
    """It never appears in the list, and trades."""

    async def play(desk: Desk) -> None:
        order = pending(desk, side, level)
        desk.agent.register_stop_order(order)
        assert desk.agent.get_stop_orders() == []
        report = await desk.agent.wait_done(order.order_id)
        assert report is not None
        assert report["filled_quantity"] == 500

    on_desk(play)


@pytest.mark.parametrize("side", ["buy", "sell"])
def test_a_cancelled_stop_is_disarmed(side: str) -> None:
    """After a cancel it is gone, and a price through it does nothing."""

    async def play(desk: Desk) -> None:
        order = pending(desk, side, 9.6 if side == "buy" else 8.9)
        desk.agent.register_stop_order(order)
        assert await desk.agent.cancel_order(order.order_id)
        desk.agent.update_price(desk.symbol, 9.6 if side == "buy" else 8.9)
        await pass_time(desk, MINUTE)
        assert desk.agent.get_stop_orders() == []
        assert records_of(desk, ChildRequested) == []

    on_desk(play)


@pytest.mark.parametrize(("side", "level"), [("buy", 10.2), ("sell", 8.2)])
def test_a_trusted_price_triggers_at_once_where_a_bad_tick_does_not(side: str, level: float) -> None:
    """A print of a feed that is 11 % away is ignored; the same price from `update_price` triggers."""

    async def play(desk: Desk) -> None:
        order = pending(desk, side, level)
        desk.agent.register_stop_order(order)
        book = desk.agent.runtime.engine.observed.book(desk.symbol)
        assert book is not None
        desk.agent.runtime.show(_with_last(book, level))
        assert len(desk.agent.get_stop_orders()) == 1

        desk.agent.update_price(desk.symbol, level)
        assert desk.agent.get_stop_orders() == []
        await desk.agent.wait_done(order.order_id)
        (memo,) = records_of(desk, MemoKept)
        assert price_float(memo.memo["price"]) == level
        fills = [price_float(record.fill.price) for record in records_of(desk, ChildFilled)]
        assert all(abs(price - 9.2) < 0.06 for price in fills)  # collared at the mid, not at the trigger

    on_desk(play)


def _with_last(book: Any, last: float) -> Any:
    return msgspec.structs.replace(book, last=price_from(str(last)), volume=book.volume + 1, turnover=None)


def test_off_and_on() -> None:
    """Stopped, nothing triggers; started again, what is through does. Both may be said twice."""

    async def play(desk: Desk) -> None:
        order = pending(desk, "buy", 9.6)
        desk.agent.register_stop_order(order)
        await desk.agent.stop_stop_order_monitor()
        await desk.agent.stop_stop_order_monitor()
        desk.agent.update_price(desk.symbol, 9.7)
        assert len(desk.agent.get_stop_orders()) == 1
        await desk.agent.start_stop_order_monitor()
        await desk.agent.start_stop_order_monitor()
        desk.agent.update_price(desk.symbol, 9.7)
        assert desk.agent.get_stop_orders() == []

    on_desk(play)


def test_a_stop_that_cannot_be_kept_is_refused_with_reasons() -> None:
    """Registering is a door like any other: a trailing stop without a trail is refused on the record."""

    async def play(desk: Desk) -> None:
        desk.agent.register_stop_order(pending(desk, "sell", 9.0, order_type=OrderType.TRAILING_STOP))
        (refusal,) = records_of(desk, OrderRefused)
        assert "exactly one of trail_bps and trail_amount" in refusal.reasons[0]
        order = pending(desk, "sell", 9.0, order_type=OrderType.TRAILING_STOP)
        desk.agent.register_stop_order(order, trail_bps=100)
        desk.agent.register_stop_order(order, trail_bps=100)
        assert len(desk.agent.get_stop_orders()) == 1

    on_desk(play)


def test_a_decision_may_be_a_stop() -> None:
    """A validated decision with a stop price goes the same way; without one it is refused."""

    async def play(desk: Desk) -> None:
        terms = {"algo": None, "order_type": OrderType.STOP, "time_in_force": "DAY", "end": None}
        await desk.submit(**terms, stop_price=9.6)
        (listed,) = desk.agent.get_stop_orders()
        assert (listed["stop_price"], listed["quantity"]) == (9.6, 2000)
        await desk.submit(**terms)
        assert "needs a stop_price" in records_of(desk, OrderRefused)[0].reasons[0]

    on_desk(play)


def test_a_restart_between_trigger_and_fill_does_not_trigger_twice() -> None:
    """The process dies right after the trigger: the next one finds the child, and 500 are traded, once."""

    async def run() -> None:
        async with open_desk() as desk:
            order = pending(desk, "buy", 9.6)
            desk.agent.register_stop_order(order)
            desk.agent.update_price(desk.symbol, 9.6)
            assert records_of(desk, ChildFilled) == []
            await desk.agent.stop()
            async with restarted(desk) as later:
                await later.agent.wait_done(order.order_id)
                assert len(records_of(later, MemoKept)) == 1
                assert len(records_of(later, ChildRequested)) == 1
                parent = later.agent.runtime.engine.state.parents[order.order_id]
                assert parent.state is OrderState.FILLED

    asyncio.run(asyncio.wait_for(run(), 60))


def test_an_armed_stop_and_a_trailing_extreme_survive_a_restart() -> None:
    """After a restart both are listed as before; the trailing one triggers from the best price before the restart."""

    async def run() -> None:
        async with open_desk() as desk:
            fixed = pending(desk, "buy", 9.9)
            trailing = pending(desk, "sell", 8.5, order_type=OrderType.TRAILING_STOP)
            desk.agent.register_stop_order(fixed)
            desk.agent.register_stop_order(trailing, trail_amount="0.05")
            await pass_time(desk, 10 * MINUTE)
            before = desk.agent.get_stop_orders()
            extreme = desk.agent.runtime.engine.state.parents[trailing.order_id].memo[EXTREME]
            await desk.agent.stop()
            async with restarted(desk, speed=1.0) as later:
                assert later.agent.get_stop_orders() == [{**row, "last_price": ANY} for row in before]
                later.broker._speed = None  # as fast as possible from here on
                await later.agent.wait_done(trailing.order_id)
                memos = [memo for memo in records_of(later, MemoKept) if memo.order_id == trailing.order_id]
                assert memos[-1].memo[EXTREME] >= extreme
                assert TRIGGERED in memos[-1].memo
                assert memos[-1].memo["price"] <= memos[-1].memo[EXTREME] - price_from("0.05")
                assert [row["order_id"] for row in later.agent.get_stop_orders()] == [fixed.order_id]

    asyncio.run(asyncio.wait_for(run(), 60))
