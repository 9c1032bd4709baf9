"""A direct order that its caller awaits: worked to its end, and let go of on every way out.

The parent is an order like any other, so a kill, an operator and a restart find it. What is added is that
nothing of it goes on working once nobody waits for it any more.
"""

from __future__ import annotations

import asyncio
from itertools import pairwise
from typing import TYPE_CHECKING, Any, NamedTuple

from quietfill.agent.views import average_price
from quietfill.domain.errors import BadInput
from quietfill.domain.messages import CancelOrder, NewOrder
from quietfill.domain.order_state import OrderState
from quietfill.domain.types import SECOND, quantity_float, quantity_number
from quietfill.tca.children import RequestKind

if TYPE_CHECKING:
    from quietfill.agent.history import OrderHistory
    from quietfill.runtime.runtime import Runtime
    from quietfill.tca.ledger import OrderLedger


class Executed(NamedTuple):
    """What came of an order: its ledger, or why it was refused."""

    order: NewOrder
    ledger: OrderLedger | None
    refused: tuple[str, ...] = ()


async def execute(runtime: Runtime, history: OrderHistory, order: NewOrder, *, by: str, patience: float) -> Executed:
    """Submit an order and wait until it has ended and nothing of it is working.

    Whatever ends the waiting first (the caller's task is cancelled, the journal fails) cancels the order, and
    the broker's last word is awaited before the exception goes on. When the agent is stopped instead, orders stay
    as they are, and its next start goes on with them.

    Args:
        runtime: started.
        history: hears its records.
        order: never submitted before.
        by: whose act a cancel is.
        patience: wall seconds for the broker's answers to that cancel; then the engine goes on without us.

    Raises:
        BadInput: when the agent is not running; nothing was submitted.
    """
    if not runtime.is_running:
        raise BadInput("the agent is not running: start it before anything can be executed")
    state = runtime.engine.state
    is_new = order.decision_id not in state.decisions
    sequence = runtime.submit(order)
    if not (is_new and order.order_id in state.parents):
        await runtime.committed(sequence)
        return Executed(order, None, history.refusal_of(order.decision_id))
    try:
        await runtime.committed(sequence)
        ledger = history.order(order.order_id)
        await runtime.done(order.order_id)
    except (Exception, asyncio.CancelledError):
        await _let_go(runtime, order.order_id, by, patience)
        raise
    return Executed(order, ledger)


async def _let_go(runtime: Runtime, order_id: str, by: str, patience: float) -> None:
    """Cancel an order and wait until nothing of it is working; a second cancellation is not held up."""
    if not runtime.is_running:
        return
    runtime.submit(CancelOrder(order_id=order_id, by=by, reason="nobody waits for it any more"))
    ended = asyncio.ensure_future(runtime.done(order_id))
    try:
        await asyncio.wait({ended}, timeout=patience)
    finally:
        ended.cancel()
        await asyncio.gather(ended, return_exceptions=True)


def peg_result(executed: Executed) -> dict[str, Any]:
    """Return what a peg did, in public figures."""
    total, filled = _quantities(executed)
    return {
        **_terms(executed),
        "requested_quantity": quantity_number(total),
        "filled_quantity": quantity_number(filled),
        "remaining_quantity": quantity_number(max(0, total - filled)),
        "repeg_count": 0 if executed.ledger is None else _moves(executed.ledger),
        **_outcome(executed),
    }


def _moves(ledger: OrderLedger) -> int:
    """Count the requests for another price: replaces, and new children where the broker cannot replace."""
    requests = [request for child in ledger.children for request in child.requests]
    prices = [request.limit_price for request in requests if request.kind is not RequestKind.CANCEL]
    return sum(before != after for before, after in pairwise(prices))


def iceberg_result(executed: Executed, display_size: float) -> dict[str, Any]:
    """Return what an iceberg did, in public figures; the rate is None when it took no time."""
    total, filled = _quantities(executed)
    outcome = _outcome(executed)
    minutes = outcome["duration_seconds"] / 60
    return {
        **_terms(executed),
        "total_quantity": quantity_number(total),
        "filled_quantity": quantity_number(filled),
        "remaining_quantity": quantity_number(max(0, total - filled)),
        "slice_count": 0 if executed.ledger is None else executed.ledger.children_sent,
        "display_size": display_size,
        "fill_rate_per_minute": quantity_float(filled) / minutes if minutes else None,
        **outcome,
    }


def _quantities(executed: Executed) -> tuple[int, int]:
    """Return what was asked for, amendments included, and what was filled."""
    ledger = executed.ledger
    return (executed.order.quantity, 0) if ledger is None else (ledger.quantity, ledger.filled)


def _terms(executed: Executed) -> dict[str, Any]:
    order = executed.order
    return {"order_id": order.order_id, "symbol": order.symbol, "side": order.side.value}


def _outcome(executed: Executed) -> dict[str, Any]:
    """Return price, time from acceptance to the end, and how it ended."""
    ledger, refused = executed.ledger, list(executed.refused)
    total, filled = _quantities(executed)
    ended_at = None if ledger is None else ledger.ended_at
    return {
        "avg_fill_price": None if ledger is None else average_price(ledger.value, ledger.filled),
        "duration_seconds": 0.0 if ledger is None or ended_at is None else (ended_at - ledger.accepted.at) / SECOND,
        "status": "unfilled" if not filled else "filled" if filled >= total else "partial",
        "state": str(OrderState.REJECTED if ledger is None else ledger.state),
        "reason": "; ".join(refused) if ledger is None else ledger.end_reason,
        "refused": refused,
    }
