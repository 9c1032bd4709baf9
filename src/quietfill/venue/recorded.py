"""What the recording says by itself, without any order of ours."""

from __future__ import annotations

import functools

import numpy as np

from quietfill.domain.errors import BadInput
from quietfill.domain.types import iso_time
from quietfill.market.history import MarketHistory
from quietfill.venue import kernel_layout as layout
from quietfill.venue.compiling import compiled_by_default, core_functions
from quietfill.venue.core import OrderBookCore, load, price_axis
from quietfill.venue.depth_core import DepthCore, load_depth
from quietfill.venue.tape import Phase, Tape


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
    )


def check_replay(tape: Tape) -> None:
    """Replay a tape once and refuse it when its book is crossed at the end of continuous trading.

    Raises:
        BadInput: names the file and the crossed prices.
    """
    phases = tape.quantity[tape.kind == layout.PHASE]
    history = history_of(tape)
    if len(phases) == 0 or phases[-1] != Phase.CONTINUOUS or len(history.touch_time) == 0:
        return
    bid, ask = int(history.bid[-1]), int(history.ask[-1])
    if history.has_touch[-1] and bid >= ask:
        when = iso_time(int(history.touch_time[-1]))
        raise BadInput(
            f"{tape.source[0]}: the replay ends crossed, bid {bid / 1e9:g} at ask {ask / 1e9:g} since {when}"
        )


@functools.lru_cache(maxsize=2)
def _touches(tape: Tape) -> tuple[np.ndarray, np.ndarray]:
    axis = price_axis(tape)
    loader, core = (load_depth, DepthCore) if tape.is_depth else (load, OrderBookCore)
    book = loader(tape, axis, slots=1, ring=4)
    out = np.zeros((tape.rows, 3), dtype=np.int64)
    run = core_functions(core.KERNEL, compiled=compiled_by_default())
    return axis, out[: int(run.touch_series(book, out))].copy()
