"""What one order is expected to cost, from what the caller says, what was observed and what the instrument states."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from quietfill.domain import fields
from quietfill.domain.errors import BadInput
from quietfill.domain.order import MarketImpactEstimate
from quietfill.domain.types import price_float, quantity_float
from quietfill.market.arguments import finite, not_negative, positive
from quietfill.market.impact.power_law import BPS

if TYPE_CHECKING:
    from quietfill.domain.instrument import Instrument
    from quietfill.market.facts import MarketFacts
    from quietfill.market.impact.model import ImpactModel
    from quietfill.market.view import MarketView


class ImpactInputs(NamedTuple):
    """What a caller may state; None is to be found out.

    Attributes:
        price: in currency.
        adv: average daily volume in shares or contracts.
        volatility: of a day, a fraction of the price.
    """

    price: Any = None
    adv: Any = None
    volatility: Any = None


class _Figure(NamedTuple):
    value: float
    source: str


def estimate_impact(
    model: ImpactModel,
    symbol: str,
    side: Any,
    quantity: Any,
    *,
    given: ImpactInputs,
    facts: MarketFacts,
    view: MarketView,
    instrument: Instrument | None,
) -> MarketImpactEstimate:
    """Return the estimate; `model_used` names the model, its calibration and where each input is from.

    An instrument that nobody registered counts with a multiplier of 1, and `model_used` says so.

    Raises:
        BadInput: naming what is wrong, or what is neither given, observed nor stated by the instrument.
    """
    taking, size = fields.side(side, "side"), fields.size_positive(quantity, "quantity")
    price = _price(symbol, given.price, view)
    adv = _adv(symbol, given.adv, facts)
    volatility = _volatility(symbol, given.volatility, facts)
    impact = model.order_impact(symbol, float(size), adv.value, volatility.value)
    multiplier = 1 if instrument is None else instrument.multiplier
    sources = [f"price {price.source}", f"adv {adv.source}", f"volatility {volatility.source}"]
    if instrument is None:
        sources.append("multiplier 1 (instrument not registered)")
    return MarketImpactEstimate(
        symbol=symbol,
        side=taking,
        quantity=size,
        temporary_impact_bps=impact.temporary_bps,
        permanent_impact_bps=impact.permanent_bps,
        total_impact_bps=impact.total_bps,
        estimated_cost=impact.total_bps / BPS * abs(price.value) * float(size) * multiplier,
        model_used=f"{model.calibration}; {', '.join(sources)}",
    )


def _price(symbol: str, given: Any, view: MarketView) -> _Figure:
    if given is not None:
        price = _Figure(finite(given, "price"), "given")
    elif view.mid_twice is not None:
        price = _Figure(price_float(view.mid_twice) / 2, "observed mid")
    elif view.last is not None:
        price = _Figure(price_float(view.last), "observed last")
    else:
        raise BadInput(f"price of {symbol} is neither given nor observed")
    if not price.value:
        raise BadInput(f"price of {symbol} must not be 0: impact is a fraction of it")
    return price


def _adv(symbol: str, given: Any, facts: MarketFacts) -> _Figure:
    if given is not None:
        return _Figure(positive(given, "adv"), "given")
    if facts.adv is None:
        raise BadInput(f"adv of {symbol} is neither given nor observed nor stated by the instrument")
    return _Figure(quantity_float(facts.adv), str(facts.adv_source))


def _volatility(symbol: str, given: Any, facts: MarketFacts) -> _Figure:
    if given is not None:
        return _Figure(not_negative(given, "volatility"), "given")
    if facts.volatility is None:
        raise BadInput(f"volatility of {symbol} is neither given nor observed nor stated by the instrument")
    return _Figure(facts.volatility, str(facts.volatility_source))
