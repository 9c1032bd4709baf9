"""A way out of the agent: things are handed on one after the other, in order, and nobody inside waits for it."""

from __future__ import annotations

import asyncio
from collections import deque
from contextlib import suppress
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

_Item = TypeVar("_Item")

MAX_WAITING = 10_000
"""Things that may wait at one outlet."""

_AT_A_TIME = 4
"""So many things are handed on before others may run: a kill must not wait for a crowd of fills to be told."""


class Outlet(Generic[_Item]):
    """Hands each thing to one taker, who may wait as long as it likes; what does not fit is counted.

    Attributes:
        dropped: things that the taker will never get.
    """

    def __init__(self, name: str, take: Callable[[_Item], Awaitable[None]], limit: int = MAX_WAITING) -> None:
        """Hand on to *take*, which must not raise."""
        self._name = name
        self._take = take
        self._limit = limit
        self._waiting: deque[_Item] = deque()
        self._is_taking = False
        self._is_closed = False
        self._task: asyncio.Task[None] | None = None
        self._room = asyncio.Event()
        self._room.set()
        self.dropped = 0

    @property
    def waiting(self) -> int:
        """How many things are not taken yet."""
        return len(self._waiting) + self._is_taking

    def put(self, item: _Item, *, is_bounded: bool = True) -> bool:
        """Hand *item* on as soon as all before it are taken; False, and counted, when too many wait or it is closed.

        What somebody asked for in one piece is not *is_bounded*.
        """
        if self._is_closed or (is_bounded and len(self._waiting) >= self._limit):
            self.dropped += 1
            return False
        self._waiting.append(item)
        if self._is_crowded:
            self._room.clear()
        with suppress(RuntimeError):  # before the loop runs things only wait
            self._start()
        return True

    async def room(self) -> None:
        """Wait until no more than half of what may wait does. Whoever can make a pause does so here."""
        await self._room.wait()

    async def close(self, timeout: float) -> list[_Item]:  # noqa: ASYNC109 - what is late is dropped here
        """Take no more; wait at most *timeout* seconds for what there is; then count as dropped what is left.

        Returns:
            What nobody began to take.
        """
        self._is_closed = True
        self._start()
        if self._task is None:
            return []
        _, late = await asyncio.wait({self._task}, timeout=timeout)
        if not late:
            return []
        self._task.cancel()
        self.dropped += self.waiting
        left = list(self._waiting)
        self._waiting.clear()
        self._is_taking = False
        self._room.set()
        return left

    def _start(self) -> None:
        if self._waiting and (self._task is None or self._task.done()):
            self._task = asyncio.get_running_loop().create_task(self._run(), name=self._name)

    @property
    def _is_crowded(self) -> bool:
        return len(self._waiting) * 2 > self._limit

    async def _run(self) -> None:
        taken = 0
        while self._waiting:
            item = self._waiting.popleft()
            self._is_taking = True
            await self._take(item)
            self._is_taking = False
            taken += 1
            if not self._is_crowded:
                self._room.set()
                if taken % _AT_A_TIME == 0:
                    await asyncio.sleep(0)
