"""An agent at work in a recorded market: decisions come on the bus at simulated times, and time waits for answers.

Everything is the real thing (agent, runtime, journal, bus, audit log) except the market, which is replayed.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING

from quietfill.domain.errors import JournalError
from quietfill.domain.messages import EndRun
from quietfill.domain.records import OrderAccepted, OrderDone, OrderRefused
from quietfill.domain.types import SECOND

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from quietfill.agent.agent import ExecutionAgentImpl
    from quietfill.bus.local import EventBus
    from quietfill.domain.messages import StartRun
    from quietfill.domain.records import AnyRecord
    from quietfill.domain.types import Duration, Timestamp
    from quietfill.simulation.decisions import PlannedDecision
    from quietfill.venue.broker import VenueBroker

_LINGER = SECOND
"""Simulated time after the last order ended in which the broker's late answers are still heard."""

_ANSWER_SECONDS = 5.0
"""Wall time after which simulated time goes on although a decision has no answer: something is broken, and shows."""


class Session:
    """Runs until every planned order has ended, or the recording has.

    Args:
        agent: not started; its broker is *broker*.
        bus: not started.
        broker: at the instant from which time is to go on.
        planned: all decisions of the run, in order of time.
        past: the journal of the part that was run before, if any.
        start: what the journal's next record says of this run.
    """

    def __init__(
        self,
        agent: ExecutionAgentImpl,
        bus: EventBus,
        broker: VenueBroker,
        *,
        planned: Sequence[PlannedDecision],
        past: Sequence[AnyRecord],
        start: StartRun,
    ) -> None:
        self.agent = agent
        self.broker = broker
        self.planned = tuple(planned)
        self.is_finished = False
        self._bus = bus
        self._start = start
        self._answered = {record.decision_id for record in past if isinstance(record, (OrderAccepted, OrderRefused))}
        self._open = {one.order_id for one in self.planned}
        self._open -= {record.order_id for record in past if isinstance(record, (OrderDone, OrderRefused))}
        self._said: set[str] = set()
        self._ready = asyncio.Event()
        self._all_ended = asyncio.Event()
        self._calm = asyncio.Event()
        self._tasks: set[asyncio.Task[None]] = set()
        self._calm.set()

    @property
    def now(self) -> Timestamp:
        """The simulated time."""
        return self.broker.clock.now()

    def every(self, interval: Duration, call: Callable[[], None]) -> None:
        """Call *call* at each full *interval* of simulated time while the session runs."""

        def ring() -> None:
            call()
            self.every(interval, call)

        self.broker.clock.call_at((self.now // interval + 1) * interval, ring)

    async def run(self) -> None:
        """Start the agent (which recovers, if there is something to recover), work everything, end the run.

        When interrupted the journal is closed without an end, so that it can be continued.

        Raises:
            JournalError: when the journal failed.
        """
        runtime = self.agent.runtime
        runtime.on_record(self._hear)
        self.broker.attend(self._quiet, lambda: runtime.engine.triggers(self.broker.instrument.symbol))
        for one in self.planned:
            if one.decision_id not in self._answered:
                self.broker.clock.call_at(max(one.at, self.now), partial(self._say, one))
        await self._bus.start()
        try:
            await self.agent.start()
            runtime.submit(self._start)
            self._check_ended()
            self._ready.set()
            await self._ended()
            await runtime.committed(runtime.submit(EndRun(reason=self._reason())))
            self.is_finished = True
        finally:
            await self.agent.stop()
            await self._bus.stop()

    async def _ended(self) -> None:
        """Wait for the last order and its last reports, or for the end of the recording, whichever comes first."""
        market = asyncio.ensure_future(self.broker.wait_end())
        orders = asyncio.ensure_future(self._all_settled())
        await asyncio.wait({market, orders}, return_when=asyncio.FIRST_COMPLETED)
        orders.cancel()
        if market.done():
            market.result()
        else:
            market.cancel()

    async def _all_settled(self) -> None:
        await self._all_ended.wait()
        settled = asyncio.Event()

        def settle() -> None:
            self._ready.clear()  # time stands still from here on: nothing follows the end
            settled.set()

        self.broker.clock.call_at(self.now + _LINGER, settle)
        await settled.wait()

    def _reason(self) -> str:
        return "the recording ended" if self._open else "every order ended"

    async def _quiet(self) -> None:
        """Hold time until the agent is ready, has answered what it was told, and has nothing uncommitted or unsent."""
        await self._ready.wait()
        if not self._calm.is_set():
            with suppress(TimeoutError):
                async with asyncio.timeout(_ANSWER_SECONDS):
                    await self._calm.wait()
        runtime = self.agent.runtime
        await runtime.quiet()
        if runtime.journal_failure is not None:
            raise JournalError(runtime.journal_failure)  # ends the market, and with it the session

    def _say(self, one: PlannedDecision) -> None:
        self._said.add(one.decision_id)
        self._calm.clear()
        task = asyncio.get_running_loop().create_task(self._publish(one))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _publish(self, one: PlannedDecision) -> None:
        await self._bus.publish(one.decision)
        await self._bus.publish(one.validation)

    def _hear(self, record: AnyRecord) -> None:
        if isinstance(record, (OrderAccepted, OrderRefused)):
            self._said.discard(record.decision_id)
            if not self._said:
                self._calm.set()
        if isinstance(record, (OrderDone, OrderRefused)):
            self._open.discard(record.order_id)
            self._check_ended()

    def _check_ended(self) -> None:
        if not self._open:
            self._all_ended.set()
