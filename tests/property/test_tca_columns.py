"""Columns give what counting one by one gives: sums, marks at fills, benchmarks of the tape."""

from bisect import bisect_right
from dataclasses import replace
from fractions import Fraction
from itertools import accumulate

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from quietfill.domain.errors import BadInput
from quietfill.domain.types import SECOND, OrderSide, price_from, quantity_from
from quietfill.tca.exact_sums import exact_cumulative, exact_dot, exact_sum
from quietfill.tca.marks import FillTable, QuoteTable, fill_marks
from quietfill.tca.prints import (
    OwnPrint,
    others_turnover,
    participation,
    participation_price,
    relative_performance,
    total_turnover,
)
from tests.tca_records import at, known, market

words = st.integers(-(2**62), 2**62)
cents = st.integers(900, 1100).map(lambda cent: cent / 100)
HORIZONS = (0, SECOND, 7 * SECOND)

symbols = st.lists(
    st.tuples(
        st.lists(st.tuples(st.integers(0, 30), st.integers(-5, 5), st.integers(0, 3), st.booleans()), max_size=12),
        st.lists(st.tuples(st.integers(0, 40), st.integers(-6, 6), st.sampled_from([-1, 1])), max_size=8),
        st.integers(0, 40),
    ),
    min_size=1,
    max_size=4,
)
tapes = st.lists(st.tuples(st.integers(0, 60), cents, st.integers(1, 10**9)), min_size=1, max_size=25)
own_trades = st.lists(st.tuples(st.integers(0, 60), cents, st.integers(1, 10**6)), min_size=1, max_size=6)


@given(st.lists(st.tuples(words, words), max_size=50))
def test_sums_are_exact_whatever_their_size(rows):
    """Sums of products that leave 64 bits, and 128, are those of Python's integers; running sums too."""
    first, second = (np.array(column, dtype=np.int64) for column in (zip(*rows, strict=True) if rows else ([], [])))

    assert exact_dot(first, second) == sum(a * b for a, b in rows)
    assert exact_sum(first) == sum(a for a, _ in rows)
    assert exact_cumulative(first).tolist() == list(accumulate(a for a, _ in rows))


def tables(drawn):
    """Return fill and quote tables of several symbols from drawn rows."""
    quotes = [sorted(rows, key=lambda row: row[0]) for rows, _, _ in drawn]
    fills = [sorted(rows, key=lambda row: row[0]) for _, rows, _ in drawn]
    flat_quotes, flat_fills = [row for rows in quotes for row in rows], [row for rows in fills for row in rows]
    starts = [np.array([0, *accumulate(map(len, rows))], dtype=np.int64) for rows in (fills, quotes)]
    return (
        FillTable(
            start=starts[0],
            time=np.array([second * SECOND for second, _, _ in flat_fills], dtype=np.int64),
            price=np.array([1_000 + price for _, price, _ in flat_fills], dtype=np.int64),
            sign=np.array([sign for *_, sign in flat_fills], dtype=np.int8),
        ),
        QuoteTable(
            start=starts[1],
            time=np.array([second * SECOND for second, *_ in flat_quotes], dtype=np.int64),
            bid=np.array([1_000 + mid - half for _, mid, half, _ in flat_quotes], dtype=np.int64),
            ask=np.array([1_000 + mid + half for _, mid, half, _ in flat_quotes], dtype=np.int64),
            has_touch=np.array([known for *_, known in flat_quotes], dtype=np.bool_),
            until=np.array([until * SECOND for *_, until in drawn], dtype=np.int64),
        ),
        quotes,
        fills,
    )


def mid_of(quotes, second):
    """Return the mid in force at a second, or None."""
    place = bisect_right([row[0] for row in quotes], second) - 1
    return 1_000 + quotes[place][1] if place >= 0 and quotes[place][3] else None


@settings(max_examples=60)
@given(symbols, st.booleans())
def test_marks_are_those_of_looking_up_one_by_one(drawn, before):
    """The compiled pass, the searches and a plain look-up agree; the first two bit for bit."""
    fill_table, quote_table, quotes, fills = tables(drawn)
    forward = fill_marks(fill_table, quote_table, HORIZONS, before=before, compiled=True)
    searched = fill_marks(fill_table, quote_table, HORIZONS, before=before, compiled=False)
    wanted = []
    for symbol, (_, _, until) in enumerate(drawn):
        for second, price, sign in fills[symbol]:
            mid = mid_of(quotes[symbol], second - 1e-9 if before else second)
            later = [
                None if second + horizon // SECOND > until else mid_of(quotes[symbol], second + horizon // SECOND)
                for horizon in HORIZONS
            ]
            off = [None if mid is None or m is None else 1e4 * sign * (m - 1_000 - price) / mid for m in later]
            wanted.append([None if mid is None else 2e4 * sign * (1_000 + price - mid) / mid, *off])

    assert np.array_equal(forward.effective_bps, searched.effective_bps, equal_nan=True)
    assert np.array_equal(forward.markout_bps, searched.markout_bps, equal_nan=True)
    found = np.column_stack([forward.effective_bps, forward.markout_bps])
    assert found == pytest.approx(
        np.array(wanted, dtype=np.float64).reshape(len(wanted), 1 + len(HORIZONS)), nan_ok=True, rel=1e-12, abs=1e-9
    )
    assert np.allclose(
        forward.realized_bps + forward.impact_bps,
        np.where(np.isnan(forward.markout_bps), np.nan, forward.effective_bps[:, None]),
        equal_nan=True,
    )


def test_tables_that_no_pass_could_read_are_refused():
    """Times that fall within a symbol, columns of other lengths and tables that do not match are named."""
    fills, quotes, *_ = tables([([(0, 0, 1, True), (5, 0, 1, True)], [(1, 0, 1), (2, 0, 1)], 40)])
    with pytest.raises(BadInput, match="time of fills falls within a symbol at row 1"):
        replace(fills, time=fills.time[::-1].copy())
    with pytest.raises(BadInput, match="bid of quotes has 1 rows, not 2"):
        replace(quotes, bid=quotes.bid[:1])
    with pytest.raises(BadInput, match="start of fills must rise from 0 to the number of rows, 2"):
        replace(fills, start=np.array([0, 3]))
    with pytest.raises(BadInput, match="fills of 2 symbols do not go with quotes of 1"):
        fill_marks(replace(fills, start=np.array([0, 1, 2])), quotes)
    with pytest.raises(BadInput, match="horizons must not be negative, is -1"):
        fill_marks(fills, quotes, (-1,))


def both(prints, trades):
    """Return the tape without our trades and the one with them, and our trades."""
    own = sorted(OwnPrint(at(s), price_from(p), q) for s, p, q in trades)
    rows = sorted([(s, p, q / 1e8) for s, p, q in prints])
    merged = sorted([(s, p, q / 1e8) for s, p, q in [*prints, *trades]])
    return market([], rows), replace(market([], merged), includes_own=True), own


@given(tapes, own_trades, st.sampled_from(OrderSide), st.integers(0, 60), st.integers(0, 60), st.integers(1, 100))
def test_both_tapes_give_the_same_benchmarks(prints, trades, side, one, other, percent):
    """Volume, VWAPs, participation, RPM and PWP do not depend on whether the tape shows our own trades."""
    without, including, own = both(prints, trades)
    start, end = at(min(one, other)), at(max(one, other))

    for figure in (others_turnover, total_turnover, participation):
        assert figure(without, own, start, end) == figure(including, own, start, end)
    assert relative_performance(without, own, side, start, end) == relative_performance(
        including, own, side, start, end
    )
    rate = percent / 100
    ours, theirs = (participation_price(tape, own, start, rate) for tape in (without, including))
    assert (ours is None) == (theirs is None)


@given(tapes, own_trades, st.sampled_from(OrderSide))
def test_rpm_counts_volume_as_one_would_by_hand(prints, trades, side):
    """The share of worse prices and half of equal ones, and 1 less the RPM is that of the other side."""
    _, including, own = both(prints, trades)
    quantity = sum(q for _, _, q in trades)
    average = Fraction(sum(price_from(p) * q for _, p, q in trades), quantity)
    volume = {"worse": 0, "at": 0, "all": 0}
    for _, p, q in [*prints, *trades]:
        price = price_from(p)
        volume["all"] += q
        volume["at"] += q if price == average else 0
        volume["worse"] += q if side.sign * (price - average) > 0 else 0
    rpm = relative_performance(including, own, side, at(0), at(60))

    assert rpm == (volume["worse"] + Fraction(volume["at"], 2)) / volume["all"]
    assert known(rpm) + known(relative_performance(including, own, side.opposite, at(0), at(60))) == 1


@given(tapes, own_trades, st.integers(1, 100))
def test_the_pwp_takes_the_first_volume_and_no_more(prints, trades, percent):
    """The PWP averages exactly filled / rate from the start of the tape, and is unknown where less traded."""
    _, including, own = both(prints, trades)
    wanted = Fraction(100 * sum(q for _, _, q in trades), percent)
    left, value = wanted, Fraction(0)
    for price, size in zip(including.print_price.tolist(), including.print_quantity.tolist(), strict=True):
        taken = min(left, Fraction(size))
        value, left = value + taken * price, left - taken
    pwp = participation_price(including, own, at(0), percent / 100)

    assert pwp == (None if left else value / wanted)


def test_a_rate_that_is_no_share_is_refused():
    """A PWP at 0 or above 1 of the volume is refused by value."""
    history, own = market([], [(1, 10, 100)]), [OwnPrint(at(1), price_from(10), quantity_from(1))]
    for rate in (0, -0.1, 1.01):
        with pytest.raises(BadInput, match=f"rate must be above 0 and at most 1, not {rate}"):
            participation_price(history, own, at(0), rate)
