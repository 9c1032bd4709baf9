"""C: Almgren, "Optimal execution with nonlinear impact functions and trading-enhanced risk" (2003)."""

import pytest

from quietfill.market.impact import (
    PowerLawMarket,
    characteristic_time,
    free_horizon_optimum,
    optimal_holding,
    optimal_speed,
)

X = 100_000


def market(exponent):
    """The paper's stock: 1 $ a day, and 1 % of 50 $ at 100,000 shares a day."""
    return PowerLawMarket.through(volatility=1, cost=0.5, at_rate=1e5, exponent=exponent)


@pytest.mark.parametrize(
    ("averse", "time", "mean", "deviation"),
    [
        (1e-3, 0.0184, 221.042, 10.513),
        (1e-4, 0.0855, 102.599, 22.649),
        (1e-5, 0.3969, 47.622, 48.797),
        (1e-6, 1.8420, 22.104, 105.129),
        (1e-7, 8.5499, 10.260, 226.493),
    ],
)
def test_c1_square_root_impact(averse, time, mean, deviation):
    """C1: characteristic time, expected cost and its deviation in thousands of dollars for k = 1/2."""
    optimum = free_horizon_optimum(market(0.5), X, averse)

    assert optimum.characteristic_time == pytest.approx(time, abs=5e-5)
    assert optimum.expected_cost / 1_000 == pytest.approx(mean, abs=5e-4)
    assert optimum.standard_deviation / 1_000 == pytest.approx(deviation, abs=5e-4)


@pytest.mark.parametrize("exponent", [0.5, 0.6, 1, 2])
def test_the_path_behind_the_figures(exponent):
    """Along x(t) the speed is v(x), and E and V are its integrals, whatever the exponent."""
    stock, averse = market(exponent), 1e-5
    optimum = free_horizon_optimum(stock, X, averse)
    steps, end = 40_000, min(optimum.end, 60 * optimum.characteristic_time)
    width = end / steps
    held = [optimal_holding(stock, X, averse, (j + 0.5) * width) for j in range(steps)]
    speeds = [optimal_speed(stock, x, averse) for x in held]
    mean = width * sum(stock.temporary_impact * v ** (exponent + 1) for v in speeds)
    variance = width * sum(x * x for x in held)

    assert (held[99] - held[101]) / (2 * width) == pytest.approx(speeds[100], rel=1e-4)
    assert mean == pytest.approx(optimum.expected_cost, rel=1e-3)
    assert variance**0.5 == pytest.approx(optimum.standard_deviation, rel=1e-3)


def test_when_the_order_ends():
    """With k > 1 the path ends at T* (k+1)/(k-1); otherwise only in the limit."""
    convex = free_horizon_optimum(market(2), X, 1e-5)

    assert convex.end == pytest.approx(3 * characteristic_time(market(2), X, 1e-5))
    assert optimal_holding(market(2), X, 1e-5, convex.end) == 0
    assert optimal_holding(market(2), X, 1e-5, 0.99 * convex.end) > 0
    assert free_horizon_optimum(market(0.5), X, 1e-5).end == float("inf")


def test_linear_impact_ends_like_almgren_chriss():
    """With k = 1 the path is exponential with T* = 1/kappa, kappa = sqrt(lambda sigma^2 / eta)."""
    stock = market(1)

    assert characteristic_time(stock, X, 1e-5) == pytest.approx((stock.temporary_impact / 1e-5) ** 0.5)
