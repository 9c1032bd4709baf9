"""Two ways to the same gateway: our Interactive Brokers edge, and ib_async as its users call it."""

from __future__ import annotations

import asyncio
import json
import logging
import subprocess
import sys
from contextlib import contextmanager
from time import perf_counter_ns, time_ns
from typing import TYPE_CHECKING, Protocol

import structlog
from ib_async import IB, LimitOrder, MarketOrder, Stock, Trade

from quietfill.brokers.ib.broker import IBBroker
from quietfill.brokers.ib.settings import IBSettings
from quietfill.domain.execution_report import ReportKind
from quietfill.domain.records import CancelRequested, ChildRequested
from quietfill.domain.types import OrderSide, TimeInForce, price_from, quantity_from

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from quietfill.domain.execution_report import ExecutionReport

SYMBOL = "600961"
RESTING = "9.00"
"""A price that the packaged hour never comes down to."""

_PATIENCE_SECONDS = 60.0


@contextmanager
def gateway(*options: str) -> Generator[int]:
    """Run `quietfill gateway` in a process of its own, without latency to its venue; give its port."""
    command = [sys.executable, "-m", "quietfill", "gateway", "--json", "--port", "0", "--latency-ms", "0", *options]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as running:  # noqa: S603 - our own command
        try:
            assert running.stdout is not None
            yield int(json.loads(running.stdout.readline())["port"])
        finally:
            running.kill()


@contextmanager
def quiet() -> Generator[None]:
    """Let neither library write about orders: that is not what is measured, and the table has the terminal."""
    before = structlog.get_config()
    theirs = logging.getLogger("ib_async")
    level = theirs.level
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    theirs.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        structlog.configure(**before)
        theirs.setLevel(level)


class Stopwatch:
    """Notes when something was first heard of an order, in the callback itself."""

    def __init__(self) -> None:
        self._at: dict[tuple[int, str], int] = {}
        self._heard = asyncio.Event()

    def note(self, number: int, what: str) -> None:
        """Hear something; what is heard again counts from the first time."""
        self._at.setdefault((number, what), perf_counter_ns())
        self._heard.set()

    def knows(self, number: int, what: str) -> bool:
        """Say whether it was heard."""
        return (number, what) in self._at

    async def until(self, number: int, what: str) -> int:
        """Wait until it was heard; return when, in `perf_counter_ns`."""
        async with asyncio.timeout(_PATIENCE_SECONDS):
            while (number, what) not in self._at:
                self._heard.clear()
                await self._heard.wait()
        return self._at[number, what]


class Desk(Protocol):
    """One way to the gateway. Orders are named by numbers of the bench's own; sides alternate with them."""

    watch: Stopwatch

    async def open(self) -> None:
        """Connect and look the contract up."""
        ...

    def place(self, number: int, price: str | None) -> None:
        """Place an order of 100; without a price a market order."""
        ...

    def cancel(self, number: int) -> None:
        """Ask for its cancel."""
        ...

    async def close(self) -> None:
        """Disconnect."""
        ...


class Ours:
    """Quietfill's edge, called as an agent calls it."""

    def __init__(self, port: int, client_id: int) -> None:
        self.watch = Stopwatch()
        self.broker = IBBroker(port=port, client_id=client_id, settings=IBSettings(working_per_side=100_000))
        self.broker.on_report(self._hear)

    async def open(self) -> None:
        """Connect and look the contract up."""
        await self.broker.connect()
        await self.broker.instrument(SYMBOL, currency="CNY")

    def place(self, number: int, price: str | None) -> None:
        """Place an order of 100; without a price a market order."""
        side = OrderSide.SELL if price is None and number % 2 else OrderSide.BUY
        self.broker.submit(
            ChildRequested(
                at=time_ns(), child_id=f"c{number}", order_id="bench", key="a", symbol=SYMBOL, side=side,
                quantity=quantity_from(100), limit_price=None if price is None else price_from(price),
                time_in_force=TimeInForce.DAY, good_till=None, why="measured",
            )
        )  # fmt: skip

    def cancel(self, number: int) -> None:
        """Ask for its cancel."""
        self.broker.submit(CancelRequested(at=time_ns(), child_id=f"c{number}", attempt=1, why="measured"))

    async def close(self) -> None:
        """Disconnect."""
        await self.broker.disconnect()

    def _hear(self, report: ExecutionReport) -> None:
        assert report.kind is not ReportKind.REJECTED, report.reason
        self.watch.note(int(report.child_id[1:]), report.kind.value)


class Theirs:
    """ib_async with the pace that it keeps by itself."""

    def __init__(self, port: int, client_id: int) -> None:
        self.watch = Stopwatch()
        self._ib = IB()
        self._address = ("127.0.0.1", port, client_id)
        self._stock = Stock(SYMBOL, "SMART", "CNY")
        self._trades: dict[int, Trade] = {}
        self._numbers: dict[int, int] = {}

    async def open(self) -> None:
        """Connect and look the contract up."""
        await self._ib.connectAsync(*self._address, raiseSyncErrors=True)
        await self._ib.qualifyContractsAsync(self._stock)
        self._ib.openOrderEvent += self._say("accepted")  # its first word: openOrder comes before orderStatus
        self._ib.orderStatusEvent += self._note_status
        self._ib.execDetailsEvent += lambda trade, _: self._say("fill")(trade)

    def place(self, number: int, price: str | None) -> None:
        """Place an order of 100; without a price a market order."""
        side = "SELL" if price is None and number % 2 else "BUY"
        order = MarketOrder(side, 100) if price is None else LimitOrder(side, 100, float(price))
        order.orderId = self._ib.client.getReqId()
        self._numbers[order.orderId] = number
        self._trades[number] = self._ib.placeOrder(self._stock, order)

    def cancel(self, number: int) -> None:
        """Ask for its cancel."""
        self._ib.cancelOrder(self._trades[number].order)

    async def close(self) -> None:
        """Disconnect."""
        self._ib.disconnect()
        await asyncio.sleep(0)

    def _note_status(self, trade: Trade) -> None:
        status = {"Submitted": "accepted", "Cancelled": "cancelled"}.get(trade.orderStatus.status)
        if status is not None:
            self._say(status)(trade)

    def _say(self, what: str) -> Callable[[Trade], None]:
        def say(trade: Trade) -> None:
            number = self._numbers.get(trade.order.orderId)
            if number is not None:
                self.watch.note(number, what)

        return say
