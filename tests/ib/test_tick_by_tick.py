"""Trades told one by one: each reaches the agent, none counts twice, and what the broker withholds is made up for."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from quietfill import OrderState
from quietfill.domain.messages import BookUpdate
from tests.ib.line import SYMBOL, Desk, desk, play, quick
from tests.ib.test_an_agent_over_a_socket import agent_on

if TYPE_CHECKING:
    from quietfill.brokers.ib.settings import IBSettings

EACH = quick(tick_by_tick=True)


def printed(one: Desk) -> list[BookUpdate]:
    """Return the books that came with trades."""
    return [book for book in one.books if book.print_high is not None]


async def listen(one: Desk, seconds: int, **options: bool) -> tuple[int, int]:
    """Listen to the market for a while; return the day's volume as the edge shows it, and as it is."""
    await one.broker.subscribe(SYMBOL, **options)
    for _ in range(seconds):
        await one.gateway.play(1)
        await one.broker.gateway_clock()  # everything that was said before the answer is heard
    return one.books[-1].volume or 0, one.gateway.floor.book.volume or 0


@pytest.mark.parametrize(("settings", "options"), [(EACH, {}), (quick(), {"tick_by_tick": True})])
def test_each_trade_counts_once(settings: IBSettings, options: dict[str, bool]):
    """Volume, its value and the extremes are those of the market, told by the quotes' totals or trade by trade."""

    async def scenario() -> None:
        async with desk(settings=quick()) as one:
            together = await listen(one, 60)
            value = one.books[-1].turnover
            low = min(book.print_low for book in printed(one) if book.print_low is not None)
        async with desk(settings=settings) as one:
            each = await listen(one, 60, **options)

            assert each == together
            assert each[0] == each[1] > 0
            assert one.books[-1].turnover == pytest.approx(value, rel=1e-6)  # it begins with a rounded average
            assert min(book.print_low for book in printed(one) if book.print_low is not None) == low
            assert one.broker._markets.quotes.market(SYMBOL).counts_prints  # type: ignore[union-attr]

    play(scenario)


@pytest.mark.parametrize("how", ["refused", "silent", "gaps"])
def test_trades_that_are_withheld_are_made_up_for_by_the_totals(how):
    """Over the limit, without a word, or with some left out: last, volume and extremes go on with the quotes."""

    async def scenario() -> None:
        async with desk(f"no-tick-by-tick:how={how}", settings=EACH) as one:
            shown, real = await listen(one, 60)
            newest = printed(one)[-10:]

            assert 0.98 * real <= shown <= real
            assert all(book.last is not None for book in newest)
            assert one.broker.market_problem(SYMBOL) == ""
            told = [text for _, text in one.broker.notices]
            assert any("not told one by one" in text and "(10190)" in text for text in told) is (how == "refused")

    play(scenario)


def test_a_stop_is_triggered_by_a_single_trade():
    """One trade through the stop is enough, whatever the quotes say around it."""

    async def scenario() -> None:
        async with agent_on(tick_by_tick=True) as agent:
            await agent.gateway.play(5)
            trades: list[int] = []
            agent.impl.runtime.on_book(lambda book: trades.append(book.print_high or 0))
            await agent.gateway.play(30)
            stop = max(trades)
            order_id = await agent.order(100, "STOP", 50, stop_price=stop / 1e9)
            done = await agent.until_done(order_id)

            assert done.state is OrderState.FILLED

    play(scenario)


def test_other_terms_of_a_subscription_take_the_place_of_the_first():
    """Asked for again without single trades, the market goes on with the totals."""

    async def scenario() -> None:
        async with desk(settings=EACH) as one:
            await listen(one, 10)
            shown, real = await listen(one, 30, tick_by_tick=False)

            assert shown == real
            assert not one.broker._markets.quotes.market(SYMBOL).counts_prints  # type: ignore[union-attr]
            one.broker.unsubscribe(SYMBOL)
            await one.broker.snapshot()
            await one.until(lambda: not one.gateway.market.lines)

    play(scenario)


def test_trades_are_told_one_by_one_again_after_a_break():
    """What happened in between is in the totals."""

    async def scenario() -> None:
        async with desk("cut:after=10", settings=EACH) as one:
            await one.broker.subscribe(SYMBOL)
            await one.until(lambda: [link.up for link in one.links] == [False, True])
            before = len(printed(one))
            shown, real = await listen(one, 40)

            assert shown == real
            assert len(printed(one)) > before

    play(scenario)
