"""Benchmarks: the published cases, the mini tape whose every figure is known, and ratios of sums."""

from dataclasses import replace
from functools import cache

import msgspec
import numpy as np
import pytest

from quietfill.domain.records import FillMarks
from quietfill.domain.types import SECOND, Liquidity, OrderSide, price_from, quantity_from
from quietfill.tca.benchmarks import in_currency, performance_bps
from quietfill.tca.book_costs import ratio_of_sums
from quietfill.tca.figures import order_figures
from quietfill.tca.fill_figures import fill_figures, weighted
from quietfill.tca.ledger import Ledger
from quietfill.tca.marks import FillTable, QuoteTable, fill_marks
from quietfill.tca.prints import OwnPrint, participation_price
from tests.tca_records import Script, at, known, market, optional

# F3, mini tape A: our own fills are in the prints, the fill's mid is that of the last quote at or before it.
QUOTES = [
    (0, 99.98, 100.00), (2, 99.99, 100.03), (4, 100.00, 100.04), (6, 100.02, 100.04), (9, 100.00, 100.04),
    (12, 100.04, 100.08),
]  # fmt: skip
PRINTS = [
    (1, 99.99, 300), (3, 100.01, 500), (5, 100.04, 400), (6, 100.03, 600), (9, 100.00, 700), (10, 100.02, 1000),
    (11, 100.05, 900),
]  # fmt: skip
FILLS = [(5, 100.04, 300, (100.00, 100.04)), (6, 100.03, 200, (100.02, 100.04)), (9, 100.00, 300, (100.00, 100.04))]
HORIZONS = (SECOND, 5 * SECOND)


@cache
def tape():
    """Return the mini tape with our own prints in it."""
    recorded = market(QUOTES, PRINTS)
    return replace(recorded, includes_own=True)


@cache
def order():
    """Return the order of the mini tape: buy 1,000, decided at 99.95, arrived at second 3, 800 filled."""
    script = Script(accepted=3, arrival=(99.99, 100.03)).place("c1", 3, 1000, 100.04)
    script.records[0] = msgspec.structs.replace(script.records[0], decision_price=price_from(99.95))
    for (second, price, quantity, touch), fee in zip(FILLS, (4, 0, 0), strict=True):
        script.fill("c1", second, quantity, price, touch=touch, commission=fee, liquidity=Liquidity.UNKNOWN)
    script.end_child("c1", 12, 800).done(12, "cancelled", 800)
    (found,) = Ledger.of(script).orders.values()
    return found


def figures(**options):
    """Return every figure of the mini tape's order."""
    return order_figures(order(), tape(), horizons=HORIZONS, **options)


@pytest.mark.parametrize(
    ("benchmark", "expected"),
    [
        (5027, 71.17988), (5000, 17.56425), (5037, 90.89166), (4988.044, -6.363777), (5023.869, 64.99206),
    ],
)  # fmt: skip
def test_f1_performance_against_each_benchmark(benchmark, expected):
    """A buy at 4,991.218 did well against arrival, open, close and PWP and badly against VWAP (blotter's vignette)."""
    assert performance_bps("buy", 4991.218, benchmark) == pytest.approx(expected, abs=1e-3)


def test_f1_the_pwp_volume_is_filled_over_rate():
    """17,322 shares at 30 % are held against the first 57,740 shares traded, and the last print is cut."""
    history = market([], [(0, 10, 57_000), (1, 20, 740), (2, 99, 5)])
    own = [OwnPrint(at(0), price_from(10), quantity_from(17_322))]
    history = replace(history, includes_own=True)

    pwp = known(in_currency(participation_price(history, own, at(0), 0.3)))
    assert pwp == pytest.approx((57_000 * 10 + 740 * 20) / 57_740, rel=1e-12)


@pytest.mark.parametrize(
    ("name", "price", "cost"),
    [
        ("arrival", 100.01, 1.249875), ("decision", 99.95, 7.253627), ("vwap_with_own", 100.01772727, 0.477188),
        ("vwap", 100.015, 0.749888), ("twap", 100.02333333, -0.083314), ("pwp", 100.02475, -0.224944),
        ("arrival_near", 99.99, 3.250325), ("arrival_far", 100.03, -0.749775),
    ],
)  # fmt: skip
def test_f3_prices_and_costs(name, price, cost):
    """The average of 100.0225 against each price of the mini tape; VWAP is without our own prints unless named so."""
    found = figures()

    assert found.avg_fill_price == pytest.approx(100.0225, rel=1e-12)
    assert found.benchmarks[name] == pytest.approx(price, abs=5e-9)
    assert found.costs_bps[name] == pytest.approx(cost, abs=1e-6)


def test_f3_own_prints_pull_the_vwap_towards_us_by_the_participation():
    """(1 - p) times the distance to the others' VWAP is the distance to everybody's, exactly."""
    found = figures()
    average, others, everybody = (
        known(found.avg_fill_price), known(found.benchmarks["vwap"]), known(found.benchmarks["vwap_with_own"]),
    )  # fmt: skip

    assert found.participation == pytest.approx(0.363636, abs=1e-6)
    assert average - everybody == pytest.approx((1 - known(found.participation)) * (average - others), abs=1e-9)


def test_f3_the_same_figures_where_our_prints_are_not_on_the_tape():
    """A recording without our trades gives the same VWAPs, participation, PWP and RPM: they are put in."""
    own = {(second, price): quantity for second, price, quantity, _ in FILLS}
    others = [(second, price, quantity - own.get((second, price), 0)) for second, price, quantity in PRINTS]
    with_own, without = figures(), order_figures(order(), market(QUOTES, others), horizons=HORIZONS)

    for name in ("vwap", "vwap_with_own", "pwp", "twap"):
        assert with_own.benchmarks[name] == without.benchmarks[name]
    assert (with_own.participation, with_own.rpm) == (without.participation, without.rpm)


def test_f3_rpm():
    """Of the interval's 2,200 shares 1,000 traded above our average and none at it."""
    assert figures().rpm == pytest.approx(0.454545, abs=1e-6)


def test_f3_spreads_categories_and_markouts_of_each_fill():
    """Effective spread, category, capture and markouts meet the tape's figures; past the end of the data is null."""
    fills = fill_figures(order(), tape(), HORIZONS)

    assert [fill.effective_bps for fill in fills] == pytest.approx([3.9992, 0, -3.9992], abs=5e-5)
    assert [fill.category for fill in fills] == ["aggressive", "midpoint", "passive"]
    assert [fill.spread_capture for fill in fills] == [-1, 0, 1]
    assert [fill.markout_bps[0] for fill in fills] == pytest.approx([-0.9998, 0, 1.9996], abs=5e-5)
    assert [fill.markout_bps[1] for fill in fills][:2] == pytest.approx([-1.9996, -0.9997], abs=5e-5)
    assert fills[2].markout_bps[1] is None
    assert weighted(fills, lambda fill: fill.effective_bps) == pytest.approx(0, abs=1e-9)


@pytest.mark.parametrize("compiled", [True, False])
def test_f3_the_batch_finds_the_same_marks(compiled):
    """Looked up among the quotes, at or before each fill, effective spreads and markouts are those of the tape."""
    fills = FillTable(
        start=np.array([0, 3]),
        time=np.array([at(second) for second, *_ in FILLS]),
        price=np.array([price_from(price) for _, price, *_ in FILLS]),
        sign=np.ones(3, dtype=np.int8),
    )
    marks = fill_marks(fills, QuoteTable.of(tape()), HORIZONS, compiled=compiled)
    one_by_one = fill_figures(order(), tape(), HORIZONS)

    assert marks.effective_bps.tolist() == [fill.effective_bps for fill in one_by_one]
    assert marks.markout_bps[:, 0].tolist() == [fill.markout_bps[0] for fill in one_by_one]
    assert marks.markout_bps[:2, 1].tolist() == [fill.markout_bps[1] for fill in one_by_one[:2]]
    assert np.isnan(marks.markout_bps[2, 1])


def test_f3_the_parts_of_the_shortfall():
    """Delay 60, trading 10, opportunity 10, fees 4: 84.00 in all, 8.404202 bp of paper; 80 % was filled."""
    found = figures()
    parts = known(found.parts)

    assert (parts.delay, parts.trading, parts.opportunity, parts.fees) == pytest.approx((60, 10, 10, 4), abs=1e-9)
    assert parts.total == pytest.approx(84, abs=1e-9)
    assert parts.total_bps == pytest.approx(8.404202, abs=1e-6)
    assert found.fill_rate == 0.8
    assert found.closing_price == 100.06


def test_f3_the_journal_alone_tells_them_from_its_marks():
    """With the market kept at each fill and at the end, no market history is needed for parts, VWAP and spreads."""
    script = Script(accepted=3, arrival=(99.99, 100.03)).place("c1", 3, 1000, 100.04)
    script.records[0] = msgspec.structs.replace(script.records[0], decision_price=price_from(99.95))
    kept = [(100, 100.04, 100.01), (500, 100.0300, 100.02), (1400, 100.015, 100.0233333333)]
    for (second, price, quantity, touch), (volume, vwap, twap) in zip(FILLS, kept, strict=True):
        script.fill("c1", second, quantity, price)
        marks = FillMarks(
            bid=optional(touch[0]), ask=optional(touch[1]), bid_size=1, ask_size=1, quote_age=0,
            market_volume=quantity_from(volume), vwap=price_from(vwap), twap=round(twap * 1e9),
        )  # fmt: skip
        script.records[-1] = msgspec.structs.replace(script.records[-1], marks=marks)
    script.end_child("c1", 12, 800).done(12, "cancelled", 800)
    end = {"bid": price_from(100.04), "ask": price_from(100.08)}
    script.records[-1] = msgspec.structs.replace(script.records[-1], **end)
    (alone,) = Ledger.of(script).orders.values()
    found = order_figures(alone, None, horizons=HORIZONS)

    assert found.market_source == "marks"
    assert found.costs_bps["vwap"] == pytest.approx(0.749888, abs=1e-6)
    assert found.costs_bps["vwap_with_own"] == pytest.approx(0.477188, abs=1e-6)
    assert found.costs_bps["twap"] == pytest.approx(-0.083314, abs=1e-6)
    assert found.participation == pytest.approx(0.363636, abs=1e-6)
    assert found.spread_capture == pytest.approx(0, abs=1e-12)
    assert known(found.parts).total == pytest.approx(80, abs=1e-9)
    assert found.markout_bps == {"1s": None, "5s": None}
    assert found.benchmarks["pwp"] is None


def test_f5_a_books_cost_is_a_ratio_of_sums():
    """Notionals of very different size cost 3.907692 bp together, not the 9.5 of their plain mean."""
    notionals = [1e5, 2e6, 3e5, 5e4, 8e5]
    costs = [base * bps / 1e4 for base, bps in zip(notionals, (12, 3, -4, 30, 6.5), strict=True)]
    book = ratio_of_sums(costs, notionals)

    assert book.bps == pytest.approx(3.907692, abs=1e-6)
    assert book.mean_bps == pytest.approx(9.5)
    assert (book.orders, book.clusters) == (5, 5)
    assert book.effective_orders == pytest.approx(3.25e6**2 / sum(base**2 for base in notionals))


@pytest.mark.parametrize("side", OrderSide)
def test_a_sell_is_the_mirror_of_a_buy(side):
    """What is good for a buyer is bad for a seller, by the same figure."""
    assert performance_bps(side, 101, 100) == -100 * side.sign
