"""Market-data subscriptions: opened, watched, and opened anew after the line or a farm broke."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import structlog

from quietfill.brokers.ib.codes import Effect, code_of
from quietfill.brokers.ib.data_advice import advice
from quietfill.brokers.ib.pacing import Urgency
from quietfill.brokers.ib.quotes import GENERIC_TICKS, LINE_DOWN, Feed, Quotes
from quietfill.domain.types import SECOND

if TYPE_CHECKING:
    from collections.abc import Callable

    from quietfill.brokers.ib.contracts import Resolved
    from quietfill.brokers.ib.ids import QuestionIds
    from quietfill.brokers.ib.quotes import Market
    from quietfill.brokers.ib.raw import ErrorSeen, Raw
    from quietfill.brokers.ib.settings import IBSettings
    from quietfill.domain.messages import BookUpdate
    from quietfill.domain.types import Timestamp

_log = structlog.get_logger(__name__)

_REFUSALS = frozenset({Effect.NO_DATA, Effect.DELAYED, Effect.REQUEST_FAILED, Effect.REFUSED})
_WITHOUT = {
    Feed.DEPTH: "no depth, the touch alone",
    Feed.PRINTS: "trades are not told one by one, but together with the quotes a few times a second",
}
_FARM_IS_DOWN = "its data farm is down"


class Subscription:
    """One symbol that is listened to, with the ids of its requests in the present session."""

    def __init__(self, symbol: str, contract: Any, depth: int, *, tick_by_tick: bool) -> None:
        """Remember what to ask for; `depth` is the number of rows, 0 for the touch alone."""
        self.symbol = symbol
        self.contract = contract
        self.depth = depth
        self.tick_by_tick = tick_by_tick
        self.requests: dict[int, Feed] = {}


class Markets:
    """All subscriptions.

    Args:
        request: puts a request of ib_async's client into the outbox, with its urgency.
        now, call_at: the time.
        show: hears each book.
        notice: tells a person.
    """

    def __init__(
        self,
        ids: QuestionIds,
        settings: IBSettings,
        *,
        request: Callable[..., None],
        now: Callable[[], Timestamp],
        call_at: Callable[[Timestamp, Callable[[], None]], object],
        show: Callable[[BookUpdate], None],
        notice: Callable[[str, str], None],
    ) -> None:
        """Listen to nothing yet."""
        self.quotes = Quotes()
        self._ids = ids
        self._grace = round(settings.quote_grace_seconds * SECOND)
        self._watch = round(settings.quote_watch_seconds * SECOND)
        self._tick_by_tick = settings.tick_by_tick
        self._request = request
        self._now = now
        self._call_at = call_at
        self._show = show
        self._notice = notice
        self._subscriptions: dict[str, Subscription] = {}
        self._farms_down_since: Timestamp | None = None

    def subscribe(self, symbol: str, resolved: Resolved, depth: int = 0, *, tick_by_tick: bool | None = None) -> None:
        """Listen to a symbol; again with other depth or prints takes the place of the first."""
        each = self._tick_by_tick if tick_by_tick is None else tick_by_tick
        known = self._subscriptions.get(symbol)
        if known is not None:
            if (known.depth, known.tick_by_tick) == (depth, each):
                return
            self.unsubscribe(symbol)
        subscription = Subscription(symbol, resolved.contract, depth, tick_by_tick=each)
        self._subscriptions[symbol] = subscription
        self._open(subscription)

    def unsubscribe(self, symbol: str) -> None:
        """Listen to a symbol no more."""
        subscription = self._subscriptions.pop(symbol, None)
        if subscription is not None:
            self._close(subscription)

    def problem(self, symbol: str) -> str | None:
        """Return why a symbol's quotes do not count, "" while they do, None for a symbol that is not subscribed."""
        market = self.quotes.market(symbol)
        return None if market is None or symbol not in self._subscriptions else market.why_not

    def hear(self, tick: Raw) -> None:
        """Take one tick."""
        self.quotes.hear(tick, self._now())

    def publish(self) -> None:
        """Show the books that changed."""
        for book in self.quotes.news(self._now()):
            self._show(book)

    # Breaks

    def session_began(self) -> None:
        """Open every subscription in a new session; nothing of the old one counts."""
        for subscription in self._subscriptions.values():
            for request_id in subscription.requests:
                self.quotes.close(request_id)
            subscription.requests.clear()
            self._open(subscription)

    def request_anew(self) -> None:
        """Open every subscription again: the gateway lost them."""
        for subscription in self._subscriptions.values():
            self._close(subscription)
            self._open(subscription)

    def watch(self) -> None:
        """See whether quotes flow again; those that do not are requested anew."""
        since = self._now()
        self._call_at(since + self._watch, lambda: self._request_silent(since))

    def line_broke(self) -> None:
        """Let no quote count while the gateway has no line of its own."""
        for market in self.quotes:
            self.quotes.trouble(market, LINE_DOWN)
        self.publish()

    def line_mended(self) -> None:
        """Let quotes count again, as they come."""
        for market in self.quotes:
            if market.problem == LINE_DOWN:
                self.quotes.trouble(market, "")
        self.publish()

    def farm(self, *, is_up: bool) -> None:
        """Note that a data farm broke, or is back. Which symbols it serves is not said: after a grace time, all."""
        if is_up:
            self._farms_down_since = None
            for market in self.quotes:
                if market.problem == _FARM_IS_DOWN:
                    self.quotes.trouble(market, "")
            self.watch()
            self.publish()
        elif self._farms_down_since is None:
            since = self._farms_down_since = self._now()
            self._call_at(since + self._grace, lambda: self._farm_stays_down(since))

    def _farm_stays_down(self, since: Timestamp) -> None:
        if self._farms_down_since != since:
            return
        for market in self.quotes:
            if not market.problem and market.heard_at <= since:  # what flows comes from a farm that works
                self.quotes.trouble(market, _FARM_IS_DOWN)
                self._notice(market.symbol, f"{market.symbol}: {_FARM_IS_DOWN}, its quotes do not count")
        self.publish()

    def _request_silent(self, since: Timestamp) -> None:
        for subscription in list(self._subscriptions.values()):
            market = self.quotes.market(subscription.symbol)
            if market is not None and market.heard_at <= since:
                _log.info("quotes did not flow again", symbol=subscription.symbol)
                self._close(subscription)
                self._open(subscription)

    # Codes

    def code(self, seen: ErrorSeen) -> bool:
        """Hear a code about a subscription; False when it is about none."""
        market = self.quotes.of_request(seen.subject)
        if market is None:
            return False
        effect = code_of(seen.code).effect
        subscription = self._subscriptions.get(market.symbol)
        feed = Feed.QUOTES if subscription is None else subscription.requests.get(seen.subject, Feed.QUOTES)
        if effect is Effect.DEPTH_RESET:
            market.clear_depth()
        elif feed is not Feed.QUOTES and effect in _REFUSALS:
            self.quotes.close(seen.subject)  # the touch remains, and the prints that come with it
            self._notice(market.symbol, f"{market.symbol}: {_WITHOUT[feed]}: {seen.text} ({seen.code})")
        elif effect in _REFUSALS:
            self._trouble(market, advice(seen.code, seen.text))
        self.publish()
        return True

    def _trouble(self, market: Market, why: str) -> None:
        self.quotes.trouble(market, why)
        self._notice(market.symbol, f"{market.symbol} has no live quotes: {why}")

    # Requests

    def _open(self, subscription: Subscription) -> None:
        if subscription.tick_by_tick:  # before the quotes: a trade should come before the total that counts it
            self._open_prints(subscription)
        request_id = self._ids.take()
        market = self.quotes.open(subscription.symbol, request_id)
        self.quotes.trouble(market, "")
        subscription.requests[request_id] = Feed.QUOTES
        arguments: tuple[Any, ...] = (subscription.contract, GENERIC_TICKS, False, False, [])
        self._request(Urgency.DATA, "reqMktData", request_id, *arguments)
        if subscription.depth:
            depth_id = self._ids.take()
            self.quotes.open(subscription.symbol, depth_id, Feed.DEPTH)
            subscription.requests[depth_id] = Feed.DEPTH
            is_smart = subscription.contract.exchange == "SMART"
            self._request(
                Urgency.DATA, "reqMktDepth", depth_id, subscription.contract, subscription.depth, is_smart, []
            )

    def _open_prints(self, subscription: Subscription) -> None:
        prints_id = self._ids.take()
        self.quotes.open(subscription.symbol, prints_id, Feed.PRINTS)
        subscription.requests[prints_id] = Feed.PRINTS
        of_all, with_sizes = 0, False
        self._request(Urgency.DATA, "reqTickByTickData", prints_id, subscription.contract, "Last", of_all, with_sizes)

    def _close(self, subscription: Subscription) -> None:
        for request_id, feed in subscription.requests.items():
            self.quotes.close(request_id)
            if feed is Feed.DEPTH:
                is_smart = subscription.contract.exchange == "SMART"
                self._request(Urgency.DATA, "cancelMktDepth", request_id, is_smart)
            elif feed is Feed.PRINTS:
                self._request(Urgency.DATA, "cancelTickByTickData", request_id)
            else:
                self._request(Urgency.DATA, "cancelMktData", request_id)
        subscription.requests.clear()
