"""Market data that users push in themselves, one message per change."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from quietfill.domain.errors import BadInput
from quietfill.domain.messages import BookUpdate
from quietfill.domain.types import OrderSide, price_from, quantity_from

if TYPE_CHECKING:
    from quietfill.domain.types import Price, PublicNumber, Quantity
    from quietfill.runtime.runtime import Runtime


class MarketInputs:
    """Merges last prices, volumes and books of each symbol into book updates."""

    def __init__(self, runtime: Runtime) -> None:
        """Feed this runtime."""
        self._runtime = runtime

    def price(self, symbol: str, price: PublicNumber) -> None:
        """Take a last price."""
        last = price_from(price)
        known = self._known(symbol)
        self._submit(known, bids=known.bids, asks=known.asks, last=last, volume=known.volume, last_trusted=True)

    def volume(self, symbol: str, volume: PublicNumber) -> None:
        """Take the day's cumulative volume."""
        total = quantity_from(volume, "volume")
        if total < 0:
            raise BadInput(f"volume of {symbol} must not be negative, not {volume}")
        known = self._known(symbol)
        self._submit(known, bids=known.bids, asks=known.asks, last=known.last, volume=total)

    def book(self, symbol: str, bids: Sequence[Sequence[PublicNumber]], asks: Sequence[Sequence[PublicNumber]]) -> None:
        """Take a whole book."""
        levels = _levels(symbol, OrderSide.BUY, bids), _levels(symbol, OrderSide.SELL, asks)
        known = self._known(symbol)
        self._submit(known, bids=levels[0], asks=levels[1], last=known.last, volume=known.volume)

    def _known(self, symbol: str) -> BookUpdate:
        known = self._runtime.engine.observed.book(symbol)
        return known or BookUpdate(symbol=symbol, time=self._runtime.clock.now(), bids=(), asks=())

    def _submit(
        self,
        known: BookUpdate,
        *,
        bids: tuple[tuple[Price, Quantity], ...],
        asks: tuple[tuple[Price, Quantity], ...],
        last: Price | None,
        volume: Quantity | None,
        last_trusted: bool = False,
    ) -> None:
        now = self._runtime.clock.now()
        self._runtime.show(
            BookUpdate(
                symbol=known.symbol, time=now, bids=bids, asks=asks, last=last, volume=volume, last_trusted=last_trusted
            )
        )


def _levels(symbol: str, side: OrderSide, rows: Any) -> tuple[tuple[Price, Quantity], ...]:
    name = "bids" if side is OrderSide.BUY else "asks"
    if isinstance(rows, str) or not isinstance(rows, Sequence):
        raise BadInput(f"{name} of {symbol}: expected a list of levels, not {rows!r}")
    levels: list[tuple[Price, Quantity]] = []
    for number, row in enumerate(rows):
        if isinstance(row, str) or not isinstance(row, Sequence) or len(row) not in {2, 3}:
            raise BadInput(f"{name} of {symbol}, level {number}: expected (price, size, orders), not {row!r}")
        price = price_from(row[0], f"{name} of {symbol}, level {number}: price")
        size = quantity_from(row[1], f"{name} of {symbol}, level {number}: size")
        if size < 0:
            raise BadInput(f"{name} of {symbol}, level {number}: size must not be negative, not {row[1]}")
        if levels and side.sign * (levels[-1][0] - price) <= 0:
            raise BadInput(f"{name} of {symbol}, level {number}: price {row[0]} is not worse than the level before")
        levels.append((price, size))
    return tuple(level for level in levels if level[1] > 0)
