"""One client's market-data subscriptions: what was said last, and what must be said now."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple, Protocol

from quietfill.domain.types import MILLISECOND, SECOND, Price, Quantity, Timestamp, price_decimal, quantity_decimal
from quietfill.gateway.orders import rounded

if TYPE_CHECKING:
    from quietfill.domain.messages import BookUpdate
    from quietfill.gateway.session import Session
    from quietfill.gateway.wire import Value

BID, ASK, LAST, HIGH, LOW, VOLUME, OPEN = 1, 2, 4, 6, 7, 8, 14
BID_SIZE, ASK_SIZE, LAST_SIZE = 0, 3, 5
LAST_TIME, RT_VOLUME, HALTED = 45, 48, 49
RT_VOLUME_REQUEST: Final = "233"
_AUTO_EXECUTES: Final = 1
_INSERT, _UPDATE, _DELETE = 0, 1, 2
_NO_PRICE: Final = "-1"


class Print(NamedTuple):
    """One trade on the tape."""

    at: Timestamp
    price: Price
    quantity: Quantity


class Day(NamedTuple):
    """Sums over the day's tape; the extremes are None where the recording began after the open.

    What traded before the recording is in `value` at the first recorded price, so that it goes with `volume`.
    """

    volume: Quantity
    value: int
    opening: Price | None
    high: Price | None
    low: Price | None


class Look(NamedTuple):
    """The market now, what traded since the last look, and the last trade ever."""

    book: BookUpdate
    prints: list[Print]
    last: Print | None
    day: Day
    is_halted: bool


class Subscription(Protocol):
    """Something that wants to hear of the market."""

    session: Session
    number: int
    wants_ticks: bool

    def tell(self, look: Look) -> None:
        """Say what changed."""
        ...


class TopOfBook:
    """Ticks of bid, ask, last, their sizes, the day's volume and extremes; only what changed is said.

    Args:
        generic: the codes of further ticks that were asked for.
        is_delayed: whether the tick types are those of delayed data.
    """

    wants_ticks = False

    def __init__(self, session: Session, number: int, generic: frozenset[str]) -> None:
        self.session = session
        self.number = number
        self._generic = generic
        self._said: dict[int, str] = {}

    def tell(self, look: Look) -> None:
        """Say what changed."""
        book, day = look.book, look.day
        self._pair(BID, BID_SIZE, book.bids[0] if book.bids else None)
        self._pair(ASK, ASK_SIZE, book.asks[0] if book.asks else None)
        if look.last is not None and (look.prints or LAST not in self._said):
            self._text(LAST_TIME, str(look.last.at // SECOND))
            self._said.pop(LAST, None)  # a trade at the same price is news too
            self._pair(LAST, LAST_SIZE, (look.last.price, look.last.quantity))
        if RT_VOLUME_REQUEST in self._generic:
            self._say_tape(look)
        if self._is_news(VOLUME, str(day.volume)):
            self._say(2, 6, VOLUME, quantity_decimal(day.volume))
        for kind, price in ((OPEN, day.opening), (HIGH, day.high), (LOW, day.low)):
            if price is not None:
                self._price(kind, price, 0)
        if self._is_news(HALTED, str(int(look.is_halted))):
            self._say(45, 6, HALTED, int(look.is_halted))

    def _pair(self, price_kind: int, size_kind: int, level: tuple[Price, Quantity] | None) -> None:
        # The price message carries the size; a size message follows only where the price stands still.
        if level is None:
            if self._is_news(price_kind, _NO_PRICE):
                self._said[size_kind] = "0"
                self._say(1, 6, price_kind, _NO_PRICE, 0, 0)
            return
        price, size = level
        if self._price(price_kind, price, size):
            self._said[size_kind] = str(size)
        elif self._is_news(size_kind, str(size)):
            self._say(2, 6, size_kind, quantity_decimal(size))

    def _price(self, kind: int, price: Price, size: Quantity) -> bool:
        if not self._is_news(kind, str(price)):
            return False
        mask = _AUTO_EXECUTES if kind in {BID, ASK} else 0
        self._say(1, 6, kind, price_decimal(price), quantity_decimal(size), mask)
        return True

    def _text(self, kind: int, words: str) -> None:
        if self._is_news(kind, words):
            self._say(46, 6, kind, words)

    def _say_tape(self, look: Look) -> None:
        volume = look.day.volume - sum(trade.quantity for trade in look.prints)
        value = look.day.value - sum(trade.price * trade.quantity for trade in look.prints)
        for trade in look.prints:
            volume += trade.quantity
            value += trade.price * trade.quantity
            figures = (price_decimal(trade.price), quantity_decimal(trade.quantity), quantity_decimal(volume))
            price, size, total = (format(figure, "f") for figure in figures)
            words = f"{price};{size};{trade.at // MILLISECOND};{total};{rounded(price_decimal(value // volume)):f};true"
            self._say(46, 6, RT_VOLUME, words)

    def _is_news(self, kind: int, words: str) -> bool:
        if self._said.get(kind) == words:
            return False
        self._said[kind] = words
        return True

    def _say(self, message: int, version: int, kind: int, *values: Value) -> None:
        self.session.say(message, version, self.number, kind, *values, about=self)


class DepthOfBook:
    """The best levels by row: inserts at the start, then what changed row by row."""

    wants_ticks = False

    def __init__(self, session: Session, number: int, rows: int, maker: str | None) -> None:
        """Take the subscription's terms.

        Args:
            rows: how many levels a side.
            maker: the exchange, where the client asked for levels by exchange; None for one book.
        """
        self.session = session
        self.number = number
        self._rows = rows
        self._maker = maker
        self._said: dict[int, list[tuple[Price, Quantity]]] = {0: [], 1: []}

    def tell(self, look: Look) -> None:
        """Say which rows changed."""
        for side, levels in ((1, look.book.bids), (0, look.book.asks)):
            shown, said = list(levels[: self._rows]), self._said[side]
            for row in range(max(len(shown), len(said))):
                if row >= len(shown):
                    self._say(len(shown), _DELETE, side, (0, 0))  # rows move up, so it is always this one
                elif row >= len(said):
                    self._say(row, _INSERT, side, shown[row])
                elif shown[row] != said[row]:
                    self._say(row, _UPDATE, side, shown[row])
            self._said[side] = shown

    def start_over(self) -> None:
        """Forget what was said: the client's book was reset."""
        self._said = {0: [], 1: []}

    def _say(self, row: int, operation: int, side: int, level: tuple[Price, Quantity]) -> None:
        price, size = price_decimal(level[0]), quantity_decimal(level[1])
        if self._maker is None:
            self.session.say(12, 1, self.number, row, operation, side, price, size, about=self)
        else:
            self.session.say(13, 1, self.number, row, self._maker, operation, side, price, size, 1, about=self)


class TickByTick:
    """Every trade, or every change of the touch or the mid."""

    wants_ticks = True

    def __init__(self, session: Session, number: int, kind: int, exchange: str, *, ignores_size: bool) -> None:
        """Take the subscription's terms.

        Args:
            kind: 1 last, 2 all last, 3 bid and ask, 4 midpoint.
            ignores_size: whether a new size at the same prices is no news.
        """
        self.session = session
        self.number = number
        self._kind = kind
        self._exchange = exchange
        self._ignores_size = ignores_size
        self._said: tuple[int, ...] = ()

    def tell(self, look: Look) -> None:
        """Say what happened."""
        if self._kind in TRADES:
            for trade in look.prints:
                figures = (price_decimal(trade.price), quantity_decimal(trade.quantity))
                self._say(trade.at, *figures, 0, self._exchange, "")
            return
        book = look.book
        if not book.bids or not book.asks:
            return
        (bid, bid_size), (ask, ask_size) = book.bids[0], book.asks[0]
        if self._kind == MIDPOINT:
            if self._is_news(bid + ask):
                self._say(book.time, rounded(price_decimal(bid + ask) / 2))
        elif self._is_news(bid, ask, *(() if self._ignores_size else (bid_size, ask_size))):
            sizes = quantity_decimal(bid_size), quantity_decimal(ask_size)
            self._say(book.time, price_decimal(bid), price_decimal(ask), *sizes, 0)

    def _is_news(self, *figures: int) -> bool:
        if figures == self._said:
            return False
        self._said = figures
        return True

    def _say(self, at: Timestamp, *values: Value) -> None:
        self.session.say(99, self.number, self._kind, at // SECOND, *values, about=self)


TICK_KINDS: Final = {"Last": 1, "AllLast": 2, "BidAsk": 3, "MidPoint": 4}
TRADES: Final = (1, 2)
MIDPOINT: Final = 4
