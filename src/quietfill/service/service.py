"""The life of a running agent: started, ready, stopped. What it is made of was chosen by the composition root."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from typing import TYPE_CHECKING, Any

import msgspec

from quietfill.domain.errors import BrokerError, JournalError
from quietfill.domain.instrument import Instrument
from quietfill.domain.messages import EndRun, StartRun
from quietfill.ports.clock import TimedClock
from quietfill.service.control.port import ControlPort
from quietfill.service.ending import Ending, given_up

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
        watch: looks after the market for as long as the service runs; None where nothing needs it.
    """

    broker: Any
    clock: TimedClock | None
    start: StartRun
    status: Callable[[], dict[str, Any]]
    instruments: tuple[Instrument, ...] = ()
    end: Callable[[], Awaitable[None]] | None = None
    watch: Callable[[], Coroutine[Any, Any, None]] | None = None


class Service:
    """One agent with its bus, its market and its control port.

    Args:
        config: what the file says.
        agent, bus: not started.
        audit: closed at the end.
        token: of the control port.
        market: what the agent trades in.

    Attributes:
        ended_by: "signal" or "data" once it has come to its end; "" when it broke.
        was_ready: whether it ever took decisions.
        left: what did not let go in time when it ended; nothing when all did.
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
        self.was_ready = False
        self.left: tuple[str, ...] = ()
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
        """Ask `run` to come to its end, also while it still starts."""
        self._asked.set()

    async def run(self, on_ready: Callable[[], None]) -> None:
        """Recover, reconcile, be ready, and go on until somebody asks for the end or the market is over.

        Orders at the broker stay as they are when it ends; the next start goes on with them.

        Args:
            on_ready: called once decisions are taken.

        Raises:
            QuietfillError: when it cannot be started; nothing of it is left running then.
        """
        try:
            await self._bus.start()
            await self.control.start()
            if not await self._unless_asked(self._begin()):
                self.ended_by = "signal"
                return
            self.is_ready = self.was_ready = True
            on_ready()
            ended_by = await self._ended()
            if ended_by == "data":
                runtime = self.agent.runtime
                await self._unless_asked(runtime.committed(runtime.submit(EndRun(reason="the recording ended"))))
            self.ended_by = ended_by
        finally:
            await self._close()

    async def _begin(self) -> None:
        runtime, seconds = self.agent.runtime, self.config.agent.timeout_seconds
        try:
            await self.agent.start()
        except TimeoutError:
            text = f"the broker did not say what it has within {seconds:g} s: see that it answers, or set"
            raise BrokerError(f"{text} agent.timeout_seconds higher") from None
        runtime.submit(self._market.start)
        for instrument in self._market.instruments:
            self.agent.register_instrument(instrument)
        try:
            async with asyncio.timeout(seconds):
                await runtime.committed(runtime.engine.state.sequence)
        except TimeoutError:
            raise JournalError(f"{self.config.journal.path}: the disk did not answer within {seconds:g} s") from None

    async def _unless_asked(self, doing: Coroutine[Any, Any, None]) -> bool:
        """Do something to its end; give it up, and return False, when somebody asks for the end before."""
        task, asked = asyncio.ensure_future(doing), asyncio.ensure_future(self._asked.wait())
        try:
            await asyncio.wait({task, asked}, return_when=asyncio.FIRST_COMPLETED)
            if not task.done():
                await given_up(task, self.config.agent.shutdown_timeout_seconds / 2)
                return False
            task.result()
            return True
        finally:
            asked.cancel()
            task.cancel()

    async def _ended(self) -> str:
        """Wait for whoever ends it; return who did."""
        asked = asyncio.ensure_future(self._asked.wait())
        waiting: set[asyncio.Future[Any]] = {asked}
        if self._market.end is not None:
            waiting.add(asyncio.ensure_future(self._market.end()))
        watch = None if self._market.watch is None else asyncio.ensure_future(self._market.watch())
        try:
            done, _ = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for one in waiting if watch is None else {*waiting, watch}:
                one.cancel()
        for one in done - {asked}:
            one.result()
        return "signal" if asked in done else "data"

    async def _close(self) -> None:
        """Let go of everything, whatever of it fails or hangs."""
        self.is_ready = False
        ending = Ending(self.config.agent.shutdown_timeout_seconds)
        try:
            await ending.let_go("the control port", self.control.stop())
            await ending.let_go("the agent", self._release_agent(ending))
            await ending.let_go("the bus", self._bus.stop(ending.half))
        finally:
            self._audit.close()
            self.left = (*ending.left, *self._undurable())

    def _undurable(self) -> tuple[str, ...]:
        runtime = self.agent.runtime
        missing = runtime.engine.state.sequence - runtime.journal.committed
        return (f"{missing} records are not known to be on the disk",) if missing > 0 else ()

    async def _release_agent(self, ending: Ending) -> None:
        """Stop an agent that runs; one that never did, or whose start broke, holds journal and broker all the same."""
        if self.agent.is_running:
            await self.agent.stop(ending.half)
        else:
            await self.agent.shutdown()
