"""Who hears of every record once it is durable: the ledger first, then those who measure and those who tell others."""

from __future__ import annotations

from typing import TYPE_CHECKING

from quietfill.agent.best_execution import BestExecutionFeed
from quietfill.agent.history import OrderHistory
from quietfill.agent.latency_log import LatencyLog
from quietfill.agent.latency_watch import LatencyWatch
from quietfill.agent.publisher import Publisher

if TYPE_CHECKING:
    from quietfill.ports.audit import Audit
    from quietfill.ports.bus import Bus
    from quietfill.runtime.runtime import Runtime


class Hearers:
    """The ledger, the publisher, the latencies and the best-execution feed of one agent."""

    def __init__(self, name: str, runtime: Runtime, bus: Bus, audit: Audit) -> None:
        """Put them together; they hear nothing before `attend`."""
        state = runtime.engine.state
        self.history = OrderHistory()
        self.publisher = Publisher(name, runtime, self.history, bus, audit)
        self.latency_log = LatencyLog(self.publisher.alert)
        self.latency_watch = LatencyWatch(self.latency_log, state, self.history, runtime.clock)
        self.best_execution = BestExecutionFeed(self.history, runtime, self.publisher.alert)

    def attend(self, runtime: Runtime) -> None:
        """Hear *runtime*, which was not started yet. The ledger must have each record before the others."""
        runtime.on_replay(self.history.hear)
        runtime.on_record(self.history.hear)
        runtime.on_record(self.publisher.hear)
        runtime.quiet_after(self.publisher.room)
        self.latency_watch.attend(runtime)
        self.best_execution.attend(runtime)

    async def close(self, timeout: float) -> None:  # noqa: ASYNC109 - passed on
        """Tell what waits to be told, within *timeout* seconds each."""
        await self.best_execution.close(timeout)
        await self.publisher.close(timeout)

    def status(self) -> dict[str, dict[str, int]]:
        """Return what was told, under `events` and `best_execution`."""
        return {"events": self.publisher.status(), "best_execution": self.best_execution.status()}
