"""Compile the venue core into numba's on-disk cache: `python -m quietfill.venue.warmup`."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from quietfill.venue.compiling import compiled_by_default

if TYPE_CHECKING:
    from quietfill.venue.tape import Tape


def warm_up() -> bool:
    """Make every compiled entry point run once on a tiny market; return False where the core runs plain."""
    if not compiled_by_default():
        return False
    from quietfill.venue.handmade import handmade_tape
    from quietfill.venue.tape import RowKind

    for kind, numbers in ((RowKind.ADD, (0, 1)), (RowKind.LEVEL, (-1, -1))):
        _use(handmade_tape([(1, kind, 0, numbers[0], 100, 5), (2, kind, 1, numbers[1], 101, 5)]))
    return True


def _use(tape: Tape) -> None:
    from quietfill.domain.types import OrderSide
    from quietfill.venue.depth_core import core_of
    from quietfill.venue.options import VenueOptions
    from quietfill.venue.recorded import history_of

    core = core_of(tape, VenueOptions())
    core.advance(tape.last_time)
    bid, _ = core.touch()
    core.submit(0, OrderSide.BUY, bid, 2, rests=True, at=tape.last_time)
    core.available(OrderSide.BUY, bid)
    core.resize(0, 1)
    core.withdraw(0)
    core.depth(OrderSide.BUY, 1)
    history_of(tape)


def main() -> int:
    """Compile and say so in one line."""
    sys.stdout.write("the venue core is compiled\n" if warm_up() else "the venue core runs plain, uncompiled\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
