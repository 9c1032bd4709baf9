"""Sums of what a feed has shown: an average over any stretch, whatever the feed tells and since when."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from quietfill.domain.messages import BookUpdate
from quietfill.domain.types import SECOND, price_from, quantity_from
from quietfill.market.tally import Sums, Tally

NINE, TEN = price_from("9"), price_from("10")


def tally_of(*books: tuple[int | None, int | None, int | None]) -> Sums:
    """Return the sums after books of (day's volume in shares, day's turnover in currency, last price)."""
    tally = Tally(None, (0, 0), 0)
    for number, (volume, turnover, last) in enumerate(books):
        tally.update(
            BookUpdate(
                symbol="X",
                time=number * SECOND,
                bids=(),
                asks=(),
                volume=None if volume is None else quantity_from(volume),
                turnover=None if turnover is None else quantity_from(1) * price_from(turnover),
                last=None if last is None else price_from(last),
            ),
            None,
            0,
        )
    return tally.sums(len(books) * SECOND, None, (0, 0))


def test_turnover_gives_the_exact_average():
    """What traded between two books traded at the rise of the turnover over that of the volume."""
    sums = tally_of((1000, 10_000, 10), (1100, 10_900, 10))
    assert (sums.volume, sums.vwap) == (quantity_from(100), NINE)


def test_a_turnover_that_is_told_late_is_not_what_traded_since():
    """The day's turnover is no trade of ours to average: until one is known to count from, the last price is."""
    sums = tally_of((14_000_000, None, 10), (14_000_100, 126_000_900, 9), (14_000_200, 126_001_800, 9))
    assert (sums.volume, sums.vwap) == (quantity_from(200), NINE)


def test_a_turnover_that_pauses_counts_nothing_twice():
    """What traded while the feed gave no turnover is taken at the last price, once."""
    sums = tally_of((1000, 10_000, 10), (1100, None, 10), (1200, 12_000, 10), (1300, 13_000, 10))
    assert (sums.volume, sums.vwap) == (quantity_from(300), TEN)


def test_volume_of_which_no_price_is_known_is_in_no_average():
    """Without turnover and without a last price there is nothing to average."""
    assert tally_of((1000, None, None), (1100, None, None)).vwap is None


@given(
    st.lists(st.tuples(st.integers(0, 500), st.integers(1, 20), st.booleans()), min_size=1, max_size=30),
    st.integers(0, 10**8),
)
def test_an_average_lies_between_the_prices_that_traded(prints: list[tuple[int, int, bool]], earlier: int):
    """Whenever the feed tells its turnover and whatever traded before we looked, no average leaves their range."""
    volume, turnover = earlier, earlier * 10
    books: list[tuple[int | None, int | None, int | None]] = [(earlier, None, 10)]
    for shares, price, tells in prints:
        volume, turnover = volume + shares, turnover + shares * price
        books.append((volume, turnover if tells else None, price))
    told = [price for shares, price, _ in prints if shares]
    average = tally_of(*books).vwap
    if average is not None:
        assert price_from(min(told)) <= average <= price_from(max(told))
