"""Follow the market's volume: be a stated share of it, whatever it turns out to be."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from msgspec import Meta

from quietfill.algos.base import AlgoParams, ChildView, Plan, Rest, Slice
from quietfill.algos.participation import clip, ours_for, volume_for, when_volume
from quietfill.algos.pricing import cross, rest
from quietfill.algos.windows import as_working, child_of, leaves_of_others, outside, window, without_market
from quietfill.domain.types import Quantity, Timestamp
from quietfill.market.participation import adjusted_rate

if TYPE_CHECKING:
    from quietfill.algos.base import ParentView
    from quietfill.market.triggers import Trigger
    from quietfill.market.view import MarketView

_KEY = "clip"

Share = Annotated[float, Meta(gt=0, lt=1)]


class PovParams(AlgoParams, frozen=True, kw_only=True):
    """Parameters of POV and those that every algo has; the rest is abandoned unless stated otherwise.

    Attributes:
        rate: share of all volume to be, our own included.
        floor: share below which it crosses; half the rate unless stated, 0 never.
        cap: share that filled and working never exceed; 1.5 times the rate unless stated.
        adjustment: how much of the distance from the rate it makes up for by resting more: being at a share c, it may
            rest up to the share rate + adjustment (rate - c), at most the cap. 0 never rests more.
        rest: what to do with what is left at the end. A follower of volume cannot promise to complete;
            complete crosses for all of it before the end, whatever the cap.
        urgency: 0.5 lets us fall one clip behind the floor before it crosses, 1 none, 0 two.
    """

    rate: Share = 0.1
    floor: Annotated[float, Meta(ge=0, lt=1)] | None = None
    cap: Annotated[float, Meta(gt=0, le=1)] | None = None
    adjustment: Annotated[float, Meta(ge=0, le=1)] = 0.5
    rest: Rest = Rest.ABANDON

    def __post_init__(self) -> None:
        """Refuse bounds that do not hold the rate between them."""
        if self.lowest > self.rate:
            raise ValueError(f"floor {self.floor} must not be above rate {self.rate}")
        if self.highest < self.rate:
            raise ValueError(f"cap {self.cap} must not be below rate {self.rate}")

    @property
    def lowest(self) -> float:
        """The floor in force."""
        return self.rate / 2 if self.floor is None else self.floor

    @property
    def highest(self) -> float:
        """The cap in force."""
        return max(self.rate, min(0.999, self.rate * 1.5)) if self.cap is None else self.cap


class Pov:
    """Trade a stated share of the volume that the market trades, resting at the near touch for as long as it may.

    What is due and one clip more rest there while the cap allows them, so that the order always has a
    place in the queue; when filled falls a clip behind the floor, what is due at the rate crosses.
    """

    Params = PovParams

    def plan(self, order: ParentView, market: MarketView, now: Timestamp) -> Plan:
        """Return the clip that should be working."""
        if (idle := outside(order, now)) is not None:
            return idle
        params = order.params
        assert isinstance(params, PovParams)
        start, end = window(order)
        completes_at = max(start, end - order.crossing_margin)
        if params.rest is Rest.COMPLETE and now >= completes_at:
            return _complete(order, market, end)
        wake_at = completes_at if params.rest is Rest.COMPLETE else end
        return _follow(order, market, params, wake_at)


def _complete(order: ParentView, market: MarketView, end: Timestamp) -> Plan:
    """Cross for everything that is left."""
    child = child_of(order, _KEY)
    quantity = order.leaves - leaves_of_others(order, _KEY)
    if not market.is_tradable:
        return without_market(market, child, quantity, end)
    priced = cross(order, market, quantity, None if child is None else child.limit_price)
    why = f"completes at the end of the window: {priced.why}"
    piece = Slice(_KEY, quantity, priced.price, crossing=priced.crossing, why=why)
    return Plan((piece,), end, priced.wake_when, why=why, alert=priced.alert)


def _follow(order: ParentView, market: MarketView, params: PovParams, wake_at: Timestamp) -> Plan:
    if market.volume is None:
        alert = "pov: the feed tells no volume to follow"
        return Plan(as_working(order), wake_at, why="no volume to follow", alert=alert)
    child = child_of(order, _KEY)
    if _is_behind(order, params):
        return _catch_up(order, market, params, child, wake_at)
    room = _room(order, params)
    quantity = _in_lots(order, room, child)
    if quantity <= 0 or (child is None and room < min(clip(order, params.rate), order.leaves)):
        return Plan(wake_at=wake_at, wake_when=_when_due(order, market, params), why=f"at {params.rate:.3g} of volume")
    volume = _when_behind(order, market, params)
    if not market.is_tradable:
        dark = without_market(market, child, quantity, wake_at)
        return Plan(dark.slices, wake_at, (*dark.wake_when, *volume), why=dark.why)
    priced = rest(order, market, None if child is None else child.limit_price)
    if child is not None and child.limit_price == priced.price:
        # It is sized when it is priced: else it would grow with every print and shrink with every fill.
        quantity = _in_lots(order, min(child.leaves, _allowed(order, params)), child)
    why = f"follows {params.rate:.3g} of volume: {priced.why}"
    piece = Slice(_KEY, quantity, priced.price, why=why)
    return Plan((piece,), wake_at, (*priced.wake_when, *volume), why=why)


def _catch_up(
    order: ParentView, market: MarketView, params: PovParams, child: ChildView | None, wake_at: Timestamp
) -> Plan:
    """Cross for what is due at the rate."""
    due = min(order.leaves, _target(order, params.rate) - order.filled) - leaves_of_others(order, _KEY)
    quantity = _in_lots(order, due, child)
    current = None if child is None else child.limit_price
    if not market.is_tradable:
        return without_market(market, child, quantity, wake_at)
    if quantity <= 0:
        return Plan(wake_at=wake_at, wake_when=_when_due(order, market, params), why="waits for a whole lot")
    priced = cross(order, market, quantity, current)
    if child is not None and child.limit_price == priced.price:
        quantity = min(child.leaves, quantity)  # sized when it was priced; each print since must not resize it
    why = f"below {params.lowest:.3g} of volume: {priced.why}"
    piece = Slice(_KEY, quantity, priced.price, crossing=priced.crossing, why=why)
    return Plan((piece,), wake_at, priced.wake_when, why=why, alert=priced.alert)


def _target(order: ParentView, share: float) -> Quantity:
    """Return what should be filled since the start at this share of the volume since the schedule's start."""
    return min(order.quantity, order.schedule_filled + ours_for(order.market_volume - order.schedule_volume, share))


def _rate_in_force(order: ParentView, params: PovParams) -> float:
    """Return the rate moved against the distance from it since the schedule's start, between floor and cap."""
    ours = order.filled - order.schedule_filled
    volume = ours + order.market_volume - order.schedule_volume
    current = ours / volume if volume > 0 else None
    return adjusted_rate(params.rate, current, floor=params.lowest, cap=params.highest, factor=params.adjustment)


def _is_behind(order: ParentView, params: PovParams) -> bool:
    return _target(order, params.lowest) - order.filled >= max(1, _patience(order, params))


def _patience(order: ParentView, params: PovParams) -> Quantity:
    return int(min(clip(order, params.rate), order.leaves) * 2 * (1 - params.urgency))


def _room(order: ParentView, params: PovParams) -> Quantity:
    """Return what may rest: up to a clip ahead of the rate, more when behind it, and never beyond the cap.

    Ahead of the rate no more than at it: nothing new starts until the volume has caught up.
    """
    rate = max(params.rate, _rate_in_force(order, params))
    ahead = _target(order, rate) + clip(order, params.rate) - order.filled
    return min(_allowed(order, params), min(order.leaves, ahead) - leaves_of_others(order, _KEY))


def _allowed(order: ParentView, params: PovParams) -> Quantity:
    """Return the most that may rest under the cap."""
    ahead = _target(order, params.highest) - order.filled
    return min(order.leaves, ahead) - leaves_of_others(order, _KEY)


def _in_lots(order: ParentView, quantity: Quantity, child: ChildView | None) -> Quantity:
    """Return *quantity* in whole lots more or less than the child has; all of it where that is the whole rest."""
    if quantity >= order.leaves:
        return order.leaves
    base = 0 if child is None else child.leaves
    return max(0, base + order.instrument.whole_lots(quantity - base))


def _when_due(order: ParentView, market: MarketView, params: PovParams) -> tuple[Trigger, ...]:
    """Wake when the next clip may start: at most a clip ahead of the rate, and all of it under the cap."""
    size = min(clip(order, params.rate), order.leaves)
    wanted = order.filled - order.schedule_filled + leaves_of_others(order, _KEY) + size
    needed = max(volume_for(max(0, wanted - clip(order, params.rate)), params.rate), volume_for(wanted, params.highest))
    return when_volume(order, market, order.schedule_volume + needed)


def _when_behind(order: ParentView, market: MarketView, params: PovParams) -> tuple[Trigger, ...]:
    """Wake when the volume has run a clip ahead of the floor; never for a floor of 0."""
    if params.lowest <= 0:
        return ()
    behind = order.filled - order.schedule_filled + max(1, _patience(order, params))
    return when_volume(order, market, order.schedule_volume + volume_for(behind, params.lowest))
