"""The market of a live feed as columns, bounded: touch changes, and prints as far as a conflated feed shows them.

A feed that is conflated does not show every print. What traded between two updates is the rise of the day's
volume; where the feed gives the day's turnover its average price is known exactly, else it is taken to have
traded at the last price, which is the error that a conflated feed leaves. Our own trades are in a feed's volume,
so the history made from this says `includes_own`.
"""

from __future__ import annotations

from array import array
from typing import TYPE_CHECKING

from quietfill.domain.errors import BadInput
from quietfill.market.history import MarketHistory

if TYPE_CHECKING:
    from quietfill.domain.instrument import TradingDay
    from quietfill.domain.messages import BookUpdate
    from quietfill.domain.types import Price, Quantity, Timestamp

CAPACITY = 200_000
"""Rows kept by default of touches and of prints each; a row takes 24 bytes."""

_SPARE = 8  # a full column is cut by this share at once, so that dropping the oldest costs nothing per row


class Columns:
    """Three columns of 64-bit integers with room for a stated number of rows; the oldest are dropped.

    Attributes:
        dropped: how many rows are gone.
        whole_from: time of the oldest row that is left once some are gone.
    """

    __slots__ = ("_capacity", "_columns", "dropped", "whole_from")

    def __init__(self, capacity: int) -> None:
        """Start empty."""
        self._capacity = capacity
        self._columns = (array("q"), array("q"), array("q"))
        self.dropped = 0
        self.whole_from: Timestamp = 0

    def __len__(self) -> int:
        """Return how many rows there are."""
        return len(self._columns[0])

    @property
    def last(self) -> tuple[int, int, int]:
        """The newest row."""
        first, second, third = self._columns
        return first[-1], second[-1], third[-1]

    def append(self, time: Timestamp, second: int, third: int) -> None:
        """Add a row."""
        if len(self) >= self._capacity:
            self._drop(max(1, self._capacity // _SPARE))
        for column, value in zip(self._columns, (time, second, third), strict=True):
            column.append(value)

    def replace_last(self, second: int, third: int) -> None:
        """Change the newest row, whose time stays."""
        self._columns[1][-1], self._columns[2][-1] = second, third

    def copies(self) -> tuple[array[int], array[int], array[int]]:
        """Return the columns as they are now."""
        first, second, third = self._columns
        return first[:], second[:], third[:]

    def _drop(self, rows: int) -> None:
        self.dropped += rows
        for column in self._columns:
            del column[:rows]
        self.whole_from = self._columns[0][0]


class MarketRecorder:
    """Accumulates what a feed shows of one symbol.

    Args:
        symbol: whose market it is; updates of others are refused.
        day: its continuous sessions.
        capacity: rows kept of touches and of prints each, at least 8; the oldest are dropped, and the history then
            begins where what is left does.
    """

    __slots__ = ("_day_turnover", "_day_volume", "_first", "_last", "_prints", "_touches", "day", "symbol")

    def __init__(self, symbol: str, day: TradingDay, *, capacity: int = CAPACITY) -> None:
        """Start with nothing seen."""
        if capacity < _SPARE:
            raise BadInput(f"capacity must be at least {_SPARE}, not {capacity}")
        self.symbol = symbol
        self.day = day
        self._touches = Columns(capacity)
        self._prints = Columns(capacity)
        self._first: Timestamp | None = None
        self._last: Timestamp = 0
        self._day_volume: Quantity | None = None
        self._day_turnover: int | None = None

    @property
    def rows(self) -> tuple[int, int]:
        """How many touches and prints are kept."""
        return len(self._touches), len(self._prints)

    @property
    def dropped(self) -> tuple[int, int]:
        """How many touches and prints were dropped, being the oldest."""
        return self._touches.dropped, self._prints.dropped

    def update(self, book: BookUpdate, touch: tuple[Price | None, Price | None] | None = None) -> None:
        """Take the newest book of the symbol, O(1). One that is older than the last is taken as of the last.

        Args:
            book: as the feed shows it.
            touch: the others' best bid and ask, where the caller knows them; else the book's own, in which an order
                of ours may be the best.

        Raises:
            BadInput: when it is another symbol's.
        """
        if book.symbol != self.symbol:
            raise BadInput(f"symbol must be {self.symbol!r}, not {book.symbol!r}")
        self._last = max(self._last, book.time)
        if self._first is None:
            self._first = self._last
        self._note_print(book)
        shown = (book.bids[0][0] if book.bids else None, book.asks[0][0] if book.asks else None)
        self._note_touch(*(shown if touch is None else touch))

    def history(self) -> MarketHistory:
        """Return what was seen, as a copy that does not change."""
        import numpy as np

        touch_time, bid, ask = (np.frombuffer(column, dtype=np.int64) for column in self._touches.copies())
        print_time, price, quantity = (np.frombuffer(column, dtype=np.int64) for column in self._prints.copies())
        has_touch = (bid != NOTHING) & (ask != NOTHING)
        return MarketHistory(
            symbol=self.symbol,
            print_time=print_time,
            print_price=price,
            print_quantity=quantity,
            touch_time=touch_time,
            bid=np.where(bid == NOTHING, 0, bid),
            ask=np.where(ask == NOTHING, 0, ask),
            has_touch=has_touch,
            day=self.day,
            includes_own=True,
            since=self._since(),
            until=self._last or None,
        )

    def _since(self) -> Timestamp | None:
        """Return from when on nothing is missing."""
        known = [] if self._first is None else [self._first]
        known += [columns.whole_from for columns in (self._touches, self._prints) if columns.dropped]
        return max(known, default=None)

    def _note_touch(self, bid: Price | None, ask: Price | None) -> None:
        row = NOTHING if bid is None else bid, NOTHING if ask is None else ask
        if not len(self._touches):
            self._touches.append(self._last, *row)
            return
        time, *known = self._touches.last
        if tuple(known) == row:
            return
        if time == self._last:  # one row an instant: the last word of it
            self._touches.replace_last(*row)
        else:
            self._touches.append(self._last, *row)

    def _note_print(self, book: BookUpdate) -> None:
        if book.volume is None:
            return
        before, self._day_volume = self._day_volume, book.volume
        turnover_before, self._day_turnover = self._day_turnover, book.turnover
        if before is None:
            return  # what traded before we looked is in no difference
        if 2 * book.volume < before:  # a new session counts from nothing again
            before, turnover_before = 0, 0
        grown = book.volume - before
        if grown <= 0:
            return
        if book.turnover is not None and turnover_before is not None:
            traded = book.turnover - turnover_before
            self._prints.append(self._last, (2 * traded + grown) // (2 * grown), grown)
        elif book.last is not None:
            self._prints.append(self._last, book.last, grown)


NOTHING: Price = -(2**63)
"""Stands for an empty side in a column of prices: none can be so low."""
