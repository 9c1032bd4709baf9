"""Tapes written by hand: small markets for tests, examples and the warm-up."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, TypeAlias
from zoneinfo import ZoneInfo

import numpy as np

from quietfill.domain.instrument import Instrument, LocalSession, TickRule
from quietfill.domain.types import Price, Quantity
from quietfill.venue.feeds.markets import midnight
from quietfill.venue.tape import Phase, Tape, TapeBuilder

if TYPE_CHECKING:
    from collections.abc import Sequence

    from quietfill.domain.types import Timestamp

Row: TypeAlias = "tuple[int, int, int, int, Price, Quantity]"
"""Time in ns after midnight UTC of `DAY`, `RowKind`, side (0 buy, 1 sell), order number, price, quantity."""

DAY = date(2000, 1, 3)


def handmade_tape(
    rows: Sequence[Row],
    *,
    symbol: str = "TEST",
    tick: Price = 1,
    lot: Quantity = 1,
    odd_lots: bool = True,
    sessions: tuple[LocalSession, ...] = (),
    start: Sequence[tuple[int, Price, Quantity]] = (),
    halts: Sequence[tuple[Timestamp, Phase]] = (),
) -> Tape:
    """Return a tape of these rows; *start* are (side, price, quantity) of orders resting before the first."""
    table = np.array(rows, dtype=np.int64).reshape(-1, 6)
    return TapeBuilder(
        instrument=Instrument(
            symbol=symbol, ticks=(TickRule(0, tick),), lot=lot, odd_lots=odd_lots, sessions=sessions, venue="HAND"
        ),
        date=DAY,
        tick=tick,
        unit=1,
        source=("handmade",),
        time=table[:, 0] + midnight(DAY, ZoneInfo("UTC")),
        kind=table[:, 1],
        side=table[:, 2],
        order=table[:, 3],
        price=table[:, 4],
        quantity=table[:, 5],
        order_count=int(table[:, 3].max(initial=-1)) + 1,
        start=list(start),
        halts=[(at + midnight(DAY, ZoneInfo("UTC")), phase) for at, phase in halts],
    ).build()
