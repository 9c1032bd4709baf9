"""The market of a live feed as columns: what is kept, what is dropped, and what is said about it."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quietfill.domain.errors import BadInput
from quietfill.domain.instrument import TradingDay
from quietfill.domain.messages import BookUpdate
from quietfill.domain.types import SECOND, price_from, quantity_from, timestamp_from
from quietfill.market.recorder import MarketRecorder
from quietfill.tca.benchmarks import in_currency, interval_twap, interval_volume, interval_vwap, mid_at

START = timestamp_from(datetime(2026, 3, 2, 15, tzinfo=UTC))
DAY = TradingDay(((START, START + 3_600 * SECOND),))


def seen(
    seconds, bid: float | None = 10.0, ask: float | None = 10.02, *, volume=None, last=None, turnover=None, symbol="X"
):
    """Return a book of one level a side; a side of None is empty."""
    return BookUpdate(
        symbol=symbol,
        time=START + round(seconds * SECOND),
        bids=() if bid is None else ((price_from(bid), quantity_from(100)),),
        asks=() if ask is None else ((price_from(ask), quantity_from(100)),),
        last=None if last is None else price_from(last),
        volume=None if volume is None else quantity_from(volume),
        turnover=None if turnover is None else round(turnover * 1e9) * 10**8,
    )


def recorded(*books, **terms):
    """Return a recorder that was shown these books."""
    recorder = MarketRecorder("X", DAY, **terms)
    for book in books:
        recorder.update(book)
    return recorder


def test_only_changes_of_the_touch_are_kept():
    """Books that repeat the touch add nothing; the mid is that of the last change."""
    recorder = recorded(seen(0), seen(1), seen(2, 10.01, 10.03), seen(3, 10.01, 10.03))
    history = recorder.history()

    assert recorder.rows == (2, 0)
    assert in_currency(mid_at(history, START + 2 * SECOND)) == 10.02
    assert history.observed_until == START + 3 * SECOND
    assert history.since == START


def test_an_empty_side_is_no_mid():
    """A book without asks has no mid until one comes back, and that time counts in no average."""
    history = recorded(seen(0), seen(2, ask=None), seen(4, 10.2, 10.22), seen(6, 10.2, 10.22)).history()

    assert mid_at(history, START + 3 * SECOND) is None
    assert in_currency(interval_twap(history, START, START + 6 * SECOND)) == pytest.approx((2 * 10.01 + 2 * 10.21) / 4)


def test_a_rise_of_the_volume_is_a_print_at_the_last_price():
    """Without turnover the increment trades at the last price; what traded before the first look is no print."""
    history = recorded(seen(0, volume=5000, last=10), seen(1, volume=5300, last=10.02), seen(2, volume=5300)).history()

    assert interval_volume(history, START, START + 9 * SECOND) == quantity_from(300)
    assert in_currency(interval_vwap(history, START, START + 9 * SECOND)) == 10.02
    assert history.includes_own


def test_turnover_gives_the_true_average_of_what_was_conflated():
    """Two prints of which only the last is seen keep their average price where the feed tells the turnover."""
    before = seen(0, volume=0, last=10, turnover=0)
    history = recorded(before, seen(1, volume=300, last=10.02, turnover=100 * 10 + 200 * 10.02)).history()

    assert in_currency(interval_vwap(history, START, START + SECOND)) == pytest.approx(3004 / 300, abs=1e-9)


def test_a_fall_of_the_volume_is_a_new_session():
    """The day's count starting again is no negative print; what it shows then has traded since."""
    history = recorded(seen(0, volume=9000, last=10), seen(1, volume=100, last=10.01)).history()

    assert interval_volume(history, START, START + SECOND) == quantity_from(100)


def test_the_oldest_rows_are_dropped_and_said_to_be():
    """A full recorder keeps its capacity, and its history says from when on it is whole."""
    books = [seen(second, (1000 + second) / 100, (1002 + second) / 100) for second in range(20)]
    recorder = recorded(*books, capacity=16)
    history = recorder.history()

    assert recorder.rows[0] <= 16
    assert recorder.rows[0] + recorder.dropped[0] == 20
    assert history.since == int(history.touch_time[0]) > START
    assert not history.covers(START)
    assert history.covers(START + 19 * SECOND)


def test_a_history_does_not_change_when_the_market_goes_on():
    """What was handed out stays as it was."""
    recorder = recorded(seen(0))
    history = recorder.history()
    recorder.update(seen(5, 11, 11.02))

    assert len(history.touch_time) == 1
    assert len(recorder.history().touch_time) == 2


def test_the_others_touch_may_be_said():
    """Where the caller knows the others' touch, our own best bid is not taken for it."""
    recorder = MarketRecorder("X", DAY)
    recorder.update(seen(0, 10.01, 10.02), touch=(price_from(10), price_from(10.02)))

    assert in_currency(mid_at(recorder.history(), START)) == 10.01


def test_one_row_an_instant_and_never_back_in_time():
    """Several books of one instant leave the last; one that comes late is taken as of now."""
    history = recorded(seen(1), seen(1, 10.01, 10.03), seen(0.5, 10.02, 10.04)).history()

    assert history.touch_time.tolist() == [START + SECOND]
    assert in_currency(mid_at(history, START + SECOND)) == 10.03


def test_what_is_not_meant_is_refused():
    """Another symbol's book and a capacity of nothing are refused by name, and nothing is kept of them."""
    recorder = recorded(seen(0))
    with pytest.raises(BadInput, match="symbol must be 'X', not 'Y'"):
        recorder.update(seen(1, symbol="Y"))
    with pytest.raises(BadInput, match="capacity must be at least 8, not 0"):
        MarketRecorder("X", DAY, capacity=0)

    assert recorder.rows == (1, 0)


def test_nothing_seen_is_an_empty_history():
    """A recorder that was shown nothing makes a history that knows nothing."""
    history = recorded().history()

    assert (len(history.touch_time), len(history.print_time), history.observed_until) == (0, 0, 0)
    assert history.since is None


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(990, 1010), st.integers(0, 500)), max_size=60))
def test_volume_and_value_are_those_of_the_feed(steps):
    """However prints are conflated, volume and value since the first look are the feed's own differences."""
    recorder, second, volume, turnover = MarketRecorder("X", DAY), 0, 10_000, 100_000.0
    for lasted, cents, size in [(0, 1000, 0), *steps]:
        second += lasted
        volume += size
        turnover = round(turnover + size * cents / 100, 2)
        recorder.update(seen(second, volume=volume, last=cents / 100, turnover=turnover))
    history = recorder.history()
    traded = volume - 10_000
    vwap = interval_vwap(history, START, START + 999 * SECOND)

    assert interval_volume(history, START, START + 999 * SECOND) == quantity_from(traded)
    assert (vwap is None) == (traded == 0)
    if vwap is not None:
        assert in_currency(vwap) == pytest.approx((turnover - 100_000) / traded, abs=1e-7)
