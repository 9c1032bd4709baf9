"""Almgren, Thum, Hauptmann and Li: impact as it was measured on 29,509 orders of one large desk.

Source: R. Almgren, C. Thum, E. Hauptmann and H. Li, "Direct estimation of equity market impact" (Risk, July 2005).
Permanent move I = gamma sigma (X/V) (Theta/V)^(1/4); average cost J = I/2 + eta sigma |X/(V T)|^(3/5).

Fitted to S&P 500 stocks, December 2001 to June 2003. gamma = 0.314 +- 0.041 (t 7.7), eta = 0.142 +- 0.0062 (t 23);
exponents alpha = 0.891 +- 0.10 (fixed at 1), delta = 0.267 +- 0.22 (fixed at 1/4), beta = 0.600 +- 0.038 (fixed at
3/5; 1/2 is rejected at 95 %). R^2 is below 1 %: a single order can cost anything. Meant for orders up to about 10 %
of a day's volume.
"""

from __future__ import annotations

from math import hypot
from typing import TYPE_CHECKING, Annotated

import msgspec

from quietfill.domain.errors import BadInput
from quietfill.domain.fields import read_fields
from quietfill.market.arguments import not_negative, positive
from quietfill.market.impact.model import OrderImpact
from quietfill.market.impact.power_law import BPS

if TYPE_CHECKING:
    from collections.abc import Mapping

LARGEST_SHARE = 0.1
"""Up to this share of a day's volume the fit was meant to be used."""


class Almgren2005Coefficients(msgspec.Struct, frozen=True, kw_only=True):
    """The universal coefficients and their standard errors; the defaults are the published ones.

    Attributes:
        gamma, eta: of the permanent and the temporary part, without unit.
        rate_exponent: beta, of the temporary part.
        turnover_exponent: delta, of Theta / V in the permanent part.
    """

    gamma: Annotated[float, not_negative] = 0.314
    gamma_error: Annotated[float, not_negative] = 0.041
    eta: Annotated[float, not_negative] = 0.142
    eta_error: Annotated[float, not_negative] = 0.0062
    rate_exponent: Annotated[float, positive] = 0.6
    turnover_exponent: Annotated[float, not_negative] = 0.25

    def __post_init__(self) -> None:
        """Refuse what can never be meant, naming field and value."""
        read_fields(self)


class Almgren2005Impact(msgspec.Struct, frozen=True, kw_only=True):
    """One order's impact, in bps of the price, positive for buys and sells alike.

    Attributes:
        inverse_turnover: Theta / V, days to trade all shares outstanding.
        permanent_bps: I, the move that remains.
        temporary_bps: K, paid for trading at this rate.
        cost_error_bps: the standard error of `cost_bps` that comes of the coefficients' own.
        is_extrapolated: the order is larger than the fit was meant for.
    """

    inverse_turnover: float
    permanent_bps: float
    temporary_bps: float
    cost_error_bps: float
    is_extrapolated: bool

    @property
    def cost_bps(self) -> float:
        """J = I / 2 + K, the average paid."""
        return self.permanent_bps / 2 + self.temporary_bps


_PUBLISHED = Almgren2005Coefficients()


def almgren_2005_impact(
    *,
    quantity: float,
    daily_volume: float,
    shares_outstanding: float,
    daily_volatility: float,
    horizon_days: float,
    coefficients: Almgren2005Coefficients = _PUBLISHED,
) -> Almgren2005Impact:
    """Return what an order worked at a constant rate costs.

    Args:
        quantity: |X|, in shares.
        daily_volume: V, in shares.
        shares_outstanding: Theta, in shares.
        daily_volatility: sigma, a fraction of the price, 0.0157 for 1.57 % a day.
        horizon_days: T, in days of volume: 0.5 for half of an average day's trading.

    Raises:
        BadInput: naming the argument and its value.
    """
    volume = positive(daily_volume, "daily_volume")
    share = positive(quantity, "quantity") / volume
    turnover = positive(shares_outstanding, "shares_outstanding") / volume
    unit = BPS * not_negative(daily_volatility, "daily_volatility")
    permanent = unit * share * turnover**coefficients.turnover_exponent
    temporary = unit * (share / positive(horizon_days, "horizon_days")) ** coefficients.rate_exponent
    return Almgren2005Impact(
        inverse_turnover=turnover,
        permanent_bps=coefficients.gamma * permanent,
        temporary_bps=coefficients.eta * temporary,
        cost_error_bps=hypot(coefficients.gamma_error * permanent / 2, coefficients.eta_error * temporary),
        is_extrapolated=share > LARGEST_SHARE,
    )


class Almgren2005Model(msgspec.Struct, frozen=True, kw_only=True):
    """The measured model with what it needs to know beside the order.

    Attributes:
        horizon_days: over which orders are worked, in days of volume.
        shares_outstanding: by symbol.
    """

    horizon_days: Annotated[float, positive]
    shares_outstanding: Mapping[str, float]
    coefficients: Almgren2005Coefficients = _PUBLISHED

    def __post_init__(self) -> None:
        """Refuse what can never be meant, naming field and value."""
        positive(self.horizon_days, "horizon_days")
        for symbol, shares in self.shares_outstanding.items():
            positive(shares, f"shares_outstanding[{symbol}]")

    @property
    def calibration(self) -> str:
        """The model's name and its coefficients."""
        fit = self.coefficients
        return (
            f"Almgren et al. 2005 (gamma {fit.gamma:g} +- {fit.gamma_error:g}, eta {fit.eta:g} +- {fit.eta_error:g},"
            f" rate exponent {fit.rate_exponent:g}), worked over {self.horizon_days:g} days"
        )

    def order_impact(self, symbol: str, quantity: float, daily_volume: float, daily_volatility: float) -> OrderImpact:
        """Return the impact of an order of either side; see `ImpactModel.order_impact`."""
        if symbol not in self.shares_outstanding:
            raise BadInput(f"shares_outstanding of {symbol} is needed by the model almgren_2005")
        impact = almgren_2005_impact(
            quantity=quantity,
            daily_volume=daily_volume,
            shares_outstanding=self.shares_outstanding[symbol],
            daily_volatility=daily_volatility,
            horizon_days=self.horizon_days,
            coefficients=self.coefficients,
        )
        return OrderImpact(temporary_bps=impact.temporary_bps, permanent_bps=impact.permanent_bps)
