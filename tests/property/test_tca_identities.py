"""What must hold for every order and every market: sums, mirrors, bounds."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from quietfill.domain.types import OrderSide, price_from, quantity_from
from quietfill.tca.benchmarks import in_currency, interval_twap, interval_vwap
from quietfill.tca.ledger import Ledger
from quietfill.tca.shortfall import ShortfallTerms, shortfall
from quietfill.tca.summary import order_summary
from tests.tca_records import Script, at, known, market

prices = st.integers(1, 10**15)
sizes = st.integers(1, 10**15)
cents = st.integers(900, 1100).map(lambda cent: cent / 100)
orders = st.builds(
    ShortfallTerms,
    side=st.sampled_from(OrderSide), quantity=sizes, filled=st.integers(0, 10**15), value=st.just(0), arrival=prices,
    closing=prices, fees=st.integers(-(10**12), 10**12), decision=st.none() | prices, multiplier=st.integers(1, 1000),
)  # fmt: skip


def around(mid, width=1):
    """Return a touch of *width* cents on either side of a mid."""
    return round(mid - width / 100, 2), round(mid + width / 100, 2)


def traded(terms, average):
    """Return *terms* with everything filled at one average price."""
    return msgspec.structs.replace(terms, value=terms.filled * average)


@given(orders, prices)
def test_parts_add_up_in_currency_and_in_bps(terms, average):
    """The parts meet the total, exactly as fractions and to 1e-9 as public figures of one base."""
    parts = shortfall(traded(terms, average))
    costs = [parts.delay, parts.trading, known(parts.opportunity), known(parts.fees)]
    bps = [known(parts.bps(cost)) for cost in costs]

    assert sum(costs) == parts.total
    assert sum(bps) == pytest.approx(parts.bps(parts.total), rel=1e-9, abs=1e-9 * sum(abs(part) for part in bps))


@given(orders, prices)
def test_a_sell_is_the_mirror_of_a_buy(terms, average):
    """Turning the side turns every cost but the fees: what hurts the one helps the other."""
    terms = traded(terms, average)
    ours, theirs = shortfall(terms), shortfall(msgspec.structs.replace(terms, side=terms.side.opposite))

    assert (theirs.delay, theirs.trading, theirs.opportunity) == (
        -ours.delay,
        -ours.trading,
        -known(ours.opportunity),
    )
    assert theirs.fees == ours.fees


@given(st.sampled_from(OrderSide), cents, cents)
def test_costs_are_positive_when_they_hurt(side, arrival, price):
    """A buyer above and a seller below arrival, VWAP and TWAP pays; the other way round gains."""
    touch = around(arrival)
    script = Script(side=str(side), arrival=touch).place("c1", 1, 1000, price)
    (order,) = Ledger.of(script.fill("c1", 2, 1000, price, touch=touch).done(2)).orders.values()
    history = market([(0, *touch)], [(1, arrival, 5)])
    summary = order_summary(order, history)
    worse = price > arrival if side is OrderSide.BUY else price < arrival

    for cost in (
        summary.shortfall_bps, summary.total_shortfall_bps, summary.vs_vwap_bps, summary.vs_twap_bps,
        summary.half_spread_paid_bps,
    ):  # fmt: skip
        assert (known(cost) > 0) == worse
        assert cost == pytest.approx(abs(price - arrival) / arrival * 1e4 * (1 if worse else -1), abs=1e-9)


@given(st.lists(st.tuples(st.integers(0, 100), cents, st.integers(1, 10**9)), min_size=1, max_size=30))
def test_vwap_lies_within_the_prices_it_averages(prints):
    """No average leaves the range of its prices, however large the sizes are."""
    history = market([], sorted(prints))
    vwap = known(interval_vwap(history, at(0), at(100)))

    assert price_from(min(price for _, price, _ in prints)) <= vwap <= price_from(max(price for _, price, _ in prints))


@given(cents, st.lists(st.integers(0, 200), max_size=10), st.integers(0, 200), st.integers(0, 200))
def test_twap_of_a_mid_that_never_moves_is_that_mid(mid, changes, start, end):
    """However the touch flickers around it, breaks or not, an unchanged mid is the average."""
    rows = [(second, *around(mid, width)) for width, second in enumerate([-1, *sorted(changes)], 1)]
    twap = interval_twap(market(rows, spans=[(0, 60), (90, 200)]), at(min(start, end)), at(max(start, end)))

    assert in_currency(twap) == pytest.approx(mid, abs=1e-9)


@given(st.lists(st.tuples(st.integers(0, 100), st.integers(1, 500), cents), max_size=20), st.integers(0, 20))
def test_the_ledger_of_a_prefix_is_a_ledger(fills, cut):
    """At every prefix of a journal the totals are those of the fills so far, and children add up to their parent."""
    script = Script(quantity=10_000).place("c1", 0, 5000, 10).place("c2", 0, 5000, 10)
    for index, (second, quantity, price) in enumerate(sorted(fills)):
        script.fill(f"c{index % 2 + 1}", second, quantity, price)
    (order,) = Ledger.of(script.records[: 5 + cut]).orders.values()
    booked = sorted(fills)[:cut]

    assert order.filled == sum(quantity_from(quantity) for _, quantity, _ in booked)
    assert order.value == sum(quantity_from(quantity) * price_from(price) for _, quantity, price in booked)
    assert sum(child.filled for child in order.children) == order.filled
    assert sum(child.value for child in order.children) == order.value
