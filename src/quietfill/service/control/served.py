"""uvicorn inside somebody else's event loop: no signals, no logs, no polling, and bounds on every connection."""

from __future__ import annotations

import asyncio
from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING, Any, Final

import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

if TYPE_CHECKING:
    import socket

    from starlette.types import ASGIApp
    from uvicorn.protocols.http.h11_impl import RequestResponseCycle

    from quietfill.service.control.door import Limits

_HEAD_BYTES: Final = 16_384
_END_SECONDS: Final = 2


class Served(uvicorn.Server):
    """One application on one socket, until `end`."""

    def __init__(self, application: ASGIApp, limits: Limits) -> None:
        """Bind nothing yet."""
        super().__init__(
            uvicorn.Config(
                application,
                http=_bounded(limits),
                ws="none",
                lifespan="off",
                interface="asgi3",
                log_config=None,
                log_level="critical",  # what a stranger sends must not fill the log; our own errors are logged by us
                access_log=False,
                proxy_headers=False,  # a header must not choose the address that wrong tokens are counted under
                server_header=False,
                date_header=False,
                h11_max_incomplete_event_size=_HEAD_BYTES,
                timeout_graceful_shutdown=_END_SECONDS,
            )
        )
        self._is_up = asyncio.Event()
        self._asked = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    async def begin(self, listener: socket.socket) -> None:
        """Serve on *listener*; return when it does."""
        self._task = asyncio.create_task(self.serve(sockets=[listener]), name="control port")
        up = asyncio.create_task(self._is_up.wait())
        try:
            await asyncio.wait({self._task, up}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            up.cancel()
        if self._task.done():
            self._task.result()

    async def end(self) -> None:
        """Take no more requests, answer those that are there, and let go of the socket."""
        if self._task is None:
            return
        task, self._task = self._task, None
        self._asked.set()
        await task
        for connection in list(self.server_state.connections):
            connection.transport.abort()

    # What uvicorn asks of itself

    def capture_signals(self) -> AbstractContextManager[None]:  # type: ignore[override]
        """Leave signals to whoever runs the loop."""
        return nullcontext()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start, and say so."""
        await super().startup(sockets)
        self._is_up.set()

    async def main_loop(self) -> None:
        """Wait for the end without looking ten times a second."""
        await self._asked.wait()


class _Bounded(H11Protocol):
    """A connection that must say what it wants in time, and cannot keep others out."""

    limits: Limits
    opened = 0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin to count its time; when there are too many, close the oldest that has not said all it wants."""
        super().connection_made(transport)
        type(self).opened += 1
        self.number = type(self).opened
        self._alarm = self.loop.call_later(self.limits.head_seconds, self._must_have_spoken)
        if len(self.connections) <= self.limits.connections:
            return
        unsaid = [one for one in self.connections if isinstance(one, _Bounded) and one is not self and one.is_unsaid]
        (min(unsaid, key=lambda one: one.number) if unsaid else self).transport.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        """Count no more."""
        self._alarm.cancel()
        super().connection_lost(exc)

    @property
    def is_unsaid(self) -> bool:
        """Whether its request has not arrived as a whole."""
        request = self._request()
        return request is None or request.more_body

    def _request(self) -> RequestResponseCycle | None:
        """Return the request in hand; uvicorn's own annotation leaves out that there is none at first."""
        return self.cycle

    def _must_have_spoken(self) -> None:
        if self._request() is None:
            self.transport.abort()
            return
        left = self.limits.life_seconds - self.limits.head_seconds
        self._alarm = self.loop.call_later(max(0.0, left), self.transport.abort)


def _bounded(limits: Limits) -> type[_Bounded]:
    """Return a class of connections with these limits: uvicorn makes them itself, without arguments of ours."""
    attributes: dict[str, Any] = {"limits": limits, "opened": 0}
    return type("BoundedConnection", (_Bounded,), attributes)
