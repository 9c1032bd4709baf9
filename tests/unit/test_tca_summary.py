"""The figures of one order, against cases computed by hand."""

from pathlib import Path

import msgspec
import pytest

from quietfill.domain.order_state import OrderState
from quietfill.domain.records import ArrivalQuoted, OrderAmended
from quietfill.domain.types import Liquidity, price_from, quantity_from
from quietfill.tca.ledger import Ledger
from quietfill.tca.summary import OrderSummary, arrival_mid, order_shortfall, order_summary
from tests.tca_records import Script, at, known, market

# Mini tape A of the conformance cases (F3): quotes, and prints of which three are ours.
QUOTES = [
    (0, 99.98, 100.00), (2, 99.99, 100.03), (4, 100.00, 100.04), (6, 100.02, 100.04), (9, 100.00, 100.04),
    (12, 100.04, 100.08),
]  # fmt: skip
OTHERS = [(1, 99.99, 300), (3, 100.01, 500), (5, 100.04, 100), (6, 100.03, 400), (9, 100.00, 400), (10, 100.02, 1000)]


def mini_tape(**terms):
    """Return the order of the mini tape: buy 1,000 at second 3, 800 filled in three executions."""
    script = Script(accepted=3, **terms).place("c1", 3, 1000, 100.04)
    script.fill("c1", 5, 300, 100.04, touch=(100.00, 100.04), liquidity=Liquidity.AGGRESSIVE, commission=4)
    script.fill("c1", 6, 200, 100.03, touch=(100.02, 100.04), liquidity=Liquidity.AGGRESSIVE)
    script.fill("c1", 9, 300, 100.00, touch=(100.00, 100.04), liquidity=Liquidity.PASSIVE)
    return script.end_child("c1", 11, 800).done(12, "cancelled", 800)


def summary_of(script, history, **options):
    """Return the summary of a script's only order."""
    (order,) = Ledger.of(script).orders.values()
    return order_summary(order, history, **options)


def test_the_mini_tape_gives_the_figures_of_the_conformance_case():
    """Average, arrival, VWAP without own prints, TWAP, participation and half-spread meet the published case."""
    summary = summary_of(mini_tape(), market(QUOTES, OTHERS))

    assert summary.avg_fill_price == pytest.approx(100.0225, rel=1e-12)
    assert summary.arrival_mid == pytest.approx(100.01, rel=1e-12)
    assert summary.shortfall_bps == pytest.approx(1.249875, abs=1e-6)
    assert summary.interval_vwap == pytest.approx(100.015, rel=1e-12)
    assert summary.vs_vwap_bps == pytest.approx(0.749888, abs=1e-6)
    assert summary.interval_twap == pytest.approx(100.02333333, abs=1e-8)
    assert summary.vs_twap_bps == pytest.approx(-0.083314, abs=1e-6)
    assert summary.participation == pytest.approx(800 / 2200, rel=1e-12)
    assert summary.half_spread_paid_bps == pytest.approx(0, abs=1e-9)  # +2, 0 and -2 bps, by quantity
    assert summary.half_spread_coverage == 1
    assert summary.passive_pct == pytest.approx(37.5)
    assert (summary.filled, summary.quantity, summary.children, summary.messages) == (800, 1000, 1, 1)
    assert isinstance(summary.filled, int)


def test_the_parts_of_the_shortfall_are_of_the_whole_order():
    """Executed part times fill rate, fees and opportunity add up to the total, all of the order at its arrival mid."""
    summary = summary_of(mini_tape(), market(QUOTES, OTHERS))
    paper = 1000 * 100.01

    assert summary.fees_bps == pytest.approx(4 / paper * 1e4)
    assert summary.opportunity_bps == pytest.approx(200 * (100.06 - 100.01) / paper * 1e4)
    assert summary.total_shortfall_bps == pytest.approx((800 * 0.0125 + 4 + 10) / paper * 1e4)
    assert summary.total_shortfall_bps == pytest.approx(
        0.8 * known(summary.shortfall_bps) + known(summary.fees_bps) + known(summary.opportunity_bps), abs=1e-9
    )


def test_currency_figures_count_the_contract_multiplier():
    """A multiplier scales costs and paper value alike; fees are currency already."""
    (order,) = Ledger.of(mini_tape()).orders.values()
    parts = known(order_shortfall(order, market(QUOTES, OTHERS), multiplier=50))

    assert float(parts.paper_value) == pytest.approx(50 * 100_010)
    assert float(parts.trading) == pytest.approx(50 * 800 * 0.0125)
    assert float(known(parts.opportunity)) == pytest.approx(50 * 10)
    assert parts.fees == 4


def test_nothing_filled_leaves_prices_and_costs_out():
    """An order without a fill has no prices, no costs and no market figures, only its counts."""
    script = Script(limit=90).place("c1", 1, 1000, 90).end_child("c1", 600, 0).done(600, "cancelled")
    summary = summary_of(script, market(QUOTES, OTHERS))
    numbers = msgspec.structs.asdict(summary)

    unknown = [name for name, value in numbers.items() if value is None]
    assert unknown == [
        "avg_fill_price", "arrival_mid", "shortfall_bps", "fees_bps", "opportunity_bps", "total_shortfall_bps",
        "interval_vwap", "vs_vwap_bps", "interval_twap", "vs_twap_bps", "half_spread_paid_bps", "half_spread_coverage",
        "participation", "passive_pct", "first_fill", "last_fill",
    ]  # fmt: skip
    assert (summary.filled, summary.children, summary.messages, summary.state) == (0, 1, 1, OrderState.CANCELLED)


def test_an_unfilled_order_still_shows_what_waiting_cost():
    """The shortfall of an order without a fill is its opportunity cost: the way the mid went, times the quantity."""
    script = Script(side="sell", arrival=(100.00, 100.02)).place("c1", 1, 1000, 101).done(12, "cancelled")
    (order,) = Ledger.of(script).orders.values()
    parts = known(order_shortfall(order, market(QUOTES)))

    assert parts.executed_bps is None
    assert float(known(parts.total)) == pytest.approx(-1000 * 0.05)


def test_fees_that_came_for_some_fills_only_are_not_known():
    """One missing commission makes fees and total unknown, and nothing else."""
    script = Script().place("c1", 1, 1000, 100.04).fill("c1", 5, 500, 100.04, commission=1)
    script.fill("c1", 6, 500, 100.04, commission=None).done(6)
    summary = summary_of(script, market(QUOTES, OTHERS))

    assert (summary.fees_bps, summary.total_shortfall_bps) == (None, None)
    assert summary.opportunity_bps == 0
    assert summary.shortfall_bps is not None


def test_without_a_recorded_market_the_journal_still_tells_what_it_can():
    """A journal alone gives average, arrival cost, fees and passive share; what needs the market is None."""
    summary = summary_of(mini_tape(), None)

    assert summary.shortfall_bps == pytest.approx(1.249875, abs=1e-6)
    assert summary.half_spread_coverage == 1
    assert summary.fees_bps is not None
    assert (summary.interval_vwap, summary.interval_twap, summary.participation) == (None, None, None)
    assert (summary.opportunity_bps, summary.total_shortfall_bps) == (None, None)


def test_arrival_is_the_first_quote_of_an_order_accepted_without_one():
    """The arrival quote that came later is the arrival, and the interval begins with it."""
    script = Script(arrival=None, accepted=0)
    script.add(
        ArrivalQuoted(
            at=at(2), order_id="order-1", bid=price_from(99.99), ask=price_from(100.03), bid_size=0, ask_size=0,
            quote_age=0, day_volume=None,
        )
    )  # fmt: skip
    script.place("c1", 2, 1000, 100.04).fill("c1", 3, 1000, 100.03).done(3)
    (order,) = Ledger.of(script).orders.values()

    assert arrival_mid(order) == price_from(100.01)
    assert order_summary(order, market(QUOTES, OTHERS)).interval_vwap == 100.01


def test_an_order_without_any_arrival_has_no_shortfall():
    """Without an arrival quote the average fill is known and its cost is not."""
    script = Script(arrival=None).place("c1", 1, 1000, 100.04).fill("c1", 5, 1000, 100.04).done(5)
    summary = summary_of(script, market(QUOTES, OTHERS))

    assert summary.avg_fill_price == 100.04
    assert (summary.arrival_mid, summary.shortfall_bps, summary.total_shortfall_bps) == (None, None, None)
    assert summary.vs_vwap_bps is not None


def test_the_base_is_the_quantity_in_force():
    """After an amendment the shortfall is of the amended order."""
    script = Script().place("c1", 1, 1000, 100.04).fill("c1", 5, 500, 100.02)
    script.add(OrderAmended(at=at(6), order_id="order-1", by="ann", quantity=quantity_from(500))).done(7, "filled", 500)
    summary = summary_of(script, market(QUOTES, OTHERS))

    assert summary.quantity == 500
    assert summary.total_shortfall_bps == pytest.approx(summary.shortfall_bps)


def test_bitcoin_sized_figures_do_not_overflow():
    """Prices and quantities whose products leave 64 bits give exact averages, and parts of a coin stay exact."""
    touches = [(0, 9_000_000.0, 9_000_000.2), (30, 9_000_100.0, 9_000_100.2)]
    prints = [(second, 9_000_000.1 + second, 12_345.678) for second in range(40)]
    script = Script(quantity=98_765.432, arrival=(9_000_000.0, 9_000_000.2), accepted=0)
    script.place("c1", 1, 98_765.432, 9_000_200)
    for second in range(10, 20):
        script.fill("c1", second, 9_876.5432, 9_000_000.1 + second)
    summary = summary_of(script.done(20), market(touches, prints))

    assert summary.filled == 98_765.432
    assert summary.avg_fill_price == pytest.approx(9_000_014.6, rel=1e-15)
    assert summary.interval_vwap == pytest.approx(9_000_009.6, rel=1e-15)
    assert summary.interval_twap == 9_000_000.1
    assert summary.shortfall_bps == pytest.approx(14.5 / 9_000_000.1 * 1e4, rel=1e-12)
    assert summary.participation == pytest.approx(98_765.432 / (98_765.432 + 20 * 12_345.678))


def test_the_summary_is_plain_json():
    """Every figure of the summary encodes as JSON, under the names that `simulate` prints."""
    encoded = msgspec.json.decode(msgspec.json.encode(summary_of(mini_tape(), market(QUOTES, OTHERS))))

    assert encoded["side"] == "buy"
    assert encoded["started"] == "2023-07-11T02:00:03Z"
    assert encoded.keys() >= {
        "filled", "avg_fill_price", "arrival_mid", "shortfall_bps", "fees_bps", "opportunity_bps",
        "total_shortfall_bps",
        "interval_vwap", "vs_vwap_bps", "interval_twap", "vs_twap_bps", "half_spread_paid_bps", "participation",
        "passive_pct", "children", "messages",
    }  # fmt: skip


def test_every_figure_is_in_the_reference():
    """The reference page names each field of the summary that is a figure, so that none is without its formula."""
    page = (Path(__file__).parents[2] / "docs" / "reference" / "figures.md").read_text(encoding="utf-8")
    terms = {"order_id", "symbol", "side", "algo"}
    figures = [name for name in OrderSummary.__struct_fields__ if name not in terms]

    assert [name for name in figures if f"`{name}`" not in page] == []
