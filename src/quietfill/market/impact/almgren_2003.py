"""Almgren: the best path where temporary impact is a power of the rate and the order may take as long as it likes.

Source: R. Almgren, "Optimal execution with nonlinear impact functions and trading-enhanced risk", Applied
Mathematical Finance 10 (2003), sections 2 and 3. Impact h(v) = eta v^k, no permanent part; minimises
E + lambda V over paths that end at zero, at a time of their own. Valid for k > 0 and constant volatility.
Currency a share, shares, and any one unit of time.
"""

from __future__ import annotations

from math import exp, inf, sqrt
from typing import Annotated

import msgspec

from quietfill.domain.fields import read_fields
from quietfill.market.arguments import not_negative, positive


class PowerLawMarket(msgspec.Struct, frozen=True, kw_only=True):
    """A market whose temporary impact is a power of our rate.

    Attributes:
        volatility: sigma, in currency a share per square root of a unit of time; absolute, no fraction.
        temporary_impact: eta, so that trading at v shares per unit of time costs eta v^k a share.
        exponent: k; 1 is linear, below 1 concave.
    """

    volatility: Annotated[float, positive]
    temporary_impact: Annotated[float, positive]
    exponent: Annotated[float, positive]

    def __post_init__(self) -> None:
        """Refuse what can never be meant, naming field and value."""
        read_fields(self)

    @classmethod
    def through(cls, *, volatility: float, cost: float, at_rate: float, exponent: float) -> PowerLawMarket:
        """Return the market in which trading at *at_rate* costs *cost* a share.

        Raises:
            BadInput: naming the argument and its value.
        """
        power = positive(exponent, "exponent")
        eta = positive(cost, "cost") / positive(at_rate, "at_rate") ** power
        return cls(volatility=volatility, temporary_impact=eta, exponent=power)


class FreeHorizonOptimum(msgspec.Struct, frozen=True, kw_only=True):
    """The optimum's figures.

    Attributes:
        characteristic_time: T*, in which the path would end at its first speed.
        expected_cost: in currency.
        standard_deviation: of the cost, in currency.
        end: when the path reaches zero; infinite for an exponent up to 1.
    """

    characteristic_time: float
    expected_cost: float
    standard_deviation: float
    end: float


def characteristic_time(market: PowerLawMarket, quantity: float, risk_aversion: float) -> float:
    """Return T* = (k eta X^(k-1) / (lambda sigma^2))^(1/(k+1)).

    Raises:
        BadInput: naming the argument and its value.
    """
    k, total = market.exponent, positive(quantity, "quantity")
    averse = positive(risk_aversion, "risk_aversion") * market.volatility**2
    return float((k * market.temporary_impact * total ** (k - 1) / averse) ** (1 / (k + 1)))


def optimal_speed(market: PowerLawMarket, quantity_left: float, risk_aversion: float) -> float:
    """Return v(x) = (lambda sigma^2 x^2 / (k eta))^(1/(k+1)), how fast to trade with x left.

    Raises:
        BadInput: naming the argument and its value.
    """
    k, left = market.exponent, not_negative(quantity_left, "quantity_left")
    averse = positive(risk_aversion, "risk_aversion") * market.volatility**2
    return float((averse * left**2 / (k * market.temporary_impact)) ** (1 / (k + 1)))


def optimal_holding(market: PowerLawMarket, quantity: float, risk_aversion: float, at: float) -> float:
    """Return what is left to trade at time *at* of the optimal path.

    x(t) = X (1 + (1-k)/(1+k) t/T*)^(-(1+k)/(1-k)); X e^(-t/T*) for k = 1.

    Raises:
        BadInput: naming the argument and its value.
    """
    total, k = positive(quantity, "quantity"), market.exponent
    passed = not_negative(at, "at") / characteristic_time(market, total, risk_aversion)
    if k == 1:
        return total * exp(-passed)
    base = 1 + (1 - k) / (1 + k) * passed
    return float(total * base ** (-(1 + k) / (1 - k))) if base > 0 else 0.0


def free_horizon_optimum(market: PowerLawMarket, quantity: float, risk_aversion: float) -> FreeHorizonOptimum:
    """Return time scale, cost and risk of the optimal path.

    E = (k+1)/(3k+1) eta X v_0^k and V = (k+1)/(3k+1) sigma^2 X^3 / v_0, v_0 = X / T* the first speed.

    Raises:
        BadInput: naming the argument and its value.
    """
    total, k = positive(quantity, "quantity"), market.exponent
    scale = characteristic_time(market, total, risk_aversion)
    first, weight = total / scale, (k + 1) / (3 * k + 1)
    return FreeHorizonOptimum(
        characteristic_time=scale,
        expected_cost=float(weight * market.temporary_impact * total * first**k),
        standard_deviation=market.volatility * total * sqrt(weight * scale),
        end=scale * (k + 1) / (k - 1) if k > 1 else inf,
    )
