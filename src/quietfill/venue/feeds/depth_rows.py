"""From pictures and changes of a depth book to the rows of a tape."""

from __future__ import annotations

import heapq
from array import array
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from quietfill.venue.tape import RowKind, Tape, TapeBuilder

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import date

    from quietfill.domain.instrument import Instrument, TradingDay
    from quietfill.domain.types import Price, Quantity, Timestamp

Change: TypeAlias = "tuple[int, Price, Quantity]"
"""Side (0 buy, 1 sell), price, and the size that it shows from now on."""


class DepthRows:
    """Gathers the rows of a depth tape in order of time."""

    def __init__(self) -> None:
        self._cells = array("q")
        self._made: list[int] = []

    def __len__(self) -> int:
        return len(self._cells) // _COLUMNS

    @property
    def span(self) -> tuple[Timestamp, Timestamp]:
        """Time of the first and of the last row."""
        return self._cells[0], self._cells[-_COLUMNS]

    def change(self, time: Timestamp, changes: Iterable[Change], *, made: bool = False) -> None:
        """Add what one message of the recording changed; *made* when nobody recorded it as such.

        The caller puts falls before rises, so that the book is not crossed in between.
        """
        for side, price, size in changes:
            self._add(time, RowKind.LEVEL, side, price, size, made=made)

    def trade(self, time: Timestamp, side: int, price: Price, quantity: Quantity, *, made: bool = False) -> None:
        """Add a print against what rests on *side*."""
        self._add(time, RowKind.TRADE, side, price, quantity, made=made)

    def build(
        self,
        instrument: Instrument,
        *,
        when: date,
        tick: Price,
        unit: Quantity,
        source: tuple[str, ...],
        day: TradingDay | None = None,
        volume_before: Quantity = 0,
        ignored: int = 0,
    ) -> Tape:
        """Return the tape; the arguments are those of `TapeBuilder`.

        Raises:
            BadInput: when there are no rows.
        """
        table = np.frombuffer(self._cells, dtype=np.int64).reshape(-1, _COLUMNS)
        return TapeBuilder(
            instrument=instrument, date=when, tick=tick, unit=unit, source=source, day=day,
            time=table[:, 0], kind=table[:, 1], side=table[:, 2], order=np.full(len(table), -1, dtype=np.int64),
            price=table[:, 3], quantity=table[:, 4], order_count=0, made=self._made,
            volume_before=volume_before, ignored=ignored,
        ).build()  # fmt: skip

    def _add(self, time: Timestamp, kind: RowKind, side: int, price: Price, quantity: Quantity, *, made: bool) -> None:
        if made:
            self._made.append(len(self))
        self._cells.extend((time, kind, side, price, quantity))


_COLUMNS = 5


class SeenSide:
    """One side of a book of which pictures of the best levels are taken, some deeper than others.

    A level that is worse than all of a picture is out of sight, not gone: it keeps its size until a picture reaches
    so far again.
    """

    def __init__(self, side: int) -> None:
        self._side = side
        self._sign = -1 if side == 0 else 1  # a smaller key is a better price
        self._sizes: dict[int, Quantity] = {}
        self._seen: dict[int, Quantity] = {}
        self._out_of_sight: list[int] = []  # a heap; may name levels that came back or went

    def picture(self, prices: Iterable[Price], sizes: Iterable[Quantity], *, whole: bool) -> list[Change]:
        """Return what a picture of the best levels changes, falls first; *whole* when there are no others."""
        seen = {self._sign * price: size for price, size in zip(prices, sizes, strict=True)}
        sight = _FAR if whole else max(seen)
        changes: list[Change] = []
        for key in sorted(self._lost(seen, sight)):
            del self._sizes[key]
            changes.append((self._side, self._sign * key, 0))
        rises: list[Change] = []
        for key, size in sorted(seen.items() - self._seen.items()):
            before = self._sizes.get(key, 0)
            if size != before:
                self._sizes[key] = size
                (rises if size > before else changes).append((self._side, self._sign * key, size))
        self._seen = seen
        return changes + rises

    def take(self, price: Price, quantity: Quantity) -> Change:
        """Return the change that a print makes until the next picture."""
        key = self._sign * price
        left = max(self._sizes.get(key, 0) - quantity, 0)
        self._sizes[key] = left
        self._seen[key] = left
        return self._side, price, left

    def _lost(self, seen: dict[int, Quantity], sight: int) -> set[int]:
        lost: set[int] = set()
        for key in self._seen.keys() - seen.keys():
            if key <= sight:
                lost.add(key)
            else:
                heapq.heappush(self._out_of_sight, key)
        while self._out_of_sight and self._out_of_sight[0] <= sight:
            key = heapq.heappop(self._out_of_sight)
            if key not in seen:
                lost.add(key)
        return lost & self._sizes.keys()


_FAR = 2**63
