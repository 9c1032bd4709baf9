"""What was seen to trade at each side of a book: by the quote rule, over trading time, never ahead of its time."""

from datetime import date

import numpy as np
import pytest

from quietfill.domain.types import OrderSide
from quietfill.market.history import MarketHistory
from quietfill.market.queue_flow import Flow, days_flow, observed_flow, volatility_a_minute
from quietfill.testing.builders import STOCK, at, market, shares, ticks

DAY = STOCK.trading_day(date(2023, 7, 11))
BREAK = 7_200
AFTERNOON = 3.5 * 3_600


def history(prints, touches=((0, 999, 1_001),), **terms):
    """Prints as (second, ticks, shares) and touches as (second, bid, ask), None for an empty side."""

    def column(rows, scale=1):
        return np.array([int(scale * row) for row in rows], dtype=np.int64)

    return MarketHistory(
        symbol="TEST",
        print_time=column(at(second) for second, _, _ in prints),
        print_price=column(ticks(price) for _, price, _ in prints),
        print_quantity=column(shares(size) for _, _, size in prints),
        touch_time=column(at(second) for second, _, _ in touches),
        bid=column(ticks(bid or 0) for _, bid, _ in touches),
        ask=column(ticks(ask or 0) for _, _, ask in touches),
        has_touch=np.array([bid is not None and ask is not None for _, bid, ask in touches], dtype=np.bool_),
        day=DAY,
        **terms,
    )


def test_prints_go_to_the_side_that_they_took():
    """Above the mid buyers took the asks, below it sellers took the bids; at the mid half counts for each."""
    flow = observed_flow(history([(60, 1_001, 300), (70, 999, 100), (80, 999, 40), (90, 1_000, 20)]), at(120), 5)

    assert flow is not None
    assert flow == Flow(bought=shares(310), sold=shares(150), buys=2, sells=3, minutes=2.0)
    assert flow.rate(OrderSide.SELL) == pytest.approx(155)
    assert flow.rate(OrderSide.BUY) == pytest.approx(75)
    assert flow.trade_size(OrderSide.BUY) == pytest.approx(50)


def test_a_print_is_judged_by_the_touch_just_before_it():
    """The print that moved the touch, at the same instant, took the touch that stood before."""
    moved = ((0, 999, 1_001), (60, 1_001, 1_003))

    flow = observed_flow(history([(60, 1_001, 100)], moved), at(120), 5)
    assert flow is not None
    assert (flow.bought, flow.sold) == (shares(100), 0)


def test_without_a_touch_a_print_counts_half_for_each_side():
    """An empty side, or no touch at all, tells nothing about who took whom."""
    for touches in ((), ((0, None, 1_001),), ((200, 999, 1_001),)):
        flow = observed_flow(history([(60, 1_001, 100)], touches), at(120), 5)
        assert flow is not None
        assert (flow.bought, flow.sold) == (shares(50), shares(50))


def test_only_the_window_counts_and_nothing_later():
    """Prints before the window and after the present are no observation."""
    prints = [(10, 999, 1_000), (200, 999, 60), (301, 999, 7_777)]
    flow = observed_flow(history(prints), at(300), 2)

    assert flow == Flow(bought=0, sold=shares(60), buys=0, sells=1, minutes=2.0)


def test_a_break_is_no_time():
    """A window that reaches over the lunch break counts trading time on both sides of it."""
    prints = [(BREAK - 60, 999, 100), (AFTERNOON + 30, 999, 200)]
    now = at(AFTERNOON + 60)

    assert observed_flow(history(prints), now, 3) == Flow(bought=0, sold=shares(300), buys=0, sells=2, minutes=3.0)
    assert observed_flow(history(prints), now, 1.5) == Flow(bought=0, sold=shares(200), buys=0, sells=1, minutes=1.5)


def test_observation_begins_where_the_feed_did():
    """A feed that was joined a minute ago has seen a minute, whatever the window."""
    flow = observed_flow(history([(250, 999, 30)], since=at(240)), at(300), 5)

    assert flow is not None
    assert flow.minutes == pytest.approx(1.0)


@pytest.mark.parametrize("now", [at(-60), at(0), at(30)])
def test_what_was_not_observed_is_none(now):
    """Before the open, or before the first print, no pace is invented."""
    assert observed_flow(history([(60, 999, 100)]), now, 5) is None


def test_the_days_volume_stands_in_where_no_prints_are_seen():
    """Half of the day's volume over its trading time so far, for each side; none before any."""
    flow = days_flow(market(999, 1_001, volume=1_200), DAY, at(600))

    assert flow is not None
    assert flow == Flow(bought=shares(600), sold=shares(600), minutes=10.0)
    assert flow.trade_size(OrderSide.BUY) is None
    assert days_flow(market(999, 1_001, volume=None), DAY, at(600)) is None
    assert days_flow(market(999, 1_001, volume=0), DAY, at(600)) is None
    assert days_flow(market(999, 1_001, volume=5), DAY, at(-1)) is None


def test_a_days_volatility_is_spread_over_its_minutes():
    """Two per cent over 240 minutes of trading are 12.9 bps over one."""
    assert volatility_a_minute(0.02, DAY) == pytest.approx(200 / 240**0.5)
    assert volatility_a_minute(None, DAY) is None
