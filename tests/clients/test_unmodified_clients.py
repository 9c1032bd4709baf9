"""Clients of the TWS API as their makers published them, each in an environment of its own, against the gateway."""

from __future__ import annotations

import asyncio
import json
import sys
from typing import TYPE_CHECKING, Any

import pytest
from ib_async import IB, ExecutionFilter, LimitOrder, MarketOrder, Stock

from tests.clients.environments import python_with
from tests.clients.house import CASH, SECONDS, House, beside, house, run

if TYPE_CHECKING:
    from pathlib import Path

INSTALLED = [pytest.mark.slow, pytest.mark.timeout(400)]
CLIENTS = [
    pytest.param("ib_async", "ib_async", "ib_async 2.", 178, id="ib_async"),
    pytest.param("ib_insync", "ib_insync", "ib_insync 0.9.86", 176, id="ib_insync", marks=INSTALLED),
    pytest.param("ibapi-stable", None, "ibapi-stable 10.50.2", 178, id="ibapi-stable", marks=INSTALLED),
    pytest.param("nautilus-ibapi", None, "nautilus-ibapi 10.46.1", 178, id="nautilus-ibapi", marks=INSTALLED),
    pytest.param("ibapi", None, "ibapi 9.81.1.post1", 157, id="ibapi-9.81", marks=INSTALLED),
]


def python_of(name: str) -> Path | str:
    """Return the Python that has a client: ib_async is among our own dependencies."""
    return sys.executable if name == "ib_async" else python_with(name)


@pytest.mark.parametrize(("name", "library", "published", "version"), CLIENTS)
def test_a_session_from_the_first_word_to_the_last(name, library, published, version):
    """Look, trade in pieces, change, cancel, read back: client, gateway and a second client tell one story."""
    python = python_of(name)
    with house() as one:
        seen = run(one.command(python, library, "trade"))
        other = asyncio.run(read_back(one.port))
        last = one.end()

    assert seen["client"].replace("_", "-").startswith(published.replace("_", "-"))
    assert seen["server_version"] == version
    assert_market(seen, one.ready)
    assert_orders(seen)
    assert_books(seen)
    assert other == {key: seen[key] for key in other}
    assert (last["ended_by"], last["orders"], last["executions"]) == ("signal", 3, len(seen["executions"]))
    assert {code: float(held) for code, held in last["positions"].items()} == seen["positions"]


def assert_market(seen: dict[str, Any], ready: dict[str, Any]) -> None:
    """The contract is the gateway's, and quotes, book, ticks and bars belong together."""
    assert seen["accounts"] == ready["accounts"]
    assert seen["contract"] == {"con_id": ready["conId"], "min_tick": 0.01, "time_zone": "Asia/Shanghai"}
    assert seen["price_steps"] == [[0.0, 0.01]]
    bids, asks = seen["depth"]["bid"], seen["depth"]["ask"]
    assert bids == sorted(bids, reverse=True)
    assert asks == sorted(asks)
    assert len(bids) == len(asks) == 5
    assert bids[0][0] < asks[0][0]
    assert seen["quotes"]["bid"] < seen["quotes"]["ask"]
    assert seen["ticks"] > 1
    assert all(9 < low <= high < 10 and volume > 0 for low, high, volume in seen["bars"])
    assert seen["bars"]


def assert_orders(seen: dict[str, Any]) -> None:
    """Each order went its way, and nothing was said but that the cancel was done."""
    ways = {name: statuses[statuses.index("Submitted") :] for name, statuses in seen["statuses"].items()}
    assert ways["rest"] == ["Submitted", "PendingCancel", "Cancelled"]
    assert ways["sweep"] == ways["sell"] == ["Submitted", "Filled"]
    assert seen["rest"]["quantity"] == 700
    assert seen["rest"]["price"] == pytest.approx(seen["quotes"]["bid"] - 0.11)
    assert seen["rest"]["perm_id"] > 0
    assert seen["open_while_resting"] == ["rest"]
    assert seen["open"] == []
    assert seen["completed"] == [["rest", "Cancelled"], ["sell", "Filled"], ["sweep", "Filled"]]
    assert seen["codes"] == [2104, 2106, 2158, 202]


def assert_books(seen: dict[str, Any]) -> None:
    """Executions add up to the orders, and position and cash to executions and commissions."""
    bought = [shares for _, reference, side, shares, _ in seen["executions"] if (reference, side) == ("sweep", "BOT")]
    sold = [shares for _, reference, side, shares, _ in seen["executions"] if (reference, side) == ("sell", "SLD")]
    assert len(bought) > 1
    assert (sum(bought), sum(sold)) == (seen["bought"], 100)
    assert len(bought) + len(sold) == len(seen["executions"]) == len(seen["commissions"])
    (held,) = seen["positions"].values()
    assert held == seen["bought"] - 100
    paid = sum(shares * price * (1 if side == "BOT" else -1) for _, _, side, shares, price in seen["executions"])
    for execution_id, _, _, shares, price in seen["executions"]:
        assert seen["commissions"][execution_id] == pytest.approx(shares * price * 2e-4)
    assert seen["cash"] == pytest.approx(CASH - paid - sum(seen["commissions"].values()), abs=0.01)


async def read_back(port: int) -> dict[str, Any]:
    """Ask as another client, ib_async, for what the gateway keeps of everybody."""
    ib = IB()
    await ib.connectAsync("127.0.0.1", port, clientId=2, raiseSyncErrors=True)
    try:
        fills = await ib.reqExecutionsAsync(ExecutionFilter())
        completed = await ib.reqCompletedOrdersAsync(apiOnly=True)
        summary = await ib.accountSummaryAsync()
        return {
            "executions": [
                [fill.execution.execId, fill.execution.orderRef, fill.execution.side, fill.execution.shares,
                 fill.execution.price] for fill in fills
            ],
            "commissions": {fill.execution.execId: fill.commissionReport.commission for fill in ib.fills()},
            "completed": sorted([trade.order.orderRef, trade.orderStatus.status] for trade in completed),
            "positions": {place.account: place.position for place in await ib.reqPositionsAsync()},
            "cash": next(float(value.value) for value in summary if value.tag == "TotalCashValue"),
        }  # fmt: skip
    finally:
        ib.disconnect()


@pytest.mark.parametrize(("name", "library", "published", "version"), CLIENTS)
def test_a_second_client(name, library, published, version):
    """An id in use is refused (326), another's order is not found (10147), and the master hears it traded."""
    python = python_of(name)
    with house() as one:
        visitor, executions = asyncio.run(trade_beside(one, python, library))
        last = one.end()

    assert 326 in visitor["turned_away"]
    assert 10147 in visitor["codes"]
    assert executions
    assert visitor["executions"] == executions
    assert "Filled" in visitor["statuses"]
    assert (last["orders"], last["executions"]) == (2, len(executions))


async def trade_beside(one: House, python: Path | str, library: str | None) -> tuple[dict[str, Any], list[str]]:
    """Have an order rest while the visitor comes, then trade; return what it saw, and the executions."""
    ib = IB()
    await ib.connectAsync("127.0.0.1", one.port, clientId=1, raiseSyncErrors=True)
    try:
        stock = Stock("600961", "SMART", "CNY")
        await ib.qualifyContractsAsync(stock)
        resting = ib.placeOrder(stock, LimitOrder("BUY", 100, 9.0))
        while resting.orderStatus.status != "Submitted":
            await ib.updateEvent
        with beside(one.command(python, library, "visit", str(resting.order.orderId))) as visitor:
            assert visitor.stdout is not None
            assert json.loads(await asyncio.to_thread(visitor.stdout.readline)) == {"listening": True}
            assert resting.isActive(), "nobody but its owner cancels an order"
            trade = ib.placeOrder(stock, MarketOrder("BUY", 200))
            said, _ = await asyncio.to_thread(visitor.communicate, timeout=SECONDS)
        while not trade.isDone():
            await ib.updateEvent
        return json.loads(said.splitlines()[-1]), [fill.execution.execId for fill in trade.fills]
    finally:
        ib.disconnect()
