"""What the port tells of orders and of the house: copies, in public numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from quietfill.agent.views import average_price
from quietfill.domain.order_state import OrderState
from quietfill.domain.types import datetime_of, price_float, quantity_number
from quietfill.service.control.troubles import alerts_of, newest_alerts, trouble_of

if TYPE_CHECKING:
    from datetime import datetime

    from quietfill.agent.agent import ExecutionAgentImpl
    from quietfill.domain.records import AlertRaised, KillSwitchEngaged
    from quietfill.domain.types import Price, Quantity, Timestamp
    from quietfill.engine.child import ChildState
    from quietfill.engine.parent import ParentState
    from quietfill.engine.state import EngineState

_ENDED_SHOWN = 20
_CHILDREN_SHOWN = 100


def house(agent: ExecutionAgentImpl, facts: dict[str, Any]) -> dict[str, Any]:
    """Return what the agent is doing, and what the service knows of itself under `service`.

    Costs are not among it: adding them up takes a tenth of a millisecond an order, in the loop that trades.
    """
    runtime = agent.runtime
    state, now = runtime.engine.state, runtime.clock.now()
    return {
        **agent.base_status(),
        "now": datetime_of(now),
        "broker_connected": runtime.edge.is_connected,
        "journal_sequence": state.sequence,
        "journal_failure": runtime.journal_failure,
        "kill_switch_active": bool(state.kills),
        "kills": [_kill(kill) for kill in state.kills],
        "orders_this_minute": runtime.engine.placements_this_minute(now),
        "max_orders_per_minute": agent.config.settings.max_orders_per_minute,
        "pending_orders": len(state.live),
        **order_lists(state),
        "positions": [_position(*key, quantity) for key, quantity in state.positions.items() if quantity],
        "alerts": [_alert(alert) | {"over": over} for alert, over in newest_alerts(state)],
        "service": facts,
    }


def unready(agent: ExecutionAgentImpl, facts: dict[str, Any]) -> list[str]:
    """Return why no decision would be worked now; nothing when it would."""
    reasons: list[str] = []
    if not facts.get("ready", agent.is_running):
        reasons.append("the agent is starting or stopping")
    if agent.runtime.journal_failure is not None:
        reasons.append(f"the journal failed: {agent.runtime.journal_failure}")
    if not agent.runtime.edge.is_connected:
        reasons.append("the broker cannot be reached")
    return reasons


def order_lists(state: EngineState) -> dict[str, Any]:
    """Return the live orders, and those that ended last."""
    return {
        "orders": [order_row(parent) for parent in state.live.values()],
        "ended": [order_row(parent) for parent in list(state.finished)[-_ENDED_SHOWN:]],
    }


def order_row(parent: ParentState) -> dict[str, Any]:
    """Return one order in a line."""
    return {
        "order_id": parent.order_id,
        "symbol": parent.symbol,
        "side": parent.side.value,
        "algo": parent.shown_algo,
        "quantity": quantity_number(parent.quantity),
        "filled": quantity_number(parent.filled),
        "remaining": quantity_number(parent.leaves),
        "avg_fill_price": average_price(parent.filled_value, parent.filled),
        "limit_price": _price(parent.limit_price),
        "status": _status(parent),
        "live_children": len(parent.live_children),
        "end": datetime_of(parent.end),
        "trouble": trouble_of(parent),
    }


def order_detail(parent: ParentState, state: EngineState) -> dict[str, Any]:
    """Return everything about one order that its operator may need."""
    accepted = parent.accepted
    children = parent.children()
    return {
        **order_row(parent),
        "decision_id": accepted.decision_id,
        "by": accepted.by,
        "account": parent.account,
        "accepted_at": datetime_of(accepted.at),
        "start": datetime_of(parent.start),
        "stop_price": _price(parent.stop_price),
        "params": dict(parent.raw_params),
        "notes": [*accepted.notes, *parent.notes],
        "amendments": parent.amendments,
        "frozen": parent.frozen_reason,
        "cancelled_because": parent.cancel_reason,
        "ended_at": _moment(parent.done_at),
        "ended_because": parent.done_reason or None,
        "alerts": [_alert(alert) for alert in alerts_of(state, parent)],
        "children_sent": parent.children_count,
        "children": [_child(child) for child in children[-_CHILDREN_SHOWN:]],
    }


def _status(parent: ParentState) -> str:
    """Return the state, or what overrides it for a person who looks."""
    if parent.is_done:
        return parent.state.value
    if parent.frozen_reason is not None:
        return "frozen"
    if parent.cancel_reason is not None:
        return "cancelling"
    return "paused" if parent.is_paused else parent.state.value


def _child(child: ChildState) -> dict[str, Any]:
    return {
        "child_id": child.child_id,
        "broker_order_id": child.broker_order_id,
        "status": "in doubt" if child.state is OrderState.UNKNOWN else child.state.value,
        "quantity": quantity_number(child.total),
        "filled": quantity_number(child.filled),
        "limit_price": _price(child.limit_price),
        "asked_at": datetime_of(child.requested_at),
        "said": child.last_word or None,
    }


def _kill(kill: KillSwitchEngaged) -> dict[str, Any]:
    return {
        "at": datetime_of(kill.at),
        "by": kill.by,
        "reason": kill.reason,
        "symbols": list(kill.scope.symbols),
        "account": kill.scope.account,
        "close_positions": kill.close_positions,
    }


def _position(symbol: str, account: str | None, quantity: Quantity) -> dict[str, Any]:
    return {"symbol": symbol, "account": account, "quantity": quantity_number(quantity)}


def _alert(alert: AlertRaised) -> dict[str, Any]:
    return {"at": datetime_of(alert.at), "severity": alert.severity, "subject": alert.subject, "text": alert.text}


def _price(price: Price | None) -> float | None:
    return None if price is None else price_float(price)


def _moment(at: Timestamp | None) -> datetime | None:
    return None if at is None else datetime_of(at)
