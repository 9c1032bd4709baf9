"""Brokers of four members and of more, as tests play them by hand, played by the pit: `MinimalEdge` as a stage."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

from quietfill import FillEvent
from quietfill.brokers.minimal import MinimalEdge
from quietfill.domain.errors import BrokerRefusal
from quietfill.domain.execution_report import ReportKind
from quietfill.domain.records import CancelRequested, ChildRequested, ReplaceRequested
from quietfill.domain.types import (
    datetime_of,
    price_decimal,
    price_from,
    quantity_exact,
    quantity_from,
)
from quietfill.testing.broker_conformance import Ability, BrokerStage
from tests.broker_conformance.pit import ACME, Pit
from tests.own_broker import Call, HandBroker, TalkingBroker

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from quietfill.domain.execution_report import ExecutionReport
    from tests.broker_conformance.pit import PitOrder

_FOUR_MEMBERS = {
    Ability.SESSION: "its owner connects the broker",
    Ability.BOOKS: "the agent's owner brings market data",
    Ability.OWN_SIZE: "the agent's owner brings market data",
    Ability.GOOD_TILL: "an order event does not say until when it is good",
}
_NO_MORE = {
    Ability.STATUS: "it has no on_order_status",
    Ability.REPLACE: "it has no modify_order",
    Ability.LISTS_ORDERS: "it has no open_orders",
    Ability.LISTS_EXECUTIONS: "it has no executions",
}
_WORDS = {
    ReportKind.CANCELLED: "cancelled",
    ReportKind.EXPIRED: "expired",
    ReportKind.REPLACED: "working",
}


class OwnStage(BrokerStage):
    """The pit behind a broker that answers nothing by itself: each step answers its calls."""

    settle_rounds = 10
    rounds = 40

    def __init__(self, broker: HandBroker) -> None:
        self.pit = Pit()
        self.broker = broker
        self._answered: set[int] = set()
        self._waiting: dict[str, Call] = {}
        self.pit.hear.append(self._hear)
        more = {} if isinstance(broker, TalkingBroker) else _NO_MORE
        super().__init__(ACME, self.pit.clock, lacks=_FOUR_MEMBERS | more)
        self.book = self.pit.book()

    def open_edge(self) -> MinimalEdge:
        """Wrap the broker anew; whoever listened to it before is forgotten, as by a process that died."""
        self.broker.listeners.clear()
        if isinstance(self.broker, TalkingBroker):
            self.broker.status_listeners.clear()
        return MinimalEdge(self.broker, self.clock)

    async def go_on(self) -> None:
        """Take the calls to the pit, let a second pass, bring the answers back."""
        await asyncio.sleep(0)
        for call in (*self.broker.placed, *self.broker.cancelled, *getattr(self.broker, "modified", ())):
            if id(call) not in self._answered:
                self._answered.add(id(call))
                self._take(call)
        self.pit.step()
        self.book = self.pit.book()
        self._list()
        for _ in range(4):
            await asyncio.sleep(0)

    async def break_line(self) -> None:
        """Let the broker say that it is not connected."""
        self.broker.is_connected = False

    async def mend_line(self) -> None:
        """Let it say that it is."""
        self.broker.is_connected = True

    # In

    def _take(self, call: Call) -> None:
        if call.order is not None:
            assert call.key is not None, "the edge gives a key where one is taken"
            self._waiting[call.key] = call
            self.pit.queue.append(_placement(call))
            return
        assert call.number is not None, "whatever is no placement names an order"
        order = self._numbered(call.number)
        child, now = order.asked.child_id, self.clock.now()
        if call.terms:
            self._waiting[child] = call
            total, price = quantity_from(call.terms["quantity"]), price_from(call.terms["limit_price"])
            request = ReplaceRequested(at=now, child_id=child, revision=1, total=total, limit_price=price, why="asked")
            self.pit.queue.append(request)
        else:
            call.gives(order.is_open)
            if order.is_open:
                self.pit.queue.append(CancelRequested(at=now, child_id=child, attempt=1, why="asked"))

    def _numbered(self, number: int) -> PitOrder:
        return next(order for order in self.pit.orders.values() if order.number == number)

    # Out

    def _hear(self, report: ExecutionReport) -> None:
        call = self._waiting.pop(report.child_id, None)
        if call is not None:
            is_refused = report.kind in {ReportKind.REJECTED, ReportKind.REPLACE_REJECTED}
            placed = True if call.terms else report.broker_order_id
            call.gives(BrokerRefusal(report.reason) if is_refused else placed)
        if report.fill is not None:
            self.broker.fill(self._fill(report))
        elif isinstance(self.broker, TalkingBroker) and report.kind in _WORDS and report.broker_order_id is not None:
            assert report.total is not None, "the pit states terms and counts"
            assert report.cumulative is not None, "the pit states terms and counts"
            filled, left = quantity_exact(report.cumulative), quantity_exact(report.total - report.cumulative)
            self.broker.say(report.broker_order_id, _WORDS[report.kind], filled=filled, remaining=left)

    def _fill(self, report: ExecutionReport) -> FillEvent:
        fill, order = report.fill, self.pit.orders[report.child_id]
        assert fill is not None, "only fills are told as fills"
        return FillEvent(
            order_id=report.child_id,
            broker_order_id=order.number,
            symbol=ACME.symbol,
            side=order.asked.side,
            filled_quantity=quantity_exact(fill.quantity),
            fill_price=price_decimal(fill.price),
            execution_id=fill.execution_id,
            timestamp=datetime_of(fill.exchange_time),
            exchange_time=datetime_of(fill.exchange_time),
        )

    def _list(self) -> None:
        if isinstance(self.broker, TalkingBroker):
            orders = self.pit.orders.values()
            self.broker.listed = [_listed(order) for order in orders if order.is_open]
            self.broker.executed = [self._fill(fill) for order in orders for fill in order.fills]


def _placement(call: Call) -> ChildRequested:
    order = call.order
    assert order is not None, "it places an order"
    return ChildRequested(
        at=0,
        child_id=str(call.key),
        order_id=order.event_id,
        key="",
        symbol=order.symbol,
        side=order.side,
        quantity=quantity_from(order.quantity),
        limit_price=None if order.limit_price is None else price_from(order.limit_price),
        time_in_force=order.time_in_force,
        good_till=None,
        why="asked",
    )


def _listed(order: PitOrder) -> dict[str, Any]:
    return {
        "order_id": order.asked.child_id,
        "broker_order_id": order.number,
        "quantity": quantity_exact(order.total),
        "filled": quantity_exact(order.filled),
        "remaining": quantity_exact(order.left),
        "limit_price": None if order.price is None else price_decimal(order.price),
    }


@asynccontextmanager
async def four_members() -> AsyncGenerator[BrokerStage]:
    """Open a broker with the four members that every broker must have."""
    stage = OwnStage(HandBroker())
    yield stage


@asynccontextmanager
async def all_members() -> AsyncGenerator[BrokerStage]:
    """Open a broker that also reports status, modifies and lists."""
    stage = OwnStage(TalkingBroker())
    yield stage
