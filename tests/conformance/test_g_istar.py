"""G: Kissell's I-Star, "The Science of Algorithmic Trading and Portfolio Management" (2013)."""

from math import sqrt

import pytest

from quietfill.market.impact import ALL_STOCKS, LARGE_CAP, SMALL_CAP, IStarModel, istar_estimate


@pytest.mark.parametrize(
    ("size", "volatility", "rate", "star", "cost", "risk"),
    [
        (0.05, 0.20, 0.10, 43.4708, 15.2329, 48.9898),
        (0.10, 0.25, 0.20, 74.5711, 35.4103, 57.7350),
        (0.20, 0.40, 0.30, 152.4272, 86.9348, 99.7775),
    ],
)
def test_g1_all_stocks(size, volatility, rate, star, cost, risk):
    """G1: I*, MI and timing risk in bps."""
    estimate = istar_estimate(
        size_share=size, annual_volatility=volatility, participation_rate=rate, coefficients=ALL_STOCKS
    )

    assert estimate.instantaneous_bps == pytest.approx(star, abs=5e-5)
    assert estimate.cost_bps == pytest.approx(cost, abs=5e-5)
    assert estimate.timing_risk_bps == pytest.approx(risk, abs=5e-5)
    assert estimate.z_score(cost + risk) == pytest.approx(1, abs=1e-5)


def test_the_groups():
    """Each group has its own fit; b1 = 0.95 and a4 = 0.50 are those of the case."""
    assert [(fit.a1, fit.a2, fit.a3) for fit in (ALL_STOCKS, LARGE_CAP, SMALL_CAP)] == [
        (708, 0.55, 0.71),
        (687, 0.70, 0.72),
        (702, 0.47, 0.69),
    ]
    assert (ALL_STOCKS.b1, ALL_STOCKS.a4) == (0.95, 0.50)


def test_as_a_model_it_takes_daily_volatility():
    """Selected for the agent, daily volatility counts sqrt(250) times itself a year, and MI is the average paid."""
    model = IStarModel(participation_rate=0.20)

    impact = model.order_impact("X", 10_000, 100_000, 0.25 / sqrt(250))

    assert impact.total_bps == pytest.approx(35.4103, abs=5e-5)
    assert impact.permanent_bps == 0
