"""Keeping the line: one session open, its life proven, and after every break everything asked before it counts as up.

A session that exists is not a line. The line is up when the gateway answers, has its own connection to Interactive
Brokers, and has told everything it knows since the last break. Each session has an epoch; nothing meant for one is
written into the next. The client id never changes: orders belong to it.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import structlog

from quietfill.brokers.ib.errors import ClientIdInUse
from quietfill.brokers.ib.session import Session
from quietfill.domain.errors import BrokerError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Coroutine

    from quietfill.brokers.ib.raw import Raw
    from quietfill.brokers.ib.settings import IBSettings

_log = structlog.get_logger(__name__)

_TRIES_FOR_CLIENT_ID = 3
"""An old socket of ours may linger in the gateway for a moment."""


class Connection:
    """The line to one gateway.

    Args:
        hear, pause: hear the messages of the session, and when all that came together were heard.
        resume: asks everything after a break; raises `BrokerError` while nothing may be sent.
        changed: told whether the line is up, and why; never from inside `start`.
        ended: told when a session is over, before anything else.
        probe: asks the gateway for a sign of life, within so many seconds.
    """

    def __init__(
        self,
        address: tuple[str, int, int],
        settings: IBSettings,
        *,
        hear: Callable[[Raw], None],
        pause: Callable[[], None],
        resume: Callable[[], Awaitable[None]],
        changed: Callable[[bool, str], None],
        ended: Callable[[str], None],
        probe: Callable[[float], Awaitable[bool]],
    ) -> None:
        """Prepare; nothing is connected."""
        self.host, self.port, self.client_id = address
        self.epoch = 0
        self.session: Session | None = None
        self.is_up = False
        self._settings = settings
        self._hear = hear
        self._pause = pause
        self._resume = resume
        self._changed = changed
        self._session_ended = ended
        self._probe = probe
        self._is_cut = False
        self._is_wanted = False
        self._is_opening = False
        self._tasks: set[asyncio.Task[None]] = set()
        self._mending: asyncio.Task[None] | None = None

    @property
    def messages(self) -> int:
        """How often something was heard in this session."""
        return 0 if self.session is None else self.session.tap.messages

    async def start(self) -> None:
        """Open the line; one that is open already, or is being mended, stays as it is.

        Raises:
            BrokerError: one that says what to do.
        """
        if self._is_wanted:
            return
        self._is_wanted = True
        try:
            await self._open_patiently()
        except BaseException:
            self._is_wanted = False
            if self._mending is not None:
                self._mending.cancel()
            raise
        self._run(self._watch_life())
        if not self.is_up:  # the gateway is there and its own connection is not
            asyncio.get_running_loop().call_soon(self._tell_down, "the gateway has no connection of its own")

    async def _open_patiently(self) -> None:
        for tries_left in reversed(range(_TRIES_FOR_CLIENT_ID)):
            try:
                await self._open()
                break
            except ClientIdInUse:
                if not tries_left:
                    raise
                await asyncio.sleep(self._settings.retry_seconds)

    async def stop(self) -> None:
        """Close the line; nothing more is heard."""
        self._is_wanted = self.is_up = False
        tasks = [task for task in (*self._tasks, self._mending) if task is not None and not task.done()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        if self.session is not None:
            self.session.close()
            self.session = None
        await asyncio.sleep(0)

    def cut(self, reason: str) -> None:
        """Note that the gateway lost its own connection."""
        self._is_cut = True
        self._go_down(reason)

    def restored(self, reason: str) -> None:
        """Note that the gateway has its own connection back: ask everything, then go on."""
        self._is_cut = False
        if self.session is not None and not self.is_up and not self._is_opening:
            self._mend(self._ask_again(reason))

    def drop(self, reason: str) -> None:
        """Give the session up, undelivered bytes included, and open another."""
        if self.session is not None:
            self.session.abort()
            self._lost(reason)

    async def _open(self) -> None:
        self._is_opening = True
        try:
            await self._open_session()
        finally:
            self._is_opening = False

    async def _open_session(self) -> None:
        self._is_cut = False
        session = Session(self._hear, self._pause, self._lost, self._settings.tws_timezone)
        await session.open(self.host, self.port, self.client_id, self._settings.connect_seconds)
        self.session = session
        self.epoch += 1
        try:
            await self._resume()
        except BaseException as error:
            self.session = None
            session.close()
            self._session_ended(str(error))
            raise
        self.is_up = not self._is_cut
        _log.info("connected", host=self.host, port=self.port, client_id=self.client_id, epoch=self.epoch)

    def _lost(self, reason: str) -> None:
        self.session = None
        self._session_ended(reason)
        self._go_down(reason)
        if self._is_wanted:
            self._mend(self._open_again())

    def _go_down(self, reason: str) -> None:
        if self.is_up:
            self.is_up = False
            self._tell_down(reason)

    def _tell_down(self, reason: str) -> None:
        _log.warning("the line is down", reason=reason)
        self._changed(False, reason)  # noqa: FBT003 - what changed is the one thing it tells

    def _go_up(self, reason: str) -> None:
        if not self._is_cut and not self.is_up:
            self.is_up = True
            self._changed(True, reason)  # noqa: FBT003

    def _mend(self, work: Coroutine[Any, Any, None]) -> None:
        """Mend the line one way at a time."""
        current = asyncio.current_task()
        if self._mending is not None and self._mending is not current and not self._mending.done():
            self._mending.cancel()
        self._mending = asyncio.get_running_loop().create_task(work)

    async def _open_again(self) -> None:
        pause = self._settings.retry_seconds
        while True:
            await asyncio.sleep(pause)
            try:
                await self._open()
            except BrokerError as error:
                _log.warning("cannot connect again yet", error=str(error))
                pause = min(2 * pause, self._settings.longest_retry_seconds)
                continue
            if self.is_up:
                self.is_up = False
                self._go_up("connected again")
            return

    async def _ask_again(self, reason: str) -> None:
        while self.session is not None:
            try:
                await self._resume()
            except BrokerError as error:
                _log.warning("cannot go on yet", error=str(error))
                await asyncio.sleep(self._settings.retry_seconds)
                continue
            self._go_up(reason)
            return

    async def _watch_life(self) -> None:
        """Ask a silent gateway for a sign of life; one that gives none is no line."""
        while True:
            seen, session = self.messages, self.session
            await asyncio.sleep(self._settings.probe_seconds)
            if session is None or session is not self.session or self._is_opening or self.messages != seen:
                continue  # there is none, it speaks, or its opening has a limit of its own
            if not await self._is_alive() and session is self.session:
                self.drop(f"the gateway gave no sign of life {self._settings.probe_misses} times")

    async def _is_alive(self) -> bool:
        for _ in range(self._settings.probe_misses):
            if await self._probe(self._settings.probe_answer_seconds):
                return True
        return False

    def _run(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
