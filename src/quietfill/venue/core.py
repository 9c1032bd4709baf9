"""The narrow interface between the exchange and whatever keeps its book, and the order-by-order book behind it.

The exchange knows orders, latency and reports; a core knows prices, queues and the recording. Another kind of
recording (depth without orders) brings another core.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import TYPE_CHECKING, ClassVar, Protocol

import numpy as np

from quietfill.domain.types import OrderSide, Price, Quantity, Timestamp
from quietfill.market.triggers import LastThrough, MidLeaves, SizeReaches, TouchLeaves, Trigger, VolumeReaches
from quietfill.venue import kernel_layout as layout
from quietfill.venue.compiling import compiled_by_default, core_functions
from quietfill.venue.tape import Phase, RowKind, Tape

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

LONG_AGO = -(2**62)
_FAR = 2**61


class Stop(IntEnum):
    """Why a core came back from `advance`."""

    REACHED = layout.REACHED
    HAPPENED = layout.HAPPENED
    """Something happened to us; `drain` tells what."""
    TRIGGERED = layout.TRIGGERED
    RING_FULL = layout.RING_FULL
    """There is no room for more notes; drain and go on."""


_STOPS = tuple(Stop)


class NoteKind(IntEnum):
    """What happened to one of our orders, or to all."""

    PASSIVE_FILL = layout.PASSIVE_FILL
    AGGRESSIVE_FILL = layout.AGGRESSIVE_FILL
    SELF_MATCH = layout.SELF_MATCH
    """Withdrawn because our own newer order would have met it."""
    PHASE = layout.PHASE_CHANGE


@dataclass(frozen=True, slots=True)
class Note:
    """One thing that happened to us; `bid` and `ask` are the others' touch just before."""

    kind: NoteKind
    slot: int
    price: Price
    quantity: Quantity
    time: Timestamp
    bid: Price | None
    ask: Price | None


Levels = tuple[tuple[Price, Quantity], ...]


class Core(Protocol):
    """A book that replays a recording and lets our orders, known by slot, trade in it."""

    @property
    def slots(self) -> int:
        """How many orders of ours may rest at once."""
        ...

    @property
    def now(self) -> Timestamp:
        """Time of the last recorded row that was replayed."""
        ...

    @property
    def phase(self) -> Phase:
        """The trading phase in force."""
        ...

    @property
    def volume(self) -> Quantity:
        """Recorded volume of the day so far; nothing of ours in it."""
        ...

    @property
    def last(self) -> Price | None:
        """Price of the last recorded print."""
        ...

    def take_print_range(self) -> tuple[Price, Price] | None:
        """Return the lowest and highest recorded print of the latest time stamp with one; None if that was told."""
        ...

    @property
    def events_replayed(self) -> int:
        """How many recorded events were replayed."""
        ...

    @property
    def finished(self) -> bool:
        """Whether the recording is over."""
        ...

    def takes_price(self, price: Price) -> bool:
        """Say whether an order may be priced there."""
        ...

    def advance(self, until: Timestamp) -> Stop:
        """Replay up to and including *until*, or until something concerns us."""
        ...

    def submit(
        self, slot: int, side: OrderSide, limit: Price | None, quantity: Quantity, *, rests: bool, at: Timestamp
    ) -> Quantity:
        """Match on arrival; rest what is left if it may; return what is left. Notes tell the fills."""
        ...

    @property
    def interrupted(self) -> bool:
        """Whether the last `submit` ran out of room for notes: drain them and submit what is left."""
        ...

    def available(self, side: OrderSide, limit: Price | None) -> Quantity:
        """Return how much an order of *side* would find at once."""
        ...

    def withdraw(self, slot: int) -> Quantity:
        """Take a resting order out; return what was left of it."""
        ...

    def resize(self, slot: int, leaves: Quantity) -> None:
        """Make a resting order smaller without losing its place."""
        ...

    def drain(self) -> list[Note]:
        """Return and forget what happened to us, in order."""
        ...

    def depth(self, side: OrderSide, count: int) -> Levels:
        """Return the best levels, our own size included."""
        ...

    def touch(self) -> tuple[Price | None, Price | None]:
        """Return the others' best bid and ask."""
        ...

    def watch(self, triggers: Sequence[Trigger]) -> None:
        """Arm these triggers in place of all others."""
        ...


_SIDE = {OrderSide.BUY: layout.BUY, OrderSide.SELL: layout.SELL}
MAX_WATCHES = 1024


class OrderBookCore:
    """The order-by-order core: `kernel` over one tape.

    Args:
        slots: how many orders of ours may rest at once.
        ring: how many notes fit between two drains.
        compiled: None takes what this process runs by default.
    """

    KERNEL: ClassVar[str] = "quietfill.venue.kernel"

    def __init__(
        self, tape: Tape, *, displacing: bool = False, slots: int = 256, ring: int = 1024, compiled: bool | None = None
    ) -> None:
        self._tape = tape
        self._axis = price_axis(tape)
        self._low, self._high = tape.band
        self._ring_rows = max(ring, slots + 8)
        self._slots = slots
        self._book = self._load(displacing=displacing)
        self._scalars = self._book.scalars
        self._run = core_functions(self.KERNEL, compiled=compiled_by_default() if compiled is None else compiled)
        self._depth = np.zeros((0, 2), dtype=np.int64)
        self._told_print = -1

    @property
    def book(self) -> layout.Book:
        """The bare state, for tests that compare all of it."""
        return self._book

    @property
    def slots(self) -> int:
        """How many orders of ours may rest at once."""
        return self._slots

    @property
    def now(self) -> Timestamp:
        """Time of the last recorded row that was replayed."""
        return int(self._scalars[layout.NOW])

    @property
    def phase(self) -> Phase:
        """The trading phase in force."""
        return Phase(int(self._scalars[layout.TRADING_PHASE]))

    @property
    def volume(self) -> Quantity:
        """Recorded volume of the day so far; nothing of ours in it."""
        return int(self._scalars[layout.VOLUME])

    @property
    def own_filled(self) -> Quantity:
        """All that our orders traded, as the kernel counts it."""
        return int(self._scalars[layout.OWN_FILLED])

    @property
    def last(self) -> Price | None:
        """Price of the last recorded print."""
        row = int(self._scalars[layout.LAST_PRINT])
        return int(self._tape.price[row]) if row >= 0 else None

    def take_print_range(self) -> tuple[Price, Price] | None:
        """Return the lowest and highest recorded print of the latest time stamp with one; None if that was told."""
        row = int(self._scalars[layout.LAST_PRINT])
        if row == self._told_print:
            return None
        self._told_print = row
        return int(self._scalars[layout.LOW_PRINT]), int(self._scalars[layout.HIGH_PRINT])

    @property
    def events_replayed(self) -> int:
        """How many recorded events were replayed."""
        return self._tape.events_before(int(self._scalars[layout.CURSOR]))

    @property
    def finished(self) -> bool:
        """Whether the recording is over."""
        return bool(self._scalars[layout.CURSOR] >= self._tape.rows)

    def takes_price(self, price: Price) -> bool:
        """Say whether an order may be priced there."""
        return self._low <= price <= self._high and price % self._tape.tick == 0

    def advance(self, until: Timestamp) -> Stop:
        """Replay up to and including *until*, or until something concerns us."""
        return _STOPS[self._run.advance(self._book, until)]

    def submit(
        self, slot: int, side: OrderSide, limit: Price | None, quantity: Quantity, *, rests: bool, at: Timestamp
    ) -> Quantity:
        """Match on arrival; rest what is left if it may; return what is left. Notes tell the fills."""
        left = self._run.submit(self._book, slot, _SIDE[side], self._limit(side, limit), quantity, int(rests), at)
        return int(left)

    @property
    def interrupted(self) -> bool:
        """Whether the last `submit` ran out of room for notes: drain them and submit what is left."""
        return bool(self._scalars[layout.INTERRUPTED])

    def available(self, side: OrderSide, limit: Price | None) -> Quantity:
        """Return how much an order of *side* would find at once."""
        other = 1 - _SIDE[side]
        return int(self._run.shown_within(self._book, other, self._limit(side, limit)))

    def withdraw(self, slot: int) -> Quantity:
        """Take a resting order out; return what was left of it."""
        return int(self._run.withdraw(self._book, slot))

    def resize(self, slot: int, leaves: Quantity) -> None:
        """Make a resting order smaller without losing its place."""
        self._run.resize(self._book, slot, leaves)

    def drain(self) -> list[Note]:
        """Return and forget what happened to us, in order."""
        count = int(self._scalars[layout.RING_COUNT])
        self._scalars[layout.RING_COUNT] = 0
        return [self._note(row) for row in self._book.ring[:count].tolist()]

    def depth(self, side: OrderSide, count: int) -> Levels:
        """Return the best levels, our own size included."""
        if len(self._depth) != count:
            self._depth = np.zeros((count, 2), dtype=np.int64)
        found = self._run.depth(self._book, _SIDE[side], self._depth)
        return tuple(map(tuple, self._depth[:found].tolist()))

    def touch(self) -> tuple[Price | None, Price | None]:
        """Return the others' best bid and ask."""
        return self._price(int(self._scalars[layout.BEST])), self._price(int(self._scalars[layout.BEST + 1]))

    def watch(self, triggers: Sequence[Trigger]) -> None:
        """Arm these triggers in place of all others (at most `MAX_WATCHES`)."""
        assert len(triggers) <= MAX_WATCHES, f"{len(triggers)} triggers, the venue takes {MAX_WATCHES}"
        rows = [watch_row(trigger, self._axis) for trigger in triggers]
        if rows:
            self._book.watches[: len(rows)] = rows
        self._scalars[layout.WATCH_COUNT] = len(rows)
        self._scalars[layout.WATCHES_SIZE] = any(row[layout.WATCH] == layout.WATCH_SIZE for row in rows)

    def _load(self, *, displacing: bool) -> layout.Book:
        return load(self._tape, self._axis, slots=self._slots, ring=self._ring_rows, displacing=displacing)

    def _limit(self, side: OrderSide, price: Price | None) -> int:
        if price is None:
            return len(self._axis) - 1 if side is OrderSide.BUY else 0
        level = int(np.searchsorted(self._axis, price))
        assert self._axis[level] == price, f"price {price} is no level of this venue"
        return level

    def _price(self, level: int) -> Price | None:
        return int(self._axis[level]) if 0 <= level < len(self._axis) else None

    def _note(self, row: list[int]) -> Note:
        kind, slot, level, quantity, time, bid, ask = row
        price = int(self._axis[level]) if level >= 0 else 0
        return Note(NoteKind(kind), slot, price, quantity, time, self._price(bid), self._price(ask))


def price_axis(tape: Tape) -> NDArray[np.int64]:
    """Return every price an order can have here, ascending: the band without a gap, then what was recorded beyond it.

    Raises:
        AssertionError: when a recorded order is off the tick, which the feeds refuse.
    """
    low, high = tape.band
    band = np.arange(low, high + 1, tape.tick, dtype=np.int64)
    used = np.unique(tape.price[np.isin(tape.kind, (RowKind.ADD, RowKind.LEVEL))])
    assert not np.any(used % tape.tick), "an order off the tick got past its feed"
    return np.unique(np.concatenate([used[used < low], band, used[used > high]]))


def load(tape: Tape, axis: NDArray[np.int64], *, slots: int, ring: int, displacing: bool = False) -> layout.Book:
    """Return a fresh kernel state over *tape*."""
    levels = np.zeros((len(axis), layout.LEVEL_COLUMNS), dtype=np.int64)
    levels[:, [layout.HEAD, layout.TAIL, 3 + layout.HEAD, 3 + layout.TAIL]] = -1
    levels[:, layout.LEVEL_PRICE] = axis
    orders = np.zeros((tape.order_count + slots, layout.ORDER_COLUMNS), dtype=np.int64)
    orders[:, layout.AT] = -1
    scalars = np.zeros(layout.SCALARS, dtype=np.int64)
    scalars[layout.NOW] = LONG_AGO
    scalars[[layout.BEST, layout.OWN_BEST, layout.LAST_PRINT]] = -1
    scalars[[layout.BEST + 1, layout.OWN_BEST + 1]] = len(axis)
    scalars[layout.N_LEVELS] = len(axis)
    scalars[layout.N_RECORDED] = tape.order_count
    scalars[layout.VOLUME] = tape.volume_before
    scalars[layout.MODE] = layout.DISPLACING if displacing else layout.GHOST
    return layout.Book(
        rows=kernel_rows(tape, axis),
        orders=orders,
        levels=levels,
        scalars=scalars,
        ring=np.zeros((ring, layout.RING_COLUMNS), dtype=np.int64),
        watches=np.zeros((MAX_WATCHES, layout.WATCH_COLUMNS), dtype=np.int64),
    )


def kernel_rows(tape: Tape, axis: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the tape as the kernel's row matrix, prices turned into levels.

    A print between two levels gets the one that makes it reach fewer of ours: the lower one when a sell rested.
    """
    rows = np.empty((tape.rows, layout.ROW_COLUMNS), dtype=np.int64)
    rows[:, layout.TIME] = tape.time
    rows[:, layout.CODE] = 2 * tape.kind.astype(np.int64) + tape.side
    rows[:, layout.ORDER] = tape.order
    at_or_above = np.searchsorted(axis, tape.price)
    between = axis[np.minimum(at_or_above, len(axis) - 1)] != tape.price
    rows[:, layout.LEVEL] = at_or_above - (between & (tape.side == layout.SELL))
    rows[:, layout.QUANTITY] = tape.quantity
    rows[:, layout.PRICE] = tape.price
    return rows


def watch_row(trigger: Trigger, axis: NDArray[np.int64]) -> tuple[int, int, int, int]:
    """Return a trigger as the kernel's (kind, side, low, high)."""
    match trigger:
        case TouchLeaves(side=side, low=low, high=high):
            return layout.WATCH_TOUCH, _SIDE[side], low, high
        case MidLeaves(low=low, high=high):
            return layout.WATCH_MID, 0, max(low, -_FAR), min(high, _FAR)  # the kernel doubles them
        case SizeReaches(side=OrderSide.BUY, price=price, quantity=quantity):
            return layout.WATCH_SIZE, layout.BUY, int(np.searchsorted(axis, price)), quantity
        case SizeReaches(price=price, quantity=quantity):
            return layout.WATCH_SIZE, layout.SELL, int(np.searchsorted(axis, price, side="right")) - 1, quantity
        case VolumeReaches(volume=volume):
            return layout.WATCH_VOLUME, 0, volume, 0
        case LastThrough(price=price, rising=rising):
            return layout.WATCH_RISING if rising else layout.WATCH_FALLING, 0, price, 0
