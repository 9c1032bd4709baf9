"""The public face: what an order is expected to cost by moving the market."""

from __future__ import annotations

from typing import TYPE_CHECKING

from quietfill.agent.face import AgentFace
from quietfill.domain.fields import named
from quietfill.market.impact.estimate import ImpactInputs, estimate_impact
from quietfill.market.impact.selection import DEFAULT_MODEL, select_model

if TYPE_CHECKING:
    from collections.abc import Mapping

    from quietfill.domain.fields import Number, Size
    from quietfill.domain.order import MarketImpactEstimate
    from quietfill.domain.types import OrderSide
    from quietfill.market.impact.model import ImpactModel


class ImpactMethods(AgentFace):
    """Pre-trade estimates of market impact."""

    _impact_model: ImpactModel = DEFAULT_MODEL

    def estimate_market_impact(
        self,
        symbol: str,
        side: str | OrderSide,
        quantity: Size,
        price: Number | None = None,
        adv: Number | None = None,
        volatility: Number | None = None,
    ) -> MarketImpactEstimate:
        """Return what an order is expected to cost: temporary + permanent / 2, the average paid.

        By default temporary = eta sigma (Q/V)^alpha and permanent = gamma sigma (Q/V), which is linear whatever
        the model. What is not given is taken from what was observed, else from the instrument; `model_used` names
        the model, its calibration and where price, volume and volatility came from.

        Args:
            symbol: a key of the instrument table, whose multiplier the cost includes.
            side: in any letter case; the estimate is the same for both.
            quantity: Q, in shares or contracts.
            price: in currency.
            adv: V, average daily volume in shares or contracts.
            volatility: sigma, of a day, a fraction of the price: 0.02 for 2 %.

        Raises:
            BadInput: (a ValueError) naming what is wrong, or what is missing and cannot be had.
        """
        observed = self._engine.observed
        return estimate_impact(
            self._impact_model,
            named(symbol, "symbol"),
            side,
            quantity,
            given=ImpactInputs(price, adv, volatility),
            facts=observed.facts(symbol),
            view=observed.view(symbol),
            instrument=self._instrument(symbol),
        )

    def configure_market_impact_model(  # noqa: PLR0913 - each model's own arguments
        self,
        eta: float | None = None,
        gamma: float | None = None,
        alpha: float | None = None,
        *,
        model: str | None = None,
        permanent_exponent: float | None = None,
        horizon_days: float | None = None,
        shares_outstanding: Mapping[str, float] | None = None,
        participation_rate: float | None = None,
        group: str | None = None,
    ) -> None:
        """Choose the impact model and its coefficients; None leaves what is in force, or a new model's own default.

        Args:
            eta: of the temporary part, 0.1 by default; Y of the square-root law, 1 by default.
            gamma: of the permanent part, 0.1 by default.
            alpha: exponent of the temporary part alone, 0.5 by default; delta of the square-root law.
            model: default, square_root, almgren_2005 or istar; see `quietfill.market.impact`.
            permanent_exponent: only 1 is accepted: other permanent impact can be pumped for money.
            horizon_days: over which orders are worked, in days of volume (almgren_2005, needed).
            shares_outstanding: by symbol (almgren_2005, needed).
            participation_rate: our share of the volume while we trade (istar, needed).
            group: all, large_cap or small_cap (istar).

        Raises:
            BadInput: (a ValueError) naming the argument and its value; the model in force stays.
        """
        options = {
            "permanent_exponent": permanent_exponent,
            "horizon_days": horizon_days,
            "shares_outstanding": None if shares_outstanding is None else dict(shares_outstanding),
            "participation_rate": participation_rate,
            "group": group,
        }
        chosen = select_model(self._impact_model, model, eta=eta, gamma=gamma, alpha=alpha, options=options)
        self._impact_model = chosen
