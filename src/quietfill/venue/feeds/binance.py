"""Binance's raw websocket messages as recorded: depth changes, best quotes and trades, and a REST snapshot of the book.

A line is the local receive time in ns, a space, and the JSON as it came. Streams differ in delay, so file order is not
the order of things. Book messages are put in order of their update id, trades in order of their number, and both
on the exchange's clock: `T` (when it happened), else `E` (when it was published), in ms UTC. What happened in one
millisecond starts with its trades: the book messages of that millisecond show it without them. The spot market's
best quotes carry no time; theirs is the receive time on the recorder's clock, which is set by the message that came
with the least delay, and not later than the next depth message: so never earlier than the truth.

The book begins with the snapshot; what was said of the book before it is passed over, trades are kept.

Format: https://developers.binance.com/docs (diff depth, book ticker and trade streams; how to manage a local book).
"""

from __future__ import annotations

import heapq
from collections.abc import Sequence
from datetime import date
from decimal import Decimal, InvalidOperation
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from quietfill.domain.errors import BadInput
from quietfill.domain.instrument import Instrument, TradingDay
from quietfill.domain.types import PRICE_SCALE, QUANTITY_SCALE, Price, Quantity, datetime_of
from quietfill.venue.feeds.binance_lines import BookMessage, BookMessageKind, Recording, TextLevel, read_recording
from quietfill.venue.feeds.depth_rows import Change, DepthRows
from quietfill.venue.feeds.markets import binance
from quietfill.venue.tape import Tape

PERPETUAL_TICK: Price = PRICE_SCALE // 10
PERPETUAL_LOT: Quantity = QUANTITY_SCALE // 1_000
SPOT_TICK: Price = PRICE_SCALE // 100
SPOT_LOT: Quantity = QUANTITY_SCALE // 100_000

_BUY, _SELL = 0, 1


def load(paths: Sequence[Path], *, symbol: str, day: date | None, tick: Price | None, lot: Quantity | None) -> Tape:
    """Read one market's recording, in one file or several that follow each other.

    Args:
        paths: in order of time.
        day: checked against the date (UTC) of the first message where given.

    Raises:
        BadInput: in one line, naming file, row and value.
    """
    recording = read_recording(paths, symbol)
    default_tick, default_lot = (PERPETUAL_TICK, PERPETUAL_LOT) if recording.perpetual else (SPOT_TICK, SPOT_LOT)
    tick = tick or default_tick
    messages = _from_snapshot_on(recording, paths[0])
    rows = _rows(recording, messages, _Grid(tick))
    instrument = binance(symbol, tick=tick, lot=lot or default_lot)
    first, last = (datetime_of(at).date() for at in rows.span)
    if day is not None and day != first:
        raise BadInput(f"{paths[0]}: holds {first}, not {day}")
    return rows.build(
        instrument,
        when=first,
        tick=tick,
        unit=default_lot,
        source=tuple(path.name for path in paths),
        day=_days(instrument, first, last),
        ignored=recording.ignored + len(recording.book) - len(messages),
    )


def _days(instrument: Instrument, first: date, last: date) -> TradingDay:
    # This market never closes, so a recording over midnight is one stretch of trading.
    opens, closes = instrument.trading_day(first).spans[0][0], instrument.trading_day(last).spans[-1][1]
    return TradingDay(((opens, closes),))


def _from_snapshot_on(recording: Recording, path: Path) -> list[BookMessage]:
    """Return the snapshot and the messages that it does not contain already, in order of update id."""
    snapshot = next((message for message in recording.book if message.kind is BookMessageKind.SNAPSHOT), None)
    if snapshot is None:
        raise BadInput(f"{path}: no snapshot (a line with lastUpdateId) to begin the book with")
    later = [
        message
        for message in recording.book
        if message.last > snapshot.last and message.kind is not BookMessageKind.SNAPSHOT
    ]
    following = next((message for message in later if message.kind is BookMessageKind.DEPTH), None)
    if following is not None and following.previous > snapshot.last:
        raise BadInput(
            f"{following.where}: update ids after {following.previous}, the snapshot ends at {snapshot.last}: a gap"
        )
    return [snapshot, *sorted(later, key=lambda message: message.last)]


def _rows(recording: Recording, messages: list[BookMessage], grid: _Grid) -> DepthRows:
    trades = recording.trades
    times = np.concatenate([np.array([trade.time for trade in trades], dtype=np.int64), _times(recording, messages)])
    rows, book = DepthRows(), _Book(grid)
    for place in np.argsort(times, kind="stable").tolist():  # at equal times the trades, which stand first
        at = int(times[place])
        if place < len(trades):
            trade = trades[place]
            price = grid.price(trade.price, trade.where)
            rows.trade(at, _BUY if trade.buyer_rested else _SELL, price, grid.quantity(trade.quantity, trade.where))
            continue
        message = messages[place - len(trades)]
        rows.change(at, book.apply(message), made=message.kind is BookMessageKind.SNAPSHOT)
    return rows


def _times(recording: Recording, messages: list[BookMessage]) -> NDArray[np.int64]:
    """Return when each book message was true, in ns UTC, never falling."""
    stamped = np.array([message.time is not None for message in messages])
    received = [message.received + recording.clock_lag for message in messages]
    times = np.array(
        [at if message.time is None else message.time for message, at in zip(messages, received, strict=True)],
        dtype=np.int64,
    )
    not_after = np.minimum.accumulate(times[::-1])[::-1]
    return np.maximum.accumulate(np.where(stamped, times, not_after))


class _Grid:
    """Texts as prices and quantities in our scales; each text is looked at once."""

    def __init__(self, tick: Price) -> None:
        self._tick = tick
        self._prices: dict[str, Price] = {}
        self._quantities: dict[str, Quantity] = {}

    def levels(self, texts: Sequence[TextLevel], where: str) -> list[tuple[Price, Quantity]]:
        """Return levels; most texts were seen before, so this is where a recording is read fast or slowly."""
        prices, quantities = self._prices, self._quantities
        return [
            (prices.get(price) or self.price(price, where), quantities.get(size) or self.quantity(size, where))
            for price, size in texts
        ]

    def price(self, text: str, where: str) -> Price:
        """Return a price; it lies on the tick."""
        price = self._prices.get(text)
        if price is None:
            price = _scaled(text, PRICE_SCALE, where, "price")
            if price <= 0 or price % self._tick:
                tick = f"{self._tick / PRICE_SCALE:g}"
                raise BadInput(f"{where}: price {text!r} is not a positive multiple of the tick {tick}")
            self._prices[text] = price
        return price

    def quantity(self, text: str, where: str) -> Quantity:
        """Return a quantity; 0 is one."""
        quantity = self._quantities.get(text)
        if quantity is None:
            quantity = self._quantities[text] = _scaled(text, QUANTITY_SCALE, where, "quantity")
        return quantity


def _scaled(text: str, scale: int, where: str, what: str) -> int:
    try:
        value = Decimal(text) * scale
        whole = int(value)
    except (InvalidOperation, ValueError, OverflowError):
        raise BadInput(f"{where}: {what} {text!r} is not a number") from None
    if value != whole or not 0 <= whole < _LARGEST:
        raise BadInput(f"{where}: {what} {text!r} is out of range or finer than is known here")
    return whole


class _Book:
    """What the messages say is shown, price by price."""

    def __init__(self, grid: _Grid) -> None:
        self._grid = grid
        self._sizes: tuple[dict[int, Quantity], dict[int, Quantity]] = ({}, {})
        # Keys of levels, best first (a bid's key is its price turned negative); levels that went stay for a while.
        self._keys: tuple[list[int], list[int]] = ([], [])

    def apply(self, message: BookMessage) -> list[Change]:
        """Return what a message changes, falls first.

        Raises:
            BadInput: when the book is crossed behind it.
        """
        falls: list[Change] = []
        rises: list[Change] = []
        for side, levels in ((_BUY, message.bids), (_SELL, message.asks)):
            found = self._grid.levels(levels, message.where)
            if message.kind is BookMessageKind.BEST:
                self._drop_better(side, found[0][0], falls)
            for price, size in found:
                self._set(side, price, size, falls, rises)
        bid, ask = self._best(_BUY), self._best(_SELL)
        if bid is not None and ask is not None and bid >= ask:
            raise BadInput(f"{message.where}: crossed, bid {bid / PRICE_SCALE:g} at ask {ask / PRICE_SCALE:g}")
        return falls + rises

    def _set(self, side: int, price: Price, size: Quantity, falls: list[Change], rises: list[Change]) -> None:
        sizes = self._sizes[side]
        before = sizes.get(price, 0)
        if size == before:
            return
        (rises if size > before else falls).append((side, price, size))
        if size == 0:
            del sizes[price]
            return
        sizes[price] = size
        if before == 0:
            heapq.heappush(self._keys[side], -price if side == _BUY else price)

    def _best(self, side: int) -> Price | None:
        keys, sizes = self._keys[side], self._sizes[side]
        while keys:
            price = abs(keys[0])
            if price in sizes:
                return price
            heapq.heappop(keys)
        return None

    def _drop_better(self, side: int, best: Price, falls: list[Change]) -> None:
        while (price := self._best(side)) is not None and (price > best if side == _BUY else price < best):
            self._set(side, price, 0, falls, falls)


_LARGEST = 2**62
