"""The live share of each market's volume: what the feed shows and what we trade, over the configured window."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from quietfill.domain.records import ChildFilled
from quietfill.domain.types import MINUTE, quantity_number
from quietfill.market.participation import VolumeWindow, adjusted_rate

if TYPE_CHECKING:
    from quietfill.agent.settings import Settings
    from quietfill.domain.messages import BookUpdate
    from quietfill.domain.records import AnyRecord
    from quietfill.runtime.runtime import Runtime


class ParticipationWatch:
    """Hears books and fills of one agent. Merely observed: after a restart it begins anew, and says None until then."""

    def __init__(self, runtime: Runtime, settings: Settings) -> None:
        """Listen to *runtime*."""
        self._runtime = runtime
        self._settings = settings
        self._windows: dict[str, VolumeWindow] = {}
        runtime.on_book(self._hear_book)
        runtime.on_record(self._hear_record)

    def stats(self, symbol: str) -> dict[str, Any]:
        """Return the public figures of one symbol; see `ParticipationMethods.get_participation_stats`."""
        given, window = self._settings, self._windows.get(symbol) or self._new_window()
        current = window.share(self._runtime.clock.now())
        floor, target, cap = (
            given.vwap_min_participation,
            given.vwap_target_participation,
            given.vwap_max_participation,
        )
        factor = given.participation_adjustment_factor
        return {
            "symbol": symbol,
            "target_participation": target,
            "current_participation": current,
            "adjusted_participation": adjusted_rate(target, current, floor=floor, cap=cap, factor=factor),
            "min_participation": floor,
            "max_participation": cap,
            "volume_window_minutes": given.volume_window_minutes,
            "market_observations": window.observations,
            "our_fills": window.fills,
            "market_volume": quantity_number(window.market),
            "our_volume": quantity_number(window.ours),
        }

    def _hear_book(self, book: BookUpdate) -> None:
        if book.volume is not None:
            self._window(book.symbol).see_volume(book.volume, self._runtime.clock.now())

    def _hear_record(self, record: AnyRecord) -> None:
        if isinstance(record, ChildFilled):
            child = self._runtime.engine.state.children.get(record.child_id)
            if child is not None:
                self._window(child.symbol).see_fill(record.fill.quantity, record.at)

    def _window(self, symbol: str) -> VolumeWindow:
        window = self._windows.get(symbol)
        if window is None:
            window = self._windows[symbol] = self._new_window()
        return window

    def _new_window(self) -> VolumeWindow:
        return VolumeWindow(round(self._settings.volume_window_minutes * MINUTE))
