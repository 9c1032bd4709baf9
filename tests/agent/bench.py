"""A runtime on a bench: a broker edge, a clock and a journal that do what a test says."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from quietfill import MemoryJournal
from quietfill.domain.messages import BookUpdate, BrokerSnapshot, NewOrder
from quietfill.domain.types import MINUTE, OrderSide, price_from, quantity_from
from quietfill.runtime.runtime import Runtime
from quietfill.venue.virtual_clock import VirtualClock
from tests.engine.rig import NOON, SYMBOL, Rig, slice_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from quietfill.domain.execution_report import ExecutionReport
    from quietfill.domain.messages import BrokerOrder, LinkState
    from quietfill.domain.records import AnyRecord, WireRequest


class HandEdge:
    """A broker edge that keeps what was sent and says what a test wants."""

    def __init__(self, clock: VirtualClock) -> None:
        self.clock = clock
        self.sent: list[WireRequest] = []
        self.listed: tuple[BrokerOrder, ...] = ()
        self.asked = 0
        self.is_connected = False
        self.snapshot_error: Exception | None = None
        self.submit_error: Exception | None = None
        self.on_connect: Callable[[], object] = lambda: None
        self.may_answer = asyncio.Event()
        self.may_answer.set()

    async def connect(self) -> None:
        """Connect, and let a test do something meanwhile."""
        self.is_connected = True
        self.on_connect()

    async def disconnect(self) -> None:
        """Let go."""
        self.is_connected = False

    def submit(self, request: WireRequest) -> None:
        """Keep a request, or fail once."""
        if self.submit_error is not None:
            error, self.submit_error = self.submit_error, None
            raise error
        self.sent.append(request)

    async def snapshot(self) -> BrokerSnapshot:
        """List what a test says, when it says so."""
        self.asked += 1
        asked_at = self.clock.now()
        await self.may_answer.wait()
        if self.snapshot_error is not None:
            raise self.snapshot_error
        return BrokerSnapshot(orders=self.listed, fills=(), complete=True, asked_at=asked_at)

    def on_report(self, callback: Callable[[ExecutionReport], None]) -> None:
        """Take who hears reports."""
        self.report = callback

    def on_book(self, callback: Callable[[BookUpdate], None]) -> None:
        """Take who hears books."""
        self.book = callback

    def on_link(self, callback: Callable[[LinkState], None]) -> None:
        """Take who hears of the line."""
        self.link = callback


class SlowJournal(MemoryJournal):
    """Commits when a test says so."""

    holds = False

    def __init__(self) -> None:
        super().__init__()
        self._hear: Callable[[int], None] = lambda _: None

    def on_commit(self, listener: Callable[[int], None]) -> None:
        """Take the listener; it hears nothing while the disk is slow."""
        self._hear = listener
        super().on_commit(lambda sequence: None if self.holds else listener(sequence))

    def catch_up(self) -> None:
        """Make everything durable."""
        self.holds = False
        self._hear(self.sequence)


class Bench:
    """One runtime with an engine as on the engine's bench."""

    def __init__(self, journal: Any = None, records: Sequence[AnyRecord] = ()) -> None:
        self.rig = Rig()
        self.rig.puppet.wanted = (slice_of(100),)
        self.clock = VirtualClock(NOON)
        self.edge = HandEdge(self.clock)
        self.journal = journal if journal is not None else MemoryJournal()
        if records:
            self.journal.append(records)
        self.runtime = Runtime(self.rig.engine, self.journal, self.edge, self.clock)

    def quote(self) -> None:
        """Show the book."""
        bids, asks = (((price_from(price), quantity_from(1000)),) for price in ("10.00", "10.02"))
        self.runtime.submit(BookUpdate(symbol=SYMBOL, time=self.clock.now(), bids=bids, asks=asks))

    def order(self, name: str = "p1") -> int:
        """Submit a puppet order of 100 over ten minutes."""
        return self.runtime.submit(
            NewOrder(
                order_id=name,
                decision_id=f"d-{name}",
                symbol=SYMBOL,
                side=OrderSide.BUY,
                quantity=quantity_from(100),
                algo="puppet",
                end=self.clock.now() + 10 * MINUTE,
            )
        )

    async def pass_time(self, duration: int) -> None:
        """Let alarms ring, and tasks run."""
        until = self.clock.now() + duration
        while (due := self.clock.next_alarm()) is not None and due <= until:
            self.clock.set(max(due, self.clock.now()))
            self.clock.ring()
            await turns()
        self.clock.set(until)
        await turns()


async def turns() -> None:
    """Give every ready task some turns of the loop."""
    for _ in range(20):
        await asyncio.sleep(0)
