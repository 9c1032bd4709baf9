"""Names that users of older agents expect. Each is a view of what the engine and the ledger know anyway.

Older agents had to be told of acknowledgements and partial fills, and polled for orders gone silent. Here the engine
hears for itself, every request has a deadline, and silence is asked about; so what used to be told is only looked up.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from quietfill.agent.face import AgentFace
from quietfill.domain.errors import BadInput
from quietfill.domain.messages import Rule, SwitchRule
from quietfill.domain.order_state import OrderState
from quietfill.domain.types import SECOND, datetime_of, price_from, quantity_number
from quietfill.tca.quality import quality_score, quality_summary

if TYPE_CHECKING:
    from quietfill.domain.types import Timestamp
    from quietfill.engine.child import ChildState
    from quietfill.engine.parent import ParentState

_ANSWER_MISSING = "no answer within"


class OlderNames(AgentFace):
    """Zombies, acknowledgements, partial fills and quality scores."""

    # Orders gone silent

    def start_zombie_order_monitor(self) -> None:
        """Have the broker asked about child orders that were silent for `zombie_order_timeout_seconds`."""
        self.runtime.submit(SwitchRule(rule=Rule.ZOMBIES, on=True, by=self.config.name))

    async def stop_zombie_order_monitor(self) -> None:
        """Ask about nobody for mere silence; requests without an answer are still asked about."""
        message = SwitchRule(rule=Rule.ZOMBIES, on=False, by=self.config.name)
        await self.runtime.committed(self.runtime.submit(message))

    def get_zombie_order_stats(self) -> dict[str, Any]:
        """Return monitor_running, timeout_seconds, total_working, silent, and uncertain: how many are in doubt.

        `silent` lists the child orders of which nothing was heard for the time-out, the longest first: order_id,
        child_id, broker_order_id, symbol, state and silent_seconds.
        """
        now, timeout = self.runtime.clock.now(), self.config.engine_settings.silence
        rows = [(now - _heard_at(parent, child), parent, child) for parent, child in self._live_children()]
        silent = sorted((row for row in rows if row[0] >= timeout), key=lambda row: -row[0])
        return {
            "monitor_running": self.is_running and self._state.rules[Rule.ZOMBIES],
            "timeout_seconds": timeout / SECOND,
            "total_working": len(rows),
            "silent": [{**_row(parent, child), "silent_seconds": age / SECOND} for age, parent, child in silent],
            "uncertain": len(self.get_uncertain_orders()),
        }

    def get_uncertain_orders(self) -> list[dict[str, Any]]:
        """Return the child orders in doubt: order_id, child_id, broker_order_id, symbol, state, exposed quantity."""
        return [
            {**_row(parent, child), "quantity": quantity_number(child.leaves)}
            for parent, child in self._live_children()
            if child.state is OrderState.UNKNOWN
        ]

    # Acknowledgements

    def register_pending_ack(self, order_id: str) -> bool:
        """Say whether an acknowledgement is awaited for a child of this order; the engine watches by itself."""
        return any(not child.is_acknowledged for parent, child in self._live_children() if parent.order_id == order_id)

    def confirm_order_ack(self, order_id: str) -> bool:
        """Say whether the broker acknowledged every live child of this order; only its own word can confirm one."""
        parent = self._state.live.get(order_id)
        return parent is not None and all(child.is_acknowledged for child in parent.live_children.values())

    def check_ack_timeouts(self) -> list[str]:
        """Return the orders with a request that the broker has not answered within `request_timeout_seconds`."""
        overdue = [parent.order_id for parent, child in self._live_children() if child.state is OrderState.UNKNOWN]
        return list(dict.fromkeys(overdue))

    def get_ack_timeout_alerts(self) -> list[dict[str, Any]]:
        """Return what was raised for missing answers: timestamp, child_id, message; oldest first."""
        return [
            {"timestamp": datetime_of(alert.at), "child_id": alert.subject, "message": alert.text}
            for alert in self._state.alerts
            if alert.text.startswith(_ANSWER_MISSING)
        ]

    # Partial fills

    def track_partial_fill(self, order_id: str) -> dict[str, Any] | None:
        """Return order_id, filled, remaining, fill_pct and is_partial of an order; None for an unknown id."""
        parent = self._state.parents.get(order_id)
        return None if parent is None else _partial(parent)

    def get_partial_fill_summary(self) -> dict[str, Any]:
        """Return total_orders, partially_filled, filled_pct (ratio of sums) and the partly filled orders."""
        parents = list(self._state.parents.values())
        partial = [row for row in map(_partial, parents) if row["is_partial"]]
        wanted = sum(parent.quantity for parent in parents)
        filled = sum(parent.filled for parent in parents)
        return {
            "total_orders": len(parents),
            "partially_filled": len(partial),
            "filled_pct": 100 * filled / wanted if wanted else None,
            "orders": partial,
        }

    # Quality

    def calculate_execution_quality_score(self, order_id: str) -> dict[str, Any] | None:
        """Return score (0-100), grade (A-F) and components of an order; None for an unknown id. See `quality_score`."""
        order = self._history.order(order_id)
        if order is None:
            return None
        return quality_score(order, self.config.settings.max_slippage_bps, self.config.settings.quality_score_weights)

    def get_execution_quality_summary(self) -> dict[str, Any]:
        """Return orders_scored, the average score weighted by quantity, and how many orders got each grade."""
        limit, weights = self.config.settings.max_slippage_bps, self.config.settings.quality_score_weights
        return quality_summary([quality_score(order, limit, weights) for order in self._history.orders()])

    def update_atr(self, symbol: str, atr: float) -> None:
        """Take an average true range of the daily bars, in currency: the symbol's volatility while none was observed.

        Raises:
            BadInput: (a ValueError) when it is not positive and finite.
        """
        true_range = price_from(atr, "atr")
        if true_range <= 0:
            raise BadInput(f"atr of {symbol} must be above 0, not {atr}")
        self._engine.observed.take_true_range(symbol, true_range)

    def _live_children(self) -> list[tuple[ParentState, ChildState]]:
        return [(parent, child) for parent in self._state.live.values() for child in parent.live_children.values()]


def _heard_at(parent: ParentState, child: ChildState) -> Timestamp:
    return max(parent.heard_at, child.requested_at)


def _row(parent: ParentState, child: ChildState) -> dict[str, Any]:
    return {
        "order_id": parent.order_id,
        "child_id": child.child_id,
        "broker_order_id": child.broker_order_id,
        "symbol": parent.symbol,
        "state": child.state.value,
    }


def _partial(parent: ParentState) -> dict[str, Any]:
    return {
        "order_id": parent.order_id,
        "filled": quantity_number(parent.filled),
        "remaining": quantity_number(parent.leaves),
        "fill_pct": 100 * parent.filled / parent.quantity,
        "is_partial": 0 < parent.filled < parent.quantity,
    }
