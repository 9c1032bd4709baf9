"""Long tapes out of short ones, for measurements of speed: the same stretch of market again and again."""

from __future__ import annotations

import dataclasses

import numpy as np

from quietfill.venue import kernel_layout as layout
from quietfill.venue.core import OrderBookCore
from quietfill.venue.tape import Column, RowKind, Tape

_COLUMNS = ("time", "kind", "side", "order", "price", "quantity")


def tiled(tape: Tape, times: int) -> Tape:
    """Return *tape* played *times* times, squeezed into the time that it took once.

    Each round ends with deletes of all that rests, and the next one begins with an empty book and new order
    numbers; so the prices are real and the pace is not. The tape must be one stretch of continuous trading.
    """
    phases = np.flatnonzero(tape.kind == RowKind.PHASE)
    assert len(phases) == 1, "only a tape of one stretch of continuous trading can be tiled"
    body = {name: np.delete(getattr(tape, name), phases).astype(np.int64) for name in _COLUMNS}
    resting = _resting_at_end(tape)
    one_round = {name: np.concatenate([column, _last_rows(name, resting, tape)]) for name, column in body.items()}
    rows, span = len(one_round["time"]), tape.last_time - tape.first_time + 1
    number = np.repeat(np.arange(times, dtype=np.int64), rows)
    columns = {name: np.tile(column, times) for name, column in one_round.items()}
    columns["time"] = tape.first_time + (columns["time"] - tape.first_time) // times + number * span // times
    columns["order"] = np.where(columns["order"] >= 0, columns["order"] + number * tape.order_count, -1)
    started = {name: np.concatenate([getattr(tape, name)[phases], column]) for name, column in columns.items()}
    started["time"][0] = tape.first_time
    return dataclasses.replace(
        tape,
        time=started["time"],
        kind=started["kind"].astype(np.int8),
        side=started["side"].astype(np.int8),
        order=started["order"],
        price=started["price"],
        quantity=started["quantity"],
        made=_made(tape, phases, rows, len(resting), times),
        order_count=tape.order_count * times,
    )


def _resting_at_end(tape: Tape) -> Column:
    core = OrderBookCore(tape)
    core.advance(tape.last_time)
    return np.flatnonzero(core.book.orders[: tape.order_count, layout.AT] >= 0).astype(np.int64)


def _last_rows(name: str, resting: Column, tape: Tape) -> Column:
    constant = {"time": tape.last_time, "kind": int(RowKind.DELETE)}
    return resting if name == "order" else np.full(len(resting), constant.get(name, 0), dtype=np.int64)


def _made(tape: Tape, phases: Column, rows: int, deletes: int, times: int) -> Column:
    """Return which rows of the long tape stand for no recorded event."""
    kept = np.setdiff1d(tape.made, phases)
    kept = kept - np.searchsorted(phases, kept)
    once = np.concatenate([kept, np.arange(rows - deletes, rows)])
    rounds = (np.arange(times)[:, None] * rows + once[None, :]).reshape(-1)
    return np.concatenate([[0], 1 + rounds]).astype(np.int64)
