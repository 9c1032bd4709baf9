"""What the engine merely observes: books and volume. Never journaled, rebuilt by the feed after a restart."""

from __future__ import annotations

from typing import TYPE_CHECKING

from quietfill.domain.records import FillMarks, WorkingMark
from quietfill.domain.types import OrderSide
from quietfill.market.facts import FactsObserver, MarketFacts, facts_stated, with_true_range
from quietfill.market.tally import Sums, Tally
from quietfill.market.view import MarketView, OwnSizes, others_market

if TYPE_CHECKING:
    from quietfill.domain.messages import BookUpdate
    from quietfill.domain.types import Price, Quantity, Timestamp
    from quietfill.engine.parent import ParentState
    from quietfill.engine.state import EngineState


class ObservedMarkets:
    """The latest book of each symbol, and the others' market made from it on demand."""

    __slots__ = ("_books", "_facts", "_own_sizes", "_state", "_tallies", "_true_ranges", "_views", "last_prices")

    def __init__(self, state: EngineState) -> None:
        """Start without any quote."""
        self._state = state
        self._books: dict[str, BookUpdate] = {}
        self._views: dict[str, MarketView] = {}
        self._own_sizes: dict[str, tuple[int, OwnSizes]] = {}
        self._tallies: dict[str, Tally] = {}
        self._facts: dict[str, FactsObserver] = {}
        self._true_ranges: dict[str, Price] = {}
        self.last_prices: dict[str, Price] = {}

    def update(self, book: BookUpdate) -> None:
        """Take the newest book of a symbol; older ones are forgotten."""
        watch, before = self._facts.get(book.symbol), self._books.get(book.symbol)
        self._tally(book).update(book, self._mid_until_now(book), self._own(book.symbol)[0])
        self._books[book.symbol] = book
        self._views.pop(book.symbol, None)
        if book.last is not None:
            self.last_prices[book.symbol] = book.last
        if watch is None or book.time >= watch.next_sample:
            self._sample(book, before)

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

    def shows_only_ours(self, symbol: str, side: OrderSide) -> bool:
        """Say whether the feed shows orders on a side of the book, and every one of them is ours."""
        book, view = self._books.get(symbol), self.view(symbol)
        shown = None if book is None else book.bids if side is OrderSide.BUY else book.asks
        return bool(shown) and not view.near_levels(side)

    def facts(self, symbol: str) -> MarketFacts:
        """Return average daily volume and volatility as observed, else as the instrument states them."""
        instrument, book = self._state.instruments.get(symbol), self._books.get(symbol)
        if instrument is None:
            return MarketFacts()
        if book is None:
            return facts_stated(instrument)
        facts = self._facts[symbol].facts(book.time, book.volume, instrument, self._state.profiles.get(symbol))
        true_range, twice = self._true_ranges.get(symbol), self.view(symbol).mid_twice
        return facts if true_range is None or not twice else with_true_range(facts, true_range, twice / 2)

    def take_true_range(self, symbol: str, true_range: Price) -> None:
        """Take an average true range of the daily bars: volatility while none was observed or stated."""
        self._true_ranges[symbol] = true_range

    def observe(self, parent: ParentState) -> MarketView:
        """Return the market for a parent, having brought its market volume up to date."""
        view = self.view(parent.symbol)
        if view.volume is not None:
            others = self._tallies[parent.symbol].others_volume(self._own(parent.symbol)[0])
            if parent.volume_base is None:
                parent.volume_base = others - _traded_before(parent, view.volume)
            parent.market_volume = max(parent.market_volume, others - parent.volume_base)
        if parent.sums_base is None and view.time:
            parent.sums_base = self._sums(parent.symbol, view.time, view.mid_twice).since(_marked(parent.mark))
        parent.profile = self._state.profiles.get(parent.symbol)
        return view

    def since_arrival(self, parent: ParentState, now: Timestamp) -> Sums:
        """Return the others' prints and mids since the parent's arrival, as far as they were observed."""
        if parent.sums_base is None:
            return Sums()
        return self._sums(parent.symbol, now, self.view(parent.symbol).mid_twice).since(parent.sums_base)

    def marks(self, parent: ParentState, now: Timestamp) -> FillMarks | None:
        """Return the market at a fill of *parent*, to be kept with it; None while no book came yet."""
        if parent.symbol not in self._books:
            return None
        view, sums = self.observe(parent), self.since_arrival(parent, now)
        return FillMarks(
            bid=view.best_bid,
            ask=view.best_ask,
            bid_size=view.bids[0][1] if view.bids else 0,
            ask_size=view.asks[0][1] if view.asks else 0,
            quote_age=max(0, now - view.time),
            market_volume=None if view.volume is None else parent.market_volume,
            vwap=sums.vwap,
            twap=sums.twap,
            observed=sums.mid_time,
        )

    def mark(self, parent: ParentState, now: Timestamp) -> WorkingMark:
        """Return what a parent must remember of the market across a restart."""
        sums = self.since_arrival(parent, now)
        return WorkingMark(
            at=now,
            order_id=parent.order_id,
            market_volume=parent.market_volume,
            print_volume=sums.volume,
            turnover=sums.turnover,
            mid_sum=sums.mid_sum,
            mid_time=sums.mid_time,
        )

    def _sample(self, book: BookUpdate, before: BookUpdate | None) -> None:
        """Let what is slow to change be learned from the first book of a minute."""
        watch = self._facts.setdefault(book.symbol, FactsObserver(book.time))
        watch.sample(
            book.time,
            mid_twice=self.view(book.symbol).mid_twice,
            volume=None if before is None else before.volume,
            told_at=book.time if before is None else before.time,
            instrument=self._state.instruments.get(book.symbol),
            profile=self._state.profiles.get(book.symbol),
        )

    def _make_view(self, symbol: str) -> MarketView:
        book = self._books.get(symbol)
        if book is None:
            return MarketView(symbol=symbol, time=0, bids=(), asks=())
        tally = self._tallies[symbol]
        own_filled = self._own(symbol)[0] - tally.own_before
        return others_market(book, self._displayed(symbol), own_filled, tally.print_number)

    def _tally(self, book: BookUpdate) -> Tally:
        tally = self._tallies.get(book.symbol)
        if tally is None:
            totals = self._state.totals.get(book.symbol)
            before = 0 if totals is None else totals.traded_before(book.time)
            tally = Tally(self._state.instruments.get(book.symbol), self._own(book.symbol), before)
            self._tallies[book.symbol] = tally
        return tally

    def _mid_until_now(self, book: BookUpdate) -> Price | None:
        """Return twice the others' mid that was in force until *book* came; not made for nobody."""
        if book.mid_sum is not None or book.symbol not in self._books:
            return None
        if self._state.live_by_symbol.get(book.symbol):
            return self.view(book.symbol).mid_twice
        before = self._books[book.symbol]
        return before.bids[0][0] + before.asks[0][0] if before.bids and before.asks else None

    def _sums(self, symbol: str, now: Timestamp, mid_twice: Price | None) -> Sums:
        tally = self._tallies.get(symbol)
        return Sums() if tally is None else tally.sums(now, mid_twice, self._own(symbol))

    def _own(self, symbol: str) -> tuple[Quantity, int]:
        """Return what we traded in a symbol, and its value."""
        totals = self._state.totals.get(symbol)
        return (0, 0) if totals is None else (totals.traded, totals.traded_value)

    def _displayed(self, symbol: str) -> OwnSizes:
        """Return what we display; made anew only when a record was booked since, and quotes are far more than those."""
        made_at, own = self._own_sizes.get(symbol, (-1, _NOTHING))
        if made_at != self._state.sequence:
            own = self._add_up(symbol)
            self._own_sizes[symbol] = self._state.sequence, own
        return own

    def _add_up(self, symbol: str) -> OwnSizes:
        own = OwnSizes.none()
        for parent in self._state.live_by_symbol.get(symbol, {}).values():
            for child in parent.live_children.values():
                price, before = child.limit_price, child.limit_price_confirmed
                if price is None:
                    pass  # a market order shows nowhere
                elif child.in_flight:
                    own.unsure.add((child.side, price))
                else:
                    own.show(child.side, price, child.leaves)
                if before is not None and before != price:
                    own.unsure.add((child.side, before))
        return own


_NOTHING = OwnSizes.none()


def _traded_before(parent: ParentState, day_volume: Quantity) -> Quantity:
    """What the others traded since the order's start when it is looked at first; within the day a gap counts too."""
    start, marked = parent.day_volume_at_start, parent.mark.market_volume
    return marked if start is None else max(marked, day_volume - start)


def _marked(mark: WorkingMark) -> Sums:
    return Sums(mark.print_volume, mark.turnover, mark.mid_sum, mark.mid_time)
