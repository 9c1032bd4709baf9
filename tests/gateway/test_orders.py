"""Orders over a real socket: placed, changed, cancelled, filled, refused and listed."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from ib_async import ExecutionFilter, LimitOrder, MarketOrder, Order, StopOrder

from quietfill.venue.options import VenueOptions
from tests.gateway.client import Heard, connected, desk, play, stock, until

FEES = VenueOptions(taker_fee_bps=Decimal(1))


def test_a_market_order_is_told_as_the_real_gateway_tells_it():
    """OpenOrder and status, execution, both again when filled, once more with the commission, the report last."""

    async def scenario() -> None:
        async with desk(options=FEES) as (_, ib, contract):
            heard = Heard(ib)
            trade = ib.placeOrder(contract, MarketOrder("BUY", 300, orderRef="slice-1"))
            await until(ib, lambda: "commissionReport" in heard.names)

            assert heard.names == [
                "openOrder", "orderStatus", "execDetails", "openOrder", "orderStatus", "openOrder", "orderStatus",
                "commissionReport",
            ]  # fmt: skip
            assert heard.statuses(trade.order.orderId) == ["Submitted", "Filled", "Filled"]
            assert [values[3].commission for values in heard.of("openOrder")][-1] == pytest.approx(0.2763)

    play(scenario)


def test_an_execution_carries_everything_that_is_booked_from_it():
    """Id in four groups, order reference, permanent id, cumulative quantity, liquidity, simulated time, commission."""

    async def scenario() -> None:
        async with desk(options=FEES) as (_, ib, contract):
            trade = ib.placeOrder(contract, MarketOrder("BUY", 300, orderRef="slice-1"))
            await until(ib, lambda: trade.fills and trade.fills[0].commissionReport.execId)
            fill = trade.fills[0]

            assert len(fill.execution.execId.split(".")) == 4
            assert fill.execution.orderRef == "slice-1"
            assert fill.execution.permId == trade.order.permId > 0
            assert (fill.execution.shares, fill.execution.cumQty) == (300, 300)
            assert (fill.execution.price, fill.execution.avgPrice) == (9.21, 9.21)
            assert (fill.execution.side, fill.execution.lastLiquidity) == ("BOT", 2)
            assert fill.execution.acctNumber == "DU1234567"
            assert fill.execution.time.isoformat() == "2023-07-11T02:00:00+00:00"
            assert fill.commissionReport.commission == pytest.approx(0.2763)
            assert fill.commissionReport.currency == "CNY"

    play(scenario)


def test_a_resting_order_fills_in_the_recorded_market():
    """A passive order waits in the true queue and is filled by recorded trades; liquidity says that it added."""

    async def scenario() -> None:
        async with desk() as (gateway, ib, contract):
            trade = ib.placeOrder(contract, LimitOrder("BUY", 500, 9.2))
            await until(ib, lambda: trade.orderStatus.status == "Submitted")
            await gateway.play(600)
            await until(ib, trade.isDone)

            assert trade.orderStatus.status == "Filled"
            assert sum(fill.execution.shares for fill in trade.fills) == 500
            assert {fill.execution.lastLiquidity for fill in trade.fills} == {1}
            assert trade.orderStatus.avgFillPrice == 9.2

    play(scenario)


def test_price_and_size_can_be_changed():
    """A change is told by openOrder with the new terms under the same permanent id."""

    async def scenario() -> None:
        async with desk() as (_, ib, contract):
            trade = ib.placeOrder(contract, LimitOrder("BUY", 300, 9.0))
            await until(ib, lambda: trade.orderStatus.status == "Submitted")
            permanent, heard = trade.order.permId, Heard(ib)
            trade.order.lmtPrice, trade.order.totalQuantity = 9.01, 400
            ib.placeOrder(contract, trade.order)
            await until(ib, lambda: heard.of("openOrder"))
            (listed,) = await ib.reqOpenOrdersAsync()

            assert (listed.order.lmtPrice, listed.order.totalQuantity) == (9.01, 400)
            assert listed.order.permId == permanent
            assert trade.orderStatus.remaining == 400

    play(scenario)


def test_a_cancel_ends_in_cancelled_and_202():
    """PendingCancel at once, then Cancelled, and error 202 as its reason."""

    async def scenario() -> None:
        async with desk() as (_, ib, contract):
            trade = ib.placeOrder(contract, LimitOrder("BUY", 300, 9.0))
            await until(ib, lambda: trade.orderStatus.status == "Submitted")
            heard = Heard(ib)
            ib.cancelOrder(trade.order)
            await until(ib, lambda: heard.codes(trade.order.orderId))

            assert heard.statuses(trade.order.orderId) == ["PendingCancel", "Cancelled"]
            assert heard.of("error")[0][1:3] == (202, "Order Canceled - reason:")

    play(scenario)


def test_a_global_cancel_ends_everybodys_orders():
    """Including those of other clients: that is why it must not be used lightly."""

    async def scenario() -> None:
        async with desk() as (gateway, ib, contract), connected(gateway, 2) as other:
            mine = ib.placeOrder(contract, LimitOrder("BUY", 100, 9.0))
            theirs = other.placeOrder(contract, LimitOrder("BUY", 100, 9.01))
            await until(ib, lambda: mine.orderStatus.status == "Submitted")
            await until(other, lambda: theirs.orderStatus.status == "Submitted")
            ib.reqGlobalCancel()
            await until(ib, mine.isDone)
            await until(other, theirs.isDone)

            assert (mine.orderStatus.status, theirs.orderStatus.status) == ("Cancelled", "Cancelled")

    play(scenario)


@pytest.mark.parametrize(
    ("tif", "more", "status"),
    [
        ("DAY", {}, "Submitted"),
        ("GTC", {}, "Submitted"),
        ("IOC", {}, "Cancelled"),
        ("FOK", {}, "Cancelled"),
        ("GTD", {"goodTillDate": "20230711 10:00:30 Asia/Shanghai"}, "Cancelled"),
        ("GTD", {"goodTillDate": "20230711-02:00:30"}, "Cancelled"),
        ("GTD", {"goodTillDate": "20230711 10:30:00"}, "Submitted"),
    ],
)
def test_every_time_in_force_lives_as_long_as_it_says(tif, more, status):
    """A minute after it was placed away from the market, an order works or has ended as its time in force says."""

    async def scenario() -> None:
        async with desk() as (gateway, ib, contract):
            trade = ib.placeOrder(contract, LimitOrder("BUY", 100, 9.0, tif=tif, **more))
            await until(ib, lambda: trade.orderStatus.status in {"Submitted", "Cancelled"})
            await gateway.play(60)

            assert trade.orderStatus.status == status

    play(scenario)


def order(**terms: Any) -> Order:
    """Return a limit order with some of its terms changed."""
    usual: dict[str, Any] = {"action": "BUY", "totalQuantity": 100, "orderType": "LMT", "lmtPrice": 9.0}
    return Order(**(usual | terms))


@pytest.mark.parametrize(
    ("wrong", "code", "says"),
    [
        (order(orderType="STP", auxPrice=9.3), 201, "type STP"),
        (order(orderType="TRAIL", auxPrice=0.1), 201, "type TRAIL"),
        (order(orderType="NEW"), 387, "NEW"),
        (order(lmtPrice=9.005), 110, "minimum price variation"),
        (order(orderType="LMT", lmtPrice=1.7976931348623157e308), 321, "Missing limit price"),
        (order(lmtPrice=5.0), 201, "band"),
        (order(totalQuantity=0), 434, "zero"),
        (order(totalQuantity=0.5), 10250, "increment 1"),
        (order(tif="OPG"), 201, "OPG"),
        (order(tif="GTD"), 321, "good till date"),
        (order(tif="GTD", goodTillDate="20230711 09:59:00"), 201, "passed"),
        (order(action="SSHORT"), 321, "SSHORT"),
        (order(account="DU9"), 321, "DU9"),
        (order(displaySize=10), 201, "iceberg"),
        (order(ocaGroup="a"), 201, "one-cancels-all"),
        (order(parentId=4), 201, "attached"),
        (order(transmit=False), 201, "not transmitted"),
        (order(algoStrategy="BalanceImpactRisk"), 201, "stand-in"),
        (order(allOrNone=True), 201, "all-or-none"),
        (order(hedgeType="D"), 201, "hedge"),
        (order(eTradeOnly=True), 10268, "EtradeOnly"),
        (order(cashQty=100.0), 201, "cash"),
    ],
)
def test_what_the_venue_does_not_take_is_refused_with_the_reason(wrong, code, says):
    """Each refusal has the code that the real gateway has for it, and nothing reaches the venue."""

    async def scenario() -> None:
        async with desk() as (_, ib, contract):
            heard = Heard(ib)
            trade = ib.placeOrder(contract, wrong)
            await until(ib, lambda: heard.codes(trade.order.orderId))

            assert heard.codes(trade.order.orderId) == [code]
            assert says in heard.of("error")[0][2]
            assert await ib.reqAllOpenOrdersAsync() == []

    play(scenario)


def test_an_unknown_contract_is_no_order():
    """Error 200, as for any question about it."""

    async def scenario() -> None:
        async with desk() as (_, ib, _contract):
            heard = Heard(ib)
            wrong = stock()
            wrong.symbol = "AAPL"
            trade = ib.placeOrder(wrong, LimitOrder("BUY", 100, 9.0))
            await until(ib, lambda: heard.codes(trade.order.orderId))

            assert heard.codes(trade.order.orderId) == [200]
            assert await ib.qualifyContractsAsync(wrong) == [None]

    play(scenario)


def test_changes_that_make_another_order_are_refused_and_the_order_works_on():
    """Another side or type is 105, another time in force 201; the order keeps its terms."""

    async def scenario() -> None:
        async with desk() as (_, ib, contract):
            trade = ib.placeOrder(contract, order())
            await until(ib, lambda: trade.orderStatus.status == "Submitted")
            heard, number = Heard(ib), trade.order.orderId
            for change in (order(action="SELL"), order(orderType="MKT"), order(tif="GTC"), order(lmtPrice=9.001)):
                ib.client.placeOrder(number, contract, change)
            await until(ib, lambda: len(heard.codes(number)) == 4)
            await ib.reqOpenOrdersAsync()
            listed = heard.of("openOrder")[-1][2]

            assert heard.codes(number) == [105, 105, 201, 110]
            assert (listed.action, listed.lmtPrice, listed.tif) == ("BUY", 9.0, "DAY")

    play(scenario)


def test_orders_that_are_done_can_be_neither_changed_nor_cancelled():
    """104 for a change of a filled order, 103 of a cancelled one; 10148 names the state, 10147 an unknown order."""

    async def scenario() -> None:
        async with desk() as (_, ib, contract):
            filled = ib.placeOrder(contract, MarketOrder("BUY", 100))
            ended = ib.placeOrder(contract, order(tif="IOC"))
            await until(ib, lambda: filled.isDone() and ended.isDone())
            heard = Heard(ib)
            one, two = filled.order.orderId, ended.order.orderId
            ib.client.placeOrder(one, contract, MarketOrder("BUY", 200))
            ib.client.placeOrder(two, contract, order())
            ib.client.cancelOrder(one)
            ib.client.cancelOrder(two)
            ib.client.cancelOrder(99_999)
            await until(ib, lambda: heard.codes(99_999))

            assert heard.codes(one) == [104, 10148]
            assert heard.codes(two) == [103, 10148]
            assert "state: Filled" in heard.of("error")[2][2]
            assert heard.codes(99_999) == [10147]

    play(scenario)


def test_a_cancel_that_loses_the_race_is_told_so():
    """The order trades while the cancel is on its way: PendingCancel, the execution, Filled, and 10148."""

    async def scenario() -> None:
        async with desk() as (_, ib, contract):
            heard = Heard(ib)
            trade = ib.placeOrder(contract, MarketOrder("BUY", 100))
            ib.cancelOrder(trade.order)
            await until(ib, lambda: heard.codes(trade.order.orderId))

            assert heard.codes(trade.order.orderId) == [10148]
            assert "Filled" in heard.statuses(trade.order.orderId)
            assert trade.filled() == 100

    play(scenario)


def test_an_id_is_used_once():
    """An id that is not above all earlier ones of the client is a duplicate."""

    async def scenario() -> None:
        async with desk() as (_, ib, contract):
            heard = Heard(ib)
            trade = ib.placeOrder(contract, order(orderId=500))
            ib.client.placeOrder(499, contract, order())
            await until(ib, lambda: heard.codes(499) and trade.orderStatus.status == "Submitted")

            assert heard.codes(499) == [103]

    play(scenario)


def test_a_second_change_waits_for_the_first():
    """Two changes on the way at once: the second is refused with 2102 and can be repeated."""

    async def scenario() -> None:
        async with desk() as (_, ib, contract):
            trade = ib.placeOrder(contract, order())
            await until(ib, lambda: trade.orderStatus.status == "Submitted")
            heard, number = Heard(ib), trade.order.orderId
            ib.client.placeOrder(number, contract, order(lmtPrice=9.01))
            ib.client.placeOrder(number, contract, order(lmtPrice=9.02))
            await until(ib, lambda: heard.codes(number) and heard.of("openOrder"))

            assert heard.codes(number) == [2102]
            assert heard.of("openOrder")[-1][2].lmtPrice == 9.01

    play(scenario)


def test_a_what_if_order_is_answered_by_margin_and_nothing_is_sent():
    """Margin is a quarter of the position's value at the market; no order exists afterwards."""

    async def scenario() -> None:
        async with desk(options=FEES) as (_, ib, contract):
            state = await ib.whatIfOrderAsync(contract, LimitOrder("BUY", 1000, 9.0))

            assert float(state.initMarginChange) == pytest.approx(1000 * 9.205 / 4)
            assert float(state.initMarginAfter) == pytest.approx(1000 * 9.205 / 4)
            assert state.commission == pytest.approx(0.9)
            assert await ib.reqAllOpenOrdersAsync() == []

    play(scenario)


def test_completed_orders_are_listed_with_how_they_ended():
    """Filled, cancelled and rejected orders, by reference, with the quantity that was filled."""

    async def scenario() -> None:
        async with desk() as (_, ib, contract):
            trades = [
                ib.placeOrder(contract, MarketOrder("BUY", 100, orderRef="bought")),
                ib.placeOrder(contract, order(tif="IOC", orderRef="nothing")),
                ib.placeOrder(contract, order(lmtPrice=5.0, orderRef="refused")),
            ]
            await until(ib, lambda: all(trade.isDone() for trade in trades))
            completed = {one.order.orderRef: one for one in await ib.reqCompletedOrdersAsync(apiOnly=False)}

            assert {name: one.orderStatus.status for name, one in completed.items()} == {
                "bought": "Filled", "nothing": "Cancelled", "refused": "Inactive",
            }  # fmt: skip
            assert completed["bought"].order.filledQuantity == 100

    play(scenario)


@pytest.mark.parametrize(
    ("wanted", "count"),
    [
        ({}, 2),
        ({"clientId": 1}, 1),
        ({"side": "BUY"}, 1),
        ({"side": "SELL"}, 1),
        ({"symbol": "600961", "secType": "STK", "exchange": "SEHKNTL"}, 2),
        ({"symbol": "AAPL"}, 0),
        ({"acctCode": "DU1234567"}, 2),
        ({"acctCode": "DU9"}, 0),
        ({"time": "20230711-02:00:30"}, 1),
        ({"time": "20230711 11:00:00"}, 0),
    ],
)
def test_executions_are_filtered(wanted, count):
    """By client, side, contract, account and time; nothing given means all of the day."""

    async def scenario() -> None:
        async with desk() as (gateway, ib, contract), connected(gateway, 2) as other:
            one = ib.placeOrder(contract, MarketOrder("BUY", 100))
            await until(ib, one.isDone)
            await gateway.play(60)
            two = other.placeOrder(contract, MarketOrder("SELL", 100))
            await until(other, two.isDone)
            fills = await ib.reqExecutionsAsync(ExecutionFilter(**wanted))

            assert len(fills) == count

    play(scenario)


def test_the_order_type_without_a_venue_is_not_faked():
    """A stop order ends in a refusal, not in an order that looks alive."""

    async def scenario() -> None:
        async with desk() as (gateway, ib, contract):
            trade = ib.placeOrder(contract, StopOrder("SELL", 100, 9.0))
            await until(ib, trade.isDone)

            assert trade.orderStatus.status == "Cancelled"
            assert gateway.trading.all_orders == []

    play(scenario)


def test_the_day_ends_what_was_good_for_the_day():
    """Orders that still work when the session closes expire, and are told so."""

    async def scenario() -> None:
        async with desk(start=None) as (gateway, ib, contract):
            trade = ib.placeOrder(contract, order(tif="GTD", goodTillDate="20230711 10:30:00"))
            await until(ib, lambda: trade.orderStatus.status == "Submitted")
            heard = Heard(ib)
            await gateway.play(1801)
            await until(ib, lambda: heard.codes(trade.order.orderId))

            assert heard.statuses(trade.order.orderId) == ["Cancelled"]
            assert heard.of("error")[0][1:3] == (202, "Order Canceled - reason:good till")

    play(scenario)
