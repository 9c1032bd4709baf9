"""Time-outs: orders that ran into their deadline, and the rules that set one. Deadline-driven, nothing polls."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from quietfill.agent.face import AgentFace
from quietfill.agent.views import average_price
from quietfill.domain.messages import Rule, SwitchRule
from quietfill.domain.types import SECOND, datetime_of, quantity_number

if TYPE_CHECKING:
    from quietfill.engine.parent import ParentState


class TimeoutMethods(AgentFace):
    """Deadlines and what became of the orders that met theirs."""

    def start_order_timeout_monitor(self) -> None:
        """Give a time-out to orders that state no life of their own, from now on. Starting twice does nothing."""
        self.runtime.submit(SwitchRule(rule=Rule.TIMEOUTS, on=True, by=self.config.name))

    async def stop_order_timeout_monitor(self) -> None:
        """Let orders that state no life of their own last for their session, from now on.

        A deadline that an order has already, and any that was stated, stays.
        """
        message = SwitchRule(rule=Rule.TIMEOUTS, on=False, by=self.config.name)
        await self.runtime.committed(self.runtime.submit(message))

    def get_timed_out_orders(self) -> list[str]:
        """Return the orders that met their deadline with something left, oldest first."""
        return [parent.order_id for parent in self._state.finished if parent.timed_out]

    def get_partial_fill_timeouts(self) -> list[dict[str, Any]]:
        """Return those that met it partly filled; `timeout_at` is an aware datetime."""
        return [_partial(parent) for parent in self._state.finished if parent.timed_out and parent.filled]

    def get_order_age(self, order_id: str) -> float | None:
        """Return seconds since acceptance (until the end, for an order that ended); None for an unknown id."""
        parent = self._state.parents.get(order_id)
        if parent is None:
            return None
        until = self.runtime.clock.now() if parent.done_at is None else parent.done_at
        return (until - parent.accepted.at) / SECOND


def _partial(parent: ParentState) -> dict[str, Any]:
    return {
        "order_id": parent.order_id,
        "symbol": parent.symbol,
        "side": parent.side.value,
        "total_quantity": quantity_number(parent.quantity),
        "filled_quantity": quantity_number(parent.filled),
        "unfilled_quantity": quantity_number(parent.leaves),
        "avg_fill_price": average_price(parent.filled_value, parent.filled),
        "timeout_at": None if parent.done_at is None else datetime_of(parent.done_at),
    }
