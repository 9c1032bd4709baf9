"""From what is wanted to the order on the wire: every field that matters is set, none is left to the presets.

Nothing keeps working if we die for good: an order carries the shortest life that its type takes. Where a date to end at
is possible it is good till then; else it is a day order.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
from ib_async.contract import TagValue
from ib_async.order import Order

from quietfill.brokers.ib.native import Exact, Limit, Market, OnClose, Style
from quietfill.brokers.ib.strategies import utc_text
from quietfill.domain.types import (
    QUANTITY_SCALE,
    OrderSide,
    Price,
    Quantity,
    TimeInForce,
    Timestamp,
    quantity_decimal,
)

if TYPE_CHECKING:
    from quietfill.domain.broker_algo import BrokerAlgo
    from quietfill.domain.records import ChildRequested
    from quietfill.engine.child import ChildState

_DATED = frozenset({TimeInForce.DAY, TimeInForce.GTC, TimeInForce.GTD})
LONGEST_REFERENCE = 128


class Placement(msgspec.Struct, frozen=True, kw_only=True):
    """All terms of one order.

    Attributes:
        good_till: when it ends at the latest; None for types that end by themselves.
        displayed: what an iceberg shows.
        algo: the broker's algo that works it, if any.
    """

    reference: str
    account: str
    side: OrderSide
    total: Quantity
    style: Style
    time_in_force: TimeInForce = TimeInForce.DAY
    good_till: Timestamp | None = None
    displayed: Quantity | None = None
    algo: BrokerAlgo | None = None
    outside_rth: bool = False

    @property
    def limit_price(self) -> Price | None:
        """The limit, of the types that have just one price."""
        price = getattr(self.style, "price", None)
        return getattr(self.style, "cap", None) if price is None else price

    def with_terms(self, total: Quantity, limit_price: Price | None) -> Placement:
        """Return it with other terms, everything else as it was: a modification must match its original."""
        style: Style = self.style
        if limit_price != self.limit_price:
            if limit_price is None:
                style = Market()
            elif isinstance(style, Market):
                style = Limit(price=limit_price)
            else:
                field = "price" if hasattr(style, "price") else "cap"
                style = msgspec.structs.replace(style, **{field: limit_price})
        return msgspec.structs.replace(self, total=total, style=style)


def placement_of(request: ChildRequested, account: str) -> Placement:
    """Return the order that a record asks for."""
    return Placement(
        reference=request.child_id,
        account=request.account or account,
        side=request.side,
        total=request.quantity,
        style=_style(request.time_in_force, request.limit_price),
        time_in_force=request.time_in_force,
        good_till=request.good_till,
        displayed=request.displayed,
        algo=request.broker_algo or None,
    )


def placement_of_child(child: ChildState, account: str, displayed: Quantity | None) -> Placement:
    """Return the order that an earlier run placed, as far as the books know it; *displayed* is what the broker says."""
    return Placement(
        reference=child.child_id,
        account=account,
        side=child.side,
        total=child.total,
        style=_style(child.time_in_force, child.limit_price_confirmed),
        time_in_force=child.time_in_force,
        good_till=child.good_till,
        displayed=displayed,
        algo=child.broker_algo,
    )


def wire_order(placement: Placement) -> Order:
    """Return the order as ib_async sends it."""
    fields: dict[str, Any] = {
        "action": "BUY" if placement.side is OrderSide.BUY else "SELL",
        "totalQuantity": _size(placement.total),
        "account": placement.account,
        "orderRef": placement.reference,
        "outsideRth": placement.outside_rth,
        "openClose": "",
        "transmit": True,
        **_life(placement),
        **placement.style.fields(),
    }
    if placement.displayed is not None and placement.displayed < placement.total:
        fields["displaySize"] = max(1, placement.displayed // QUANTITY_SCALE)
    if placement.algo is not None:
        fields["algoStrategy"] = placement.algo.name
        fields["algoParams"] = [TagValue(tag, value) for tag, value in placement.algo.params]
    return Order(**fields)


def reference_problem(reference: str) -> str | None:
    """Return why our own id could not make the round trip, None when it can."""
    if not reference or len(reference) > LONGEST_REFERENCE:
        return f"an order reference must have 1 to {LONGEST_REFERENCE} characters"
    if not (reference.isascii() and reference.isprintable()):
        return f"an order reference must be printable ASCII: {reference!r}"
    return None


def _style(time_in_force: TimeInForce, limit_price: Price | None) -> Style:
    if time_in_force is TimeInForce.MOC:
        return OnClose(price=limit_price)
    return Market() if limit_price is None else Limit(price=limit_price)


def _life(placement: Placement) -> dict[str, Any]:
    if placement.time_in_force in {TimeInForce.IOC, TimeInForce.FOK, TimeInForce.OPG}:
        return {"tif": placement.time_in_force.value}
    takes_date = not placement.style.lives_a_day and placement.algo is None
    if placement.time_in_force in _DATED and placement.good_till is not None and takes_date:
        return {"tif": "GTD", "goodTillDate": utc_text(placement.good_till)}
    if placement.time_in_force is TimeInForce.GTC and takes_date:
        return {"tif": "GTC"}
    return {"tif": "DAY"}


def _size(quantity: Quantity) -> int | Exact:
    whole, rest = divmod(quantity, QUANTITY_SCALE)
    return whole if rest == 0 else Exact(quantity_decimal(quantity))
