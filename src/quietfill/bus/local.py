"""The bus inside one process.

Every subscriber has its own queue and its own task, so one that is slow or fails delays nobody. What
must not wait - a kill switch, or whatever is published with priority - has no queue at all: it gets a
task of its own, also while its subscriber is still busy with something else.

All methods belong to the thread of the event loop.
"""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Iterable
from typing import Any

from quietfill.bus.subscriber import BusEvent, EventHandler, Subscriber
from quietfill.domain.errors import BadInput
from quietfill.domain.events import EventType

_STOP_TIMEOUT_S = 10.0
_CANCEL_TIMEOUT_S = 1.0  # one that ignores its cancellation is left behind


class EventBus:
    """Carries events from whoever publishes to whoever subscribed to their type.

    A handler that is subscribed to several types hears them in the order in which they were published.

    Args:
        max_queue: events that may wait for one subscriber; also how many handlings of priority events
            may be under way at the same time.

    Raises:
        BadInput: when *max_queue* is not at least 1.
    """

    def __init__(self, max_queue: int = 10_000) -> None:
        if max_queue < 1:
            raise BadInput(f"max_queue must be at least 1, not {max_queue!r}")
        self._max_queue = max_queue
        self._subscribers: dict[EventHandler, Subscriber] = {}
        self._urgent: set[asyncio.Task[None]] = set()
        self._running = False
        self._published = 0
        self._refused = 0

    @property
    def queue_size(self) -> int:
        """How many events wait, over all subscribers."""
        return sum(subscriber.waiting for subscriber in self._subscribers.values())

    def subscribe(self, event_type: str, handler: EventHandler) -> None:
        """Let *handler* hear all events of a type from now on; a second time changes nothing.

        Raises:
            TypeError: when the handler is not an async function.
        """
        if not _is_async(handler):
            raise TypeError(f"a handler must be an async function, not {handler!r}")
        subscriber = self._subscribers.get(handler)
        if subscriber is None:
            subscriber = self._subscribers[handler] = Subscriber(handler)
            if self._running:
                subscriber.start()
        subscriber.event_types.add(event_type)

    def unsubscribe(self, event_type: str, handler: EventHandler) -> None:
        """Let *handler* hear no more events of a type, not even those that wait for it already."""
        subscriber = self._subscribers.get(handler)
        if subscriber is None:
            return
        subscriber.event_types.discard(event_type)
        if not subscriber.event_types:
            del self._subscribers[handler]
            subscriber.end()

    async def publish(self, event: BusEvent, priority: bool = False) -> bool:  # noqa: FBT001, FBT002 - public contract
        """Give *event* to all subscribers of its type, without waiting for what they do with it.

        Returns:
            True when every subscriber has it or will; False when the bus is not running, or a queue was
            full, in which case the others have it nevertheless.
        """
        if not self._running:
            self._refused += 1
            return False
        self._published += 1
        audience = [each for each in self._subscribers.values() if event.event_type in each.event_types]
        if priority or event.event_type == EventType.KILL_SWITCH:
            return self._dispatch(event, audience)
        taken = [subscriber.put(event, self._max_queue) for subscriber in audience]
        if any(subscriber.waiting * 2 > self._max_queue for subscriber in audience):
            await asyncio.sleep(0)  # a publisher in a tight loop must let those work who are to keep up with it
        return all(taken)

    async def start(self) -> None:
        """Begin to deliver. A running bus goes on."""
        if self._running:
            return
        self._running = True
        for subscriber in self._subscribers.values():
            subscriber.start()

    async def stop(self, timeout: float = _STOP_TIMEOUT_S) -> None:  # noqa: ASYNC109 - what is late is cancelled here
        """Take no more events, deliver those that wait, and end. Subscriptions stay for another start.

        Args:
            timeout: seconds after which handlers still at work are cancelled, and what waits is dropped.
        """
        if not self._running:
            return
        self._running = False
        tasks = self._urgent | {task for each in self._subscribers.values() if (task := each.end()) is not None}
        tasks -= {asyncio.current_task()}  # a handler may stop the bus
        if not tasks:
            return
        _, late = await asyncio.wait(tasks, timeout=timeout)
        for task in late:
            task.cancel()
        if late:
            await asyncio.wait(late, timeout=_CANCEL_TIMEOUT_S)
        for subscriber in self._subscribers.values():
            subscriber.drop_waiting()

    def get_status(self) -> dict[str, Any]:
        """Return counters of the bus and, under `subscribers`, of each of its subscribers."""
        subscribers = [subscriber.status() for subscriber in self._subscribers.values()]
        return {
            "running": self._running,
            "queue_size": self.queue_size,
            "max_queue": self._max_queue,
            "published": self._published,
            "refused": self._refused,
            "urgent": len(self._urgent),
            **{name: sum(each[name] for each in subscribers) for name in ("delivered", "dropped", "failed")},
            "subscribers": subscribers,
        }

    def _dispatch(self, event: BusEvent, audience: Iterable[Subscriber]) -> bool:
        taken = True
        for subscriber in audience:
            if len(self._urgent) >= self._max_queue:
                subscriber.drop(event)
                taken = False
                continue
            task = asyncio.create_task(subscriber.deliver(event), name=f"urgent {subscriber.name}")
            self._urgent.add(task)
            task.add_done_callback(self._urgent.discard)
        return taken


def _is_async(handler: EventHandler) -> bool:
    return inspect.iscoroutinefunction(handler) or inspect.iscoroutinefunction(getattr(handler, "__call__", None))  # noqa: B004
