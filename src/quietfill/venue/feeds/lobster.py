"""LOBSTER message files, with the first row of their book file where there is one.

Six columns without a header: seconds after midnight at the venue, type, order number, shares, price x 10,000,
side of the resting order. Types: 1 add, 2 partial cancel, 3 delete, 4 visible execution, 5 hidden execution,
6 cross trade, 7 halt. Rows before the opening are the orders that rest when continuous trading begins.

Orders that rested before the file began are known only by their levels' sizes, from the first row of the book
file (the book *after* message 1). Each such level becomes one order at the front of its queue; a change of an
unknown order at that price comes off it. Without such a level the change is counted as ignored, and an
execution still prints.

Source: the LOBSTER output format, https://lobsterdata.com/info/DataStructure.php
"""

from __future__ import annotations

import re
from datetime import date
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from quietfill.domain.errors import BadInput
from quietfill.domain.types import PRICE_SCALE, QUANTITY_SCALE, SECOND, Price, Quantity
from quietfill.venue.feeds.files import Table
from quietfill.venue.feeds.markets import is_shanghai, midnight, nasdaq, shanghai
from quietfill.venue.tape import Phase, RowKind, Tape, TapeBuilder, check_order_of_time

DEFAULT_TICK: Price = PRICE_SCALE // 100
DEFAULT_LOT: Quantity = QUANTITY_SCALE
PRICE_UNIT: Price = PRICE_SCALE // 10_000

_TIME, _TYPE, _ORDER, _SIZE, _PRICE, _SIDE = range(6)
_COLUMNS = 6
_ADD, _CANCEL, _DELETE, _EXECUTE, _HIDDEN, _CROSS, _HALT = 1, 2, 3, 4, 5, 6, 7
_KINDS = {
    _ADD: RowKind.ADD, _CANCEL: RowKind.REDUCE, _DELETE: RowKind.DELETE, _EXECUTE: RowKind.EXECUTE,
    _HIDDEN: RowKind.HIDDEN, _CROSS: RowKind.PRINT,
}  # fmt: skip
_HALT_PHASES = {-1: Phase.HALTED, 0: Phase.HALTED, 1: Phase.CONTINUOUS}  # by the price column: halt, quotes only, trade
_EMPTY = 9_999_999_999
_BOOK_ROWS_CHECKED = 1_000

Seed = tuple[int, Price, Quantity]  # side, price, quantity


def load(
    path: Path, *, book: Path | None, symbol: str, day: date | None, tick: Price | None, lot: Quantity | None
) -> Tape:
    """Read one message file.

    Raises:
        BadInput: in one line, naming file, row and value.
    """
    when = _date_of(path, day)
    tick = tick or DEFAULT_TICK
    venue = shanghai if is_shanghai(symbol) else nasdaq
    instrument = venue(symbol, tick=tick, lot=lot or DEFAULT_LOT)
    messages = _Messages(Table(path, header=False, width=_COLUMNS), tick)
    time = messages.nanoseconds + midnight(when, ZoneInfo(instrument.timezone))
    check_order_of_time(time, str(path))
    halts = [(int(time[row]), messages.halt(row)) for row in np.flatnonzero(messages.type == _HALT).tolist()]
    seeds = [] if book is None else _without_first_message(read_first_book(book, tick), messages)
    numbers, dense = np.unique(messages.order, return_inverse=True)
    kind, order, ignored = _resolve_unknown(messages, dense.astype(np.int64), len(numbers), seeds)
    kept = messages.type != _HALT
    return TapeBuilder(
        instrument=instrument, date=when, tick=tick, unit=QUANTITY_SCALE,
        source=(path.name,) if book is None else (path.name, book.name),
        time=time[kept], kind=kind[kept], side=messages.side[kept], order=order[kept], price=messages.price[kept],
        quantity=messages.quantity[kept], order_count=len(numbers), start=seeds, halts=halts,
        ignored=ignored,
    ).build()  # fmt: skip


def read_first_book(path: Path, tick: Price) -> list[Seed]:
    """Return the levels of a book file's first row, best first, asks before bids.

    The first `_BOOK_ROWS_CHECKED` rows are checked, so that a damaged file is noticed.

    Raises:
        BadInput: names row and value where a row is crossed or unsorted, or a size is not positive.
    """
    table = Table(path, header=False, most=_BOOK_ROWS_CHECKED)
    if len(table.columns) % 4:
        raise BadInput(f"{path} row 1: {len(table.columns)} columns, not four a level")
    rows = np.stack([table.integers(column) for column in range(len(table.columns))], axis=1)
    asks, ask_sizes, bids, bid_sizes = (rows[:, first::4] for first in range(4))
    _check_side(path, asks, ask_sizes, "ask")
    _check_side(path, bids, bid_sizes, "bid")
    both = (np.abs(asks[:, 0]) != _EMPTY) & (np.abs(bids[:, 0]) != _EMPTY)
    crossed = np.flatnonzero(both & (bids[:, 0] >= asks[:, 0]))
    if len(crossed):
        row = int(crossed[0])
        raise BadInput(f"{path} row {row + 1}: the book is crossed, bid {bids[row, 0]} at ask {asks[row, 0]}")
    seeds: list[Seed] = []
    for side, prices, sizes in ((1, asks[0], ask_sizes[0]), (0, bids[0], bid_sizes[0])):
        for price, size in zip(prices.tolist(), sizes.tolist(), strict=True):
            if abs(price) != _EMPTY:
                if price * PRICE_UNIT % tick:
                    raise BadInput(f"{path} row 1: price {price} is not a multiple of the tick {tick / PRICE_SCALE:g}")
                seeds.append((side, price * PRICE_UNIT, size * QUANTITY_SCALE))
    return seeds


class _Messages:
    """The columns of a message file in our scales."""

    def __init__(self, table: Table, tick: Price) -> None:
        self._table = table
        self.type = table.integers(_TYPE)
        self._refuse(~np.isin(self.type, [*_KINDS, _HALT]), _TYPE, "is no message type")
        self.nanoseconds = np.rint(table.floats(_TIME) * SECOND).astype(np.int64)
        self.order = table.integers(_ORDER)
        self.quantity = table.integers(_SIZE) * QUANTITY_SCALE
        self._refuse((self.quantity <= 0) & (self.type != _HALT), _SIZE, "is not a positive size")
        self.price = table.integers(_PRICE) * PRICE_UNIT
        on_book = np.isin(self.type, (_ADD, _CANCEL, _DELETE, _EXECUTE))
        self._refuse(
            on_book & (self.price % tick != 0), _PRICE, f"is not a multiple of the tick {tick / PRICE_SCALE:g}"
        )
        sides = table.integers(_SIDE)
        self._refuse(~np.isin(sides, (1, -1)) & (self.type < _CROSS), _SIDE, "is neither 1 nor -1")
        self.side: NDArray[np.int64] = np.where(sides == -1, 1, 0)

    def halt(self, row: int) -> Phase:
        """Return the phase that a halt message begins."""
        code = int(self.price[row]) // PRICE_UNIT
        if code not in _HALT_PHASES:
            raise self._table.fault(row, _PRICE, code, "is no halt code (-1, 0 or 1)")
        return _HALT_PHASES[code]

    def _refuse(self, odd: NDArray[np.bool_], column: int, why: str) -> None:
        rows = np.flatnonzero(odd)
        if len(rows):
            row = int(rows[0])
            raise self._table.fault(row, column, self._table.text(column)[row], why)


def _date_of(path: Path, given: date | None) -> date:
    found = re.search(r"_(\d{4})-(\d\d)-(\d\d)_", path.name)
    if found is not None:
        try:
            named = date(*map(int, found.groups()))
        except ValueError:
            raise BadInput(f"{path}: {found.group()[1:-1]} in its name is no date") from None
        if given is not None and given != named:
            raise BadInput(f"{path}: is of {named} by its name, not of {given}")
        return named
    if given is None:
        raise BadInput(f"{path}: neither its name nor --date says which day it is")
    return given


def _check_side(path: Path, prices: NDArray[np.int64], sizes: NDArray[np.int64], side: str) -> None:
    there = np.abs(prices) != _EMPTY
    odd = np.argwhere(there & (sizes <= 0))
    if len(odd):
        row, level = odd[0]
        raise BadInput(f"{path} row {row + 1}: {side} size {sizes[row, level]} of level {level + 1} is not positive")
    worse = np.diff(prices, axis=1) > 0 if side == "ask" else np.diff(prices, axis=1) < 0
    unsorted = np.argwhere(there[:, 1:] & ~(worse & there[:, :-1]))
    if len(unsorted):
        row, level = unsorted[0]
        raise BadInput(f"{path} row {row + 1}: {side} {prices[row, level + 1]} of level {level + 2} is out of order")


def _without_first_message(seeds: list[Seed], messages: _Messages) -> list[Seed]:
    # The book row shows the state after message 1, which the replay will carry out itself.
    kind, side = int(messages.type[0]), int(messages.side[0])
    price, quantity = int(messages.price[0]), int(messages.quantity[0])
    if kind not in (_ADD, _CANCEL, _DELETE, _EXECUTE):
        return seeds
    change = -quantity if kind == _ADD else quantity
    levels = {(where, at): size for where, at, size in seeds}
    levels[side, price] = levels.get((side, price), 0) + change
    return [(where, at, size) for (where, at), size in levels.items() if size > 0]


def _resolve_unknown(
    messages: _Messages, dense: NDArray[np.int64], known: int, seeds: list[Seed]
) -> tuple[NDArray[np.int64], NDArray[np.int64], int]:
    """Return kinds, order numbers, and how many rows tell nothing.

    A change of an order that was never added comes off the order that stands for its level at the start, if any.
    """
    kind = np.zeros(len(dense), dtype=np.int64)
    for code, row_kind in _KINDS.items():
        kind[messages.type == code] = row_kind
    order = dense.copy()
    order[np.isin(messages.type, (_HIDDEN, _CROSS))] = -1
    added = np.zeros(known, dtype=np.bool_)
    added[dense[messages.type == _ADD]] = True
    ignored = 0
    numbers = {(side, price): known + number for number, (side, price, _) in enumerate(seeds)}
    for row in np.flatnonzero(np.isin(messages.type, (_CANCEL, _DELETE, _EXECUTE)) & ~added[dense]):
        standing = numbers.get((int(messages.side[row]), int(messages.price[row])), -1)
        order[row] = standing
        if kind[row] != RowKind.EXECUTE:
            kind[row] = RowKind.REDUCE
            ignored += standing < 0
    return kind, order, ignored
