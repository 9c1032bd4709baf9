"""Kissell's I-Star: the cost of trading all at once, and the share of it that is paid at a rate.

Source: R. Kissell, "The Science of Algorithmic Trading and Portfolio Management" (2013), chapters 4 and 5;
R. Kissell and M. Glantz, "Optimal Trading Strategies" (2003). I* = a1 (Q/ADV)^a2 sigma^a3 in bps, sigma annual;
MI = b1 POV^a4 I* + (1 - b1) I*; timing risk = sigma sqrt(S/ADV (1 - POV) / (3 * 250 POV)).

Fitted to whole orders of US stocks up to about a third of a day's volume. It tells what an order costs, not how
each trade moves the price: applied trade by trade its "permanent" share would be concave in size and could be
pumped for money, so it is never used as a law of the price.
"""

from __future__ import annotations

from math import sqrt
from typing import Annotated, Final

import msgspec

from quietfill.domain.errors import BadInput
from quietfill.domain.fields import read_fields, shown
from quietfill.market.arguments import finite, not_negative, participation, positive
from quietfill.market.impact.model import OrderImpact
from quietfill.market.impact.power_law import BPS

TRADING_DAYS = 250
"""A year of trading, as I-Star counts it."""


def _between(low: float, high: float, value: object, name: str) -> float:
    read = finite(value, name)
    if not low <= read <= high:
        raise BadInput(f"{name} must lie between {low:g} and {high:g}, not {shown(value)}")
    return read


def _scale(value: object, name: str) -> float:
    return _between(100, 1_000, value, name)


def _power(value: object, name: str) -> float:
    return _between(0.1, 1, value, name)


def _temporary_share(value: object, name: str) -> float:
    return _between(0.7, 1, value, name)


class IStarCoefficients(msgspec.Struct, frozen=True, kw_only=True):
    """One group's fit, within the bounds of the fit.

    Attributes:
        a1: 100 to 1,000, in bps.
        a2, a3, a4: 0.1 to 1, of size, volatility and participation.
        b1: 0.7 to 1, the share of I* that depends on the rate.
    """

    a1: Annotated[float, _scale]
    a2: Annotated[float, _power]
    a3: Annotated[float, _power]
    a4: Annotated[float, _power] = 0.5
    b1: Annotated[float, _temporary_share] = 0.95

    def __post_init__(self) -> None:
        """Refuse what lies outside the bounds of the fit, naming field and value."""
        read_fields(self)


ALL_STOCKS: Final = IStarCoefficients(a1=708, a2=0.55, a3=0.71)
LARGE_CAP: Final = IStarCoefficients(a1=687, a2=0.70, a3=0.72)
SMALL_CAP: Final = IStarCoefficients(a1=702, a2=0.47, a3=0.69)
GROUPS: Final = {"all": ALL_STOCKS, "large_cap": LARGE_CAP, "small_cap": SMALL_CAP}


class IStarEstimate(msgspec.Struct, frozen=True, kw_only=True):
    """What an order costs, in bps of the price.

    Attributes:
        instantaneous_bps: I*, for trading all at once.
        temporary_bps, permanent_bps: b1 POV^a4 I* and (1 - b1) I*; both are paid in full.
        timing_risk_bps: one standard deviation of the cost.
    """

    instantaneous_bps: float
    temporary_bps: float
    permanent_bps: float
    timing_risk_bps: float

    @property
    def cost_bps(self) -> float:
        """MI, the average paid."""
        return self.temporary_bps + self.permanent_bps

    def z_score(self, paid_bps: float) -> float | None:
        """Return (cost - estimate) / timing risk, of mean 0 and variance 1 where the fit is right; None without risk.

        Args:
            paid_bps: what the order cost, positive when it hurt.
        """
        return (finite(paid_bps, "paid_bps") - self.cost_bps) / self.timing_risk_bps if self.timing_risk_bps else None


def istar_estimate(
    *, size_share: float, annual_volatility: float, participation_rate: float, coefficients: IStarCoefficients
) -> IStarEstimate:
    """Return what an order worked at a constant rate costs.

    Args:
        size_share: Q / ADV.
        annual_volatility: sigma, a fraction of the price, 0.25 for 25 % a year.
        participation_rate: POV, our share of the volume while we trade, above 0, at most 1.

    Raises:
        BadInput: naming the argument and its value.
    """
    size, sigma = positive(size_share, "size_share"), not_negative(annual_volatility, "annual_volatility")
    rate = participation(participation_rate, "participation_rate")
    star = coefficients.a1 * size**coefficients.a2 * sigma**coefficients.a3
    return IStarEstimate(
        instantaneous_bps=star,
        temporary_bps=coefficients.b1 * rate**coefficients.a4 * star,
        permanent_bps=(1 - coefficients.b1) * star,
        timing_risk_bps=BPS * sigma * sqrt(size * (1 - rate) / (3 * TRADING_DAYS * rate)),
    )


class IStarModel(msgspec.Struct, frozen=True, kw_only=True):
    """I-Star at one rate of participation.

    Attributes:
        participation_rate: POV at which orders are worked, above 0, at most 1.
    """

    participation_rate: Annotated[float, participation]
    coefficients: IStarCoefficients = ALL_STOCKS

    def __post_init__(self) -> None:
        """Refuse what can never be meant, naming field and value."""
        read_fields(self)

    @property
    def calibration(self) -> str:
        """The model's name and its coefficients."""
        fit = self.coefficients
        return (
            f"I-Star (a1 {fit.a1:g}, a2 {fit.a2:g}, a3 {fit.a3:g}, a4 {fit.a4:g}, b1 {fit.b1:g}), participation"
            f" {self.participation_rate:g}, cost of the whole order, no law of the permanent move"
        )

    def order_impact(self, symbol: str, quantity: float, daily_volume: float, daily_volatility: float) -> OrderImpact:
        """Return MI, all of it as temporary; see `ImpactModel.order_impact`."""
        del symbol
        estimate = istar_estimate(
            size_share=positive(quantity, "quantity") / positive(daily_volume, "daily_volume"),
            annual_volatility=not_negative(daily_volatility, "daily_volatility") * sqrt(TRADING_DAYS),
            participation_rate=self.participation_rate,
            coefficients=self.coefficients,
        )
        return OrderImpact(temporary_bps=estimate.cost_bps, permanent_bps=0.0)
