"""Faults of market data: what a client sees of each, over a real socket."""

from __future__ import annotations

import pytest

from tests.gateway.client import Heard, desk, play, until


@pytest.mark.parametrize("code", [354, 10089, 10090, 10168])
def test_no_permission(code):
    """Quotes, depth and ticks are refused; the contract is still described."""

    async def scenario() -> None:
        async with desk(faults=[f"no-permission:code={code}"]) as (gateway, ib, contract):
            heard = Heard(ib)
            ticker = ib.reqMktData(contract)
            ib.reqMktDepth(contract)
            ib.reqTickByTickData(contract, "Last")
            await until(ib, lambda: len(heard.codes()) == 3)
            await gateway.play(30)

            assert heard.codes() == [code] * 3
            assert ticker.bid != ticker.bid
            assert len(await ib.reqContractDetailsAsync(contract)) == 1

    play(scenario)


def test_delayed_data():
    """10167, market data type 3, and quotes that are those of a while ago under the delayed tick types."""

    async def scenario() -> None:
        async with desk(faults=["delayed-data:seconds=60"]) as (gateway, ib, contract):
            heard = Heard(ib)
            ticker = ib.reqMktData(contract)
            kinds: set[int] = set()
            ticker.updateEvent.connect(lambda ticker: kinds.update(tick.tickType for tick in ticker.ticks))
            await until(ib, lambda: ticker.marketDataType == 3)
            await gateway.play(59)
            early = set(kinds)
            await gateway.play(2)

            assert heard.codes() == [10167]
            assert early <= {49}
            assert {66, 67} <= kinds
            assert not {1, 2} & kinds

    play(scenario)


def test_other_session():
    """10197 for the subscription, and no more ticks."""

    async def scenario() -> None:
        async with desk(faults=["other-session:after=10"]) as (gateway, ib, contract):
            heard = Heard(ib)
            ticker = ib.reqMktData(contract)
            await gateway.play(11)
            await until(ib, heard.codes)
            updates: list[float] = []
            ticker.updateEvent.connect(lambda ticker: updates.append(ticker.bid))
            await gateway.play(120)

            assert heard.codes() == [10197]
            assert updates == []

    play(scenario)


@pytest.mark.parametrize(("returns", "comes_back"), [("yes", True), ("no", False)])
def test_farm_down(returns, comes_back):
    """2103, silence, 2104; and afterwards ticks, or none although it is said that all is well."""

    async def scenario() -> None:
        async with desk(faults=[f"farm-down:after=10,lasts=60,returns={returns}"]) as (gateway, ib, contract):
            heard = Heard(ib)
            ticker = ib.reqMktData(contract)
            await gateway.play(11)
            updates: list[float] = []
            ticker.updateEvent.connect(lambda ticker: updates.append(ticker.bid))
            await gateway.play(58)
            during = len(updates)
            await gateway.play(60)

            assert heard.codes(-1) == [2103, 2104]
            assert during == 0
            assert bool(updates) is comes_back

    play(scenario)


def test_quotes_silent():
    """Ticks stop without a word while questions are still answered."""

    async def scenario() -> None:
        async with desk(faults=["quotes-silent:after=10,lasts=60"]) as (gateway, ib, contract):
            heard = Heard(ib)
            ticker = ib.reqMktData(contract)
            await gateway.play(11)
            updates: list[float] = []
            ticker.updateEvent.connect(lambda ticker: updates.append(ticker.bid))
            await gateway.play(58)
            during = len(updates)
            answered = await ib.reqCurrentTimeAsync()
            await gateway.play(30)

            assert heard.codes() == []
            assert (during, bool(updates)) == (0, True)
            assert answered.minute == 1

    play(scenario)


def test_depth_reset():
    """317 says to empty the book; the rows that follow are inserts from the top."""

    async def scenario() -> None:
        async with desk(faults=["depth-reset:after=10"]) as (gateway, ib, contract):
            heard = Heard(ib)
            ticker = ib.reqMktDepth(contract, numRows=5)
            await gateway.play(9)
            operations: list[int] = []
            ticker.updateEvent.connect(lambda ticker: operations.extend(tick.operation for tick in ticker.domTicks))
            await gateway.play(30)

            assert heard.codes() == [317]
            assert 0 in operations
            assert len(ticker.domBids) == len(ticker.domAsks) == 5

    play(scenario)


@pytest.mark.parametrize("ask", ["below", "none"])
def test_crossed_quotes(ask):
    """The ask is below the bid, or there is none; afterwards it is as it should be."""

    async def scenario() -> None:
        async with desk(faults=[f"crossed-quotes:ask={ask}"]) as (_, ib, contract):
            ticker = ib.reqMktData(contract)
            await until(ib, lambda: ticker.volume == ticker.volume)

            assert ticker.bid == 9.2
            assert ticker.ask == pytest.approx(9.17) if ask == "below" else ticker.ask == -1

    play(scenario)


def test_halted():
    """Tick type 49 says halted, and says so no more afterwards."""

    async def scenario() -> None:
        async with desk(faults=["halted:after=10,lasts=20"]) as (gateway, ib, contract):
            ticker = ib.reqMktData(contract)
            await gateway.play(11)
            during = ticker.halted
            await gateway.play(30)

            assert (during, ticker.halted) == (1, 0)

    play(scenario)


def test_history_pacing():
    """162, a pacing violation, as often as was asked for."""

    async def scenario() -> None:
        async with desk(faults=["history-pacing:times=1"]) as (gateway, ib, contract):
            heard = Heard(ib)
            await gateway.play(120)
            first = await ib.reqHistoricalDataAsync(contract, "", "60 S", "5 secs", "TRADES", useRTH=True)
            second = await ib.reqHistoricalDataAsync(contract, "", "60 S", "5 secs", "TRADES", useRTH=True)

            assert (len(first), len(second)) == (0, 12)
            assert heard.codes() == [162]

    play(scenario)


def test_ambiguous_contract():
    """A second contract of that name in another currency is found."""

    async def scenario() -> None:
        async with desk() as (gateway, ib, contract):
            gateway.faults.add("ambiguous-contract")
            found = [one.contract for one in await ib.reqContractDetailsAsync(contract)]

            assert [one.currency for one in found if one] == ["CNY", "EUR"]
            assert len({one.conId for one in found if one}) == 2

    play(scenario)


@pytest.mark.parametrize(("how", "codes"), [("refused", [10190]), ("silent", []), ("gaps", [])])
def test_no_tick_by_tick(how, codes):
    """Trades are refused, not told, or told with gaps, while the quotes count all of them."""

    async def scenario() -> None:
        async with desk(faults=[f"no-tick-by-tick:how={how}"]) as (gateway, ib, contract):
            heard = Heard(ib)
            quotes = ib.reqMktData(contract)
            ib.reqTickByTickData(contract, "Last")
            told = []
            quotes.updateEvent.connect(lambda ticker: told.extend(ticker.tickByTicks))
            await until(ib, lambda: quotes.volume == quotes.volume)
            before = quotes.volume
            await gateway.play(60)
            await ib.reqCurrentTimeAsync()

            assert heard.codes() == codes
            assert quotes.volume > before
            assert bool(told) is (how == "gaps")
            assert sum(tick.size for tick in told) < quotes.volume - before

    play(scenario)
