"""Market data: books that could have stood at a venue, in order of time, with our own orders in them."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

from quietfill.domain.types import OrderSide
from quietfill.testing.conformance.check import Subject
from quietfill.testing.conformance.stage import Ability

if TYPE_CHECKING:
    from quietfill.domain.messages import BookUpdate
    from quietfill.domain.types import Price, Quantity
    from quietfill.testing.conformance.desk import Desk

MARKET = Subject()

_BUY = OrderSide.BUY


@MARKET.check(
    "Books are of the instrument, best price first, with positive sizes, and bid below ask.",
    why="algos price from the touch; a crossed or unsorted book sends orders at prices that nobody quotes",
    needs=(Ability.BOOKS,),
)
async def books_are_in_order(desk: Desk) -> None:
    """Hear some books and look at each."""
    await desk.settle()
    desk.expect(desk.books, "a book")
    for book in desk.books:
        desk.expect(book.symbol == desk.stage.instrument.symbol, f"books of our instrument, not {book.symbol}")
        bids, asks = [price for price, _ in book.bids], [price for price, _ in book.asks]
        desk.expect(all(a > b for a, b in pairwise(bids)), f"bids that fall, not {bids}")
        desk.expect(all(a < b for a, b in pairwise(asks)), f"asks that rise, not {asks}")
        desk.expect(all(size > 0 for _, size in (*book.bids, *book.asks)), "positive sizes")
        desk.expect(not bids or not asks or bids[0] < asks[0], f"a bid below the ask, not {bids[:1]} and {asks[:1]}")


@MARKET.check(
    "Books come in order of time, stamped no later than they are heard.",
    why="an older book after a newer one moves prices back; one from the future makes everything stale",
    needs=(Ability.BOOKS,),
)
async def book_times_rise(desk: Desk) -> None:
    """Hear some books and compare their stamps."""
    await desk.settle()
    times = [book.time for book in desk.books]
    desk.expect(times == sorted(times), "books in order of time")
    now = desk.stage.clock.now()
    desk.expect(all(0 < time <= now for time in times), f"books stamped until now, {now}")


@MARKET.check(
    "The day's volume never falls, and counts what we traded.",
    why="participation is measured against it, with our own prints left out",
    needs=(Ability.BOOKS,),
)
async def volume_never_falls(desk: Desk) -> None:
    """Trade, and follow the volume where the feed says it."""
    before = desk.books[-1].volume
    child = await desk.traded()
    await desk.settle()
    await desk.settle()
    volumes = [book.volume for book in desk.books if book.volume is not None]
    desk.expect(volumes == sorted(volumes), f"volumes that rise, not {volumes}")
    if before is not None and volumes:
        expected = f"a volume that {desk.filled(child)} more was traded of, not {volumes[-1] - before}"
        desk.expect(volumes[-1] - before >= desk.filled(child), expected)


@MARKET.check(
    "The published book has our own resting orders in it.",
    why="the engine takes our sizes out again; a book without them would show less than stands there",
    needs=(Ability.BOOKS, Ability.OWN_SIZE, Ability.RESTING),
)
async def own_orders_are_in_the_book(desk: Desk) -> None:
    """Rest far more than is shown at the touch, and look."""
    assert desk.stage.book is not None, "a book was heard"
    price, shown = desk.stage.book.bids[0]
    lots = 10 * (shown // desk.stage.lot + 1)
    child = desk.place(price, lots * desk.stage.lot)
    await desk.accepted(child)
    await desk.until(lambda: _seen(desk, child, price), f"at least what is left of {child} in the book at its price")


def _seen(desk: Desk, child: str, price: Price) -> bool:
    left = desk.request_of(child).quantity - desk.filled(child)
    return 0 < left <= _size_at(desk.books[-1], price)


def _size_at(book: BookUpdate, price: Price) -> Quantity:
    return next((size for level, size in book.bids if level == price), 0)
