"""Trading through news whose time is known and whose content is not: parameters jump at a known step.

Source: R. Almgren and N. Chriss, "Optimal Execution of Portfolio Transactions", working paper of December 2000,
section 4.3 (parameter shifts). Until the news one path, after it one of several; what is decided beforehand is
how much to hold into it. Valid where the parameters of each outcome can be named and the path until the news does
not react to prices. Units as in `quietfill.market.scheduling.linear_market`.
"""

from __future__ import annotations

from math import sqrt
from typing import TYPE_CHECKING, Annotated

import msgspec

from quietfill.domain.errors import BadInput
from quietfill.domain.fields import read_fields
from quietfill.market.arguments import count, not_negative, positive
from quietfill.market.scheduling.almgren_chriss import path_between
from quietfill.market.scheduling.linear_market import LinearMarket, Trajectory, cost_variance, expected_cost

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

_GRID = 64
_GOLDEN = (sqrt(5) - 1) / 2
_STEPS_OF_SEARCH = 60
_ROUNDING = 1e-9


class NewsOutcome(msgspec.Struct, frozen=True, kw_only=True):
    """One way in which the news may turn out.

    Attributes:
        probability: above 0, at most 1.
        market: the parameters from then on.
    """

    probability: Annotated[float, positive]
    market: LinearMarket

    def __post_init__(self) -> None:
        """Refuse what can never be meant, naming field and value."""
        read_fields(self)


class NewsPlan(msgspec.Struct, frozen=True, kw_only=True):
    """What to do before the news, and after each outcome.

    Attributes:
        before: the path until the news; it ends with what is held into it.
        after: the path of each outcome, in their order.
        expected_cost, variance: of the whole, in currency and its square; the variance holds what the choice
            among outcomes adds, Var(E of the outcome).
    """

    before: Trajectory
    after: tuple[Trajectory, ...]
    expected_cost: float
    variance: float


def trajectory_through_news(
    market: LinearMarket,
    outcomes: Sequence[NewsOutcome],
    quantity: float,
    *,
    step: float,
    steps_before: int,
    steps_after: int,
    risk_aversion: float,
) -> NewsPlan:
    """Return the plan that minimises expected cost + lambda x variance over the amount held into the news.

    Args:
        market: the parameters until the news.
        outcomes: what may come, with probabilities that add up to 1.
        quantity: X, in shares.
        step: tau, the same before and after.
        steps_before, steps_after: how many steps there are on each side of the news.
        risk_aversion: lambda, per unit of currency.

    Raises:
        BadInput: naming the argument and its value.
    """
    total, averse = positive(quantity, "quantity"), not_negative(risk_aversion, "risk_aversion")
    first, second = count(steps_before, "steps_before"), count(steps_after, "steps_after")
    chances = sum(outcome.probability for outcome in outcomes)
    if abs(chances - 1) > _ROUNDING:
        raise BadInput(f"probabilities of outcomes must add up to 1, not {chances}")

    def plan(held: float) -> NewsPlan:
        before = path_between(market, total, held, step, first, averse)
        after = tuple(path_between(each.market, held, 0.0, step, second, averse) for each in outcomes)
        return _priced(market, outcomes, before, after)

    def disutility(held: float) -> float:
        candidate = plan(held)
        return candidate.expected_cost + averse * candidate.variance

    return plan(_least(disutility, total))


def _priced(
    market: LinearMarket, outcomes: Sequence[NewsOutcome], before: Trajectory, after: tuple[Trajectory, ...]
) -> NewsPlan:
    costs = [expected_cost(outcome.market, path) for outcome, path in zip(outcomes, after, strict=True)]
    mean = sum(outcome.probability * cost for outcome, cost in zip(outcomes, costs, strict=True))
    within = sum(
        outcome.probability * cost_variance(outcome.market, path) for outcome, path in zip(outcomes, after, strict=True)
    )
    among = sum(outcome.probability * (cost - mean) ** 2 for outcome, cost in zip(outcomes, costs, strict=True))
    return NewsPlan(
        before=before,
        after=after,
        expected_cost=expected_cost(market, before) + mean,
        variance=cost_variance(market, before) + within + among,
    )


def _least(function: Callable[[float], float], top: float) -> float:
    """Return where between 0 and *top* a function is least: a grid finds the valley, golden section its bottom."""
    best = min(range(_GRID + 1), key=lambda place: function(top * place / _GRID))
    low, high = top * max(0, best - 1) / _GRID, top * min(_GRID, best + 1) / _GRID
    for _ in range(_STEPS_OF_SEARCH):
        left, right = high - _GOLDEN * (high - low), low + _GOLDEN * (high - low)
        if function(left) <= function(right):
            high = right
        else:
            low = left
    return (low + high) / 2
