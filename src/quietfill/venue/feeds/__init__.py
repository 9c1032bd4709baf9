"""Feeds: what turns recorded files into a tape. One function for all of them, by name."""

from __future__ import annotations

from typing import TYPE_CHECKING

from quietfill.domain.errors import BadInput
from quietfill.domain.types import price_from, quantity_from

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date
    from decimal import Decimal
    from pathlib import Path

    from quietfill.venue.tape import Tape

FEEDS = ("lobster", "sse", "nasdaq100ms", "binance")


def load_tape(
    feed: str,
    data: Sequence[Path],
    *,
    book: Path | None = None,
    symbol: str,
    date: date | None = None,
    tick: Decimal | None = None,
    lot: Decimal | None = None,
) -> Tape:
    """Read recorded files as a tape.

    Args:
        feed: one of `FEEDS`.
        data: the files, in order of time; only binance takes more than one.
        book: LOBSTER's book file; its first row seeds the book.
        date: the venue's local date, where the files do not tell.
        tick, lot: in currency and shares, in place of the feed's own.

    Raises:
        BadInput: in one line, naming file, row and value.
    """
    from quietfill.venue.feeds import binance, lobster, nasdaq100ms, sse
    from quietfill.venue.recorded import check_replay

    if feed not in FEEDS:
        raise BadInput(f"unknown feed {feed!r}; known are {', '.join(FEEDS)}")
    if len(data) != 1 and not (feed == "binance" and data):
        raise BadInput(f"feed {feed} reads one data file, not {len(data)}")
    tick_size = None if tick is None else _positive(price_from(tick, "tick"), "tick", tick)
    lot_size = None if lot is None else _positive(quantity_from(lot, "lot"), "lot", lot)
    if book is not None and feed != "lobster":
        raise BadInput(f"feed {feed} takes no book file ({book})")
    if feed == "binance":
        tape = binance.load(data, symbol=symbol, day=date, tick=tick_size, lot=lot_size)
    elif feed == "nasdaq100ms":
        tape = nasdaq100ms.load(data[0], symbol=symbol, day=date, tick=tick_size, lot=lot_size)
    elif feed == "sse":
        tape = sse.load(data[0], symbol=symbol, day=date, tick=tick_size, lot=lot_size)
    else:
        tape = lobster.load(data[0], book=book, symbol=symbol, day=date, tick=tick_size, lot=lot_size)
    check_replay(tape)
    return tape


def _positive(value: int, name: str, given: Decimal) -> int:
    if value <= 0:
        raise BadInput(f"{name} must be positive, not {given}")
    return value
