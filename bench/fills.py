"""Whether a fill costs more when the engine knows more orders."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count
from time import thread_time_ns
from typing import TYPE_CHECKING

import msgspec

from bench import surroundings
from bench.measuring import Budget, Row, Size, Yardstick, interleaved
from quietfill.domain.records import AnyRecord, ChildRequested, OrderAccepted

if TYPE_CHECKING:
    from quietfill.engine.engine import Engine

FEW = 100
LOTS = 1_000_000  # of the order that is filled lot by lot
TARGET = "target"


def rows(size: Size) -> list[Row]:
    """Return the rows of this page."""
    few_ended, many_ended = Filled(crowd(FEW, live=False)), Filled(crowd(size.known, live=False))
    few_live, many_live = Filled(crowd(FEW, live=True)), Filled(crowd(size.known, live=True))
    figures = interleaved(
        size.rounds,
        {
            "few ended": lambda: few_ended.micros(size.samples),
            "many ended": lambda: many_ended.micros(size.samples),
            "few live": lambda: few_live.micros(size.samples),
            "many live": lambda: many_live.micros(size.samples),
        },
    )
    return [
        Row(
            what=f"a fill with {size.known:,} orders known, {word}",
            measured=figures[f"many {word}"],
            unit="us",
            budget=Budget(1.5, of_ratio=True),
            yardstick=Yardstick(f"with {FEW} known", figures[f"few {word}"]),
            note=note,
        )
        for word, note in _NOTES.items()
    ]


_NOTES = {
    "ended": "engine.handle of one partial fill of a resting limit order: booked, its parent looked at, nothing sent.",
    "live": f"The others all rest at a broker, {FEW} to a symbol; the filled order shares its symbol with {FEW}.",
}


class Filled:
    """An engine in which one resting order is filled a lot at a time."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._executions = count()
        now = surroundings.NOON
        engine.handle(surroundings.book(now, symbol=symbol_of(0)), now)
        records = engine.handle(surroundings.order(TARGET, "limit", LOTS, now, symbol_of(0)), now)
        self._child = next(record.child_id for record in records if isinstance(record, ChildRequested))
        engine.release(engine.state.sequence, now)
        engine.handle(surroundings.accepted(self._child, now), now)

    def micros(self, samples: int) -> list[float]:
        """Return what each of so many fills cost, in us of CPU; a quote comes between any two."""
        taken: list[float] = []
        now = surroundings.NOON
        for _ in range(samples):
            report = surroundings.filled(self._child, f"e{next(self._executions)}", surroundings.LOT, now)
            self._engine.handle(surroundings.book(now, symbol=symbol_of(0)), now)
            start = thread_time_ns()
            self._engine.handle(report, now)
            taken.append((thread_time_ns() - start) / 1e3)
        return taken


def symbol_of(number: int) -> str:
    """Return the symbol of order *number*; each hundred orders share one."""
    return f"S{number // FEW}"


def crowd(orders: int, *, live: bool) -> Engine:
    """Return an engine that has booked the records of so many orders that rest, or were filled and have ended."""
    engine = surroundings.engine(*(symbol_of(number) for number in range(0, orders, FEW)))
    engine.state.replay(crowd_records(orders, live=live))
    return engine


def crowd_records(orders: int, *, live: bool) -> Iterator[AnyRecord]:
    """Yield what the engine itself wrote about one order, under other names."""
    pattern = _pattern(live=live)
    for number in range(orders):
        name = f"order-{number}"
        for record in pattern:
            changes: dict[str, str] = {}
            if hasattr(record, "child_id"):
                changes["child_id"] = f"{name}-1"
            if hasattr(record, "order_id"):
                changes["order_id"] = name
            if hasattr(record, "symbol"):
                changes["symbol"] = symbol_of(number)
            if isinstance(record, OrderAccepted):
                changes["decision_id"] = f"decision-{name}"
            yield msgspec.structs.replace(record, **changes)


def _pattern(*, live: bool) -> list[AnyRecord]:
    engine, now = surroundings.engine(), surroundings.NOON
    engine.handle(surroundings.book(now), now)
    records = engine.handle(surroundings.order("pattern", "limit", 1, now), now)
    engine.release(engine.state.sequence, now)
    records += engine.handle(surroundings.accepted("pattern-1", now), now)
    if not live:
        records += engine.handle(surroundings.filled("pattern-1", "e", surroundings.LOT, now), now)
        assert not engine.state.live, "the pattern of an ended order is not over"
    return records
