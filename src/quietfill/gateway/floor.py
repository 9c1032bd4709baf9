"""The venue in simulated time: who moves the clock, how fast, and who hears of it.

Three ways of keeping time:

* paced (`speed` above 0): so many simulated seconds a wall second, whether or not anybody is there;
* free (`speed=None`): as fast as possible, but only while somebody waits for something (a request on its way, a working
  order, a subscription), and only after clients have had the time to answer what they were last told;
* by hand (`speed=0`): only far enough to answer requests; the rest with `play`. Tests use it.

A moment is a report that becomes known, an alarm, or a look at the market: every 250 ms of simulated time in which
something was recorded, or each recorded row while somebody asked for tick-by-tick data.
"""

from __future__ import annotations

import asyncio
import heapq
from typing import TYPE_CHECKING, Final

from quietfill.domain.types import MILLISECOND, SECOND
from quietfill.venue.exchange import Exchange
from quietfill.venue.virtual_clock import VirtualClock

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from quietfill.domain.execution_report import ExecutionReport
    from quietfill.domain.messages import BookUpdate
    from quietfill.domain.records import WireRequest
    from quietfill.domain.types import Duration, Timestamp
    from quietfill.market.history import MarketHistory
    from quietfill.venue.options import VenueOptions
    from quietfill.venue.tape import Tape

LOOK_EVERY: Final[Duration] = 250 * MILLISECOND
_PACE_STEP: Final = 0.04


class Floor:
    """One recorded market and its clock.

    Args:
        tape: the recording.
        options: what the venue does with orders.
        seed: of all latencies.
        speed: simulated seconds a wall second; None is free, 0 by hand.
        start: the first simulated instant; None is the first open of continuous trading in the recording.
    """

    def __init__(
        self, tape: Tape, options: VenueOptions, *, seed: int, speed: float | None, start: Timestamp | None = None
    ) -> None:
        self.tape = tape
        self.exchange = Exchange(tape, options, seed, averages=False)
        self.start = max(tape.first_time, tape.day.spans[0][0]) if start is None else start
        self.end = tape.last_time
        self.finished = asyncio.Event()
        self._stirred = asyncio.Event()
        self.clock = VirtualClock(self.start, on_alarm=self._stirred.set)
        self._speed = speed
        self._passing: list[tuple[Timestamp, int, Callable[[], None]]] = []
        self._task: asyncio.Task[None] | None = None
        self._wall_start = 0.0
        self.hear_report: Callable[[ExecutionReport], None] = _deaf
        self.look: Callable[[Timestamp], None] = _deaf
        self.calm: Callable[[], Awaitable[None]] = _no_wait
        self.watchers = 0
        """How many subscriptions wait for the market."""
        self.tick_watchers = 0
        """How many of them want every tick."""

    @property
    def now(self) -> Timestamp:
        """The simulated instant."""
        return self.clock.now()

    @property
    def book(self) -> BookUpdate:
        """The market as the venue shows it now."""
        return self.exchange.book(self.tape.instrument.symbol)

    @property
    def history(self) -> MarketHistory:
        """What was recorded up to now."""
        return self.exchange.history().seen_at(self.now)

    def open(self) -> None:
        """Bring the market to the start and let time run."""
        self.exchange.advance(self.now)
        loop = asyncio.get_running_loop()
        self._wall_start = loop.time()
        self._task = loop.create_task(self._run())

    async def close(self) -> None:
        """Stop time."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def wait_end(self) -> None:
        """Wait until the recording is over; what goes wrong while time runs is raised here."""
        assert self._task is not None, "the floor was not opened"
        await asyncio.shield(self._task)

    def submit(self, request: WireRequest) -> None:
        """Send one request to the venue at the present instant."""
        self.exchange.send(request, self.now)
        self._stirred.set()

    def stir(self) -> None:
        """Look again for something to wait for."""
        self._stirred.set()

    def catch_up(self) -> None:
        """Bring paced time to where the wall clock has it, before something happens now."""
        if self._speed and not self.finished.is_set():
            self._go(min(self._allowed(), self.end))

    def after(self, delay: Duration, callback: Callable[[], None]) -> None:
        """Call *callback* in simulated time; time runs on for it."""
        self.clock.call_at(self.now + delay, callback)

    def when(self, at: Timestamp, callback: Callable[[], None]) -> None:
        """Call *callback* when time comes past *at* for other reasons."""
        heapq.heappush(self._passing, (at, len(self._passing), callback))

    async def play(self, duration: Duration) -> None:
        """Let this much simulated time pass, and clients answer on the way. Only by hand."""
        assert self._speed == 0, "time is played by hand or not at all"
        until = min(self.now + duration, self.end)
        while True:
            await self.calm()
            moment = self._next_moment(watching=True)
            self._go(until if moment is None else min(moment, until))
            if self.now >= until:
                break
        await self.calm()
        if self.now >= self.end:
            self._stirred.set()

    # ------------------------------------------------------------ time

    async def _run(self) -> None:
        while self.now < self.end:
            # Nothing may come between this and the wait below, or a stir could be lost.
            self._stirred.clear()
            wait = self._turn()
            if wait is None:
                await self._stirred.wait()
            elif wait > 0:
                handle = asyncio.get_running_loop().call_later(wait, self._stirred.set)
                await self._stirred.wait()
                handle.cancel()
            elif self._speed is None:
                await self.calm()
            else:
                await asyncio.sleep(0)
        self.finished.set()

    def _turn(self) -> float | None:
        """Do what is due; return how many wall seconds there is nothing more to do, None until stirred."""
        if self._speed:
            allowed = min(self._allowed(), self.end)
            moment = self._next_moment(watching=True)
            due = self.end if moment is None else min(moment, self.end)
            if due <= allowed:
                self._go(due)
                return 0
            return min(_PACE_STEP, max(1e-4, (due - allowed) / SECOND / self._speed))
        moment = self._next_moment(watching=self._speed is None)
        if moment is None:
            return None
        self._go(min(moment, self.end))
        return 0

    def _allowed(self) -> Timestamp:
        assert self._speed is not None, "only paced time follows the wall"
        gone = asyncio.get_running_loop().time() - self._wall_start
        return max(self.now, self.start + int(gone * self._speed * SECOND))

    def _next_moment(self, *, watching: bool) -> Timestamp | None:
        """Return the next instant at which something may happen that somebody waits for."""
        waits: list[Timestamp | None] = [self.exchange.next_report_at(), self.exchange.next_arrival]
        if watching:
            waits.append(self.clock.next_alarm())
            if self.watchers:
                waits.append(self._next_look())
            elif self.exchange.open_count or self._speed:
                waits.append(self.now + LOOK_EVERY)
        known = [at for at in waits if at is not None]
        if not known:
            return None
        if self._passing:
            known.append(self._passing[0][0])
        return max(self.now, min(known))

    def _next_look(self) -> Timestamp:
        times = self.tape.time
        row = int(times.searchsorted(self.now, side="right"))
        at = int(times[row]) if row < len(times) else self.end
        return at if self.tick_watchers else min(-(-at // LOOK_EVERY) * LOOK_EVERY, self.end)

    def _go(self, target: Timestamp) -> None:
        """Move on to *target*, stopping at each report and alarm on the way."""
        while True:
            stops = [at for at in (self.clock.next_alarm(), target) if at is not None]
            if self._passing:
                stops.append(self._passing[0][0])
            self.clock.set(self.exchange.advance(max(self.now, min(stops))))
            for report in self.exchange.take_reports(self.now):
                self.hear_report(report)
            self.clock.ring()
            while self._passing and self._passing[0][0] <= self.now:
                heapq.heappop(self._passing)[2]()
            if self.now >= target:
                break
        self.look(self.now)


def _deaf(_: object) -> None:
    """Nobody listens yet."""


async def _no_wait() -> None:
    """Nobody has to be waited for."""
