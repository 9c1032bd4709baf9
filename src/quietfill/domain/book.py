"""The order book as users see it: a checked, frozen snapshot, and the sums over its levels.

Sums are exact and divided only once, when a figure is read.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, TypeAlias

import msgspec

from quietfill.domain import fields
from quietfill.domain.errors import BadInput
from quietfill.domain.exact import Exact, exact_price, exact_size, ratio, size_number
from quietfill.domain.fields import Number, Size, shown
from quietfill.domain.types import PRICE_SCALE, OrderSide

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime

LevelTuple: TypeAlias = tuple[Number, Size] | tuple[Number, Size, int]
"""A level as `(price, size)` or `(price, size, num_orders)`."""

_Levels: TypeAlias = "tuple[tuple[Exact, Exact], ...]"


class OrderBookLevel(msgspec.Struct, frozen=True):
    """One price of a book.

    Attributes:
        price: in the instrument's currency, as int, float or Decimal.
        size: in shares or contracts; a Decimal for parts of a coin.
        num_orders: how many orders make up the size, where the feed says.
    """

    price: Number
    size: Size
    num_orders: int = 1


class OrderBookSnapshot:
    """A book at one instant, best prices first. Frozen: what it was built from is copied.

    Raises:
        BadInput: (a ValueError) for an empty symbol, a naive timestamp, an unsorted side, a price that is not
            finite or a negative size; the message names side, level and value. Zero and negative prices are
            legal, equal prices on neighbouring levels too.
    """

    __slots__ = ("_ask_levels", "_asks", "_bid_levels", "_bids", "_tick", "symbol", "tick_size", "timestamp")

    symbol: str
    timestamp: datetime
    tick_size: Number | None

    def __init__(
        self,
        symbol: str,
        timestamp: datetime,
        bids: Sequence[OrderBookLevel],
        asks: Sequence[OrderBookLevel],
        tick_size: Number | None = None,
    ) -> None:
        put = object.__setattr__
        put(self, "symbol", fields.named(symbol, "symbol"))
        put(self, "timestamp", fields.moment(timestamp, f"{symbol}: timestamp"))
        put(self, "_bids", tuple(bids))
        put(self, "_asks", tuple(asks))
        put(self, "_bid_levels", _read_side(f"{symbol} bid", self._bids, -1))
        put(self, "_ask_levels", _read_side(f"{symbol} ask", self._asks, 1))
        put(self, "tick_size", tick_size)
        put(self, "_tick", None if tick_size is None else _positive_tick(tick_size))

    @classmethod
    def from_tuples(
        cls,
        symbol: str,
        timestamp: datetime,
        bids: Iterable[LevelTuple],
        asks: Iterable[LevelTuple],
        tick_size: Number | None = None,
    ) -> OrderBookSnapshot:
        """Build a snapshot from `(price, size)` or `(price, size, num_orders)`, best first."""
        return cls(symbol, timestamp, _levels(symbol, "bid", bids), _levels(symbol, "ask", asks), tick_size)

    @property
    def bids(self) -> list[OrderBookLevel]:
        """The levels that buyers show, highest price first; a copy."""
        return list(self._bids)

    @property
    def asks(self) -> list[OrderBookLevel]:
        """The levels that sellers show, lowest price first; a copy."""
        return list(self._asks)

    @property
    def best_bid(self) -> float | None:
        """The highest price that a buyer shows, None without one."""
        return ratio(self._bid_levels[0][0], PRICE_SCALE) if self._bid_levels else None

    @property
    def best_ask(self) -> float | None:
        """The lowest price that a seller shows, None without one."""
        return ratio(self._ask_levels[0][0], PRICE_SCALE) if self._ask_levels else None

    @property
    def mid_price(self) -> float | None:
        """Half-way between the best prices, None when a side is missing."""
        touch = self._touch
        return ratio(touch[0] + touch[1], 2 * PRICE_SCALE) if touch else None

    @property
    def microprice(self) -> float | None:
        """The touch weighted by the sizes opposite, `(bid x ask size + ask x bid size) / both sizes`.

        None when a side is missing or neither best level has any size.
        """
        if not self._touch:
            return None
        (bid, bid_size), (ask, ask_size) = self._bid_levels[0], self._ask_levels[0]
        both = bid_size + ask_size
        return ratio(bid * ask_size + ask * bid_size, both * PRICE_SCALE) if both else None

    @property
    def spread_bps(self) -> float | None:
        """The spread in 1e-4 of the mid's magnitude; negative for a crossed book.

        None when a side is missing or the mid is zero.
        """
        touch = self._touch
        if not touch or touch[0] + touch[1] == 0:
            return None
        both = touch[0] + touch[1]
        return ratio(20_000 * (touch[1] - touch[0]), both if both > 0 else -both)

    @property
    def spread_ticks(self) -> float | None:
        """The spread in ticks; None when a side is missing or `tick_size` was not given."""
        touch = self._touch
        return ratio(touch[1] - touch[0], self._tick) if touch and self._tick is not None else None

    @property
    def is_locked(self) -> bool:
        """Whether the best bid equals the best ask."""
        touch = self._touch
        return touch is not None and touch[0] == touch[1]

    @property
    def is_crossed(self) -> bool:
        """Whether the best bid is above the best ask."""
        touch = self._touch
        return touch is not None and touch[0] > touch[1]

    def total_bid_depth(self, n_levels: int | None = None) -> Size:
        """Return the size that buyers show on the first *n_levels* levels; None for all of them."""
        return size_number(_depth(self._bid_levels, n_levels))

    def total_ask_depth(self, n_levels: int | None = None) -> Size:
        """Return the size that sellers show on the first *n_levels* levels; None for all of them."""
        return size_number(_depth(self._ask_levels, n_levels))

    def depth_imbalance(self, n_levels: int | None = 5) -> float:
        """Return `(bid - ask) / (bid + ask)` of the depths, from -1 to 1; 0.0 when both are empty."""
        bid, ask = _depth(self._bid_levels, n_levels), _depth(self._ask_levels, n_levels)
        return ratio(bid - ask, bid + ask) if bid + ask else 0.0

    def vwap_to_size(self, side: str | OrderSide, target_size: Size) -> tuple[float, Size]:
        """Return the average price of trading *target_size* at once against this book, and how much of it there is.

        A buy takes the asks, a sell the bids. `(0.0, 0)` when there is nothing to take.

        Raises:
            ValueError: when the side is neither buy nor sell, or the size not above zero.
        """
        taking = OrderSide.parse(side)
        wanted = left = exact_size(fields.size_positive(target_size, "target_size"))
        paid: Exact = 0
        for price, size in self._ask_levels if taking is OrderSide.BUY else self._bid_levels:
            taken = min(left, size)
            paid, left = paid + price * taken, left - taken
            if not left:
                break
        filled = wanted - left
        return (ratio(paid, filled * PRICE_SCALE), size_number(filled)) if filled else (0.0, 0)

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(f"an order-book snapshot is frozen: {name} cannot be set")

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, OrderBookSnapshot):
            return NotImplemented
        return self._identity == other._identity

    def __hash__(self) -> int:
        return hash(self._identity)

    def __repr__(self) -> str:
        return f"OrderBookSnapshot({self.symbol!r}, {self.timestamp!r}, bids={self.bids!r}, asks={self.asks!r})"

    def __reduce__(self) -> tuple[object, ...]:
        return type(self), (self.symbol, self.timestamp, self._bids, self._asks, self.tick_size)

    if TYPE_CHECKING:  # the slots, for the type checkers
        _bids: tuple[OrderBookLevel, ...]
        _asks: tuple[OrderBookLevel, ...]
        _bid_levels: _Levels
        _ask_levels: _Levels
        _tick: Exact | None

    @property
    def _identity(self) -> tuple[object, ...]:
        return self.symbol, self.timestamp, self._bids, self._asks, self.tick_size

    @property
    def _touch(self) -> tuple[Exact, Exact] | None:
        if not self._bid_levels or not self._ask_levels:
            return None
        return self._bid_levels[0][0], self._ask_levels[0][0]


def _levels(symbol: str, side: str, rows: Iterable[LevelTuple]) -> list[OrderBookLevel]:
    try:
        return [OrderBookLevel(row[0], row[1], row[2] if len(row) > 2 else 1) for row in rows]  # noqa: PLR2004
    except (TypeError, IndexError):
        raise BadInput(f"{symbol} {side}s: each level must be (price, size) or (price, size, num_orders)") from None


def _read_side(side: str, levels: tuple[OrderBookLevel, ...], direction: int) -> _Levels:
    """Return a side exactly. *direction* is the way prices go from the best outwards: 1 up, -1 down."""
    read = tuple(_read_level(side, place, level) for place, level in enumerate(levels, 1))
    for place, ((better, _), (worse, _)) in enumerate(pairwise(read), 2):
        if (worse - better) * direction < 0:
            order = "above" if direction < 0 else "below"
            raise BadInput(
                f"{side}s are not sorted best first: level {place} at {levels[place - 1].price}"
                f" is {order} level {place - 1} at {levels[place - 2].price}"
            )
    return read


def _read_level(side: str, place: int, level: OrderBookLevel) -> tuple[Exact, Exact]:
    if not isinstance(level, OrderBookLevel):
        raise BadInput(f"{side} level {place} must be an OrderBookLevel, not {shown(level)}")
    try:
        price, size = exact_price(level.price), exact_size(level.size)
    except ValueError as wrong:
        raise BadInput(f"{side} level {place} {wrong}") from None
    if size < 0:
        raise BadInput(f"{side} level {place} size must not be negative, not {shown(level.size)}")
    return price, size


def _positive_tick(tick_size: Number) -> Exact:
    tick = exact_price(tick_size, "tick_size")
    if tick <= 0:
        raise BadInput(f"tick_size must be positive, not {shown(tick_size)}")
    return tick


def _depth(levels: _Levels, n_levels: int | None) -> Exact:
    if n_levels is not None and fields.whole(n_levels, "n_levels") < 0:
        raise BadInput(f"n_levels must not be negative, not {n_levels}")
    return sum((size for _, size in levels[:n_levels]), start=0)
