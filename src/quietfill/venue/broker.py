"""The simulated broker: the venue behind the broker port, in simulated time at a chosen speed.

Virtual time advances only while nothing of ours is uncommitted, unsent or scheduled, so a slow disk or
a busy machine never makes a worse simulated execution. With `speed=None` time runs as fast as it can
and stands still while nobody has anything to wait for; with a speed it keeps pace with the wall clock.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from quietfill.domain.types import SECOND
from quietfill.venue.virtual_clock import VirtualClock

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from quietfill.domain.execution_report import ExecutionReport
    from quietfill.domain.messages import BookUpdate, BrokerSnapshot, LinkState
    from quietfill.domain.records import WireRequest
    from quietfill.domain.types import Timestamp
    from quietfill.market.history import MarketHistory
    from quietfill.market.triggers import Trigger
    from quietfill.venue.exchange import Exchange

_PACE_STEP = SECOND // 25
"""Wall time between two looks at the wall clock while nothing happens."""


class VenueBroker:
    """A `BrokerEdge` to one `Exchange`. `clock` is the time that its agent must live by."""

    def __init__(
        self,
        exchange: Exchange,
        *,
        start: Timestamp,
        end: Timestamp,
        speed: float | None = None,
    ) -> None:
        """Put the exchange behind the port.

        Args:
            exchange: at the start of its tape, or rebuilt up to *start*.
            start: the first simulated instant.
            end: the last; then the broker disconnects.
            speed: simulated seconds per wall second; None is as fast as possible.
        """
        self.exchange = exchange
        self.instrument = exchange.instrument
        self._stirred = asyncio.Event()
        self.clock = VirtualClock(start, on_alarm=self._stirred.set)
        self.finished = asyncio.Event()
        self._end = end
        self._speed = speed
        self._report: Callable[[ExecutionReport], None] = _deaf
        self._book: Callable[[BookUpdate], None] = _deaf
        self._quiet: Callable[[], Awaitable[None]] = _no_wait
        self._triggers: Callable[[], Sequence[Trigger]] = tuple
        self._pump: asyncio.Task[None] | None = None

    @property
    def is_connected(self) -> bool:
        """Whether the market is running."""
        return self._pump is not None and not self._pump.done()

    def attend(self, quiet: Callable[[], Awaitable[None]], triggers: Callable[[], Sequence[Trigger]]) -> None:
        """Let an agent hold time while it is busy, and say which market conditions wake it.

        Args:
            quiet: waits until nothing of the agent's is uncommitted or unsent.
            triggers: the conditions that its live orders wait for.
        """
        self._quiet, self._triggers = quiet, triggers

    def stir(self) -> None:
        """Look again for something to wait for, when time stands still."""
        self._stirred.set()

    async def connect(self) -> None:
        """Bring the market to the start and let time run from the next turn of the loop on."""
        self.exchange.advance(self.clock.now())
        self._book(self.exchange.book(self.instrument.symbol))
        if self._pump is None:
            self._pump = asyncio.get_running_loop().create_task(self._run())

    async def wait_end(self) -> None:
        """Wait until the last instant was played. Whatever goes wrong while time runs is raised here."""
        assert self._pump is not None, "the broker was not connected"
        await asyncio.shield(self._pump)

    async def disconnect(self) -> None:
        """Stop time."""
        if self._pump is not None:
            self._pump.cancel()
            await asyncio.gather(self._pump, return_exceptions=True)

    def submit(self, request: WireRequest) -> None:
        """Send one request at the present simulated instant."""
        self.exchange.send(request, self.clock.now())
        self._stirred.set()

    def market_history(self, symbol: str) -> MarketHistory | None:
        """Return what was recorded of a market up to the present simulated instant, without anything of ours."""
        if symbol != self.instrument.symbol:
            return None
        return self.exchange.history().seen_at(self.clock.now())

    async def snapshot(self) -> BrokerSnapshot:
        """List all our orders and executions."""
        return self.exchange.snapshot(self.clock.now())

    def on_report(self, callback: Callable[[ExecutionReport], None]) -> None:
        """Set who hears execution reports."""
        self._report = callback

    def on_book(self, callback: Callable[[BookUpdate], None]) -> None:
        """Set who hears market data."""
        self._book = callback

    def on_link(self, callback: Callable[[LinkState], None]) -> None:
        """Set who hears of the line; this one never breaks."""

    def heard(self, report: ExecutionReport) -> None:
        """Pass one report on to the agent."""
        self._report(report)

    async def _run(self) -> None:
        loop = asyncio.get_running_loop()
        wall_start, virtual_start = loop.time(), self.clock.now()
        while self.clock.now() < self._end:
            await self._settle()
            target = self._next_instant()
            if target is None:
                self._stirred.clear()
                await self._stirred.wait()
                continue
            if self._speed is not None:
                behind = virtual_start + int((loop.time() - wall_start) * self._speed * SECOND)
                if target > behind:
                    # Play what the wall clock allows, then look again: a target may come closer meanwhile.
                    if behind < self.clock.now() + self._speed * _PACE_STEP:
                        await asyncio.sleep(min(_PACE_STEP, int((target - behind) / self._speed) + 1) / SECOND)
                        continue
                    target = behind
            self._play(target)
        await self._settle()
        self.finished.set()

    async def _settle(self) -> None:
        """Let everything that is ready run, until the agent has nothing uncommitted or unsent."""
        for _ in range(3):
            await asyncio.sleep(0)
            await self._quiet()

    def _next_instant(self) -> Timestamp | None:
        waits = [at for at in (self.clock.next_alarm(), self.exchange.next_report_at()) if at is not None]
        if self._speed is None and not waits and not self._triggers() and not self.exchange.has_requests_in_flight:
            return None
        return max(self.clock.now(), min([*waits, self._end]))

    def _play(self, target: Timestamp) -> None:
        self.exchange.watch(self._triggers())
        self.clock.set(self.exchange.advance(target))
        self._book(self.exchange.book(self.instrument.symbol))
        for report in self.exchange.take_reports(self.clock.now()):
            self.heard(report)
        self.clock.ring()


def _deaf(_: object) -> None:
    """Nobody listens yet."""


async def _no_wait() -> None:
    """Nobody is busy."""
