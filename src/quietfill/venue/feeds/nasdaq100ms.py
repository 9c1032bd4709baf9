"""Nasdaq books of 20 levels every 100 ms with every market order of the day: a MATLAB file with one struct `LOB`.

`EventTime` is ms after midnight in New York, the END of a row's interval; the row's prices (dollars x 10,000, best
first, 0 where there is no level) and volumes are the book at its START. `MO` is one row a market order: time in
ms, then quotes, shares, sign (-1 buy, +1 sell), worst price paid, and ten levels a side just before it. A market
order at the very end of an interval belongs to it, so it comes before the next row's book.

What is replayed: each book at the instant it shows, each market order at its own. Just before a market order the
book becomes the one recorded with it, and what it takes is off the book at once, until the next picture. One that paid
several prices becomes a print at each, the displayed sizes of its own picture taken from the best to the worst.

Format: Cartea, Jaimungal and Penalva, "Algorithmic and High-Frequency Trading" (2015), the book's data.
"""

from __future__ import annotations

import io
import re
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from quietfill.domain.errors import BadInput
from quietfill.domain.types import MILLISECOND, PRICE_SCALE, QUANTITY_SCALE, Price, Quantity, Timestamp
from quietfill.venue.feeds.depth_rows import DepthRows, SeenSide
from quietfill.venue.feeds.files import read_bytes
from quietfill.venue.feeds.markets import midnight, nasdaq

if TYPE_CHECKING:
    from collections.abc import Iterator

    from quietfill.venue.tape import Tape

DEFAULT_TICK: Price = PRICE_SCALE // 100
DEFAULT_LOT: Quantity = QUANTITY_SCALE
PRICE_UNIT: Price = PRICE_SCALE // 10_000

_INTERVAL_MS = 100
_DAY_MS = 86_400_000
_BUY, _SELL = 0, 1
_SIDE_NAMES = ("Buy", "Sell")
_MO_COLUMNS = 50
_MO_TIME, _MO_SHARES, _MO_SIGN, _MO_WORST = 0, 6, 7, 8
_MO_BOOK = (((10, 20), (20, 30)), ((30, 40), (40, 50)))  # by side: columns of prices, columns of sizes
_NEW_YORK = ZoneInfo("America/New_York")


def load(path: Path, *, symbol: str, day: date | None, tick: Price | None, lot: Quantity | None) -> Tape:
    """Read one stock's day.

    Raises:
        BadInput: in one line, naming file, row and value.
    """
    when = _date_of(path, day)
    tick = tick or DEFAULT_TICK
    struct = _struct(path)
    pictures = _pictures(path, struct, tick)
    orders = _market_orders(path, struct)
    before = orders.time <= pictures.time[0]
    inside = np.flatnonzero(~before & (orders.time <= pictures.time[-1] + _INTERVAL_MS))
    # What was quoted outside of continuous trading may well be crossed.
    _check_books(path, "MO ", orders.before, tick, rows=inside)
    return _rows(pictures, orders, inside, midnight(when, _NEW_YORK)).build(
        nasdaq(symbol, tick=tick, lot=lot or DEFAULT_LOT),
        when=when,
        tick=tick,
        unit=QUANTITY_SCALE,
        source=(path.name,),
        volume_before=int(orders.shares[before].sum()) * QUANTITY_SCALE,
        ignored=len(before) - len(inside) - int(np.count_nonzero(before)),
    )


@dataclass(frozen=True, slots=True)
class _Pictures:
    """Books at instants: ms after midnight (n,), and by side prices and shares (n, levels), 0 where empty."""

    time: NDArray[np.int64]
    prices: tuple[NDArray[np.int64], NDArray[np.int64]]
    sizes: tuple[NDArray[np.int64], NDArray[np.int64]]

    def side(self, row: int, side: int) -> tuple[list[int], list[int], bool]:
        """Return prices and sizes in our scales, and whether there are no levels beyond them."""
        prices, sizes = self.prices[side][row], self.sizes[side][row]
        there = int(np.count_nonzero(prices))
        scaled = (prices[:there] * PRICE_UNIT).tolist(), (sizes[:there] * QUANTITY_SCALE).tolist()
        return *scaled, there < len(prices)


@dataclass(frozen=True, slots=True)
class _MarketOrders:
    """Market orders: ms after midnight, shares, the side they took from, the worst price paid, the book before."""

    time: NDArray[np.int64]
    shares: NDArray[np.int64]
    resting: NDArray[np.int64]
    worst: NDArray[np.int64]
    before: _Pictures

    def legs(self, row: int) -> Iterator[tuple[Price, Quantity]]:
        """Yield what was paid at each price, best first; the worst price takes what the shown sizes leave."""
        side = int(self.resting[row])
        left, worst = int(self.shares[row]) * QUANTITY_SCALE, int(self.worst[row]) * PRICE_UNIT
        prices, sizes, _ = self.before.side(row, side)
        for price, size in zip(prices, sizes, strict=True):
            better = price < worst if side == _SELL else price > worst
            taken = min(left, size)
            if better and taken < left:
                yield price, taken
                left -= taken
        yield worst, left


def _rows(pictures: _Pictures, orders: _MarketOrders, inside: NDArray[np.int64], start: Timestamp) -> DepthRows:
    # Only pictures that differ from the one before, or that a market order has come between, are looked at.
    due = _changed(pictures)
    due[np.searchsorted(pictures.time, orders.time[inside]).clip(max=len(due) - 1)] = True
    shown = np.flatnonzero(due)
    times = np.concatenate([orders.time[inside], pictures.time[shown]])
    which = np.concatenate([inside, shown])
    sequence = np.argsort(times, kind="stable")  # at equal times the market orders, which stand first
    rows = DepthRows()
    sides = SeenSide(_BUY), SeenSide(_SELL)
    for place in sequence.tolist():
        at = start + int(times[place]) * MILLISECOND
        row = int(which[place])
        is_order = place < len(inside)
        _show(rows, sides, orders.before if is_order else pictures, row, at)
        if not is_order:
            continue
        side = int(orders.resting[row])
        for number, (price, quantity) in enumerate(orders.legs(row)):
            rows.trade(at, side, price, quantity, made=number > 0)
            rows.change(at, [sides[side].take(price, quantity)], made=True)
    return rows


def _show(rows: DepthRows, sides: tuple[SeenSide, SeenSide], pictures: _Pictures, row: int, at: Timestamp) -> None:
    changes = []
    for number, seen in enumerate(sides):
        prices, sizes, whole = pictures.side(row, number)
        changes += seen.picture(prices, sizes, whole=whole or not prices)
    # A side's falls come before the other side's rises, or a quote that moves through would cross the old one.
    first = len(rows) == 0
    rows.change(at, sorted(changes, key=lambda change: change[2] > 0), made=first)


def _changed(pictures: _Pictures) -> NDArray[np.bool_]:
    changed = np.ones(len(pictures.time), dtype=np.bool_)
    changed[1:] = False
    for columns in (*pictures.prices, *pictures.sizes):
        changed[1:] |= (columns[1:] != columns[:-1]).any(axis=1)
    return changed


# ---------------------------------------------------------------- reading


def _date_of(path: Path, given: date | None) -> date:
    found = re.search(r"_(\d{4})(\d\d)(\d\d)\b", path.name)
    if found is None:
        if given is None:
            raise BadInput(f"{path}: neither its name nor --date says which day it is")
        return given
    try:
        named = date(*map(int, found.groups()))
    except ValueError:
        raise BadInput(f"{path}: {found.group()[1:]} in its name is no date") from None
    if given is not None and given != named:
        raise BadInput(f"{path}: holds {named}, not {given}")
    return named


def _struct(path: Path) -> Any:
    try:
        import scipy.io
    except ImportError:
        raise BadInput(f"{path}: reading MATLAB files needs scipy: pip install 'quietfill[matlab]'") from None
    content = read_bytes(path)
    try:
        found = scipy.io.loadmat(io.BytesIO(content), struct_as_record=False)
    except Exception as error:  # noqa: BLE001 - torn bytes make that parser fail in any way
        raise BadInput(f"{path}: not a MATLAB file, or torn ({' '.join(str(error).split())})") from None
    if not isinstance(found.get("LOB"), np.ndarray) or found["LOB"].size != 1:
        raise BadInput(f"{path}: holds no struct LOB")
    return found["LOB"].item()  # everything in MATLAB is a matrix, a struct is one of 1 x 1


def _column(path: Path, struct: Any, name: str, shape: tuple[int | None, ...]) -> NDArray[np.int64]:
    """Return a field as whole numbers; None in *shape* is any length of at least 1."""
    values = getattr(struct, name, None)
    if not isinstance(values, np.ndarray) or values.dtype.kind not in "iuf":
        raise BadInput(f"{path}: LOB has no numeric field {name}")
    fits = len(values.shape) == len(shape) and all(
        there == asked or (asked is None and there > 0) for there, asked in zip(values.shape, shape, strict=True)
    )
    if not fits:
        asked_for = " x ".join("n" if asked is None else str(asked) for asked in shape)
        raise BadInput(f"{path}: {name} is {' x '.join(map(str, values.shape))}, not {asked_for}")
    return _whole(path, values, name, all_of_it=name != "MO")


def _whole(path: Path, values: NDArray[Any], name: str, *, all_of_it: bool) -> NDArray[np.int64]:
    if values.dtype.kind in "iu":
        return values.astype(np.int64)
    # MO keeps an average price in its sixth column, the one number that need not be whole.
    odd = ~(np.abs(values.astype(np.float64)) < _LARGEST)
    if all_of_it:
        odd |= values != np.rint(values)
    places = np.argwhere(odd)
    if len(places):
        place = tuple(places[0])
        raise BadInput(f"{path} {name} row {place[0] + 1}: {values[place]} is not a whole number in range")
    return np.rint(values).astype(np.int64)


def _pictures(path: Path, struct: Any, tick: Price) -> _Pictures:
    ends = _column(path, struct, "EventTime", (None, 1))[:, 0]
    _check_times(path, "EventTime", ends, strictly=True)
    found = [_column(path, struct, f"{name}Price", (len(ends), None)) for name in _SIDE_NAMES]
    sizes = [_column(path, struct, f"{name}Volume", found[side].shape) for side, name in enumerate(_SIDE_NAMES)]
    pictures = _Pictures(ends - _INTERVAL_MS, (found[0], found[1]), (sizes[0], sizes[1]))
    _check_books(path, "", pictures, tick, rows=np.arange(len(ends)))
    return pictures


def _market_orders(path: Path, struct: Any) -> _MarketOrders:
    table = _column(path, struct, "MO", (None, _MO_COLUMNS))
    time = table[:, _MO_TIME]
    _check_times(path, "MO", time, strictly=False)
    for column, good, why in (
        (_MO_SHARES, table[:, _MO_SHARES] > 0, "is not a positive number of shares"),
        (_MO_SIGN, np.abs(table[:, _MO_SIGN]) == 1, "is neither -1 (buy) nor 1 (sell)"),
        (_MO_WORST, table[:, _MO_WORST] > 0, "is no price"),
    ):
        odd = np.flatnonzero(~good)
        if len(odd):
            raise BadInput(f"{path} MO row {odd[0] + 1}: column {column + 1} {table[odd[0], column]} {why}")
    (buy_price, buy_size), (sell_price, sell_size) = [
        [table[:, first:last] for first, last in columns] for columns in _MO_BOOK
    ]
    before = _Pictures(time, (buy_price, sell_price), (buy_size, sell_size))
    resting = np.where(table[:, _MO_SIGN] < 0, _SELL, _BUY)
    return _MarketOrders(time, table[:, _MO_SHARES], resting, table[:, _MO_WORST], before)


def _check_times(path: Path, name: str, time: NDArray[np.int64], *, strictly: bool) -> None:
    outside = np.flatnonzero((time < 0) | (time > _DAY_MS))
    if len(outside):
        raise BadInput(f"{path} {name} row {outside[0] + 1}: {time[outside[0]]} is not a time of day in ms")
    step = np.diff(time)
    back = np.flatnonzero(step <= 0 if strictly else step < 0)
    if len(back):
        row = int(back[0]) + 1
        raise BadInput(f"{path} {name} row {row + 1}: time goes back from {time[row - 1]} to {time[row]}")


def _check_books(path: Path, table: str, pictures: _Pictures, tick: Price, *, rows: NDArray[np.int64]) -> None:
    off_tick = f"is not a multiple of the tick {tick / PRICE_SCALE:g}"
    for side, name in enumerate(_SIDE_NAMES):
        prices, sizes = pictures.prices[side][rows], pictures.sizes[side][rows]
        there = prices != 0
        step = np.diff(prices, axis=1) * (-1 if side == _BUY else 1)
        out_of_order = np.zeros_like(there)
        out_of_order[:, 1:] = there[:, 1:] & ((step <= 0) | ~there[:, :-1])
        for odd, why in (
            (out_of_order, "is out of order"),
            (there & ((prices < 0) | (prices * PRICE_UNIT % tick != 0)), off_tick),
            (there & (sizes <= 0), "has no size"),
        ):
            places = np.argwhere(odd)
            if len(places):
                row, level = places[0]
                what = f"{table}row {rows[row] + 1}: {name}Price {prices[row, level]} of level {level + 1}"
                raise BadInput(f"{path} {what} {why}")
    bid, ask = pictures.prices[_BUY][rows, 0], pictures.prices[_SELL][rows, 0]
    crossed = np.flatnonzero((bid >= ask) & (ask != 0))
    if len(crossed):
        row = crossed[0]
        raise BadInput(f"{path} {table}row {rows[row] + 1}: crossed, bid {bid[row]} at ask {ask[row]}")


_LARGEST = 2.0**40
