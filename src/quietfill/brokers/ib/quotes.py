"""Market data: ticks of the gateway, put together to books that may be traded on.

Only live quotes are passed on: frozen and delayed ones are no evidence of anything that could be traded. A market whose
data farm broke, or whose quotes are not permitted, is shown as empty, so that nothing is priced from what was. Volume
and its value come from the running totals that the gateway sends with each print (RTVolume); prints since the last book
leave their extremes, so that none passes a stop unseen. Where trades are told by themselves (tick-by-tick) each of them
counts, and the totals show whether any was left out.
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

from quietfill.brokers.ib.data_advice import kind_problem
from quietfill.brokers.ib.raw import (
    DataKind,
    DepthRow,
    NumberTick,
    PriceTick,
    PrintTick,
    SizeTick,
    TextTick,
    price_of,
    quantity_of,
)
from quietfill.domain.messages import BookUpdate

if TYPE_CHECKING:
    from collections.abc import Iterator

    from quietfill.brokers.ib.raw import Raw
    from quietfill.domain.types import Price, Quantity, Timestamp

_BID, _ASK, _LAST = 1, 2, 4
_BID_SIZE, _ASK_SIZE = 0, 3
_VOLUME, _HALTED, _RT_VOLUME = 8, 49, 48
_LIVE = 1
_INSERT, _UPDATE = 0, 1
LINE_DOWN = "the line is down"
GENERIC_TICKS = "233"
"""RTVolume: price;size;time;day volume;day VWAP;whether one market maker made it."""


class Feed(StrEnum):
    """What a subscription of a symbol brings."""

    QUOTES = "quotes"
    DEPTH = "depth"
    PRINTS = "prints"


class Market:
    """What is known of one symbol's market.

    Attributes:
        problem: why its quotes do not count, "" while they do.
        kind: 1 live, 2 frozen, 3 delayed, 4 delayed and frozen.
    """

    def __init__(self, symbol: str) -> None:
        """Start with nothing known."""
        self.counts_prints = False
        """Whether each trade is told by itself, so that the totals with the quotes are only a check."""
        self._behind: Quantity = 0
        self.symbol = symbol
        self.problem = ""
        self.kind = _LIVE
        self.is_halted = False
        self.heard_at: Timestamp = 0
        self._touch: dict[int, tuple[Price | None, Quantity]] = {_BID: (None, 0), _ASK: (None, 0)}
        self._depth: dict[bool, list[tuple[Price, Quantity]]] = {True: [], False: []}
        self._last: Price | None = None
        self._volume: Quantity | None = None
        self._turnover: int | None = None
        self._offset: Quantity = 0
        self._low: Price | None = None
        self._high: Price | None = None

    @property
    def why_not(self) -> str:
        """Why its quotes do not count, "" while they do."""
        return self.problem or kind_problem(self.kind) or ("trading is halted" if self.is_halted else "")

    def hear(self, tick: Raw) -> None:
        """Take one tick."""
        match tick:
            case PriceTick():
                self._price(tick)
            case SizeTick():
                self._size(tick)
            case PrintTick():
                self._trade(tick)
            case TextTick(tick_type=48):
                self._print(tick.text)
            case NumberTick(tick_type=49):
                self.is_halted = tick.value > 0
            case DepthRow():
                self._row(tick)
            case DataKind():
                self.kind = tick.kind
            case _:
                pass

    def clear_depth(self) -> None:
        """Forget all rows: they are sent anew."""
        self._depth = {True: [], False: []}

    def book(self, now: Timestamp) -> BookUpdate:
        """Return the market as it is now; without quotes where they do not count."""
        problem = self.why_not
        counts = not problem
        book = BookUpdate(
            symbol=self.symbol,
            time=self.heard_at or now,
            bids=self._side(_BID, is_bid=True) if counts else (),
            asks=self._side(_ASK, is_bid=False) if counts else (),
            last=self._last if counts else None,
            volume=self._volume,
            turnover=self._turnover,
            print_low=self._low if counts else None,
            print_high=self._high if counts else None,
            problem=problem,
        )
        self._low = self._high = None
        return book

    def _price(self, tick: PriceTick) -> None:
        if tick.tick_type in self._touch:
            self._touch[tick.tick_type] = (tick.price, tick.size)
        elif tick.tick_type == _LAST and tick.price is not None:
            self._last = tick.price  # maybe one of long ago: only what comes with a volume is known to be a new print

    def _size(self, tick: SizeTick) -> None:
        side = {_BID_SIZE: _BID, _ASK_SIZE: _ASK}.get(tick.tick_type)
        if side is not None:
            self._touch[side] = (self._touch[side][0], tick.size)
        elif tick.tick_type == _VOLUME and self._turnover is None:
            self._volume = tick.size  # where prints tell the volume too, theirs goes with their turnover

    def _print(self, text: str) -> None:
        price, _, _, volume, average, *_ = [*text.split(";"), "", "", "", "", ""]
        last, total, vwap = price_of(price), self._on_our_count(quantity_of(volume)), price_of(average)
        is_new = self._turnover is not None and self._volume is not None and total > self._volume
        if self.counts_prints and self._turnover is not None:
            lost = self._lost(total)
            if lost <= 0:
                return
            total = (self._volume or 0) + lost
        if last is not None:
            self._last = last
            if is_new:
                self._reach(last)
        if self._turnover is not None and self._volume is not None and last is not None and total >= self._volume:
            # Not total x average: that average is rounded, and over a whole day's volume that is a lot of money.
            self._turnover += (total - self._volume) * last
            self._volume = total
        elif vwap is not None and total > 0:
            self._volume, self._turnover = total, total * vwap

    def _on_our_count(self, total: Quantity) -> Quantity:
        """Return the day's volume on the higher count: quotes may count trades that prints do not.

        A fall means a new session to whoever listens, so only one by half or more is told.
        """
        if self._turnover is None:
            is_same_day = self._volume is not None and 2 * total >= self._volume
            self._offset = max(0, (self._volume or 0) - total) if is_same_day else 0
        counted, known = total + self._offset, self._volume or 0
        if 2 * counted >= known:
            return max(counted, known)
        self._offset = 0
        return total

    def _trade(self, tick: PrintTick) -> None:
        self._last = tick.price
        self._reach(tick.price)
        if self._turnover is not None and self._volume is not None:
            self._volume += tick.size
            self._turnover += tick.size * tick.price

    def _lost(self, total: Quantity) -> Quantity:
        """Return how much traded that was never told; what is only late is told by the time the next total comes."""
        behind = total - (self._volume or 0)
        lost = min(behind, self._behind)
        self._behind = behind - max(0, lost)
        return lost

    def _reach(self, price: Price) -> None:
        self._low = price if self._low is None else min(self._low, price)
        self._high = price if self._high is None else max(self._high, price)

    def _row(self, change: DepthRow) -> None:
        """Change a row; rows may come with gaps, and what was cancelled may still be updated."""
        rows = self._depth[change.is_bid]
        if change.operation == _INSERT:
            rows.insert(change.row, (change.price, change.size))
        elif change.row >= len(rows):
            if change.operation == _UPDATE:
                rows.append((change.price, change.size))
        elif change.operation == _UPDATE:
            rows[change.row] = (change.price, change.size)
        else:
            del rows[change.row]

    def _side(self, touch: int, *, is_bid: bool) -> tuple[tuple[Price, Quantity], ...]:
        sizes: dict[Price, Quantity] = {}
        for price, size in self._depth[is_bid]:  # several market makers may stand at one price
            if size > 0:
                sizes[price] = sizes.get(price, 0) + size
        if sizes:
            return tuple(sorted(sizes.items(), reverse=is_bid))
        best, shown = self._touch[touch]
        return () if best is None or shown <= 0 else ((best, shown),)


class Quotes:
    """All markets that are subscribed, and which of them have news."""

    def __init__(self) -> None:
        """Start without any."""
        self._markets: dict[str, Market] = {}
        self._by_request: dict[int, Market] = {}
        self._news: dict[str, Market] = {}
        self._kinds: dict[int, Feed] = {}

    def __iter__(self) -> Iterator[Market]:
        """Go through all markets."""
        return iter(self._markets.values())

    def open(self, symbol: str, request_id: int, feed: Feed = Feed.QUOTES) -> Market:
        """Listen to a subscription, beside others of the same symbol."""
        market = self._markets.setdefault(symbol, Market(symbol))
        self._by_request[request_id] = market
        self._kinds[request_id] = feed
        if feed is Feed.DEPTH:
            market.clear_depth()
        elif feed is Feed.PRINTS:
            market.counts_prints = True
        return market

    def close(self, request_id: int) -> None:
        """Listen to a subscription no more; what still comes of it is passed over."""
        market = self._by_request.pop(request_id, None)
        if market is None:
            return
        feed = self._kinds.pop(request_id)
        if feed is Feed.DEPTH:
            market.clear_depth()
        elif feed is Feed.PRINTS:
            market.counts_prints = False

    def market(self, symbol: str) -> Market | None:
        """Return one symbol's market."""
        return self._markets.get(symbol)

    def of_request(self, request_id: int) -> Market | None:
        """Return the market of a subscription, None for no subscription."""
        return self._by_request.get(request_id)

    def hear(self, tick: Raw, now: Timestamp) -> None:
        """Take a tick of any subscription."""
        market = self._by_request.get(getattr(tick, "request_id", -1))
        if market is None:
            return
        market.hear(tick)
        if isinstance(tick, PriceTick) and market.kind == _LIVE and market.problem != LINE_DOWN:
            market.problem = ""  # whatever was said before, live quotes flow
        if not isinstance(tick, DataKind):
            market.heard_at = now
        self._news[market.symbol] = market

    def trouble(self, market: Market, problem: str) -> None:
        """Let a market's quotes not count, for a reason; "" lets them count again."""
        if market.problem != problem:
            market.problem = problem
            self._news[market.symbol] = market

    def news(self, now: Timestamp) -> list[BookUpdate]:
        """Return the markets that changed, and forget that they did."""
        news, self._news = self._news, {}
        return [market.book(now) for market in news.values()]
