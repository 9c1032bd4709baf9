"""One subscriber of a bus: its queue, its task, and what became of its events."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, Final, Protocol, TypeAlias


class BusEvent(Protocol):
    """Anything that says what it is about, as all of `quietfill.domain.events` does."""

    @property
    def event_type(self) -> str:
        """The key of subscriptions: a member of `EventType`, or any other text."""
        ...


EventHandler: TypeAlias = Callable[[Any], Awaitable[None]]
"""An async function that takes one event of the type that it was subscribed to."""


class _End:
    """Behind this in a queue nothing is delivered."""


_END: Final = _End()


class Subscriber:
    """Delivers events to one handler, one after the other, and counts what happens.

    Attributes:
        event_types: what it wants to hear; an event of another type that still waits is skipped.
        name: the handler's, for logs and status.
    """

    def __init__(self, handler: EventHandler) -> None:
        self.name = str(getattr(handler, "__qualname__", None) or repr(handler))
        self.event_types: set[str] = set()
        self._handler = handler
        self._queue: asyncio.Queue[BusEvent | _End] = asyncio.Queue()
        self._task: asyncio.Task[None] | None = None
        self._delivered = 0
        self._dropped = 0
        self._failed = 0

    @property
    def waiting(self) -> int:
        """How many events wait for the handler."""
        return self._queue.qsize()

    def start(self) -> None:
        """Begin to deliver, with an empty queue."""
        self._queue = asyncio.Queue()
        self._task = asyncio.create_task(self._run(self._queue), name=f"bus {self.name}")

    def end(self) -> asyncio.Task[None] | None:
        """Deliver what waits, then no more; return the task that does it."""
        self._queue.put_nowait(_END)
        return self._task

    def put(self, event: BusEvent, limit: int) -> bool:
        """Queue *event*; False, and counted, when *limit* events wait already."""
        if self._queue.qsize() >= limit:
            self.drop(event)
            return False
        self._queue.put_nowait(event)
        return True

    def drop(self, event: BusEvent) -> None:
        """Count an event that the handler will never hear, and log the 1st, 2nd, 4th, 8th and so on."""
        self._dropped += 1
        if self._dropped & (self._dropped - 1):
            return
        _log().warning(
            "event_dropped", subscriber=self.name, event_type=str(event.event_type), dropped_so_far=self._dropped
        )

    def drop_waiting(self) -> None:
        """Drop everything that waits."""
        while not self._queue.empty():
            event = self._queue.get_nowait()
            if not isinstance(event, _End):
                self.drop(event)

    async def deliver(self, event: BusEvent) -> None:
        """Let the handler have *event*. What it raises is counted and logged, and harms nobody else."""
        try:
            await self._handler(event)
        except asyncio.CancelledError:
            if (task := asyncio.current_task()) is None or task.cancelling():
                raise
            self._fail(event)  # something that the handler waited for was cancelled, not we
        except Exception:  # noqa: BLE001 - a stranger's code: whatever it raises
            self._fail(event)
        else:
            self._delivered += 1

    def status(self) -> dict[str, Any]:
        """Return name, event types and counters."""
        return {
            "name": self.name,
            "event_types": sorted(self.event_types),
            "waiting": self.waiting,
            "delivered": self._delivered,
            "dropped": self._dropped,
            "failed": self._failed,
        }

    async def _run(self, queue: asyncio.Queue[BusEvent | _End]) -> None:
        while not isinstance(event := await queue.get(), _End):
            if event.event_type in self.event_types:
                await self.deliver(event)
                await asyncio.sleep(0)  # a long queue of short handlers must not hold up the loop

    def _fail(self, event: BusEvent) -> None:
        self._failed += 1
        _log().exception("event_handler_failed", subscriber=self.name, event_type=str(event.event_type))


def _log() -> Any:
    import structlog

    return structlog.get_logger("quietfill.bus")
