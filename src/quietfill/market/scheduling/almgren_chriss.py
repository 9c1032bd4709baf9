"""Almgren and Chriss: the best trade-off between the cost of impact and the risk of waiting.

Source: R. Almgren and N. Chriss, "Optimal Execution of Portfolio Transactions", working paper of December 2000
(Journal of Risk 3(2), 2001); sections and equation numbers are those of the working paper. For the market, its
units and where it is valid see `quietfill.market.scheduling.linear_market`.
"""

from __future__ import annotations

from math import exp, expm1, inf, log, sqrt
from typing import TYPE_CHECKING

import msgspec

from quietfill.domain.errors import BadInput
from quietfill.market.arguments import count, figures, finite, positive
from quietfill.market.scheduling.linear_market import (
    LinearMarket,
    TimeScale,
    Trajectory,
    cost_variance,
    expected_cost,
    normal_quantile,
    time_scale,
)

if TYPE_CHECKING:
    from collections.abc import Iterable

_STEPS_OF_SEARCH = 100
_RISK_AVERSE_ENOUGH = 1e12  # kappa~^2 tau^2 at which all but a trillionth is traded in the first step


class FrontierPoint(msgspec.Struct, frozen=True, kw_only=True):
    """One efficient trajectory.

    Attributes:
        risk_aversion: lambda, per unit of currency; infinite for trading all at once.
        expected_cost: in currency.
        variance: in currency squared.
    """

    risk_aversion: float
    expected_cost: float
    variance: float
    trajectory: Trajectory

    @property
    def standard_deviation(self) -> float:
        """Of the cost, in currency."""
        return sqrt(self.variance)


def optimal_trajectory(
    market: LinearMarket, quantity: float, horizon: float, steps: int, risk_aversion: float
) -> Trajectory:
    """Return the path that minimises expected cost + lambda x variance (eqs. 17-18, with drift 26-27).

    Args:
        quantity: X, in shares.
        horizon: T, at which all is traded.
        steps: N.
        risk_aversion: lambda, per unit of currency.

    Raises:
        BadInput: naming the argument and its value.
    """
    total, steps = positive(quantity, "quantity"), count(steps, "steps")
    tau = positive(horizon, "horizon") / steps
    return path_between(market, total, 0.0, tau, steps, risk_aversion)


def path_between(
    market: LinearMarket, start: float, end: float, step: float, steps: int, risk_aversion: float
) -> Trajectory:
    """Return the best path from *start* to *end* shares in *steps* steps; see `optimal_trajectory`."""
    scale = time_scale(market, risk_aversion, step)
    angle = scale.kappa * step
    held = [start]
    for j in range(1, steps):
        down = sinh_ratio(angle, steps - j, steps)
        up = sinh_ratio(angle, j, steps) if end else 0.0
        held.append(start * down + end * up + _held_for_drift(market, scale, risk_aversion, step, (j, steps)))
    return Trajectory(step, (*held, end))


def linear_trajectory(quantity: float, horizon: float, steps: int) -> Trajectory:
    """Return the path that trades the same in each step: the cheapest one where nobody minds risk (eqs. 9-11).

    Raises:
        BadInput: naming the argument and its value.
    """
    total, steps = positive(quantity, "quantity"), count(steps, "steps")
    return Trajectory(
        positive(horizon, "horizon") / steps, tuple(total * (steps - j) / steps for j in range(steps + 1))
    )


def immediate_trajectory(quantity: float, horizon: float, steps: int) -> Trajectory:
    """Return the path that trades all in the first step, the one without risk (eqs. 12-13).

    Raises:
        BadInput: naming the argument and its value.
    """
    total, steps = positive(quantity, "quantity"), count(steps, "steps")
    return Trajectory(positive(horizon, "horizon") / steps, (total, *[0.0] * steps))


def efficient_frontier(
    market: LinearMarket, quantity: float, horizon: float, steps: int, risk_aversions: Iterable[float]
) -> tuple[FrontierPoint, ...]:
    """Return the efficient trajectories of several risk aversions, in their order (section 2.4).

    Raises:
        BadInput: naming the argument and its value.
    """
    averse = figures(risk_aversions, "risk_aversions")
    return tuple(_point(market, optimal_trajectory(market, quantity, horizon, steps, each), each) for each in averse)


def least_value_at_risk(
    market: LinearMarket, quantity: float, horizon: float, steps: int, confidence: float = 0.95
) -> FrontierPoint:
    """Return the path whose value at risk is least (section 3.2, eq. 22).

    It is the efficient path at which lambda = q / (2 sd), q the normal quantile. Unlike a fixed lambda this is not
    consistent in time: planned again on the way, with less at stake, it trades differently from its own tail.

    Returns:
        The path, with the risk aversion that leads to the same one; infinite when trading all at once is best.

    Raises:
        BadInput: naming the argument and its value.
    """
    quantile = normal_quantile(confidence)
    at_once = _point(market, immediate_trajectory(quantity, horizon, steps), inf)
    if not market.volatility:
        return _point(market, optimal_trajectory(market, quantity, horizon, steps, 0.0), 0.0)
    low, high = -300.0, log(_averse_enough(market, horizon / steps))
    for _ in range(_STEPS_OF_SEARCH):
        middle = (low + high) / 2
        averse = exp(middle)
        path = optimal_trajectory(market, quantity, horizon, steps, averse)
        if 2 * averse * sqrt(cost_variance(market, path)) < quantile:
            low = middle
        else:
            high = middle
    best = _point(market, optimal_trajectory(market, quantity, horizon, steps, exp(low)), exp(low))
    return best if best.expected_cost + quantile * best.standard_deviation < at_once.expected_cost else at_once


def replanned(market: LinearMarket, trajectory: Trajectory, at_step: int, risk_aversion: float) -> Trajectory:
    """Return the best path for what a trajectory still holds after *at_step* steps, over the steps that are left.

    With the risk aversion of the first plan this is the first plan's own tail (section 3.5).

    Raises:
        BadInput: naming the argument and its value.
    """
    left = len(trajectory.holdings) - 1 - at_step
    if not 0 <= at_step < len(trajectory.holdings) - 1:
        raise BadInput(f"at_step must lie between 0 and {len(trajectory.holdings) - 2}, not {at_step}")
    held = trajectory.holdings[at_step]
    return path_between(market, held, 0.0, trajectory.step, left, risk_aversion)


def drift_target(market: LinearMarket, risk_aversion: float) -> float:
    """Return how many shares are worth holding for the drift alone: alpha / (2 lambda sigma^2) (eq. 25).

    Raises:
        BadInput: when the risk aversion or the volatility is zero, where there is no such level.
    """
    averse = positive(risk_aversion, "risk_aversion")
    return market.drift / (2 * averse * positive(market.volatility, "volatility") ** 2)


def drift_gain(market: LinearMarket, quantity: float, horizon: float, steps: int, risk_aversion: float) -> float:
    """Return what knowing the drift is worth: how much cost + lambda x variance falls against ignoring it (4.1).

    In currency, never negative; for a long horizon close to alpha T x_bar / 2.

    Raises:
        BadInput: naming the argument and its value.
    """
    blind = msgspec.structs.replace(market, drift=0.0)
    ignoring = optimal_trajectory(blind, quantity, horizon, steps, risk_aversion)
    knowing = optimal_trajectory(market, quantity, horizon, steps, risk_aversion)
    return _utility(market, ignoring, risk_aversion) - _utility(market, knowing, risk_aversion)


def autocorrelation_shift(market: LinearMarket, correlation: float, step: float, shock: float = 1.0) -> float:
    """Return the shares to move between two steps when the last price move was *shock* sd against us (4.2).

    delta n = rho sigma tau^(3/2) xi / (2 eta): trade earlier where the move is expected to go on.

    Raises:
        BadInput: when the correlation is not between -1 and 1, or the step not above zero.
    """
    move = _correlation(correlation) * market.volatility * finite(shock, "shock")
    return move * float(positive(step, "step") ** 1.5) / (2 * market.temporary_impact)


def autocorrelation_gain(market: LinearMarket, correlation: float, step: float) -> float:
    """Return what serial correlation of the price moves is worth, in currency per unit of time (eq. 28).

    rho^2 sigma^2 tau^2 / (4 eta) a step, so rho^2 sigma^2 tau / (4 eta) per unit of time. It does not depend on
    the size of the order, and its sign not on that of rho. For weak correlation between neighbouring steps.

    Raises:
        BadInput: when the correlation is not between -1 and 1, or the step not above zero.
    """
    move = _correlation(correlation) * market.volatility
    return move**2 * positive(step, "step") / (4 * market.temporary_impact)


def sinh_ratio(angle: float, part: int, whole: int) -> float:
    """Return sinh(part angle) / sinh(whole angle) without overflow; part / whole at 0."""
    if not angle:
        return part / whole
    return exp(-(whole - part) * angle) * expm1(-2 * part * angle) / expm1(-2 * whole * angle)


def _held_for_drift(
    market: LinearMarket, scale: TimeScale, risk_aversion: float, step: float, place: tuple[int, int]
) -> float:
    """Return [1 - (sinh(kappa (T - t)) + sinh(kappa t)) / sinh(kappa T)] x_bar, in a form that loses no digits."""
    if not market.drift:
        return 0.0
    j, steps = place
    half = scale.kappa * step / 2
    if half * steps < 1e-6:  # noqa: PLR2004 - the limit of a straight line, t (T - t) alpha / (4 eta~)
        return market.drift / (4 * scale.eta_tilde) * j * (steps - j) * step**2
    lift = expm1(-2 * half * j) * expm1(-2 * half * (steps - j)) / (1 + exp(-2 * half * steps))
    return lift * drift_target(market, risk_aversion)


def _point(market: LinearMarket, path: Trajectory, risk_aversion: float) -> FrontierPoint:
    return FrontierPoint(
        risk_aversion=risk_aversion,
        expected_cost=expected_cost(market, path),
        variance=cost_variance(market, path),
        trajectory=path,
    )


def _utility(market: LinearMarket, path: Trajectory, risk_aversion: float) -> float:
    return expected_cost(market, path) + risk_aversion * cost_variance(market, path)


def _averse_enough(market: LinearMarket, tau: float) -> float:
    eta_tilde = time_scale(market, 0.0, tau).eta_tilde
    return _RISK_AVERSE_ENOUGH * eta_tilde / (market.volatility * tau) ** 2


def _correlation(value: float) -> float:
    if not -1 <= finite(value, "correlation") <= 1:
        raise BadInput(f"correlation must lie between -1 and 1, not {value}")
    return float(value)
