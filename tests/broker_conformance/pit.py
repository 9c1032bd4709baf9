"""A market small enough to be right at sight, and an edge to it that has every ability: what wrong brokers are made of.

It stands still but for us: 500 bid at 10.00 and asked at 10.02, more than anybody needs a tick behind. What rests at
the first touch trades after five steps. A step is a second; requests are carried out in the step after they were sent.
"""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from quietfill.domain.execution_report import ExecutionReport, Fill, ReportKind
from quietfill.domain.instrument import Instrument, TickRule
from quietfill.domain.messages import BookUpdate, BrokerOrder, BrokerSnapshot, LinkState
from quietfill.domain.records import CancelRequested, ChildRequested, WireRequest
from quietfill.domain.types import SECOND, OrderSide, TimeInForce, price_from, quantity_from
from quietfill.testing.broker_conformance import BrokerStage
from quietfill.venue.virtual_clock import VirtualClock

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Mapping
    from contextlib import AbstractAsyncContextManager

    from quietfill.domain.records import ReplaceRequested
    from quietfill.domain.types import Price, Quantity
    from quietfill.ports.broker import BrokerEdge
    from quietfill.testing.broker_conformance import Ability

ACME = Instrument(symbol="ACME", ticks=(TickRule(0, price_from("0.01")),), lot=quantity_from(100))
NOON = 1_700_000_000 * SECOND
LATER_STEPS = 5
TOUCH = {OrderSide.BUY: price_from("10.00"), OrderSide.SELL: price_from("10.02")}
_MUCH = quantity_from(1_000_000)


@dataclass
class PitOrder:
    """One order in the pit."""

    asked: ChildRequested
    number: int
    total: Quantity
    price: Price | None
    since: int
    revision: int = 0
    filled: Quantity = 0
    end: ReportKind | None = None
    fills: list[ExecutionReport] = field(default_factory=list)

    @property
    def is_open(self) -> bool:
        """Whether it can still trade."""
        return self.end is None and self.filled < self.total

    @property
    def left(self) -> Quantity:
        """What can still trade."""
        return self.total - self.filled


class Pit:
    """The market and all orders in it; outlives every session."""

    def __init__(self) -> None:
        self.clock = VirtualClock(NOON)
        self.orders: dict[str, PitOrder] = {}
        self.queue: list[WireRequest] = []
        self.hear: list[Callable[[ExecutionReport], None]] = []
        self.levels: dict[OrderSide, dict[Price, Quantity]] = {
            side: {price: quantity_from(500), price - side.sign * price_from("0.01"): _MUCH}
            for side, price in TOUCH.items()
        }
        self.volume: Quantity = 0
        self.steps = 0
        self.executions = 0

    def step(self) -> None:
        """Let a second pass and do what is due."""
        self.steps += 1
        self.clock.set(self.clock.now() + SECOND)
        queue, self.queue = self.queue, []
        for request in queue:
            self.carry_out(request)
        for order in list(self.orders.values()):
            self._grow_old(order)
        self.clock.ring()

    def carry_out(self, request: WireRequest) -> None:
        """Do what was asked."""
        if isinstance(request, ChildRequested):
            self.place(request)
        elif isinstance(request, CancelRequested):
            self.cancel(request)
        else:
            self.replace(request)

    # Requests

    def place(self, asked: ChildRequested) -> None:
        """Take an order, once."""
        if asked.child_id in self.orders:
            self.say(self.orders[asked.child_id], ReportKind.STATUS, reason="it is here already")
            return
        order = PitOrder(asked, len(self.orders) + 1, asked.quantity, asked.limit_price, self.steps)
        self.orders[asked.child_id] = order
        if asked.limit_price is not None and not ACME.on_tick(asked.limit_price):
            self.finish(order, ReportKind.REJECTED, "off the grid")
            return
        self.say(order, ReportKind.ACCEPTED)
        self.match(order)
        if order.is_open and (asked.time_in_force is TimeInForce.IOC or asked.limit_price is None):
            self.finish(order, ReportKind.CANCELLED, "immediate or cancel")

    def cancel(self, request: CancelRequested) -> None:
        """End an order, or say why not."""
        order = self.orders.get(request.child_id)
        if order is not None and order.is_open:
            self.finish(order, ReportKind.CANCELLED, "as asked")
        else:
            self.refuse(request.child_id, ReportKind.CANCEL_REJECTED, "not working")

    def replace(self, request: ReplaceRequested) -> None:
        """Change an order's terms, or say why not."""
        order, price = self.orders.get(request.child_id), request.limit_price
        fair = price is None or ACME.on_tick(price)
        if order is None or not order.is_open or request.total <= order.filled or not fair:
            self.refuse(request.child_id, ReportKind.REPLACE_REJECTED, "not possible", request.revision)
            return
        order.total, order.price, order.revision, order.since = request.total, price, request.revision, self.steps
        self.say(order, ReportKind.REPLACED)
        self.match(order)

    # Trading

    def match(self, order: PitOrder) -> None:
        """Trade with what stands on the other side, two executions a level where it can be split."""
        side = order.asked.side
        shown = self.levels[side.opposite]
        for price in sorted(shown, reverse=side is OrderSide.SELL):
            if order.price is not None and side.sign * (price - order.price) > 0:
                return
            while order.left > 0 and shown[price] > 0:
                quantity = min(order.left, shown[price], quantity_from(200))
                shown[price] -= quantity
                self.trade(order, quantity, price)

    def trade(self, order: PitOrder, quantity: Quantity, price: Price) -> None:
        """Execute a part of an order."""
        self.executions += 1
        order.filled += quantity
        self.volume += quantity
        name = f"{order.asked.child_id}/{self.executions}"
        fill = Fill(execution_id=name, quantity=quantity, price=price, exchange_time=self.clock.now())
        order.fills.append(self.say(order, ReportKind.FILL, fill=fill))

    def _grow_old(self, order: PitOrder) -> None:
        good_till = order.asked.good_till
        if not order.is_open:
            return
        if good_till is not None and self.clock.now() >= good_till:
            self.finish(order, ReportKind.EXPIRED, "good till")
        elif order.price == TOUCH[order.asked.side] and self.steps >= order.since + LATER_STEPS:
            self.trade(order, order.left, TOUCH[order.asked.side])

    # Words

    def finish(self, order: PitOrder, kind: ReportKind, reason: str) -> None:
        """End an order."""
        order.end = kind
        self.say(order, kind, reason=reason)

    def refuse(self, child_id: str, kind: ReportKind, reason: str, revision: int = 0) -> None:
        """Answer a request that changes nothing."""
        now = self.clock.now()
        self.tell(ExecutionReport(child_id=child_id, kind=kind, exchange_time=now, revision=revision, reason=reason))

    def say(self, order: PitOrder, kind: ReportKind, *, fill: Fill | None = None, reason: str = "") -> ExecutionReport:
        """Report on an order with its terms and counts."""
        report = ExecutionReport(
            child_id=order.asked.child_id,
            kind=kind,
            exchange_time=self.clock.now(),
            broker_order_id=order.number,
            cumulative=order.filled,
            revision=order.revision,
            total=order.total,
            limit_price=order.price,
            fill=fill,
            reason=reason,
        )
        self.tell(report)
        return report

    def tell(self, report: ExecutionReport) -> None:
        """Tell whoever is connected."""
        for hear in list(self.hear):
            hear(report)

    def book(self) -> BookUpdate:
        """Return the market with our own orders in it."""
        sides: dict[OrderSide, dict[Price, Quantity]] = {side: dict(self.levels[side]) for side in OrderSide}
        for order in self.orders.values():
            if order.is_open and order.price is not None:
                level = sides[order.asked.side]
                level[order.price] = level.get(order.price, 0) + order.left
        bids, asks = ([(price, size) for price, size in sides[side].items() if size] for side in OrderSide)
        return BookUpdate(
            symbol=ACME.symbol,
            time=self.clock.now(),
            bids=tuple(sorted(bids, reverse=True)),
            asks=tuple(sorted(asks)),
            volume=self.volume,
        )


class PitEdge:
    """A `BrokerEdge` to the pit."""

    def __init__(self, pit: Pit) -> None:
        self.pit = pit
        self.is_open = False
        self.is_line_up = True
        self.report: Callable[[ExecutionReport], None] = _deaf
        self.book: Callable[[BookUpdate], None] = _deaf
        self.link: Callable[[LinkState], None] = _deaf

    @property
    def is_connected(self) -> bool:
        """Whether requests would arrive."""
        return self.is_open and self.is_line_up

    async def connect(self) -> None:
        """Listen."""
        self.is_open = True
        self.pit.hear.append(self.hear)

    async def disconnect(self) -> None:
        """Listen no more."""
        self.is_open = False
        if self.hear in self.pit.hear:
            self.pit.hear.remove(self.hear)

    def submit(self, request: WireRequest) -> None:
        """Queue a request; without a line a placement is refused here."""
        if self.is_connected:
            self.pit.queue.append(request)
        elif isinstance(request, ChildRequested):
            asyncio.get_running_loop().call_soon(self.not_sent, request)

    def not_sent(self, request: ChildRequested) -> None:
        """Say that a placement did not leave."""
        now = self.pit.clock.now()
        self.tell(
            ExecutionReport(
                child_id=request.child_id, kind=ReportKind.REJECTED, exchange_time=now, reason="not sent: no line"
            )
        )

    async def snapshot(self) -> BrokerSnapshot:
        """List everything."""
        orders = tuple(_listed(order) for order in self.pit.orders.values())
        fills = tuple(fill for order in self.pit.orders.values() for fill in order.fills)
        return BrokerSnapshot(orders=orders, fills=fills, complete=True, asked_at=self.pit.clock.now())

    def on_report(self, callback: Callable[[ExecutionReport], None]) -> None:
        """Set who hears reports."""
        self.report = callback

    def on_book(self, callback: Callable[[BookUpdate], None]) -> None:
        """Set who hears books."""
        self.book = callback

    def on_link(self, callback: Callable[[LinkState], None]) -> None:
        """Set who hears of the line."""
        self.link = callback

    def hear(self, report: ExecutionReport) -> None:
        """Hear the pit; nothing passes a broken line."""
        if self.is_line_up:
            self.tell(report)

    def tell(self, report: ExecutionReport) -> None:
        """Pass a report on."""
        self.report(report)

    def show(self, book: BookUpdate) -> None:
        """Pass a book on."""
        self.book(book)

    def line(self, *, up: bool) -> None:
        """Note what the line did, and tell it."""
        self.is_line_up = up
        self.link(LinkState(up=up, reason="cut" if not up else "mended"))


class PitStage(BrokerStage):
    """The pit as a stage, with any kind of edge to it."""

    settle_rounds = 8
    rounds = 30

    def __init__(
        self,
        edge: Callable[[Pit], PitEdge] = PitEdge,
        pit: Callable[[], Pit] = Pit,
        *,
        lacks: Mapping[Ability, str] | None = None,
    ) -> None:
        self.pit = pit()
        self._make_edge = edge
        self._edges: list[PitEdge] = []
        super().__init__(ACME, self.pit.clock, lacks=lacks)

    def open_edge(self) -> BrokerEdge:
        """Begin another session."""
        self._edges.append(self._make_edge(self.pit))
        return self._edges[-1]

    async def go_on(self) -> None:
        """Let a second pass, and show the book."""
        self.pit.step()
        for edge in self._edges:
            if edge.is_connected:
                edge.show(self.pit.book())
        await asyncio.sleep(0)

    async def break_line(self) -> None:
        """Cut it."""
        self._edges[-1].line(up=False)

    async def mend_line(self) -> None:
        """Mend it."""
        self._edges[-1].line(up=True)


def pit_stage(
    edge: Callable[[Pit], PitEdge] = PitEdge, pit: Callable[[], Pit] = Pit
) -> Callable[[], AbstractAsyncContextManager[BrokerStage]]:
    """Return a factory of stages with these parts."""

    @asynccontextmanager
    async def stage() -> AsyncGenerator[BrokerStage]:
        yield PitStage(edge, pit)

    return stage


def _listed(order: PitOrder) -> BrokerOrder:
    state = "" if order.is_open else ("filled" if order.end is None else order.end.value)
    return BrokerOrder(
        child_id=order.asked.child_id,
        broker_order_id=order.number,
        total=order.total,
        cumulative=order.filled,
        limit_price=order.price,
        is_open=order.is_open,
        revision=order.revision,
        state=state,
    )


def _deaf(_: object) -> None:
    """Nobody listens yet."""
