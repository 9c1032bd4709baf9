"""The house's default: temporary impact by a power of the order's share of the day, permanent impact linear."""

from __future__ import annotations

from typing import Annotated

import msgspec

from quietfill.domain.errors import BadInput
from quietfill.domain.fields import read_fields, shown
from quietfill.market.arguments import not_negative, positive
from quietfill.market.impact.model import OrderImpact

BPS = 10_000
_HIGHEST_EXPONENT = 2.0


def exponent(value: object, name: str) -> float:
    """Accept an exponent of temporary impact: above 0, at most 2.

    Raises:
        BadInput: naming *name* and the value.
    """
    read = positive(value, name)
    if read > _HIGHEST_EXPONENT:
        raise BadInput(f"{name} must be at most {_HIGHEST_EXPONENT:g}, not {shown(value)}")
    return read


class PowerLawImpact(msgspec.Struct, frozen=True, kw_only=True):
    """temporary = eta sigma (Q/V)^alpha, permanent = gamma sigma (Q/V), average paid = temporary + permanent / 2.

    The exponent touches the temporary part alone; the permanent part is always linear, since anything else can be
    pumped for money (G. Huberman and W. Stanzl, "Price manipulation and quasi-arbitrage", Econometrica 72, 2004).

    The shape is that of the empirical literature (J. Gatheral, "No-dynamic-arbitrage and market impact",
    Quantitative Finance 10, 2010); the default coefficients belong to nobody's fit. They suit orders worked over a
    whole day: at 1 % of the day's volume and 2 % volatility they give 2 bps, where Almgren et al. (2005) give 2.8
    over a day and 8.1 over a tenth of one. Calibrate them, or select a fitted model. Meant for orders up to about
    10 % of a day's volume.

    Attributes:
        eta, gamma: without unit.
        alpha: without unit, above 0, at most 2.
    """

    eta: Annotated[float, not_negative] = 0.1
    gamma: Annotated[float, not_negative] = 0.1
    alpha: Annotated[float, exponent] = 0.5

    def __post_init__(self) -> None:
        """Refuse what can never be meant, naming field and value."""
        read_fields(self)

    @property
    def calibration(self) -> str:
        """The model's name and its coefficients."""
        return f"power law, linear permanent (eta {self.eta:g}, gamma {self.gamma:g}, alpha {self.alpha:g})"

    def order_impact(self, symbol: str, quantity: float, daily_volume: float, daily_volatility: float) -> OrderImpact:
        """Return the impact of an order of either side; see `ImpactModel.order_impact`."""
        del symbol
        share = positive(quantity, "quantity") / positive(daily_volume, "daily_volume")
        unit = BPS * not_negative(daily_volatility, "daily_volatility")
        return OrderImpact(
            temporary_bps=self.eta * unit * share**self.alpha,
            permanent_bps=self.gamma * unit * share,
        )
