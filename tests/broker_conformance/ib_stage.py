"""The Interactive Brokers edge as a stage: ib_async and a real socket, the gateway's time played by hand."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from functools import cache
from typing import TYPE_CHECKING

from quietfill import IBBroker
from quietfill.brokers.ib.settings import IBSettings, Patience
from quietfill.domain.types import MILLISECOND, SECOND
from quietfill.testing.broker_conformance import BrokerStage
from tests.gateway.client import paper

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable
    from contextlib import AbstractAsyncContextManager

    from quietfill.domain.instrument import Instrument
    from quietfill.domain.types import Timestamp
    from quietfill.gateway.server import PaperGateway

SYMBOL = "600961"
_STEP_SECONDS = 0.25
_MENDING_SECONDS = 0.01
_MOMENT = 100 * MILLISECOND
_SETTINGS = IBSettings(
    retry_seconds=0.01,
    longest_retry_seconds=0.05,
    patience=Patience(end=_MOMENT, fills=_MOMENT, reference=_MOMENT),
)


class GatewayTime:
    """A `TimedClock` that shows the gateway's time; its alarms ring on the loop."""

    def __init__(self, gateway: PaperGateway) -> None:
        self._gateway = gateway

    def now(self) -> Timestamp:
        """Return the simulated instant."""
        return self._gateway.floor.now

    def call_at(self, when: Timestamp, callback: Callable[[], None]) -> asyncio.TimerHandle:
        """Call back after as much real time as the gateway's lacks."""
        return asyncio.get_running_loop().call_later(max(0, when - self.now()) / SECOND, callback)


class GatewayStage(BrokerStage):
    """One gateway; sessions with it follow one another under one client id."""

    def __init__(self, gateway: PaperGateway, instrument: Instrument) -> None:
        self.gateway = gateway
        self._edge: IBBroker | None = None
        self._is_mending = False
        super().__init__(instrument, GatewayTime(gateway))

    def open_edge(self) -> IBBroker:
        """Begin another session."""
        self._edge = IBBroker(port=self.gateway.port, settings=_SETTINGS)
        return self._edge

    async def go_on(self) -> None:
        """Play a quarter of a second, and let the edge hear of it; a line is mended in real time."""
        await self.gateway.play(_STEP_SECONDS)
        if self._is_mending and self._edge is not None and not self._edge.is_connected:
            await asyncio.wait([asyncio.get_running_loop().create_future()], timeout=_MENDING_SECONDS)
        else:
            self._is_mending = False

    async def break_line(self) -> None:
        """Reset every connection and refuse new ones."""
        self.gateway.refuse_connections()
        for session in list(self.gateway.sessions):
            session.cut()

    async def mend_line(self) -> None:
        """Take connections again."""
        await self.gateway.listen()
        self._is_mending = True


@cache
def _instruments() -> dict[str, Instrument]:
    return {}


async def _instrument(port: int) -> Instrument:
    """Look the packaged stock up once, as a user does."""
    known = _instruments()
    if SYMBOL not in known:
        broker = IBBroker(port=port, settings=_SETTINGS)
        await broker.connect()
        known[SYMBOL] = await broker.instrument(SYMBOL, currency="CNY")
        await broker.disconnect()
    return known[SYMBOL]


def bad_gateway_stage(*faults: str) -> Callable[[], AbstractAsyncContextManager[BrokerStage]]:
    """Return a factory of gateways with these faults, and of stages on them."""

    @asynccontextmanager
    async def stage() -> AsyncGenerator[BrokerStage]:
        async with paper(faults=faults) as gateway:
            await gateway.play(60)
            yield GatewayStage(gateway, await _instrument(gateway.port))

    return stage


gateway_stage = bad_gateway_stage()
