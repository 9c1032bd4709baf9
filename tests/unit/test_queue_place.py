"""Where an order stands in the others' queue, and when its turn comes."""

import pytest

from quietfill.domain.types import OrderSide
from quietfill.market.queue import FillTime, barrier_probability
from quietfill.market.queue_place import QueueOdds, fill_odds, price_volatility, queue_place
from quietfill.testing.builders import market, shares, ticks

BOOK = market([(999, 400), (998, 1_000), (996, 50)], [(1_001, 300), (1_002, 700)])


def test_joining_the_touch_stands_behind_all_that_is_shown_there():
    """Without a price, the place is at the back of the best price of our side."""
    buy, sell = queue_place(BOOK, OrderSide.BUY), queue_place(BOOK, OrderSide.SELL)

    assert buy is not None
    assert sell is not None
    assert (buy.price, buy.at_level, buy.ahead, buy.is_at_touch) == (ticks(999), shares(400), shares(400), True)
    assert (sell.price, sell.at_level, sell.ahead, sell.taken) == (ticks(1_001), shares(300), shares(300), 0)


@pytest.mark.parametrize(
    ("price", "at_level", "ahead", "distance", "taken"),
    [
        (1_000, 0, 0, 0, 0),
        (998, 1_000, 1_400, 1, 0),
        (997, 0, 1_400, 2, 0),
        (990, 0, 1_450, 9, 0),
        (1_001, 0, 0, 0, 300),
        (1_005, 0, 0, 0, 1_000),
    ],
)
def test_a_price_tells_what_stands_before_it(price, at_level, ahead, distance, taken):
    """Better prices trade first, the same price before us, and beyond the far touch we would take."""
    place = queue_place(BOOK, OrderSide.BUY, ticks(price))

    assert place is not None
    assert (place.at_level, place.ahead, place.distance) == (shares(at_level), shares(ahead), ticks(distance))
    assert (place.taken, place.touch_depth) == (shares(taken), shares(400))
    assert place.is_at_touch == (distance == 0)


def test_without_a_touch_or_price_there_is_no_place():
    """Nothing is invented for a side that nobody shows."""
    one_sided = market(None, 1_001)

    assert queue_place(one_sided, OrderSide.BUY) is None
    alone = queue_place(one_sided, OrderSide.BUY, ticks(999))
    assert alone is not None
    assert (alone.ahead, alone.touch_depth, alone.is_at_touch) == (0, 0, True)


def test_the_odds_are_those_of_the_queue_and_our_own_size():
    """400 ahead and 100 of ours at 50 a minute in trades of 25: an Erlang time of 20 lots at 2 a minute."""
    place = queue_place(BOOK, OrderSide.BUY)
    assert place is not None
    odds = fill_odds(place, shares(100), 5, rate=50, trade_size=25)

    assert odds.minutes == pytest.approx(10)
    assert odds.probability == pytest.approx(FillTime(20, 2).by(5))


def test_unobserved_trading_leaves_the_odds_unknown():
    """No rate, no time and no chance; a rate of zero is an observation: no chance, and no expected time."""
    place = queue_place(BOOK, OrderSide.BUY)
    assert place is not None

    assert fill_odds(place, shares(1), 5, rate=None, trade_size=None) == QueueOdds(None, None)
    assert fill_odds(place, shares(1), 5, rate=0, trade_size=None) == QueueOdds(None, 0.0)


def test_behind_the_touch_the_price_must_come_too():
    """The chance is at most that of the barrier, which is not known without a volatility."""
    place = queue_place(BOOK, OrderSide.BUY, ticks(990))
    assert place is not None
    volatility = price_volatility(2.0, BOOK.mid_twice)
    assert volatility == pytest.approx(ticks(1_000) * 2 / 10_000)
    odds = fill_odds(place, shares(1), 5, rate=1e6, trade_size=100, volatility=volatility)

    assert odds.minutes is None
    assert volatility is not None
    assert odds.probability == pytest.approx(barrier_probability(ticks(9), volatility, 5))
    assert fill_odds(place, shares(1), 5, rate=1e6, trade_size=100) == QueueOdds(None, None)


def test_what_can_trade_at_once_does_not_wait():
    """A price beyond the far touch has its size now; of what the book cannot cover nothing is known."""
    place = queue_place(BOOK, OrderSide.BUY, ticks(1_001))
    assert place is not None

    assert fill_odds(place, shares(300), 5, rate=None, trade_size=None) == QueueOdds(0.0, 1.0)
    assert fill_odds(place, shares(301), 5, rate=10, trade_size=None) == QueueOdds(None, None)
