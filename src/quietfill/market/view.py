"""The others' market: the feed with our own resting orders taken out.

A lone order of ours must never move our own reference. So our displayed quantity is subtracted level
by level before touch, mid, imbalance or queue are computed. Quantity of ours that may or may not be
in the feed yet (a request in flight) cannot be separated: a side whose best price such an order
stands on is marked *own*, and nothing may follow it until the broker has answered.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

import msgspec

from quietfill.domain.types import OrderSide, Price, Quantity, Timestamp
from quietfill.market.triggers import LastThrough, MidLeaves, SizeReaches, TouchLeaves, Trigger, VolumeReaches

if TYPE_CHECKING:
    from collections.abc import Mapping

    from quietfill.domain.messages import BookUpdate

Levels: TypeAlias = tuple[tuple[Price, Quantity], ...]


class OwnSizes(msgspec.Struct, frozen=True):
    """What our displayed orders add to a book.

    Attributes:
        bids, asks: quantity by price that is in the feed for sure.
        unsure: where we have an order that may or may not be in it: a request about it is in flight.
    """

    bids: dict[Price, Quantity]
    asks: dict[Price, Quantity]
    unsure: set[tuple[OrderSide, Price]]

    @classmethod
    def none(cls) -> OwnSizes:
        """Begin without any order."""
        return cls({}, {}, set())

    def show(self, side: OrderSide, price: Price, quantity: Quantity) -> None:
        """Add one order that is in the feed for sure."""
        sizes = self.bids if side is OrderSide.BUY else self.asks
        sizes[price] = sizes.get(price, 0) + quantity


class MarketView(msgspec.Struct, frozen=True):
    """The others' market in one instrument, as far as we can tell at one moment.

    Attributes:
        bids, asks: (price, quantity), best first, without our own.
        volume: cumulative volume of the day without our own prints; None if the feed does not say.
        time: when the venue says this was true.
        own_bid, own_ask: the best price on that side may be ours alone; do not follow it.
        last_trusted: somebody vouches for the last price, so no bad-tick filter applies.
        print_number: counts the prints seen so far; prints that came together count as one.
        print_low, print_high: extremes of the prints that came with the last update; None where `last` says it all.
    """

    symbol: str
    time: Timestamp
    bids: Levels
    asks: Levels
    last: Price | None = None
    volume: Quantity | None = None
    own_bid: bool = False
    own_ask: bool = False
    last_trusted: bool = False
    print_number: int = 0
    print_low: Price | None = None
    print_high: Price | None = None

    @property
    def best_bid(self) -> Price | None:
        """The others' best bid."""
        return self.bids[0][0] if self.bids else None

    @property
    def best_ask(self) -> Price | None:
        """The others' best ask."""
        return self.asks[0][0] if self.asks else None

    @property
    def is_tradable(self) -> bool:
        """Whether there are two sides and they are not crossed or locked."""
        return bool(self.bids) and bool(self.asks) and self.bids[0][0] < self.asks[0][0]

    @property
    def mid_twice(self) -> Price | None:
        """Twice the mid price, so that half ticks stay exact."""
        return self.bids[0][0] + self.asks[0][0] if self.bids and self.asks else None

    def near(self, side: OrderSide) -> Price | None:
        """The best price on our own side of the book."""
        return self.best_bid if side is OrderSide.BUY else self.best_ask

    def far(self, side: OrderSide) -> Price | None:
        """The best price that we could trade against at once."""
        return self.best_ask if side is OrderSide.BUY else self.best_bid

    def near_is_own(self, side: OrderSide) -> bool:
        """Whether the near touch cannot be told from an order of ours."""
        return self.own_bid if side is OrderSide.BUY else self.own_ask

    def far_levels(self, side: OrderSide) -> Levels:
        """The levels that an order of *side* would trade against, best first."""
        return self.asks if side is OrderSide.BUY else self.bids

    def near_levels(self, side: OrderSide) -> Levels:
        """The levels on our own side of the book, best first."""
        return self.bids if side is OrderSide.BUY else self.asks

    def meets(self, trigger: Trigger) -> bool:
        """Say whether the present market meets *trigger*."""
        match trigger:
            case TouchLeaves(side, low, high):
                touch = self.near(side)
                return touch is None or not low <= touch <= high
            case MidLeaves(low, high):
                twice = self.mid_twice
                return twice is None or not 2 * low <= twice <= 2 * high
            case VolumeReaches(volume):
                return self.volume is not None and self.volume >= volume
            case LastThrough(price, rising):
                extreme = self.print_high if rising else self.print_low
                reached = self.last if extreme is None else extreme
                return reached is not None and (reached >= price if rising else reached <= price)
            case SizeReaches(side, price, quantity):
                return _size_to(self.near_levels(side), side, price) >= quantity


def _size_to(levels: Levels, side: OrderSide, price: Price) -> Quantity:
    """Quantity shown on *side* at *price* or better for whoever trades against it."""
    buy = side is OrderSide.BUY
    return sum(size for level, size in levels if (level >= price if buy else level <= price))


def others_market(book: BookUpdate, own: OwnSizes, own_filled: Quantity, print_number: int = 0) -> MarketView:
    """Return the feed's book without our own orders.

    Args:
        book: the market as the feed shows it.
        own: what we display in this instrument.
        own_filled: what we have traded today, so that the volume is the others'.
        print_number: how many prints were seen so far.
    """
    bids = _without(book.bids, own.bids)
    asks = _without(book.asks, own.asks)
    unsure = own.unsure
    return MarketView(
        symbol=book.symbol,
        time=book.time,
        bids=bids,
        asks=asks,
        last=book.last,
        volume=None if book.volume is None else max(0, book.volume - own_filled),
        own_bid=bool(unsure and bids) and (OrderSide.BUY, bids[0][0]) in unsure,
        own_ask=bool(unsure and asks) and (OrderSide.SELL, asks[0][0]) in unsure,
        last_trusted=book.last_trusted,
        print_number=print_number,
        print_low=book.print_low,
        print_high=book.print_high,
    )


def _without(levels: Levels, own: Mapping[Price, Quantity]) -> Levels:
    if not own:
        return levels
    kept: list[tuple[Price, Quantity]] = []
    for level in levels:
        price, size = level
        ours = own.get(price)
        if ours is None:
            kept.append(level)
        elif size > ours:
            kept.append((price, size - ours))
    return tuple(kept)
