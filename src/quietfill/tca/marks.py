"""The market at every fill and after it, for as many fills as there are: effective spreads and markouts.

Tables are parted by symbol and in order of time within each. Large ones go through one compiled forward pass
(`marks_kernel`), small ones through binary searches; both give the same bits.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from quietfill.domain.errors import BadInput
from quietfill.domain.types import MILLISECOND, MINUTE, SECOND, Duration
from quietfill.tca import marks_kernel

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from quietfill.market.history import MarketHistory

HORIZONS: Final[tuple[Duration, ...]] = (
    50 * MILLISECOND, SECOND, 5 * SECOND, 10 * SECOND, 15 * SECOND, 30 * SECOND,
    MINUTE, 5 * MINUTE, 10 * MINUTE, 15 * MINUTE, 30 * MINUTE,
)  # fmt: skip
"""How long after a fill the market is looked at again, in ns."""

WORTH_COMPILING = 200_000
"""Marks from which on the compiled pass pays: loading it takes about a second the first time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class QuoteTable:
    """Touch changes of many symbols.

    Attributes:
        start: first row of each symbol and, last, the number of rows; shape (s + 1,).
        time: ns UTC, never falling within a symbol, shape (m,).
        bid, ask: from that instant on, in 1e-9 of the currency, shape (m,).
        has_touch: whether both sides are there, shape (m,).
        until: until when a mid can be known, for each symbol, shape (s,).
    """

    start: NDArray[np.int64]
    time: NDArray[np.int64]
    bid: NDArray[np.int64]
    ask: NDArray[np.int64]
    has_touch: NDArray[np.bool_]
    until: NDArray[np.int64]

    def __post_init__(self) -> None:
        """Refuse tables that no forward pass could read."""
        _check_parted("quotes", self.start, self.time)
        _check_lengths("quotes", len(self.time), bid=self.bid, ask=self.ask, has_touch=self.has_touch)
        _check_lengths("quotes", len(self.start) - 1, until=self.until)

    @classmethod
    def of(cls, history: MarketHistory) -> QuoteTable:
        """Return the touch changes of one symbol."""
        return cls(
            start=np.array([0, len(history.touch_time)], dtype=np.int64),
            time=history.touch_time,
            bid=history.bid,
            ask=history.ask,
            has_touch=history.has_touch,
            until=np.array([history.mids_until], dtype=np.int64),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class FillTable:
    """Fills of many symbols.

    Attributes:
        start: first row of each symbol and, last, the number of rows; shape (s + 1,).
        time: ns UTC, never falling within a symbol, shape (n,).
        price: in 1e-9 of the currency, shape (n,).
        sign: +1 for a buy, -1 for a sell, shape (n,).
    """

    start: NDArray[np.int64]
    time: NDArray[np.int64]
    price: NDArray[np.int64]
    sign: NDArray[np.int8]

    def __post_init__(self) -> None:
        """Refuse tables that no forward pass could read."""
        _check_parted("fills", self.start, self.time)
        _check_lengths("fills", len(self.time), price=self.price, sign=self.sign)


@dataclass(frozen=True, slots=True, kw_only=True)
class Marks:
    """What the market says about each fill; NaN where it is not known.

    Attributes:
        effective_bps: 2 s (price - mid) / |mid| 1e4: the effective spread, positive when paid, shape (n,).
        markout_bps: s (mid(t + h) - price) / |mid(t)| 1e4: positive when it helped, shape (n, h).
        horizons: in ns, shape (h,).
    """

    effective_bps: NDArray[np.float64]
    markout_bps: NDArray[np.float64]
    horizons: NDArray[np.int64]

    @property
    def realized_bps(self) -> NDArray[np.float64]:
        """The realised spread 2 s (price - mid(t + h)) / |mid(t)| 1e4, positive when paid, shape (n, h)."""
        return -2 * self.markout_bps

    @property
    def impact_bps(self) -> NDArray[np.float64]:
        """2 s (mid(t + h) - mid(t)) / |mid(t)| 1e4: what of the effective spread the market kept, shape (n, h)."""
        return self.effective_bps[:, None] - self.realized_bps


def fill_marks(
    fills: FillTable,
    quotes: QuoteTable,
    horizons: Sequence[Duration] = HORIZONS,
    *,
    before: bool = False,
    compiled: bool | None = None,
) -> Marks:
    """Return effective spreads and markouts of all fills.

    The mid in force at an instant is that of the last quote at or before it. There is none while a side is empty,
    before the first quote, and past the end of the data: what is not known is NaN and never the last known mid.

    Effective and realised spread: Bessembinder and Kaufman (1997); SEC Rule 605 (17 CFR 242.600(b)).

    Args:
        fills: parted as *quotes* are.
        quotes: of the same symbols in the same order.
        horizons: not negative, in ns.
        before: whether a fill's own mid is that just before its instant, where quotes of that instant already show
            what the fill did.
        compiled: None takes the compiled pass when there is enough to do and numba is there.

    Raises:
        BadInput: when the tables are not parted alike or a horizon is negative.
    """
    if len(fills.start) != len(quotes.start):
        raise BadInput(f"fills of {len(fills.start) - 1} symbols do not go with quotes of {len(quotes.start) - 1}")
    after = np.array(horizons, dtype=np.int64)
    if len(after) and int(after.min()) < 0:
        raise BadInput(f"horizons must not be negative, is {int(after.min())}")
    marks = Marks(
        effective_bps=np.full(len(fills.time), np.nan),
        markout_bps=np.full((len(fills.time), len(after)), np.nan),
        horizons=after,
    )
    if compiled is None:
        compiled = len(fills.time) * (1 + len(after)) >= WORTH_COMPILING and find_spec("numba") is not None
    (_forward if compiled else _searched)(fills, quotes, fills.time - 1 if before else fills.time, marks)
    return marks


def _forward(fills: FillTable, quotes: QuoteTable, mid_time: NDArray[np.int64], marks: Marks) -> None:
    places = np.empty(len(marks.horizons) + 1, dtype=np.int64)
    _compiled()(
        (fills.start, mid_time, fills.time, fills.price, fills.sign),
        (quotes.start, quotes.time, quotes.bid, quotes.ask, quotes.has_touch, quotes.until),
        marks.horizons,
        places,
        marks.effective_bps,
        marks.markout_bps,
    )


@functools.cache
def _compiled() -> Any:
    from numba import njit

    return njit(cache=True, nogil=True)(marks_kernel.forward_marks)


def _searched(fills: FillTable, quotes: QuoteTable, mid_time: NDArray[np.int64], marks: Marks) -> None:
    """Do what the kernel does, one symbol and one mark at a time."""
    for symbol, (first, stop) in enumerate(zip(fills.start[:-1].tolist(), fills.start[1:].tolist(), strict=True)):
        rows = slice(first, stop)
        at, known = _twice_mid(quotes, symbol, mid_time[rows])
        known &= at != 0
        paid = 2 * fills.price[rows]
        scale = np.divide(fills.sign[rows] * 1e4, np.abs(at), out=np.full(len(at), np.nan), where=known)
        marks.effective_bps[rows] = 2 * (scale * (paid - at))
        for mark, horizon in enumerate(marks.horizons.tolist()):
            when = fills.time[rows] + horizon
            later, there = _twice_mid(quotes, symbol, when)
            there &= when <= quotes.until[symbol]
            marks.markout_bps[rows, mark] = np.where(there, scale * (later - paid), np.nan)


def _twice_mid(quotes: QuoteTable, symbol: int, when: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Return twice the mid in force at each instant, and whether there is one."""
    first, stop = int(quotes.start[symbol]), int(quotes.start[symbol + 1])
    place = first - 1 + np.searchsorted(quotes.time[first:stop], when, side="right")
    if first == stop:
        return np.zeros(len(when), dtype=np.int64), np.zeros(len(when), dtype=np.bool_)
    row = np.maximum(place, first)
    return quotes.bid[row] + quotes.ask[row], (place >= first) & quotes.has_touch[row]


def _check_parted(name: str, start: NDArray[np.int64], time: NDArray[np.int64]) -> None:
    if not len(start) or int(start[0]) != 0 or int(start[-1]) != len(time) or bool((np.diff(start) < 0).any()):
        raise BadInput(f"start of {name} must rise from 0 to the number of rows, {len(time)}")
    falls = np.diff(time) < 0
    inner = start[1:-1]
    falls[inner[(inner > 0) & (inner < len(time))] - 1] = False  # another symbol begins
    if bool(falls.any()):
        raise BadInput(f"time of {name} falls within a symbol at row {int(np.argmax(falls)) + 1}")


def _check_lengths(name: str, rows: int, **columns: NDArray[Any]) -> None:
    for column, values in columns.items():
        if len(values) != rows:
            raise BadInput(f"{column} of {name} has {len(values)} rows, not {rows}")
