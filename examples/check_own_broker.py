"""A broker of your own, and all that the engine relies on seen on it: `python examples/check_own_broker.py`."""

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from typing import Any

from quietfill import BrokerRefusal, FillEvent, Instrument, OrderEvent, OrderSide, TickRule
from quietfill.brokers.minimal import MinimalEdge
from quietfill.domain.types import TimeInForce, price_from
from quietfill.testing.broker_conformance import Ability, BrokerStage, run_all

BID, ASK = 10.00, 10.02


class ShelfBroker:
    """Buys at 10.02 and sells at 10.00, without end; what does not trade there rests on a shelf."""

    def __init__(self) -> None:
        """Start connected, with an empty shelf."""
        self.is_connected = True
        self._shelf: dict[int, OrderEvent] = {}
        self._numbers: dict[str | None, int] = {}
        self._fills: list[FillEvent] = []
        self._tell_fill: list[Callable[[FillEvent], None]] = []
        self._tell_status: list[Callable[[dict[str, Any]], None]] = []

    async def place_order(self, order_event: OrderEvent, idempotency_key: str | None = None) -> int | None:
        """Take an order, once for each key."""
        if idempotency_key in self._numbers:
            return self._numbers[idempotency_key]
        limit, touch = order_event.limit_price, ASK if order_event.side is OrderSide.BUY else BID
        if limit is not None and round(float(limit), 2) != float(limit):
            raise BrokerRefusal("prices move in cents")
        number = self._numbers[idempotency_key] = len(self._numbers) + 1
        if limit is None or order_event.side.sign * (float(limit) - touch) >= 0:
            self._fill(number, order_event, touch)
        elif order_event.time_in_force is TimeInForce.IOC:
            self._end(number, "cancelled")
        else:
            self._shelf[number] = order_event
        return number

    async def cancel_order(self, broker_order_id: int) -> bool:
        """Take an order off the shelf, if it is there."""
        if self._shelf.pop(broker_order_id, None) is None:
            return False
        self._end(broker_order_id, "cancelled")
        return True

    def on_fill(self, callback: Callable[[FillEvent], None]) -> None:
        """Remember who wants to hear of fills."""
        self._tell_fill.append(callback)

    def on_order_status(self, callback: Callable[[dict[str, Any]], None]) -> None:
        """Remember who wants to hear what orders become."""
        self._tell_status.append(callback)

    async def open_orders(self) -> list[dict[str, Any]]:
        """List the shelf."""
        return [
            {
                "order_id": order.event_id,
                "broker_order_id": number,
                "quantity": order.quantity,
                "filled": 0,
                "limit_price": order.limit_price,
            }
            for number, order in self._shelf.items()
        ]

    async def executions(self) -> list[FillEvent]:
        """List all fills."""
        return list(self._fills)

    def _fill(self, number: int, order: OrderEvent, price: float) -> None:
        fill = FillEvent(
            order_id=order.event_id,
            broker_order_id=number,
            symbol=order.symbol,
            side=order.side,
            filled_quantity=order.quantity,
            fill_price=price,
            execution_id=f"{number}/1",
        )
        self._fills.append(fill)
        for tell in self._tell_fill:
            tell(fill)

    def _end(self, number: int, status: str) -> None:
        for tell in self._tell_status:
            tell({"broker_order_id": number, "status": status})


class ShelfStage(BrokerStage):
    """One shelf, what is certain about it, and what it cannot do."""

    def __init__(self) -> None:
        """Set a broker up; nothing of an earlier check is on it."""
        self.broker = ShelfBroker()
        by_owner = "the agent's owner brings market data"
        super().__init__(
            # Inside, prices count 1e-9 of the currency and quantities 1e-8 of a share: ticks of 0.01, lots of one.
            Instrument(symbol="ACME", ticks=(TickRule(0, 10_000_000),), lot=100_000_000),
            lacks={
                Ability.SESSION: "nothing has to be connected",
                Ability.LINE: "there is no network in between",
                Ability.REOPEN: "the shelf is gone with the process",
                Ability.REPLACE: "it has no modify_order",
                Ability.GOOD_TILL: "orders rest until they are cancelled",
                Ability.PARTIAL_FILLS: "it fills all or nothing",
                Ability.LATER_FILLS: "its prices never move",
                Ability.BOOKS: by_owner,
                Ability.OWN_SIZE: by_owner,
            },
        )

    def open_edge(self) -> MinimalEdge:
        """Wrap the broker as an agent does; an edge of your own is returned as it is."""
        return MinimalEdge(self.broker, self.clock)

    def resting_price(self, side: OrderSide) -> int:
        """Nothing trades a whole currency unit behind the touch."""
        return price_from(BID - 1 if side is OrderSide.BUY else ASK + 1)

    def trading_price(self, side: OrderSide) -> int:
        """Everything trades at the touch of the other side."""
        return price_from(ASK if side is OrderSide.BUY else BID)

    def refused_price(self, side: OrderSide) -> int:
        """Half a cent is no price."""
        return self.resting_price(side) + price_from("0.005")


@asynccontextmanager
async def shelf_stage() -> AsyncGenerator[BrokerStage]:
    """Open a fresh stage; what has to be started and stopped around one check has its place here."""
    stage = ShelfStage()
    yield stage


async def main() -> None:
    """Run every check and print what came of it."""
    report = await run_all(shelf_stage)
    print(report.table())
    raise SystemExit(0 if report.is_trusted else 1)


if __name__ == "__main__":
    asyncio.run(main())
