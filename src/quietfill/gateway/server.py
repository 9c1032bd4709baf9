"""The paper gateway itself: who is connected, who answers which request, and when it ends."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Final, Self

from quietfill.domain.errors import BadInput
from quietfill.gateway.account import Account
from quietfill.gateway.accounts import Accounts
from quietfill.gateway.contract import PaperContract
from quietfill.gateway.cursor import Cursor, Refused
from quietfill.gateway.faults.panel import Faults
from quietfill.gateway.floor import Floor
from quietfill.gateway.history import History
from quietfill.gateway.lookups import Lookups
from quietfill.gateway.market import Market
from quietfill.gateway.session import Session
from quietfill.gateway.trading import Trading
from quietfill.gateway.wire import local_text
from quietfill.venue.options import VenueOptions

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from types import TracebackType

    from quietfill.domain.types import Timestamp
    from quietfill.gateway.wire import Value
    from quietfill.venue.tape import Tape

    Handler = Callable[[Session, Cursor], None]

_log = logging.getLogger("quietfill.gateway")

MOST_CLIENTS: Final = 32
DEFAULT_ACCOUNT: Final = "DU1234567"
NEWS_AT_START: Final = (
    (2104, "Market data farm connection is OK:usfarm"),
    (2106, "HMDS data farm connection is OK:ushmds"),
    (2158, "Sec-def data farm connection is OK:secdefil"),
)
UNBUILT: Final = {
    12: "news bulletins", 18: "advisor accounts", 19: "advisor accounts", 21: "option exercise", 22: "scanners",
    24: "scanners", 52: "fundamental data", 54: "option calculation", 55: "option calculation", 67: "display groups",
    68: "display groups", 78: "option chains", 79: "soft-dollar tiers", 83: "smart components", 84: "news",
    85: "news", 86: "news", 88: "histograms", 100: "the event calendar", 102: "the event calendar",
}  # fmt: skip
"""Requests of the protocol that are answered by error 322, and what they ask for."""

_NUMBER_AFTER_VERSION: Final = frozenset({21, 22, 52, 54, 55, 67, 68})
_GRACE: Final = 0.002


class PaperGateway:
    """Our venue behind the TWS socket protocol.

        async with PaperGateway(tape, speed=0) as gateway:
            await ib.connectAsync("127.0.0.1", gateway.port, clientId=1)
            ...
            await gateway.play(60)

    Args:
        tape: the recording that is the market.
        options: what the venue does with orders; None takes its defaults.
        seed: of all latencies.
        speed: simulated seconds a wall second; None runs as fast as clients keep up, 0 only with `play` (see `floor`).
        start: the first simulated instant, ns UTC; None is the first open of continuous trading in the recording.
        host: where to listen; anything but loopback lets others trade in here, for there is no password.
        port: 0 takes a free one.
        accounts: the account codes that the login has; orders need not name one where there is one only.
        cash: what each account starts with, in the contract's currency.
        master_client_id: a client that hears of everybody's orders; None for none.
        faults: what to break, as `name` or `name:key=value,key=value`.

    Raises:
        BadInput: for a fault that does not exist or cannot be set so.
    """

    def __init__(  # noqa: PLR0913 - the facade of the package: what it can be told, all by keyword
        self,
        tape: Tape,
        options: VenueOptions | None = None,
        *,
        seed: int = 0,
        speed: float | None = 1.0,
        start: Timestamp | None = None,
        host: str = "127.0.0.1",
        port: int = 0,
        accounts: Sequence[str] = (DEFAULT_ACCOUNT,),
        cash: int = 10_000_000,
        master_client_id: int | None = None,
        faults: Sequence[str] = (),
    ) -> None:
        self.options = options or VenueOptions()
        self.floor = Floor(tape, self.options, seed=seed, speed=speed, start=start)
        self.contract = PaperContract(tape)
        self.seed = seed
        self.host = host
        self.master_client_id = master_client_id
        self.books = {code: Account(code, cash) for code in accounts}
        self.faults = Faults(self)
        self.trading = Trading(self)
        self.accounts = Accounts(self)
        self.market = Market(self)
        self.history = History(self)
        self.lookups = Lookups(self)
        self.bytes_heard = 0
        self.bytes_said = 0
        self._calm_at = (0, 0)
        self.sessions: list[Session] = []
        self._clients: dict[int, Session] = {}
        self._waiting: dict[str, int] = {}
        self._wanted_port = port
        self._server: asyncio.Server | None = None
        self._handlers: dict[int, Handler] = {}
        for topic in (self.lookups, self.trading, self.accounts, self.market, self.history):
            self._handlers |= topic.handlers()
        self.floor.hear_report = self.trading.hear
        self.floor.look = self._look
        self.floor.calm = self._calm
        for fault in faults:
            self.faults.add(fault)

    # ------------------------------------------------------------ life

    @property
    def port(self) -> int:
        """The port that it listens on, once it was started."""
        assert self._wanted_port, "the gateway was not started"
        return self._wanted_port

    @property
    def is_listening(self) -> bool:
        """Whether clients can connect."""
        return self._server is not None

    async def __aenter__(self) -> Self:
        """Start."""
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop."""
        await self.stop()

    async def start(self) -> None:
        """Listen, and let time run.

        Raises:
            BadInput: when the port is taken.
        """
        await self.listen()
        self.floor.open()
        self.faults.start()

    async def listen(self) -> None:
        """Take connections."""
        loop = asyncio.get_running_loop()
        try:
            self._server = await loop.create_server(lambda: Session(self), self.host, self._wanted_port)
        except OSError as error:
            raise BadInput(f"port {self._wanted_port} on {self.host}: {error.strerror}") from None
        self._wanted_port = self._server.sockets[0].getsockname()[1]

    def refuse_connections(self) -> None:
        """Stop taking connections; those that are there stay."""
        if self._server is not None:
            self._server.close()
            self._server = None

    async def stop(self) -> None:
        """Stop time, close every connection and listen no more."""
        await self.floor.close()
        self.refuse_connections()
        for session in list(self.sessions):
            session.close()
        await asyncio.sleep(0)

    async def wait_end(self) -> None:
        """Wait until the recording is over and clients were told the last of it."""
        await self.floor.wait_end()
        await self._calm()

    async def play(self, seconds: float) -> None:
        """Let simulated time pass; only with `speed=0`."""
        await self.floor.play(round(seconds * 1_000_000_000))

    # ------------------------------------------------------------ clients

    def enter(self, session: Session) -> None:
        """Hear of a new connection."""
        self.sessions.append(session)
        if len(self.sessions) > MOST_CLIENTS:
            _log.warning("connection refused: there are %d clients already", MOST_CLIENTS)
            session.cut()

    def leave(self, session: Session) -> None:
        """Hear that a connection is gone."""
        self.sessions.remove(session)
        if session.client_id is not None and self._clients.get(session.client_id) is session:
            del self._clients[session.client_id]
        self.market.forget(session)
        self.accounts.forget(session)
        self.history.forget(session)

    def admit(self, session: Session, client_id: int) -> None:
        """Let a client start under an id, unless somebody has it."""
        if client_id in self._clients or self.faults.keeps_out(session, client_id):
            words = "Unable to connect as the client id is already in use. Retry with a unique client id."
            session.error(-1, 326, words)
            session.close()
            return
        session.client_id = client_id
        self._clients[client_id] = session
        self.lookups.welcome(session)
        for code, words in NEWS_AT_START:
            session.error(-1, code, words)
        self.faults.welcomed(session)

    def client(self, client_id: int) -> Session | None:
        """Return who is connected under an id."""
        return self._clients.get(client_id)

    def audience(self, client_id: int) -> Iterator[Session]:
        """Yield who hears of an order of a client: itself and the master."""
        heard: set[int | None] = {client_id, self.master_client_id}
        yield from [session for session in self._clients.values() if session.client_id in heard]

    def everybody(self) -> list[Session]:
        """Return all clients that have started."""
        return list(self._clients.values())

    def tell_everybody(self, code: int, words: str) -> None:
        """Send a message about nothing in particular to all."""
        for session in self.everybody():
            session.error(-1, code, words)

    def say_to_all(self, kind: int, *values: Value) -> None:
        """Send one message to all."""
        for session in self.everybody():
            session.say(kind, *values)

    # ------------------------------------------------------------ requests

    def handle(self, session: Session, kind: int, fields: list[str]) -> None:
        """Answer one request; whatever is wrong with it is said in an error message."""
        if self.faults.takes(session, kind, fields):
            return
        handler = self._handlers.get(kind)
        if handler is None:
            self._answer_unbuilt(session, kind, fields)
            return
        cursor = Cursor(fields)
        try:
            handler(session, cursor)
        except Refused as refused:
            session.error(_number(kind, fields), refused.code, refused.words)

    def _answer_unbuilt(self, session: Session, kind: int, fields: list[str]) -> None:
        what = UNBUILT.get(kind)
        place = 1 if kind in _NUMBER_AFTER_VERSION else 0
        number = int(fields[place]) if len(fields) > place and fields[place].lstrip("-").isdigit() else -1
        words = f"the paper gateway has no {what}" if what else f"request {kind} is unknown"
        session.error(number if what else -1, 322, f"Error processing request.-'gw' : cause - {words}")

    # ------------------------------------------------------------ time

    def watch(self, **waiting: int) -> None:
        """Say how many subscriptions of a kind wait for time to go on; `ticks` are those that want every row."""
        self._waiting |= waiting
        self.floor.tick_watchers = self._waiting.get("ticks", 0)
        self.floor.watchers = self._waiting.get("market", 0) + self._waiting.get("bars", 0)
        self.floor.stir()

    def connection_time(self) -> str:
        """Return the present as the handshake states it."""
        return local_text(self.floor.now, self.contract.zone)

    def _look(self, now: Timestamp) -> None:
        self.market.look(now)
        self.history.look(now)

    async def _calm(self) -> None:
        """Wait until clients have taken what was said and had a moment to answer it, if anything was said."""
        if (self.bytes_said, self.bytes_heard) == self._calm_at:
            await asyncio.sleep(0)
            return
        for _ in range(_ROUNDS):
            heard = self.bytes_heard
            await asyncio.sleep(_GRACE)
            if heard == self.bytes_heard and not any(session.unsent for session in self.sessions):
                break
        self._calm_at = (self.bytes_said, self.bytes_heard)


_ROUNDS: Final = 100
_AFTER_VERSION: Final = frozenset({1, 2, 7, 9, 10, 11, 25, 50, 51, 62, 63, 74, 75, 76, 77, 4})


def _number(kind: int, fields: list[str]) -> int:
    """Return the request's or order's number, -1 where a request has none or it cannot be read."""
    place = 1 if kind in _AFTER_VERSION else 0
    if kind in _WITHOUT_NUMBER or len(fields) <= place:
        return -1
    try:
        return int(fields[place])
    except ValueError:
        return -1


_WITHOUT_NUMBER: Final = frozenset({5, 6, 8, 14, 15, 16, 17, 49, 58, 59, 61, 64, 80, 82, 91, 99})
