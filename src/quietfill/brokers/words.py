"""What a user's broker says, in our words: fills, status reports, and what it lists when asked.

A fill is never refused for the digits of its price: a float that some division made is rounded to what we count in.
What cannot be read at all raises `BadInput`, and whoever asked raises an alert.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import ROUND_HALF_EVEN
from typing import TYPE_CHECKING, Any

import msgspec

from quietfill.domain.errors import BadInput
from quietfill.domain.events import FillEvent, OrderEvent, OrderStateChangeEvent
from quietfill.domain.execution_report import ExecutionReport, Fill, ReportKind
from quietfill.domain.fields import shown, whole
from quietfill.domain.order_state import OrderState
from quietfill.domain.types import (
    PRICE_SCALE,
    QUANTITY_SCALE,
    OrderType,
    datetime_of,
    price_decimal,
    price_float,
    price_from,
    quantity_exact,
    timestamp_from,
    to_decimal,
)

if TYPE_CHECKING:
    from decimal import Decimal

    from quietfill.domain.records import ChildRequested
    from quietfill.domain.types import Price, PublicNumber, Quantity


class Status(msgspec.Struct, frozen=True, kw_only=True):
    """One status report. What it did not say is None; 0 for an id that it did not say.

    Attributes:
        filled, remaining: as the broker counts them.
    """

    order_id: str
    broker_order_id: int
    state: OrderState
    filled: Quantity | None
    remaining: Quantity | None
    reason: str


class Listed(msgspec.Struct, frozen=True, kw_only=True):
    """One open order as the broker lists it. What it did not say is None; 0 for an id that it did not say."""

    order_id: str
    broker_order_id: int
    total: Quantity | None
    filled: Quantity | None
    limit_price: Price | None


def order_event_of(request: ChildRequested, *, sender: str, decision_id: str) -> OrderEvent:
    """Return the order that a broker of the user's is asked to place; its `event_id` is the child's id."""
    price = request.limit_price
    kind = OrderType.MARKET if price is None else OrderType.LIMIT
    return OrderEvent(
        event_id=request.child_id,
        timestamp=datetime_of(request.at),
        source_agent=sender,
        decision_id=decision_id,
        validation_id=request.order_id,
        symbol=request.symbol,
        side=request.side,
        quantity=quantity_exact(request.quantity),
        order_type=kind,
        limit_price=None if price is None else public_price(price),
        algo=kind.value.upper(),
        time_in_force=request.time_in_force,
        account=request.account,
    )


def public_price(price: Price) -> float | Decimal:
    """Return a price as the float that means exactly it, or as a Decimal where no float does."""
    number = price_float(price)
    return number if price_from(number) == price else price_decimal(price)


def fill_report(child_id: str, event: FillEvent) -> ExecutionReport:
    """Return a fill as the report that books it; `event_id` is its key where the broker gives no execution id.

    Raises:
        BadInput: when its quantity is less than we can count.
    """
    at = timestamp_from(event.exchange_time or event.timestamp)
    quantity = counted(event.filled_quantity, "filled_quantity")
    if quantity <= 0:
        raise BadInput(f"filled_quantity of {event.event_id} is too small: {event.filled_quantity}")
    fill = Fill(
        execution_id=event.execution_id or event.event_id,
        quantity=quantity,
        price=_nearest(event.fill_price, PRICE_SCALE, "fill_price"),
        exchange_time=at,
        liquidity=event.liquidity,
        commission=_nearest(event.commission, PRICE_SCALE, "commission"),
        venue=event.exchange,
    )
    number = event.broker_order_id or None
    return ExecutionReport(child_id=child_id, kind=ReportKind.FILL, exchange_time=at, broker_order_id=number, fill=fill)


def read_fill(said: Any) -> FillEvent:
    """Return a fill as it was said.

    Raises:
        BadInput: when it is none, or one that could not be booked.
    """
    if not isinstance(said, FillEvent):
        raise BadInput(f"a fill must be a FillEvent, not {shown(said)}")
    fill_report(said.order_id, said)
    return said


def read_status(said: Any) -> Status:
    """Return a status report: an `OrderStateChangeEvent`, or an object or mapping with the fields of `Status`.

    In place of `state` it may have `status`: a word of `OrderState`, or one that many brokers use for the same.

    Raises:
        BadInput: when it cannot be read; the message names the field.
    """
    if isinstance(said, OrderStateChangeEvent):
        said = {
            "order_id": said.order_id,
            "broker_order_id": said.broker_order_id,
            "status": said.new_state,
            "filled": said.filled_quantity,
            # An event that counts nothing at all has left both at their defaults.
            "remaining": said.remaining_quantity if said.remaining_quantity or said.filled_quantity else None,
            "reason": said.reason,
        }
    word = _field(said, "status") or _field(said, "state")
    state = _STATES.get(_plain(word)) if isinstance(word, str) else None
    if state is None:
        raise BadInput(f"status must be a known word, not {shown(word)}")
    return Status(
        **_ids(said),
        state=state,
        filled=_quantity(said, "filled"),
        remaining=_quantity(said, "remaining"),
        reason=str(_field(said, "reason") or ""),
    )


def read_listed(said: Any) -> Listed:
    """Return one open order: an object or mapping with an id, and quantity, filled, remaining, limit_price where known.

    Raises:
        BadInput: when it cannot be read; the message names the field.
    """
    ids = _ids(said)
    filled, remaining, price = _quantity(said, "filled"), _quantity(said, "remaining"), _field(said, "limit_price")
    total = _quantity(said, "quantity")
    if total is None and filled is not None and remaining is not None:
        total = filled + remaining
    limit = None if price is None else _nearest(price, PRICE_SCALE, "limit_price")
    return Listed(**ids, total=total, filled=filled, limit_price=limit)


def counted(value: PublicNumber, name: str) -> Quantity:
    """Return a public quantity as the nearest that we can count.

    Raises:
        BadInput: when it is not a finite number.
    """
    return _nearest(value, QUANTITY_SCALE, name)


def _nearest(value: PublicNumber, scale: int, name: str) -> int:
    try:
        exact = to_decimal(value, name) * scale
    except ValueError as error:
        raise BadInput(str(error)) from None
    return int(exact.to_integral_value(ROUND_HALF_EVEN))


def _field(said: Any, name: str) -> Any:
    return said.get(name) if isinstance(said, Mapping) else getattr(said, name, None)


def _ids(said: Any) -> dict[str, Any]:
    order_id, number = _field(said, "order_id"), _field(said, "broker_order_id")
    if not order_id and not number:
        raise BadInput(f"it names no order: {shown(said)}")
    return {
        "order_id": str(order_id or ""),
        "broker_order_id": whole(number, "broker_order_id") if number else 0,
    }


def _quantity(said: Any, name: str) -> Quantity | None:
    value = _field(said, name)
    return None if value is None else counted(value, name)


def _plain(word: str) -> str:
    return word.lower().replace("_", "").replace(" ", "").replace("-", "")


_STATES = {_plain(state.value): state for state in OrderState} | {
    "new": OrderState.WORKING,
    "open": OrderState.WORKING,
    "accepted": OrderState.ACKNOWLEDGED,
    "presubmitted": OrderState.ACKNOWLEDGED,
    "partiallyfilled": OrderState.PARTIAL,
    "canceled": OrderState.CANCELLED,
    "apicancelled": OrderState.CANCELLED,
    "pendingnew": OrderState.PENDING,
    "pendingsubmit": OrderState.PENDING,
}
"""Words for states, without case and separators. `submitted` is no proof that the broker has it; brokers that mean
by it that the order works should say `working`."""
