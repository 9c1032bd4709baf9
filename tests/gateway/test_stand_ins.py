"""Algos of Interactive Brokers as an unmodified client sees them: its own order, worked by a stand-in that is named."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from ib_async import ExecutionFilter, LimitOrder, MarketOrder, Order, TagValue

from quietfill.domain.broker_algo import BrokerAlgo
from quietfill.domain.errors import BadInput
from quietfill.domain.types import MINUTE, quantity_from
from quietfill.gateway.recorded_facts import recorded_facts
from quietfill.gateway.stand_in_terms import stand_in_for
from tests.gateway.client import Heard, connected, desk, paper, play, sample, stock, until

if TYPE_CHECKING:
    from ib_async import IB, Trade

    from quietfill.gateway.server import PaperGateway

SAYS = "the paper gateway works Twap by a stand-in: Quietfill's own twap"
ENDS = "20230711-02:04:00"  # four minutes after the recording begins


def algo(name: str, quantity: float = 1_000, limit: float | None = 9.40, side: str = "BUY", **tags: Any) -> Order:
    """Return an order for one of the algos."""
    made = MarketOrder(side, quantity) if limit is None else LimitOrder(side, quantity, limit)
    made.algoStrategy = name
    made.algoParams = [TagValue(tag, str(value)) for tag, value in tags.items()]
    made.tif, made.orderRef = "DAY", "mine"
    return made


def twap(quantity: float = 1_000, **more: Any) -> Order:
    """Return a Twap over the first four minutes."""
    tags: dict[str, Any] = {"strategyType": "Marketable", "endTime": ENDS, **more}
    return algo("Twap", quantity, **tags)


async def worked(gateway: PaperGateway, ib: IB, trade: Trade, seconds: float) -> None:
    """Let the market run and the client hear all of it."""
    await until(ib, lambda: trade.orderStatus.status in {"Submitted", "Filled"})
    await gateway.play(seconds)


def test_a_client_is_told_before_its_order_is_acknowledged():
    """The warning comes first, on the order's own id; ib_async keeps the order, and shows algo, tags and warning."""

    async def scenario() -> None:
        async with desk() as (_, ib, contract):
            heard = Heard(ib)
            trade = ib.placeOrder(contract, twap())
            await until(ib, lambda: trade.orderStatus.status == "Submitted")
            number, code, words, _ = heard.of("error")[0]
            shown = (await ib.reqAllOpenOrdersAsync())[0]

            assert heard.names[:3] == ["error", "openOrder", "orderStatus"]
            assert (number, code) == (trade.order.orderId, 399)
            assert words.startswith("Order Message:\nBUY 1000 600961\nWarning: ")
            assert SAYS in words
            assert shown.order.algoStrategy == "Twap"
            assert [(tag.tag, tag.value) for tag in shown.order.algoParams] == [
                ("strategyType", "Marketable"), ("endTime", ENDS),
            ]  # fmt: skip
            assert heard.of("openOrder")[0][3].warningText == SAYS

    play(scenario)


def test_what_its_children_trade_are_executions_of_the_clients_order():
    """One order id, permanent id and reference; cumulative quantity and average of the whole; no other order."""

    async def scenario() -> None:
        async with desk() as (gateway, ib, contract):
            trade = ib.placeOrder(contract, twap())
            await worked(gateway, ib, trade, 250)
            executions = [fill.execution for fill in await ib.reqExecutionsAsync(ExecutionFilter())]
            completed = await ib.reqCompletedOrdersAsync(apiOnly=False)

            assert trade.orderStatus.status == "Filled"
            assert len(executions) > 2
            assert {(one.orderId, one.permId, one.orderRef) for one in executions} == {
                (trade.order.orderId, trade.order.permId, "mine")
            }
            assert [one.cumQty for one in executions][-1] == sum(one.shares for one in executions) == 1_000
            value = sum(one.shares * one.price for one in executions)
            assert executions[-1].avgPrice == pytest.approx(value / 1_000)
            assert trade.orderStatus.avgFillPrice == pytest.approx(value / 1_000)
            assert [one.order.permId for one in completed] == [trade.order.permId]
            assert completed[0].orderStatus.status == "Filled"
            assert [(one.position, one.account) for one in await ib.reqPositionsAsync()] == [(1_000, "DU1234567")]
            assert await ib.reqAllOpenOrdersAsync() == []

    play(scenario)


def test_a_cancel_ends_the_order_and_all_that_works_for_it():
    """PendingCancel, Cancelled and 202, as for any order; the floor holds nothing of it."""

    async def scenario() -> None:
        async with desk() as (gateway, ib, contract):
            heard = Heard(ib)
            trade = ib.placeOrder(contract, algo("DarkIce", 50_000, 9.15, displaySize=500, endTime=ENDS))
            await worked(gateway, ib, trade, 3)
            assert gateway.floor.exchange.open_count == 1
            ib.cancelOrder(trade.order)
            await until(ib, trade.isDone)
            await gateway.play(1)

            assert trade.orderStatus.status == "Cancelled"
            assert heard.codes(trade.order.orderId) == [399, 202]
            assert gateway.floor.exchange.open_count == 0

    play(scenario)


def test_a_change_of_size_and_price_is_an_amendment():
    """More and at another limit: shown at once, and the stand-in works the new total."""

    async def scenario() -> None:
        async with desk() as (gateway, ib, contract):
            trade = ib.placeOrder(contract, twap())
            await worked(gateway, ib, trade, 30)
            trade.order.totalQuantity, trade.order.lmtPrice = 1_500, 9.50
            ib.placeOrder(contract, trade.order)
            await until(ib, lambda: trade.orderStatus.remaining + trade.orderStatus.filled == 1_500)
            await gateway.play(220)

            assert (trade.orderStatus.status, trade.orderStatus.filled) == ("Filled", 1_500)

    play(scenario)


@pytest.mark.parametrize(
    ("changed", "says"),
    [({"algoParams": [TagValue("strategyType", "Marketable")]}, "not its algo"), ({"totalQuantity": 100}, "already")],
)
def test_a_change_that_cannot_be_made_is_refused(changed, says):
    """Other tags, or less than is filled: 201, and the order goes on as it was."""

    async def scenario() -> None:
        async with desk() as (gateway, ib, contract):
            heard = Heard(ib)
            trade = ib.placeOrder(contract, twap())
            await worked(gateway, ib, trade, 150)
            for name, value in changed.items():
                setattr(trade.order, name, value)
            ib.placeOrder(contract, trade.order)
            await until(ib, lambda: 201 in heard.codes(trade.order.orderId))
            await gateway.play(120)

            assert says in next(values[2] for values in heard.of("error") if values[1] == 201)
            assert trade.filled() == 1_000

    play(scenario)


def test_the_end_time_ends_it():
    """What is left at the end of the window is cancelled, with the reason."""

    async def scenario() -> None:
        async with desk() as (gateway, ib, contract):
            heard = Heard(ib)
            trade = ib.placeOrder(contract, algo("PctVol", 1_000_000, pctVol=0.1, endTime=ENDS))
            await worked(gateway, ib, trade, 245)

            assert trade.orderStatus.status == "Cancelled"
            assert 0 < trade.orderStatus.filled < 1_000_000
            assert "left at the end" in heard.of("error")[-1][2]
            assert gateway.floor.exchange.open_count == 0

    play(scenario)


def test_the_start_time_begins_it():
    """It is acknowledged at once and trades from its start on."""

    async def scenario() -> None:
        async with desk() as (gateway, ib, contract):
            trade = ib.placeOrder(contract, twap(startTime="20230711-02:02:00"))
            await worked(gateway, ib, trade, 119)
            before = trade.filled()
            await gateway.play(125)

            assert (before, trade.filled()) == (0, 1_000)

    play(scenario)


def test_a_market_order_by_an_algo_is_worked_too():
    """Without a limit it trades inside a wide collar."""

    async def scenario() -> None:
        async with desk() as (gateway, ib, contract):
            trade = ib.placeOrder(contract, algo("Adaptive", 1_000, None, "SELL", adaptivePriority="Urgent"))
            await worked(gateway, ib, trade, 120)

            assert (trade.orderStatus.status, trade.filled()) == ("Filled", 1_000)

    play(scenario)


def test_the_close_is_worked_at_the_end_of_the_recording():
    """ClosePx waits until the last ten minutes of what is played."""

    async def scenario() -> None:
        begin = sample().last_time - 12 * MINUTE
        async with paper(start=begin) as gateway, connected(gateway) as ib:
            contract = stock()
            await ib.qualifyContractsAsync(contract)
            trade = ib.placeOrder(contract, algo("ClosePx", 2_000, maxPctVol=0.5, riskAversion="Neutral"))
            await worked(gateway, ib, trade, 100)
            before = trade.filled()
            await gateway.play(600)

            assert before == 0
            assert trade.filled() > 1_000

    play(scenario)


def test_equal_seeds_give_equal_executions():
    """The same order at the same instant trades the same; another seed draws other latencies and may not."""

    async def scenario() -> None:
        async def run(seed: int) -> list[tuple[object, ...]]:
            async with desk(seed=seed) as (gateway, ib, contract):
                trade = ib.placeOrder(contract, twap(5_000))
                await worked(gateway, ib, trade, 250)
                return [(e.at, e.price, e.quantity, e.liquidity) for e in gateway.trading.executions]

        first, again = await run(3), await run(3)
        assert first == again
        assert len(first) > 3

    play(scenario)


TAGS = [
    ("Adaptive", {}, "adaptive", {"urgency": 0.5, "rest": "abandon"}),
    ("Adaptive", {"adaptivePriority": "Urgent"}, "adaptive", {"urgency": 0.8, "rest": "abandon"}),
    ("Twap", {"strategyType": "Marketable", "allowPastEndTime": "0"}, "twap", {"urgency": 1.0, "rest": "abandon"}),
    ("Vwap", {"maxPctVol": "0.2", "noTakeLiq": "0"}, "vwap", {"participation_cap": 0.2, "rest": "abandon"}),
    ("ArrivalPx", {"maxPctVol": "0.2", "riskAversion": "Get Done", "forceCompletion": "1"}, "is",
     {"participation_cap": 0.2, "urgency": 0.9, "rest": "complete"}),
    ("PctVol", {"pctVol": "0.3", "noTakeLiq": "1"}, "pov", {"rate": 0.3, "floor": 0.0}),
    ("PctVol", {"pctVol": "0.3"}, "pov", {"rate": 0.3}),
    ("ClosePx", {"maxPctVol": "0.3", "riskAversion": "Neutral"}, "close",
     {"participation_cap": 0.3, "rest": "abandon"}),
    ("DarkIce", {"displaySize": "300"}, "iceberg", {"display_size": "300", "variance_pct": 0.5}),
    ("AD", {"componentSize": "300", "timeBetweenOrders": "20", "randomizeSize55": "1", "waitForFill": "1"}, "iceberg",
     {"display_size": "300", "min_replenish_seconds": 20.0, "variance_pct": 0.55}),
]  # fmt: skip


@pytest.mark.parametrize(("name", "tags", "ours", "params"), TAGS)
def test_each_algo_has_its_stand_in(name, tags, ours, params):
    """The tags become the parameters of the algo of ours that has the same intention."""
    terms = stand_in_for(BrokerAlgo(name, tuple(tags.items())), "Asia/Shanghai")

    assert (terms.algo, terms.params) == (ours, params)


@pytest.mark.parametrize("words", ["20230711-02:04:00", "20230711 10:04:00 Asia/Shanghai", "20230711 10:04:00"])
def test_times_are_read_in_every_way_in_which_they_are_written(words):
    """UTC with a dash, a named zone, or the gateway's own; Accumulate/Distribute may add GMT."""
    named = {"Twap": "endTime", "AD": "activeTimeEnd"}
    needed = {"AD": {"componentSize": "100", "timeBetweenOrders": "5", "waitForFill": "1"}}
    ends = {
        stand_in_for(BrokerAlgo(name, tuple({tag: words, **needed.get(name, {})}.items())), "Asia/Shanghai").end
        for name, tag in named.items()
    }
    with_zone = {"activeTimeEnd": "20230711-02:04:00 GMT", **needed["AD"]}

    assert ends == {stand_in_for(BrokerAlgo("AD", tuple(with_zone.items())), "Asia/Shanghai").end}


REFUSED: list[tuple[str, dict[str, Any], str]] = [
    ("BalanceImpactRisk", {}, "no stand-in for the algo 'BalanceImpactRisk'"),
    ("Twap", {"strategyType": "Matching Last"}, "has no strategyType 'Matching Last'"),
    ("Twap", {"allowPastEndTime": "1"}, "has no allowPastEndTime: it ends at its end time"),
    ("Twap", {"endTime": "soon"}, "endTime 'soon' is not like"),
    ("Twap", {"startTime": "20230711-02:05:00", "endTime": ENDS}, "end time is not after its start time"),
    ("Twap", {"pace": "fast"}, "Twap has no parameter 'pace'"),
    ("Vwap", {"maxPctVol": "0.8"}, "maxPctVol must be between 0.01 and 0.5"),
    ("Vwap", {"noTakeLiq": "1"}, "has no noTakeLiq"),
    ("Vwap", {"speedUp": "1"}, "has no speedUp"),
    ("ArrivalPx", {"riskAversion": "Bold"}, "has no riskAversion 'Bold'"),
    ("ClosePx", {"riskAversion": "Passive"}, "has no riskAversion 'Passive'"),
    ("PctVol", {"pctVol": "much"}, "pctVol must be a number"),
    ("PctVol", {"noTakeLiq": "2"}, "noTakeLiq must be 0 or 1"),
    ("DarkIce", {}, "displaySize must be a number"),
    ("DarkIce", {"displaySize": "-5"}, "displaySize must be above 0"),
    ("AD", {"componentSize": "5", "timeBetweenOrders": "5"}, "waitForFill must be 1"),
    ("AD", {"componentSize": "5", "timeBetweenOrders": "5", "waitForFill": "1", "catchUp": "1"}, "has no catchUp"),
    ("AD", {"componentSize": "5", "timeBetweenOrders": "5", "waitForFill": "1", "giveUp": "3"}, "has no giveUp"),
    ("AD", {"componentSize": "5", "timeBetweenOrders": "5", "waitForFill": "1", "randomizeTime20": "1"},
     "has no randomizeTime20"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "tags", "says"), REFUSED)
def test_what_a_stand_in_cannot_do_is_refused(name, tags, says):
    """No tag is read and then dropped: the message names it, in one line."""
    with pytest.raises(BadInput, match=says) as refused:
        stand_in_for(BrokerAlgo(name, tuple(tags.items())), "Asia/Shanghai")

    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        (algo("Twap", strategyType="Matching Last"), "has no strategyType"),
        (algo("DarkIce", displaySize=500, endTime="20230711-01:00:00"), "has passed"),
        (algo("Twap"), None),
    ],
    ids=["a tag", "a window that is over", "a life"],
)
def test_a_refusal_says_why_and_nothing_works(wrong, says):
    """201 with the reason, whether the tags, the window or the life cannot be had."""
    if says is None:
        wrong.tif, says = "IOC", "works no algo with the time in force IOC"

    async def scenario() -> None:
        async with desk() as (gateway, ib, contract):
            heard = Heard(ib)
            trade = ib.placeOrder(contract, wrong)
            await until(ib, lambda: 201 in heard.codes(trade.order.orderId))

            assert says in next(values[2] for values in heard.of("error") if values[1] == 201)
            assert gateway.floor.exchange.open_count == 0

    play(scenario)


def test_volume_and_volatility_are_those_that_the_recording_stands_for():
    """Carried from the recorded hour to a day: more than was printed, and a few percent."""
    facts = recorded_facts(sample())

    assert facts.adv is not None
    assert facts.volatility is not None
    assert facts.adv > 3 * quantity_from(2_000_000)
    assert 0.005 < facts.volatility < 0.1
