"""Faults of market data: missing, delayed, frozen, crossed, reset, ambiguous."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from quietfill.gateway.faults.base import AFTER, HOW_LONG, TIMES, Fault, Setting, register, settings
from quietfill.gateway.layouts import CONTRACT_DETAILS, names
from quietfill.gateway.quotes import ASK, ASK_SIZE, BID, DepthOfBook, TickByTick, TopOfBook

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from quietfill.gateway.server import PaperGateway
    from quietfill.gateway.session import Session
    from quietfill.gateway.wire import Message

_QUOTES: Final = 1
_DEPTH: Final = 10
_TICKS: Final = 97
_HISTORY: Final = 20
_DETAILS: Final = 10
_DATA_TYPE: Final = 58
_TICK_PRICE, _TICK_SIZE, _TICK_GENERIC, _TICK_TEXT = 1, 2, 45, 46
_DELAYED_KINDS: Final = {
    "1": "66", "2": "67", "4": "68", "0": "69", "3": "70", "5": "71", "6": "72", "7": "73", "8": "74", "9": "75",
    "14": "76", "45": "88",
}  # fmt: skip
_DELAYED: Final = "3"
_NO_PERMISSION: Final = {
    "354": "Requested market data is not subscribed.Delayed market data is not enabled",
    "10089": "Requested market data requires additional subscription for API. See link in 'Market Data Connections' "
    "dialog for more details.Delayed market data is available.",
    "10090": "Part of requested market data is not subscribed.",
    "10168": "Requested market data is not subscribed. Delayed market data is not enabled.",
}
_DATA_REQUESTS: Final = frozenset({_QUOTES, _DEPTH, _TICKS})


@register
class NoPermission(Fault):
    """The account has no market data."""

    name = "no-permission"
    rules = (19,)
    what = "refuses quotes, depth and tick-by-tick data for want of a subscription"
    trap = "the algo trades on no quotes, or waits for ever"
    settings = settings(
        code=Setting("354", f"which: {', '.join(_NO_PERMISSION)}", tuple(_NO_PERMISSION)),
        after=AFTER,
        lasts=HOW_LONG,
    )

    def takes(self, session: Session, kind: int, fields: list[str]) -> bool:
        """Refuse."""
        if kind not in _DATA_REQUESTS or not self.is_on:
            return False
        number = fields[0] if kind == _TICKS else fields[1]
        code = self.word("code")
        session.error(int(number), int(code), _NO_PERMISSION[code])
        return True


@register
class DelayedData(Fault):
    """Quotes are delayed."""

    name = "delayed-data"
    rules = (19,)
    what = "says 10167 and market data type 3, and sends quotes late, as ticks of the delayed kinds"
    trap = "orders are priced from quotes of a quarter of an hour ago"
    settings = settings(seconds=Setting("900", "by which quotes are delayed"))

    def takes(self, session: Session, kind: int, fields: list[str]) -> bool:
        """Say so."""
        if kind == _QUOTES and len(fields) > 1:
            words = "Requested market data is not subscribed. Displaying delayed market data."
            session.error(int(fields[1]), 10167, words)
        return False

    def outgoing(self, session: Session, message: Message) -> Iterable[Message]:
        """Delay."""
        if not isinstance(message.about, TopOfBook):
            return (message,)
        if message.kind == _DATA_TYPE:
            return (message._replace(fields=(*message.fields[:-1], _DELAYED)),)
        if message.kind in {_TICK_PRICE, _TICK_SIZE, _TICK_TEXT}:
            kind = _DELAYED_KINDS.get(message.fields[2])
            if kind is not None:
                fields = (*message.fields[:2], kind, *message.fields[3:])
                self.later(session, message._replace(fields=fields), self.seconds("seconds"))
            return ()
        return (message,)


@register
class OtherSession(Fault):
    """Another login takes the data."""

    name = "other-session"
    rules = (19,)
    what = "says 10197 for each subscription and sends nothing more"
    trap = "the last quote is taken for the present one"
    settings = settings(after=AFTER, lasts=HOW_LONG)

    def begin(self) -> None:
        """Plan it."""
        self.at_start(self._say)

    def outgoing(self, session: Session, message: Message) -> Iterable[Message]:
        """Send nothing."""
        return () if isinstance(message.about, (TopOfBook, DepthOfBook)) and self.is_on else (message,)

    def _say(self) -> None:
        for line in self.gateway.market.lines.values():
            line.session.error(line.number, 10197, "No market data during competing live session")


@register
class FarmDown(Fault):
    """The farm behind the quotes breaks."""

    name = "farm-down"
    rules = (8, 14, 19)
    what = "says 2103, sends no market data for a while, and then says 2104"
    trap = "the order line is torn down with the data, or quotes are traded on that stand still"
    settings = settings(
        after=AFTER,
        lasts=Setting("30", "s that it lasts"),
        returns=Setting("yes", "whether data do", ("yes", "no")),
    )

    def begin(self) -> None:
        """Plan it."""
        self.at_start(self._break)

    def _break(self) -> None:
        self.gateway.market.is_silent = True
        self.gateway.tell_everybody(2103, "Market data farm connection is broken:usfarm")
        self.gateway.floor.after(self.seconds("lasts"), self._mend)

    def _mend(self) -> None:
        self.gateway.market.is_silent = self.word("returns") == "no"
        self.gateway.tell_everybody(2104, "Market data farm connection is OK:usfarm")


@register
class QuotesSilent(Fault):
    """Quotes stop without a word."""

    name = "quotes-silent"
    rules = (15, 19)
    what = "stops sending market data without saying so; everything else goes on"
    trap = "a quote is believed until the next one comes"
    settings = settings(after=AFTER, lasts=HOW_LONG)

    def outgoing(self, session: Session, message: Message) -> Iterable[Message]:
        """Send nothing."""
        return () if isinstance(message.about, (TopOfBook, DepthOfBook)) and self.is_on else (message,)


@register
class DepthReset(Fault):
    """The book is reset."""

    name = "depth-reset"
    rules = (19,)
    what = "says 317 to each depth subscription and sends the book anew"
    trap = "old rows stay in the book"
    settings = settings(after=AFTER)

    def begin(self) -> None:
        """Plan it."""
        self.at_start(self._reset)

    def _reset(self) -> None:
        for line in self.gateway.market.lines.values():
            if isinstance(line, DepthOfBook):
                line.session.error(
                    line.number, 317, "Market depth data has been RESET. Please empty deep book contents"
                )
                line.start_over()


@register
class CrossedQuotes(Fault):
    """The quote makes no sense."""

    name = "crossed-quotes"
    rules = (19,)
    what = "sends an ask a few ticks below the bid, or none at all"
    trap = "an algo crosses a spread that is not there"
    settings = settings(
        ask=Setting("below", "what the ask is", ("below", "none")),
        after=AFTER,
        lasts=HOW_LONG,
    )

    def __init__(self, gateway: PaperGateway, values: Mapping[str, str]) -> None:
        super().__init__(gateway, values)
        self._bid = "0"

    def outgoing(self, session: Session, message: Message) -> Iterable[Message]:
        """Change the ask."""
        if not isinstance(message.about, TopOfBook) or message.kind not in {_TICK_PRICE, _TICK_SIZE}:
            return (message,)
        kind = message.fields[2]
        if message.kind == _TICK_PRICE and kind == str(BID):
            self._bid = message.fields[3]
        if not self.is_on or kind not in {str(ASK), str(ASK_SIZE)}:
            return (message,)
        if message.kind == _TICK_SIZE:
            return () if self.word("ask") == "none" else (message,)
        if self.word("ask") == "none":
            return (message._replace(fields=(*message.fields[:3], "-1", "0", "0")),)
        below = f"{float(self._bid) - _TICKS_BELOW * self._tick:.4f}"
        return (message._replace(fields=(*message.fields[:3], below, *message.fields[4:])),)

    @property
    def _tick(self) -> float:
        return float(self.gateway.contract.details(self.gateway.floor.now)["minTick"])


_TICKS_BELOW: Final = 3


@register
class Halted(Fault):
    """Trading is said to be halted."""

    name = "halted"
    rules = (19,)
    what = "says that trading is halted (tick type 49) while quotes go on"
    trap = "orders are sent into a halt"
    settings = settings(after=AFTER, lasts=HOW_LONG)

    def begin(self) -> None:
        """Plan both ends."""
        self.at_start(lambda: self._say(1))

    def _say(self, value: int) -> None:
        for line in self.gateway.market.lines.values():
            if isinstance(line, TopOfBook):
                line.session.say(_TICK_GENERIC, 6, line.number, 49, value, about=line)
        if value and self.seconds("lasts"):
            self.gateway.floor.after(self.seconds("lasts"), lambda: self._say(0))


@register
class NoTickByTick(Fault):
    """Trades are not told one by one."""

    name = "no-tick-by-tick"
    rules = (19,)
    what = "refuses tick-by-tick data with 10190, takes them and sends nothing, or leaves every other trade out"
    trap = "stops are not triggered, and volume stands still, while quotes go on"
    settings = settings(
        how=Setting("refused", "what becomes of them", ("refused", "silent", "gaps")),
        after=AFTER,
        lasts=HOW_LONG,
    )

    def __init__(self, gateway: PaperGateway, values: Mapping[str, str]) -> None:
        super().__init__(gateway, values)
        self._trades = 0

    def takes(self, session: Session, kind: int, fields: list[str]) -> bool:
        """Refuse."""
        if kind != _TICKS or not self.is_on or self.word("how") != "refused":
            return False
        session.error(int(fields[0]), 10190, "Max number of tick-by-tick requests has been reached.")
        return True

    def outgoing(self, session: Session, message: Message) -> Iterable[Message]:
        """Leave trades out."""
        if not isinstance(message.about, TickByTick) or not self.is_on:
            return (message,)
        self._trades += 1
        is_kept = self.word("how") == "gaps" and self._trades % 2 == 0
        return (message,) if is_kept else ()


@register
class HistoryPacing(Fault):
    """Too many questions of the past."""

    name = "history-pacing"
    rules = (17,)
    what = "answers history requests with 162, a pacing violation"
    trap = "the client asks again at once, and is banned for longer"
    settings = settings(times=TIMES, after=AFTER, lasts=HOW_LONG)

    def takes(self, session: Session, kind: int, fields: list[str]) -> bool:
        """Refuse."""
        if kind != _HISTORY or not self.strikes():
            return False
        words = "Historical Market Data Service error message:Historical data request pacing violation"
        session.error(int(fields[0]), 162, words)
        return True


@register
class AmbiguousContract(Fault):
    """A contract is not the only one."""

    name = "ambiguous-contract"
    rules = (18,)
    what = "finds a second contract of the same name in another currency"
    trap = "the first answer is traded"

    def outgoing(self, session: Session, message: Message) -> Iterable[Message]:
        """Add the other one."""
        if message.kind != _DETAILS:
            return (message,)
        at = {name: place for place, (name, _) in enumerate(names(CONTRACT_DETAILS, session.version))}
        fields = list(message.fields)
        fields[at["conId"]] = str(int(fields[at["conId"]]) + 1)
        fields[at["currency"]] = "EUR" if fields[at["currency"]] != "EUR" else "USD"
        fields[at["exchange"]] = fields[at["primaryExchange"]] = "IBIS"
        return (message, message._replace(fields=tuple(fields)))
