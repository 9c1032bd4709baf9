"""How much of the market's volume we may be.

Our share is own / (own + others), both since the start. The engine counts the others' volume with our
own prints left out, so a share of c allows c / (1 - c) of it. Shares count in millionths, to stay exact.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from quietfill.algos.base import ParentView, Plan, Slice
from quietfill.algos.windows import child_of
from quietfill.domain.types import Quantity
from quietfill.market.triggers import VolumeReaches

if TYPE_CHECKING:
    from quietfill.market.view import MarketView

CLIP_SHARE = 50
"""A clip is about one in this many of the order."""

ALLOWED_SHARE = 8
"""And at most one in this many of what the share allows by now."""

_WHOLE = 10**6


def ours_for(volume: Quantity, share: float) -> Quantity:
    """Return what we may have traded when the others traded *volume*, so that we are at most *share* of all."""
    parts = round(share * _WHOLE)
    return 2**62 if parts >= _WHOLE else volume * parts // (_WHOLE - parts)


def volume_for(ours: Quantity, share: float) -> Quantity:
    """Return the least volume of the others with which *ours* is at most *share* of all."""
    parts = round(share * _WHOLE)
    return 0 if parts <= 0 else -(-ours * (_WHOLE - parts) // parts)


def clip(order: ParentView, share: float) -> Quantity:
    """Return the size that a volume follower trades in: about 1/50 of the order, in lots, not below the least child.

    An order that is large for its market trades in clips that the market gives: an eighth of what *share* of the
    volume so far allows. Else it would wait for a clip that never comes.
    """
    allowed = ours_for(order.market_volume - order.schedule_volume, share) // ALLOWED_SHARE
    lots = order.instrument.whole_lots(min(order.quantity // CLIP_SHARE, allowed))
    least: Quantity = order.params.min_child_quantity
    return max(order.instrument.lot, lots, least)


def when_volume(order: ParentView, market: MarketView, since_start: Quantity) -> tuple[VolumeReaches, ...]:
    """Return the trigger for the others having traded *since_start*; none where the feed tells no volume."""
    if market.volume is None:
        return ()
    return (VolumeReaches(market.volume + max(1, since_start - order.market_volume)),)


def capped(plan: Plan, order: ParentView, market: MarketView, share: float, *, at_least: Quantity = 0) -> Plan:
    """Cut a plan's slices so that filled and working stay at most *share* of all volume since the start.

    One lot, or *at_least* if that is more, may start before there is any volume. While the cap binds, a new
    child waits until a clip is allowed, and a working one grows only in the message that re-prices it: not
    with every print.
    """
    lot = order.instrument.lot
    keys = {piece.key for piece in plan.slices}
    used = order.filled + sum(child.leaves for child in order.working if child.key not in keys)
    allowed = order.instrument.whole_lots(max(lot, at_least, ours_for(order.market_volume, share)))
    slices: list[Slice] = []
    waits_for: Quantity | None = None
    for piece in plan.slices:
        room = max(0, allowed - used)
        if piece.quantity <= room:
            slices.append(piece)
            used += piece.quantity
            continue
        quantity = _cut(piece, order, room)
        step = min(piece.quantity, clip(order, share))
        if child_of(order, piece.key) is None and quantity < step and order.filled > 0:
            quantity = 0
        if quantity > 0:
            slices.append(msgspec.structs.replace(piece, quantity=quantity, why=f"{piece.why}, held to {share:.3g}"))
            used += quantity
        elif waits_for is None:
            waits_for = used + step
    if tuple(slices) == plan.slices:
        return plan
    alert = plan.alert
    if market.volume is None:
        alert = alert or "participation cap: the feed tells no volume, so only one lot can start"
    wake = () if waits_for is None else when_volume(order, market, volume_for(waits_for, share))
    why = plan.why if slices else f"{plan.why}; waits for volume: at most {share:.3g} of it"
    return msgspec.structs.replace(plan, slices=tuple(slices), wake_when=(*plan.wake_when, *wake), why=why, alert=alert)


def _cut(piece: Slice, order: ParentView, room: Quantity) -> Quantity:
    child = child_of(order, piece.key)
    if child is None:
        return order.instrument.whole_lots(room)
    quantity = max(0, child.leaves + order.instrument.whole_lots(room - child.leaves))
    return min(quantity, child.leaves) if piece.limit_price == child.limit_price else quantity
