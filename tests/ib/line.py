"""The Interactive Brokers edge against the paper gateway, over a real socket, in one event loop."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

from quietfill import IBBroker, OrderEvent, OrderSide, OrderType
from quietfill.brokers.ib.settings import IBSettings, Patience
from quietfill.domain.records import CancelRequested, ChildRequested, ReplaceRequested
from quietfill.domain.types import MILLISECOND, TimeInForce, price_from, quantity_from
from tests.gateway.client import SECONDS, paper, play

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable

    from quietfill.domain.execution_report import ExecutionReport
    from quietfill.domain.messages import BookUpdate, LinkState
    from quietfill.domain.types import Quantity
    from quietfill.gateway.server import PaperGateway

__all__ = ["SECONDS", "Desk", "desk", "order_event", "paper", "play", "quick"]

SYMBOL = "600961"
_MOMENT = 100 * MILLISECOND


def quick(**changes: Any) -> IBSettings:
    """Return settings that wait for nothing long, so that tests do not either."""
    known: dict[str, Any] = {
        "retry_seconds": 0.01,
        "longest_retry_seconds": 0.05,
        "patience": Patience(end=_MOMENT, fills=_MOMENT, reference=_MOMENT),
    }
    return IBSettings(**(known | changes))


def order_event(quantity: int = 300, price: str | None = "9.21", **changes: Any) -> OrderEvent:
    """Return an order for the packaged stock."""
    known: dict[str, Any] = {
        "decision_id": "d", "validation_id": "v", "symbol": SYMBOL, "side": OrderSide.BUY, "quantity": quantity,
        "order_type": OrderType.MARKET if price is None else OrderType.LIMIT,
        "limit_price": None if price is None else float(price),
    }  # fmt: skip
    return OrderEvent(**(known | changes))


class Desk:
    """One gateway, one edge, and all that the edge says."""

    def __init__(self, gateway: PaperGateway, broker: IBBroker) -> None:
        self.gateway = gateway
        self.broker = broker
        self.reports: list[ExecutionReport] = []
        self.books: list[BookUpdate] = []
        self.links: list[LinkState] = []
        self._stirred = asyncio.Event()
        broker.on_report(lambda report: self._keep(self.reports, report))
        broker.on_book(lambda book: self._keep(self.books, book))
        broker.on_link(lambda link: self._keep(self.links, link))
        self.revisions: dict[str, int] = {}

    def _keep(self, kept: list[Any], item: Any) -> None:
        kept.append(item)
        self._stirred.set()

    async def connect(self) -> None:
        """Connect the edge and look the packaged stock up."""
        await self.broker.connect()
        await self.broker.instrument(SYMBOL, currency="CNY")

    def child(
        self, child_id: str, quantity: int = 300, price: str | None = "9.10", side: OrderSide = OrderSide.BUY
    ) -> None:
        """Send a placement as the engine does."""
        self.broker.submit(
            ChildRequested(
                at=self.broker._now(), child_id=child_id, order_id="p", key="a", symbol=SYMBOL, side=side,
                quantity=quantity_from(quantity), limit_price=None if price is None else price_from(price),
                time_in_force=TimeInForce.DAY, good_till=None, why="test",
            )
        )  # fmt: skip

    def replace(self, child_id: str, quantity: int, price: str) -> None:
        """Send a modification as the engine does."""
        self.revisions[child_id] = self.revisions.get(child_id, 0) + 1
        self.broker.submit(
            ReplaceRequested(
                at=self.broker._now(), child_id=child_id, revision=self.revisions[child_id],
                total=quantity_from(quantity), limit_price=price_from(price), why="test",
            )
        )  # fmt: skip

    def cancel(self, child_id: str) -> None:
        """Send a cancel as the engine does."""
        self.broker.submit(CancelRequested(at=self.broker._now(), child_id=child_id, attempt=1, why="test"))

    def kinds(self, child_id: str) -> list[str]:
        """Return the kinds of all reports about one child."""
        return [report.kind.value for report in self.reports if report.child_id == child_id]

    def filled(self, child_id: str) -> Quantity:
        """Return what the executions of one child add up to, each at its highest revision."""
        last: dict[str, tuple[int, Quantity]] = {}
        for report in self.reports:
            if report.child_id == child_id and report.fill is not None:
                before = last.get(report.fill.execution_id, (-1, 0))
                last[report.fill.execution_id] = max(before, (report.fill.revision, report.fill.quantity))
        return sum(quantity for _, quantity in last.values())

    async def until(self, condition: Callable[[], Any], *, plays: float = 0.5) -> None:
        """Wait until the edge was told enough to make a condition true, letting the market run on meanwhile."""
        async with asyncio.timeout(SECONDS):
            while not condition():
                if plays:
                    await self.gateway.play(plays)
                await self._turn()

    async def _turn(self) -> None:
        """Let something happen, or a moment pass."""
        self._stirred.clear()
        try:
            async with asyncio.timeout(0.02):
                await self._stirred.wait()
        except TimeoutError:
            pass


@asynccontextmanager
async def desk(
    *faults: str, settings: IBSettings | None = None, connects: bool = True, **options: Any
) -> AsyncGenerator[Desk]:
    """Start a gateway, connect an edge to it and look the packaged stock up."""
    async with paper(faults=faults, **options) as gateway:
        broker = IBBroker(port=gateway.port, settings=settings or quick())
        one = Desk(gateway, broker)
        try:
            if connects:
                await one.connect()
            yield one
        finally:
            await broker.disconnect()
