"""A: Almgren and Chriss, "Optimal Execution of Portfolio Transactions" (December 2000), linear impact."""

from itertools import pairwise
from math import cosh, log, sinh, sqrt, tanh

import msgspec
import pytest

from quietfill.market.scheduling import (
    LinearMarket,
    NewsOutcome,
    PortfolioMarket,
    autocorrelation_gain,
    autocorrelation_shift,
    cost_variance,
    drift_gain,
    drift_target,
    efficient_frontier,
    expected_cost,
    immediate_trajectory,
    least_value_at_risk,
    linear_trajectory,
    optimal_portfolio,
    optimal_trajectory,
    replanned,
    time_scale,
    trajectory_through_news,
    value_at_risk,
)

X, T, N, AVERSE = 1e6, 5, 5, 1e-6
MARKET = LinearMarket(volatility=0.95, temporary_impact=2.5e-6, permanent_impact=2.5e-7, fixed_cost=0.0625)
DRIFTING = msgspec.structs.replace(MARKET, drift=0.02)
PATH = optimal_trajectory(MARKET, X, T, N, AVERSE)


def test_the_inputs_of_table_1():
    """Section 3.4: the rules of thumb give the paper's parameters from price, spread, volume and volatility."""
    market = LinearMarket.by_rule_of_thumb(price=50, spread=1 / 8, daily_volatility=0.019, daily_volume=5e6, drift=0.02)

    assert market.volatility == pytest.approx(0.95)
    assert market.temporary_impact == pytest.approx(2.5e-6)
    assert market.permanent_impact == pytest.approx(2.5e-7)
    assert (market.fixed_cost, market.drift) == (0.0625, 0.02)


def test_a1_derived_constants():
    """A1: eta~, kappa~ and the discrete kappa; kappa is about 0.6 a day and kappa T about 3."""
    scale = time_scale(MARKET, AVERSE, T / N)

    assert scale.eta_tilde == pytest.approx(2.375e-6)
    assert scale.kappa_tilde**2 == pytest.approx(0.38)
    assert scale.kappa_tilde == pytest.approx(0.6164414)
    assert scale.kappa == pytest.approx(0.6070762, rel=1e-6)
    assert sqrt(AVERSE * 0.95**2 / 2.5e-6) == pytest.approx(0.6008328)
    assert cosh(scale.kappa) == pytest.approx(1 + 0.38 / 2)


def test_a2_the_optimal_path():
    """A2: holdings, trades, expected cost and variance at lambda = 1e-6."""
    assert PATH.holdings == pytest.approx((1e6, 541_955.55, 289_854.22, 147_897.49, 62_141.80, 0), abs=0.005)
    assert PATH.trades == pytest.approx((458_044.45, 252_101.33, 141_956.73, 85_755.69, 62_141.80), abs=0.006)
    assert list(PATH.times) == [0, 1, 2, 3, 4, 5]
    assert expected_cost(MARKET, PATH) == pytest.approx(911_226.99, abs=0.005)
    assert cost_variance(MARKET, PATH) == pytest.approx(3.641286e11, rel=2e-7)
    assert sqrt(cost_variance(MARKET, PATH)) == pytest.approx(603_430.67, abs=0.005)


def test_eqs_19_and_20():
    """The closed forms of E and V (eqs. 19-20) agree with the sums over the path, whatever lambda and N."""
    for averse, steps in [(1e-7, 5), (1e-6, 5), (3e-6, 8), (1e-5, 40)]:
        tau, scale = T / steps, time_scale(MARKET, averse, T / steps)
        k, eta = scale.kappa, scale.eta_tilde
        spread = tau * sinh(2 * k * T) + 2 * T * sinh(k * tau)
        mean = (
            2.5e-7 * X**2 / 2 + 0.0625 * X + eta * X**2 * tanh(k * tau / 2) * spread / (2 * tau**2 * sinh(k * T) ** 2)
        )
        above = tau * sinh(k * T) * cosh(k * (T - tau)) - T * sinh(k * tau)
        variance = 0.95**2 * X**2 / 2 * above / (sinh(k * T) ** 2 * sinh(k * tau))
        path = optimal_trajectory(MARKET, X, T, steps, averse)

        assert expected_cost(MARKET, path) == pytest.approx(mean, rel=1e-9)
        assert cost_variance(MARKET, path) == pytest.approx(variance, rel=1e-9)


def test_a3_no_risk_aversion():
    """A3: at lambda = 0 the same is traded each day (eqs. 9-11)."""
    path = optimal_trajectory(MARKET, X, T, N, 0)

    assert path.trades == pytest.approx((200_000,) * 5)
    assert path.holdings == pytest.approx(linear_trajectory(X, T, N).holdings)
    assert expected_cost(MARKET, path) == pytest.approx(662_500)
    assert cost_variance(MARKET, path) == pytest.approx(1.083e12)
    assert sqrt(cost_variance(MARKET, path)) == pytest.approx(1_040_672.86, abs=0.005)


def test_a4_all_at_once():
    """A4: all in the first step costs most and has no variance (eqs. 12-13)."""
    path = immediate_trajectory(X, T, N)

    assert expected_cost(MARKET, path) == pytest.approx(2_562_500)
    assert cost_variance(MARKET, path) == 0


def test_a8_two_time_scales_by_name():
    """A8: the e-folding time and the half-life are different figures, and each is called what it is."""
    scale = time_scale(MARKET, AVERSE, 1)

    assert scale.e_folding_time == pytest.approx(1.647240, rel=1e-6)
    assert scale.half_life == pytest.approx(1.141780, rel=1e-6)
    assert scale.half_life == pytest.approx(log(2) * scale.e_folding_time)


def test_a9_value_at_risk():
    """A9: E plus the exact 95 % quantile times the standard deviation (eq. 22)."""
    assert value_at_risk(MARKET, PATH, 0.95) == pytest.approx(1_903_782.11, abs=0.005)


def test_the_least_value_at_risk():
    """Section 3.2: it lies on the frontier where lambda = q / (2 sd), and no other efficient path has less."""
    best = least_value_at_risk(MARKET, X, T, N, 0.95)
    others = efficient_frontier(MARKET, X, T, N, [best.risk_aversion * factor for factor in (0.5, 0.9, 0.99, 1.01, 2)])

    assert best.risk_aversion == pytest.approx(1.6448536 / (2 * best.standard_deviation), rel=1e-6)
    assert all(value_at_risk(MARKET, point.trajectory) > value_at_risk(MARKET, best.trajectory) for point in others)


def test_the_frontier_falls_and_is_convex():
    """Section 2.4: more risk aversion costs more and risks less, and each further unit of safety costs more."""
    points = efficient_frontier(MARKET, X, T, N, [0, 1e-8, 1e-7, 1e-6, 1e-5])
    slopes = [(b.expected_cost - a.expected_cost) / (a.variance - b.variance) for a, b in pairwise(points)]

    assert points[0].expected_cost == pytest.approx(662_500)
    assert points[3].standard_deviation == pytest.approx(603_430.67, abs=0.005)
    assert slopes == sorted(slopes)
    assert min(slopes) > 0


def test_a11_the_drift_target():
    """A11: alpha / (2 lambda sigma^2); Table 1 prints 11,000 (the running text's 1,100 is a misprint)."""
    assert drift_target(DRIFTING, AVERSE) == pytest.approx(11_080.33, abs=0.005)


def test_the_path_with_drift():
    """Eqs. 26-27: the correction to each holding is x_bar [1 - (sinh k(T-t) + sinh kt) / sinh kT], and it solves 24."""
    k, bar = time_scale(DRIFTING, AVERSE, 1).kappa, drift_target(DRIFTING, AVERSE)
    held = optimal_trajectory(DRIFTING, X, T, N, AVERSE).holdings
    lifts = [bar * (1 - (sinh(k * (T - t)) + sinh(k * t)) / sinh(k * T)) for t in range(N + 1)]

    assert [x - y for x, y in zip(held, PATH.holdings, strict=True)] == pytest.approx(lifts, abs=1e-6)
    for j in range(1, N):
        assert held[j - 1] - 2 * held[j] + held[j + 1] == pytest.approx(0.38 * (held[j] - bar))


def test_the_gain_of_knowing_the_drift():
    """Section 4.1: it is alpha tau / 2 times the sum of the corrections, so less than alpha T x_bar / 2."""
    held = optimal_trajectory(DRIFTING, X, T, N, AVERSE).holdings
    lifts = sum(x - y for x, y in zip(held, PATH.holdings, strict=True))
    gain = drift_gain(DRIFTING, X, T, N, AVERSE)

    assert gain == pytest.approx(0.02 / 2 * lifts, rel=1e-6)
    assert 0 < gain < 0.02 * T * drift_target(DRIFTING, AVERSE) / 2


@pytest.mark.parametrize(("correlation", "dollars"), [(0.1, 23.1), (0.2, 92.6), (0.5, 578.5), (-0.5, 578.5)])
def test_a14_what_autocorrelation_is_worth(correlation, dollars):
    """A14: eq. 28 over 39 ten-minute periods, in dollars a day; the sign of rho does not matter."""
    assert autocorrelation_gain(MARKET, correlation, 1 / 39) == pytest.approx(dollars, abs=0.05)


def test_the_shift_earns_that_gain():
    """Section 4.2: moving delta n shares earns the move on them less eta delta n^2 / tau, at its best eq. 28's gain."""
    tau, rho = 1 / 39, 0.2
    move = rho * 0.95 * sqrt(tau)
    shift = autocorrelation_shift(MARKET, rho, tau)

    assert move * shift - 2.5e-6 * shift**2 / tau == pytest.approx(autocorrelation_gain(MARKET, rho, tau) * tau)


def test_a17_planning_again_changes_nothing():
    """A17: at any step the same lambda gives the tail of the first plan, with drift too."""
    for market in (MARKET, DRIFTING):
        first = optimal_trajectory(market, X, T, N, AVERSE)
        for step in range(N):
            assert replanned(market, first, step, AVERSE).holdings == pytest.approx(first.holdings[step:], rel=1e-9)


def test_a17_value_at_risk_is_not_consistent_in_time():
    """A17: where VaR is the objective, planning again on the way departs from the first plan's tail."""
    first = least_value_at_risk(MARKET, X, T, N).trajectory
    again = least_value_at_risk(MARKET, first.holdings[1], T - 1, N - 1).trajectory

    assert again.holdings[1] != pytest.approx(first.holdings[2], rel=0.01)


class TestNews:
    """Section 4.3: parameters that jump at a known time."""

    def plan(self, *outcomes):
        """Plan the paper's order through news after two of the five days."""
        return trajectory_through_news(MARKET, outcomes, X, step=1, steps_before=2, steps_after=3, risk_aversion=AVERSE)

    def test_news_that_changes_nothing(self):
        """With one outcome that leaves the parameters as they are it is the plain optimum."""
        plan = self.plan(NewsOutcome(probability=1, market=MARKET))

        assert plan.before.holdings == pytest.approx(PATH.holdings[:3], rel=1e-6)
        assert plan.after[0].holdings == pytest.approx(PATH.holdings[2:], rel=1e-6)
        assert plan.expected_cost == pytest.approx(911_226.99, rel=1e-6)
        assert plan.variance == pytest.approx(3.641286e11, rel=1e-6)

    def test_a_threat_of_volatility(self):
        """When volatility may double, less is held into the news, and after it each outcome has its own path."""
        wild = msgspec.structs.replace(MARKET, volatility=1.9)
        plan = self.plan(NewsOutcome(probability=0.5, market=MARKET), NewsOutcome(probability=0.5, market=wild))
        held = plan.before.holdings[-1]

        assert held < PATH.holdings[2]
        assert [path.holdings[0] for path in plan.after] == [held, held]
        assert plan.after[1].holdings[1] < plan.after[0].holdings[1]

    def test_the_variance_holds_the_choice_among_outcomes(self):
        """What the outcomes cost differently is risk too: V = V0 + sum p V_j + Var(E_j)."""
        dear = msgspec.structs.replace(MARKET, temporary_impact=5e-6)
        plan = self.plan(NewsOutcome(probability=0.25, market=MARKET), NewsOutcome(probability=0.75, market=dear))
        markets = (MARKET, dear)
        within = [cost_variance(market, path) for market, path in zip(markets, plan.after, strict=True)]
        costs = [expected_cost(market, path) for market, path in zip(markets, plan.after, strict=True)]
        among = 0.25 * 0.75 * (costs[0] - costs[1]) ** 2

        assert plan.variance == pytest.approx(
            cost_variance(MARKET, plan.before) + 0.25 * within[0] + 0.75 * within[1] + among
        )


class TestPortfolio:
    """Appendix A: several assets."""

    def plan(self, correlation, averse=AVERSE):
        """Sell the paper's order and twice a second stock that moves with it."""
        cross = correlation * 0.95 * 0.5
        market = PortfolioMarket(covariance=((0.95**2, cross), (cross, 0.25)), assets=(MARKET, MARKET))
        return optimal_portfolio(market, (X, 2 * X), T, N, averse)

    def test_assets_that_do_not_move_together(self):
        """Without correlation each has its own path, and costs and variances add up."""
        plan, other = self.plan(0), msgspec.structs.replace(MARKET, volatility=0.5)
        alone = optimal_trajectory(other, 2 * X, T, N, AVERSE)

        assert plan.trajectories[0].holdings == pytest.approx(PATH.holdings, abs=1e-3)
        assert plan.trajectories[1].holdings == pytest.approx(alone.holdings, abs=1e-3)
        assert plan.expected_cost == pytest.approx(911_226.99 + expected_cost(other, alone), rel=1e-6)
        assert plan.variance == pytest.approx(3.641286e11 + cost_variance(other, alone), rel=1e-6)

    @pytest.mark.parametrize("correlation", [-0.7, 0.4])
    def test_the_optimality_condition(self, correlation):
        """(x_{k-1} - 2 x_k + x_{k+1}) / tau^2 = lambda H~^-1 C x_k at every step."""
        first, second = (path.holdings for path in self.plan(correlation).trajectories)
        cross = correlation * 0.95 * 0.5
        for k in range(1, N):
            pull = AVERSE / 2.375e-6 * (0.95**2 * first[k] + cross * second[k])
            assert first[k - 1] - 2 * first[k] + first[k + 1] == pytest.approx(pull, rel=1e-6)

    def test_a_hedge_is_traded_later(self):
        """Two stocks of which one is bought and one sold cover each other, so there is less hurry."""
        market = PortfolioMarket(covariance=((0.9025, 0.8), (0.8, 0.9025)), assets=(MARKET, MARKET))
        hedged = optimal_portfolio(market, (X, -X), T, N, AVERSE).trajectories[0]
        doubled = optimal_portfolio(market, (X, X), T, N, AVERSE).trajectories[0]

        assert hedged.holdings[1] > PATH.holdings[1] > doubled.holdings[1]
