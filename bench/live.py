"""What the live path costs with everything on: a decision, a quote, and how long the loop is held."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Callable
from contextvars import Context
from functools import partial
from itertools import cycle
from statistics import median
from time import thread_time_ns
from typing import TYPE_CHECKING, Any

from bench import quotes, surroundings
from bench.live_desk import ALGOS, BareDesk, LiveDesk, turns
from bench.measuring import Budget, Row, Size, Yardstick, interleaved, micros_each, percentile
from quietfill.journal.memory import MemoryJournal
from quietfill.journal.sqlite import SqliteJournal

if TYPE_CHECKING:
    from pathlib import Path

_HOLD_BUDGET_US = 1_000
_BATCH = 1_000


def rows(size: Size, folder: Path) -> list[Row]:
    """Return the rows of this page."""
    decided = asyncio.run(_decided(size))
    with asyncio.Runner(loop_factory=TimedLoop) as runner:
        held = runner.run(_held(size, folder))
    return [*decided, *held, *asyncio.run(_quoted(size))]


# ---------------------------------------------------------------- from a decision to the broker


async def _decided(size: Size) -> list[Row]:
    desk, bare = LiveDesk(MemoryJournal()), BareDesk()
    live: dict[str, list[float]] = {algo: [] for algo in ALGOS}
    plain: dict[str, list[float]] = {algo: [] for algo in ALGOS}
    await desk.open()
    await bare.open()
    for turn in range(size.rounds + 1):
        for algo in ALGOS:
            samples = [await desk.decide(algo) for _ in range(size.samples if turn else 5)]
            others = [bare.decide(algo) for _ in range(size.samples if turn else 5)]
            if turn:  # the first one warms up
                live[algo] += samples
                plain[algo] += others
    await desk.close()
    await bare.close()
    return [
        Row(
            what=f"decision to place_order, everything on, {algo}",
            measured=median(live[algo]),
            unit="us",
            yardstick=Yardstick("bare runtime, order to edge", median(plain[algo])),
            tail={"p99": percentile(live[algo], 99)},
            note=_DECIDED_NOTE if algo == "market" else "",
        )
        for algo in ALGOS
    ]


_DECIDED_NOTE = (
    "From process_event(ValidatedDecisionEvent) to place_order of a user's broker, journal in memory: bus with"
    " subscribers, audit log, publisher, participation, latencies, best-execution analyzer and fill marks. The"
    " yardstick is submit(NewOrder) to the edge of a runtime to which nobody listens. POV is timed from the first"
    " volume."
)


# ---------------------------------------------------------------- how long the loop is held


class TimedLoop(asyncio.SelectorEventLoop):
    """A loop that knows its longest callback, with and without what the garbage collector took of it.

    Attributes:
        longest: us of CPU that one callback took since `watch`.
        longest_at_work: the same, the collector's part of each left out.
    """

    def __init__(self) -> None:
        super().__init__()
        self._collected = 0
        self._collects_since = 0
        self.watch()
        gc.callbacks.append(self._hear_collector)

    def watch(self) -> None:
        """Forget the longest callback so far."""
        self.longest = self.longest_at_work = 0.0

    def close(self) -> None:
        """Hear no more of the collector."""
        if self._hear_collector in gc.callbacks:
            gc.callbacks.remove(self._hear_collector)
        super().close()

    def call_soon(  # type: ignore[override]
        self, callback: Callable[..., object], *args: Any, context: Context | None = None
    ) -> asyncio.Handle:
        """Time the callback."""
        return super().call_soon(partial(self._timed, callback), *args, context=context)

    def call_soon_threadsafe(  # type: ignore[override]
        self, callback: Callable[..., object], *args: Any, context: Context | None = None
    ) -> asyncio.Handle:
        """Time the callback."""
        return super().call_soon_threadsafe(partial(self._timed, callback), *args, context=context)

    def _timed(self, callback: Callable[..., object], *args: Any) -> None:
        collected, start = self._collected, thread_time_ns()
        try:
            callback(*args)
        finally:
            taken = thread_time_ns() - start
            self.longest = max(self.longest, taken / 1e3)
            self.longest_at_work = max(self.longest_at_work, (taken - self._collected + collected) / 1e3)

    def _hear_collector(self, phase: str, _info: dict[str, int]) -> None:
        if phase == "start":
            self._collects_since = thread_time_ns()
        else:
            self._collected += thread_time_ns() - self._collects_since


async def _held(size: Size, folder: Path) -> list[Row]:
    desk = LiveDesk(SqliteJournal(folder / "live.journal"))
    held: dict[str, list[tuple[float, float]]] = {algo: [] for algo in ALGOS}
    await desk.open()
    for turn in range(size.rounds + 1):
        for algo in ALGOS:
            samples = [await _longest_stretch(desk, algo) for _ in range(size.samples if turn else 5)]
            held[algo] += samples if turn else []
    await desk.close()
    return [_held_row(algo, samples) for algo, samples in held.items()]


def _held_row(algo: str, samples: list[tuple[float, float]]) -> Row:
    longest, at_work = ([sample[which] for sample in samples] for which in (0, 1))
    return Row(
        what=f"the loop is held by one decision, {algo}, p99",
        measured=percentile(at_work, 99),
        unit="us",
        budget=Budget(_HOLD_BUDGET_US),
        tail={
            "p50": median(at_work),
            "max": max(at_work),
            "p99 with gc": percentile(longest, 99),
            "max with gc": max(longest),
        },
        note=_HELD_NOTE if algo == "market" else "",
    )


_HELD_NOTE = (
    "The longest single callback of the loop, in CPU time, from an approval published on the bus until its order is"
    " placed, journaled in SQLite and told to everybody, anybody's included: the agent's, the broker edge's, the"
    " publisher's, the subscribers'. What the interpreter's garbage collector took in it is left out, and stands"
    " beside."
)


async def _longest_stretch(desk: LiveDesk, algo: str) -> tuple[float, float]:
    """Publish an approved decision; return the us of the longest callback until all have heard of its order.

    The second figure leaves the garbage collector out.
    """
    loop = asyncio.get_running_loop()
    assert isinstance(loop, TimedLoop), "only that loop knows"
    desk.show(10_000)
    decision, approval = desk.decision(algo)
    await desk.bus.publish(decision)
    await desk.until(lambda: decision.event_id in desk.agent.runtime.engine.state.remembered)
    await desk.agent.runtime.quiet()
    await turns()
    loop.watch()
    await desk.bus.publish(approval)
    await desk.until(lambda: decision.event_id in desk.agent.runtime.engine.state.decisions)
    if algo == "pov":
        desk.show(20_000)
    await desk.until(lambda: bool(desk.broker.placed))
    await desk.agent.runtime.quiet()
    await turns()
    longest = loop.longest, loop.longest_at_work
    await desk.settle()
    return longest


# ---------------------------------------------------------------- one quote


async def _quoted(size: Size) -> list[Row]:
    desk = LiveDesk(MemoryJournal())
    await desk.open()
    await desk.rest_peg()
    bare = quotes.resting("midpoint_peg")
    figures = interleaved(
        size.rounds,
        {
            "shown": lambda: micros_each(_shower(desk), _BATCH),
            "told": lambda: micros_each(_teller(desk), _BATCH),
            "engine": lambda: micros_each(quotes.quoter(bare), _BATCH),
        },
    )
    await desk.close()
    engine = Yardstick("engine.handle of the same", figures["engine"])
    note = (
        "A book of ten levels a side in which sizes change, one midpoint peg resting, nobody re-planned: shown by a"
        " broker edge as it is, or told as lists of floats, which must be read and checked."
    )
    return [
        Row(what="one quote through an agent with everything on", measured=figures["shown"], unit="us",
            yardstick=engine, note=note),
        Row(what="one update_order_book of the same", measured=figures["told"], unit="us", yardstick=engine),
    ]  # fmt: skip


def _shower(desk: LiveDesk) -> Callable[[], None]:
    now = desk.agent.runtime.clock.now()
    books = cycle([surroundings.book(now, size) for size in (50, 60, 70)])
    return lambda: desk.agent.runtime.show(next(books))


def _teller(desk: LiveDesk) -> Callable[[], None]:
    def levels(best: float, step: float, size: int) -> list[tuple[float, int, int]]:
        return [(round(best + number * step, 2), size * 100, 1) for number in range(surroundings.LEVELS)]

    books = cycle([(levels(10.00, -0.01, size), levels(10.02, 0.01, size)) for size in (50, 60, 70)])
    return lambda: desk.agent.update_order_book(surroundings.SYMBOL, *next(books))
