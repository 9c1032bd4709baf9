"""Stops: register them, list them, switch them on and off. They trigger by events; nothing polls."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from quietfill.agent.face import AgentFace
from quietfill.algos.base import TRIGGERED
from quietfill.algos.trailing_stop import EXTREME, TrailingStopParams, level_at
from quietfill.domain.errors import BadInput
from quietfill.domain.messages import Rule, SwitchRule
from quietfill.domain.types import OrderType, Price, price_float, quantity_from, quantity_number

if TYPE_CHECKING:
    from quietfill.domain.events import OrderEvent
    from quietfill.domain.order import PendingOrder
    from quietfill.engine.parent import ParentState

_STOPS = {
    OrderType.STOP: "stop",
    OrderType.STOP_LIMIT: "stop_limit",
    OrderType.TRAILING_STOP: "trailing_stop",
    OrderType.MARKET: "stop",
}


class StopMethods(AgentFace):
    """What waits for its trigger."""

    def register_stop_order(self, pending: PendingOrder, **params: Any) -> None:
        """Watch for the stop price of *pending* and then trade; already through triggers at once.

        Args:
            pending: its order type says which kind of stop it is. One that states no kind (limit, the default) is a
                stop-limit order when it has a limit price, else a stop. Its order id names it from now on.
            params: of the algo, such as `trigger="bid_ask"` or `trail_bps=50`.

        Raises:
            BadInput: (a ValueError) when it has no stop price or is over; nothing is watched then.
        """
        event = pending.order_event
        if event.stop_price is None:
            raise BadInput(f"stop_price is missing: order {pending.order_id} cannot be a stop")
        if pending.is_terminal() or not pending.remaining_quantity:
            raise BadInput(f"remaining_quantity is {pending.remaining_quantity}: order {pending.order_id} is over")
        order = self._intake.direct_order(event, params, algo=_algo_of(event))
        left = quantity_from(pending.remaining_quantity, "remaining_quantity")
        self.runtime.submit(msgspec.structs.replace(order, order_id=pending.order_id, quantity=left))

    def get_stop_orders(self) -> list[dict[str, Any]]:
        """Return the stops that wait for their trigger; a trailing one with its present level."""
        return [self._stop_order(parent) for parent in self._state.live.values() if self._is_armed(parent)]

    async def start_stop_order_monitor(self) -> None:
        """Let triggers fire, from now on; starting twice does nothing."""
        await self._switch_stops(on=True)

    async def stop_stop_order_monitor(self) -> None:
        """Let no trigger fire until the next start; those that fired go on. Stopping twice does nothing."""
        await self._switch_stops(on=False)

    async def _switch_stops(self, *, on: bool) -> None:
        message = SwitchRule(rule=Rule.STOPS, on=on, by=self.config.name)
        await self.runtime.committed(self.runtime.submit(message))

    def _is_armed(self, parent: ParentState) -> bool:
        is_known = parent.algo in self._engine.algos
        return is_known and self._engine.algos.get(parent.algo).is_stop and TRIGGERED not in parent.memo

    def _stop_order(self, parent: ParentState) -> dict[str, Any]:
        return {
            "order_id": parent.order_id,
            "symbol": parent.symbol,
            "side": parent.side.value,
            "quantity": quantity_number(parent.quantity),
            "stop_price": _maybe_float(_level_of(parent)),
            "limit_price": _maybe_float(parent.limit_price),
            "order_type": parent.algo,
            "last_price": _maybe_float(self._engine.observed.last_prices.get(parent.symbol)),
        }


def _algo_of(order: OrderEvent) -> str:
    algo = _STOPS.get(order.order_type)
    return algo or ("stop" if order.limit_price is None else "stop_limit")


def _level_of(parent: ParentState) -> Price | None:
    if isinstance(parent.params, TrailingStopParams):
        return level_at(parent, parent.memo.get(EXTREME))
    return parent.stop_price


def _maybe_float(price: Price | None) -> float | None:
    return None if price is None else price_float(price)
