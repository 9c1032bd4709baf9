"""Where an order stands, or would stand, among the others' resting orders, and when its turn comes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from quietfill.domain.types import Price, Quantity, quantity_float
from quietfill.market.queue import barrier_probability, queue_time

if TYPE_CHECKING:
    from quietfill.domain.types import OrderSide
    from quietfill.market.view import Levels, MarketView


class QueuePlace(msgspec.Struct, frozen=True):
    """The back of the queue at a price: everything that others show there now trades first.

    Attributes:
        price: in 1e-9 of the currency.
        at_level: the others' quantity at this very price.
        ahead: all that trades before us: that, and what is shown at better prices.
        touch_depth: the others' quantity at the best price of our side.
        distance: how far behind the best price of our side; 0 at it or better.
        taken: what could trade at once at this price, from the other side.
    """

    price: Price
    at_level: Quantity
    ahead: Quantity
    touch_depth: Quantity
    distance: Price
    taken: Quantity

    @property
    def is_at_touch(self) -> bool:
        """Whether nobody stands at a better price."""
        return self.distance == 0


class QueueOdds(msgspec.Struct, frozen=True):
    """When an order has traded in full, waiting for its turn.

    Attributes:
        minutes: expected; None where that is not known or nothing trades.
        probability: of being done by the horizon asked for; None where the pace of trading is not known.
    """

    minutes: float | None
    probability: float | None


def queue_place(market: MarketView, side: OrderSide, price: Price | None = None) -> QueuePlace | None:
    """Return the place at the back of the queue at *price*; None where no price is given and there is no touch.

    Args:
        market: the others' market.
        side: of the order.
        price: of the order; None for the near touch.
    """
    levels = market.near_levels(side)
    touch = market.near(side) if price is None else price
    if touch is None:
        return None
    sign = side.sign
    return QueuePlace(
        price=touch,
        at_level=sum(size for level, size in levels if level == touch),
        ahead=size_ahead(levels, side, touch),
        touch_depth=levels[0][1] if levels else 0,
        distance=max(0, sign * (levels[0][0] - touch)) if levels else 0,
        taken=sum(size for level, size in market.far_levels(side) if sign * level <= sign * touch),
    )


def size_ahead(levels: Levels, side: OrderSide, price: Price) -> Quantity:
    """Return what stands on *levels* of our own side at *price* or better."""
    sign, ahead = side.sign, 0
    for level, size in levels:
        if sign * level < sign * price:
            break
        ahead += size
    return ahead


def fill_odds(
    place: QueuePlace,
    quantity: Quantity,
    minutes: float,
    *,
    rate: float | None,
    trade_size: float | None,
    volatility: float | None = None,
) -> QueueOdds:
    """Return when *quantity* at the back of the queue will have traded.

    The queue loses trades of the usual size at the usual pace: an Erlang time (`FillTime`). Behind the touch, the price
    must come to us as well: the chance is at most that of reaching it (`barrier_probability`), and without a known
    volatility neither figure is. What can trade at once at our price waits for nobody.

    Args:
        place: where it stands.
        quantity: in 1e-8.
        minutes: the horizon of the probability.
        rate: quantity a minute that reaches our side, in shares, contracts or coins; None when nothing was observed.
        trade_size: of one trade, in the same; None takes the whole queue for one, the least certain law.
        volatility: of the mid, in 1e-9 of the currency a square root of a minute.
    """
    if place.taken >= quantity:
        return QueueOdds(0.0, 1.0)
    if rate is None or place.taken or (place.distance and volatility is None):
        return QueueOdds(None, None)
    law = queue_time(quantity_float(place.ahead + quantity), rate, trade_size)
    probability = law.by(minutes)
    if not place.distance:
        return QueueOdds(law.mean, probability)
    assert volatility is not None, "left out above"
    reached = barrier_probability(place.distance, volatility, minutes)
    # The expected time until a driftless price has come this far is infinite: no figure tells it.
    return QueueOdds(None, min(probability, reached))


def price_volatility(bps: float | None, mid_twice: Price | None) -> float | None:
    """Return a volatility in bps as one in 1e-9 of the currency; None where either is not known."""
    return None if bps is None or mid_twice is None else bps * abs(mid_twice) / 20_000
