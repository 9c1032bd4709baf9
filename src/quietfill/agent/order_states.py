"""Which order moved from which state to which: told from durable records alone, in the order of their commit.

The engine may be ahead of what is durable, so its states of the moment say nothing about a record. Here the same
children are folded again, record by record, as each becomes durable: `engine.child.ChildState` changes nowhere but
in such a fold. Parents are those of the ledger.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from quietfill.domain.messages import Resolution
from quietfill.domain.order_state import OrderState, is_valid_state_transition
from quietfill.domain.records import (
    AnyRecord,
    CancelRefused,
    CancelRequested,
    ChildAcknowledged,
    ChildAdopted,
    ChildAssumedCancelled,
    ChildDone,
    ChildFilled,
    ChildInDoubt,
    ChildRequested,
    FillRevised,
    ReplaceConfirmed,
    ReplaceRefused,
    ReplaceRequested,
    RequestWithdrawn,
    Resolved,
)
from quietfill.domain.types import Quantity, price_decimal, quantity_exact
from quietfill.engine.child import ChildState

if TYPE_CHECKING:
    from collections.abc import Callable

    from quietfill.tca.ledger import Ledger, OrderLedger


class Move(msgspec.Struct, frozen=True, kw_only=True):
    """One order, parent or child, went from one state to another, or was filled further in the same.

    Attributes:
        order_id: whose state it is; a child's own id for a child.
        parent_order_id: a child's parent; None for a parent.
        remaining: quantity that was asked for and not filled, also where it never will be.
        value: sum of quantity x price over its fills.
    """

    order_id: str
    parent_order_id: str | None
    broker_order_id: int | None
    symbol: str
    previous: OrderState
    new: OrderState
    reason: str
    filled: Quantity
    remaining: Quantity
    value: int


class OrderStates:
    """Folds records into a ledger and into children, and says what each record moved."""

    def __init__(self, ledger: Ledger) -> None:
        """Feed *ledger*: nobody else may."""
        self._ledger = ledger
        self._children: dict[str, ChildState] = {}

    def child(self, child_id: str) -> ChildState | None:
        """Return a child as it stands after the last record, None for an unknown or forgotten one."""
        return self._children.get(child_id)

    def apply(self, record: AnyRecord) -> tuple[Move, ...]:
        """Book one record; return what moved by it, the child before its parent.

        Raises:
            KeyError: when it speaks of an order or child that no earlier record introduced.
        """
        child = None if isinstance(record, ChildRequested) else self._children.get(_child_of(record))
        order = self._ledger.orders.get(_order_of(record) if child is None else child.order_id)
        before = None if child is None else child.state
        order_before = None if order is None else order.state
        self._ledger.apply(record)
        if isinstance(record, ChildRequested):
            number = 0 if order is None else len(order.children) - 1
            child, before = ChildState(record, number), OrderState.CREATED
            self._children[record.child_id] = child
        elif child is not None and (book := _BOOK.get(type(record))) is not None:
            book(child, record)
        moves: list[Move] = []
        if child is not None and before is not None and _has_moved(before, child.state, record):
            moves.append(_child_move(child, before, record))
        if order is not None and order_before is not None and _has_moved(order_before, order.state, record):
            moves.append(_order_move(order, order_before, record))
        return tuple(moves)

    def forget(self, order_id: str) -> None:
        """Drop an order that ended, and its children; no record of it may come after."""
        for child in self._ledger.orders[order_id].children:
            del self._children[child.child_id]
        self._ledger.forget(order_id)


def _child_of(record: AnyRecord) -> str:
    return record.subject if isinstance(record, Resolved) else str(getattr(record, "child_id", ""))


def _order_of(record: AnyRecord) -> str:
    return record.subject if isinstance(record, Resolved) else str(getattr(record, "order_id", ""))


def _has_moved(before: OrderState, after: OrderState, record: AnyRecord) -> bool:
    if before is not after:
        return True
    return isinstance(record, ChildFilled) and is_valid_state_transition(before, after)


def _child_move(child: ChildState, before: OrderState, record: AnyRecord) -> Move:
    return Move(
        order_id=child.child_id,
        parent_order_id=child.order_id,
        broker_order_id=child.broker_order_id,
        symbol=child.symbol,
        previous=before,
        new=child.state,
        reason=_reason(record),
        filled=child.filled,
        remaining=max(0, child.wanted_total - child.filled),
        value=child.filled_value,
    )


def _order_move(order: OrderLedger, before: OrderState, record: AnyRecord) -> Move:
    return Move(
        order_id=order.order_id,
        parent_order_id=None,
        broker_order_id=None,
        symbol=order.symbol,
        previous=before,
        new=order.state,
        reason=_reason(record),
        filled=order.filled,
        remaining=order.unfilled,
        value=order.value,
    )


def _reason(record: AnyRecord) -> str:
    """Return the record's own words: an algo's, the broker's, a person's."""
    if isinstance(record, ChildFilled):
        return f"filled {quantity_exact(record.fill.quantity)} at {price_decimal(record.fill.price):f}"
    words = getattr(record, "why", None) or getattr(record, "reason", "")
    return f"{words} (said by {record.by})" if isinstance(record, Resolved) else str(words)


# What each record does to a child: the same steps as `EngineState` takes.


def _fill(child: ChildState, record: ChildFilled) -> None:
    child.book_fill(record.fill, record.at)
    child.complete_if_filled(record.at)


def _revise(child: ChildState, record: FillRevised) -> None:
    child.revise_fill(record.fill)
    child.complete_if_filled(record.at)


def _withdraw(child: ChildState, record: RequestWithdrawn) -> None:
    if record.revision:
        child.drop_replace(record.at)
        child.complete_if_filled(record.at)
    else:
        child.end(OrderState.FAILED, 0, record.reason, record.at)


def _confirm(child: ChildState, record: ReplaceConfirmed) -> None:
    child.confirm_replace(record)
    child.complete_if_filled(record.at)


def _refuse_replace(child: ChildState, record: ReplaceRefused) -> None:
    child.drop_replace(record.at, record.reason)
    child.complete_if_filled(record.at)


def _adopt(child: ChildState, record: ChildAdopted) -> None:
    if child.state is OrderState.FAILED:
        child.revive()
    child.adopt(record)
    child.complete_if_filled(record.at)


def _resolve(child: ChildState, record: Resolved) -> None:
    if record.outcome is Resolution.WORKING:
        child.settle_working(record.at)
        return
    child.write_off(record.reason, record.at)


_BOOK: dict[type, Callable[[ChildState, Any], None]] = {
    ReplaceRequested: ChildState.ask_replace,
    CancelRequested: ChildState.ask_cancel,
    RequestWithdrawn: _withdraw,
    ChildAcknowledged: ChildState.acknowledge,
    ChildFilled: _fill,
    FillRevised: _revise,
    ChildDone: lambda child, record: child.end(record.state, record.cumulative, record.reason, record.at),
    ChildAssumedCancelled: lambda child, record: child.end(
        OrderState.CANCELLED, record.cumulative, record.reason, record.at
    ),
    ReplaceConfirmed: _confirm,
    ReplaceRefused: _refuse_replace,
    CancelRefused: lambda child, record: child.refuse_cancel(record.at, record.reason),
    ChildInDoubt: lambda child, record: child.doubt(record.reason),
    ChildAdopted: _adopt,
    Resolved: _resolve,
}
