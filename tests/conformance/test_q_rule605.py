"""Execution-quality statistics of amended Rule 605: the worked rows, and what must hold for any."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quietfill.domain.errors import BadInput
from quietfill.domain.types import OrderSide
from quietfill.tca.rule605 import CoveredOrder, rule605_by_size, rule605_statistics, size_class
from tests.tca_records import known


def row(side, shares, price, bid, ask, mid_15s, mid_60s, ms):
    """Return a covered order as the rows of the case give it."""
    mids = {"15s": mid_15s, "1min": mid_60s}
    return CoveredOrder(side=OrderSide(side), shares=shares, price=price, bid=bid, ask=ask, milliseconds=ms, mids=mids)


ROWS = [
    row("buy", 100, 10.01, 10.00, 10.02, 10.015, 10.02, 12),
    row("buy", 300, 10.02, 10.00, 10.02, 10.02, 10.03, 3),
    row("sell", 200, 9.99, 10.00, 10.03, 10.00, 9.995, 40),
]

cents = st.integers(900, 1100).map(lambda cent: cent / 100)


@st.composite
def covered(draw):
    """Return any covered order."""
    bid, ask = sorted((draw(cents), draw(cents)))
    return row(
        draw(st.sampled_from(["buy", "sell"])), draw(st.integers(1, 10_000)), draw(cents), bid, ask, draw(cents),
        draw(cents), draw(st.integers(0, 10_000)),
    )  # fmt: skip


def test_q1_the_summary_statistics():
    """Every figure of the regulator's summary report on three rows, to the digits that it prints."""
    found = rule605_statistics(ROWS)

    assert found.effective_spread == pytest.approx(0.02666667, abs=5e-9)
    assert found.quoted_spread == pytest.approx(0.02333333, abs=5e-9)
    assert found.effective_over_quoted == pytest.approx(114.2857, abs=5e-5)
    assert found.average_midpoint == pytest.approx(10.01166667, abs=5e-9)
    assert found.percent_effective_spread == pytest.approx(0.266356, abs=5e-7)
    assert found.percent_quoted_spread == pytest.approx(0.233061, abs=5e-7)
    assert found.percent_improved == pytest.approx(16.6667, abs=5e-5)
    assert found.percent_at_quote_or_better == pytest.approx(66.6667, abs=5e-5)
    assert found.net_improvement == pytest.approx(-1.00, abs=1e-9)
    assert found.percent_net_improvement == pytest.approx(-0.016647, abs=5e-7)
    assert found.average_milliseconds == pytest.approx(16.833333, abs=5e-7)
    assert (found.orders, found.shares, found.average_order_shares) == (3, 600, 200)


def test_q1_realised_spread_and_impact():
    """Realised 0.005 and impact 0.02166667 after 15 s, -0.01 and 0.03666667 after a minute; the rest is unknown."""
    found = rule605_statistics(ROWS)

    assert found.realized_spread["15s"] == pytest.approx(0.005, abs=1e-12)
    assert found.price_impact["15s"] == pytest.approx(0.02166667, abs=5e-9)
    assert found.realized_spread["1min"] == pytest.approx(-0.01, abs=1e-12)
    assert found.price_impact["1min"] == pytest.approx(0.03666667, abs=5e-9)
    assert found.realized_spread["50ms"] is None
    assert found.percent_realized_spread["5min"] is None


@given(st.lists(covered(), min_size=1, max_size=12))
def test_effective_is_realised_plus_impact(orders):
    """The identity holds for each row and for the aggregate, and shares of shares are percentages."""
    for group in (*([order] for order in orders), orders):
        found = rule605_statistics(group)
        for horizon in ("15s", "1min"):
            parts = known(found.realized_spread[horizon]) + known(found.price_impact[horizon])
            assert parts == pytest.approx(found.effective_spread, abs=1e-12)
        assert 0 <= found.percent_improved <= found.percent_at_quote_or_better <= 100


def test_size_classes_are_by_notional():
    """An order of exactly 250 USD is in the second class, and each class is summarised by itself."""
    small, bound, large = (row("buy", shares, 10, 9.99, 10.01, 10, 10, 1) for shares in (24, 25, 20_000))

    assert [size_class(order) for order in (small, bound, large)] == ["under 250", "250 to 1,000", "200,000 and more"]
    by_size = rule605_by_size([large, small, small])
    assert [(name, found.orders) for name, found in by_size.items()] == [("under 250", 2), ("200,000 and more", 1)]


@pytest.mark.parametrize(
    ("orders", "message"),
    [
        ([], "orders must not be empty"),
        ([row("buy", 0, 10, 9, 11, 10, 10, 1)], "row 0: shares must be positive, not 0"),
        ([ROWS[0], row("buy", 1, 10, 11, 9, 10, 10, 1)], "row 1: bid 11 is above ask 9"),
        ([row("buy", 1, float("nan"), 9, 11, 10, 10, 1)], "row 0: price"),
        ([row("buy", 1, 10, 9, 11, 10, 10, -1)], "row 0: milliseconds must not be negative, not -1"),
    ],
)
def test_rows_that_cannot_be_are_refused(orders, message):
    """No rows, no shares, a crossed quote, a price that is no number: the error names row and field."""
    with pytest.raises(ValueError, match=message):
        rule605_statistics(orders)


def test_a_horizon_that_the_rule_does_not_know_is_refused():
    """A misspelt horizon is an error and not a figure that stays unknown."""
    order = CoveredOrder(side=OrderSide.BUY, shares=1, price=10, bid=9, ask=11, milliseconds=1, mids={"15 seconds": 10})
    with pytest.raises(BadInput, match="mids has '15 seconds', which is none of 15s, 1min, 1s, 50ms, 5min"):
        rule605_statistics([order])
