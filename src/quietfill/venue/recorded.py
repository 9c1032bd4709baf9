"""What the recording says by itself, without any order of ours."""

from __future__ import annotations

import functools

import numpy as np

from quietfill.domain.errors import BadInput
from quietfill.domain.types import iso_time
from quietfill.market.history import MarketHistory
from quietfill.venue.compiling import compiled_by_default, core_functions
from quietfill.venue.core import OrderBookCore, load, price_axis
from quietfill.venue.depth_core import DepthCore, load_depth
from quietfill.venue.tape import Tape


@functools.lru_cache(maxsize=8)
def history_of(tape: Tape) -> MarketHistory:
    """Return prints and touch changes of a tape; the touch in continuous trading, as of the end of each time stamp."""
    axis, series = _touches(tape)
    bid, ask = series[:, 1], series[:, 2]
    levels = len(axis)
    has_touch = (bid >= 0) & (ask < levels)
    prints = tape.is_print
    return MarketHistory(
        symbol=tape.instrument.symbol,
        print_time=tape.time[prints],
        print_price=tape.price[prints],
        print_quantity=tape.quantity[prints],
        touch_time=np.ascontiguousarray(series[:, 0]),
        bid=np.where(bid >= 0, axis[np.maximum(bid, 0)], 0),
        ask=np.where(ask < levels, axis[np.minimum(ask, levels - 1)], 0),
        has_touch=has_touch,
        day=tape.day,
        since=tape.first_time,
        until=tape.last_time,
    )


def check_replay(tape: Tape) -> None:
    """Replay a tape once and refuse it when its book is crossed or locked in continuous trading.

    Raises:
        BadInput: names the file and the crossed prices.
    """
    if tape.is_depth:
        return  # depth feeds check every recorded book themselves
    history = history_of(tape)
    crossed = history.has_touch & (history.bid >= history.ask)
    for row in np.flatnonzero(crossed):
        if tape.day.is_open(int(history.touch_time[row])):
            bid, ask = int(history.bid[row]) / 1e9, int(history.ask[row]) / 1e9
            when = iso_time(int(history.touch_time[row]))
            raise BadInput(f"{tape.source[0]}: the book is crossed at {when}, bid {bid:g} at ask {ask:g}")


@functools.lru_cache(maxsize=2)
def _touches(tape: Tape) -> tuple[np.ndarray, np.ndarray]:
    axis = price_axis(tape)
    loader, core = (load_depth, DepthCore) if tape.is_depth else (load, OrderBookCore)
    book = loader(tape, axis, slots=1, ring=4)
    out = np.zeros((tape.rows, 3), dtype=np.int64)
    run = core_functions(core.KERNEL, compiled=compiled_by_default())
    return axis, out[: int(run.touch_series(book, out))].copy()
