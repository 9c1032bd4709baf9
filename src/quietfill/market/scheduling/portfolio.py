"""Almgren and Chriss for several assets at once: what hedges what may be traded later.

Source: R. Almgren and N. Chriss, "Optimal Execution of Portfolio Transactions", working paper of December 2000,
appendix A, with impact of each asset on its own price alone. The optimality condition is
(x_{k-1} - 2 x_k + x_{k+1}) / tau^2 = lambda H~^-1 C x_k; in the basis that makes H~^(-1/2) C H~^(-1/2) diagonal each
mode has the path of a single asset. Units and validity as in `quietfill.market.scheduling.linear_market`.
"""

from __future__ import annotations

from math import sqrt
from typing import TYPE_CHECKING, Annotated

import msgspec

from quietfill.domain.errors import BadInput
from quietfill.domain.fields import read_fields
from quietfill.market.arguments import count, figures, not_negative, positive
from quietfill.market.scheduling.almgren_chriss import sinh_ratio
from quietfill.market.scheduling.linear_market import LinearMarket, Trajectory, time_scale
from quietfill.market.scheduling.linear_market import expected_cost as cost_of_one

if TYPE_CHECKING:
    from collections.abc import Sequence

_ROUNDING = 1e-9


def _rows(values: Sequence[Sequence[float]], name: str) -> tuple[tuple[float, ...], ...]:
    return tuple(figures(row, f"{name}[{place}]") for place, row in enumerate(values))


class PortfolioMarket(msgspec.Struct, frozen=True, kw_only=True):
    """Several assets that move together; each one's impact is linear and its own.

    Attributes:
        covariance: C, of price moves, in currency a share squared per unit of time, one row an asset.
        assets: impact and fixed cost of each asset; volatility and drift in them play no part.
    """

    covariance: Annotated[tuple[tuple[float, ...], ...], _rows]
    assets: tuple[LinearMarket, ...]

    def __post_init__(self) -> None:
        """Refuse what is no covariance of these assets."""
        read_fields(self)
        size, rows = len(self.assets), self.covariance
        if not size or len(rows) != size or any(len(row) != size for row in rows):
            raise BadInput(f"covariance must be square with a row for each of the {size} assets")
        for i, row in enumerate(rows):
            if row[i] < 0 or any(abs(row[j] - rows[j][i]) > _ROUNDING * abs(row[j]) for j in range(i)):
                raise BadInput(f"covariance[{i}] must be symmetric and not negative on the diagonal")


class PortfolioPlan(msgspec.Struct, frozen=True, kw_only=True):
    """The best paths together.

    Attributes:
        trajectories: one an asset.
        expected_cost, variance: of the whole, in currency and its square.
    """

    trajectories: tuple[Trajectory, ...]
    expected_cost: float
    variance: float

    @property
    def standard_deviation(self) -> float:
        """Of the cost, in currency."""
        return sqrt(self.variance)


def optimal_portfolio(
    market: PortfolioMarket, quantities: Sequence[float], horizon: float, steps: int, risk_aversion: float
) -> PortfolioPlan:
    """Return the paths that minimise expected cost + lambda x variance of the whole.

    Args:
        quantities: in shares, positive to be sold and negative to be bought, one an asset.
        horizon: T.
        steps: N.
        risk_aversion: lambda, per unit of currency.

    Raises:
        BadInput: naming the argument and its value.
    """
    import numpy as np

    totals, averse = figures(quantities, "quantities"), not_negative(risk_aversion, "risk_aversion")
    if len(totals) != len(market.assets):
        raise BadInput(f"quantities must have one entry for each of the {len(market.assets)} assets, not {len(totals)}")
    steps = count(steps, "steps")
    tau = positive(horizon, "horizon") / steps
    roots = np.sqrt([time_scale(asset, averse, tau).eta_tilde for asset in market.assets])
    covariance = np.array(market.covariance)
    values, modes = np.linalg.eigh(averse * covariance / np.outer(roots, roots))
    angles = 2 * np.arcsinh(np.sqrt(np.maximum(values, 0.0)) * tau / 2)
    weights = modes.T @ (roots * np.array(totals))
    left = np.array([[sinh_ratio(float(angle), steps - j, steps) for angle in angles] for j in range(steps + 1)])
    held = (left * weights) @ modes.T / roots
    paths = tuple(Trajectory(tau, tuple(float(x) for x in column)) for column in held.T)
    return PortfolioPlan(
        trajectories=paths,
        expected_cost=sum(_cost(asset, path) for asset, path in zip(market.assets, paths, strict=True)),
        variance=float(tau * np.einsum("ki,ij,kj->", held[1:], covariance, held[1:])),
    )


def _cost(asset: LinearMarket, path: Trajectory) -> float:
    return cost_of_one(msgspec.structs.replace(asset, drift=0.0), path)
