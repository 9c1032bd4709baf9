"""Public dictionaries made from the engine's state: copies, in public numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from quietfill.domain.types import PRICE_SCALE, price_float, quantity_number
from quietfill.tca.fill_quality import price_improvement_bps, slippage_bps

if TYPE_CHECKING:
    from quietfill.domain.types import OrderSide, Price, Quantity
    from quietfill.engine.child import ChildState
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
        "algo": parent.algo,
    }


def fill_quality_report(parent: ParentState) -> dict[str, Any]:
    """Return the fill quality of one parent, slice by slice."""
    slices = [_slice_row(child) for child in parent.children()]
    improvements = [row["price_improvement_bps"] for row in slices if row["price_improvement_bps"] is not None]
    better = sum(row["has_price_improvement"] for row in slices)
    return {
        "order_id": parent.order_id,
        "symbol": parent.symbol,
        "algo": parent.algo,
        "total_quantity": quantity_number(parent.quantity),
        "filled_quantity": quantity_number(parent.filled),
        "remaining_quantity": quantity_number(parent.leaves),
        "avg_fill_price": average_price(parent.filled_value, parent.filled) or 0.0,
        "overall_fill_rate": parent.filled / parent.quantity,
        "slice_count": len(slices),
        "slices": slices,
        "price_improvement": {
            "avg_improvement_bps": _weighted_improvement(slices),
            "slices_with_improvement": better,
            "total_slices": len(slices),
            "improvement_rate": better / len(improvements) if improvements else None,
        },
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


def _slice_row(child: ChildState) -> dict[str, Any]:
    average = average_price(child.filled_value, child.filled)
    arrival = _mid(child.bid_at_request, child.ask_at_request)
    slippage = _against(slippage_bps, child.side, average, arrival)
    improvement = _against(price_improvement_bps, child.side, average, arrival)
    return {
        "slice_index": child.number,
        "broker_order_id": child.broker_order_id,
        "target_quantity": quantity_number(max(child.total, child.wanted_total)),
        "filled_quantity": quantity_number(child.filled),
        "fill_rate": child.filled / max(child.total, child.wanted_total),
        "avg_fill_price": average or 0.0,
        "arrival_price": arrival,
        "slippage_bps": slippage,
        "price_improvement_bps": improvement,
        "has_price_improvement": improvement is not None and improvement > 0,
        "is_complete": child.filled >= child.total,
        "fill_count": len(child.fills),
        "state": child.state.value,
    }


def _against(measure: Any, side: OrderSide, average: float | None, arrival: float | None) -> float | None:
    return None if average is None or arrival is None else measure(side, average, arrival)


def _mid(bid: Price | None, ask: Price | None) -> float | None:
    return None if bid is None or ask is None else price_float(bid + ask) / 2


def _weighted_improvement(rows: list[dict[str, Any]]) -> float | None:
    """Average by filled quantity over the slices that have an improvement to speak of."""
    measured = [row for row in rows if row["price_improvement_bps"] is not None and row["filled_quantity"]]
    weight = sum(row["filled_quantity"] for row in measured)
    return sum(row["price_improvement_bps"] * row["filled_quantity"] for row in measured) / weight if weight else None
