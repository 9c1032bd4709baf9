"""A market with linear impact, paths through it, and what they cost: mean, variance, value at risk.

Source: R. Almgren and N. Chriss, "Optimal Execution of Portfolio Transactions", working paper of December 2000
(Journal of Risk 3(2), 2001); equation numbers are those of the working paper. x_0 = X, ..., x_N = 0 are holdings
still to be traded at t_j = j tau, n_k = x_{k-1} - x_k what is traded in step k, tau = T / N.

Costs are in currency, positive when they hurt, and the same for buys and sells. Valid while impact is close to
linear in the rate, volatility is constant, the step is short enough that eta > gamma tau / 2, and the price does
not go far (arithmetic walk).
"""

from __future__ import annotations

from math import asinh, inf, log, sqrt
from typing import Annotated

import msgspec

from quietfill.domain.errors import BadInput
from quietfill.domain.fields import read_fields
from quietfill.market.arguments import figures, finite, inner_share, not_negative, positive


class LinearMarket(msgspec.Struct, frozen=True, kw_only=True):
    """A market whose impact is linear in what we trade (eqs. 6-7). Any unit of time, the same in all fields.

    Attributes:
        volatility: sigma, in currency a share per square root of a unit of time; absolute, no fraction.
        temporary_impact: eta, in currency a share for each (share per unit of time) of our rate.
        permanent_impact: gamma, in currency a share for each share traded. Linear: anything else allows arbitrage.
        fixed_cost: epsilon, half the spread and fees, in currency a share.
        drift: alpha, in currency a share per unit of time, positive when waiting is expected to pay: a rising
            price for who sells, a falling one for who buys.
    """

    volatility: Annotated[float, not_negative]
    temporary_impact: Annotated[float, positive]
    permanent_impact: Annotated[float, not_negative] = 0.0
    fixed_cost: Annotated[float, not_negative] = 0.0
    drift: Annotated[float, finite] = 0.0

    def __post_init__(self) -> None:
        """Refuse what can never be meant, naming field and value."""
        read_fields(self)

    @classmethod
    def by_rule_of_thumb(
        cls, *, price: float, spread: float, daily_volatility: float, daily_volume: float, drift: float = 0.0
    ) -> LinearMarket:
        """Return a market in days by the rules of section 3.4.

        Temporary impact is one spread for each 1 % of the day's volume, permanent impact one spread for each
        10 %, and the fixed cost half a spread. A starting point where nothing was calibrated, no measurement.

        Args:
            price, spread: in currency a share.
            daily_volatility: a fraction of the price, 0.02 for 2 % a day.
            daily_volume: in shares.
            drift: see `LinearMarket`, a day.

        Raises:
            BadInput: naming the argument and its value.
        """
        spread, volume = positive(spread, "spread"), positive(daily_volume, "daily_volume")
        return cls(
            volatility=not_negative(daily_volatility, "daily_volatility") * positive(price, "price"),
            temporary_impact=spread / (0.01 * volume),
            permanent_impact=spread / (0.1 * volume),
            fixed_cost=spread / 2,
            drift=drift,
        )


class Trajectory(msgspec.Struct, frozen=True):
    """What is still to be traded at the start and after each step.

    Attributes:
        step: tau, the length of each step.
        holdings: x_0 ... x_N, in shares.
    """

    step: Annotated[float, positive]
    holdings: Annotated[tuple[float, ...], figures]

    def __post_init__(self) -> None:
        """Refuse what can never be meant, naming field and value."""
        read_fields(self)

    @property
    def trades(self) -> tuple[float, ...]:
        """n_1 ... n_N, what is traded in each step; negative where the path goes back."""
        held = self.holdings
        return tuple(held[k] - held[k + 1] for k in range(len(held) - 1))

    @property
    def times(self) -> tuple[float, ...]:
        """t_0 ... t_N from the start of the trajectory."""
        return tuple(j * self.step for j in range(len(self.holdings)))


class TimeScale(msgspec.Struct, frozen=True, kw_only=True):
    """How fast the optimal path falls.

    Attributes:
        eta_tilde: eta - gamma tau / 2.
        kappa_tilde: sqrt(lambda sigma^2 / eta~), per unit of time.
        kappa: the rate of the discrete path, cosh(kappa tau) = 1 + kappa~^2 tau^2 / 2, per unit of time.
    """

    eta_tilde: float
    kappa_tilde: float
    kappa: float

    @property
    def e_folding_time(self) -> float:
        """1 / kappa, in which an unbounded path falls to 1/e; the paper calls it the half-life. Infinite at 0."""
        return 1 / self.kappa if self.kappa else inf

    @property
    def half_life(self) -> float:
        """Ln 2 / kappa, in which an unbounded path falls to one half. Infinite at 0."""
        return log(2) / self.kappa if self.kappa else inf


def time_scale(market: LinearMarket, risk_aversion: float, step: float) -> TimeScale:
    """Return the constants of the optimal path (eqs. 8 and 16).

    Args:
        risk_aversion: lambda, per unit of currency; 0 for none.
        step: tau.

    Raises:
        BadInput: naming the argument and its value; also when gamma tau / 2 reaches eta, where no optimum exists.
    """
    averse, tau = not_negative(risk_aversion, "risk_aversion"), positive(step, "step")
    eta_tilde = market.temporary_impact - market.permanent_impact * tau / 2
    if eta_tilde <= 0:
        raise BadInput(f"step {tau} is too long: permanent_impact x step / 2 must stay below temporary_impact")
    kappa_tilde = market.volatility * sqrt(averse / eta_tilde)
    return TimeScale(eta_tilde=eta_tilde, kappa_tilde=kappa_tilde, kappa=2 * asinh(kappa_tilde * tau / 2) / tau)


def expected_cost(market: LinearMarket, trajectory: Trajectory) -> float:
    """Return the expected cost of a path in currency (eqs. 4 and 8, with drift 23).

    E = gamma (x_0^2 - x_N^2) / 2 + eps sum |n_k| + (eta~ / tau) sum n_k^2 - alpha tau sum_{k >= 1} x_k.

    Raises:
        BadInput: when gamma tau / 2 reaches eta.
    """
    held, tau = trajectory.holdings, trajectory.step
    eta_tilde = time_scale(market, 0.0, tau).eta_tilde
    trades = trajectory.trades
    cost = market.permanent_impact * (held[0] ** 2 - held[-1] ** 2) / 2
    cost += market.fixed_cost * sum(map(abs, trades)) + eta_tilde / tau * sum(n * n for n in trades)
    return cost - market.drift * tau * sum(held[1:])


def cost_variance(market: LinearMarket, trajectory: Trajectory) -> float:
    """Return the variance of a path's cost in currency squared, V = sigma^2 tau sum_{k >= 1} x_k^2 (eq. 5)."""
    return market.volatility**2 * trajectory.step * sum(x * x for x in trajectory.holdings[1:])


def value_at_risk(market: LinearMarket, trajectory: Trajectory, confidence: float = 0.95) -> float:
    """Return the cost that a path exceeds with probability 1 - *confidence*, in currency (eq. 22).

    Raises:
        BadInput: when the confidence is not between 0.5 and 1.
    """
    spread = sqrt(cost_variance(market, trajectory))
    return expected_cost(market, trajectory) + normal_quantile(confidence) * spread


def normal_quantile(confidence: float) -> float:
    """Return how many standard deviations a normal cost stays below with this confidence.

    Raises:
        BadInput: when the confidence is not between 0.5 and 1.
    """
    from statistics import NormalDist  # loads half the numeric tower, for one figure

    if inner_share(confidence, "confidence") <= 0.5:  # noqa: PLR2004
        raise BadInput(f"confidence must lie between 0.5 and 1, not {confidence}")
    return NormalDist().inv_cdf(confidence)
