"""Compile the venue core into numba's on-disk cache: `python -m quietfill.venue.warmup`."""

from __future__ import annotations

import sys

from quietfill.venue.compiling import compiled_by_default


def warm_up() -> bool:
    """Make every compiled entry point run once on a tiny market; return False where the core runs plain."""
    if not compiled_by_default():
        return False
    from quietfill.domain.types import OrderSide
    from quietfill.venue.core import OrderBookCore
    from quietfill.venue.handmade import handmade_tape
    from quietfill.venue.recorded import history_of
    from quietfill.venue.tape import RowKind

    tape = handmade_tape([(1, RowKind.ADD, 0, 0, 100, 5), (2, RowKind.ADD, 1, 1, 101, 5)])
    core = OrderBookCore(tape, compiled=True)
    core.advance(tape.last_time)
    bid, _ = core.touch()
    core.submit(0, OrderSide.BUY, bid, 2, rests=True, at=tape.last_time)
    core.available(OrderSide.BUY, bid)
    core.resize(0, 1)
    core.withdraw(0)
    core.depth(OrderSide.BUY, 1)
    history_of(tape)
    return True


def main() -> int:
    """Compile and say so in one line."""
    sys.stdout.write("the venue core is compiled\n" if warm_up() else "the venue core runs plain, uncompiled\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
