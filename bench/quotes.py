"""What a quote costs that changes nothing: a TWAP rests at the touch, a peg at mid, and neither moves."""

from __future__ import annotations

from functools import partial
from itertools import cycle
from typing import TYPE_CHECKING

from bench import surroundings
from bench.measuring import Budget, Contender, Row, Size, Yardstick, interleaved, micros_each
from quietfill.domain.records import ChildRequested
from quietfill.domain.types import MILLISECOND

if TYPE_CHECKING:
    from collections.abc import Callable

    from quietfill.engine.engine import Engine

BATCH = 2_000


def rows(size: Size) -> list[Row]:
    """Return the rows of this page."""
    engines = {algo: resting(algo) for algo in _WHAT}
    contenders: dict[str, Contender] = {algo: partial(_sampled, engine) for algo, engine in engines.items()}
    figures = interleaved(size.rounds, {**contenders, "call": lambda: micros_each(_nothing, BATCH * 10)})
    note = (
        "engine.handle(BookUpdate): ten levels a side, sizes change and prices do not, our own order taken out of the"
        " book, the triggers looked at, nobody re-planned."
    )
    return [
        Row(
            what=f"one quote through a resting {what}, no re-price",
            measured=figures[algo],
            unit="us",
            budget=Budget(15),
            yardstick=Yardstick("one call of an empty function", figures["call"]),
            note=note if algo == "twap" else "",
        )
        for algo, what in _WHAT.items()
    ]


_WHAT = {"twap": "TWAP slice", "midpoint_peg": "midpoint peg"}


def _sampled(engine: Engine) -> list[float]:
    return [each for _ in range(5) for each in micros_each(quoter(engine), BATCH)]


def resting(algo: str) -> Engine:
    """Return an engine with one order whose first child rests, acknowledged."""
    engine, now = surroundings.engine(), surroundings.NOON
    engine.handle(surroundings.book(now), now)
    records = engine.handle(surroundings.order(algo, algo, 600, now), now)
    child = next(record for record in records if isinstance(record, ChildRequested))
    engine.release(engine.state.sequence, now)
    engine.handle(surroundings.accepted(child.child_id, now), now)
    return engine


def quoter(engine: Engine) -> Callable[[], None]:
    """Return what shows the engine one book after another; the time hardly moves, so no stage of the slice ends."""
    now = surroundings.NOON + MILLISECOND
    books = cycle([surroundings.book(now, size) for size in (50, 60, 70)])

    def show() -> None:
        records = engine.handle(next(books), now)
        assert not records, "a quote that changes nothing made records"

    return show


def _nothing() -> None:
    """The yardstick."""
