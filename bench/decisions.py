"""How long a validated decision takes to the broker's door, with the journal in memory and on disk."""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Callable, Generator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from queue import SimpleQueue
from statistics import median
from time import perf_counter_ns
from typing import TYPE_CHECKING

from bench import surroundings
from bench.measuring import Budget, Row, Size, Yardstick, micros
from quietfill.agent.agent import ExecutionAgentImpl
from quietfill.agent.config import AgentConfig
from quietfill.bus.local import EventBus
from quietfill.domain.events import DecisionEvent, ValidatedDecisionEvent
from quietfill.domain.types import OrderSide, datetime_of
from quietfill.journal.codec import CODEC
from quietfill.journal.memory import MemoryJournal
from quietfill.journal.sqlite import SqliteJournal
from quietfill.runtime.audit import AuditLogger

if TYPE_CHECKING:
    from quietfill.ports.journal import Journal

PARAMETERS = {
    "max_orders_per_minute": 1_000_000,
    "max_replaces_per_minute": 1_000_000,
    "max_broker_messages_per_second": 100_000,
    "min_order_interval_ms": 0,
}
TURNS = 8  # of the loop, so that what was said on the bus is heard before the next decision


class Desk:
    """An agent on the system's clock behind a broker edge that only takes the time."""

    def __init__(self, journal: Journal, *, audit_entries: int = 10_000) -> None:
        self.journal = journal
        self._edge = surroundings.NullEdge(perf_counter_ns)
        self._bus = EventBus()
        audit = AuditLogger(max_entries=audit_entries)
        config = AgentConfig("Desk", parameters=PARAMETERS)
        self.agent = ExecutionAgentImpl(config, self._bus, audit, self._edge, journal=journal)

    async def open(self) -> None:
        """Start the agent and show it a market."""
        self.agent.register_instrument(surroundings.instrument())
        await self._bus.start()
        await self.agent.start()

    async def close(self) -> None:
        """Stop the agent."""
        await self.agent.stop()
        await self._bus.stop()

    async def decide(self, algo: str) -> float:
        """Return us from handing in an approval to the request at the edge; then have the order filled."""
        clock = self.agent.runtime.clock
        self.agent.runtime.submit(surroundings.book(clock.now()))
        decision = DecisionEvent(
            symbol=surroundings.SYMBOL, action=OrderSide.BUY, quantity=100, algo=algo,
            timestamp=datetime_of(clock.now()), source_agent="Desk",
        )  # fmt: skip
        approval = ValidatedDecisionEvent(
            original_decision_id=decision.event_id, approved=True, source_agent="ComplianceAgent",
            timestamp=datetime_of(clock.now()),
        )  # fmt: skip
        await self.agent.process_event(decision)
        await turns(TURNS)
        start = perf_counter_ns()
        await self.agent.process_event(approval)
        assert len(self._edge.sent) == 1, "one decision, one request"
        taken = (self._edge.sent[0][1] - start) / 1e3
        self._edge.fill_all(clock.now())
        await self.agent.runtime.quiet()
        await turns(TURNS)
        return taken


def rows(size: Size, folder: Path) -> list[Row]:
    """Return the rows of this page."""
    return asyncio.run(_rows(size, folder))


async def _rows(size: Size, folder: Path) -> list[Row]:
    memory, durable = Desk(MemoryJournal()), Desk(SqliteJournal(folder / "decisions.journal"))
    samples: dict[str, list[float]] = {"turn": [], "market": [], "twap": [], "durable": [], "disk": []}
    with writer_thread(folder / "plain") as write:
        for desk in (memory, durable):
            await desk.open()
            for _ in range(20):
                await desk.decide("MARKET")
        for _ in range(size.rounds):
            samples["turn"].append(await loop_turn(size.samples))
            samples["market"].append(median([await memory.decide("MARKET") for _ in range(size.samples)]))
            samples["twap"].append(median([await memory.decide("TWAP") for _ in range(size.samples)]))
            body = commit_body(memory.journal)
            samples["disk"].append(median(micros(partial(write, body), size.samples)))
            samples["durable"].append(median([await durable.decide("MARKET") for _ in range(size.samples)]))
    for desk in (memory, durable):
        await desk.close()
    figures = {name: median(values) for name, values in samples.items()}
    turn = Yardstick("one asyncio loop turn", figures["turn"])
    disk = Yardstick("append + fdatasync in a thread", figures["disk"])
    return [
        Row(what="decision to submit, memory journal, market", measured=figures["market"], unit="us",
            budget=Budget(60), yardstick=turn, note=_NOTE),
        Row(what="decision to submit, memory journal, TWAP", measured=figures["twap"], unit="us",
            budget=Budget(60), yardstick=turn),
        Row(what="decision to submit, durable, market", measured=figures["durable"], unit="us",
            budget=Budget(3, of_ratio=True), yardstick=disk, note=_DURABLE_NOTE),
    ]  # fmt: skip


_NOTE = (
    "From process_event(ValidatedDecisionEvent) to submit() of an edge that does nothing; bus, audit log and publisher"
    " are real, the decision is already known, a quote is there."
)
_DURABLE_NOTE = (
    "The same on the SQLite journal. The yardstick writes as many bytes as the commit has, in one append with one"
    " fdatasync, by a thread that is handed them over a queue and answers over a queue, without a loop."
)


async def turns(count: int) -> None:
    """Let everything that is ready run, so many times."""
    for _ in range(count):
        await asyncio.sleep(0)


async def loop_turn(count: int) -> float:
    """Return the us that one turn of an idle loop takes."""
    start = perf_counter_ns()
    await turns(count)
    return (perf_counter_ns() - start) / 1e3 / count


def commit_body(journal: Journal) -> bytes:
    """Return as many bytes as one accepted order with its first child takes in a journal."""
    last: dict[str, bytes] = {}
    for entry in journal.read(max(0, journal.sequence - 50)):
        last[type(entry.record).__name__] = CODEC.encode(entry.record)
    return last["OrderAccepted"] + last["ChildRequested"]


@contextmanager
def writer_thread(path: Path) -> Generator[Callable[[bytes], None]]:
    """Give a function that has a thread append bytes and sync them, and returns when it has."""
    jobs, done = SimpleQueue[bytes](), SimpleQueue[int]()
    sync = getattr(os, "fdatasync", os.fsync)
    file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND)

    def work() -> None:
        while body := jobs.get():
            written = os.write(file, body)
            sync(file)
            done.put(written)

    def write(body: bytes) -> None:
        jobs.put(body)
        done.get()

    thread = threading.Thread(target=work)
    thread.start()
    try:
        yield write
    finally:
        jobs.put(b"")
        thread.join()
        os.close(file)
