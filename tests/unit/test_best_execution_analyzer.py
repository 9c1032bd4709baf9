"""The bundled analyzer: what each venue, algo and instrument cost, by hand-computed figures."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from math import sqrt
from statistics import fmean
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quietfill import BestExecutionAnalyzer
from quietfill.tca.best_execution import GROUPS_KEPT, OTHER
from quietfill.tca.clustered import ClusteredMeans

NOON = datetime(2023, 7, 11, 12, tzinfo=UTC)


def record(analyzer: BestExecutionAnalyzer, **changes: Any) -> None:
    """Record a fill: bought 100 at 10.01 against 10.00, by TWAP at ARCA."""
    terms: dict[str, Any] = {
        "symbol": "ACME",
        "side": "buy",
        "quantity": 100,
        "fill_price": 10.01,
        "commission": 0.5,
        "arrival_price": 10.0,
        "vwap_price": 10.005,
        "twap_price": None,
        "venue": "ARCA",
        "algo_used": "twap",
        "order_id": "o1",
        "decision_timestamp": NOON,
        "order_timestamp": NOON + timedelta(seconds=2),
        **changes,
    }
    analyzer.record_execution(**terms)


def test_costs_are_weighted_by_quantity_and_by_notional() -> None:
    """A buy above and a sell above the arrival price hurt and help; the two weights give the figures by hand."""
    analyzer = BestExecutionAnalyzer()
    record(analyzer)
    record(analyzer, side="sell", quantity=300, fill_price=20.01, arrival_price=20.0, order_id="o2")
    arrival = analyzer.report()["total"]["cost_bps"]["arrival"]

    assert arrival["quantity_weighted"] == pytest.approx((100 * 10 - 300 * 5) / 400)
    assert arrival["notional_weighted"] == pytest.approx(1e4 * (100 * 0.01 - 300 * 0.01) / (100 * 10 + 300 * 20))
    assert (arrival["orders"], arrival["coverage"]) == (2, 1.0)


def test_what_is_not_known_is_none_and_covers_less() -> None:
    """A benchmark that no fill has is None; one that some have says which share of the quantity it covers."""
    analyzer = BestExecutionAnalyzer()
    record(analyzer)
    record(analyzer, quantity=300, vwap_price=None, commission=None, arrival_price=None)
    total = analyzer.report()["total"]

    assert total["cost_bps"]["twap"]["quantity_weighted"] is None
    assert total["cost_bps"]["vwap"]["coverage"] == 0.25
    assert total["commission"] == 0.5
    assert total["commission_bps"] == pytest.approx(1e4 * 0.5 / 1001)
    assert BestExecutionAnalyzer().report()["total"]["commission"] is None


def test_fills_are_grouped_by_venue_algo_and_symbol() -> None:
    """Each group has its own fills, and unnamed ones a name."""
    analyzer = BestExecutionAnalyzer()
    record(analyzer)
    record(analyzer, venue="BATS", algo_used="is", symbol="OTHER")
    record(analyzer, venue=None, algo_used=None)
    report = analyzer.report()

    assert {name: group["fills"] for name, group in report["by_venue"].items()} == {"ARCA": 1, "BATS": 1, "unknown": 1}
    assert set(report["by_algo"]) == {"twap", "is", "unknown"}
    assert {name: group["fills"] for name, group in report["by_symbol"].items()} == {"ACME": 2, "OTHER": 1}
    assert report["total"]["fills"] == 3


def test_price_improvement_counts_what_beat_the_arrival() -> None:
    """Share of fills and of quantity, the improvement in bps of those, and the money."""
    analyzer = BestExecutionAnalyzer()
    record(analyzer)
    record(analyzer, quantity=300, fill_price=9.99)
    improvement = analyzer.report()["total"]["price_improvement"]

    assert improvement["fills"] == 1
    assert improvement["rate"] == 0.5
    assert improvement["quantity_share"] == 0.75
    assert improvement["avg_improvement_bps"] == pytest.approx(10.0)
    assert improvement["amount"] == pytest.approx(3.0)


def test_the_time_from_decision_to_order_is_averaged() -> None:
    """Over the fills that know both times."""
    analyzer = BestExecutionAnalyzer()
    record(analyzer)
    record(analyzer, order_timestamp=NOON + timedelta(seconds=4))
    record(analyzer, decision_timestamp=None)

    assert analyzer.report()["total"]["avg_decision_to_order_seconds"] == 3.0


def test_the_standard_error_takes_the_order_as_the_unit() -> None:
    """A hundred fills of two orders are two draws, not two hundred: the error is that of two."""
    analyzer = BestExecutionAnalyzer()
    for _ in range(100):
        record(analyzer, order_id="o1", fill_price=10.01)
        record(analyzer, order_id="o2", fill_price=10.03)
    arrival = analyzer.report()["total"]["cost_bps"]["arrival"]

    assert arrival["quantity_weighted"] == pytest.approx(20.0)
    assert arrival["quantity_weighted_se"] == pytest.approx(10.0)


def test_one_order_has_no_standard_error() -> None:
    """Nothing is known of the spread between orders."""
    analyzer = BestExecutionAnalyzer()
    record(analyzer)
    record(analyzer, fill_price=10.05)

    assert analyzer.report()["total"]["cost_bps"]["arrival"]["quantity_weighted_se"] is None


@pytest.mark.parametrize(
    ("changes", "name"),
    [
        ({"side": "hold"}, "side"),
        ({"quantity": 0}, "quantity"),
        ({"quantity": float("nan")}, "quantity"),
        ({"fill_price": float("inf")}, "fill_price"),
        ({"commission": float("nan")}, "commission"),
        ({"arrival_price": float("nan")}, "arrival_price"),
        ({"vwap_price": "10"}, "vwap_price"),
        ({"symbol": ""}, "symbol"),
        ({"order_id": 5}, "order_id"),
        ({"decision_timestamp": datetime(2023, 7, 11, 12)}, "decision_timestamp"),  # noqa: DTZ001 - that is the point
    ],
)
def test_bad_input_is_refused_by_name_and_counts_nothing(changes: dict[str, Any], name: str) -> None:
    """Each is a ValueError that names the argument."""
    analyzer = BestExecutionAnalyzer()
    before = analyzer.report()
    with pytest.raises(ValueError, match=name):
        record(analyzer, **changes)

    assert analyzer.report() == before


def test_groups_have_a_limit() -> None:
    """What comes after the last group that is kept is counted together."""
    analyzer = BestExecutionAnalyzer()
    for number in range(GROUPS_KEPT + 3):
        record(analyzer, symbol=f"S{number}")
    by_symbol = analyzer.report()["by_symbol"]

    assert len(by_symbol) == GROUPS_KEPT + 1
    assert by_symbol[OTHER]["fills"] == 3


@given(
    st.lists(
        st.tuples(st.integers(0, 5), st.floats(0.1, 1e4), st.floats(-500, 500)),
        min_size=1,
        max_size=60,
    )
)
def test_means_and_errors_are_those_of_the_formula(samples: list[tuple[int, float, float]]) -> None:
    """Sums over fills in any order give the ratio estimator over orders, computed here the long way."""
    means = ClusteredMeans(1)
    by_order: dict[int, list[tuple[float, float]]] = {}
    for order, weight, value in samples:
        means.add(str(order), [(weight, value)])
        by_order.setdefault(order, []).append((weight, value))
    weight = sum(weight for _, weight, _ in samples)
    mean = sum(weight * value for _, weight, value in samples) / weight
    rests = [sum(w * (x - mean) for w, x in fills) for fills in by_order.values()]
    count = len(rests)

    assert means.mean(0) == pytest.approx(mean, abs=1e-6)
    if count < 2:
        assert means.standard_error(0) is None
    else:
        error = sqrt(count / (count - 1) * sum(rest * rest for rest in rests)) / weight
        assert means.standard_error(0) == pytest.approx(error, rel=1e-6, abs=1e-6)


def test_equal_weights_give_the_textbook_error_of_a_mean() -> None:
    """With one fill of the same size an order it is the sample deviation over the root of the count."""
    values = [3.0, -1.0, 4.0, 1.5, -9.0, 2.6]
    means = ClusteredMeans(1, most_open=2)  # most of them are closed again: that must not matter
    for number, value in enumerate(values):
        means.add(str(number), [(50.0, value)])
    mean = fmean(values)
    deviation = sqrt(sum((value - mean) ** 2 for value in values) / (len(values) - 1))

    assert means.mean(0) == pytest.approx(mean)
    assert means.standard_error(0) == pytest.approx(deviation / sqrt(len(values)))
    assert means.sampled(0) == means.clusters == len(values)
