"""How fills are judged: against the touch at the fill, and each slice against its own start."""

import pytest

from quietfill.domain.types import Liquidity, OrderSide, price_from
from quietfill.tca.fill_quality import categorize, fill_quality_report, half_spread_paid, passive_pct
from quietfill.tca.ledger import Ledger
from tests.tca_records import Script, market, optional


def judge(side, price, touch=(100.00, 100.10), arrival=None, liquidity=Liquidity.UNKNOWN):
    """Categorize a fill, against a touch ten cents wide unless said."""
    bid, ask = (optional(price) for price in touch)
    return categorize(OrderSide(side), price_from(price), bid=bid, ask=ask, arrival=arrival, liquidity=liquidity)


@pytest.mark.parametrize(
    ("side", "price", "category", "position"),
    [
        ("buy", 100.00, "passive", 0), ("buy", 100.10, "aggressive", 1), ("buy", 100.05, "midpoint", 0.5),
        ("sell", 100.10, "passive", 0), ("sell", 100.00, "aggressive", 1), ("sell", 100.05, "midpoint", 0.5),
        ("buy", 100.04, "midpoint", 0.4), ("buy", 100.03, "passive", 0.3), ("buy", 100.07, "aggressive", 0.7),
        ("buy", 100.12, "aggressive", 1.2), ("sell", 100.12, "passive", -0.2),
    ],
)  # fmt: skip
def test_the_same_number_means_the_same_aggressiveness_on_both_sides(side, price, category, position):
    """0 is the near touch of our own side, 1 the far one; a tenth of the spread around the mid is midpoint."""
    judged = judge(side, price)

    assert (judged.category, judged.is_aggressive) == (category, category == "aggressive")
    assert judged.price_vs_spread_position == pytest.approx(position)


def test_without_a_sound_touch_the_brokers_word_decides():
    """A missing, locked or crossed touch says nothing; what the broker said does, else it is unknown."""
    assert judge("buy", 100, touch=(None, 100.10)).category == "unknown"
    assert judge("buy", 100, touch=(100, 100), liquidity=Liquidity.PASSIVE).category == "passive"
    crossed = judge("buy", 100, touch=(100.1, 100), liquidity=Liquidity.AGGRESSIVE)
    assert (crossed.category, crossed.is_aggressive, crossed.price_vs_spread_position) == ("aggressive", True, None)


def test_an_auction_fill_is_neither():
    """An auction has no touch to be near to."""
    judged = judge("buy", 100.10, liquidity=Liquidity.AUCTION)

    assert (judged.category, judged.is_aggressive, judged.price_vs_spread_position) == ("auction", False, None)


def test_the_price_is_also_held_against_the_arrival():
    """A seller below the arrival price lost, in bps of it."""
    assert judge("sell", 99.9, arrival=price_from(100)).price_vs_arrival_bps == pytest.approx(10)
    assert judge("sell", 99.9).price_vs_arrival_bps is None


def fills_of(script):
    """Return the fills of a script's only order."""
    (order,) = Ledger.of(script).orders.values()
    return order.fills


def test_half_spread_is_weighted_by_quantity():
    """300 across a two-cent half-spread and 100 resting for it cost half of it on average."""
    script = Script().place("c1", 1, 1000, 100.04)
    script.fill("c1", 2, 300, 100.02, touch=(99.98, 100.02)).fill("c1", 3, 100, 99.98, touch=(99.98, 100.02))

    assert half_spread_paid(OrderSide.BUY, fills_of(script), None) == pytest.approx((1.0, 1.0))


def test_the_recorded_market_stands_in_for_a_broker_that_says_no_touch():
    """Where the broker gave no touch, the recorded one just before the fill is used, if there is one."""
    script = Script().place("c1", 1, 1000, 100.04).fill("c1", 5, 100, 100.02).fill("c1", 0, 300, 100.02)
    history = market([(0, 99.98, 100.02), (5, 199, 201)])

    assert half_spread_paid(OrderSide.BUY, fills_of(script), history) == pytest.approx((2.0, 0.25))
    assert half_spread_paid(OrderSide.BUY, fills_of(script), None) == (None, 0.0)
    assert half_spread_paid(OrderSide.BUY, [], None) == (None, None)


def test_passive_share_is_of_what_is_known():
    """Quantity of unstated liquidity is in neither part, and all of it unstated is no figure."""
    script = Script().place("c1", 1, 1000, 100.04)
    script.fill("c1", 2, 300, 100, liquidity=Liquidity.PASSIVE).fill("c1", 2, 100, 100, liquidity=Liquidity.AGGRESSIVE)
    script.fill("c1", 2, 600, 100)

    assert passive_pct(fills_of(script)) == 75
    assert passive_pct(fills_of(script)[2:]) is None


def test_the_report_judges_each_slice_against_its_own_start():
    """Each child order is held against the mid that it was decided on; improvement is the other sign of slippage."""
    script = Script(side="sell").place("c1", 1, 400, 100.04, touch=(99.98, 100.02)).fill("c1", 2, 400, 100.02)
    script.place("c2", 10, 600, 99.99, touch=(99.99, 100.01)).fill("c2", 10.1, 200, 99.99).end_child("c2", 20, 200)
    script.place("c3", 30, 400, 99.99)
    (order,) = Ledger.of(script).orders.values()
    report = fill_quality_report(order)
    first, second, third = report["slices"]

    assert (report["filled_quantity"], report["remaining_quantity"], report["overall_fill_rate"]) == (600, 400, 0.6)
    assert first["price_improvement_bps"] == pytest.approx(2.0)
    assert (first["arrival_price"], first["has_price_improvement"], first["is_complete"]) == (100.0, True, True)
    assert second["slippage_bps"] == pytest.approx(1.0)
    assert (second["fill_rate"], second["is_complete"], second["fill_count"]) == (200 / 600, True, 1)
    assert (third["slippage_bps"], third["avg_fill_price"], third["is_complete"]) == (None, None, False)
    assert report["price_improvement"] == {
        "avg_improvement_bps": pytest.approx((2.0 * 400 - 1.0 * 200) / 600),
        "slices_with_improvement": 1,
        "total_slices": 3,
        "improvement_rate": 0.5,
    }


def test_the_report_of_an_order_without_fills_invents_nothing():
    """No fills: no average, no improvement, a fill rate of 0."""
    (order,) = Ledger.of(Script().place("c1", 1, 400, 99, touch=(99, 101))).orders.values()
    report = fill_quality_report(order)

    assert (report["avg_fill_price"], report["overall_fill_rate"]) == (None, 0.0)
    assert report["price_improvement"]["avg_improvement_bps"] is None
