"""The life of a running agent: started, ready, stopped. What it is made of was chosen by the composition root."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

import msgspec

from quietfill.domain.instrument import Instrument
from quietfill.domain.messages import EndRun, StartRun
from quietfill.ports.clock import TimedClock
from quietfill.service.control.port import ControlPort

if TYPE_CHECKING:
    from quietfill.agent.agent import ExecutionAgentImpl
    from quietfill.bus.local import EventBus
    from quietfill.runtime.audit import AuditLogger
    from quietfill.service.config import ServiceConfig


class Market(msgspec.Struct, kw_only=True):
    """A broker that is ready to be an agent's, and what the service must know of it.

    Attributes:
        broker: connected, where a connection is needed to know the rest.
        clock: the time that its agent lives by; None for the broker's own, or the system's.
        start: what the journal says of this start.
        status: what the broker says of itself now.
        instruments: to be in the agent's table.
        end: waits until the market is over; None where it never is.
    """

    broker: Any
    clock: TimedClock | None
    start: StartRun
    status: Callable[[], dict[str, Any]]
    instruments: tuple[Instrument, ...] = ()
    end: Callable[[], Awaitable[None]] | None = None


class Service:
    """One agent with its bus, its market and its control port.

    Args:
        config: what the file says.
        agent, bus: not started.
        audit: closed at the end.
        token: of the control port.
        market: what the agent trades in.
    """

    def __init__(
        self,
        config: ServiceConfig,
        agent: ExecutionAgentImpl,
        bus: EventBus,
        audit: AuditLogger,
        token: str,
        market: Market,
    ) -> None:
        self.config = config
        self.agent = agent
        self.is_ready = False
        self.ended_by = ""
        self.control = ControlPort(
            agent, bus, host=config.control.host, port=config.control.port, token=token, facts=self.facts
        )
        self._bus = bus
        self._audit = audit
        self._market = market
        self._asked = asyncio.Event()

    @property
    def start_details(self) -> dict[str, Any]:
        """What the journal says of this start."""
        return self._market.start.details

    def facts(self) -> dict[str, Any]:
        """Return what the service knows of itself and its market."""
        return {"ready": self.is_ready, "run_id": self._market.start.run_id, "broker": self._market.status()}

    def stop(self) -> None:
        """Ask `run` to come to its end."""
        self._asked.set()

    async def run(self, on_ready: Callable[[], None]) -> None:
        """Recover, reconcile, be ready, and go on until somebody asks for the end or the market is over.

        Orders at the broker stay as they are when it ends; the next start goes on with them.

        Args:
            on_ready: called once decisions are taken.

        Raises:
            QuietfillError: when it cannot be started; nothing of it is left running then.
        """
        await self._bus.start()
        try:
            await self.control.start()
            await self.agent.start()
            self.agent.runtime.submit(self._market.start)
            for instrument in self._market.instruments:
                self.agent.register_instrument(instrument)
            await self.agent.runtime.committed(self.agent.runtime.engine.state.sequence)
            self.is_ready = True
            on_ready()
            self.ended_by = await self._ended()
            if self.ended_by == "data":
                await self.agent.runtime.committed(self.agent.runtime.submit(EndRun(reason="the recording ended")))
        finally:
            await self._close()

    async def _ended(self) -> str:
        """Wait for whoever ends it; return who did."""
        asked = asyncio.ensure_future(self._asked.wait())
        waiting: set[asyncio.Future[Any]] = {asked}
        if self._market.end is not None:
            waiting.add(asyncio.ensure_future(self._market.end()))
        try:
            done, _ = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for one in waiting:
                one.cancel()
        for one in done - {asked}:
            one.result()
        return "signal" if asked in done else "data"

    async def _close(self) -> None:
        """Let go of everything, whatever of it fails."""
        self.is_ready = False
        try:
            await self.control.stop()
        finally:
            try:
                await self.agent.stop()
            finally:
                await self._bus.stop()
                self._audit.close()
