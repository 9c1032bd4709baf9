"""What the agent is doing now, as plain dictionaries."""

from __future__ import annotations

from typing import Any

from quietfill.agent import views
from quietfill.agent.stop_methods import StopMethods
from quietfill.agent.tca_methods import TcaMethods
from quietfill.agent.timeout_methods import TimeoutMethods
from quietfill.domain.messages import Rule
from quietfill.tca.fill_quality import fill_quality_report


class StatusMethods(TcaMethods, StopMethods, TimeoutMethods):
    """Live orders, fill quality, and the state of the house."""

    def get_pending_orders(self) -> list[dict[str, Any]]:
        """Return the live parents."""
        return [views.pending_order(parent) for parent in self._state.live.values()]

    def get_fill_quality_report(self, order_id: str) -> dict[str, Any] | None:
        """Return the fill quality of one parent, slice by slice; None for an unknown id."""
        order = self._history.order(order_id)
        return None if order is None else fill_quality_report(order)

    async def wait_done(self, order_id: str) -> dict[str, Any] | None:
        """Wait until a parent has ended; return its fill quality report, None for an unknown id."""
        await self.runtime.done(order_id)
        return self.get_fill_quality_report(order_id)

    def _work_status(self) -> dict[str, Any]:
        """Return what is being worked, and under which rules."""
        rules = self._state.rules
        return {
            "pending_orders": len(self._state.live),
            "stop_orders": len(self.get_stop_orders()),
            "kill_switch_active": bool(self._state.kills),
            "orders_this_minute": self._engine.placements_this_minute(self.runtime.clock.now()),
            "max_orders_per_minute": self.config.settings.max_orders_per_minute,
            "stop_monitor_running": self.is_running and rules[Rule.STOPS],
            "timeout_monitor_running": self.is_running and rules[Rule.TIMEOUTS],
            "timed_out_orders": len(self.get_timed_out_orders()),
            "symbols_with_prices": sorted(self._engine.observed.last_prices),
            "fill_quality": {**views.fill_quality_totals(self._state), **self.get_aggregate_fill_metrics()},
            "implementation_shortfall": self.get_implementation_shortfall_summary(),
        }

    def _house_status(self) -> dict[str, Any]:
        """Return how the journal and the line to the broker are."""
        return {
            "journal_sequence": self._state.sequence,
            "journal_failure": self.runtime.journal_failure,
            "broker_connected": self._edge.is_connected,
        }
