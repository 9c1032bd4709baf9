"""Faults of the line: cut, frozen, restarted, cut off from upstream, paced, torn into pieces."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import TYPE_CHECKING, Final

from quietfill.gateway.faults.base import AFTER, CANCEL, HOW_LONG, PLACE, Fault, Setting, register, settings

if TYPE_CHECKING:
    from collections.abc import Mapping

    from quietfill.gateway.server import PaperGateway
    from quietfill.gateway.session import Session

_GLOBAL_CANCEL: Final = 58
_ORDER_REQUESTS: Final = frozenset({PLACE, CANCEL, _GLOBAL_CANCEL})


@register
class Cut(Fault):
    """The connection is reset."""

    name = "cut"
    rules = (7, 13)
    what = "resets every connection at one instant; orders work on"
    trap = "order state that lived in the connection is gone; fills of the meantime are never asked for"
    settings = settings(after=AFTER)

    def begin(self) -> None:
        """Plan the cut."""
        self.at_start(self._cut)

    def _cut(self) -> None:
        for session in self.gateway.everybody():
            session.cut()


@register
class CutOnOrder(Fault):
    """The connection is reset right after an order was read."""

    name = "cut-on-order"
    rules = (1, 3, 9, 13)
    what = "takes an order to the venue, then resets the connection before a word about it was said"
    trap = "the order is sent again under a new id: two orders work"
    settings = settings(times=Setting("1", "how often"), after=AFTER)

    def takes(self, session: Session, kind: int, fields: list[str]) -> bool:
        """Cut when an order was taken."""
        if kind != PLACE or not self.strikes():
            return False
        session.freeze()  # nothing said about it may leave before the reset
        asyncio.get_running_loop().call_soon(session.cut)
        return False


@register
class Freeze(Fault):
    """The socket stays open and nothing moves."""

    name = "freeze"
    rules = (9, 15)
    what = "neither reads nor writes for a while; the connection stays open"
    trap = "the client believes itself connected, and its orders sent"
    settings = settings(after=AFTER, lasts=Setting("30", "s that it lasts"))

    def begin(self) -> None:
        """Plan both ends."""
        self.at_start(self._freeze)

    def welcomed(self, session: Session) -> None:
        """Freeze whoever comes meanwhile."""
        if self.is_on:
            session.freeze()

    def _freeze(self) -> None:
        for session in self.gateway.everybody():
            session.freeze()
        self.gateway.floor.after(self.seconds("lasts"), self._thaw)

    def _thaw(self) -> None:
        for session in self.gateway.everybody():
            session.thaw()


@register
class Restart(Fault):
    """The gateway restarts, as it does every night."""

    name = "restart"
    rules = (4, 13, 16)
    what = (
        "loses what is sent in the last seconds, resets every connection, refuses new ones for a while, and then "
        "announces a next valid id below ids that were used"
    )
    trap = "ids are used twice and answers go to the wrong order; orders written into the restart are believed live"
    settings = settings(
        after=AFTER,
        lasts=Setting("10", "s without the gateway"),
        dying=Setting("0", "s before it in which orders and cancels are lost"),
        rollback=Setting("4", "by how much the next valid id is too low"),
    )

    def __init__(self, gateway: PaperGateway, values: Mapping[str, str]) -> None:
        super().__init__(gateway, values)
        self._listening: asyncio.Task[None] | None = None

    def begin(self) -> None:
        """Plan the restart."""
        self.at_start(self._go_down)

    @property
    def starts_at(self) -> int:
        """When the gateway goes down; *after* is when the restart is on its way."""
        return super().starts_at + self.seconds("dying")

    def takes(self, session: Session, kind: int, fields: list[str]) -> bool:
        """Lose what is sent into the restart."""
        now = self.gateway.floor.now
        return kind in _ORDER_REQUESTS and self.starts_at - self.seconds("dying") <= now < self.starts_at

    def _go_down(self) -> None:
        self.gateway.refuse_connections()
        for session in list(self.gateway.sessions):
            session.cut()
        self.gateway.trading.rolled_back += int(self.number("rollback"))
        self.gateway.floor.after(self.seconds("lasts"), self._come_back)

    def _come_back(self) -> None:
        self._listening = asyncio.get_running_loop().create_task(self.gateway.listen())


@register
class ClientIdInUse(Fault):
    """The previous connection lingers."""

    name = "client-id-in-use"
    rules = (2,)
    what = "refuses clients with error 326 as if their id were in use, and closes"
    trap = "the client waits for a time-out, or comes back under a random id and cannot cancel its orders"
    settings = settings(times=Setting("1", "how many connections are refused"), after=AFTER)

    def keeps_out(self, session: Session, client_id: int) -> bool:
        """Refuse."""
        return self.strikes()


@register
class UpstreamLost(Fault):
    """The gateway loses its own line."""

    name = "upstream-lost"
    rules = (11, 13, 14)
    what = (
        "says 1100; orders, changes and cancels are held until 1102 (or 1101, when data subscriptions are lost too); "
        "executions go on being told"
    )
    trap = "executions after 1100 are dropped; orders sent meanwhile come alive later; quotes stop for good after 1101"
    settings = settings(
        after=AFTER,
        lasts=Setting("30", "s that it lasts"),
        data=Setting("kept", "whether subscriptions survive", ("kept", "lost")),
    )

    def __init__(self, gateway: PaperGateway, values: Mapping[str, str]) -> None:
        super().__init__(gateway, values)
        self._is_lost = False
        self._held: list[tuple[Session, int, list[str]]] = []

    def begin(self) -> None:
        """Plan the loss."""
        self.at_start(self._lose)

    def takes(self, session: Session, kind: int, fields: list[str]) -> bool:
        """Hold what would go upstream."""
        if not self._is_lost or kind not in _ORDER_REQUESTS:
            return False
        self._held.append((session, kind, fields))
        return True

    def _lose(self) -> None:
        self._is_lost = True
        self.gateway.market.is_silent = True
        self.gateway.tell_everybody(1100, "Connectivity between IBKR and Trader Workstation has been lost.")
        self.gateway.floor.after(self.seconds("lasts"), self._restore)

    def _restore(self) -> None:
        self._is_lost = self.gateway.market.is_silent = False
        kept = self.word("data") == "kept"
        if not kept:
            self.gateway.market.lose_lines()
        words = "Connectivity between IBKR and Trader Workstation has been restored - data"
        kind = "maintained." if kept else "lost."
        self.gateway.tell_everybody(1102 if kept else 1101, f"{words} {kind}")
        held, self._held = self._held, []
        for session, request, fields in held:
            self.gateway.handle(session, request, fields)


@register
class Pacing(Fault):
    """More messages a second than allowed."""

    name = "pacing"
    rules = (17,)
    what = (
        "answers more messages in a wall second than allowed with error 100, and after some such breaches disconnects"
    )
    trap = "a burst of orders costs the connection, and with it the cancels behind them"
    settings = settings(
        limit=Setting("50", "messages a wall second"),
        breaches=Setting("3", "after how many the connection is closed; 0 never"),
    )

    def __init__(self, gateway: PaperGateway, values: Mapping[str, str]) -> None:
        super().__init__(gateway, values)
        self._times: dict[Session, deque[float]] = {}
        self._breaches: dict[Session, int] = {}

    def takes(self, session: Session, kind: int, fields: list[str]) -> bool:
        """Count; what is over the limit is not heard."""
        now = asyncio.get_running_loop().time()
        times = self._times.setdefault(session, deque())
        while times and now - times[0] >= 1:
            times.popleft()
        limit = int(self.number("limit"))
        if len(times) < limit:
            times.append(now)
            return False
        words = f"Max rate of messages per second has been exceeded:max={limit} rec={limit + 1}"
        session.error(-1, 100, words)
        self._breaches[session] = self._breaches.get(session, 0) + 1
        if self._breaches[session] == int(self.number("breaches")):
            session.close()
        return True


@register
class SplitSegments(Fault):
    """The network cuts messages where it likes."""

    name = "split-segments"
    rules = (20,)
    what = "sends everything in pieces of a few bytes"
    trap = "a reader that takes a packet for a message decodes rubbish"
    settings = settings(bytes=Setting("1", "of a piece"))

    def welcomed(self, session: Session) -> None:
        """Tear from now on."""
        session.splits = max(1, int(self.number("bytes")))


@register
class StrayVersion(Fault):
    """A second handshake answer in the middle of a session."""

    name = "stray-version"
    rules = (20,)
    what = "sends the version frame of the handshake once more in the middle of the session"
    trap = "the reader takes it for a message without a number, and dies"
    settings = settings(after=AFTER)

    def begin(self) -> None:
        """Plan it."""
        self.at_start(self._send)

    def _send(self) -> None:
        for session in self.gateway.everybody():
            session.write_frame((str(session.version), self.gateway.connection_time()))


@register
class ReadOnly(Fault):
    """The API is set to read only."""

    name = "read-only"
    rules = (12, 18)
    what = "answers every order, change and cancel with error 321, and never answers open or completed orders"
    trap = "the client waits for its lists for ever, or takes the error for a rejection of that one order"
    settings = settings(lasts=HOW_LONG, after=AFTER)

    def takes(self, session: Session, kind: int, fields: list[str]) -> bool:
        """Refuse, or stay silent."""
        if not self.is_on:
            return False
        if kind in _ORDER_REQUESTS:
            number = {PLACE: 0, CANCEL: 1}.get(kind)
            text = fields[number] if number is not None and len(fields) > number else "-1"
            words = "The API interface is currently in Read-Only mode."
            session.error(int(text), 321, f"Error validating request.-'gw' : cause - {words}")
            return True
        return kind in _ORDER_LISTS


_ORDER_LISTS: Final = frozenset({5, 16, 99})
