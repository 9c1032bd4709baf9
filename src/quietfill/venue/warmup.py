"""Compile the venue core into numba's on-disk cache: `python -m quietfill.venue.warmup`."""

from __future__ import annotations

import sys
import time
from datetime import date
from typing import TYPE_CHECKING

from quietfill.venue.compiling import compiled_by_default

if TYPE_CHECKING:
    from quietfill.venue.tape import Column, Tape


def warm_up() -> float | None:
    """Make every compiled entry point run once on a tiny market; return the seconds, None where the core runs plain."""
    if not compiled_by_default():
        return None
    began = time.perf_counter()
    from quietfill.domain.types import OrderSide
    from quietfill.venue.core import OrderBookCore
    from quietfill.venue.recorded import history_of

    tape = _tiny_tape()
    core = OrderBookCore(tape, compiled=True)
    core.advance(tape.last_time)
    bid, _ = core.touch()
    core.submit(0, OrderSide.BUY, bid, 2, rests=True, at=tape.last_time)
    core.available(OrderSide.BUY, bid)
    core.resize(0, 1)
    core.withdraw(0)
    core.depth(OrderSide.BUY, 1)
    history_of(tape)
    return time.perf_counter() - began


def _tiny_tape() -> Tape:
    import numpy as np

    from quietfill.domain.instrument import Instrument, TickRule
    from quietfill.venue.tape import RowKind, TapeBuilder

    def column(*values: int) -> Column:
        return np.array(values, dtype=np.int64)

    return TapeBuilder(
        instrument=Instrument(symbol="warm-up", ticks=(TickRule(0, 1),), lot=1), date=date(2000, 1, 3), tick=1, unit=1,
        source=("warm-up",), time=column(1, 2), kind=column(RowKind.ADD, RowKind.ADD), side=column(0, 1),
        order=column(0, 1), price=column(100, 101), quantity=column(5, 5), order_count=2,
    ).build()  # fmt: skip


def main() -> int:
    """Compile and say how long it took, in one line."""
    took = warm_up()
    sys.stdout.write("the venue core runs plain\n" if took is None else f"venue core compiled in {took:.1f} s\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
