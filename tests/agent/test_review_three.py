"""Defects found by reading the contract against what the whole agent does, with a broker played by hand."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from datetime import timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

from quietfill import (
    BadInput,
    Instrument,
    KillSwitchEvent,
    MemoryJournal,
    OrderEvent,
    OrderType,
    PendingOrder,
    TickRule,
    TimeInForce,
)
from quietfill.domain.instrument import LocalSession
from quietfill.domain.messages import KillScope
from quietfill.domain.types import MINUTE, datetime_of, price_from, quantity_from, timestamp_from
from tests.own_broker import NOON, Call, HandBroker, OwnDesk, TalkingBroker, open_own_desk, play

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from pathlib import Path

BARE = Instrument(symbol="BARE", ticks=(TickRule(0, price_from(Decimal("0.01"))),), lot=quantity_from(1))


async def working_order(desk: OwnDesk, number: int = 7, **changes: Any) -> OrderEvent:
    """Submit an order and have its child placed; return what the broker was given."""
    await desk.submit(**changes)
    call: Call = desk.broker.placed[-1]
    call.gives(number)
    await desk.turn()
    assert call.order is not None
    return call.order


# Acts that a journal cannot give back


async def release(desk: OwnDesk, **wrong: Any) -> None:
    """Kill, and release with something that is no text."""
    await desk.agent.kill(KillScope(), "anna", "why")
    terms: dict[str, Any] = {"by": "anna", "second": "bob", "reason": "over", **wrong}
    await desk.agent.release_kill_switch(KillScope(), **terms)


async def register(desk: OwnDesk) -> None:
    """Register another instrument for no reason."""
    desk.agent.register_instrument(BARE, by="anna", reason=None)  # type: ignore[arg-type]


ACTS: dict[str, Callable[[OwnDesk, str], Awaitable[Any]]] = {
    "kill without a reason": lambda desk, _: desk.agent.kill(KillScope(), "anna", None),  # type: ignore[arg-type]
    "kill of a bare symbol": lambda desk, _: desk.agent.kill("ACME", "anna", "why"),  # type: ignore[arg-type]
    "kill of one symbol": lambda desk, _: desk.agent.kill(KillScope(symbols="ACME"), "anna", "why"),  # type: ignore[arg-type]
    "cancel": lambda desk, order: desk.agent.cancel_order(order, reason=None),  # type: ignore[arg-type]
    "amend": lambda desk, order: desk.agent.amend_order(order, by="anna", reason=5, limit_price=10.01),  # type: ignore[arg-type]
    "cancel by a number": lambda desk, order: desk.agent.cancel_order(order, by=5),  # type: ignore[arg-type]
    "release": lambda desk, _: release(desk, second=7),
    "release for no reason": lambda desk, _: release(desk, reason=None),
    "register": lambda desk, _: register(desk),
    "pause": lambda desk, order: desk.agent.pause_order(order, by="anna", reason=None),  # type: ignore[arg-type]
}


@pytest.mark.parametrize("act", ACTS)
def test_no_act_makes_the_journal_unreadable(act: str) -> None:
    """Whatever a person passes for a reason or a scope is refused or kept: the next start reads the journal."""

    async def scene() -> None:
        journal = MemoryJournal()
        async with open_own_desk(HandBroker(), journal) as desk:
            desk.quote()
            await working_order(desk)
            order_id = desk.parent.order_id
            with suppress(BadInput):
                await ACTS[act](desk, order_id)
            await desk.turn()
        list(journal.read())

    asyncio.run(scene())


def test_a_kill_of_what_is_no_scope_is_refused_or_kills() -> None:
    """`kill("ACME", ...)` must not half engage: it is refused with nothing changed, or what it means is cancelled."""

    async def scene(desk: OwnDesk) -> None:
        await working_order(desk)
        with pytest.raises(BadInput):
            await desk.agent.kill("ACME", "anna", "why")  # type: ignore[arg-type]
        assert desk.agent.runtime.engine.state.kills == []

    play(scene)


@pytest.mark.parametrize("params", [{"limit_price": 1e30}, {"min_child": 1e30}])
def test_a_decision_with_a_silly_number_does_not_stop_the_desk(params: dict[str, Any]) -> None:
    """A parameter that is too large is refused with a reason, like any other: no kill, no exception on the bus."""

    async def scene(desk: OwnDesk) -> None:
        with suppress(Exception):  # what matters is what became of the desk
            await desk.submit(algo="twap", limit_price=None, algo_params=params)
        assert desk.agent.runtime.engine.state.kills == []

    play(scene)


def test_an_amendment_to_a_far_future_does_not_stop_the_desk() -> None:
    """An end beyond every calendar is refused."""

    async def scene(desk: OwnDesk) -> None:
        await working_order(desk)
        with suppress(Exception):  # what matters is what became of the desk
            await desk.agent.amend_order(desk.parent.order_id, by="anna", end=2**70)
        assert desk.agent.runtime.engine.state.kills == []

    play(scene)


# Files of orders


@pytest.mark.parametrize("is_known", [True, False])
def test_taking_orders_over_does_not_stop_the_desk(tmp_path: Path, *, is_known: bool) -> None:
    """After an import whose orders have nothing working, known or new, the next decision is placed."""

    async def scene() -> None:
        path = tmp_path / "orders.json"
        stop = {"order_type": "stop", "limit_price": None, "stop_price": 12.0}
        async with open_own_desk(HandBroker()) as desk:
            desk.quote()
            await desk.submit(**stop)
            assert desk.agent.persist_orders_to_file(path) == 1
            if is_known:
                await decide(desk, path)
        if not is_known:
            async with open_own_desk(HandBroker()) as desk:
                desk.quote()
                await decide(desk, path)

    async def decide(desk: OwnDesk, path: Path) -> None:
        await desk.agent.recover_orders_from_file(path)
        await desk.pass_time(3)
        await desk.submit()
        await desk.pass_time(3)
        assert len(desk.broker.placed) == 1

    asyncio.run(scene())


# Stops on nothing but trusted prices


def stop_order(**changes: Any) -> PendingOrder:
    """Return a sell stop at 9.50 as a caller registers it."""
    terms: dict[str, Any] = {
        "decision_id": "d",
        "validation_id": "v",
        "symbol": "BARE",
        "side": "sell",
        "quantity": 100,
        "order_type": OrderType.STOP,
        "stop_price": 9.5,
        **changes,
    }
    order = OrderEvent(**terms)
    return PendingOrder(order_event=order, decision_event=None, remaining_quantity=100)


def test_a_stop_watches_trusted_prices_without_a_book() -> None:
    """`update_price` triggers stops at once, also where nobody ever calls `update_order_book`."""

    async def scene() -> None:
        async with open_own_desk(HandBroker()) as desk:
            desk.agent.register_instrument(BARE)
            desk.agent.update_price("BARE", 10.0)
            desk.agent.register_stop_order(stop_order())
            await desk.pass_time(60)
            desk.agent.update_price("BARE", 9.4)
            await desk.pass_time(1)
            assert len(desk.broker.placed) == 1

    asyncio.run(scene())


def test_a_stop_that_comes_while_a_side_is_missing_is_not_thrown_away() -> None:
    """A stop registered while one side of the book is empty for more than the quote wait still protects."""

    async def scene() -> None:
        async with open_own_desk(HandBroker()) as desk:
            desk.agent.register_instrument(BARE)
            desk.agent.update_order_book("BARE", [(10.0, 100, 1)], [])
            desk.agent.register_stop_order(stop_order())
            await desk.pass_time(30)
            assert len(desk.agent.get_stop_orders()) == 1

    asyncio.run(scene())


# The kill and the wire


def test_no_modification_leaves_after_a_kill() -> None:
    """A change that was handed to the edge and waits for its turn is not sent any more once a kill is in force."""

    async def scene(desk: OwnDesk) -> None:
        await working_order(desk)
        amended = asyncio.ensure_future(
            desk.agent.amend_order(desk.parent.order_id, by="desk", limit_price=10.01, quantity=200)
        )
        await asyncio.sleep(0)
        assert desk.broker.modified == []
        await desk.agent.process_event(KillSwitchEvent(reason="stop"))
        await desk.turn()
        await amended

        assert desk.broker.modified == []

    play(scene, TalkingBroker())


def test_no_modification_leaves_after_a_kill_that_leaves_orders_working() -> None:
    """A kill without cancels stops new risk: a change to a larger size that waits for its turn is new risk."""

    async def scene(desk: OwnDesk) -> None:
        await working_order(desk)
        amended = asyncio.ensure_future(desk.agent.amend_order(desk.parent.order_id, by="desk", quantity=200))
        await asyncio.sleep(0)
        assert desk.broker.modified == []
        await desk.agent.process_event(KillSwitchEvent(reason="stop", cancel_pending_orders=False))
        await desk.turn()
        await amended

        assert desk.broker.modified == []

    play(scene, TalkingBroker())


# Lives


DAY_STOCK = Instrument(
    symbol="DAYS",
    ticks=(TickRule(0, price_from(Decimal("0.01"))),),
    lot=quantity_from(1),
    sessions=(LocalSession(datetime_of(NOON - 60 * MINUTE).time(), datetime_of(NOON + 60 * MINUTE).time()),),
)


@pytest.mark.parametrize(
    ("symbol", "stated"), [("ACME", TimeInForce.GTC), ("DAYS", TimeInForce.GTC), ("DAYS", TimeInForce.GTD)]
)
def test_no_stated_life_is_shortened(symbol: str, stated: TimeInForce) -> None:
    """A GTC or a GTD order for a week lives past the session in which it came, or is refused by name."""

    async def scene(desk: OwnDesk) -> None:
        desk.agent.register_instrument(DAY_STOCK)
        desk.agent.update_order_book(symbol, [(10.0, 100, 1)], [(10.02, 100, 1)])
        life: dict[str, Any] = {"time_in_force": stated, "end": None}
        if stated is TimeInForce.GTD:
            life["good_till"] = datetime_of(NOON) + timedelta(days=7)
        await desk.submit(symbol=symbol, **life)
        parents = list(desk.agent.runtime.engine.state.parents.values())

        assert all(parent.end > NOON + 24 * 60 * MINUTE for parent in parents)

    play(scene)


@pytest.mark.parametrize("algo", ["twap", "vwap", "pov", "close"])
@pytest.mark.parametrize("symbol", ["ACME", "DAYS"])
def test_a_schedule_is_not_spread_over_months(symbol: str, algo: str) -> None:
    """A scheduled algo without an end runs its default horizon, clipped to the session, whatever its time in force."""

    async def scene(desk: OwnDesk) -> None:
        desk.agent.register_instrument(DAY_STOCK)
        desk.agent.update_order_book(symbol, [(10.0, 100, 1)], [(10.02, 100, 1)])
        await desk.submit(symbol=symbol, algo=algo, limit_price=None, time_in_force=TimeInForce.GTC, end=None)
        parents = list(desk.agent.runtime.engine.state.parents.values())

        assert all(parent.end <= NOON + 24 * 60 * MINUTE for parent in parents)

    play(scene)


def test_the_earlier_of_two_stated_ends_counts() -> None:
    """An order that is good till one instant and ends at a later one is not worked past the first."""

    async def scene(desk: OwnDesk) -> None:
        good_till = datetime_of(NOON + 5 * MINUTE)
        await desk.submit(good_till=good_till, end=datetime_of(NOON + 10 * MINUTE))

        assert desk.parent.end <= timestamp_from(good_till)

    play(scene)
