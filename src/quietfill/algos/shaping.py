"""What holds for the plan of every algo, ours or a user's: bounds on price and size.

Applied by the engine to each plan. After it, no slice is beyond the order's limit or off the tick
ladder, all of them together are no more than the order's leaves, children grow and shrink in whole lots
(the last may take an odd rest where the venue trades odd lots), each lies between its smallest and
largest size, and filled plus working keep the participation cap.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from quietfill.algos.participation import capped
from quietfill.algos.pricing import limit_on_tick
from quietfill.algos.windows import child_of, leaves_of_others

if TYPE_CHECKING:
    from quietfill.algos.base import ParentView, Plan, Slice
    from quietfill.domain.types import Price, Quantity
    from quietfill.market.view import MarketView


def shape(plan: Plan, order: ParentView, market: MarketView) -> Plan:
    """Return *plan* within the order's limit, sizes and participation cap.

    `participation_cap` is hard: it holds for the last crossing too.
    """
    if not plan.slices:
        return plan
    bounded = tuple(_in_lots(_at_most(_bounded(piece, order), order), order) for piece in plan.slices)
    slices = _within_leaves(bounded, order.leaves)
    shaped = plan if slices == plan.slices else msgspec.structs.replace(plan, slices=slices)
    if order.params.participation_cap is not None:
        shaped = capped(shaped, order, market, order.params.participation_cap)
    smallest = order.params.min_child_quantity
    if smallest and shaped.slices:
        kept = tuple(piece for piece in shaped.slices if _is_worth_sending(piece, order, smallest))
        if kept != shaped.slices:
            shaped = msgspec.structs.replace(shaped, slices=kept, why=f"{shaped.why}; too small a child waits")
    return shaped


def _bounded(piece: Slice, order: ParentView) -> Slice:
    price = _bounded_price(piece.limit_price, order)
    return piece if price == piece.limit_price else msgspec.structs.replace(piece, limit_price=price)


def _bounded_price(price: Price | None, order: ParentView) -> Price | None:
    limit = limit_on_tick(order)
    if price is None:
        return limit
    on_tick = order.instrument.round_price(price, order.side)
    if limit is None:
        return on_tick
    return min(on_tick, limit) if order.side.sign > 0 else max(on_tick, limit)


def _at_most(piece: Slice, order: ParentView) -> Slice:
    """Cut a slice to the largest child; the next one starts when this is done, so a fill replaces nothing."""
    largest = order.params.max_child_quantity
    if largest is None:
        return piece
    largest = max(order.instrument.lot, order.instrument.whole_lots(largest))
    if piece.quantity <= largest:
        return piece
    child = child_of(order, piece.key)
    same_price = child is not None and child.limit_price == piece.limit_price
    quantity = min(child.leaves, largest) if child is not None and same_price else largest
    return msgspec.structs.replace(piece, quantity=quantity)


def _in_lots(piece: Slice, order: ParentView) -> Slice:
    if order.instrument.odd_lots and piece.quantity >= order.leaves - leaves_of_others(order, piece.key):
        return piece
    child = child_of(order, piece.key)
    base = 0 if child is None else child.leaves
    quantity = max(0, base + order.instrument.whole_lots(piece.quantity - base))
    return piece if quantity == piece.quantity else msgspec.structs.replace(piece, quantity=quantity)


def _within_leaves(slices: tuple[Slice, ...], leaves: Quantity) -> tuple[Slice, ...]:
    kept: list[Slice] = []
    for piece in slices:
        quantity = min(piece.quantity, leaves)
        if quantity > 0:
            kept.append(piece if quantity == piece.quantity else msgspec.structs.replace(piece, quantity=quantity))
            leaves -= quantity
    return tuple(kept)


def _is_worth_sending(piece: Slice, order: ParentView, smallest: Quantity) -> bool:
    if piece.quantity >= smallest or child_of(order, piece.key) is not None:
        return True
    return piece.quantity >= order.leaves - leaves_of_others(order, piece.key)
