"""Positions, account values and profit over a real socket."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ib_async import LimitOrder, MarketOrder

from quietfill.domain.types import OrderSide
from quietfill.gateway.account import Account
from quietfill.venue.options import VenueOptions
from tests.gateway.client import Heard, connected, desk, paper, play, stock, until

FEES = VenueOptions(taker_fee_bps=Decimal(1))
TRADES = st.lists(
    st.tuples(st.sampled_from(list(OrderSide)), st.integers(1, 50), st.integers(1, 200), st.integers(0, 9)), max_size=30
)


@given(trades=TRADES, price=st.integers(1, 200))
def test_the_books_balance(trades, price):
    """Whatever is traded: cash and position together are what went in plus all profit, taken or not."""
    account = Account("DU1", 1000)
    for side, size, paid, fee in trades:
        account.book(side, Decimal(size), Decimal(paid), Decimal(fee))
    at = Decimal(price)

    assert account.position == sum(side.sign * size for side, size, _, _ in trades)
    assert account.equity(at) == pytest.approx(1000 + account.realized + account.unrealized(at))


def test_positions_and_values_follow_executions():
    """Position, average cost with commission, cash and net liquidation after a round trip in part."""

    async def scenario() -> None:
        async with desk(options=FEES) as (_, ib, contract):
            bought = ib.placeOrder(contract, MarketOrder("BUY", 300))
            await until(ib, bought.isDone)
            sold = ib.placeOrder(contract, MarketOrder("SELL", 100))
            await until(ib, lambda: ib.portfolio() and ib.portfolio()[0].position == 200)
            report = sold.fills[0].commissionReport
            (position,) = ib.positions()
            told = [value for value in ib.accountValues() if value.currency == "CNY" and value.value != "CNY"]
            values = {value.tag: float(value.value) for value in told}

            assert position.avgCost == pytest.approx(9.21 * 1.0001)
            assert report.realizedPNL == pytest.approx(100 * (9.2 * 0.9999 - 9.21 * 1.0001))
            assert values["TotalCashValue"] == pytest.approx(1e7 - 300 * 9.21 * 1.0001 + 100 * 9.2 * 0.9999, abs=0.01)
            assert values["RealizedPnL"] == pytest.approx(report.realizedPNL, abs=0.01)
            assert ib.portfolio()[0].position == 200

    play(scenario)


def test_opening_realizes_nothing():
    """The commission report of an opening trade says that its profit is not known, not that it is 0."""

    async def scenario() -> None:
        async with desk() as (_, ib, contract):
            heard = Heard(ib)
            ib.placeOrder(contract, MarketOrder("BUY", 300))
            await until(ib, lambda: heard.of("commissionReport"))

            assert heard.of("commissionReport")[0][0].realizedPNL > 1e300

    play(scenario)


def test_several_accounts_are_kept_apart():
    """Each order names its account; one that names none is refused with 436."""

    async def scenario() -> None:
        async with paper(accounts=("DU1", "DU2")) as gateway, connected(gateway) as ib:
            contract = stock()
            await ib.qualifyContractsAsync(contract)
            heard = Heard(ib)
            nobody = ib.placeOrder(contract, LimitOrder("BUY", 100, 9.21))
            mine = ib.placeOrder(contract, LimitOrder("BUY", 100, 9.21, account="DU2"))
            await until(ib, lambda: mine.isDone() and nobody.isDone() and ib.positions())

            assert ib.managedAccounts() == ["DU1", "DU2"]
            assert heard.codes(nobody.order.orderId) == [436]
            assert [(held.account, held.position) for held in ib.positions()] == [("DU2", 100)]

    play(scenario)


def test_summary_and_profit_are_told_and_told_again():
    """Account summary by tag, profit of the account and of the position, both updated by executions."""

    async def scenario() -> None:
        async with desk() as (_, ib, contract):
            summary = {value.tag: value.value for value in await ib.accountSummaryAsync()}
            profit = ib.reqPnL("DU1234567")
            single = ib.reqPnLSingle("DU1234567", "", contract.conId)
            trade = ib.placeOrder(contract, MarketOrder("BUY", 1000))
            await until(ib, lambda: trade.isDone() and single.position == 1000 and profit.unrealizedPnL)

            assert float(summary["NetLiquidation"]) == 1e7
            assert profit.unrealizedPnL == pytest.approx(1000 * (9.205 - 9.21), abs=10)
            assert single.value == pytest.approx(9205, abs=10)

    play(scenario)


def test_an_unknown_account_is_refused():
    """Error 321, which names the code."""

    async def scenario() -> None:
        async with desk() as (_, ib, _contract):
            heard = Heard(ib)
            ib.client.reqAccountUpdates(True, "DU9")
            await until(ib, heard.codes)

            assert heard.of("error")[0][1] == 321
            assert "DU9" in heard.of("error")[0][2]

    play(scenario)
