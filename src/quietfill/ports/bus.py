"""The port to the firm's event bus."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from quietfill.domain.events import EventType


class Bus(Protocol):
    """Carries events between the firm's agents."""

    def subscribe(self, event_type: EventType, handler: Callable[[Any], Awaitable[None]]) -> None:
        """Call *handler* with every event of this type."""
        ...

    def unsubscribe(self, event_type: EventType, handler: Callable[[Any], Awaitable[None]]) -> None:
        """Stop calling it."""
        ...

    async def publish(self, event: Any, priority: bool = False) -> bool:  # noqa: FBT001, FBT002 - the contract's form
        """Say *event*; False when it could not be taken."""
        ...
