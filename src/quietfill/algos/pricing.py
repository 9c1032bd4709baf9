"""Where a child should stand: at or beside the near touch, at mid, pegged to it, or across.

Every answer carries the triggers inside which it stays the same, so that the engine need not poll. To
say each rule once, prices are seen as a buyer sees them: for a sell they are negated, so that a higher
price is always the more aggressive one and rounding in the client's favour is always down.

The guarantees of them all: on the tick ladder, never beyond the parent's limit, and never
moved by our own quotes (the view holds the others' market; where it cannot be told apart, the price
that was last asked for is kept).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from quietfill.domain.types import MILLISECOND, Duration, OrderSide, Price, Quantity, price_float
from quietfill.market.depth import cover_price
from quietfill.market.triggers import MidLeaves, SizeReaches, TouchLeaves, Trigger

if TYPE_CHECKING:
    from quietfill.algos.base import ParentView
    from quietfill.domain.instrument import Instrument
    from quietfill.market.view import MarketView

UNBOUNDED: Price = 2**60
"""Further than any price, in a trigger that is open on one side."""

FOLLOW_SHARE = 4
"""A touch is followed once it is more than one in this many of the spread away; in ticks: at once below four."""

OWN_SETTLES: Duration = 100 * MILLISECOND
"""After this long it is worth asking again whether a touch that may be ours alone can be told apart."""

_BPS = 10_000


class Priced(msgspec.Struct, frozen=True):
    """A price, whether it is meant to trade at once, and the triggers inside which it stays."""

    price: Price
    wake_when: tuple[Trigger, ...]
    crossing: bool = False
    why: str = ""
    alert: str | None = None


def rest(order: ParentView, market: MarketView, current: Price | None = None) -> Priced:
    """Return the price that rests at the near touch.

    A child that is already there keeps its place in the queue until the touch has moved away by more
    than a quarter of the spread, or until it would stand beyond mid because the others stepped back.

    Args:
        order: the parent order.
        market: the others' market, tradable.
        current: the price the child has now, if it is working.
    """
    sight = _Sight.of(order, market)
    price = sight.resting(current)
    return Priced(price * sight.sign, sight.resting_band(price).triggers(sight), why="rests at the near touch")


def inside(order: ParentView, market: MarketView, current: Price | None = None) -> Priced:
    """Return the mid price, a half tick resolved in our favour; with a one-tick spread that is the near touch."""
    sight = _Sight.of(order, market)
    spread = sight.far - sight.near
    goal = sight.allowed((sight.near + sight.far) // 2)
    price = goal
    if current is not None and sight.is_allowed(sight.sign * current):
        held = sight.sign * current
        if (sight.near_is_own and held < sight.far) or FOLLOW_SHARE * abs(goal - held) <= spread:
            price = held
    # With both touches inside +-x the mid moves at most x and the spread shrinks at most 2x.
    slack = spread - 2 * abs(sight.near + sight.far - 2 * price) - FOLLOW_SHARE * sight.tick
    x = max(0, slack // (FOLLOW_SHARE + 2))
    band = _Band(sight.near - x, sight.near + x, sight.far - x, sight.far + x)
    return Priced(price * sight.sign, band.triggers(sight), why="steps in to mid")


def beside(order: ParentView, market: MarketView, offset_ticks: int, current: Price | None = None) -> Priced:
    """Return the near touch moved by so many ticks, positive towards the far touch and never onto it; 0 is `rest`.

    A child keeps its place while it is within a quarter of the spread of where it should be.
    """
    if offset_ticks == 0:
        return rest(order, market, current)
    sight = _Sight.of(order, market)
    spread = sight.far - sight.near
    goal = price = sight.allowed(min(sight.near + offset_ticks * sight.tick, sight.short_of_far()))
    held = goal if current is None else sight.sign * current
    if sight.stays_passive(held) and (sight.near_is_own or FOLLOW_SHARE * abs(goal - held) <= spread):
        price = held
    # With both touches inside +-x the goal moves at most x and a tick, and the spread shrinks at most 2x.
    slack = spread - FOLLOW_SHARE * (abs(goal - price) + sight.tick)
    x = max(0, min(slack // (FOLLOW_SHARE + 2), sight.far - price - 1))
    band = _Band(sight.near - x, sight.near + x, sight.far - x, sight.far + x)
    return Priced(price * sight.sign, band.triggers(sight), why=f"rests {offset_ticks:+d} ticks from the near touch")


def pegged(
    order: ParentView,
    market: MarketView,
    *,
    offset_ticks: int = 0,
    tolerance_bps: float = 0.0,
    current: Price | None = None,
) -> Priced:
    """Return mid plus so many ticks (positive is more aggressive), rounded in our favour and short of the far touch.

    A child keeps its place while that, before rounding, is within *tolerance_bps* of the child's own price, and
    while rounding gives that price anyway.
    """
    sight = _Sight.of(order, market)
    offset = offset_ticks * sight.tick
    bound = sight.short_of_far() if sight.limit is None else min(sight.short_of_far(), sight.limit)
    aim_twice = min(sight.near + sight.far + 2 * offset, 2 * bound)
    price = sight.allowed(aim_twice // 2)
    held = price if current is None else sight.sign * current
    if sight.stays_passive(held) and abs(2 * held - aim_twice) <= 2 * _share(held, tolerance_bps):
        price = held
    wake = _pegged_band(sight, price, offset, _share(price, tolerance_bps))
    return Priced(price * sight.sign, wake, why="pegged to mid" + (f" {offset_ticks:+d} ticks" if offset else ""))


def _pegged_band(sight: _Sight, price: Price, offset: Price, tolerance: Price) -> tuple[Trigger, ...]:
    """Return where mid and the far touch may go while *price* is kept.

    It is while the aim, min(mid + offset, a tick short of far, limit), stays in [low, high], and far beyond *price*.
    """
    twice = sight.near + sight.far
    low, high = price - tolerance, max(price + tolerance, price + sight.instrument.tick_at(price) - 1)
    mid_high = far_high = UNBOUNDED
    if sight.limit is None or sight.limit > high:
        if twice + 2 * offset <= 2 * high:
            mid_high = high - offset
        else:  # the far touch holds the price back, whatever mid does
            far_high = sight.rounded(high) + sight.tick
    mid = sight.mid_leaves(min(low - offset, twice // 2), max(mid_high, -(-twice // 2)))
    return (mid, sight.touch_leaves(far=True, low=price + 1, high=far_high))


def _share(price: Price, bps: float) -> Price:
    return int(abs(price) * bps / _BPS)


def cross(order: ParentView, market: MarketView, quantity: Quantity, current: Price | None = None) -> Priced:
    """Return the price at which the visible book covers *quantity*, inside collar and limit.

    The collar is the current mid +- `max_slippage_bps`. When collar or limit lies short of the far touch,
    nothing crosses: the price rests at the near touch, and the answer says so.
    """
    sight = _Sight.of(order, market)
    collar = sight.collar(order.max_slippage_bps)
    bound = sight.allowed(collar)
    if sight.far > bound:
        return _cannot_cross(sight, collar, current, order.max_slippage_bps)
    held = None if current is None else sight.sign * current
    if held is None or not sight.far <= held <= bound:
        cover = cover_price(market.far_levels(order.side), quantity)
        assert cover is not None, "a tradable market has a far side"
        held = min(sight.reaching(sight.sign * cover), bound)
    x = max(0, (collar - held) * _BPS // (_BPS + order.max_slippage_bps) - 2)
    mid = (sight.near + sight.far) // 2
    wake = (sight.touch_leaves(far=True, low=-UNBOUNDED, high=held), sight.mid_leaves(mid - x, UNBOUNDED))
    return Priced(held * sight.sign, wake, crossing=True, why="crosses")


def arrival_bound(order: ParentView) -> Price | None:
    """Return the arrival mid +- `max_slippage_bps`, inside the limit and on tick; None while arrival is unknown."""
    if order.arrival_bid is None or order.arrival_ask is None:
        return None
    return collar_bound(order, order.arrival_bid, order.arrival_ask)


def collar_bound(order: ParentView, bid: Price, ask: Price) -> Price:
    """Return the mid of *bid* and *ask* +- `max_slippage_bps`, inside the limit and on tick."""
    near, far = (bid, ask) if order.side is OrderSide.BUY else (ask, bid)
    sight = _Sight.between(order, near, far)
    return sight.sign * sight.allowed(sight.collar(order.max_slippage_bps))


def limit_on_tick(order: ParentView) -> Price | None:
    """Return the parent's limit on the tick ladder, not worse for the client; None when there is no limit."""
    return None if order.limit_price is None else order.instrument.round_price(order.limit_price, order.side)


def appears(market: MarketView) -> tuple[Trigger, ...]:
    """Return the triggers that wake when a market that cannot be traded on may be one again."""
    wake: list[Trigger] = []
    for side, levels in ((OrderSide.BUY, market.bids), (OrderSide.SELL, market.asks)):
        if not levels:
            wake.append(SizeReaches(side, -UNBOUNDED if side is OrderSide.BUY else UNBOUNDED, 1))
        elif market.bids and market.asks:
            wake.append(TouchLeaves(side, levels[0][0], levels[0][0]))
    return tuple(wake)


class _Sight(msgspec.Struct, frozen=True):
    """The market as a buyer sees it: near < far, higher is more aggressive. All prices signed."""

    side: OrderSide
    sign: int
    near: Price
    far: Price
    limit: Price | None
    tick: Price
    near_is_own: bool
    instrument: Instrument

    @classmethod
    def of(cls, order: ParentView, market: MarketView) -> _Sight:
        near, far = market.near(order.side), market.far(order.side)
        assert near is not None, f"{order.symbol}: no near touch to price from"
        assert far is not None, f"{order.symbol}: no far touch to price from"
        return cls.between(order, near, far, near_is_own=market.near_is_own(order.side))

    @classmethod
    def between(cls, order: ParentView, near: Price, far: Price, *, near_is_own: bool = False) -> _Sight:
        sign = order.side.sign
        limit = limit_on_tick(order)
        return cls(
            side=order.side,
            sign=sign,
            near=sign * near,
            far=sign * far,
            limit=None if limit is None else sign * limit,
            tick=order.instrument.tick_at(near),
            near_is_own=near_is_own,
            instrument=order.instrument,
        )

    def rounded(self, price: Price) -> Price:
        return self.sign * self.instrument.round_price(self.sign * price, self.side)

    def reaching(self, price: Price) -> Price:
        """Return the first price on the ladder that trades with a level at *price*, which may be off it."""
        on_tick = self.rounded(price)
        return on_tick if on_tick == price else on_tick + self.instrument.tick_at(on_tick)

    def is_allowed(self, price: Price) -> bool:
        return self.limit is None or price <= self.limit

    def stays_passive(self, price: Price) -> bool:
        """Say whether a child may stay at *price* without trading through limit or far touch."""
        return self.is_allowed(price) and price < self.far

    def short_of_far(self) -> Price:
        """Return the most aggressive price on the ladder that does not trade at once."""
        return self.rounded(self.far - 1)

    def allowed(self, price: Price) -> Price:
        on_tick = self.rounded(price)
        return on_tick if self.limit is None else min(on_tick, self.limit)

    def collar(self, bps: int) -> Price:
        twice = self.near + self.far
        if bps and self.near <= 0 <= self.far:
            return self.far  # around a price of zero a share of it means nothing: as far as the touch, and no further
        return (twice * _BPS + abs(twice) * bps) // (2 * _BPS)

    def resting(self, current: Price | None) -> Price:
        goal = self.allowed(self.near)
        if current is None:
            return goal
        held = self.sign * current
        if not self.is_allowed(held):
            return goal
        if self.near_is_own and held < self.far:
            return held
        beyond_mid = 2 * held > self.near + self.far
        left_behind = goal > held and FOLLOW_SHARE * (self.near - held) > self.far - self.near
        return goal if beyond_mid or left_behind else held

    def resting_band(self, price: Price) -> _Band:
        """Return where the touches may go while *price* keeps resting.

        With near <= near + x and far >= far - x the child is not left behind while
        F (near + x - price) <= spread - 2x; it is not beyond mid while near - y + far - x >= 2 price.
        """
        to_mid = self.near + self.far - 2 * price
        x = to_mid // 2
        at_limit = self.limit is not None and price >= self.limit
        if not at_limit:
            slack = (self.far - self.near) - FOLLOW_SHARE * (self.near - price)
            x = min(x, slack // (FOLLOW_SHARE + 2))
        x = max(0, x)
        y = max(0, to_mid - x)
        return _Band(self.near - y, UNBOUNDED if at_limit else self.near + x, self.far - x, UNBOUNDED)

    def touch_leaves(self, *, far: bool, low: Price, high: Price) -> TouchLeaves:
        side = self.side.opposite if far else self.side
        return TouchLeaves(side, low, high) if self.sign > 0 else TouchLeaves(side, -high, -low)

    def mid_leaves(self, low: Price, high: Price) -> MidLeaves:
        return MidLeaves(low, high) if self.sign > 0 else MidLeaves(-high, -low)


class _Band(msgspec.Struct, frozen=True):
    """Where both touches may go without a change of plan."""

    near_low: Price
    near_high: Price
    far_low: Price
    far_high: Price

    def triggers(self, sight: _Sight) -> tuple[Trigger, ...]:
        return (
            sight.touch_leaves(far=False, low=self.near_low, high=self.near_high),
            sight.touch_leaves(far=True, low=self.far_low, high=self.far_high),
        )


def _cannot_cross(sight: _Sight, collar: Price, current: Price | None, bps: int) -> Priced:
    """Rest instead, and wake too when the far touch may have come within reach."""
    price = sight.resting(current)
    band = sight.resting_band(price)
    beyond_limit = -1 if sight.limit is None else sight.far - sight.limit - 1
    beyond_collar = sight.far - collar - 2
    near_high = band.near_high
    if beyond_collar > beyond_limit:
        near_high = min(near_high, sight.near + max(0, beyond_collar))
        what = "collar binds"
        alert = f"collar binds: the far touch is more than {bps} bps from mid; resting instead of crossing"
    else:
        what = "limit binds"
        limit = price_float(sight.sign * (sight.limit or 0))
        alert = f"limit binds: the far touch is beyond the limit {limit:.10g}; resting instead of crossing"
    far_low = max(band.far_low, sight.far - max(0, beyond_collar, beyond_limit))
    kept = _Band(band.near_low, near_high, far_low, band.far_high)
    return Priced(price * sight.sign, kept.triggers(sight), why=f"{what}: rests at the near touch", alert=alert)
