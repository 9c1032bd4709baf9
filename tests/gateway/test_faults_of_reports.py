"""Faults in what is told of orders and executions: what a client sees of each, over a real socket."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from ib_async import LimitOrder, MarketOrder

from quietfill.venue.options import VenueOptions
from tests.gateway.client import Heard, desk, play, until

if TYPE_CHECKING:
    from ib_async import Order

FEES = VenueOptions(taker_fee_bps=Decimal(1))


def story(fault: str, order: Order | None = None) -> tuple[Heard, int]:
    """Place one order under a fault, play a minute, and return what was heard and the order's id."""
    told: list[tuple[Heard, int]] = []

    async def scenario() -> None:
        async with desk(faults=[fault], options=FEES) as (gateway, ib, contract):
            heard = Heard(ib)
            trade = ib.placeOrder(contract, order or MarketOrder("BUY", 300, orderRef="mine"))
            await until_done(gateway)
            await gateway.play(60)
            told.append((heard, trade.order.orderId))

    play(scenario)
    return told[0]


async def until_done(gateway) -> None:
    """Let the order reach the venue, and everything come back that is not held up."""
    await gateway.play(1)


def test_ack_late():
    """Executions come before anything else is said of the order; that comes later."""
    heard, number = story("ack-late:seconds=30")

    assert heard.names[:2] == ["execDetails", "commissionReport"]
    assert heard.statuses(number) == ["Submitted", "Filled", "Filled"]


def test_status_late():
    """OpenOrder has said Filled long before the first orderStatus comes."""
    heard, number = story("status-late:seconds=30")

    assert heard.names.index("commissionReport") < heard.names.index("orderStatus")
    assert heard.of("openOrder")[-1][3].status == "Filled"
    assert heard.statuses(number)[0] == "Submitted"


def test_execution_late():
    """Filled comes first, the execution thirty seconds later."""
    heard, number = story("execution-late:seconds=30")

    assert heard.names[-2:] == ["execDetails", "commissionReport"]
    assert "Filled" in heard.statuses(number)
    assert heard.names.index("orderStatus") < heard.names.index("execDetails")


def test_commission_late():
    """The execution comes in time, its commission later."""
    heard, _ = story("commission-late:seconds=30")

    assert heard.names[-1] == "commissionReport"
    assert heard.names.count("execDetails") == 1


def test_commission_early():
    """The commission comes before the execution that it belongs to."""
    heard, _ = story("commission-early")

    assert heard.names.index("commissionReport") < heard.names.index("execDetails")
    assert heard.names.count("commissionReport") == 1
    assert heard.of("commissionReport")[0][0].execId == heard.of("execDetails")[0][2].execId


def test_commission_missing():
    """No commission is told unasked; the answer to a question has it."""

    async def scenario() -> None:
        async with desk(faults=["commission-missing"], options=FEES) as (_, ib, contract):
            heard = Heard(ib)
            trade = ib.placeOrder(contract, MarketOrder("BUY", 300))
            await until(ib, trade.isDone)
            unasked = len(heard.of("commissionReport"))
            await ib.reqExecutionsAsync()

            assert unasked == 0
            assert [values[0].commission for values in heard.of("commissionReport")] == [0.2763]

    play(scenario)


def test_commission_unset():
    """The commission is the number that means none."""
    heard, _ = story("commission-unset")

    assert heard.of("commissionReport")[0][0].commission > 1e300


def test_status_missing():
    """Only execution and commission are told."""
    heard, _ = story("status-missing")

    assert heard.names == ["execDetails", "commissionReport"]


def test_execution_missing():
    """Filled, and no execution unless it is asked for."""

    async def scenario() -> None:
        async with desk(faults=["execution-missing"]) as (_, ib, contract):
            heard = Heard(ib)
            trade = ib.placeOrder(contract, MarketOrder("BUY", 300))
            await until(ib, trade.isDone)

            assert heard.of("execDetails") == []
            assert len(await ib.reqExecutionsAsync()) == 1

    play(scenario)


def test_order_unheard():
    """Nothing is told, although the order is filled: the lists know."""

    async def scenario() -> None:
        async with desk(faults=["order-unheard"]) as (gateway, ib, contract):
            heard = Heard(ib)
            ib.placeOrder(contract, MarketOrder("BUY", 300, orderRef="mine"))
            await gateway.play(5)
            unasked = list(heard.names)
            (completed,) = await ib.reqCompletedOrdersAsync(apiOnly=False)

            assert unasked == []
            assert (completed.order.orderRef, completed.orderStatus.status) == ("mine", "Filled")

    play(scenario)


def test_status_replayed():
    """Every status twice, and the first one again behind Filled."""
    heard, number = story("status-replayed")

    assert heard.statuses(number) == ["Submitted"] * 2 + (["Filled"] * 2 + ["Submitted"]) * 2


def test_perm_id_zero():
    """The permanent id is 0 in openOrder and orderStatus, while the execution has the true one."""
    heard, _ = story("perm-id-zero")

    assert {values[2].permId for values in heard.of("openOrder")} == {0}
    assert {values[5] for values in heard.of("orderStatus")} == {0}
    assert heard.of("execDetails")[0][2].permId > 0


def test_fill_before_ack():
    """The execution is the first that is heard of the order; acknowledgement and status follow."""
    heard, number = story("fill-before-ack")
    resting, other = story("fill-before-ack", LimitOrder("BUY", 100, 9.0))

    assert heard.names[0] == "execDetails"
    assert heard.statuses(number) == ["Submitted", "Filled", "Filled"]
    assert resting.statuses(other) == []


def test_execution_twice():
    """The same execution and its commission are told twice, under the same id."""
    heard, _ = story("execution-twice")

    assert len(heard.of("execDetails")) == 2
    assert len({values[2].execId for values in heard.of("execDetails")}) == 1
    assert len(heard.of("commissionReport")) == 2


def test_execution_corrected():
    """The same stem comes again under revision 02, one tick dearer, for the same quantity."""
    heard, _ = story("execution-corrected:seconds=3")
    first, second = [values[2] for values in heard.of("execDetails")]

    assert first.execId[:-2] == second.execId[:-2]
    assert (first.execId[-2:], second.execId[-2:]) == ("01", "02")
    assert (first.price, second.price) == (9.21, 9.22)
    assert first.shares == second.shares == 300
