"""Unmodified ib_async against a gateway on a free port of this machine, both in one event loop."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from copy import copy
from functools import cache
from typing import TYPE_CHECKING, Any

from ib_async import IB, Stock

from quietfill.gateway.server import PaperGateway
from quietfill.venue.samples import load_sample

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Awaitable, Callable

    from quietfill.venue.tape import Tape

SECONDS = 10.0  # within which everything that is waited for has happened, on the slowest machine

sample: Callable[[], Tape] = cache(load_sample)


def paper(*, speed: float | None = 0, **options: Any) -> PaperGateway:
    """Return a gateway on the packaged hour; unless told otherwise, its time is played by hand."""
    return PaperGateway(sample(), speed=speed, **options)


def stock() -> Stock:
    """Return the packaged instrument as a user would name it."""
    return Stock("600961", "SMART", "CNY")


def play(scenario: Callable[[], Awaitable[None]]) -> None:
    """Run a scenario, which must be over in time."""

    async def bounded() -> None:
        async with asyncio.timeout(6 * SECONDS):
            await scenario()

    asyncio.run(bounded())


@asynccontextmanager
async def connected(gateway: PaperGateway, client_id: int = 1, *, version: int = 178) -> AsyncGenerator[IB]:
    """Connect ib_async, fully synchronised, as a client that knows versions up to *version*."""
    ib = IB()
    ib.client.MaxClientVersion = version
    ib.client.MaxRequests = 0  # nothing here is limited, unless by a fault
    await ib.connectAsync("127.0.0.1", gateway.port, clientId=client_id, timeout=SECONDS, raiseSyncErrors=True)
    try:
        yield ib
    finally:
        ib.disconnect()


@asynccontextmanager
async def desk(**options: Any) -> AsyncGenerator[tuple[PaperGateway, IB, Stock]]:
    """Start a gateway, connect one client and resolve the contract."""
    async with paper(**options) as gateway, connected(gateway) as ib:
        contract = stock()
        await ib.qualifyContractsAsync(contract)
        yield gateway, ib, contract


async def until(ib: IB, condition: Callable[[], Any]) -> None:
    """Wait until messages from the gateway have made a condition true."""
    async with asyncio.timeout(SECONDS):
        while not condition():
            await ib.updateEvent


class Heard:
    """The raw callbacks of one client, in order: what was said before the library makes anything of it."""

    def __init__(self, ib: IB) -> None:
        self.words: list[tuple[str, tuple[Any, ...]]] = []
        for name in ("openOrder", "orderStatus", "execDetails", "commissionReport", "error", "completedOrder"):
            self._tap(ib.wrapper, name)

    def _tap(self, wrapper: Any, name: str) -> None:
        told = getattr(wrapper, name)

        def hear(*values: Any) -> None:
            self.words.append((name, tuple(copy(value) for value in values)))  # the library changes what it gets
            told(*values)

        setattr(wrapper, name, hear)

    @property
    def names(self) -> list[str]:
        """What was called, in order."""
        return [name for name, _ in self.words]

    def of(self, name: str) -> list[tuple[Any, ...]]:
        """Return the arguments of all calls of one callback."""
        return [values for called, values in self.words if called == name]

    def statuses(self, order_id: int) -> list[str]:
        """Return what was said of one order's status, in order."""
        return [values[1] for values in self.of("orderStatus") if values[0] == order_id]

    def codes(self, number: int | None = None) -> list[int]:
        """Return the error codes that were said, about one order or request or all."""
        return [values[1] for values in self.of("error") if number is None or values[0] == number]
