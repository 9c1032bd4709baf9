"""What an edge knows of each child order at a user's broker, and which child a broker's id stands for.

After a restart it begins anew with what the books say: a child that is not known here is looked up there.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
import structlog

from quietfill.domain.records import ChildRequested
from quietfill.domain.types import TimeInForce
from quietfill.engine.state import EngineState

if TYPE_CHECKING:
    from collections.abc import Iterator

    from quietfill.domain.execution_report import ExecutionReport
    from quietfill.domain.records import CancelRequested, ReplaceRequested
    from quietfill.domain.types import OrderSide, Price, Quantity, Timestamp
    from quietfill.engine.child import ChildState
    from quietfill.ports.clock import Alarm

_log = structlog.get_logger(__name__)

_KEPT = 10_000
"""Lanes held in memory; older ones that ended are looked up in the books again."""


class Terms(msgspec.Struct, frozen=True):
    """What a child is worth at the broker: its total quantity and its limit."""

    revision: int
    total: Quantity
    limit_price: Price | None


class Lane:
    """One child order at the broker.

    Attributes:
        was_opened: it was taken up to be placed in this session, and not from the books.
        ends_by_itself: the venue cancels what it does not fill at once.
        terms: in force, as far as the broker confirmed.
        wanted: asked for by a modification that is not confirmed.
        held: requests that wait for the broker's id.
        executions: quantity by execution key.
        heard: the reports of the fills heard in this process.
        expected: the most that the broker ever said was filled.
        silence: rings when a cancel was followed by no word for long enough.
        tried_at: when a cancel was last sent.
        missing_since: when the broker first did not list it, and has not since.
    """

    def __init__(
        self, child_id: str, side: OrderSide, terms: Terms, time_in_force: TimeInForce = TimeInForce.DAY
    ) -> None:
        """Begin as never placed."""
        self.child_id = child_id
        self.side = side
        self.ends_by_itself = time_in_force in {TimeInForce.IOC, TimeInForce.FOK}
        self.terms = terms
        self.wanted: Terms | None = None
        self.broker_order_id: int | None = None
        self.was_opened = False
        self.is_placing = False
        self.is_acknowledged = False
        self.is_ended = False
        self.held: list[CancelRequested | ReplaceRequested] = []
        self.executions: dict[str, Quantity] = {}
        self.heard: list[ExecutionReport] = []
        self.expected: Quantity = 0
        self.silence: Alarm | None = None
        self.tried_at: Timestamp | None = None
        self.cancels_under_way = 0
        self.missing_since: Timestamp | None = None

    @classmethod
    def of_child(cls, child: ChildState) -> Lane:
        """Take up a child that an earlier run placed."""
        terms = Terms(child.confirmed_revision, child.total, child.limit_price_confirmed)
        lane = cls(child.child_id, child.side, terms, child.time_in_force)
        if child.replace_pending:
            lane.wanted = Terms(child.revision, child.wanted_total, child.limit_price)
        lane.broker_order_id = child.broker_order_id
        lane.is_acknowledged = child.is_acknowledged
        lane.is_ended = child.state.is_terminal
        lane.executions = {key: child.fills[place][0] for key, place in child.execution_ids.items()}
        return lane

    @property
    def filled(self) -> Quantity:
        """Quantity executed, as far as we were told."""
        return sum(self.executions.values())

    def take(self, report: ExecutionReport) -> None:
        """Note one execution; the same one again changes nothing."""
        assert report.fill is not None, "only fills are executions"
        self.is_acknowledged = True
        if report.fill.execution_id in self.executions:
            return
        self.executions[report.fill.execution_id] = report.fill.quantity
        self.heard.append(report)
        if self.filled >= max(self.terms.total, self.wanted.total if self.wanted else 0):
            self.end()

    def end(self) -> None:
        """Note that it can trade no more, as far as anybody can know."""
        self.is_ended = True
        self.heard.clear()
        self.stop_waiting()

    def stop_waiting(self) -> None:
        """Draw no conclusion from silence."""
        if self.silence is not None:
            self.silence.cancel()
            self.silence = None


class Lanes:
    """All lanes, by child and by the broker's id."""

    def __init__(self) -> None:
        """Start with empty books; `books` may be set to an engine's state."""
        self.books = EngineState({}, lambda _parent: None)
        self._lanes: dict[str, Lane] = {}
        self._by_number: dict[int, Lane] = {}
        self._placing = 0

    @property
    def is_placing(self) -> bool:
        """Whether the id of some order may still come."""
        return self._placing > 0

    def __iter__(self) -> Iterator[Lane]:
        """Go through the lanes known here."""
        return iter(self._lanes.values())

    def open(self, request: ChildRequested) -> Lane:
        """Begin the lane of a child that is being placed."""
        terms = Terms(0, request.quantity, request.limit_price)
        lane = Lane(request.child_id, request.side, terms, request.time_in_force)
        lane.was_opened = lane.is_placing = True
        self._placing += 1
        self._lanes[request.child_id] = lane
        self._forget()
        return lane

    def placed(self, lane: Lane) -> None:
        """Note that the call that placed it has come back, with whatever result."""
        lane.is_placing = False
        self._placing -= 1

    def was_opened(self, child_id: str) -> bool:
        """Say whether a child was taken up to be placed; one that is only in the books may not have left yet."""
        lane = self._lanes.get(child_id)
        return lane is not None and lane.was_opened

    def get(self, child_id: str) -> Lane | None:
        """Return a child's lane, None when nobody knows the child."""
        lane = self._lanes.get(child_id)
        if lane is None and child_id in self.books.children:
            lane = self._lanes[child_id] = Lane.of_child(self.books.children[child_id])
            if lane.broker_order_id is not None:
                self._by_number.setdefault(lane.broker_order_id, lane)
        return lane

    def find(self, order_id: str, broker_order_id: int) -> Lane | None:
        """Return the lane of our own id, else of the broker's; 0 is none."""
        lane = self.get(order_id)
        if lane is not None or not broker_order_id:
            return lane
        if broker_order_id in self._by_number:
            return self._by_number[broker_order_id]
        newest_first = reversed(self.books.children.values())
        known = next((child for child in newest_first if child.broker_order_id == broker_order_id), None)
        return None if known is None else self.get(known.child_id)

    def name(self, lane: Lane, broker_order_id: int) -> None:
        """Note the broker's id of a child; an id that comes again stands for the newest."""
        other = self._by_number.get(broker_order_id)
        if other is not None and other is not lane and not other.is_ended:
            children = f"{other.child_id} and {lane.child_id}"
            _log.critical(
                "the broker gave one id to two live orders", broker_order_id=broker_order_id, children=children
            )
        if lane.broker_order_id not in {None, broker_order_id}:
            _log.critical("the broker gave two ids to one order", child=lane.child_id, broker_order_id=broker_order_id)
        lane.broker_order_id = broker_order_id
        self._by_number[broker_order_id] = lane

    def live_children(self) -> list[ChildState]:
        """Return every child in the books that may be at the broker."""
        return [child for parent in self.books.live.values() for child in parent.live_children.values()]

    def _forget(self) -> None:
        if len(self._lanes) <= _KEPT:
            return
        old = [lane for lane in self._lanes.values() if lane.is_ended and not lane.is_placing][: _KEPT // 2]
        for lane in old:
            del self._lanes[lane.child_id]
            number = lane.broker_order_id
            if number is not None and self._by_number.get(number) is lane:
                del self._by_number[number]
