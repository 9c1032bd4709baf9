"""The simulated venue as a stage: its own edge on the packaged hour, one step a quarter of a second of its time."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from quietfill.domain.types import MINUTE, SECOND
from quietfill.testing.broker_conformance import Ability, BrokerStage
from quietfill.venue.broker import VenueBroker
from quietfill.venue.exchange import Exchange
from quietfill.venue.options import VenueOptions
from tests.gateway.client import sample

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from quietfill.ports.clock import TimedClock

_STEP = SECOND // 4


class VenueStage(BrokerStage):
    """One exchange; sessions with it follow one another."""

    def __init__(self) -> None:
        tape = sample()
        self.exchange = Exchange(tape, VenueOptions(), seed=1)
        self._start, self._end = tape.first_time + MINUTE, tape.last_time
        self._broker = self._session()
        super().__init__(
            tape.instrument, self._broker.clock, lacks={Ability.LINE: "the line to the simulated venue never breaks"}
        )
        self._is_fresh = True

    def _session(self) -> VenueBroker:
        return VenueBroker(self.exchange, start=max(self._start, self.exchange.now), end=self._end)

    def open_edge(self) -> VenueBroker:
        """Begin another session where the last one left the venue."""
        if not self._is_fresh:
            self._broker = self._session()
            self.clock: TimedClock = self._broker.clock
        self._is_fresh = False
        return self._broker

    async def go_on(self) -> None:
        """Let a quarter of a second pass; while nobody is connected, what the venue says is lost."""
        if not self._broker.is_connected:
            until = self.exchange.now + _STEP
            while self.exchange.advance(until) < until:
                self.exchange.take_reports(self.exchange.now)
            return
        passed = asyncio.Event()
        self._broker.clock.call_at(self._broker.clock.now() + _STEP, passed.set)
        await passed.wait()


@asynccontextmanager
async def venue_stage() -> AsyncGenerator[BrokerStage]:
    """Open a fresh venue."""
    stage = VenueStage()
    yield stage
