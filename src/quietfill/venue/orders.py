"""Our orders as the venue sees them."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

from quietfill.domain.messages import BrokerOrder

if TYPE_CHECKING:
    from quietfill.domain.execution_report import ExecutionReport
    from quietfill.domain.instrument import Instrument
    from quietfill.domain.records import ChildRequested
    from quietfill.domain.types import OrderSide, Price, Quantity, TimeInForce, Timestamp


class VenueState(StrEnum):
    """Where an order stands at the venue."""

    WORKING = "working"
    FILLED = "filled"
    CANCELLED = "cancelled"
    EXPIRED = "expired"
    REJECTED = "rejected"


@dataclass(slots=True, kw_only=True)
class VenueOrder:
    """One order of ours at the venue; `slot` is its place in the core while it can trade."""

    child_id: str
    symbol: str
    side: OrderSide
    total: Quantity
    limit_price: Price | None
    time_in_force: TimeInForce
    good_till: Timestamp | None
    broker_order_id: int | None
    state: VenueState = VenueState.WORKING
    cumulative: Quantity = 0
    revision: int = 0
    slot: int = -1
    fills: list[ExecutionReport] = field(default_factory=list)

    @classmethod
    def of(cls, request: ChildRequested, broker_order_id: int | None) -> VenueOrder:
        """Return the order that a request asks for."""
        return cls(
            child_id=request.child_id,
            symbol=request.symbol,
            side=request.side,
            total=request.quantity,
            limit_price=request.limit_price,
            time_in_force=request.time_in_force,
            good_till=request.good_till,
            broker_order_id=broker_order_id,
        )

    @property
    def leaves(self) -> Quantity:
        """What may still trade."""
        return self.total - self.cumulative if self.state is VenueState.WORKING else 0

    def listed(self) -> BrokerOrder:
        """Return the order as the broker lists it when asked."""
        return BrokerOrder(
            child_id=self.child_id,
            broker_order_id=self.broker_order_id,
            total=self.total,
            cumulative=self.cumulative,
            limit_price=self.limit_price,
            is_open=self.state is VenueState.WORKING,
            revision=self.revision,
            state=self.state.value,
        )


def quantity_fault(instrument: Instrument, unit: Quantity, quantity: Quantity) -> str | None:
    """Say what is wrong with an order's quantity, or None."""
    if quantity <= 0:
        return "quantity must be positive"
    if quantity % unit:
        return "quantity is finer than the venue trades"
    if quantity % instrument.lot and not instrument.odd_lots:
        return "quantity is not a multiple of the lot"
    return None


def price_fault(instrument: Instrument, price: Price | None) -> str | None:
    """Say what is wrong with an order's price as such, or None."""
    if price is not None and not instrument.on_tick(price):
        return "limit price is off the tick"
    return None
