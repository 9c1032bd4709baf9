"""Market data over a real socket, held to the recording."""

from __future__ import annotations

from itertools import pairwise

import pytest
from ib_async import MarketOrder

from quietfill.domain.types import MINUTE, SECOND, price_float, quantity_float
from tests.gateway.client import Heard, desk, play, sample, stock, until


def touch(gateway) -> tuple[float, float, float, float]:
    """Return bid, its size, ask and its size as the venue has them."""
    book = gateway.floor.book
    (bid, bid_size), (ask, ask_size) = book.bids[0], book.asks[0]
    return price_float(bid), quantity_float(bid_size), price_float(ask), quantity_float(ask_size)


def test_the_contract_says_what_orders_are_checked_against():
    """Ticks, sizes, hours, zone, exchanges, one market rule for each of them, and order types."""

    async def scenario() -> None:
        async with desk() as (_, ib, contract):
            (details,) = await ib.reqContractDetailsAsync(contract)
            steps = await ib.reqMarketRuleAsync(int(details.marketRuleIds.split(",")[0]))

            assert details.minTick == 0.01
            assert [(step.lowEdge, step.increment) for step in steps or []] == [(0, 0.01)]
            assert (details.minSize, details.sizeIncrement, details.suggestedSizeIncrement) == (1, 1, 100)
            assert details.validExchanges == "SMART,SEHKNTL"
            assert details.marketRuleIds == "26,26"
            assert details.timeZoneId == "Asia/Shanghai"
            assert details.liquidHours.startswith("20230711:0930-20230711:1130;20230711:1300-20230711:1457;")
            assert "20230715:CLOSED" in details.tradingHours
            assert details.orderTypes == "LMT,MKT"

    play(scenario)


@pytest.mark.parametrize(
    ("field", "value"), [("symbol", "AAPL"), ("currency", "USD"), ("exchange", "NYSE"), ("secType", "FUT")]
)
def test_another_contract_is_not_found(field, value):
    """Error 200 for whatever does not name this one."""

    async def scenario() -> None:
        async with desk() as (_, ib, _contract):
            heard, wrong = Heard(ib), stock()
            setattr(wrong, field, value)

            assert await ib.reqContractDetailsAsync(wrong) == []
            assert heard.codes() == [200]

    play(scenario)


def test_quotes_follow_the_venue():
    """Bid, ask and sizes are those of the venue at the time reached; last and volume those of the tape."""

    async def scenario() -> None:
        async with desk() as (gateway, ib, contract):
            ticker = ib.reqMktData(contract)
            await until(ib, lambda: ticker.bid == ticker.bid)
            assert (ticker.bid, ticker.bidSize, ticker.ask, ticker.askSize) == touch(gateway)
            for _ in range(20):
                await gateway.play(30)
                assert (ticker.bid, ticker.bidSize, ticker.ask, ticker.askSize) == touch(gateway)
                assert ticker.last == price_float(gateway.floor.book.last or 0)
                assert ticker.volume == quantity_float(gateway.floor.book.volume or 0)
            assert ticker.minTick == 0.01
            assert ticker.marketDataType == 1

    play(scenario)


def test_a_snapshot_ends():
    """All ticks once, then the end, and nothing after it."""

    async def scenario() -> None:
        async with desk() as (gateway, ib, contract):
            (ticker,) = await ib.reqTickersAsync(contract)
            bid = ticker.bid
            await gateway.play(300)

            assert bid == 9.2
            assert (ticker.bid, gateway.market.lines) == (bid, {})

    play(scenario)


def test_the_tape_is_told_trade_by_trade():
    """RTVolume carries every recorded print since the subscription, with the running volume."""

    async def scenario() -> None:
        async with desk() as (gateway, ib, contract):
            ticker = ib.reqMktData(contract, "233")
            await until(ib, lambda: ticker.bid == ticker.bid)
            prints: list[float] = []
            ticker.updateEvent.connect(
                lambda ticker: prints.extend(tick.size for tick in ticker.ticks if tick.tickType == 48)
            )
            before = gateway.floor.book.volume or 0
            await gateway.play(60)
            seen = gateway.floor.history
            expected = seen.print_quantity[seen.print_time > gateway.floor.start].tolist()

            assert prints == [quantity_float(size) for size in expected]
            assert ticker.rtVolume == quantity_float(before + sum(expected))
            value = (seen.print_price * seen.print_quantity.astype(float)).sum() + before * float(seen.print_price[0])
            assert abs(ticker.vwap * 1e9 * (before + sum(expected)) / value - 1) < 1e-6

    play(scenario)


def test_own_trades_are_on_the_tape():
    """What a client trades is a print for everybody, and is taken from the book."""

    async def scenario() -> None:
        async with desk() as (_, ib, contract):
            ticker = ib.reqMktData(contract, "233")
            ticks = ib.reqTickByTickData(contract, "AllLast")
            await until(ib, lambda: ticker.ask == ticker.ask)
            shown = ticker.askSize
            trade = ib.placeOrder(contract, MarketOrder("BUY", 700))
            await until(ib, trade.isDone)
            await until(ib, lambda: ticker.rtVolume == ticker.rtVolume)

            assert (ticker.last, ticker.lastSize) == (9.21, 700)
            assert ticks.last == 9.21
            assert ticker.askSize <= shown

    play(scenario)


@pytest.mark.parametrize("smart", [False, True])
def test_depth_follows_the_venue(smart):
    """Rows inserted, updated and deleted add up to the venue's levels at any time."""

    async def scenario() -> None:
        async with desk() as (gateway, ib, contract):
            ticker = ib.reqMktDepth(contract, numRows=5, isSmartDepth=smart)
            await until(ib, lambda: len(ticker.domAsks) == 5)
            for _ in range(10):
                await gateway.play(20)
                book = gateway.floor.book
                bids = [(level.price, level.size) for level in ticker.domBids]
                asks = [(level.price, level.size) for level in ticker.domAsks]
                assert bids == [(price_float(price), quantity_float(size)) for price, size in book.bids[:5]]
                assert asks == [(price_float(price), quantity_float(size)) for price, size in book.asks[:5]]
            ib.cancelMktDepth(contract, isSmartDepth=smart)

    play(scenario)


def test_tick_by_tick_has_every_trade_and_every_touch():
    """No print and no change of the touch is left out, however far time is played at once."""

    async def scenario() -> None:
        async with desk() as (gateway, ib, contract):
            trades = ib.reqTickByTickData(contract, "Last")
            sizes: list[float] = []
            trades.updateEvent.connect(lambda ticker: sizes.extend(tick.size for tick in ticker.tickByTicks))
            await gateway.play(60)
            seen = gateway.floor.history
            assert sizes == [
                quantity_float(q) for q in seen.print_quantity[seen.print_time > gateway.floor.start].tolist()
            ]
            ib.cancelTickByTickData(contract, "Last")
            mids = ib.reqTickByTickData(contract, "MidPoint")
            changes: list[float] = []
            mids.updateEvent.connect(lambda ticker: changes.extend(tick.midPoint for tick in ticker.tickByTicks))
            started = gateway.floor.now
            await gateway.play(300)
            seen = gateway.floor.history
            rows = (seen.touch_time > started) & seen.has_touch
            twice = (seen.bid + seen.ask)[rows].tolist()
            expected = [price_float(now) / 2 for before, now in pairwise([0, *twice]) if before != now]

            assert changes[-len(expected) :] == pytest.approx(expected)
            assert len(changes) <= len(expected) + 1  # and the one at which it began

    play(scenario)


def test_bars_of_the_past_are_those_of_the_tape():
    """Minute bars add up to the recorded prints, begin on the minute and stop at the present."""

    async def scenario() -> None:
        async with desk() as (gateway, ib, contract):
            await gateway.play(600)
            bars = await ib.reqHistoricalDataAsync(contract, "", "600 S", "1 min", "TRADES", useRTH=True)
            seen = gateway.floor.history
            begun = gateway.floor.start
            for number, bar in enumerate(bars):
                rows = (seen.print_time >= begun + number * MINUTE) & (seen.print_time < begun + (number + 1) * MINUTE)
                prices = seen.print_price[rows]
                assert bar.volume == quantity_float(int(seen.print_quantity[rows].sum()))
                assert (bar.high, bar.low) == (price_float(int(prices.max())), price_float(int(prices.min())))
                assert (bar.open, bar.close, bar.barCount) == (*map(price_float, prices[[0, -1]].tolist()), len(prices))

            assert len(bars) == 10
            assert bars[0].date.isoformat() == "2023-07-11T10:00:00+08:00"

    play(scenario)


@pytest.mark.parametrize(("what", "size"), [("MIDPOINT", "30 secs"), ("BID", "1 min"), ("ASK", "5 mins")])
def test_bars_of_quotes_have_no_volume(what, size):
    """Bars of bid, ask and middle stay inside the recorded touch."""

    async def scenario() -> None:
        async with desk() as (gateway, ib, contract):
            await gateway.play(600)
            bars = await ib.reqHistoricalDataAsync(contract, "", "1 D", size, what, useRTH=True, formatDate=2)

            assert {bar.volume for bar in bars} == {-1}
            assert all(bar.low <= min(bar.open, bar.close) <= max(bar.open, bar.close) <= bar.high for bar in bars)
            assert all(bar.low > 9 and bar.high < 10 for bar in bars)

    play(scenario)


def test_the_future_is_not_told():
    """A question about what was recorded but has not come about yet is answered by 162."""

    async def scenario() -> None:
        async with desk() as (_, ib, contract):
            heard = Heard(ib)
            bars = await ib.reqHistoricalDataAsync(contract, "", "60 S", "5 secs", "TRADES", useRTH=True)
            ticks = await ib.reqHistoricalTicksAsync(contract, "20230711 10:30:00", "", 10, "TRADES", useRth=True)

            assert list(bars) == []
            assert ticks == []
            assert heard.codes() == [162]

    play(scenario)


def test_live_bars_come_every_five_seconds():
    """Real-time bars begin on the five seconds and add up to the tape."""

    async def scenario() -> None:
        async with desk() as (gateway, ib, contract):
            bars = ib.reqRealTimeBars(contract, 5, "TRADES", useRTH=False)
            await gateway.play(60.5)
            seen = gateway.floor.history
            until_last = seen.print_time < gateway.floor.start + 60 * SECOND

            assert len(bars) == 12
            assert [bar.time.second for bar in bars][:3] == [0, 5, 10]
            assert sum(bar.volume for bar in bars) == quantity_float(int(seen.print_quantity[until_last].sum()))

    play(scenario)


def test_history_can_be_kept_up_to_date():
    """The last bar goes on changing, and new ones are added."""

    async def scenario() -> None:
        async with desk() as (gateway, ib, contract):
            await gateway.play(90)
            bars = await ib.reqHistoricalDataAsync(
                contract, "", "300 S", "1 min", "TRADES", useRTH=True, keepUpToDate=True
            )
            before = len(bars)
            await gateway.play(120)

            assert len(bars) == before + 2

    play(scenario)


def test_past_ticks_are_those_of_the_tape():
    """Trades and midpoints from a start on, as many as were asked for."""

    async def scenario() -> None:
        async with desk() as (gateway, ib, contract):
            await gateway.play(120)
            trades = await ib.reqHistoricalTicksAsync(contract, "20230711 10:00:30", "", 25, "TRADES", useRth=True)
            mids = await ib.reqHistoricalTicksAsync(contract, "", "20230711 10:02:00", 5, "MIDPOINT", useRth=True)
            seen = gateway.floor.history
            first = int(seen.print_time.searchsorted(gateway.floor.start + 30 * SECOND))

            assert [tick.size for tick in trades] == [
                quantity_float(size) for size in seen.print_quantity[first : first + 25].tolist()
            ]
            assert 1 <= len(mids) <= 5
            assert (await ib.reqHeadTimeStampAsync(contract, "TRADES", useRTH=True, formatDate=1)).hour == 10

    play(scenario)


def codes_of(request) -> list[int]:
    """Return the error codes that a request is answered with."""
    found: list[int] = []

    async def scenario() -> None:
        async with desk() as (_, ib, contract):
            heard = Heard(ib)
            request(ib, contract)
            await until(ib, heard.codes)
            found.extend(heard.codes())

    play(scenario)
    return found


@pytest.mark.parametrize(
    ("request_of", "code"),
    [
        (lambda ib, c: ib.client.reqMktData(50, c, "9999", False, False, []), 321),
        (lambda ib, _: ib.client.cancelMktData(77), 300),
        (lambda ib, _: ib.client.cancelMktDepth(77, False), 310),
        (lambda ib, _: ib.client.cancelTickByTickData(77), 300),
        (lambda ib, _: ib.client.cancelHistoricalData(77), 366),
        (lambda ib, c: [ib.client.reqMktDepth(50 + n, c, 5, False, []) for n in range(4)], 309),
        (lambda ib, c: [ib.client.reqTickByTickData(50 + n, c, "Last", 0, False) for n in range(6)], 10190),
        (lambda ib, c: [ib.client.reqMktData(50, c, "", False, False, []) for _ in range(2)], 102),
        (lambda ib, c: [ib.client.reqMktData(n, c, "", False, False, []) for n in range(50, 151)], 101),
        (lambda ib, c: ib.client.reqHistoricalData(50, c, "", "60 S", "7 secs", "TRADES", 1, 1, False, []), 321),
        (lambda ib, c: ib.client.reqHistoricalData(50, c, "", "ages", "5 secs", "TRADES", 1, 1, False, []), 321),
        (lambda ib, c: ib.client.reqHistoricalData(50, c, "", "60 S", "5 secs", "YIELD", 1, 1, False, []), 162),
        (lambda ib, c: ib.client.reqRealTimeBars(50, c, 30, "TRADES", False, []), 321),
        (lambda ib, _: ib.client.reqMarketDataType(9), 321),
        (lambda ib, _: ib.client.reqMarketRule(4), 321),
        (lambda ib, _: ib.client.send(9, 8, 50), 320),
        (lambda ib, _: ib.client.send(1, 11, "x"), 320),
    ],
)
def test_wrong_questions_have_their_codes(request_of, code):
    """Limits, unknown subscriptions and torn requests are answered as the real gateway answers them."""
    assert codes_of(request_of) == [code]


def test_the_packaged_hour_is_what_is_served():
    """The gateway's market is the recording, at its start."""

    async def scenario() -> None:
        async with desk() as (gateway, ib, contract):
            (match,) = await ib.reqMatchingSymbolsAsync("600961") or []
            assert match.contract is not None
            assert match.contract.conId == contract.conId
            assert gateway.floor.now == sample().first_time
            assert [one.exchange for one in await ib.reqMktDepthExchangesAsync()] == ["SEHKNTL"]

    play(scenario)
