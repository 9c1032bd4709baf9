"""Who may connect, and what they are told first; real sockets, unmodified ib_async."""

import asyncio

import pytest
from ib_async import IB, LimitOrder

from quietfill.domain.errors import BadInput
from quietfill.gateway.wire import Frames, fields_of, frame
from tests.gateway.client import SECONDS, Heard, connected, desk, paper, play, stock, until


async def answer(gateway, sent: bytes) -> bytes:
    """Return all that the gateway says to raw bytes until it closes."""
    reader, writer = await asyncio.open_connection("127.0.0.1", gateway.port)
    writer.write(sent)
    try:
        return await asyncio.wait_for(reader.read(), SECONDS)
    except ConnectionResetError:
        return b""
    finally:
        writer.close()


@pytest.mark.parametrize("version", [157, 158, 163, 164, 169, 170, 174, 176, 177, 178])
def test_every_version_syncs_trades_and_reads_back(version):
    """Full sync, contract, an order and its lists decode at each version that changed a layout."""

    async def scenario() -> None:
        async with paper() as gateway, connected(gateway, version=version) as ib:
            contract = stock()
            await ib.qualifyContractsAsync(contract)
            trade = ib.placeOrder(contract, LimitOrder("BUY", 300, 9.21, tif="IOC", orderRef="mine"))
            await until(ib, lambda: trade.isDone() and trade.fills[0].commissionReport.execId)
            completed = await ib.reqCompletedOrdersAsync(apiOnly=False)

            assert ib.client.serverVersion() == version
            assert contract.conId == gateway.contract.con_id
            assert trade.orderStatus.status == "Filled"
            assert trade.fills[0].execution.orderRef == "mine"
            assert [done.order.orderRef for done in completed] == ["mine"]

    play(scenario)


def test_a_newer_client_is_answered_in_the_newest_text_version():
    """A client that knows more than 178 gets 178, and a range is answered by its best member."""

    async def scenario() -> None:
        async with paper() as gateway:
            reader, writer = await asyncio.open_connection("127.0.0.1", gateway.port)
            body = b"v100..203 +PACEAPI"
            writer.write(b"API\0" + len(body).to_bytes(4, "big") + body)
            length = int.from_bytes(await asyncio.wait_for(reader.readexactly(4), SECONDS), "big")
            version, time = fields_of(await reader.readexactly(length))
            writer.close()

            assert version == "178"
            assert time == "20230711 10:00:00 Asia/Shanghai"

    play(scenario)


@pytest.mark.parametrize(
    "sent",
    [
        b"GET / HTTP/1.1\r\n\r\n",
        b"API\0\x00\x00\x00\x09v100..156",
        b"API\0\x00\x00\x00\x09v201..213",
        b"API\0\x00\x00\x00\x04junk",
        b"API\0\xff\xff\xff\xff",
    ],
)
def test_what_is_not_the_protocol_is_cut_off(sent):
    """Strangers, and clients that are too old or insist on protobuf, get no answer and the line is closed."""

    async def scenario() -> None:
        async with paper() as gateway:
            assert await answer(gateway, sent) == b""

    play(scenario)


def test_nothing_is_said_between_version_and_start():
    """Official clients throw away what comes with the version frame, so nothing does."""

    async def scenario() -> None:
        async with paper() as gateway:
            reader, writer = await asyncio.open_connection("127.0.0.1", gateway.port)
            writer.write(b"API\0\x00\x00\x00\x09v157..178")
            frames = Frames()
            first = frames.take(await asyncio.wait_for(reader.read(4096), SECONDS))
            writer.write(frame(["71", "2", "5", ""]))
            second = frames.take(await asyncio.wait_for(reader.read(4096), SECONDS))
            writer.close()

            assert len(first) == 1
            assert [fields_of(body)[0] for body in second[:2]] == ["15", "9"]

    play(scenario)


def test_an_id_in_use_is_refused_and_free_again_afterwards():
    """The second client under an id hears 326 and is closed; the first does not notice; later the id is free."""

    async def scenario() -> None:
        async with paper() as gateway:
            async with connected(gateway, 7) as first:
                second = IB()
                heard = Heard(second)
                with pytest.raises((TimeoutError, ConnectionError)):
                    await second.connectAsync("127.0.0.1", gateway.port, clientId=7, timeout=0.5)
                assert 326 in heard.codes()
                assert (await first.reqCurrentTimeAsync()).year == 2023
            async with connected(gateway, 7) as again:
                assert (await again.reqCurrentTimeAsync()).year == 2023

    play(scenario)


def test_clients_see_their_own_orders_and_may_ask_for_all():
    """Orders belong to the id that placed them: others list them only with all open orders, and cannot cancel them."""

    async def scenario() -> None:
        async with desk() as (gateway, ib, contract), connected(gateway, 2) as other:
            trade = ib.placeOrder(contract, LimitOrder("BUY", 100, 9.0))
            await until(ib, lambda: trade.orderStatus.status == "Submitted")
            heard = Heard(other)
            other.client.cancelOrder(trade.order.orderId)
            await until(other, lambda: heard.codes(trade.order.orderId))

            assert await other.reqOpenOrdersAsync() == []
            assert [one.order.permId for one in await other.reqAllOpenOrdersAsync()] == [trade.order.permId]
            assert heard.codes(trade.order.orderId) == [10147]
            assert trade.orderStatus.status == "Submitted"

    play(scenario)


def test_the_master_client_hears_of_everybody():
    """One client id may be told of all orders as they happen."""

    async def scenario() -> None:
        async with desk(master_client_id=9) as (gateway, ib, contract), connected(gateway, 9) as master:
            trade = ib.placeOrder(contract, LimitOrder("BUY", 100, 9.21, tif="IOC"))
            await until(ib, trade.isDone)
            await until(master, lambda: any(one.isDone() and one.fills for one in master.trades()))

            assert [one.order.clientId for one in master.trades()] == [1]

    play(scenario)


def test_the_next_valid_id_is_above_every_id_in_use():
    """Ids go up across clients and connections."""

    async def scenario() -> None:
        async with desk() as (gateway, ib, contract):
            order = LimitOrder("BUY", 100, 9.0)
            order.orderId = 5000
            trade = ib.placeOrder(contract, order)
            await until(ib, lambda: trade.orderStatus.status == "Submitted")
            async with connected(gateway, 2) as other:
                assert other.client.getReqId() > 5000

    play(scenario)


def test_what_is_not_built_is_refused_by_name():
    """A request of the protocol that nothing answers here ends in error 322, which says so."""

    async def scenario() -> None:
        async with desk() as (_, ib, contract):
            heard = Heard(ib)
            chains = await ib.reqSecDefOptParamsAsync("600961", "", "STK", contract.conId)

            assert chains == []
            assert [(values[1], "no option chains" in values[2]) for values in heard.of("error")] == [(322, True)]

    play(scenario)


def test_the_clock_is_that_of_the_recording():
    """The time that is told is simulated, and goes on as time is played."""

    async def scenario() -> None:
        async with desk() as (gateway, ib, _):
            before = await ib.reqCurrentTimeAsync()
            await gateway.play(90)
            after = await ib.reqCurrentTimeAsync()

            assert before.isoformat() == "2023-07-11T02:00:00+00:00"
            assert (after - before).total_seconds() == 90

    play(scenario)


def test_a_taken_port_is_said():
    """Starting on a port in use is bad input, in one line."""

    async def scenario() -> None:
        async with paper() as gateway:
            with pytest.raises(BadInput, match=str(gateway.port)):
                await paper(port=gateway.port).start()

    play(scenario)
