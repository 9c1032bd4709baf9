"""Implementation shortfall: the published cases, in each published form."""

from fractions import Fraction

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from quietfill.domain.types import OrderSide, price_from, quantity_from
from quietfill.tca.book_costs import book_shortfall
from quietfill.tca.forms import kissell, perold, wagner_edwards
from quietfill.tca.shortfall import ShortfallTerms, shortfall
from tests.tca_records import known


def terms(*, filled, average, closing, fees, quantity=5000, arrival=None, side="buy"):
    """Return an order decided at 10, in shares and currency."""
    return ShortfallTerms(
        side=OrderSide(side),
        quantity=quantity_from(quantity),
        filled=quantity_from(filled),
        value=quantity_from(filled) * price_from(average),
        arrival=None if arrival is None else price_from(arrival),
        closing=price_from(closing),
        fees=price_from(fees),
        decision=price_from(10),
    )


def test_e1_the_expanded_form():
    """Delay 1,250 (250 on the unfilled, 1,000 on the filled part), trading 1,000, opportunity 750, fees 80."""
    parts = shortfall(terms(filled=4000, average=10.5, closing=11, fees=80, arrival=10.25))

    assert kissell(parts) == {"delay": 1250, "trading": 1000, "opportunity": 750, "fees": 80}
    assert [parts.delay_unfilled, parts.delay_filled] == [250, 1000]
    assert parts.total == 3080
    assert parts.bps(parts.total) == pytest.approx(616.0, abs=1e-9)
    assert wagner_edwards(parts) == {"delay": 1000, "trading": 1000, "opportunity": 1000, "fees": 80}


@pytest.mark.parametrize("arrival", [None, 10.25])
def test_e2_the_perold_form_needs_no_arrival(arrival):
    """Execution 2,000, opportunity 1,000, fees 80 of a total of 3,080, with an arrival price or without (Perold)."""
    parts = shortfall(terms(filled=4000, average=10.5, closing=11, fees=80, arrival=arrival))

    assert perold(parts) == {"execution": 2000, "opportunity": 1000, "fees": 80}
    assert parts.total == 3080


def test_e3_an_order_that_was_completed():
    """Paper gains 5,000 and we gain 2,400, so the shortfall is 2,600 (Perold)."""
    parts = shortfall(terms(filled=5000, average=10.5, closing=11, fees=100))

    assert parts.total == 5000 - 2400 == 2600
    assert parts.opportunity == 0


prices = st.integers(1, 10**13)
orders = st.builds(
    ShortfallTerms,
    side=st.sampled_from(OrderSide), quantity=st.integers(1, 10**15), filled=st.integers(0, 10**15),
    value=st.integers(0, 10**28), arrival=prices, closing=prices, fees=st.integers(-(10**12), 10**12),
    decision=st.none() | prices, multiplier=st.integers(1, 1000),
)  # fmt: skip


@given(st.lists(orders, min_size=1, max_size=12))
def test_e6_the_parts_add_up_at_every_level(book):
    """Of every order, of any group and of the book the parts meet the total, in money and in bps of one base."""
    book = [order if order.filled else msgspec.structs.replace(order, value=0) for order in book]
    costs = [shortfall(order) for order in book]
    for cost in costs:
        for form in (perold, wagner_edwards, kissell):
            assert sum(map(known, form(cost).values())) == cost.total
    whole = book_shortfall(costs)
    groups = [book_shortfall(costs[: len(costs) // 2]), book_shortfall(costs[len(costs) // 2 :])]

    assert sum((group.total for group in groups), Fraction(0)) == whole.total
    for level in (whole, *(group for group in groups if group.orders)):
        parts = [level.delay, level.trading, level.opportunity, level.fees]
        assert sum(parts) == level.total
        bps = [known(level.bps(part)) for part in parts]
        assert sum(bps) == pytest.approx(level.bps(level.total), rel=1e-9, abs=1e-9 * sum(map(abs, bps)))


def test_a_part_that_is_not_known_makes_only_itself_and_the_total_unknown():
    """Without a closing price opportunity is unknown in every form, and the order is in none of the book's sums."""
    order = terms(filled=4000, average=10.5, closing=11, fees=80, arrival=10.25)
    open_ended = shortfall(msgspec.structs.replace(order, closing=None))
    book = book_shortfall([open_ended, shortfall(order)])

    assert kissell(open_ended) == {"delay": 1250, "trading": 1000, "opportunity": None, "fees": 80}
    assert perold(open_ended)["opportunity"] is None
    assert [book.orders, book.unknown, book.total] == [1, 1, 3080]


def test_a_shortfall_of_nothing_to_measure_from_is_refused():
    """Neither a decision nor an arrival price is an error that says so."""
    order = terms(filled=1, average=10, closing=10, fees=0)
    with pytest.raises(ValueError, match="needs a decision or an arrival price"):
        shortfall(msgspec.structs.replace(order, decision=None))
