"""The square-root law: an order moves the price by a power of its share of the day, however it is worked.

Source: B. Toth et al., "Anomalous price impact and the critical nature of liquidity in financial markets", Physical
Review X 1 (2011); Y. Sato and K. Kanazawa (2024) find delta = 0.489 +- 0.0015 over all of Tokyo. Y is of order 1
(0.5 to 1), delta between 0.4 and 0.7. Valid for orders between about 0.1 % and 10 % of a day's volume worked over
minutes to a few days; below that impact is linear.
"""

from __future__ import annotations

from typing import Annotated

import msgspec

from quietfill.domain.fields import read_fields
from quietfill.market.arguments import inner_share, not_negative, positive
from quietfill.market.impact.model import OrderImpact
from quietfill.market.impact.power_law import BPS


class SquareRootMove(msgspec.Struct, frozen=True):
    """How far an order moves the price, in bps.

    Attributes:
        peak_bps: the move at the END of the order.
        average_bps: what was paid on average at a constant rate, peak / (1 + delta): two thirds of the peak at 1/2.
    """

    peak_bps: float
    average_bps: float


class SquareRootLaw(msgspec.Struct, frozen=True, kw_only=True):
    """I(Q) = Y sigma (Q/V)^delta at the end of the order.

    Attributes:
        y: Y, the prefactor, without unit.
        delta: the exponent, between 0 and 1, both out.
    """

    y: Annotated[float, positive] = 1.0
    delta: Annotated[float, inner_share] = 0.5

    def __post_init__(self) -> None:
        """Refuse what can never be meant, naming field and value."""
        read_fields(self)

    @property
    def calibration(self) -> str:
        """The model's name and its coefficients."""
        return (
            f"square-root law (Y {self.y:g}, delta {self.delta:g}), average paid = peak / {1 + self.delta:g},"
            " no permanent part of its own"
        )

    def move(self, quantity: float, daily_volume: float, daily_volatility: float) -> SquareRootMove:
        """Return peak and average of the move; arguments as in `ImpactModel.order_impact`.

        Raises:
            BadInput: naming the argument and its value.
        """
        share = positive(quantity, "quantity") / positive(daily_volume, "daily_volume")
        peak = BPS * self.y * not_negative(daily_volatility, "daily_volatility") * share**self.delta
        return SquareRootMove(peak, peak / (1 + self.delta))

    def order_impact(self, symbol: str, quantity: float, daily_volume: float, daily_volatility: float) -> OrderImpact:
        """Return the average paid, all of it as temporary: the law does not say what of the move remains."""
        del symbol
        average = self.move(quantity, daily_volume, daily_volatility).average_bps
        return OrderImpact(temporary_bps=average, permanent_bps=0.0)
