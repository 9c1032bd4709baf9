"""B: Almgren, Thum, Hauptmann and Li, "Direct estimation of equity market impact" (2005)."""

from typing import Any

import pytest

from quietfill.market.impact import Almgren2005Coefficients, Almgren2005Model, almgren_2005_impact

IBM: dict[str, Any] = {
    "quantity": 656_100,
    "daily_volume": 6.561e6,
    "shares_outstanding": 1.728e9,
    "daily_volatility": 0.0157,
}
DRI: dict[str, Any] = {
    "quantity": 192_900,
    "daily_volume": 1.929e6,
    "shares_outstanding": 168e6,
    "daily_volatility": 0.0226,
}


@pytest.mark.parametrize(
    ("horizon", "k_over_sigma", "temporary", "cost"),
    [(0.1, 0.142, 22.3, 32.22), (0.2, 0.0937, 14.7, 24.64), (0.5, 0.0541, 8.5, 18.42)],
)
def test_b1_the_ibm_example(horizon, k_over_sigma, temporary, cost):
    """B1: a tenth of a day's volume of IBM over a tenth, a fifth and half of a day."""
    impact = almgren_2005_impact(**IBM, horizon_days=horizon)

    assert impact.inverse_turnover == pytest.approx(263.374, abs=5e-4)
    assert impact.permanent_bps / 157 == pytest.approx(0.1265, abs=5e-5)
    assert impact.permanent_bps == pytest.approx(19.86, abs=5e-3)
    assert impact.temporary_bps / 157 == pytest.approx(k_over_sigma, abs=5e-4)
    assert impact.temporary_bps == pytest.approx(temporary, abs=0.05)
    assert impact.cost_bps == pytest.approx(cost, abs=5e-3)


@pytest.mark.parametrize(("horizon", "cost"), [(0.1, 43), (0.2, 32), (0.5, 23)])
def test_the_dri_example(horizon, cost):
    """The paper's second stock costs 43, 32 and 23 bps."""
    assert almgren_2005_impact(**DRI, horizon_days=horizon).cost_bps == pytest.approx(cost, abs=0.5)


def test_b4_doubling_the_rate():
    """B4: half the time multiplies the temporary part by 2^0.6, not by the square root of 2."""
    slow, fast = (almgren_2005_impact(**IBM, horizon_days=horizon) for horizon in (0.4, 0.2))

    assert fast.temporary_bps / slow.temporary_bps == pytest.approx(1.515717, rel=1e-6)


def test_b5_the_permanent_part():
    """B5: it does not depend on the horizon, and half of it is always paid."""
    impacts = [almgren_2005_impact(**IBM, horizon_days=horizon) for horizon in (0.01, 0.1, 1, 5)]

    assert len({impact.permanent_bps for impact in impacts}) == 1
    assert all(impact.cost_bps > impact.permanent_bps / 2 for impact in impacts)


def test_the_published_coefficients():
    """Table 3 of the paper: 0.314 +- 0.041 and 0.142 +- 0.0062, t values 7.7 and 23."""
    fit = Almgren2005Coefficients()

    assert (fit.gamma, fit.gamma_error, fit.eta, fit.eta_error) == (0.314, 0.041, 0.142, 0.0062)
    assert fit.gamma / fit.gamma_error == pytest.approx(7.7, abs=0.05)
    assert fit.eta / fit.eta_error == pytest.approx(23, abs=0.5)


def test_an_estimate_has_an_error_and_a_range():
    """The coefficients' errors reach the estimate, and beyond a tenth of a day's volume it says so."""
    impact = almgren_2005_impact(**IBM, horizon_days=0.1)
    larger: dict[str, Any] = {**IBM, "quantity": 700_000}
    half, rate = impact.permanent_bps / 2, impact.temporary_bps

    assert impact.cost_error_bps**2 == pytest.approx((half * 0.041 / 0.314) ** 2 + (rate * 0.0062 / 0.142) ** 2)
    assert not impact.is_extrapolated
    assert almgren_2005_impact(**larger, horizon_days=0.1).is_extrapolated


def test_as_a_model_it_gives_the_same():
    """Selected for the agent, its parts add up to J."""
    model = Almgren2005Model(horizon_days=0.2, shares_outstanding={"IBM": 1.728e9})

    assert model.order_impact("IBM", 656_100, 6.561e6, 0.0157).total_bps == pytest.approx(24.64, abs=5e-3)
