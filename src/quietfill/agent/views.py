"""Public dictionaries made from the engine's state: copies, in public numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from quietfill.domain.types import PRICE_SCALE, quantity_number

if TYPE_CHECKING:
    from quietfill.domain.types import Quantity
    from quietfill.engine.parent import ParentState
    from quietfill.engine.state import EngineState


def pending_order(parent: ParentState) -> dict[str, Any]:
    """Return one live parent as `get_pending_orders` lists it."""
    return {
        "order_id": parent.order_id,
        "symbol": parent.symbol,
        "side": parent.side.value,
        "quantity": quantity_number(parent.quantity),
        "filled": quantity_number(parent.filled),
        "remaining": quantity_number(parent.leaves),
        "status": "paused" if parent.is_paused else parent.state.value,
        "algo": parent.shown_algo,
        "notes": list(parent.notes),
    }


def fill_quality_totals(state: EngineState) -> dict[str, Any]:
    """Return what all parents known to this process filled."""
    parents = state.parents.values()
    return {
        "orders": len(state.parents),
        "orders_with_fills": sum(parent.filled > 0 for parent in parents),
        "children": sum(parent.children_count for parent in parents),
        "messages_sent": state.messages_sent,
    }


def average_price(value: int, quantity: Quantity) -> float | None:
    """Return the average of exact sums, divided on read; None when nothing was filled."""
    return value / quantity / PRICE_SCALE if quantity else None
