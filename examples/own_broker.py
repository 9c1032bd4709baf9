"""A broker of your own in twenty lines, and an agent that trades through it: `python examples/own_broker.py`."""

import asyncio
from collections.abc import Callable

from quietfill import (
    AgentConfig,
    AuditLogger,
    EventBus,
    ExecutionAgentImpl,
    FillEvent,
    Instrument,
    MemoryJournal,
    OrderEvent,
    OrderSide,
    TickRule,
)


class PaperBroker:
    """Fills every order at once, at its limit, in two parts."""

    def __init__(self) -> None:
        """Start connected, with nothing placed."""
        self.is_connected = True
        self._last_id = 0
        self._tell: list[Callable[[FillEvent], None]] = []

    async def place_order(self, order_event: OrderEvent, idempotency_key: str | None = None) -> int | None:
        """Take an order; None would mean that it was refused."""
        self._last_id += 1
        if order_event.limit_price is None:
            return None
        half = order_event.quantity // 2
        for number, quantity in enumerate((half, order_event.quantity - half)):
            fill = FillEvent(
                order_id=order_event.event_id,
                broker_order_id=self._last_id,
                symbol=order_event.symbol,
                side=order_event.side,
                filled_quantity=quantity,
                fill_price=order_event.limit_price,
                execution_id=f"{idempotency_key}/{number}",
            )
            for tell in self._tell:
                tell(fill)
        return self._last_id

    async def cancel_order(self, broker_order_id: int) -> bool:
        """Take a cancel request; here there never is anything left to cancel."""
        return broker_order_id <= self._last_id

    def on_fill(self, callback: Callable[[FillEvent], None]) -> None:
        """Remember who wants to hear of fills."""
        self._tell.append(callback)


async def main() -> None:
    """Buy 100 shares through it."""
    bus = EventBus()
    agent = ExecutionAgentImpl(AgentConfig("Desk"), bus, AuditLogger(), PaperBroker(), journal=MemoryJournal())
    # Inside, prices count 1e-9 of the currency and quantities 1e-8 of a share: ticks of 0.01, lots of one.
    agent.register_instrument(Instrument(symbol="ACME", ticks=(TickRule(0, 10_000_000),), lot=100_000_000))
    await bus.start()
    await agent.start()
    agent.update_order_book("ACME", bids=[(10.00, 500, 3)], asks=[(10.02, 400, 2)])
    order = OrderEvent(symbol="ACME", side=OrderSide.BUY, quantity=100, limit_price=10.02, algo="limit")
    report = await agent.wait_done(await agent.submit_order(order))
    assert report is not None
    print(f"bought {report['filled_quantity']} of {report['symbol']} at {report['avg_fill_price']}")
    await agent.stop()
    await bus.stop()


if __name__ == "__main__":
    asyncio.run(main())
