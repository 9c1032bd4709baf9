"""An end that comes: each part is asked to let go, waited for within what is left of the time, and then given up."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Final

import structlog

if TYPE_CHECKING:
    from collections.abc import Coroutine

_log = structlog.get_logger(__name__)

_LEAST_SECONDS: Final = 0.25
"""What a part gets when those before it took all the time."""

_TRIES: Final = 5
"""How often what is given up is cancelled: each time it may wait for something else on its way out."""


class Ending:
    """The last steps of a service, within a time for all of them together.

    Args:
        seconds: for all steps.

    Attributes:
        half: what one step may ask of the time at most, so that those behind it come in time.
        left: what did not let go, or failed to, in words.
    """

    def __init__(self, seconds: float) -> None:
        """Begin to count."""
        self.half = seconds / 2
        self.left: list[str] = []
        self._until = asyncio.get_running_loop().time() + seconds

    async def let_go(self, what: str, step: Coroutine[Any, Any, object]) -> None:
        """Do one step, or give it up; the steps behind it are done all the same."""
        task = asyncio.ensure_future(step)
        seconds = max(_LEAST_SECONDS, self._until - asyncio.get_running_loop().time())
        await asyncio.wait({task}, timeout=seconds)
        if not task.done():
            self.left.append(f"{what} did not let go in time")
            await given_up(task, 0.0)
        elif not task.cancelled() and (error := task.exception()) is not None:
            _log.error("a part did not let go", part=what, exc_info=error)
            self.left.append(f"{what} did not let go: {error!r}")


async def given_up(task: asyncio.Task[Any], seconds: float) -> None:
    """Cancel a task, and again when it has not ended after so many seconds; what it raises then is of no concern."""
    task.cancel()
    if seconds:
        await asyncio.wait({task}, timeout=seconds)
    for _ in range(_TRIES):
        if task.done():
            break
        task.cancel()
        await asyncio.wait({task}, timeout=_LEAST_SECONDS / 2)
    if task.done() and not task.cancelled():
        task.exception()  # retrieved, so that nothing complains of it later
