"""Bertsimas and Lo: the cheapest way to trade a block when each trade moves the price for good.

Source: D. Bertsimas and A. Lo, "Optimal control of execution costs", Journal of Financial Markets 1 (1998),
sections 2.1 to 2.3. Price law: P_t = P_{t-1} + theta S_t + gamma X_t + noise, with information
X_t = rho X_{t-1} + noise. No risk aversion. Valid for linear permanent impact, where the price stays positive.
Costs are those of a buy: what is paid for the block, in currency.
"""

from __future__ import annotations

from typing import Annotated

import msgspec

from quietfill.domain.fields import read_fields
from quietfill.market.arguments import count, finite, not_negative, positive


class BlockCost(msgspec.Struct, frozen=True):
    """What a block is expected to cost.

    Attributes:
        paid: in currency.
        excess: paid beyond quantity x price, in currency.
        excess_per_share: the same, a share.
    """

    paid: float
    excess: float
    excess_per_share: float


class InformedMarket(msgspec.Struct, frozen=True, kw_only=True):
    """Linear permanent impact, and a signal about the next price move.

    Attributes:
        impact: theta, in currency a share for each share traded.
        sensitivity: gamma, in currency a share for a signal of 1.
        persistence: rho, the signal's correlation from one period to the next, -1 to 1, both out.
        signal_variance: of the signal's noise in one period.
    """

    impact: Annotated[float, positive]
    sensitivity: Annotated[float, finite] = 0.0
    persistence: Annotated[float, finite] = 0.0
    signal_variance: Annotated[float, not_negative] = 0.0

    def __post_init__(self) -> None:
        """Refuse what can never be meant, naming field and value."""
        read_fields(self)


def even_split(quantity: float, periods: int) -> tuple[float, ...]:
    """Return the optimal trades without information: the same in each period, S / T.

    Raises:
        BadInput: naming the argument and its value.
    """
    total, periods = positive(quantity, "quantity"), count(periods, "periods")
    return (total / periods,) * periods


def even_split_cost(quantity: float, periods: int, impact: float, price: float) -> BlockCost:
    """Return what the optimum without information is expected to cost: P_0 S + (theta S^2 / 2)(1 + 1 / T).

    Args:
        quantity: S, in shares.
        periods: T.
        impact: theta, in currency a share for each share traded.
        price: P_0, before the first trade.

    Raises:
        BadInput: naming the argument and its value.
    """
    total, periods = positive(quantity, "quantity"), count(periods, "periods")
    excess = not_negative(impact, "impact") * total**2 / 2 * (1 + 1 / periods)
    return BlockCost(total * finite(price, "price") + excess, excess, excess / total)


def informed_trade(market: InformedMarket, left: float, periods_left: int, signal: float) -> float:
    """Return what to trade now, with *periods_left* periods to go, this one included (section 2.3).

    S = W / (k + 1) + rho b_{k-1} X / (2 a_{k-1}), k = periods_left - 1; all that is left in the last period.

    Raises:
        BadInput: naming the argument and its value.
    """
    k = count(periods_left, "periods_left") - 1
    held = finite(left, "left")
    if k == 0:
        return held
    a, b, _, _ = _value(market, k - 1)
    return held / (k + 1) + market.persistence * b / (2 * a) * finite(signal, "signal")


def informed_cost(market: InformedMarket, quantity: float, periods: int, price: float, signal: float) -> BlockCost:
    """Return what the optimum with information is expected to cost, seen when *signal* is known (section 2.3).

    Raises:
        BadInput: naming the argument and its value.
    """
    total, seen = positive(quantity, "quantity"), finite(signal, "signal")
    a, b, c, d = _value(market, count(periods, "periods") - 1)
    excess = a * total**2 + b * seen * total + c * seen**2 + d
    return BlockCost(total * finite(price, "price") + excess, excess, excess / total)


def _value(market: InformedMarket, k: int) -> tuple[float, float, float, float]:
    """Return a, b, c, d of V = P W + a W^2 + b X W + c X^2 + d with k further periods after this one."""
    theta, rho = market.impact, market.persistence
    a, b, c, d = theta, market.sensitivity, 0.0, 0.0
    for number in range(1, k + 1):
        d += c * market.signal_variance
        c = rho**2 * (c - b**2 / (4 * a))
        b = market.sensitivity + theta * rho * b / (2 * a)
        a = theta / 2 * (1 + 1 / (number + 1))
    return a, b, c, d
