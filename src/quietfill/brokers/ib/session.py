"""One session with the gateway: the socket, the handshake, and the moment at which it is ready.

The steps are our own. ib_async's do not tell a client id in use from a gateway that is slow, and end in a time-out for
both.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
from typing import TYPE_CHECKING, Any

from ib_async.client import Client

from quietfill.brokers.ib.errors import (
    ClientIdInUse,
    GatewayUnreachable,
    NotAGateway,
    NotConnected,
    StepUnanswered,
)
from quietfill.brokers.ib.raw import AnswerSeen, ErrorSeen
from quietfill.brokers.ib.tap import ACCOUNTS, NEXT_ID, StrictDecoder, Tap

if TYPE_CHECKING:
    from collections.abc import Callable

    from quietfill.brokers.ib.raw import Raw

_CLIENT_ID_IN_USE = 326
_UNSENT_MILLISECONDS = 10_000
"""How long bytes may stay unacknowledged before the machine gives the connection up."""


class Session:
    """A connection that was, is or will be open, once.

    Args:
        hear: hears every message.
        pause: called when all that came together was heard.
        lost: called once with the reason when an open session ends without us.
    """

    def __init__(
        self, hear: Callable[[Raw], None], pause: Callable[[], None], lost: Callable[[str], None], tws_timezone: str
    ) -> None:
        """Prepare; nothing is connected."""
        self._hear = hear
        self._lost = lost
        self.tap = Tap(self._heard, pause, tws_timezone)
        self.client: Any = Client(self.tap)  # type: ignore[no-untyped-call]
        self.client.decoder = StrictDecoder(self.tap)
        self.client.MaxRequests = 0  # the outbox paces, and lets cancels overtake
        self.client.conn.disconnected += self._disconnected
        self.accounts: tuple[str, ...] = ()
        self.next_id = 0
        self.is_open = False
        self._ready: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    async def open(self, host: str, port: int, client_id: int, seconds: float) -> None:
        """Connect, shake hands, and wait until the gateway says accounts and order id.

        Raises:
            BrokerError: one that says what to do.
        """
        try:
            async with asyncio.timeout(seconds):
                await self._shake_hands(host, port, client_id)
                await self._ready
        except TimeoutError:
            self.abort()
            if not self.client.serverVersion():
                raise NotAGateway(host, port, f"no version within {seconds:g} s") from None
            raise StepUnanswered("accounts and order id", seconds) from None
        except OSError as error:
            self.abort()
            raise GatewayUnreachable(host, port, error.strerror or str(error) or type(error).__name__) from error
        except BaseException:
            self.abort()
            raise
        if self.client.serverVersion() > Client.MaxClientVersion:
            self.abort()
            raise NotAGateway(host, port, f"it speaks version {self.client.serverVersion()}, which was not offered")
        self.is_open = True

    def close(self) -> None:
        """End it in good order."""
        self.is_open = False
        if self.client.conn.isConnected():
            with contextlib.suppress(OSError):
                self.client.disconnect()

    def abort(self) -> None:
        """End it at once: what was not delivered must never be."""
        self.is_open = False
        transport = self.client.conn.transport
        if transport is not None:
            transport.abort()

    def has_room(self) -> bool:
        """Say whether what is written now leaves at once."""
        transport = self.client.conn.transport
        return transport is not None and transport.get_write_buffer_size() == 0

    def send(self, request: str, *arguments: Any) -> None:
        """Write one request, named as in ib_async's client.

        Raises:
            NotConnected: when the session is over.
        """
        if not self.is_open:
            raise NotConnected("the session with the gateway is over")
        getattr(self.client, request)(*arguments)

    async def _shake_hands(self, host: str, port: int, client_id: int) -> None:
        client = self.client
        client.host, client.port, client.clientId = host, port, client_id
        client.connState = Client.CONNECTING
        await client.conn.connectAsync(host, port)
        _give_up_early(client.conn.transport.get_extra_info("socket"))
        versions = b"v%d..%d" % (Client.MinClientVersion, Client.MaxClientVersion)
        client.conn.sendMsg(b"API\0" + len(versions).to_bytes(4, "big") + versions)

    def _heard(self, raw: Raw) -> None:
        if not self._ready.done():
            self._prepare(raw)
        self._hear(raw)

    def _prepare(self, raw: Raw) -> None:
        if isinstance(raw, ErrorSeen) and raw.code == _CLIENT_ID_IN_USE:
            self._fail(ClientIdInUse(self.client.clientId))
        elif isinstance(raw, AnswerSeen) and raw.key == ACCOUNTS:
            self.accounts = raw.content
        elif isinstance(raw, AnswerSeen) and raw.key == NEXT_ID:
            self.next_id = raw.content
        if self.accounts and self.next_id and not self._ready.done():
            self._ready.set_result(None)

    def _fail(self, error: Exception) -> None:
        if not self._ready.done():
            self._ready.set_exception(error)
            self._ready.exception()  # nobody waits for it when the connection itself failed

    def _disconnected(self, why: str) -> None:
        # A code that came just before says more than the end of the connection: it is heard first.
        asyncio.get_running_loop().call_soon(self._ended, why or "the gateway closed the connection")

    def _ended(self, text: str) -> None:
        self._fail(NotAGateway(self.client.host, self.client.port, text))
        if self.is_open:
            self.is_open = False
            self._lost(text)


def _give_up_early(sock: socket.socket | None) -> None:
    """Have the machine notice a peer that is gone, where it can."""
    if sock is None:
        return
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    user_timeout = getattr(socket, "TCP_USER_TIMEOUT", None)
    if user_timeout is not None:
        sock.setsockopt(socket.IPPROTO_TCP, user_timeout, _UNSENT_MILLISECONDS)
