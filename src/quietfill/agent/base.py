"""What every agent of the firm has: a name, a life, and counters."""

from __future__ import annotations

from abc import ABC, abstractmethod
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from quietfill.domain.errors import QuietfillError
from quietfill.domain.events import EventType

if TYPE_CHECKING:
    from quietfill.agent.config import AgentConfig
    from quietfill.domain.events import AnyEvent
    from quietfill.ports.audit import Audit
    from quietfill.ports.bus import Bus


class ExecutionAgentBase(ABC):
    """Connects an agent to the bus. Subclasses say what they listen to and what they do."""

    def __init__(self, config: AgentConfig, event_bus: Bus, audit_logger: Audit) -> None:
        """Take the surroundings; nothing starts before `start`."""
        self.config = config
        self.event_bus = event_bus
        self.audit_logger = audit_logger
        self.is_running = False
        self.events_processed = 0
        self.errors = 0

    @abstractmethod
    async def initialize(self) -> None:
        """Make ready."""

    @abstractmethod
    def get_subscribed_events(self) -> list[EventType]:
        """Return what this agent listens to."""

    @abstractmethod
    async def process_event(self, event: AnyEvent) -> None:
        """Act on one event."""

    @abstractmethod
    async def shutdown(self) -> None:
        """Let go of what `initialize` took."""

    async def start(self) -> None:
        """Initialize and listen. Starting twice does nothing.

        A kill switch is heard from the beginning: connecting and reconciling may take long. A start that
        fails lets go of everything, and can be tried again with a new agent.
        """
        if self.is_running:
            return
        events = self.get_subscribed_events()
        if EventType.KILL_SWITCH in events:
            self.event_bus.subscribe(EventType.KILL_SWITCH, self._on_event)
        try:
            await self.initialize()
        except BaseException:
            self.event_bus.unsubscribe(EventType.KILL_SWITCH, self._on_event)
            with suppress(QuietfillError, OSError):  # what went wrong first is what counts
                await self.shutdown()
            raise
        for event_type in events:
            self.event_bus.subscribe(event_type, self._on_event)
        self.is_running = True
        self.audit_logger.log_agent_event(self.config.name, "started", {})

    async def stop(self, timeout: float | None = None) -> None:  # noqa: ASYNC109 - the contract's keyword
        """Stop listening and let go; orders at the broker stay as the journal has them.

        Args:
            timeout: seconds for what is under way; default `shutdown_timeout_seconds`.
        """
        if not self.is_running:
            return
        for event_type in self.get_subscribed_events():
            self.event_bus.unsubscribe(event_type, self._on_event)
        self.is_running = False
        await self._finish(self.config.shutdown_timeout_seconds if timeout is None else timeout)
        self.audit_logger.log_agent_event(self.config.name, "stopped", {})

    def base_status(self) -> dict[str, Any]:
        """Return name, life and counters."""
        return {
            "name": self.config.name,
            "enabled": self.config.enabled,
            "running": self.is_running,
            "events_processed": self.events_processed,
            "errors": self.errors,
        }

    async def _on_event(self, event: AnyEvent) -> None:
        self.events_processed += 1
        try:
            await self.process_event(event)
        except Exception:
            self.errors += 1
            raise

    @abstractmethod
    async def _finish(self, timeout: float) -> None:  # noqa: ASYNC109 - passed on to wait_for
        """Wait at most *timeout* seconds for what is under way, then let go."""
