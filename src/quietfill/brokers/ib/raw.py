"""What the gateway said, message by message, in our numbers and nothing concluded from it.

Prices count 1e-9, quantities 1e-8, times ns UTC, as everywhere inside. What was not given is None.
"""

from __future__ import annotations

from decimal import Decimal, InvalidOperation
from typing import Any, TypeAlias

import msgspec

from quietfill.domain.types import PRICE_SCALE, QUANTITY_SCALE, Liquidity, OrderSide, Price, Quantity, Timestamp

_UNSET = 1e300
"""Above it a float is the gateway's way to say that it has no value."""

_LIQUIDITY = {1: Liquidity.PASSIVE, 2: Liquidity.AGGRESSIVE}


class OrderEcho(msgspec.Struct, frozen=True, kw_only=True):
    """An open or a completed order.

    Attributes:
        order_id: of the session; 0 for completed and foreign orders.
        perm_id: of the account; 0 until Interactive Brokers has given one.
        reference: what we put on the wire as our own id; "" for others' orders.
        limit_price: None for types without one.
        displayed: what an iceberg shows.
        filled: of completed orders only.
        reason: why a completed order ended, or a warning about an open one.
    """

    order_id: int
    client_id: int
    perm_id: int
    reference: str
    account: str
    symbol: str
    con_id: int
    side: OrderSide
    order_type: str
    total: Quantity
    limit_price: Price | None
    status: str
    displayed: Quantity | None = None
    is_completed: bool = False
    is_what_if: bool = False
    filled: Quantity | None = None
    reason: str = ""


class StatusSeen(msgspec.Struct, frozen=True, kw_only=True):
    """An order's status. May be missing, doubled, or replayed."""

    order_id: int
    client_id: int
    perm_id: int
    status: str
    filled: Quantity
    remaining: Quantity
    why_held: str = ""


class ExecutionSeen(msgspec.Struct, frozen=True, kw_only=True):
    """One execution; the same stem with a higher revision replaces it.

    Attributes:
        request_id: of the question that it answers, -1 when it just happened.
        stem: the execution id less its last group.
        revision: that group.
        cumulative: filled of the order so far, as the broker counts it.
    """

    request_id: int
    order_id: int
    client_id: int
    perm_id: int
    reference: str
    account: str
    symbol: str
    con_id: int
    stem: str
    revision: int
    side: OrderSide
    quantity: Quantity
    price: Price
    cumulative: Quantity
    time: Timestamp
    exchange: str
    liquidity: Liquidity


class CommissionSeen(msgspec.Struct, frozen=True, kw_only=True):
    """What one execution cost; may come before it. None: the gateway gave no number."""

    stem: str
    revision: int
    commission: Price | None
    currency: str


class ErrorSeen(msgspec.Struct, frozen=True, kw_only=True):
    """A code about an order, a question (`subject` is the id), or everything (-1)."""

    subject: int
    code: int
    text: str
    advanced: str = ""


class PositionSeen(msgspec.Struct, frozen=True, kw_only=True):
    """What an account holds of a contract, positive when long."""

    account: str
    con_id: int
    symbol: str
    security_type: str
    quantity: Quantity
    average_cost: Price | None


class AnswerSeen(msgspec.Struct, frozen=True, kw_only=True):
    """One piece of an answer to the question with this id or name."""

    key: int | str
    content: Any


class AnswerEnded(msgspec.Struct, frozen=True, kw_only=True):
    """The answer to the question with this id or name is complete."""

    key: int | str


class PriceTick(msgspec.Struct, frozen=True):
    """A price of a subscription, with the size that goes with it. None: there is none on that side."""

    request_id: int
    tick_type: int
    price: Price | None
    size: Quantity


class SizeTick(msgspec.Struct, frozen=True):
    """A size or volume of a subscription."""

    request_id: int
    tick_type: int
    size: Quantity


class TextTick(msgspec.Struct, frozen=True):
    """A text of a subscription; 48 is RTVolume."""

    request_id: int
    tick_type: int
    text: str


class PrintTick(msgspec.Struct, frozen=True):
    """One trade of a tick-by-tick subscription."""

    request_id: int
    price: Price
    size: Quantity


class NumberTick(msgspec.Struct, frozen=True):
    """A bare number of a subscription; 49 is 'halted'."""

    request_id: int
    tick_type: int
    value: float


class DepthRow(msgspec.Struct, frozen=True, kw_only=True):
    """A change of one row of depth: 0 insert, 1 update, 2 delete."""

    request_id: int
    row: int
    operation: int
    is_bid: bool
    price: Price
    size: Quantity


class DataKind(msgspec.Struct, frozen=True):
    """Whether a subscription is live (1), frozen (2), delayed (3) or delayed and frozen (4)."""

    request_id: int
    kind: int


class Unreadable(msgspec.Struct, frozen=True):
    """A message that could not be decoded: something was said that we do not know."""

    message_id: str
    error: str


Raw: TypeAlias = (
    OrderEcho | StatusSeen | ExecutionSeen | CommissionSeen | ErrorSeen | PositionSeen | AnswerSeen | AnswerEnded
    | PriceTick | PrintTick | SizeTick | TextTick | NumberTick | DepthRow | DataKind | Unreadable
)  # fmt: skip


def price_of(value: Any) -> Price | None:
    """Return a number of the gateway's as a price; None when it says that it has none."""
    return _scaled(value, PRICE_SCALE)


def quantity_of(value: Any) -> Quantity:
    """Return a number of the gateway's as a quantity; 0 when it says that it has none."""
    return _scaled(value, QUANTITY_SCALE) or 0


def liquidity_of(value: int) -> Liquidity:
    """Return what the gateway says of an execution's liquidity; routed-out and unsaid are unknown."""
    return _LIQUIDITY.get(value, Liquidity.UNKNOWN)


def split_execution_id(execution_id: str) -> tuple[str, int]:
    """Return an execution id's stem and revision: `a.b.c.02` is (`a.b.c`, 2); one without groups is its own stem."""
    stem, dot, last = execution_id.rpartition(".")
    return (stem, int(last)) if dot and last.isdigit() else (execution_id, 0)


def _scaled(value: Any, scale: int) -> int | None:
    if value is None or value == "":
        return None
    try:
        number = Decimal(str(value))
    except InvalidOperation:
        return None
    if not number.is_finite() or abs(number) > _UNSET:
        return None
    # A float that some division made has more digits than we count in; the nearest is what was meant.
    return round(number * scale)
