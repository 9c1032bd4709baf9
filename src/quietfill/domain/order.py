"""Orders, slices and fills as users hold them: detached copies, whose methods never touch the engine.

Quantities and prices are summed exactly and divided on read. Every slippage is positive when it hurts the
client and every price improvement positive when it helps, for buys and sells alike; what is not known is None.
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Annotated, TypeAlias

import msgspec

from quietfill.domain import fields
from quietfill.domain.errors import BadInput
from quietfill.domain.exact import Exact, FillTotal, exact_price, exact_size, ratio, size_number
from quietfill.domain.fields import Number, Size, optional
from quietfill.domain.order_state import OrderState, is_valid_state_transition
from quietfill.domain.stamps import utc_now
from quietfill.domain.types import OrderSide

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from quietfill.domain.events import DecisionEvent, OrderEvent

_Bps: TypeAlias = Annotated[float | None, optional(fields.number)]
_KnownBps: TypeAlias = Annotated[float, fields.number]


class FillCategory(msgspec.Struct, frozen=True):
    """How a fill came about, judged against the book at the fill.

    Attributes:
        category: aggressive, passive, midpoint, auction or unknown.
        price_vs_arrival_bps: in bps of the arrival price, positive when it hurts; None when that is not known.
        price_vs_spread_position: 0 at the near touch of our own side, 1 at the far touch, so that the same number
            means the same aggressiveness for buys and sells; None without a two-sided book.
    """

    is_aggressive: Annotated[bool, fields.flag]
    category: Annotated[str, fields.choice("aggressive", "passive", "midpoint", "auction", "unknown")]
    price_vs_arrival_bps: _Bps
    price_vs_spread_position: _Bps

    def __post_init__(self) -> None:
        """Refuse what can never be meant, naming field and value."""
        fields.read_fields(self)


class MarketImpactEstimate(msgspec.Struct, frozen=True):
    """What an order is expected to cost by moving the market.

    Attributes:
        temporary_impact_bps, permanent_impact_bps: the two parts of the move, in bps of the price.
        total_impact_bps: the average paid, temporary + permanent / 2.
        estimated_cost: in the instrument's currency, contract multiplier included.
        model_used: names the model and its calibration.
    """

    symbol: Annotated[str, fields.named]
    side: Annotated[OrderSide, fields.side]
    quantity: Annotated[Size, fields.size_positive]
    temporary_impact_bps: _KnownBps
    permanent_impact_bps: _KnownBps
    total_impact_bps: _KnownBps
    estimated_cost: _KnownBps
    model_used: Annotated[str, fields.named]

    def __post_init__(self) -> None:
        """Refuse what can never be meant, naming field and value."""
        fields.read_fields(self)


class StateChange(msgspec.Struct, frozen=True):
    """One step of an order's life."""

    previous: OrderState
    new: OrderState
    reason: str
    at: datetime


class SliceFill:
    """What one slice, that is one child order, was meant to do and did.

    Attributes:
        fills: each fill as (quantity, price), in the order in which they came.
        arrival_price: the market when the slice was placed; slippage is measured from it.
        is_complete: whether the slice's target is filled, or nothing more is to come.
    """

    __slots__ = (
        "_total",
        "arrival_price",
        "broker_order_id",
        "fills",
        "is_buy",
        "is_complete",
        "slice_index",
        "target_quantity",
    )

    def __init__(  # noqa: PLR0913, PLR0917 - the contract's own signature
        self,
        slice_index: int,
        broker_order_id: int,
        target_quantity: Size,
        filled_quantity: Size = 0,
        avg_fill_price: Number = 0.0,
        fills: Iterable[tuple[Size, Number]] | None = None,
        arrival_price: Number | None = None,
        is_complete: bool = False,  # noqa: FBT001, FBT002
        is_buy: bool = True,  # noqa: FBT001, FBT002
    ) -> None:
        """Copy what is given.

        Raises:
            BadInput: (a ValueError) naming the field and its value; also when *fills* and *filled_quantity* disagree.
        """
        self.slice_index = fields.whole(slice_index, "slice_index")
        self.broker_order_id = broker_order_id
        self.target_quantity = fields.size_not_negative(target_quantity, "target_quantity")
        self.arrival_price = optional(fields.number)(arrival_price, "arrival_price")
        self.is_complete = fields.flag(is_complete, "is_complete")
        self.is_buy = fields.flag(is_buy, "is_buy")
        self.fills: list[tuple[Size, Number]] = []
        self._total = FillTotal()
        for quantity, price in fills or ():
            self._book(quantity, price)
        self._settle_total(fields.size_not_negative(filled_quantity, "filled_quantity"), avg_fill_price)

    def add_fill(self, quantity: Size, price: Number) -> None:
        """Count one fill; the slice is complete once its target is filled.

        Raises:
            BadInput: (a ValueError) when the quantity is not positive or the price not finite; nothing changes.
        """
        self._book(quantity, price)
        self.is_complete = self.is_complete or self._total.filled >= exact_size(self.target_quantity)

    @property
    def filled_quantity(self) -> Size:
        """How much was filled."""
        return size_number(self._total.filled)

    @property
    def avg_fill_price(self) -> float:
        """The quantity-weighted price, 0.0 when nothing is filled."""
        return self._total.average

    @property
    def fill_rate(self) -> float:
        """The filled share of the target, 0 to 1; 0.0 when the target is 0."""
        target = exact_size(self.target_quantity)
        return min(1.0, ratio(self._total.filled, target)) if target else 0.0

    @property
    def slippage_bps(self) -> float | None:
        """What the slice cost against its arrival price, in bps of it; None without fills or arrival price."""
        above = None if self.arrival_price is None else self._total.bps_above(self.arrival_price)
        return above if above is None or self.is_buy else 0.0 - above

    @property
    def price_improvement_bps(self) -> float | None:
        """How much better than its arrival price the slice traded, in bps of it; None where that is not known."""
        slippage = self.slippage_bps
        return None if slippage is None else 0.0 - slippage

    @property
    def has_price_improvement(self) -> bool:
        """Whether the slice is known to have traded better than its arrival price."""
        return (self.price_improvement_bps or 0.0) > 0

    def __repr__(self) -> str:
        return (
            f"SliceFill({self.slice_index}, {self.broker_order_id}, {self.target_quantity},"
            f" filled_quantity={self.filled_quantity}, avg_fill_price={self.avg_fill_price})"
        )

    def _book(self, quantity: Size, price: Number) -> None:
        read = fields.size_positive(quantity, "quantity")
        self._total.add(exact_size(read), exact_price(price))
        self.fills.append((read, price))

    def _settle_total(self, filled: Size, average: Number) -> None:
        """Take the stated total where no single fills were given; else it must agree with them."""
        if not self.fills:
            self._total = FillTotal(filled, average)
        elif filled and filled != self.filled_quantity:
            raise BadInput(f"filled_quantity {filled} disagrees with fills, which sum to {self.filled_quantity}")


class PendingOrder:
    """A parent order as it stood when it was asked for.

    Attributes:
        decision_event: None for a direct order.
        slices: the broker's order ids of its slices, in the order in which they were placed.
        slice_fills: what each of them did, by broker order id.
        state_history: the steps taken by `transition_state`.
    """

    __slots__ = (
        "_remaining",
        "_total",
        "arrival_price",
        "broker_order_id",
        "created_at",
        "decision_event",
        "order_event",
        "slice_fills",
        "slices",
        "state",
        "state_history",
    )

    def __init__(  # noqa: PLR0913, PLR0917 - the contract's own signature
        self,
        order_event: OrderEvent,
        decision_event: DecisionEvent | None,
        broker_order_id: int | None = None,
        filled_quantity: Size = 0,
        remaining_quantity: Size = 0,
        avg_fill_price: Number = 0.0,
        status: str = "pending",
        state: OrderState = OrderState.CREATED,
        created_at: datetime | None = None,
        slices: Iterable[int] | None = None,
        slice_fills: Mapping[int, SliceFill] | None = None,
        state_history: Iterable[StateChange] | None = None,
        arrival_price: Number | None = None,
    ) -> None:
        """Copy what is given; a remaining quantity of 0 on a live order is worked out from the order.

        Raises:
            BadInput: (a ValueError) naming the field and its value; also when *status* and *state* disagree.
        """
        self.order_event = order_event
        self.decision_event = decision_event
        self.broker_order_id = broker_order_id
        self.state = _one_state(status, state)
        self.created_at = order_event.timestamp if created_at is None else fields.moment(created_at, "created_at")
        self.slice_fills: dict[int, SliceFill] = dict(slice_fills or {})
        self.slices: list[int] = list(self.slice_fills if slices is None else slices)
        self.state_history: list[StateChange] = list(state_history or ())
        self.arrival_price = optional(fields.number)(arrival_price, "arrival_price")
        self._total = FillTotal(fields.size_not_negative(filled_quantity, "filled_quantity"), avg_fill_price)
        self._remaining = exact_size(fields.size_not_negative(remaining_quantity, "remaining_quantity"))
        if not self._remaining and not self.state.is_terminal:
            self._remaining = max(0, exact_size(order_event.quantity) - self._total.filled)

    @property
    def order_id(self) -> str:
        """The id of the order event."""
        return self.order_event.event_id

    @property
    def filled_quantity(self) -> Size:
        """How much was filled."""
        return size_number(self._total.filled)

    @property
    def remaining_quantity(self) -> Size:
        """How much is left, never below 0."""
        return size_number(self._remaining)

    @property
    def avg_fill_price(self) -> float:
        """The quantity-weighted price, 0.0 when nothing is filled."""
        return self._total.average

    @property
    def status(self) -> str:
        """The state in a word; an order that was only created is `pending`."""
        return _status(self.state)

    def register_slice(
        self,
        broker_id: int,
        target_quantity: Size,
        arrival_price: Number | None = None,
        is_buy: bool = True,  # noqa: FBT001, FBT002 - the contract's own signature
    ) -> None:
        """Note a slice that was placed. Saying the same twice changes nothing.

        Raises:
            BadInput: (a ValueError) when a figure is wrong, or the id is known with another target.
        """
        known = self.slice_fills.get(broker_id)
        if known is None:
            fresh = SliceFill(len(self.slices), broker_id, target_quantity, arrival_price=arrival_price, is_buy=is_buy)
            self.slice_fills[broker_id] = fresh
            self.slices.append(broker_id)
        elif known.target_quantity != target_quantity:
            raise BadInput(
                f"slice {broker_id} is known with target_quantity {known.target_quantity}, not {target_quantity}"
            )

    def get_slice_fill(self, broker_id: int) -> SliceFill | None:
        """Return a slice by the broker's order id, None when it is not known."""
        return self.slice_fills.get(broker_id)

    def add_slice_fill(self, broker_id: int, quantity: Size, price: Number) -> bool:
        """Count one fill of a slice and of the order; the state is left to `transition_state`.

        Returns:
            False, and nothing changed, when the slice is not known.

        Raises:
            BadInput: (a ValueError) when the quantity is not positive or the price not finite; nothing changes.
        """
        slice_fill = self.slice_fills.get(broker_id)
        if slice_fill is None:
            return False
        slice_fill.add_fill(quantity, price)
        filled: Exact = exact_size(quantity)
        self._total.add(filled, exact_price(price))
        self._remaining = max(0, self._remaining - filled)
        return True

    def transition_state(self, new_state: OrderState | str, reason: str = "") -> bool:
        """Move to another state and note it in the history; False, and nothing changed, when that is illegal.

        Raises:
            BadInput: (a ValueError) when there is no such state.
        """
        new = _read_state(new_state, "new_state")
        if not is_valid_state_transition(self.state, new):
            return False
        self.state_history.append(StateChange(self.state, new, reason, utc_now()))
        self.state = new
        return True

    def is_terminal(self) -> bool:
        """Say whether the order can trade no more, late fills apart."""
        return self.state.is_terminal

    def __repr__(self) -> str:
        return (
            f"PendingOrder({self.order_id!r}, {self.order_event.symbol!r}, status={self.status!r},"
            f" filled_quantity={self.filled_quantity}, remaining_quantity={self.remaining_quantity})"
        )


_read_state = fields.member(OrderState)


def _status(state: OrderState) -> str:
    return (OrderState.PENDING if state is OrderState.CREATED else state).value


def _one_state(status: str, state: OrderState) -> OrderState:
    """Return the one state that *status* and *state*, either left at its default, stand for."""
    read = _read_state(state, "state")
    if status == _status(OrderState.CREATED):
        return read
    if read is OrderState.CREATED:
        return _read_state(status, "status")
    if status != _status(read):
        raise BadInput(f"status {status!r} contradicts state {read.value!r}")
    return read
