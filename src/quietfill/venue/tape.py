"""A recorded market as columns: read once, never changed, replayed by the venue.

Order numbers are dense (0 to `order_count` - 1) and never used twice, times are ns UTC and never fall, prices
and quantities are in the scales of `domain.types`, so that nothing needs converting at the venue's door.
Prices of orders lie on the tick; those of prints need not (hidden midpoint prints).
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from datetime import date
from enum import IntEnum
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from quietfill.domain.errors import BadInput
from quietfill.domain.instrument import Instrument, TradingDay
from quietfill.domain.types import Price, Quantity, Timestamp, iso_time
from quietfill.venue import kernel_layout as layout

if TYPE_CHECKING:
    from collections.abc import Iterable

Column = NDArray[np.int64]


class RowKind(IntEnum):
    """What a row of a tape says. `side` is that of the resting order."""

    ADD = layout.ADD
    """An order joins the end of its queue."""
    REDUCE = layout.REDUCE
    """An order loses `quantity` and keeps its place."""
    DELETE = layout.DELETE
    """An order goes."""
    EXECUTE = layout.EXECUTE
    """A resting order trades with somebody who came later. Unknown orders (-1) were there before the tape began."""
    HIDDEN = layout.HIDDEN
    """A print against an order that was not displayed."""
    AUCTION = layout.AUCTION
    """A trade of an auction; takes its order down. The other side is a `REDUCE` in the next row."""
    PRINT = layout.PRINT
    """A print that concerns no book (a crossing session)."""
    TRADE = layout.TRADE
    """A print against the displayed book that does not say which order it hit."""
    PHASE = layout.PHASE
    """Trading changes phase; `quantity` is the `Phase`."""
    LEVEL = layout.LEVEL_SIZE
    """What is shown at a price becomes `quantity`: the rows of a tape that knows depth and no orders."""


class Phase(IntEnum):
    """Whether orders meet continuously."""

    CLOSED = layout.CLOSED
    CONTINUOUS = layout.CONTINUOUS
    HALTED = layout.HALTED


PRINTS = (RowKind.EXECUTE, RowKind.HIDDEN, RowKind.AUCTION, RowKind.PRINT, RowKind.TRADE)
BOOK_KINDS = (RowKind.ADD, RowKind.EXECUTE, RowKind.LEVEL)


@dataclass(frozen=True, kw_only=True, eq=False)
class Tape:
    """One instrument's recorded day, or part of one, order by order.

    Attributes:
        day: the continuous sessions of `date` as instants.
        tick: the smallest price increment; every order's price is a multiple of it.
        unit: the smallest quantity increment.
        time: ns UTC, never falling, shape (n,) like all columns.
        kind: a `RowKind`.
        side: 0 buy, 1 sell: the side of the order added or resting.
        order: dense order number; -1 where the order is not known.
        price: in 1e-9 of the currency.
        quantity: in 1e-8 of a share or coin; for `PHASE` rows the `Phase`.
        made: numbers of the rows that stand for no recorded event of their own: resting orders at the
            start, phases, second legs of auction trades. Ascending.
        order_count: how many order numbers are in use.
        volume_before: volume of the day before the first row.
        source: the files it was read from.
        ignored: how many recorded rows told nothing that can be used (changes of unknown orders).
    """

    instrument: Instrument
    date: date
    day: TradingDay
    tick: Price
    unit: Quantity
    time: Column
    kind: NDArray[np.int8]
    side: NDArray[np.int8]
    order: Column
    price: Column
    quantity: Column
    made: Column
    order_count: int
    volume_before: Quantity = 0
    source: tuple[str, ...] = ()
    ignored: int = 0

    @property
    def rows(self) -> int:
        """How many rows there are."""
        return len(self.time)

    @property
    def events(self) -> int:
        """How many recorded events the rows stand for."""
        return self.rows - len(self.made)

    def events_before(self, row: int) -> int:
        """Return how many recorded events lie before row number *row*."""
        return row - int(np.searchsorted(self.made, row))

    @property
    def first_time(self) -> Timestamp:
        """Time of the first row."""
        return int(self.time[0])

    @property
    def last_time(self) -> Timestamp:
        """Time of the last row."""
        return int(self.time[-1])

    @cached_property
    def sha256(self) -> str:
        """Hex digest of the columns, the instrument and the grid: two tapes with one digest replay alike."""
        digest = hashlib.sha256(repr((self.instrument, self.date, self.tick, self.unit, self.volume_before)).encode())
        for column in (self.time, self.kind, self.side, self.order, self.price, self.quantity):
            digest.update(np.ascontiguousarray(column).astype(column.dtype.newbyteorder("<"), copy=False).tobytes())
        return digest.hexdigest()

    @cached_property
    def is_print(self) -> NDArray[np.bool_]:
        """Which rows are trades, shape (n,)."""
        return np.isin(self.kind, PRINTS)

    @cached_property
    def is_depth(self) -> bool:
        """Whether the recording knows sizes at prices only, and no orders."""
        return bool(np.any(self.kind == RowKind.LEVEL))

    @cached_property
    def band(self) -> tuple[Price, Price]:
        """The lowest and the highest price at which the venue takes orders.

        A quarter beyond everything that traded (that was quoted, where nothing traded), as far as the venue's
        table of levels goes (`MAX_LEVELS`).
        """
        prices = self.price[self.is_print]
        if len(prices) == 0:
            prices = self.price[np.isin(self.kind, BOOK_KINDS)]
        if len(prices) == 0:
            return 0, 0
        low, high = int(prices.min()), int(prices.max())
        room = max(self.tick * MAX_LEVELS - (high - low), 0) // 2
        margin = min(max(abs(low), abs(high)) // 4, room)
        return -(-(low - margin) // self.tick) * self.tick, (high + margin) // self.tick * self.tick


MAX_LEVELS = 1 << 20
"""How many price levels the venue keeps ready; bounds the band on very fine ticks."""


@dataclass(kw_only=True)
class TapeBuilder:
    """Gathers columns of one feed and makes the tape: adds the phases, checks the order of time.

    `start` are orders that rested when the recording began, as (side, price, quantity), in queue order;
    they get the order numbers from `order_count` on. `begins` is when the recording began, where that is known
    to be before its first row.
    """

    instrument: Instrument
    date: date
    tick: Price
    unit: Quantity
    source: tuple[str, ...]
    time: Column
    kind: Column
    side: Column
    order: Column
    price: Column
    quantity: Column
    order_count: int
    made: Iterable[int] = ()
    start: list[tuple[int, Price, Quantity]] = field(default_factory=list)
    halts: list[tuple[Timestamp, Phase]] = field(default_factory=list)
    begins: Timestamp | None = None
    volume_before: Quantity = 0
    ignored: int = 0
    day: TradingDay | None = None
    """In place of the sessions of `date`, for a recording that runs over midnight."""

    def build(self) -> Tape:
        """Return the finished tape.

        Raises:
            BadInput: when there are no rows.
        """
        if len(self.time) == 0:
            raise BadInput(f"{self.source[0]}: no rows of {self.instrument.symbol}")
        day = self.day or self.instrument.trading_day(self.date)
        extra = self._extra_rows(day)
        positions = np.array([position for position, _ in extra], dtype=np.int64)
        rows = np.array([row for _, row in extra], dtype=np.int64).reshape(-1, 6)
        columns = [
            np.insert(column.astype(np.int64, copy=False), positions, rows[:, number])
            for number, column in enumerate((self.time, self.kind, self.side, self.order, self.price, self.quantity))
        ]
        made = positions + np.arange(len(positions))
        kept = np.fromiter(self.made, dtype=np.int64)
        shifted = kept + np.searchsorted(positions, kept, side="right")
        return Tape(
            instrument=self.instrument, date=self.date, day=day, tick=self.tick, unit=self.unit,
            time=columns[0], kind=columns[1].astype(np.int8), side=columns[2].astype(np.int8),
            order=columns[3], price=columns[4], quantity=columns[5],
            made=np.sort(np.concatenate([made, shifted])), order_count=self.order_count + len(self.start),
            volume_before=self.volume_before, source=self.source, ignored=self.ignored,
        )  # fmt: skip

    def _extra_rows(self, day: TradingDay) -> list[tuple[int, tuple[int, ...]]]:
        # (position among the recorded rows, row), in order of position: the resting orders, then the phases.
        first, last = int(self.time[0]), int(self.time[-1])
        opening = next((opens for opens, _ in day.spans if opens <= first < opens + _OPENING), first)
        begin = min(first, opening if self.begins is None else self.begins)
        rows: list[tuple[int, tuple[int, ...]]] = [
            (0, (begin, RowKind.ADD, side, self.order_count + number, price, quantity))
            for number, (side, price, quantity) in enumerate(self.start)
        ]
        changes = [(at, phase) for span in day.spans for at, phase in zip(span, _SPAN, strict=True)]
        changes = sorted([change for change in changes if change[0] > begin] + self.halts)
        changes.insert(0, (begin, Phase.CONTINUOUS if day.is_open(begin) else Phase.CLOSED))
        for at, phase in changes:
            if at <= last:
                position = 0 if at == begin else int(np.searchsorted(self.time, at))
                rows.append((position, (at, RowKind.PHASE, 0, -1, 0, phase)))
        return rows


_SPAN = (Phase.CONTINUOUS, Phase.CLOSED)
_OPENING = 1_000_000_000
# A recording whose first row comes within a second of the opening starts at the opening.


def check_order_of_time(time: Column, where: str) -> None:
    """Refuse times that go back.

    Raises:
        BadInput: names *where* and the row (counted from 1) that is earlier than the one before it.
    """
    back = np.flatnonzero(np.diff(time) < 0)
    if len(back):
        row = int(back[0]) + 2
        raise BadInput(
            f"{where} row {row}: time goes back from {iso_time(int(time[row - 2]))} to {iso_time(int(time[row - 1]))}"
        )
