"""Who may come in, before anything is routed.

Loopback is no fence: other users of the machine reach it, and so does every page in a browser on it. Asked in this
order: does `Host` name this machine (else a stranger's name was made to resolve to it), is `Origin` absent or ours
(else a page of others speaks), is the token right, is the body JSON, small, and said in time. A refused body is not
looked at; what is sent of it is read and dropped, within bounds, so that its sender gets to read why.
"""

from __future__ import annotations

import asyncio
import hmac
from contextlib import suppress
from http import HTTPStatus
from typing import TYPE_CHECKING, Final

import msgspec

from quietfill.service.control.answers import Refused
from quietfill.service.control.loopback import names_loopback

if TYPE_CHECKING:
    from collections.abc import Callable

    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from quietfill.service.control.wrong_tokens import WrongTokens

ALIVE: Final = "/v1/alive"
"""The one route without a token. It tells nothing but that somebody is there."""

_DROPPED_BYTES: Final = 1_048_576
_DROPPED_SECONDS: Final = 1.0


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """What one who comes to the port may ask of it.

    Attributes:
        body_bytes: size of a body.
        body_seconds: how long a body may take to arrive.
        head_seconds: how long a connection may take to say what it wants.
        life_seconds: how long a connection may last in all.
        connections: how many there may be; one more closes the oldest that has not said all it wants.
        wrong_tokens: from one address in a minute, before it is answered 429.
        commit_seconds: how long an act waits to be durable before it says that it is not.
        kill_seconds: the same for a kill, whose cancels leave then without the journal.
    """

    body_bytes: int = 65_536
    body_seconds: float = 5.0
    head_seconds: float = 5.0
    life_seconds: float = 30.0
    connections: int = 32
    wrong_tokens: int = 10
    commit_seconds: float = 5.0
    kill_seconds: float = 0.25


class Door:
    """Lets a request through to *inner*, with its body read, or refuses it.

    Args:
        inner: the routes.
        token: what `Authorization: Bearer` must say.
        origins: pages that may speak to the port from a browser.
        limits: see `Limits`.
        wrong: counts wrong tokens.
    """

    def __init__(
        self, inner: ASGIApp, token: str, origins: Callable[[], frozenset[str]], limits: Limits, wrong: WrongTokens
    ) -> None:
        self._inner = inner
        self._token = token.encode()
        self._origins = origins
        self._limits = limits
        self._wrong = wrong

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        incoming = _Incoming(receive)
        try:
            self._admit(scope)
            body = await self._read(scope, incoming)
        except Refused as refused:
            if refused.status is not HTTPStatus.REQUEST_TIMEOUT and not _values(scope, b"expect"):
                await incoming.drop()  # who expects our word first sends nothing before it
            await refused.answer()(scope, receive, send)
            return
        except _GoneError:
            return
        await self._inner(scope, _said(body), send)

    def _admit(self, scope: Scope) -> None:
        hosts = _values(scope, b"host")
        if len(hosts) != 1 or not names_loopback(hosts[0]):
            raise Refused(HTTPStatus.MISDIRECTED_REQUEST, "this port serves its own machine only: Host must name it")
        if any(origin not in self._origins() for origin in _values(scope, b"origin")):
            raise Refused(HTTPStatus.FORBIDDEN, "pages of others may not speak to this port")
        if scope["method"] == "GET" and scope["path"] == ALIVE:
            return
        self._check_token(scope)
        if scope["method"] == "POST":
            _check_type(scope)

    def _check_token(self, scope: Scope) -> None:
        said = _values(scope, b"authorization")
        if not said:
            raise Refused(HTTPStatus.UNAUTHORIZED, "a bearer token is needed; it is in the agent's token file")
        scheme, _, given = said[0].partition(" ")
        is_right = hmac.compare_digest(given.strip().encode("latin-1"), self._token)
        if len(said) == 1 and scheme.lower() == "bearer" and is_right:
            return
        client = scope.get("client")
        if self._wrong.is_flood(client[0] if client else ""):
            raise Refused(HTTPStatus.TOO_MANY_REQUESTS, "too many wrong tokens; the right one passes all the same")
        raise Refused(HTTPStatus.UNAUTHORIZED, "the token is wrong")

    async def _read(self, scope: Scope, incoming: _Incoming) -> bytes:
        """Return the body, however it is sent."""
        stated = _values(scope, b"content-length")
        if stated and int(stated[0]) > self._limits.body_bytes:
            raise self._too_large()
        body = bytearray()
        try:
            async with asyncio.timeout(self._limits.body_seconds):
                while not incoming.is_over:
                    body += await incoming.piece()
                    if len(body) > self._limits.body_bytes:
                        raise self._too_large()
        except TimeoutError:
            text = f"the body took more than {self._limits.body_seconds:g} s"
            raise Refused(HTTPStatus.REQUEST_TIMEOUT, text) from None
        return bytes(body)

    def _too_large(self) -> Refused:
        text = f"the body is larger than {self._limits.body_bytes} bytes"
        return Refused(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, text)


class _GoneError(Exception):
    """The client hung up."""


class _Incoming:
    """The body of one request, piece by piece."""

    def __init__(self, receive: Receive) -> None:
        """Begin with nothing read."""
        self._receive = receive
        self.is_over = False

    async def piece(self) -> bytes:
        """Wait for the next piece.

        Raises:
            _GoneError: when there will be none.
        """
        message = await self._receive()
        if message["type"] != "http.request":
            raise _GoneError
        self.is_over = not message.get("more_body", False)
        found: bytes = message.get("body", b"")
        return found

    async def drop(self) -> None:
        """Read what a refused client still sends, within bounds: closing on it would take the answer from it."""
        left = _DROPPED_BYTES
        with suppress(TimeoutError, _GoneError):
            async with asyncio.timeout(_DROPPED_SECONDS):
                while left > 0 and not self.is_over:
                    left -= len(await self.piece())


def _check_type(scope: Scope) -> None:
    """Only JSON as it is: a form of a foreign page cannot say that, and nothing is unpacked here."""
    types = _values(scope, b"content-type")
    packed = [one for one in _values(scope, b"content-encoding") if one.strip().lower() != "identity"]
    if len(types) != 1 or types[0].partition(";")[0].strip().lower() != "application/json" or packed:
        raise Refused(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "the body must be plain application/json")


def _said(body: bytes) -> Receive:
    """Return a `receive` that gives the body in one piece."""

    async def receive() -> Message:
        return {"type": "http.request", "body": body, "more_body": False}

    return receive


def _values(scope: Scope, name: bytes) -> list[str]:
    return [value.decode("latin-1") for key, value in scope["headers"] if key == name]
