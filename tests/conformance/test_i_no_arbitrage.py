"""I: no free lunch (Huberman and Stanzl 2004; Gatheral 2010)."""

from math import exp

import pytest

from quietfill.domain.errors import BadInput
from quietfill.market.impact import (
    LEAST_DECAY_EXPONENT,
    ExponentialDecay,
    PermanentImpact,
    PowerLawDecay,
    check_exponential_decay,
    check_power_law_decay,
    linear_exponent,
    permanent_pump_profit,
    propagator_cost,
    round_trip_cost,
    select_model,
)
from quietfill.market.impact.selection import DEFAULT_MODEL


def test_i1_power_law_decay():
    """I1: decay t^-g with impact power d needs g + d >= 1 and g >= 2 - ln 3 / ln 2."""
    assert pytest.approx(0.4150375, abs=5e-8) == LEAST_DECAY_EXPONENT
    check_power_law_decay(0.5, 0.5)
    check_power_law_decay(LEAST_DECAY_EXPONENT, 1 - LEAST_DECAY_EXPONENT)
    with pytest.raises(BadInput, match=r"decay_exponent 0.45 \+ impact_exponent 0.5 must be at least 1"):
        check_power_law_decay(0.45, 0.5)
    with pytest.raises(BadInput, match=r"decay_exponent 0.4 must be at least 0.4150375"):
        check_power_law_decay(0.4, 0.7)


@pytest.mark.parametrize(("buy", "sell", "time", "cost"), [(1, 1, 1, 0.33618248), (0.1, 1, 1, 0.00250079)])
def test_i2_exponential_decay_linear_impact(buy, sell, time, cost):
    """I2: with d = 1 the exact cost of a round trip is that of the formula, and never negative."""
    assert round_trip_cost(buy, time, sell, 1, ExponentialDecay(1)) == pytest.approx(cost, abs=5e-9)


@pytest.mark.parametrize(("buy", "sell", "time", "d", "rho"), [(0.1, 1, 1, 0.5, 1), (2, 0.3, 0.7, 0.8, 3)])
def test_i2_the_formula(buy, sell, time, d, rho):
    """I2: the general propagator gives what the closed form of a two-rate round trip gives."""
    back = buy * time / sell

    def own(rate, span):
        return rate ** (1 + d) * (span / rho - (1 - exp(-rho * span)) / rho**2)

    felt = sell * buy**d * (1 - exp(-rho * time)) * (1 - exp(-rho * back)) / rho**2

    assert round_trip_cost(buy, time, sell, d, ExponentialDecay(rho)) == pytest.approx(
        own(buy, time) + own(sell, back) - felt
    )


def test_i2_concave_impact_can_be_pumped():
    """Exponential decay with concave impact: buying slowly and selling fast earns money, so it is refused."""
    assert round_trip_cost(0.1, 1, 1, 0.5, ExponentialDecay(1)) < 0
    check_exponential_decay(1)
    with pytest.raises(BadInput, match=r"impact_exponent must be 1 with exponential decay, not 0\.5"):
        check_exponential_decay(0.5)


def test_decays_that_break_the_rule_can_be_pumped():
    """G + d < 1: a round trip of buying slowly and selling fast earns money under power-law decay too."""
    assert round_trip_cost(0.01, 1, 1, 0.3, PowerLawDecay(0.2)) < 0
    assert round_trip_cost(0.01, 1, 1, 0.5, PowerLawDecay(0.5)) > 0


@pytest.mark.parametrize("trades", [1, 2, 3, 10, 100])
def test_i4_linear_permanent_impact(trades):
    """I4: n buys of 1 % and a sale of n % earn nothing under linear permanent impact, whatever n."""
    assert permanent_pump_profit(1, trades) == pytest.approx(0, abs=1e-12)


@pytest.mark.parametrize("trades", [2, 3, 10, 100])
def test_i4_any_other_exponent_is_a_pump(trades):
    """I4: a concave law pays the pump, a convex one pays it the other way round."""
    assert permanent_pump_profit(0.5, trades) > 0
    assert permanent_pump_profit(1.5, trades) < 0


@pytest.mark.parametrize("exponent", [0.5, 0.6, 0.999, 1.5])
def test_i4_a_conforming_build_refuses(exponent):
    """I4: no model takes an exponent of permanent impact other than 1."""
    none = {"eta": None, "gamma": None, "alpha": None}

    with pytest.raises(BadInput, match="permanent_exponent must be 1"):
        select_model(DEFAULT_MODEL, None, **none, options={"permanent_exponent": exponent})
    with pytest.raises(BadInput, match="can be pumped for money"):
        linear_exponent(exponent, "permanent_exponent")
    assert select_model(DEFAULT_MODEL, None, **none, options={"permanent_exponent": 1}) == DEFAULT_MODEL


def test_linear_permanent_impact_as_a_propagator():
    """Without decay and with d = 1 every round trip costs nothing."""
    assert propagator_cost((1, 3, -2, -1), (1, 1, 1, 2), 1, PermanentImpact()) == pytest.approx(0, abs=1e-12)
