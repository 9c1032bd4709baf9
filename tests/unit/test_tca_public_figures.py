"""Cost analysis as users read it: keys, parts that add up, what is left out and what is refused."""

from datetime import UTC, date, datetime, timedelta, timezone
from math import fsum
from typing import Any

import msgspec
import pytest

from quietfill.domain.errors import BadInput
from quietfill.domain.types import Liquidity, datetime_of, price_from, quantity_from
from quietfill.tca.fill_metrics import aggregate_fill_metrics
from quietfill.tca.ledger import Ledger
from quietfill.tca.observed_order import ObservedOrder
from quietfill.tca.period_report import period_of, period_report
from quietfill.tca.post_trade import post_trade_tca
from quietfill.tca.shortfall_report import implementation_shortfall, shortfall_summary
from tests.tca_records import OPEN, Script, at, known, market

TOUCHES = [(0, 99.99, 100.01), (60, 100.09, 100.11), (300, 100.19, 100.21), (2000, 100.09, 100.11)]
PRINTS = [(10, 100.00, 500), (70, 100.10, 400), (200, 100.12, 100), (3600, 100.15, 50)]
PARTS = ("delay", "impact", "opportunity", "fees")


def order(name="order-1", *, side="buy", price=100.11, filled=600, quantity=1000, decision=None, **terms):
    """Return an order that arrived at second 0 and bought (or sold) at second 61, until second 301."""
    script = Script(order_id=name, side=side, quantity=quantity, arrival=(99.99, 100.01), **terms)
    script.records[0] = msgspec.structs.replace(
        script.records[0], decision_price=None if decision is None else price_from(decision)
    )
    script.place(f"{name}/c", 60, quantity, price, touch=(100.09, 100.11))
    if filled:
        script.fill(f"{name}/c", 61, filled, price, commission=3, liquidity=Liquidity.AGGRESSIVE)
    script.end_child(f"{name}/c", 301, filled).done(301, "cancelled", filled)
    (found,) = Ledger.of(script).orders.values()
    return found


def observed(*orders, **terms):
    """Return orders with the market of these tests."""
    history = market(TOUCHES, PRINTS, spans=((0, 3600),))
    given: dict[str, Any] = {"currency": "USD", **terms}
    return [ObservedOrder(one, history, **given) for one in orders]


def parts_of(report):
    """Return the parts of a public shortfall in currency and in bps."""
    costs, metrics = report["costs"], report["metrics"]
    return (
        [costs["fees" if part == "fees" else f"{part}_cost"] for part in PARTS],
        [metrics[f"{part}_bps"] for part in PARTS],
    )


@pytest.mark.parametrize("side", ["buy", "sell"])
@pytest.mark.parametrize("decision", [None, 99.9])
@pytest.mark.parametrize("multiplier", [1, 50])
def test_public_parts_add_up_to_the_public_total(side, decision, multiplier):
    """Delay, impact, opportunity and fees meet the total to 1e-9, in currency and in bps of one base."""
    (one,) = observed(order(side=side, decision=decision), multiplier=multiplier)
    report = implementation_shortfall(one)
    money, bps = parts_of(report)

    assert fsum(money) == pytest.approx(report["costs"]["total_shortfall"], abs=1e-9)
    assert fsum(bps) == pytest.approx(report["metrics"]["shortfall_bps"], abs=1e-9)
    paper = report["costs"]["paper_cost"]
    assert report["metrics"]["shortfall_bps"] == pytest.approx(1e4 * report["costs"]["total_shortfall"] / paper)
    assert money[2] == pytest.approx((1 if side == "buy" else -1) * multiplier * 400 * 0.2)
    assert report["benchmark"]["measured_from"] == ("arrival" if decision is None else "decision")
    assert report["benchmark"]["decision_price"] == decision
    assert paper == pytest.approx(multiplier * 1000 * (100 if decision is None else 99.9))


def test_without_a_closing_price_only_what_needs_it_is_unknown():
    """With something unfilled and no market, opportunity and total are None and the other parts are told."""
    report = implementation_shortfall(ObservedOrder(order()))

    assert report["costs"]["opportunity_cost"] is None
    assert report["costs"]["total_shortfall"] is None
    assert report["costs"]["impact_cost"] == pytest.approx(600 * 0.11)
    assert report["metrics"]["fill_rate"] == 0.6


def test_an_order_that_runs_is_closed_at_the_market_now():
    """The unfilled rest of a live order is held against the present mid, which is its current price."""
    script = Script(quantity=1000, arrival=(99.99, 100.01)).place("c", 1, 1000, 99)
    (live,) = Ledger.of(script).orders.values()
    report = implementation_shortfall(ObservedOrder(live, mid=price_from(100.5)))

    assert report["benchmark"]["current_price"] == 100.5
    assert report["costs"]["opportunity_cost"] == pytest.approx(500)
    assert report["costs"]["total_shortfall"] == pytest.approx(500)


def test_an_order_without_an_arrival_has_prices_and_no_costs():
    """Nothing to measure from gives None, never 0."""
    script = Script(arrival=None).done(5, "rejected")
    (one,) = Ledger.of(script).orders.values()
    report = implementation_shortfall(ObservedOrder(one))

    assert set(report["costs"].values()) == {0.0, None}
    assert report["costs"]["actual_cost"] == 0
    assert all(value is None for name, value in report["metrics"].items() if name != "fill_rate")


def test_the_summary_is_the_book_as_one_order():
    """Averages are ratios of sums, unfilled orders count, and components add up to the total."""
    orders = observed(order("a"), order("b", price=100.01, filled=1000), order("c", filled=0, quantity=5000))
    summary = shortfall_summary(orders)
    single = [implementation_shortfall(one) for one in orders]
    total = fsum(report["costs"]["total_shortfall"] for report in single)
    paper = fsum(report["costs"]["paper_cost"] for report in single)
    parts = summary["components"]

    assert (summary["orders_analyzed"], summary["orders_unknown"]) == (3, 0)
    assert summary["avg_shortfall_bps"] == pytest.approx(1e4 * total / paper)
    assert summary["total_shortfall_bps"] == summary["avg_shortfall_bps"]
    assert summary["max_shortfall_bps"] == max(report["metrics"]["shortfall_bps"] for report in single)
    assert summary["min_shortfall_bps"] == min(report["metrics"]["shortfall_bps"] for report in single)
    assert parts["total_opportunity_cost"] == pytest.approx(400 * 0.2 + 5000 * 0.2)
    assert fsum(parts[f"avg_{part}_bps"] for part in PARTS) == pytest.approx(summary["avg_shortfall_bps"])
    assert known(summary["standard_error_bps"]) > 0


def test_money_of_two_currencies_is_never_added():
    """Each currency has its own sums; over all there are none, only counts and extremes."""
    orders = [*observed(order("a")), *observed(order("b"), currency="EUR")]
    summary = shortfall_summary(orders)

    assert set(summary["by_currency"]) == {"USD", "EUR"}
    assert (summary["avg_shortfall_bps"], summary["components"]["total_opportunity_cost"]) == (None, None)
    assert summary["orders_analyzed"] == 2
    assert aggregate_fill_metrics(orders)["slippage"]["avg_bps"] is None
    assert period_report(orders)["arrival_cost_bps"]["mean"] is None
    assert period_report(orders)["arrival_cost_bps"]["median"] == pytest.approx(11)


def test_no_orders_have_a_summary_all_the_same():
    """Every key is there when there is nothing to sum, without a made-up average."""
    assert shortfall_summary([])["orders_analyzed"] == 0
    assert shortfall_summary([])["avg_shortfall_bps"] is None
    assert shortfall_summary([])["components"]["total_opportunity_cost"] == 0
    metrics = aggregate_fill_metrics([])
    assert (metrics["total_orders"], metrics["slippage"]["avg_bps"], metrics["slippage"]["max_bps"]) == (0, None, None)
    report = period_report([])
    assert (report["order_count"], report["period"], report["avg_fill_rate_pct"]) == (
        0, {"start": None, "end": None}, None,
    )  # fmt: skip


def test_fill_metrics_weight_orders_by_value():
    """Slippage against arrival and improvement against the slice's mid are averaged by filled value."""
    metrics = aggregate_fill_metrics(observed(order("a"), order("b", price=99.95, filled=200)))
    slippage, improvement = metrics["slippage"], metrics["price_improvement"]

    assert metrics["total_shares_filled"] == 800
    assert slippage["avg_bps"] == pytest.approx((600 * 11 - 200 * 5) / 800)
    assert (slippage["max_bps"], slippage["min_bps"]) == pytest.approx((11, -5))
    assert slippage["orders_with_slippage"] == 1
    assert improvement["orders_with_improvement"] == 1
    assert improvement["improvement_rate"] == 0.5
    assert improvement["max_bps"] == pytest.approx(0.15 / 100.1 * 1e4)


@pytest.mark.parametrize("benchmark", ["arrival", "VWAP", "twap", "close", "decision", "pwp"])
def test_post_trade_names_its_primary_benchmark(benchmark):
    """The primary cost is that against the benchmark that was asked for, in any letter case."""
    (one,) = observed(order(decision=99.9))
    report = post_trade_tca(one, benchmark, 4.5)

    assert report["primary_benchmark"] == benchmark.lower()
    assert report["primary_cost_bps"] == report["costs_bps"][f"vs_{benchmark.lower()}"]
    assert report["estimated_market_impact_bps"] == 4.5


def test_post_trade_benchmarks_are_different_prices():
    """VWAP is of the prints of the interval, TWAP of its mids over time, the close of the day's end."""
    (one,) = observed(order())
    report = post_trade_tca(one)

    assert report["benchmarks"]["arrival"] == 100
    assert report["benchmarks"]["vwap"] == 100
    assert report["benchmarks"]["twap"] == pytest.approx((60 * 100 + 100.1) / 61)
    assert report["benchmarks"]["close"] == 100.15
    assert report["costs_bps"]["vs_arrival"] == pytest.approx(11)
    assert report["duration_seconds"] == 61
    assert report["time_to_first_fill_seconds"] == 61
    assert report["execution_quality"]["aggressive_fill_pct"] == 100
    assert report["created_at"] == datetime_of(OPEN)


def test_the_close_is_not_known_before_the_day_is_over():
    """While the day goes on there is no close and no average to it; the rest is told."""
    history = market(TOUCHES[:2], PRINTS[:2], spans=((0, 3600),))
    report = post_trade_tca(ObservedOrder(order(), history))

    assert (report["benchmarks"]["close"], report["costs_bps"]["vs_close"]) == (None, None)
    assert report["benchmarks"]["rest_vwap"] is None
    assert report["benchmarks"]["vwap"] == 100


def test_an_order_without_fills_lasted_until_its_end():
    """Its duration is to its end, it has benchmarks and no costs against them."""
    (one,) = observed(order(filled=0))
    report = post_trade_tca(one)

    assert report["duration_seconds"] == 301
    assert report["benchmarks"]["vwap"] == pytest.approx((500 * 100 + 400 * 100.1 + 100 * 100.12) / 1000)
    assert set(report["costs_bps"].values()) == {None}
    assert report["execution_quality"]["aggressive_fill_pct"] is None


@pytest.mark.parametrize("benchmark", ["", "vwop", "low", 7, None])
def test_an_unknown_benchmark_is_refused(benchmark):
    """The error names it and lists those that there are; best and worst prices judge nobody."""
    with pytest.raises(BadInput, match=r"benchmark must be one of decision, arrival, .*, not "):
        post_trade_tca(observed(order())[0], benchmark)


def test_a_period_takes_whole_utc_days_and_aware_instants():
    """A date is the whole UTC day, both ends in; an aware datetime of any zone is its instant."""
    assert period_of(date(2023, 7, 11), date(2023, 7, 11)) == (
        OPEN - 2 * 3600 * 10**9,
        OPEN + 22 * 3600 * 10**9 - 1,
    )
    shanghai = timezone(timedelta(hours=8))
    assert period_of(datetime(2023, 7, 11, 10, tzinfo=shanghai), None) == (OPEN, None)


@pytest.mark.parametrize(
    ("start", "end", "message"),
    [
        (datetime(2023, 7, 11), None, "start_date must be an aware datetime or a date, not the naive"),  # noqa: DTZ001
        (None, datetime(2023, 7, 11), "end_date must be an aware datetime or a date, not the naive"),  # noqa: DTZ001
        ("2023-07-11", None, "start_date must be an aware datetime or a date, not '2023-07-11'"),
        (date(2023, 7, 12), date(2023, 7, 11), "end_date 2023-07-11 is before start_date 2023-07-12"),
        (None, 20230711, "end_date must be an aware datetime or a date, not 20230711"),
    ],
)
def test_a_period_that_cannot_be_is_refused(start, end, message):
    """Naive datetimes, texts and ends before starts are refused by name."""
    with pytest.raises(BadInput, match=message):
        period_of(start, end)


def test_a_report_counts_the_orders_of_its_period():
    """Orders accepted outside are left out; those without a fill count in number and fill rate alone."""
    orders = observed(
        order("early", accepted=0), order("a", accepted=10), order("b", accepted=20, price=99.95, filled=200),
        order("c", accepted=30, filled=0), order("late", accepted=40),
    )  # fmt: skip
    report = period_report(orders, at(10), at(30))

    assert report["order_count"] == 3
    assert report["orders_filled"] == 2
    assert report["total_filled_quantity"] == 800
    assert report["avg_fill_rate_pct"] == pytest.approx(100 * 800 / 3000)
    assert report["arrival_cost_bps"]["mean"] == pytest.approx((600 * 11 - 200 * 5) / 800)
    assert (report["arrival_cost_bps"]["median"], report["arrival_cost_bps"]["orders"]) == (pytest.approx(3), 2)
    assert report["execution_quality"]["avg_aggressive_fill_pct"] is not None
    assert report["period"] == {"start": datetime_of(at(10)), "end": datetime_of(at(30))}
    assert report["period"]["start"].tzinfo is UTC


def test_vwap_costs_are_against_the_interval_of_each_order():
    """Each order is held against the prints between its own arrival and last fill."""
    report = period_report(observed(order("a")))

    assert report["vwap_cost_bps"]["mean"] == pytest.approx(11)
    assert report["total_filled_quantity"] == 600
    assert quantity_from(report["total_filled_quantity"]) == quantity_from(600)
