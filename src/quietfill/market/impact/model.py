"""What an impact model answers, so that one can stand for another."""

from __future__ import annotations

from typing import Protocol

import msgspec


class OrderImpact(msgspec.Struct, frozen=True, kw_only=True):
    """What an order is expected to cost by moving the market, as a pair that adds up one way in every model.

    Attributes:
        temporary_bps: paid on average because we trade at our rate, in bps of the price.
        permanent_bps: how far the price has moved for good at the end, in bps; linear in the quantity.
    """

    temporary_bps: float
    permanent_bps: float

    @property
    def total_bps(self) -> float:
        """The average paid, in bps: an order pays half of the permanent move that it makes."""
        return self.temporary_bps + self.permanent_bps / 2


class ImpactModel(Protocol):
    """Estimates what an order costs from its size, the market's volume and its volatility."""

    @property
    def calibration(self) -> str:
        """The model's name and its coefficients, for people."""
        ...

    def order_impact(self, symbol: str, quantity: float, daily_volume: float, daily_volatility: float) -> OrderImpact:
        """Return the impact of an order of either side.

        Args:
            symbol: for models that need to know more of the instrument.
            quantity: in shares, above zero.
            daily_volume: V, in shares, above zero.
            daily_volatility: sigma, a fraction of the price, 0.02 for 2 % a day.

        Raises:
            BadInput: naming the argument and its value.
        """
        ...
