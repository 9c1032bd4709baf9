"""The Shanghai order-by-order feed: an orders file, and the trades file beside it.

Columns and meaning as in the exchange's level-2 order and transaction messages: both files carry
`ApplSeqNum`, the one sequence in which things happened. An order that trades on arrival appears first in its
trades and then, if something is left, in an order message with the rest; so a continuous trade takes down the
resting side alone (`TradeBSFlag` says who came later), and an auction trade both.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from quietfill.domain.errors import BadInput
from quietfill.domain.types import MILLISECOND, PRICE_SCALE, QUANTITY_SCALE, Price, Quantity
from quietfill.venue.feeds.files import Table
from quietfill.venue.feeds.markets import midnight, shanghai
from quietfill.venue.tape import RowKind, Tape, TapeBuilder, check_order_of_time

DEFAULT_TICK: Price = PRICE_SCALE // 100
DEFAULT_LOT: Quantity = 100 * QUANTITY_SCALE
_SHARE: Quantity = QUANTITY_SCALE

_ADD, _CANCEL = 2, 10
_AUCTION, _BUYER_LATER, _SELLER_LATER = 0, 1, 2
_BUY, _SELL = 1, 2
_CHINA = ZoneInfo("Asia/Shanghai")
_TIME = re.compile(r"(\d\d):(\d\d):(\d\d)(?:\.(\d{1,3}))?")


def load(orders_path: Path, *, symbol: str, day: date | None, tick: Price | None, lot: Quantity | None) -> Tape:
    """Read one stock's day.

    Args:
        orders_path: the orders file; the trades file has `_trades.` where it has `_orders.`.
        day: checked against the files' own date where given.

    Raises:
        BadInput: in one line, naming file, row and value.
    """
    orders = _Part(Table(orders_path, header=True), symbol, orders_path)
    trades = _Part(Table(trades_beside(orders_path), header=True), symbol, orders_path)
    when = orders.date()
    if trades.table.length and trades.date() != when:
        raise BadInput(f"{trades.table.path}: holds {trades.date()}, its orders {when}")
    if day is not None and day != when:
        raise BadInput(f"{orders_path}: holds {when}, not {day}")
    tick = tick or DEFAULT_TICK
    columns = _merge([_order_rows(orders, tick), *_trade_rows(trades, tick)])
    time = columns.time * MILLISECOND + midnight(when, _CHINA)
    check_order_of_time(time, f"{orders_path} and its trades, in order of ApplSeqNum,")
    numbers, dense = np.unique(columns.order, return_inverse=True)
    return TapeBuilder(
        instrument=shanghai(symbol, tick=tick, lot=lot or DEFAULT_LOT), date=when, tick=tick, unit=_SHARE,
        source=(orders_path.name, trades_beside(orders_path).name),
        time=time, kind=columns.kind, side=columns.side, order=dense.astype(np.int64),
        price=columns.price, quantity=columns.quantity, order_count=len(numbers),
        made=np.flatnonzero(columns.second_leg).tolist(),
    ).build()  # fmt: skip


def trades_beside(orders_path: Path) -> Path:
    """Return the trades file that belongs to an orders file.

    Raises:
        BadInput: when the name does not say which.
    """
    if "_orders." not in orders_path.name:
        raise BadInput(f"{orders_path}: an orders file is named ..._orders.csv, its trades ..._trades.csv beside it")
    return orders_path.with_name(orders_path.name.replace("_orders.", "_trades."))


@dataclass(frozen=True, slots=True)
class _Rows:
    sequence: NDArray[np.int64]
    time: NDArray[np.int64]  # ms after midnight
    kind: NDArray[np.int64]
    side: NDArray[np.int64]
    order: NDArray[np.int64]
    price: NDArray[np.int64]
    quantity: NDArray[np.int64]
    second_leg: NDArray[np.bool_]


class _Part:
    """The rows of one symbol in one of the two files."""

    def __init__(self, table: Table, symbol: str, path: Path) -> None:
        self.table = table
        names = table.text("SecurityID")
        self.mine = np.array([name == symbol or name.partition(".")[0] == symbol for name in names], dtype=np.bool_)
        if table.length and not self.mine.any():
            raise BadInput(f"{path}: holds {names[0]}, not {symbol}")

    def date(self) -> date:
        """Return the one date of the file."""
        if not self.table.length:
            raise BadInput(f"{self.table.path}: no rows")
        text = self.table.text("MDDate")
        try:
            first = datetime.strptime(text[0], "%Y.%m.%d").date()  # noqa: DTZ007 - a bare date
        except ValueError:
            raise self.table.fault(0, "MDDate", text[0], "is not a date like 2023.07.11") from None
        for index, other in enumerate(text):
            if other != text[0]:
                raise self.table.fault(index, "MDDate", other, f"differs from the first row's {text[0]}")
        return first

    def time(self) -> NDArray[np.int64]:
        """Return ms after midnight; they never go back."""
        values = self.table.text("MDTime")
        times = np.zeros(len(values), dtype=np.int64)
        for index, value in enumerate(values):
            found = _TIME.fullmatch(value)
            if found is None:
                raise self.table.fault(index, "MDTime", value, "is not a time like 09:30:00.010")
            hours, minutes, seconds, fraction = found.groups()
            times[index] = ((int(hours) * 60 + int(minutes)) * 60 + int(seconds)) * 1000 + int(
                (fraction or "0").ljust(3, "0")
            )
        back = np.flatnonzero(np.diff(times) < 0)
        if len(back):
            row = int(back[0]) + 1
            raise self.table.fault(row, "MDTime", values[row], f"goes back from {values[row - 1]}")
        return times

    def choice(self, name: str, allowed: tuple[int, ...]) -> NDArray[np.int64]:
        """Return a column of codes."""
        values = self.table.integers(name)
        odd = np.flatnonzero(~np.isin(values, allowed))
        if len(odd):
            raise self.table.fault(int(odd[0]), name, int(values[odd[0]]), f"is none of {allowed}")
        return values

    def shares(self, name: str) -> NDArray[np.int64]:
        """Return a column of positive quantities."""
        values = self.table.on_grid(name, _SHARE, QUANTITY_SCALE, "share")
        odd = np.flatnonzero(values <= 0)
        if len(odd):
            raise self.table.fault(int(odd[0]), name, self.table.text(name)[int(odd[0])], "is not positive")
        return values


def _order_rows(part: _Part, tick: Price) -> _Rows:
    kind = part.choice("OrderType", (_ADD, _CANCEL))
    side = part.choice("OrderBSFlag", (_BUY, _SELL)) - 1
    adds = kind == _ADD
    price = part.table.on_grid("OrderPrice", tick, PRICE_SCALE, "tick")
    return _only(
        part.mine,
        _Rows(
            sequence=part.table.integers("ApplSeqNum"),
            time=part.time(),
            kind=np.where(adds, RowKind.ADD, RowKind.REDUCE).astype(np.int64),
            side=side,
            order=part.table.integers("OrderNO"),
            price=price,
            quantity=part.shares("OrderQty"),
            second_leg=np.zeros(len(side), dtype=np.bool_),
        ),
    )


def _trade_rows(part: _Part, tick: Price) -> list[_Rows]:
    # A continuous trade is one row, of its resting side; an auction trade two, the buy printing.
    flag = part.choice("TradeBSFlag", (_AUCTION, _BUYER_LATER, _SELLER_LATER))
    buyer, seller = part.table.integers("TradeBuyNo"), part.table.integers("TradeSellNo")
    sell_rests = flag == _BUYER_LATER
    auction = flag == _AUCTION
    first = _Rows(
        sequence=part.table.integers("ApplSeqNum"),
        time=part.time(),
        kind=np.where(auction, RowKind.AUCTION, RowKind.EXECUTE).astype(np.int64),
        side=sell_rests.astype(np.int64),
        order=np.where(sell_rests, seller, buyer),
        price=part.table.on_grid("TradePrice", tick, PRICE_SCALE, "tick"),
        quantity=part.shares("TradeQty"),
        second_leg=np.zeros(len(flag), dtype=np.bool_),
    )
    second = _Rows(
        sequence=first.sequence, time=first.time, kind=np.full_like(flag, RowKind.REDUCE), side=np.ones_like(flag),
        order=seller, price=first.price, quantity=first.quantity, second_leg=np.ones(len(flag), dtype=np.bool_),
    )  # fmt: skip
    return [_only(part.mine, first), _only(part.mine & auction, second)]


def _only(mask: NDArray[np.bool_], rows: _Rows) -> _Rows:
    return _Rows(**{name: getattr(rows, name)[mask] for name in _Rows.__slots__})


def _merge(parts: list[_Rows]) -> _Rows:
    joined = {name: np.concatenate([getattr(part, name) for part in parts]) for name in _Rows.__slots__}
    order = np.argsort(joined["sequence"], kind="stable")
    return _Rows(**{name: column[order] for name, column in joined.items()})
