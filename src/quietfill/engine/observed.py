"""What the engine merely observes: books, volume, curves. Never journaled, rebuilt by the feed after a restart."""

from __future__ import annotations

from typing import TYPE_CHECKING

from quietfill.market.view import MarketView, OwnOrder, others_market

if TYPE_CHECKING:
    from collections.abc import Iterator

    from quietfill.domain.messages import BookUpdate
    from quietfill.domain.types import Price, Quantity
    from quietfill.engine.parent import ParentState
    from quietfill.engine.state import EngineState


class ObservedMarkets:
    """The latest book of each symbol, and the others' market made from it on demand."""

    __slots__ = ("_books", "_state", "_views", "_volumes", "last_prices", "profiles")

    def __init__(self, state: EngineState) -> None:
        """Start without any quote."""
        self._state = state
        self._books: dict[str, BookUpdate] = {}
        self._views: dict[str, MarketView] = {}
        self._volumes: dict[str, _SessionVolume] = {}
        self.profiles: dict[str, tuple[float, ...]] = {}
        self.last_prices: dict[str, Price] = {}

    def update(self, book: BookUpdate) -> None:
        """Take the newest book of a symbol; older ones are forgotten."""
        self._books[book.symbol] = book
        self._views.pop(book.symbol, None)
        if book.last is not None:
            self.last_prices[book.symbol] = book.last
        if book.volume is not None:
            session = self._volumes.get(book.symbol)
            if session is None:
                totals = self._state.totals.get(book.symbol)
                session = _SessionVolume(0 if totals is None else totals.traded_before(book.time))
                self._volumes[book.symbol] = session
            session.update(book.volume, self._own_total(book.symbol))

    def forget_views(self, symbol: str) -> None:
        """Our own orders changed, so the others' market must be made anew."""
        self._views.pop(symbol, None)

    def book(self, symbol: str) -> BookUpdate | None:
        """Return the newest book as the feed shows it."""
        return self._books.get(symbol)

    def view(self, symbol: str) -> MarketView:
        """Return the others' market; empty when no book came yet."""
        view = self._views.get(symbol)
        if view is None:
            view = self._make_view(symbol)
            self._views[symbol] = view
        return view

    def observe(self, parent: ParentState) -> MarketView:
        """Return the market for a parent, having brought its market volume up to date."""
        view = self.view(parent.symbol)
        if view.volume is not None:
            if parent.volume_base is None:
                parent.volume_base = _volume_base(parent, view.volume)
            parent.market_volume = max(parent.market_volume, view.volume - parent.volume_base)
        parent.profile = self.profiles.get(parent.symbol)
        return view

    def _make_view(self, symbol: str) -> MarketView:
        book = self._books.get(symbol)
        if book is None:
            return MarketView(symbol=symbol, time=0, bids=(), asks=())
        own_filled = 0
        session = self._volumes.get(symbol)
        if session is not None:
            own_filled = self._own_total(symbol) - session.own_before
        return others_market(book, self._own_orders(symbol), own_filled)

    def _own_total(self, symbol: str) -> Quantity:
        totals = self._state.totals.get(symbol)
        return 0 if totals is None else totals.traded

    def _own_orders(self, symbol: str) -> Iterator[OwnOrder]:
        for parent in self._state.live_by_symbol.get(symbol, {}).values():
            for child in parent.live_children.values():
                certain = not child.in_flight
                if child.limit_price is not None:
                    yield OwnOrder(child.side, child.limit_price, child.leaves, certain)
                before = child.limit_price_confirmed
                if before is not None and before != child.limit_price:
                    yield OwnOrder(child.side, before, child.leaves, certain=False)


class _SessionVolume:
    """Notices a new session by the day's cumulative volume falling to below half; a session may span midnight UTC."""

    __slots__ = ("last", "own_before")

    def __init__(self, own_before: Quantity) -> None:
        self.last: Quantity = 0
        self.own_before = own_before

    def update(self, volume: Quantity, own_total: Quantity) -> None:
        if 2 * volume < self.last:
            self.own_before = own_total
        self.last = volume


def _volume_base(parent: ParentState, volume: Quantity) -> Quantity:
    """The day's volume at the order's start; after a restart within the day the gap counts too."""
    start = parent.day_volume_at_start
    if start is not None and volume >= start + parent.marked_volume:
        return start
    return volume - parent.marked_volume
