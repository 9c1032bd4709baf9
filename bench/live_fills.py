"""Whether a fill costs more when a whole agent with everything on knows more orders."""

from __future__ import annotations

import asyncio
from itertools import count
from statistics import median
from time import thread_time_ns
from typing import TYPE_CHECKING

from bench import surroundings
from bench.fills import FEW, LOTS, TARGET, crowd_records, symbol_of
from bench.live_desk import PARAMETERS, Subscriber, turns
from bench.measuring import Budget, Row, Size, Yardstick
from quietfill.agent.agent import ExecutionAgentImpl
from quietfill.agent.config import AgentConfig
from quietfill.bus.local import EventBus
from quietfill.domain.events import EventType
from quietfill.domain.messages import BrokerSnapshot
from quietfill.domain.records import ChildRequested, InstrumentRegistered
from quietfill.journal.memory import MemoryJournal
from quietfill.runtime.audit import AuditLogger
from quietfill.tca.best_execution import BestExecutionAnalyzer
from quietfill.venue.virtual_clock import VirtualClock

if TYPE_CHECKING:
    from quietfill.ports.journal import Journal

_WARM_UP = 20


def rows(size: Size) -> list[Row]:
    """Return the rows of this page."""
    return [asyncio.run(_row(size, live=live)) for live in (False, True)]


async def _row(size: Size, *, live: bool) -> Row:
    few, many = FilledAgent(_journal(FEW, live=live)), FilledAgent(_journal(size.known, live=live))
    taken: dict[FilledAgent, list[float]] = {few: [], many: []}
    for desk in taken:
        await desk.open()
        await desk.micros(_WARM_UP)
    for _ in range(size.rounds):
        for desk, medians in taken.items():
            medians.append(median(await desk.micros(size.samples)))
    for desk in taken:
        await desk.close()
    word = "live" if live else "ended"
    return Row(
        what=f"a fill with {size.known:,} orders known, {word}, everything on",
        measured=median(taken[many]),
        unit="us",
        budget=Budget(1.5, of_ratio=True),
        yardstick=Yardstick(f"with {FEW} known", median(taken[few])),
        note="" if live else _NOTE,
    )


_NOTE = (
    "From a partial fill of a resting limit order at the edge until all have heard of it, in CPU time: engine, journal"
    " in memory, ledger, publisher, audit log, bus, subscribers, latencies, participation and analyzer. The other"
    f" orders came from the journal at the start; live ones rest, {FEW} to a symbol, the filled one's among them."
)


class OpenEdge(surroundings.NullEdge):
    """Cannot list what is open, so that a restart believes what the journal says."""

    async def snapshot(self) -> BrokerSnapshot:
        """Say nothing."""
        return BrokerSnapshot(orders=(), fills=(), complete=False, asked_at=0)


class FilledAgent:
    """An agent in which one resting order is filled a lot at a time."""

    def __init__(self, journal: Journal) -> None:
        self._clock = VirtualClock(surroundings.NOON)
        self._edge = OpenEdge(thread_time_ns)
        self._bus = EventBus()
        self._subscriber = Subscriber()
        for event_type in EventType:
            self._bus.subscribe(event_type, self._subscriber.hear)
        config = AgentConfig("Fills", parameters={**PARAMETERS, "max_open_orders": 1_000_000})
        audit = AuditLogger(max_entries=10_000)
        self._agent = ExecutionAgentImpl(config, self._bus, audit, self._edge, journal=journal, clock=self._clock)
        self._agent.set_best_execution_analyzer(BestExecutionAnalyzer())
        self._executions = count()
        self._child = ""

    async def open(self) -> None:
        """Start from the journal, and have one order more rest."""
        await self._bus.start()
        await self._agent.start()
        now = self._clock.now()
        self._agent.runtime.show(surroundings.book(now, symbol=symbol_of(0)))
        self._agent.runtime.submit(surroundings.order(TARGET, "limit", LOTS, now, symbol_of(0)))
        request = next(sent for sent, _ in reversed(self._edge.sent) if isinstance(sent, ChildRequested))
        assert request.order_id == TARGET, "the order to be filled was not sent"
        self._child = request.child_id
        self._edge.report(surroundings.accepted(self._child, now))
        await turns()

    async def close(self) -> None:
        """Stop."""
        await self._agent.stop()
        await self._bus.stop(timeout=1.0)

    async def micros(self, samples: int) -> list[float]:
        """Return what each of so many fills cost, in us of CPU; a quote comes between any two."""
        taken: list[float] = []
        now = self._clock.now()
        for _ in range(samples):
            report = surroundings.filled(self._child, f"e{next(self._executions)}", surroundings.LOT, now)
            self._agent.runtime.show(surroundings.book(now, symbol=symbol_of(0)))
            await turns()
            heard = self._subscriber.heard
            start = thread_time_ns()
            self._edge.report(report)
            await turns()
            taken.append((thread_time_ns() - start) / 1e3)
            assert self._subscriber.heard > heard, "nobody was told of the fill"
        return taken


def _journal(orders: int, *, live: bool) -> MemoryJournal:
    """Return the journal of a run that knew so many orders."""
    journal = MemoryJournal()
    symbols = [symbol_of(number) for number in range(0, orders, FEW)]
    journal.append(
        [
            InstrumentRegistered(at=surroundings.NOON, instrument=surroundings.instrument(name), by="bench", reason="")
            for name in symbols
        ]
    )
    journal.append(list(crowd_records(orders, live=live)))
    return journal
