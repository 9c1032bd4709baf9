"""The one place where "what should be working" meets "what is working".

Theory of operation. An algo answers with slices; the broker has children. `difference` matches them by
key and returns the requests that turn the one into the other:

* a child whose slice is gone is cancelled, at once and whatever else is in flight for it;
* a child with a request in flight is otherwise left alone: its answer brings us back here;
* a price or size that differs is a replace of the same child, never a cancel and a new order, so that
  passive, mid and crossing need no window in which both could trade;
* a slice without a child gets the smaller of what it wants and the room that is left.

`room` is the order less everything that may still trade: filled, working, the larger side of an
unconfirmed replace, in doubt, and cancelled but not settled. It is counted down while requests are
made, so that no sequence of answers can exceed the parent. The kill switch, a pause and a time-out are
the same comparison with an empty plan.

Quantities: a slice asks for leaves. On the wire a replace carries a new total = fills booked now +
leaves wanted. A total not above the booked fills is a cancel.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

import msgspec

from quietfill.algos.base import Slice
from quietfill.engine.child import ChildState

if TYPE_CHECKING:
    from collections.abc import Iterable

    from quietfill.domain.types import Quantity


class Cancel(msgspec.Struct, frozen=True):
    """This child is not wanted any more."""

    child: ChildState


class Replace(msgspec.Struct, frozen=True):
    """This child should have the terms of its slice."""

    child: ChildState
    wanted: Slice
    total: Quantity


class Place(msgspec.Struct, frozen=True):
    """This slice has no child."""

    wanted: Slice
    quantity: Quantity


Request: TypeAlias = Cancel | Replace | Place


def difference(
    slices: tuple[Slice, ...], children: Iterable[ChildState], room: Quantity, *, can_replace: bool = True
) -> list[Request]:
    """Return the requests that make *children* what *slices* say, cancels first.

    Args:
        slices: what should be working.
        children: the parent's live children.
        room: what may be asked for on top of everything that may still trade.
        can_replace: whether the broker can change a working order. Else it is cancelled; once that has settled, its
            slice has no child and gets a new one.
    """
    wanted = {piece.key: piece for piece in slices}
    cancels: list[Request] = []
    replaces: list[Request] = []
    served: set[str] = set()
    for child in children:
        piece = wanted.get(child.key)
        if piece is None or child.key in served:
            if not child.cancel_pending and not child.is_asked_about:
                cancels.append(Cancel(child))
            continue
        served.add(child.key)
        request = _adjustment(child, piece, room)
        if isinstance(request, Replace) and not can_replace:
            request = Cancel(child)
        if isinstance(request, Cancel):
            cancels.append(request)
        elif request is not None:
            room -= max(0, request.total - child.wanted_total)
            replaces.append(request)
    places: list[Request] = []
    for piece in slices:
        quantity = min(piece.quantity, room)
        if piece.key not in served and quantity > 0:
            places.append(Place(piece, quantity))
            room -= quantity
    return [*cancels, *replaces, *places]


def _adjustment(child: ChildState, piece: Slice, room: Quantity) -> Cancel | Replace | None:
    if child.in_flight:
        return None
    leaves = min(piece.quantity, child.leaves + max(0, room))
    if leaves <= 0:
        return Cancel(child)
    if leaves == child.leaves and piece.limit_price == child.limit_price:
        return None
    return Replace(child, piece, child.filled + leaves)
