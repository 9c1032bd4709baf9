"""Orders that a caller awaits: the midpoint peg and the iceberg."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from quietfill.agent.awaited import Executed, execute, iceberg_result, peg_result
from quietfill.agent.face import AgentFace
from quietfill.algos.registry import parse_params
from quietfill.domain.errors import BadInput
from quietfill.domain.fields import number, whole
from quietfill.domain.types import SECOND, quantity_exact, quantity_from, quantity_number

if TYPE_CHECKING:
    from quietfill.domain.events import OrderEvent
    from quietfill.domain.types import Duration, PublicNumber, Timestamp

_LONGEST = 30 * 86_400
"""Longest time-out in seconds."""


class ExecuteMethods(AgentFace):
    """Submit a parent and await its end. Whoever stops waiting cancels it: nothing is left working."""

    async def execute_midpoint_peg(
        self, order: OrderEvent, max_deviation_bps: PublicNumber = 5.0, timeout_seconds: PublicNumber = 300.0
    ) -> dict[str, Any]:
        """Work an order at the others' mid until it is filled or the time is over.

        One child is modified in place when mid is more than *max_deviation_bps* from its price, never crosses, and
        never stands beyond the order's limit. The order's own `algo` is not used.

        Returns:
            order_id, symbol, side, requested_quantity, filled_quantity, remaining_quantity, avg_fill_price (None
            when nothing was filled), repeg_count (how often another price was asked for), duration_seconds (from
            acceptance to the end, on the agent's clock), status (filled, partial, unfilled), state, reason,
            refused (why, when it was).

        Raises:
            BadInput: (a ValueError) naming the argument; nothing was submitted.
        """
        params = {"max_deviation_bps": float(number(max_deviation_bps, "max_deviation_bps"))}
        end = self.runtime.clock.now() + _timeout(timeout_seconds)
        return peg_result(await self._execute(order, "midpoint_peg", params, end))

    async def execute_iceberg(
        self,
        order: OrderEvent,
        display_size: PublicNumber,
        variance_pct: PublicNumber = 0.2,
        min_replenish_seconds: PublicNumber = 1.0,
        price_offset_ticks: int = 0,
    ) -> dict[str, Any]:
        """Work an order by showing about *display_size* of it at a time, to the end of the order's session.

        A tip stands at the order's limit, else at the near touch moved by *price_offset_ticks* towards the far one.
        Its size varies by up to the share *variance_pct* (0 to 1). The order's own `algo` is not used.

        Returns:
            order_id, symbol, side, total_quantity, filled_quantity, remaining_quantity, avg_fill_price (None when
            nothing was filled), slice_count (tips sent), display_size, duration_seconds (from acceptance to the end,
            on the agent's clock), fill_rate_per_minute, status (filled, partial, unfilled), state, reason, refused
            (why, when it was).

        Raises:
            BadInput: (a ValueError) naming the argument; nothing was submitted.
        """
        shown = quantity_from(number(display_size, "display_size"), "display_size")
        params = {
            "display_size": str(quantity_exact(shown)),
            "variance_pct": float(number(variance_pct, "variance_pct")),
            "min_replenish_seconds": float(number(min_replenish_seconds, "min_replenish_seconds")),
            "price_offset_ticks": whole(price_offset_ticks, "price_offset_ticks"),
        }
        return iceberg_result(await self._execute(order, "iceberg", params, None), quantity_number(shown))

    async def _execute(self, order: OrderEvent, algo: str, params: dict[str, Any], end: Timestamp | None) -> Executed:
        """Check the parameters before anything is submitted; a cancel is answered within the shutdown time-out."""
        parse_params(self._engine.algos.get(algo), params)
        wanted = self._intake.direct_order(order, params, algo=algo, end=end)
        by, patience = self.config.name, self.config.shutdown_timeout_seconds
        return await execute(self.runtime, self._history, wanted, by=by, patience=patience)


def _timeout(seconds: PublicNumber) -> Duration:
    value = number(seconds, "timeout_seconds")
    if not 0 < value <= _LONGEST:
        raise BadInput(f"timeout_seconds must be above 0 and at most {_LONGEST}, not {value}")
    return max(1, round(value * SECOND))
