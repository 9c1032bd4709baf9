"""A way out of the agent: things are handed on one after the other, in order, and nobody inside waits for it."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

_Item = TypeVar("_Item")

MAX_WAITING = 10_000
"""Things that may wait at one outlet."""


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
        self._task: asyncio.Task[None] | None = None
        self.dropped = 0

    @property
    def waiting(self) -> int:
        """How many things wait for the taker."""
        return len(self._waiting)

    def put(self, item: _Item, *, is_bounded: bool = True) -> bool:
        """Hand *item* on as soon as all before it are taken; False, and counted, when too many wait.

        What somebody asked for in one piece is not *is_bounded*.
        """
        if is_bounded and len(self._waiting) >= self._limit:
            self.dropped += 1
            return False
        self._waiting.append(item)
        if self._task is None or self._task.done():
            self._task = asyncio.get_running_loop().create_task(self._run(), name=self._name)
        return True

    async def close(self, timeout: float) -> None:  # noqa: ASYNC109 - what is late is dropped here
        """Wait until everything is taken, at most *timeout* seconds; then drop, and count, what is left."""
        if self._task is None or self._task.done():
            return
        _, late = await asyncio.wait({self._task}, timeout=timeout)
        if late:
            self.dropped += len(self._waiting) + 1  # and the one that the taker has in hand
            self._waiting.clear()
            self._task.cancel()

    async def _run(self) -> None:
        while self._waiting:
            await self._take(self._waiting.popleft())
