"""What stays in memory of a parent order that has ended, the journal not counted."""

from __future__ import annotations

import asyncio
import gc
import tracemalloc
from typing import Self

from bench import surroundings
from bench.decisions import Desk
from bench.measuring import Budget, Row, Size
from quietfill.domain.records import ChildRequested
from quietfill.domain.types import SECOND
from quietfill.engine.state import FINISHED_KEPT

LIMIT = 300


def rows(size: Size) -> list[Row]:
    """Return the rows of this page."""
    engine_bytes, kept = engine_growth(size.settled, size.finished)
    agent_bytes = asyncio.run(agent_growth(size.settled, size.finished))
    return [
        Row(what="memory kept per finished parent, engine", measured=engine_bytes, unit="B", budget=Budget(LIMIT),
            note=_NOTE.format(kept=FINISHED_KEPT, each=kept)),
        Row(what="memory kept per finished parent, whole agent", measured=agent_bytes, unit="B",
            budget=Budget(LIMIT), note=_AGENT_NOTE),
    ]  # fmt: skip


_NOTE = (
    "Growth of tracemalloc's count per parent (one child, one fill) once the engine lets old ones go; it keeps the last"
    " {kept:,} whole, at {each:,.0f} B each while there are fewer."
)
_AGENT_NOTE = (
    "The same through the agent with intake, publisher and order history, on a journal that keeps nothing; the audit"
    " log's ring of entries is full before the count begins."
)


def engine_growth(settled: int, finished: int) -> tuple[float, float]:
    """Return bytes per parent behind the first *settled* ones, and bytes per parent before."""
    engine = surroundings.engine()

    def finish(first: int, count: int) -> None:
        for number in range(first, first + count):
            now = surroundings.NOON + number * 10 * SECOND  # time passes, so that pacing and timers forget too
            engine.handle(surroundings.book(now), now)
            engine.wake(now)
            records = engine.handle(surroundings.order(f"{number:016x}", "market", 1, now), now)
            child = next(record.child_id for record in records if isinstance(record, ChildRequested))
            engine.release(engine.state.sequence, now)
            engine.handle(surroundings.accepted(child, now), now)
            engine.handle(surroundings.filled(child, f"{child}.1", surroundings.LOT, now), now)

    early, few = min(settled, FINISHED_KEPT) // 10, min(settled, FINISHED_KEPT) // 2
    finish(0, early)
    with _Watched() as watched:
        finish(early, few)
        young = watched.grown() / few
        finish(early + few, settled - early - few)
        before = watched.grown()
        finish(settled, finished)
        return (watched.grown() - before) / finished, young


async def agent_growth(settled: int, finished: int) -> float:
    """Return bytes per parent behind the first *settled* ones."""
    desk = Desk(surroundings.ForgetfulJournal(), audit_entries=settled)
    await desk.open()
    with _Watched() as watched:
        for _ in range(settled):
            await desk.decide("MARKET")
        before = watched.grown()
        for _ in range(finished):
            await desk.decide("MARKET")
        growth = watched.grown() - before
    await desk.close()
    return growth / finished


class _Watched:
    """Counts what was allocated since it was entered and is still there."""

    def __enter__(self) -> Self:
        tracemalloc.start()
        self._start = self._now()
        return self

    def __exit__(self, *_: object) -> None:
        tracemalloc.stop()

    def grown(self) -> int:
        """Return the bytes that are there and were not before."""
        return self._now() - self._start

    @staticmethod
    def _now() -> int:
        gc.collect()
        return tracemalloc.get_traced_memory()[0]
