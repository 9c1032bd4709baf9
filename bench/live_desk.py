"""A whole agent with everything on, behind a broker as users bring it; and the bare runtime it is held against.

Times are CPU time of the loop's thread: nothing here waits, so what another program takes is left out.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from itertools import count
from time import perf_counter_ns, thread_time_ns
from typing import TYPE_CHECKING, Any

from bench import surroundings
from quietfill.agent.agent import ExecutionAgentImpl
from quietfill.agent.config import AgentConfig
from quietfill.bus.local import EventBus
from quietfill.domain.events import DecisionEvent, EventType, FillEvent, ValidatedDecisionEvent
from quietfill.domain.messages import NewOrder
from quietfill.domain.types import MINUTE, OrderSide, datetime_of, price_from
from quietfill.journal.memory import MemoryJournal
from quietfill.runtime.audit import AuditLogger
from quietfill.runtime.loop_clock import LoopClock
from quietfill.runtime.runtime import Runtime
from quietfill.tca.best_execution import BestExecutionAnalyzer

if TYPE_CHECKING:
    from quietfill.domain.events import AnyEvent, OrderEvent
    from quietfill.domain.instrument import Instrument
    from quietfill.domain.messages import BookUpdate
    from quietfill.ports.journal import Journal

PARAMETERS = {
    "max_orders_per_minute": 1_000_000,
    "max_replaces_per_minute": 1_000_000,
    "max_broker_messages_per_second": 100_000,
    "min_order_interval_ms": 0,
}
ALGOS: dict[str, dict[str, Any]] = {
    "market": {},
    "twap": {},
    "vwap": {},
    "pov": {},
    "is": {},
    "midpoint_peg": {},
    "iceberg": {"algo_params": {"display_size": 100}},
    "adaptive": {},
    "stop": {"stop_price": 9.99, "order_type": "stop"},
}
"""What a decision of each algo says besides; the stop is through already, so that it is sent at once."""

FOLLOWS_VOLUME = "pov"
"""Sends nothing before the market has traded since the order came, so it is timed from that book on."""

TURNS = 12
_PATIENCE_SECONDS = 10.0
SUBSCRIBERS = 3


class InstantBroker:
    """A user's broker that takes everything at once and notes when it was asked.

    Attributes:
        placed: (order, `thread_time_ns` on arrival).
        cancelled: the ids that were to be cancelled, and `cancelled_at` when the last was, in `perf_counter_ns`.
    """

    def __init__(self) -> None:
        self.is_connected = True
        self.placed: list[tuple[OrderEvent, int]] = []
        self.cancelled: list[int] = []
        self.cancelled_at = 0
        self._numbers = count(1)
        self._hear_fill: Callable[[FillEvent], None] = _deaf
        self._hear_status: Callable[[dict[str, Any]], None] = _deaf

    async def place_order(self, order_event: OrderEvent, idempotency_key: str | None = None) -> int:
        """Take an order."""
        del idempotency_key
        self.placed.append((order_event, thread_time_ns()))
        return next(self._numbers)

    async def cancel_order(self, broker_order_id: int) -> bool:
        """Cancel it at once."""
        self.cancelled.append(broker_order_id)
        self.cancelled_at = perf_counter_ns()
        self._hear_status({"broker_order_id": broker_order_id, "status": "cancelled"})
        return True

    def on_fill(self, callback: Callable[[FillEvent], None]) -> None:
        """Set who hears fills."""
        self._hear_fill = callback

    def on_order_status(self, callback: Callable[[dict[str, Any]], None]) -> None:
        """Set who hears what becomes of orders."""
        self._hear_status = callback

    def forget(self) -> None:
        """Forget every order that came, and every cancel."""
        self.placed.clear()
        self.cancelled.clear()

    def fill_all(self) -> None:
        """Fill every order that came, then forget it."""
        placed, self.placed = self.placed, []
        for order, _ in placed:
            self._hear_fill(
                FillEvent(
                    order_id=order.event_id, symbol=order.symbol, side=order.side, filled_quantity=order.quantity,
                    fill_price=order.limit_price or 10.02, timestamp=order.timestamp, execution_id=order.event_id,
                )
            )  # fmt: skip


class Subscriber:
    """Hears everything on a bus and counts it."""

    def __init__(self) -> None:
        self.heard = 0

    async def hear(self, event: AnyEvent) -> None:
        """Count an event."""
        del event
        self.heard += 1


class LiveDesk:
    """An agent on the system's clock, its bus with subscribers, its audit log and an analyzer of best execution."""

    def __init__(self, journal: Journal, **parameters: Any) -> None:
        self.journal = journal
        self.broker = InstantBroker()
        self.bus = EventBus()
        config = AgentConfig("Live", parameters={**PARAMETERS, **parameters})
        audit = AuditLogger(max_entries=10_000)
        self.agent = ExecutionAgentImpl(config, self.bus, audit, self.broker, journal=journal)
        self.agent.set_best_execution_analyzer(BestExecutionAnalyzer())
        for _ in range(SUBSCRIBERS):
            subscriber = Subscriber()
            for event_type in EventType:
                self.bus.subscribe(event_type, subscriber.hear)

    async def open(self) -> None:
        """Start bus and agent."""
        self.agent.register_instrument(instrument())
        await self.bus.start()
        await self.agent.start()

    async def close(self) -> None:
        """Stop both."""
        await self.agent.stop()
        await self.bus.stop(timeout=1.0)

    def show(self, volume_lots: int) -> None:
        """Show the market, so many lots traded today."""
        self.agent.runtime.show(market(self.agent.runtime.clock.now(), volume_lots))

    def decision(self, algo: str, quantity: int = 100) -> tuple[DecisionEvent, ValidatedDecisionEvent]:
        """Return a decision of now, with its approval."""
        now = datetime_of(self.agent.runtime.clock.now())
        terms: dict[str, Any] = {"order_type": "market", **ALGOS[algo]}
        decision = DecisionEvent(
            symbol=surroundings.SYMBOL, action=OrderSide.BUY, quantity=quantity, algo=algo,
            timestamp=now, source_agent="Bench", **terms,
        )  # fmt: skip
        approval = ValidatedDecisionEvent(
            original_decision_id=decision.event_id, approved=True, source_agent="ComplianceAgent", timestamp=now
        )
        return decision, approval

    async def decide(self, algo: str) -> float:
        """Return us from handing in an approval to `place_order`; then have the order filled."""
        self.show(10_000)
        decision, approval = self.decision(algo)
        await self.agent.process_event(decision)
        await turns()
        start = thread_time_ns()
        await self.agent.process_event(approval)
        if algo == FOLLOWS_VOLUME:
            start = thread_time_ns()
            self.show(20_000)
        await turns()
        assert len(self.broker.placed) == 1, f"{algo}: one decision, one order; not {len(self.broker.placed)}"
        taken = (self.broker.placed[0][1] - start) / 1e3
        await self.settle()
        return taken

    async def rest_peg(self) -> None:
        """Have one peg rest at mid, acknowledged."""
        self.show(10_000)
        decision, approval = self.decision("midpoint_peg", 60_000)
        await self.agent.process_event(decision)
        await self.agent.process_event(approval)
        await turns()
        assert len(self.broker.placed) == 1, "the peg does not rest"

    async def until(self, condition: Callable[[], bool]) -> None:
        """Let the loop turn until something is so.

        Raises:
            TimeoutError: when that takes longer than anything here may.
        """
        async with asyncio.timeout(_PATIENCE_SECONDS):
            while not condition():  # noqa: ASYNC110 - how many turns that takes is what is measured
                await asyncio.sleep(0)

    async def settle(self) -> None:
        """Have everything filled, and heard by everybody."""
        self.broker.fill_all()
        await turns()
        await self.agent.runtime.quiet()
        await turns()
        assert not self.agent.runtime.engine.state.live, "an order is left"


class BareDesk:
    """Runtime, engine and journal in memory behind an edge that does nothing; nobody hears of anything."""

    def __init__(self) -> None:
        self._edge = surroundings.NullEdge(thread_time_ns)
        engine = surroundings.engine()
        engine.state.instruments[surroundings.SYMBOL] = instrument()
        self._clock = LoopClock()
        self._runtime = Runtime(engine, MemoryJournal(), self._edge, self._clock)
        self._numbers = count()

    async def open(self) -> None:
        """Start it."""
        await self._runtime.start()

    async def close(self) -> None:
        """Stop it."""
        await self._runtime.stop()

    def decide(self, algo: str) -> float:
        """Return us from handing in an order to the request at the edge; then have it filled."""
        self._runtime.show(market(self._clock.now(), 10_000))
        order = self._order(algo)
        start = thread_time_ns()
        self._runtime.submit(order)
        if algo == FOLLOWS_VOLUME:
            start = thread_time_ns()
            self._runtime.show(market(self._clock.now(), 20_000))
        assert len(self._edge.sent) == 1, f"{algo}: one order, one request"
        taken = (self._edge.sent[0][1] - start) / 1e3
        self._edge.fill_all(self._clock.now())
        return taken

    def _order(self, algo: str) -> NewOrder:
        terms = ALGOS[algo]
        stop_price = terms.get("stop_price")
        name = f"{next(self._numbers):016x}"
        return NewOrder(
            order_id=name,
            decision_id=f"decision-{name}",
            symbol=surroundings.SYMBOL,
            side=OrderSide.BUY,
            quantity=surroundings.LOT,
            algo=algo,
            params=terms.get("algo_params", {}),
            stop_price=None if stop_price is None else price_from(stop_price),
            end=self._clock.now() + 10 * MINUTE,
        )


def instrument() -> Instrument:
    """Return the share of the bench with what an implementation shortfall must know of it."""
    return surroundings.instrument(average_daily_volume=10**6 * surroundings.LOT, daily_volatility=0.02)


def market(now: int, volume_lots: int) -> BookUpdate:
    """Return the book of the bench, so many lots traded today."""
    return surroundings.book(now, volume_lots=volume_lots)


async def turns(number: int = TURNS) -> None:
    """Let everything that is ready run, so many times."""
    for _ in range(number):
        await asyncio.sleep(0)


def _deaf(_: object) -> None:
    """Nobody listens yet."""
