"""What a user's broker lists when asked, as the snapshot that books are settled against.

A broker that lists both open orders and executions has answered in full. An order that it took, and that it lists no
more, has then ended; that is believed when it was missing twice, some time apart and long enough after anything was
asked of it, since many brokers list an order a moment later than they take it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import structlog

from quietfill.brokers.words import fill_report, read_fill, read_listed
from quietfill.domain.errors import BadInput
from quietfill.domain.execution_report import ExecutionReport
from quietfill.domain.messages import BrokerOrder, BrokerSnapshot
from quietfill.domain.order_state import OrderState

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from quietfill.brokers.face import BrokerFace
    from quietfill.brokers.lanes import Lane, Lanes, Terms
    from quietfill.brokers.words import Listed
    from quietfill.domain.types import Duration, Price, Quantity, Timestamp

_log = structlog.get_logger(__name__)


class Listing:
    """One round of questions."""

    def __init__(self, lanes: Lanes, learn: Callable[[Lane, int], None], asked_at: Timestamp) -> None:
        """Begin before the broker is asked."""
        self._lanes = lanes
        self._learn = learn
        self._asked_at = asked_at
        self._orders: list[BrokerOrder] = []
        self._fills: list[ExecutionReport] = []
        self._has_strangers = False
        self._is_readable = True

    async def ask(self, face: BrokerFace, patience: Duration) -> BrokerSnapshot:
        """Ask for open orders, then for executions: what is missing among the ones is then among the others."""
        orders, executions = await face.open_orders(), await face.executions()
        for said in executions:
            self._read(said, self._take_execution)
        for said in orders:
            self._read(said, self._take_order)
        is_full = face.lists_orders and face.lists_executions and self._is_readable
        if is_full:
            self._orders += self._ended({order.child_id for order in self._orders}, patience)
        # An order that names no id of ours may be the one whose placing was never answered.
        nameless = any(not child.is_acknowledged for child in self._lanes.live_children())
        complete = is_full and not (self._has_strangers and nameless)
        return BrokerSnapshot(
            orders=tuple(self._orders), fills=tuple(self._fills), complete=complete, asked_at=self._asked_at
        )

    def _read(self, said: Any, take: Callable[[Any], None]) -> None:
        try:
            take(said)
        except BadInput as error:
            self._is_readable = False
            _log.error("the broker lists what cannot be read", error=str(error))

    def _take_execution(self, said: Any) -> None:
        if isinstance(said, ExecutionReport):
            self._fills.append(said)
            return
        event = read_fill(said)
        if event.execution_id is None:
            raise BadInput(f"an execution needs an execution_id, or it would be booked twice: {event.event_id}")
        lane = self._lanes.find(event.order_id, event.broker_order_id)
        if lane is None:
            self._has_strangers = True
            return
        report = fill_report(lane.child_id, event)
        lane.take(report)
        self._fills.append(report)

    def _take_order(self, said: Any) -> None:
        if isinstance(said, BrokerOrder):
            self._orders.append(said)
            return
        order = read_listed(said)
        lane = self._lanes.find(order.order_id, order.broker_order_id)
        if lane is None:
            self._has_strangers = True
            self._orders.append(_stranger(order))
            return
        lane.missing_since = None
        if order.broker_order_id:
            self._learn(lane, order.broker_order_id)
        self._orders.append(_open(lane, order))

    def _ended(self, listed: set[str], patience: Duration) -> Iterable[BrokerOrder]:
        for child in self._lanes.live_children():
            lane = self._lanes.get(child.child_id)
            if lane is None or child.child_id in listed or child.acknowledged_at is None:
                continue
            if self._asked_at < max(child.acknowledged_at, child.terms_at) + patience:
                continue
            if lane.missing_since is None:
                lane.missing_since = self._asked_at
            elif self._asked_at >= lane.missing_since + patience:
                yield _done(lane)


def _terms(lane: Lane, total: Quantity | None, limit_price: Price | None) -> Terms:
    """Return the terms that a listing shows: those in force, or those asked for when it shows exactly them."""
    wanted = lane.wanted
    is_wanted = wanted is not None and (total, limit_price) == (wanted.total, wanted.limit_price)
    return wanted if wanted is not None and is_wanted else lane.terms


def _open(lane: Lane, order: Listed) -> BrokerOrder:
    terms = _terms(lane, order.total, order.limit_price)
    return BrokerOrder(
        child_id=lane.child_id,
        broker_order_id=lane.broker_order_id,
        total=terms.total if order.total is None else order.total,
        cumulative=max(lane.filled, order.filled or 0),
        limit_price=terms.limit_price if order.limit_price is None else order.limit_price,
        is_open=True,
        revision=terms.revision,
    )


def _done(lane: Lane) -> BrokerOrder:
    state = OrderState.FILLED if lane.filled >= lane.terms.total else OrderState.CANCELLED
    lane.end()
    return BrokerOrder(
        child_id=lane.child_id,
        broker_order_id=lane.broker_order_id,
        total=lane.terms.total,
        cumulative=lane.filled,
        limit_price=lane.terms.limit_price,
        is_open=False,
        revision=lane.terms.revision,
        state=state.value,
    )


def _stranger(order: Listed) -> BrokerOrder:
    return BrokerOrder(
        child_id=order.order_id or f"broker order {order.broker_order_id}",
        broker_order_id=order.broker_order_id or None,
        total=order.total or 0,
        cumulative=order.filled or 0,
        limit_price=order.limit_price,
        is_open=True,
    )
