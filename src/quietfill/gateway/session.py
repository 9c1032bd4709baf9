"""One client's line: the handshake, its requests in, our messages out."""

from __future__ import annotations

import asyncio
import logging
import re
from typing import TYPE_CHECKING, Final

from quietfill.gateway.cursor import Cursor, Refused
from quietfill.gateway.wire import (
    MAX_VERSION,
    MIN_VERSION,
    BrokenFrameError,
    Frames,
    Message,
    Value,
    fields_of,
    frame,
    text,
)

if TYPE_CHECKING:
    from quietfill.gateway.server import PaperGateway

_log = logging.getLogger("quietfill.gateway")

_GREETING: Final = b"API\0"
_RANGE: Final = re.compile(rb"v(\d+)(?:\.\.(\d+))?(?: .*)?", re.DOTALL)
_START_API: Final = 71
_ERROR: Final = 4
_FIRST_WITH_ADVICE: Final = 166  # from here on an error carries a reason as JSON
_MOST_UNREAD: Final = 64 << 20  # bytes that a client may leave unread before it is cut off


class Session(asyncio.Protocol):
    """One connection.

    Attributes:
        version: the protocol version agreed on, 0 before.
        client_id: what the client calls itself, None until it has said so.
        data_type: which market data it asked for last: 1 live, 2 frozen, 3 delayed, 4 delayed and frozen.
    """

    def __init__(self, gateway: PaperGateway) -> None:
        self.gateway = gateway
        self.version = 0
        self.client_id: int | None = None
        self.transport: asyncio.Transport | None = None
        self.data_type = 1
        self.is_frozen = False
        self.splits = 0
        """Send so many bytes at a time; 0 sends each message whole."""
        self._greeted = False
        self._frames = Frames()
        self._unheard: list[bytes] = []
        self._said = bytearray()

    # ------------------------------------------------------------ the line

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin; the client speaks first."""
        assert isinstance(transport, asyncio.Transport), "the gateway listens on stream sockets"
        self.transport = transport
        self.gateway.enter(self)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - asyncio's
        """Forget the client; its orders stay where they are."""
        self.transport = None
        self.gateway.leave(self)

    def data_received(self, data: bytes) -> None:
        """Take what arrived; while frozen it is kept unheard."""
        self.gateway.bytes_heard += len(data)
        if self.is_frozen:
            self._unheard.append(data)
            return
        try:
            self._take(data)
        except BrokenFrameError as error:
            _log.warning("client cut off: %s", error)
            self.cut()

    def freeze(self) -> None:
        """Neither hear nor say anything more, and keep the line open."""
        self._flush()
        self.is_frozen = True

    def thaw(self) -> None:
        """Say and hear what was to be said in the meantime."""
        self.is_frozen = False
        self._flush()
        unheard, self._unheard = self._unheard, []
        for data in unheard:
            self.data_received(data)

    def cut(self) -> None:
        """Reset the connection at once; what was not sent yet is lost."""
        if self.transport is not None:
            self.transport.abort()

    def close(self) -> None:
        """Close the connection when everything said was sent."""
        self._flush()
        if self.transport is not None:
            self.transport.close()

    @property
    def is_ready(self) -> bool:
        """Whether the client has started and may be told things."""
        return self.client_id is not None and self.transport is not None

    @property
    def unsent(self) -> int:
        """How many bytes the client has not taken yet."""
        return len(self._said) + (0 if self.transport is None else self.transport.get_write_buffer_size())

    # ------------------------------------------------------------ out

    def say(self, kind: int, *values: Value, about: object = None) -> None:
        """Send one message, by way of the faults."""
        message = Message(kind, tuple([text(value) for value in values]), about)
        for passed in self.gateway.faults.outgoing(self, message):
            self.write(passed)

    def error(self, number: int, code: int, words: str, *, about: object = None) -> None:
        """Send an error message about a request or order; -1 is about none."""
        advice = ("",) if self.version >= _FIRST_WITH_ADVICE else ()
        self.say(_ERROR, 2, number, code, words, *advice, about=about)

    def write(self, message: Message) -> None:
        """Send one message as it is."""
        self.write_frame((str(message.kind), *message.fields))

    def write_frame(self, fields: tuple[str, ...]) -> None:
        """Send one frame; frames of one turn of the loop leave together, since each write costs a system call."""
        if self.transport is None or self.transport.is_closing():
            return
        if not self._said:
            asyncio.get_running_loop().call_soon(self._flush)
        packed = frame(fields)
        self._said += packed
        self.gateway.bytes_said += len(packed)
        if self.unsent > _MOST_UNREAD:
            _log.warning("client %s cut off: it does not read", self.client_id)
            self.cut()

    def _flush(self) -> None:
        if self.is_frozen or not self._said or self.transport is None or self.transport.is_closing():
            return
        said, self._said = bytes(self._said), bytearray()
        for start in range(0, len(said), self.splits or len(said)):
            self.transport.write(said[start : start + (self.splits or len(said))])

    # ------------------------------------------------------------ in

    def _take(self, data: bytes) -> None:
        bodies = self._frames.take(data) if self._greeted else self._greet(data)
        for body in bodies:
            if self.transport is None:
                return
            if self.version == 0:
                self._negotiate(body)
            elif self.is_frozen:
                self._unheard.append(len(body).to_bytes(4, "big") + body)
            else:
                self._hear(fields_of(body))

    def _greet(self, data: bytes) -> list[bytes]:
        self._frames.hold(data)
        opening = self._frames.skip(_GREETING)
        if opening is None:
            return []
        if not opening:
            raise BrokenFrameError("it does not begin with API")
        self._greeted = True
        return self._frames.take(b"")

    def _negotiate(self, body: bytes) -> None:
        match = _RANGE.fullmatch(body)
        if match is None:
            raise BrokenFrameError(f"{body[:40]!r} is no range of versions")
        lowest, highest = int(match[1]), int(match[2] or match[1])
        version = min(highest, MAX_VERSION)
        if version < MIN_VERSION or lowest > MAX_VERSION:
            spoken = f"{MIN_VERSION} to {MAX_VERSION}"
            raise BrokenFrameError(f"versions {lowest} to {highest} are not among {spoken}, which are spoken here")
        self.version = version
        # Nothing else may be said before START_API: some clients throw away what follows in the same packet.
        self.write_frame((str(version), self.gateway.connection_time()))

    def _hear(self, fields: list[str]) -> None:
        if not fields or not fields[0].isdigit():
            raise BrokenFrameError("a message has no number")
        kind, rest = int(fields[0]), fields[1:]
        if self.client_id is None:
            if kind == _START_API:
                self._start(Cursor(rest))
            return
        self.gateway.floor.catch_up()
        self.gateway.handle(self, kind, rest)

    def _start(self, cursor: Cursor) -> None:
        cursor.skip()
        try:
            client_id = cursor.integer()
        except Refused as refused:
            self.error(-1, refused.code, refused.words)
            return
        self.gateway.admit(self, client_id)
