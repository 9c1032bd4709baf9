"""What a live feed has shown of each symbol's present trading day. A simulated venue keeps its own recording."""

from __future__ import annotations

from typing import TYPE_CHECKING

from quietfill.market.recorder import MarketRecorder

if TYPE_CHECKING:
    from quietfill.domain.messages import BookUpdate
    from quietfill.market.history import MarketHistory
    from quietfill.runtime.runtime import Runtime


class MarketRecord:
    """One recorder a symbol, begun anew with each trading day."""

    def __init__(self, runtime: Runtime) -> None:
        """Listen to every book that the engine is shown, unless the broker's edge keeps the recording."""
        self._runtime = runtime
        self._recorders: dict[str, MarketRecorder] = {}
        if not hasattr(runtime.edge, "market_history"):
            runtime.on_book(self.hear)

    def hear(self, book: BookUpdate) -> None:
        """Keep what a book says; symbols that are no instrument here are left out."""
        recorder = self._recorders.get(book.symbol)
        if recorder is None or book.time >= recorder.day.spans[-1][1]:
            recorder = self._begin(book)
        if recorder is not None:
            view = self._runtime.engine.observed.view(book.symbol)
            recorder.update(book, (view.best_bid, view.best_ask))

    def history(self, symbol: str) -> MarketHistory | None:
        """Return the market of a symbol as it was observed up to now; None when nothing was."""
        recorded = self._runtime.market_history(symbol)
        recorder = self._recorders.get(symbol)
        return recorded if recorder is None else recorder.history()

    def _begin(self, book: BookUpdate) -> MarketRecorder | None:
        instrument = self._runtime.engine.state.instruments.get(book.symbol)
        if instrument is None:
            return None
        known, day = self._recorders.get(book.symbol), instrument.day_of(book.time)
        if known is not None and known.day == day:  # after the close, the day goes on
            return known
        self._recorders[book.symbol] = MarketRecorder(book.symbol, day)
        return self._recorders[book.symbol]
