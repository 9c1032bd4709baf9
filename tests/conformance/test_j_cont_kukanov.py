"""J: Cont and Kukanov, "Optimal order placement in limit order markets" (2017), one venue."""

from math import expm1

import msgspec
import pytest

from quietfill.market.scheduling import (
    ExponentialOutflow,
    ObservedOutflow,
    OutflowOfCdf,
    PlacementCosts,
    best_placement,
    penalty_bounds,
    placement_cost,
)

S, QUEUE, OUTFLOW = 2_000, 500, ExponentialOutflow(3_000)
COSTS = PlacementCosts(half_spread=0.005, take_fee=0.003, rebate=0.002, underfill_penalty=0.025)


def with_penalty(penalty):
    """The case's costs with another under-fill penalty."""
    return msgspec.structs.replace(COSTS, underfill_penalty=penalty)


def test_j1_the_split():
    """J1: p, L*, M*, the cost and the bounds of the penalty at u = 0.025."""
    best, bounds = best_placement(COSTS, S, QUEUE, OUTFLOW), penalty_bounds(COSTS, S, QUEUE, OUTFLOW)

    assert best.critical_probability == pytest.approx(0.46875)
    assert best.limit == pytest.approx(1_397.57, abs=5e-3)
    assert best.market == pytest.approx(602.43, abs=5e-3)
    assert best.expected_cost == pytest.approx(9.496405, abs=5e-7)
    assert bounds.all_limit_below == pytest.approx(0.019530, abs=5e-7)
    assert bounds.all_market_above == pytest.approx(0.090708, abs=5e-7)


@pytest.mark.parametrize(
    ("penalty", "p", "limit", "market", "cost"),
    [(0.06, 0.223881, 260.35, 1_739.65, 15.395202), (0.10, 15 / 107, 0, 2_000, 16.0)],
)
def test_j4_dearer_penalties(penalty, p, limit, market, cost):
    """J4: the dearer it is to be left unfilled, the more is sent at once."""
    best = best_placement(with_penalty(penalty), S, QUEUE, OUTFLOW)

    assert best.critical_probability == pytest.approx(p, abs=5e-7)
    assert (best.limit, best.market) == pytest.approx((limit, market), abs=5e-3)
    assert best.expected_cost == pytest.approx(cost, abs=5e-7)


def test_below_the_lower_bound_all_rests():
    """With a penalty below the bound the whole order rests, even where p reaches 1."""
    for penalty in (0.0, 0.005, 0.0195):
        assert best_placement(with_penalty(penalty), S, QUEUE, OUTFLOW).limit == S


def test_a_law_given_by_its_distribution():
    """Any distribution function will do: the exponential by its formula gives the same split and cost."""
    by_formula = OutflowOfCdf(lambda size: -expm1(-size / 3_000))

    best, same = best_placement(COSTS, S, QUEUE, OUTFLOW), best_placement(COSTS, S, QUEUE, by_formula)

    assert same.limit == pytest.approx(best.limit, rel=1e-9)
    assert same.expected_cost == pytest.approx(best.expected_cost, rel=1e-9)


def test_a_heavy_tailed_law():
    """A Pareto outflow splits at its own quantile: F(x) = 1 - (1000 / (1000 + x))^1.5."""
    pareto = OutflowOfCdf(lambda size: 1 - (1_000 / (1_000 + size)) ** 1.5)

    best = best_placement(COSTS, S, 200, pareto)

    assert best.limit == pytest.approx(1_000 * ((1 - 0.46875) ** (-1 / 1.5) - 1) - 200)


@pytest.mark.parametrize("penalty", [0.02, 0.025, 0.04, 0.06, 0.1])
@pytest.mark.parametrize("theta", [0.0, 0.004])
@pytest.mark.parametrize("law", [OUTFLOW, ObservedOutflow([0, 300, 700, 900, 1_500, 1_800, 2_600, 9_000])])
def test_no_split_is_cheaper(penalty, theta, law):
    """Tried one by one, no other split costs less, for a smooth law and for observed outflows."""
    costs = msgspec.structs.replace(with_penalty(penalty), impact=theta)
    best = best_placement(costs, S, QUEUE, law)
    cheapest = min(placement_cost(costs, S, limit, QUEUE, law) for limit in range(0, S + 1, 10))

    assert best.expected_cost <= cheapest + 1e-9
