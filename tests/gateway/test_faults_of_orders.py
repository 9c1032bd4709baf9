"""Faults in the answers to orders, changes and cancels: what a client sees of each, over a real socket."""

from __future__ import annotations

import pytest
from ib_async import LimitOrder, MarketOrder

from tests.gateway.client import Heard, desk, play, until


def test_order_silent():
    """The order is swallowed: no word, nothing at the venue, in no list."""

    async def scenario() -> None:
        async with desk(faults=["order-silent:times=1"]) as (gateway, ib, contract):
            lost = ib.placeOrder(contract, LimitOrder("BUY", 100, 9.0))
            kept = ib.placeOrder(contract, LimitOrder("BUY", 100, 9.0))
            await until(ib, lambda: kept.orderStatus.status == "Submitted")

            assert lost.orderStatus.status == "PendingSubmit"
            assert [order.order_id for order in gateway.trading.all_orders] == [kept.order.orderId]

    play(scenario)


def test_duplicate_id():
    """A fresh id is refused once with 103; nothing of it is at the venue."""

    async def scenario() -> None:
        async with desk(faults=["duplicate-id"]) as (gateway, ib, contract):
            heard = Heard(ib)
            refused = ib.placeOrder(contract, LimitOrder("BUY", 100, 9.0))
            taken = ib.placeOrder(contract, LimitOrder("BUY", 100, 9.0))
            await until(ib, lambda: taken.orderStatus.status == "Submitted")

            assert heard.codes(refused.order.orderId) == [103]
            assert len(gateway.trading.all_orders) == 1

    play(scenario)


def test_reject():
    """New orders are rejected for want of margin."""

    async def scenario() -> None:
        async with desk(faults=["reject"]) as (_, ib, contract):
            heard = Heard(ib)
            trade = ib.placeOrder(contract, MarketOrder("BUY", 100))
            await until(ib, lambda: heard.codes(trade.order.orderId))

            assert heard.codes(trade.order.orderId) == [201]
            assert "MARGIN" in heard.of("error")[0][2]

    play(scenario)


def test_reject_after_ack():
    """Submitted first, then 201 and Inactive; the venue has let go of it."""

    async def scenario() -> None:
        async with desk(faults=["reject-after-ack:seconds=3"]) as (gateway, ib, contract):
            heard = Heard(ib)
            trade = ib.placeOrder(contract, LimitOrder("BUY", 100, 9.0))
            await until(ib, lambda: heard.statuses(trade.order.orderId) == ["Submitted"])
            await gateway.play(4)

            assert heard.statuses(trade.order.orderId) == ["Submitted", "Inactive"]
            assert heard.codes(trade.order.orderId) == [201]
            assert gateway.floor.exchange.open_count == 0

    play(scenario)


def test_broker_cancels():
    """Cancelled and 202 with a reason, unasked."""

    async def scenario() -> None:
        async with desk(faults=["broker-cancels:seconds=3"]) as (gateway, ib, contract):
            heard = Heard(ib)
            trade = ib.placeOrder(contract, LimitOrder("BUY", 100, 9.0))
            await gateway.play(4)
            await until(ib, lambda: heard.codes(trade.order.orderId))

            assert heard.statuses(trade.order.orderId) == ["Submitted", "Cancelled"]
            assert heard.of("error")[0][1:3] == (202, "Order Canceled - reason:requested")

    play(scenario)


@pytest.mark.parametrize("code", [10147, 10148, 161])
@pytest.mark.parametrize(("becomes", "open_count"), [("works", 1), ("ends", 0)])
def test_cancel_refused(code, becomes, open_count):
    """The code says that the cancel failed; whether the order lives is another matter."""

    async def scenario() -> None:
        async with desk(faults=[f"cancel-refused:code={code},order={becomes}"]) as (gateway, ib, contract):
            trade = ib.placeOrder(contract, LimitOrder("BUY", 100, 9.0))
            await until(ib, lambda: trade.orderStatus.status == "Submitted")
            heard = Heard(ib)
            ib.cancelOrder(trade.order)
            await gateway.play(1)

            assert heard.codes(trade.order.orderId)[0] == code
            assert gateway.floor.exchange.open_count == open_count

    play(scenario)


def test_cancel_silent():
    """The cancel is swallowed and the order works on."""

    async def scenario() -> None:
        async with desk(faults=["cancel-silent:times=1"]) as (gateway, ib, contract):
            trade = ib.placeOrder(contract, LimitOrder("BUY", 100, 9.0))
            await until(ib, lambda: trade.orderStatus.status == "Submitted")
            heard = Heard(ib)
            ib.cancelOrder(trade.order)
            await gateway.play(5)

            assert heard.names == []
            ib.client.cancelOrder(trade.order.orderId)
            await until(ib, lambda: heard.statuses(trade.order.orderId)[-1:] == ["Cancelled"])

    play(scenario)


def test_fill_after_cancel():
    """Cancelled and 202 are told, and then an execution of the same order."""

    async def scenario() -> None:
        async with desk(faults=["fill-after-cancel:seconds=1500"]) as (gateway, ib, contract):
            trade = ib.placeOrder(contract, LimitOrder("BUY", 100, 9.2))
            await until(ib, lambda: trade.orderStatus.status == "Submitted")
            heard = Heard(ib)
            ib.cancelOrder(trade.order)
            await until(ib, lambda: heard.codes(trade.order.orderId))
            assert heard.statuses(trade.order.orderId) == ["Cancelled"]
            await gateway.play(1200)

            assert heard.names.index("execDetails") > heard.names.index("error")
            assert heard.statuses(trade.order.orderId)[-1] == "Filled"

    play(scenario)


def test_modify_refused():
    """201 answers the change; the order works on under its old terms."""

    async def scenario() -> None:
        async with desk(faults=["modify-refused"]) as (gateway, ib, contract):
            trade = ib.placeOrder(contract, LimitOrder("BUY", 100, 9.0))
            await until(ib, lambda: trade.orderStatus.status == "Submitted")
            heard = Heard(ib)
            trade.order.lmtPrice = 9.01
            ib.placeOrder(contract, trade.order)
            await until(ib, lambda: heard.codes(trade.order.orderId))
            await ib.reqAllOpenOrdersAsync()

            assert heard.codes(trade.order.orderId) == [201]
            assert heard.of("openOrder")[-1][2].lmtPrice == 9.0
            assert gateway.floor.exchange.open_count == 1

    play(scenario)


def test_modify_doubles():
    """Two live orders under one id and one reference, with two permanent ids."""

    async def scenario() -> None:
        async with desk(faults=["modify-doubles"]) as (gateway, ib, contract):
            trade = ib.placeOrder(contract, LimitOrder("BUY", 100, 9.0, orderRef="mine"))
            await until(ib, lambda: trade.orderStatus.status == "Submitted")
            trade.order.lmtPrice = 9.01
            ib.placeOrder(contract, trade.order)
            await until(ib, lambda: gateway.floor.exchange.open_count == 2)
            heard = Heard(ib)
            await ib.reqAllOpenOrdersAsync()
            told = [values[2] for values in heard.of("openOrder")]

            assert {order.orderRef for order in told} == {"mine"}
            assert {order.orderId for order in told} == {trade.order.orderId}
            assert len({order.permId for order in told}) == 2

    play(scenario)


@pytest.mark.parametrize("code", [10349, 399, 404, 2109, 12345])
def test_notice(code):
    """A code about a live order that does not end it; it is filled later."""

    async def scenario() -> None:
        async with desk(faults=[f"notice:code={code}"]) as (_, ib, contract):
            heard = Heard(ib)
            trade = ib.placeOrder(contract, MarketOrder("BUY", 100))
            await until(ib, lambda: heard.of("commissionReport"))

            assert heard.codes(trade.order.orderId) == [code]
            assert heard.statuses(trade.order.orderId)[-1] == "Filled"

    play(scenario)


def test_coarse_grid():
    """The market rule is coarser than minTick, and prices between its steps are refused with 110."""

    async def scenario() -> None:
        async with desk(faults=["coarse-grid:step=0.05"]) as (_, ib, contract):
            (details,) = await ib.reqContractDetailsAsync(contract)
            (step,) = await ib.reqMarketRuleAsync(int(details.marketRuleIds.split(",")[0])) or []
            heard = Heard(ib)
            between = ib.placeOrder(contract, LimitOrder("BUY", 100, 9.01))
            on = ib.placeOrder(contract, LimitOrder("BUY", 100, 9.05))
            await until(ib, lambda: on.orderStatus.status == "Submitted")

            assert (details.minTick, step.increment) == (0.01, 0.05)
            assert heard.codes(between.order.orderId) == [110]

    play(scenario)
