"""How the gateway keeps time: by hand, free, and paced; and what it is like from the command line."""

from __future__ import annotations

import asyncio
import json
import signal
import subprocess
import sys

import pytest
from ib_async import IB, LimitOrder, MarketOrder

from quietfill.cli.main import main
from quietfill.domain.types import SECOND
from tests.gateway.client import SECONDS, Heard, connected, desk, paper, play, stock, until


def test_time_by_hand_stands_still_for_a_working_order():
    """With speed 0 an order is acknowledged at once, and only `play` lets the market come to it."""

    async def scenario() -> None:
        async with desk() as (gateway, ib, contract):
            trade = ib.placeOrder(contract, LimitOrder("BUY", 100, 9.2))
            await until(ib, lambda: trade.orderStatus.status == "Submitted")
            before = gateway.floor.now
            await ib.reqCurrentTimeAsync()

            assert gateway.floor.now == before
            assert before - gateway.floor.start < SECOND

    play(scenario)


def test_free_time_runs_while_an_order_works_and_stands_still_before():
    """Without a speed nothing happens until somebody waits for the market; then the order fills by itself."""

    async def scenario() -> None:
        async with desk(speed=None) as (gateway, ib, contract):
            idle = gateway.floor.now
            trade = ib.placeOrder(contract, LimitOrder("BUY", 100, 9.18))
            await until(ib, trade.isDone)

            assert idle == gateway.floor.start
            assert trade.orderStatus.status == "Filled"
            assert gateway.floor.now > idle + 60 * SECOND

    play(scenario)


def test_free_time_ends_with_the_recording():
    """A subscription lets the hour run to its end, as fast as the client takes it; then the floor is closed."""

    async def scenario() -> None:
        async with desk(speed=None) as (gateway, ib, contract):
            ib.reqRealTimeBars(contract, 5, "TRADES", useRTH=False)
            trade = ib.placeOrder(contract, LimitOrder("BUY", 100, 8.5))
            await gateway.wait_end()

            assert gateway.floor.now == gateway.floor.end
            assert trade.orderStatus.status == "Submitted"

    play(scenario)


def test_paced_time_keeps_going_without_clients():
    """At a speed the recording is over after its length divided by it, whoever is there."""

    async def scenario() -> None:
        async with paper(speed=50_000) as gateway:
            await gateway.wait_end()

            assert gateway.floor.now == gateway.floor.end

    play(scenario)


def test_the_same_session_gives_the_same_answers():
    """Same seed and same requests at the same simulated times: the same ids, times, prices and fees."""
    stories: list[list[tuple[object, ...]]] = []

    async def scenario() -> None:
        async with desk(seed=7) as (gateway, ib, contract):
            heard = Heard(ib)
            ib.placeOrder(contract, MarketOrder("BUY", 2_000))
            ib.placeOrder(contract, LimitOrder("SELL", 500, 9.21))
            await gateway.play(900)
            stories.append([(*values[2].execId.split("."), values[2].time) for values in heard.of("execDetails")])

    play(scenario)
    play(scenario)

    assert len(stories[0]) >= 2
    assert stories[0] == stories[1]


def test_from_the_command_line_to_a_signal():
    """The command prints where it listens, serves a client, and ends on a signal with what happened."""
    command = [sys.executable, "-m", "quietfill", "gateway", "--port", "0", "--json", "--seed", "3"]

    async def scenario() -> None:
        assert running.stdout is not None
        ready = json.loads(await asyncio.wait_for(asyncio.to_thread(running.stdout.readline), 6 * SECONDS))
        ib = IB()
        await ib.connectAsync("127.0.0.1", ready["port"], clientId=1, timeout=SECONDS, raiseSyncErrors=True)
        contract = stock()
        await ib.qualifyContractsAsync(contract)
        trade = ib.placeOrder(contract, MarketOrder("BUY", 100))
        await until(ib, trade.isDone)
        ib.disconnect()
        running.send_signal(signal.SIGTERM)
        last = json.loads((await asyncio.wait_for(asyncio.to_thread(running.stdout.read), SECONDS)).splitlines()[-1])
        code = await asyncio.to_thread(running.wait, SECONDS)

        assert code == 0
        assert contract.conId == ready["conId"]
        assert (last["ended_by"], last["orders"], last["executions"]) == ("signal", 1, 1)
        assert last["positions"] == {"DU1234567": "100"}

    with subprocess.Popen(command, stdout=subprocess.PIPE) as running:
        try:
            play(scenario)
        finally:
            running.kill()


def test_it_ends_when_the_data_do(capsys):
    """Played fast, the packaged hour ends the command by itself."""
    assert main(["gateway", "--port", "0", "--json", "--speed", "50000"]) == 0
    lines = capsys.readouterr().out.splitlines()

    assert json.loads(lines[0])["ready"] is True
    assert json.loads(lines[-1])["ended_by"] == "data"


def test_faults_are_listed(capsys):
    """Every fault with its settings and what it does, and nothing is served."""
    assert main(["gateway", "--list-faults"]) == 0
    out = capsys.readouterr().out

    assert "cut-on-order:times=1,after=0\n" in out
    assert "resets every connection at one instant" in out


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--speed", "0"], "speed must be above 0"),
        (["--speed", "fast"], "speed"),
        (["--port", "70000"], "port must be from 0 to 65535, not 70000"),
        (["--feed", "lobster"], "a recording needs all of --feed, --data and --symbol"),
        (["--fault", "cat"], "fault 'cat' is none of"),
    ],
)
def test_wrong_options_are_one_line(arguments, says, capsys):
    """What is wrong is named, on standard error, with exit code 2."""
    assert main(["gateway", *arguments]) == 2
    err = capsys.readouterr().err

    assert says in err
    assert err.count("\n") == 1


def test_a_client_that_comes_later_finds_what_was_left():
    """Orders stay when their client goes, and are its own again under the same id."""

    async def scenario() -> None:
        async with desk() as (gateway, ib, contract):
            trade = ib.placeOrder(contract, LimitOrder("BUY", 100, 9.0, orderRef="mine"))
            await until(ib, lambda: trade.orderStatus.status == "Submitted")
            ib.disconnect()
            await gateway.play(1)  # time for the gateway to notice
            async with connected(gateway) as again:
                (listed,) = again.openTrades()
                again.cancelOrder(listed.order)
                await until(again, listed.isDone)

                assert listed.order.orderRef == "mine"
                assert listed.orderStatus.status == "Cancelled"

    play(scenario)
