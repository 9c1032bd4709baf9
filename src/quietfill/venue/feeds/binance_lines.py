"""The lines of a Binance recording, checked one by one and as a sequence."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from enum import IntEnum
from pathlib import Path
from typing import TypeAlias

import msgspec

from quietfill.domain.errors import BadInput
from quietfill.domain.types import MILLISECOND, Timestamp
from quietfill.venue.feeds.files import read_bytes

TextLevel: TypeAlias = tuple[str, str]
"""Price and size as written."""


class BookMessageKind(IntEnum):
    """What a book message is."""

    SNAPSHOT = 0
    DEPTH = 1
    BEST = 2
    """The best bid and ask alone."""


class BookMessage(msgspec.Struct, gc=False):
    """What was said about the book.

    Attributes:
        last: the update id whose state this is.
        previous: for `DEPTH` the last update id that it does not cover.
        time: ns UTC on the exchange's clock; None where it does not say.
        received: ns on the recorder's clock.
        where: file and row.
    """

    kind: BookMessageKind
    last: int
    previous: int
    time: Timestamp | None
    received: int
    bids: Sequence[TextLevel]
    asks: Sequence[TextLevel]
    where: str


class TradeMessage(msgspec.Struct, gc=False):
    """A trade; `buyer_rested` when the buyer's order was the resting one."""

    time: Timestamp
    price: str
    quantity: str
    buyer_rested: bool
    where: str


@dataclass(slots=True)
class Recording:
    """Everything that was said about one market.

    Attributes:
        clock_lag: ns to add to the recorder's clock to have the exchange's.
        ignored: messages of kinds that tell nothing about book or trades.
    """

    perpetual: bool = False
    book: list[BookMessage] = field(default_factory=list)
    trades: list[TradeMessage] = field(default_factory=list)
    clock_lag: int = 0
    ignored: int = 0


def read_recording(paths: Sequence[Path], symbol: str) -> Recording:
    """Read the messages of one symbol.

    Raises:
        BadInput: naming file and row of a torn line, a time that goes back, or a gap in the update ids.
    """
    reader = _Reader(symbol)
    for path in paths:
        for number, line in enumerate(read_bytes(path).splitlines(), 1):
            reader.take(line, f"{path} row {number}")
    return reader.finish(paths[0])


class _Content(
    msgspec.Struct,
    gc=False,
    rename={
        "event": "e", "published": "E", "happened": "T", "symbol": "s", "first": "U", "last": "u", "previous": "pu",
        "bids": "b", "asks": "a", "bid_size": "B", "ask_size": "A", "price": "p", "quantity": "q", "number": "t",
        "buyer_rested": "m", "execution": "X",
    },
):  # fmt: skip
    event: str | None = None
    published: int | None = None
    happened: int | None = None
    symbol: str | None = None
    first: int | None = None
    last: int | None = None
    previous: int | None = None
    bids: str | list[TextLevel] | None = None
    asks: str | list[TextLevel] | None = None
    bid_size: str | None = None
    ask_size: str | None = None
    price: str | None = None
    quantity: str | None = None
    number: int | None = None
    buyer_rested: bool | None = None
    execution: str | None = None


class _Envelope(msgspec.Struct, gc=False, rename={"last": "lastUpdateId", "published": "E", "happened": "T"}):
    data: _Content | None = None
    last: int | None = None
    bids: list[TextLevel] = []
    asks: list[TextLevel] = []
    published: int | None = None
    happened: int | None = None


class _Reader:
    """Takes lines in order of the files and checks each against the one before it of its kind."""

    def __init__(self, symbol: str) -> None:
        self._symbol = symbol
        self._decode: Callable[[bytes], _Envelope] = msgspec.json.Decoder(_Envelope).decode
        self._found = Recording()
        self._others: set[str] = set()
        self._depth: BookMessage | None = None
        self._has_previous: bool | None = None
        self._latest: dict[str, int] = {}
        self._lags: list[int] = []

    def take(self, line: bytes, where: str) -> None:
        """Take one line."""
        stamp, _, body = line.partition(b" ")
        if not stamp.isdigit():
            raise BadInput(f"{where}: {_short(line)} does not begin with a time in ns; the line is torn")
        try:
            envelope = self._decode(body)
        except msgspec.DecodeError as error:
            raise BadInput(f"{where}: no message of Binance, or torn ({' '.join(str(error).split())})") from None
        received = int(stamp)
        self._forward("receive time", received, where)
        if envelope.last is not None:
            self._snapshot(envelope, envelope.last, received, where)
        elif envelope.data is None:
            raise BadInput(f"{where}: {_short(body)} is neither a stream's message nor a snapshot")
        elif envelope.data.symbol != self._symbol:
            self._others.add(str(envelope.data.symbol))
        else:
            self._content(envelope.data, received, where)

    def finish(self, path: Path) -> Recording:
        """Return what was found.

        Raises:
            BadInput: when there is no book message of the symbol.
        """
        if self._depth is None:
            others = f"holds {', '.join(sorted(self._others))}, not" if self._others else "no depth messages of"
            raise BadInput(f"{path}: {others} {self._symbol}")
        self._found.perpetual = bool(self._has_previous)
        self._found.clock_lag = max(self._lags)
        return self._found

    def _snapshot(self, envelope: _Envelope, last: int, received: int, where: str) -> None:
        happened = envelope.happened or envelope.published
        time = None if happened is None else happened * MILLISECOND
        self._found.book.append(
            BookMessage(BookMessageKind.SNAPSHOT, last, 0, time, received, envelope.bids, envelope.asks, where)
        )

    def _content(self, content: _Content, received: int, where: str) -> None:
        if content.published is not None:
            self._lags.append(content.published * MILLISECOND - received)
        match content:
            case _Content(event="depthUpdate", first=int(), last=int(), bids=list(), asks=list(), published=int()):
                self._depth_change(content, received, where)
            case _Content(
                event="trade", number=int(), happened=int(), price=str(), quantity=str(), buyer_rested=bool()
            ):
                self._trade(content, where)
            case _Content(
                event="bookTicker" | None, last=int(), bids=str(), asks=str(), bid_size=str(), ask_size=str()
            ):
                self._best(content, received, where)
            case _Content(event="depthUpdate" | "trade" | "bookTicker" | None):
                raise BadInput(f"{where}: a field of this {content.event or 'bookTicker'} message is missing")
            case _:
                self._found.ignored += 1

    def _depth_change(self, content: _Content, received: int, where: str) -> None:
        first, last = content.first or 0, content.last or 0
        has_previous = content.previous is not None
        if self._has_previous not in (None, has_previous):
            raise BadInput(f"{where}: spot and perpetual depth messages in one recording")
        self._has_previous = has_previous
        previous = first - 1 if content.previous is None else content.previous
        if self._depth is not None and previous != self._depth.last:
            raise BadInput(
                f"{where}: update ids continue after {previous}, the message before ended at {self._depth.last}: a gap"
            )
        time = (content.happened or content.published or 0) * MILLISECOND
        self._forward("depth time", time, where)
        bids, asks = content.bids, content.asks
        assert isinstance(bids, list)
        assert isinstance(asks, list)
        self._depth = BookMessage(BookMessageKind.DEPTH, last, previous, time, received, bids, asks, where)
        self._found.book.append(self._depth)

    def _best(self, content: _Content, received: int, where: str) -> None:
        happened = content.happened or content.published
        time = None if happened is None else happened * MILLISECOND
        if time is not None:
            self._forward("best quote time", time, where)
        last = content.last or 0
        self._forward("best quote id", last, where)
        bids = [(str(content.bids), content.bid_size or "")]
        asks = [(str(content.asks), content.ask_size or "")]
        self._found.book.append(BookMessage(BookMessageKind.BEST, last, 0, time, received, bids, asks, where))

    def _trade(self, content: _Content, where: str) -> None:
        if content.execution not in (None, "MARKET"):  # the insurance fund and the like: not from the book
            self._found.ignored += 1
            return
        self._forward("trade number", content.number or 0, where)
        time = (content.happened or 0) * MILLISECOND
        self._forward("trade time", time, where)
        self._found.trades.append(
            TradeMessage(time, content.price or "", content.quantity or "", bool(content.buyer_rested), where)
        )

    def _forward(self, what: str, value: int, where: str) -> None:
        latest = self._latest.get(what, value)
        if value < latest:
            raise BadInput(f"{where}: {what} goes back from {latest} to {value}")
        self._latest[what] = value


def _short(text: bytes) -> str:
    return repr(text[:40].decode(errors="replace"))
