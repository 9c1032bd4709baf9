"""Recorded days to replay: a file of `../shared/data` where there is one, else the hour that ships with the package."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from quietfill.domain.instrument import TradingDay
from quietfill.domain.types import SECOND
from quietfill.venue import kernel_layout as layout
from quietfill.venue.core import OrderBookCore
from quietfill.venue.feeds import load_tape
from quietfill.venue.samples import load_sample
from quietfill.venue.tape import RowKind

if TYPE_CHECKING:
    from quietfill.venue.tape import Column, Tape

SHANGHAI = Path(__file__).resolve().parents[2] / "shared" / "data" / "sse_l3" / "600961.SH_2023-07-11_orders.csv.zst"
DAY = 86_400 * SECOND


@cache
def recorded_day() -> Tape:
    """Return a recorded day, its source named without its folder."""
    if not SHANGHAI.exists():
        return replace(load_sample(), source=("the packaged hour of Shanghai 600961",))
    tape = load_tape("sse", [SHANGHAI], symbol="600961.SH")
    return replace(tape, source=("a whole day of Shanghai 600961",))


def tiled(tape: Tape, days: int) -> Tape:
    """Return *tape* repeated on so many days, one after the other.

    Every day has order numbers of its own, as a recording has, and at its end the orders that still rest are
    deleted, so that each day begins with an empty book.
    """
    leftovers = resting_at_end(tape)
    blank = np.zeros(len(leftovers), dtype=np.int64)
    one_day = {
        "time": np.concatenate([tape.time, blank + tape.last_time]),
        "kind": np.concatenate([tape.kind, blank.astype(np.int8) + np.int8(RowKind.DELETE)]),
        "side": np.concatenate([tape.side, blank.astype(np.int8)]),
        "order": np.concatenate([tape.order, leftovers]),
        "price": np.concatenate([tape.price, blank + tape.price[-1]]),
        "quantity": np.concatenate([tape.quantity, blank]),
    }
    length = len(one_day["time"])
    columns: dict[str, Any] = {name: np.tile(column, days) for name, column in one_day.items()}
    number = np.repeat(np.arange(days, dtype=np.int64), length)
    columns["time"] += number * DAY
    columns["order"] += np.where(columns["order"] >= 0, number * tape.order_count, 0)
    made = np.concatenate([tape.made, np.arange(tape.rows, length)])
    return replace(
        tape,
        day=TradingDay(tuple((a + day * DAY, b + day * DAY) for day in range(days) for a, b in tape.day.spans)),
        made=(made[None, :] + np.arange(days)[:, None] * length).ravel(),
        order_count=tape.order_count * days,
        **columns,
    )


def resting_at_end(tape: Tape) -> Column:
    """Return the numbers of the orders that rest when the recording is over."""
    core = OrderBookCore(tape)
    core.advance(tape.last_time)
    orders = core.book.orders[: tape.order_count]
    return np.flatnonzero(orders[:, layout.AT] >= 0)
