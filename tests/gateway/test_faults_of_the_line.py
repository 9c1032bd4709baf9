"""Faults of connections and lists: what a client sees of each, over a real socket."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest
from ib_async import IB, LimitOrder, MarketOrder

from quietfill.gateway.wire import Frames, fields_of, frame
from tests.gateway.client import SECONDS, Heard, connected, desk, paper, play, stock, until

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable


async def gone(ib: IB) -> None:
    """Wait until a client has noticed that its connection is lost."""
    async with asyncio.timeout(SECONDS):
        if ib.isConnected():
            await ib.disconnectedEvent


async def silent(ib: IB, question: Awaitable[Any]) -> bool:
    """Say whether a question is passed over: another one that is asked after it is answered, it is not."""
    asked = asyncio.ensure_future(question)
    await asyncio.sleep(0)
    await ib.reqCurrentTimeAsync()
    return asked.cancel()


def test_cut():
    """The connection is reset while an order works; it works on, and is found again by its reference."""

    async def scenario() -> None:
        async with desk(faults=["cut:after=5"]) as (gateway, ib, contract):
            ib.placeOrder(contract, LimitOrder("BUY", 100, 9.2, orderRef="mine"))
            await gateway.play(6)
            await gone(ib)
            await gateway.play(600)
            async with connected(gateway) as again:
                fills = await again.reqExecutionsAsync()

                assert {fill.execution.orderRef for fill in fills} == {"mine"}

    play(scenario)


def test_cut_on_order():
    """Not a word is said about the order, yet the venue has it."""

    async def scenario() -> None:
        async with desk(faults=["cut-on-order"]) as (gateway, ib, contract):
            heard = Heard(ib)
            ib.placeOrder(contract, LimitOrder("BUY", 100, 9.0, orderRef="mine"))
            await gone(ib)
            async with connected(gateway) as again:
                (listed,) = await again.reqOpenOrdersAsync()

                assert heard.names == []
                assert listed.order.orderRef == "mine"

    play(scenario)


def test_freeze():
    """The socket stays open and nothing is answered; what was sent is heard when it thaws."""

    async def scenario() -> None:
        async with desk(faults=["freeze:after=5,lasts=30"]) as (gateway, ib, contract):
            await gateway.play(6)
            trade = ib.placeOrder(contract, LimitOrder("BUY", 100, 9.0))
            probe = asyncio.ensure_future(ib.reqCurrentTimeAsync())
            await gateway.play(10)

            assert not probe.done()
            assert ib.isConnected()
            assert trade.orderStatus.status == "PendingSubmit"
            await gateway.play(30)
            await until(ib, lambda: trade.orderStatus.status == "Submitted")
            assert (await probe).year == 2023

    play(scenario)


def test_restart():
    """Orders sent into the restart are lost, nobody can connect for a while, and the next id is too low."""

    async def scenario() -> None:
        async with desk(faults=["restart:after=10,dying=2,lasts=20,rollback=2"]) as (gateway, ib, contract):
            kept = [ib.placeOrder(contract, LimitOrder("BUY", 100, 9.0)) for _ in range(3)]
            await until(ib, lambda: all(trade.orderStatus.status == "Submitted" for trade in kept))
            await gateway.play(11)
            ib.placeOrder(contract, LimitOrder("BUY", 100, 9.0))
            await gateway.play(2)
            await gone(ib)
            with pytest.raises(ConnectionRefusedError):
                await asyncio.open_connection("127.0.0.1", gateway.port)
            await gateway.play(20)
            async with connected(gateway, 2) as again:
                listed = await again.reqAllOpenOrdersAsync()

                assert len(listed) == 3
                assert gateway.trading.next_valid_id() == max(trade.order.orderId for trade in kept) - 1

    play(scenario)


def test_client_id_in_use():
    """The id is refused once although nobody has it, and free at the second try."""

    async def scenario() -> None:
        async with paper(faults=["client-id-in-use"]) as gateway:
            ib = IB()
            heard = Heard(ib)
            with pytest.raises((TimeoutError, ConnectionError)):
                await ib.connectAsync("127.0.0.1", gateway.port, clientId=1, timeout=0.3)
            assert 326 in heard.codes()
            async with connected(gateway) as again:
                assert again.isConnected()

    play(scenario)


@pytest.mark.parametrize(("data", "code", "lines"), [("kept", 1102, 1), ("lost", 1101, 0)])
def test_upstream_lost(data, code, lines):
    """Executions go on being told after 1100, new orders come alive only afterwards, and 1101 costs the quotes."""

    async def scenario() -> None:
        async with desk(faults=[f"upstream-lost:after=5,lasts=1200,data={data}"]) as (gateway, ib, contract):
            heard = Heard(ib)
            ib.reqMktData(contract)
            resting = ib.placeOrder(contract, LimitOrder("BUY", 100, 9.2))
            await gateway.play(6)
            held = ib.placeOrder(contract, LimitOrder("BUY", 100, 9.0))
            await gateway.play(1000)

            assert heard.codes(-1) == [1100]
            assert resting.orderStatus.status == "Filled"
            assert held.orderStatus.status == "PendingSubmit"
            await gateway.play(300)
            await until(ib, lambda: held.orderStatus.status == "Submitted")
            assert heard.codes(-1) == [1100, code]
            assert len(gateway.market.lines) == lines

    play(scenario)


def test_pacing():
    """What is over the limit is answered by 100 and not heard; three breaches cost the connection."""

    async def scenario() -> None:
        async with desk(faults=["pacing:limit=20,breaches=3"]) as (gateway, ib, contract):
            heard = Heard(ib)
            for _ in range(30):
                ib.placeOrder(contract, LimitOrder("BUY", 100, 9.0))
            await gone(ib)

            assert heard.codes(-1)[:3] == [100, 100, 100]
            assert 0 < len(gateway.trading.all_orders) <= 20

    play(scenario)


def test_split_segments():
    """Everything comes byte by byte, and still is what it is."""

    async def scenario() -> None:
        async with desk(faults=["split-segments:bytes=1"]) as (_, ib, contract):
            trade = ib.placeOrder(contract, MarketOrder("BUY", 100))
            await until(ib, trade.isDone)

            assert trade.orderStatus.status == "Filled"

    play(scenario)


def test_stray_version():
    """A second version frame comes in the middle of the session."""

    async def scenario() -> None:
        async with paper(faults=["stray-version:after=1"]) as gateway:
            reader, writer = await asyncio.open_connection("127.0.0.1", gateway.port)
            writer.write(b"API\0\x00\x00\x00\x09v157..178" + frame(["71", "2", "5", ""]))
            writer.write(frame(["49", "1"]))
            frames = Frames()
            heard: list[list[str]] = []
            async with asyncio.timeout(SECONDS):
                while not any(fields[0] == "49" for fields in heard):
                    heard += [fields_of(body) for body in frames.take(await reader.read(4096))]
                await gateway.play(2)
                heard = [fields_of(body) for body in frames.take(await reader.read(4096))]
            writer.close()

            assert heard == [["178", "20230711 10:00:01 Asia/Shanghai"]]

    play(scenario)


def test_read_only():
    """Orders and cancels are refused with 321, order lists are never answered, market data are."""

    async def scenario() -> None:
        async with desk() as (gateway, ib, contract):
            gateway.faults.add("read-only")
            heard = Heard(ib)
            trade = ib.placeOrder(contract, LimitOrder("BUY", 100, 9.0))
            await until(ib, lambda: heard.codes(trade.order.orderId))
            unanswered = await silent(ib, ib.reqCompletedOrdersAsync(apiOnly=False))

            assert heard.codes(trade.order.orderId) == [321]
            assert "Read-Only" in heard.of("error")[0][2]
            assert unanswered
            assert gateway.trading.all_orders == []
            assert len(await ib.reqTickersAsync(contract)) == 1

    play(scenario)


@pytest.mark.parametrize("name", ["orders", "completed", "executions", "positions"])
def test_list_silent(name):
    """One of the questions of a reconciliation is never answered; the others are."""

    async def scenario() -> None:
        async with desk() as (gateway, ib, _contract):
            gateway.faults.add(f"list-silent:list={name}")
            answers: dict[str, Callable[[], Awaitable[Any]]] = {
                "orders": ib.reqAllOpenOrdersAsync,
                "completed": lambda: ib.reqCompletedOrdersAsync(apiOnly=False),
                "executions": ib.reqExecutionsAsync,
                "positions": ib.reqPositionsAsync,
            }
            mute = [asked for asked, ask in answers.items() if await silent(ib, ask())]

            assert mute == [name]

    play(scenario)


def test_list_empty():
    """A list says that there is nothing although there is."""

    async def scenario() -> None:
        async with desk() as (gateway, ib, contract):
            trade = ib.placeOrder(contract, MarketOrder("BUY", 100))
            resting = ib.placeOrder(contract, LimitOrder("BUY", 100, 9.0))
            await until(ib, lambda: trade.isDone() and resting.orderStatus.status == "Submitted")
            for name in ("orders", "completed", "executions", "positions"):
                gateway.faults.add(f"list-empty:list={name},times=1")

            assert await ib.reqAllOpenOrdersAsync() == []
            assert await ib.reqCompletedOrdersAsync(apiOnly=False) == []
            assert await ib.reqExecutionsAsync() == []
            assert len(await ib.reqAllOpenOrdersAsync()) == 1
            assert len(await ib.reqExecutionsAsync()) == 1

    play(scenario)


def test_completed_unasked():
    """A completed order is told that nobody asked for."""

    async def scenario() -> None:
        async with desk(faults=["completed-unasked"]) as (_, ib, contract):
            heard = Heard(ib)
            ib.placeOrder(contract, MarketOrder("BUY", 100, orderRef="mine"))
            await until(ib, lambda: heard.of("completedOrder") and heard.of("commissionReport"))

            assert [values[1].orderRef for values in heard.of("completedOrder")] == ["mine"]

    play(scenario)


def test_foreign_fill():
    """The position moves without an execution of any client."""

    async def scenario() -> None:
        async with desk(faults=["foreign-fill:after=5,quantity=300,side=sell"]) as (gateway, ib, _contract):
            await gateway.play(6)
            await until(ib, ib.positions)

            assert [held.position for held in ib.positions()] == [-300]
            assert await ib.reqExecutionsAsync() == []

    play(scenario)


def test_foreign_order():
    """An order by hand is in the list of all, under client 0 and a negative id, and a global cancel ends it."""

    async def scenario() -> None:
        async with desk(faults=["foreign-order:after=5"]) as (gateway, ib, _contract):
            await gateway.play(6)
            (listed,) = await ib.reqAllOpenOrdersAsync()

            assert (listed.order.clientId, listed.order.orderId) == (0, -1)
            assert await ib.reqOpenOrdersAsync() == []
            ib.reqGlobalCancel()
            await gateway.play(1)
            assert await ib.reqAllOpenOrdersAsync() == []

    play(scenario)


def test_lists_can_be_asked_while_one_is_awaited():
    """A contract question is answered while an order is on its way: nothing is held up behind it."""

    async def scenario() -> None:
        async with desk() as (_, ib, contract):
            trade = ib.placeOrder(contract, MarketOrder("BUY", 100))
            details, positions = await asyncio.gather(ib.reqContractDetailsAsync(stock()), ib.reqPositionsAsync())
            await until(ib, trade.isDone)

            assert len(details) == 1
            assert isinstance(positions, list)

    play(scenario)
