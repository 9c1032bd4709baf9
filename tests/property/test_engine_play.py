"""Whatever the order of things: reports late, doubled and shuffled, requests lost in flight, wants that change."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import permutations
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from quietfill.algos.base import Slice
from quietfill.domain.execution_report import ExecutionReport, ReportKind
from quietfill.domain.messages import BrokerOrder, Kill, PauseOrder, ResumeOrder
from quietfill.domain.order_state import OrderState
from quietfill.domain.records import CancelRequested, ChildRequested, ReplaceRequested
from quietfill.domain.types import MILLISECOND, SECOND, price_from, quantity_from
from tests.engine.rig import Rig, fingerprint, slice_of
from tests.engine.test_working import working

if TYPE_CHECKING:
    from quietfill.domain.records import WireRequest
    from quietfill.domain.types import Quantity

TARGET = 100


@dataclass
class ToyOrder:
    """One order as the toy venue has it."""

    total: Quantity
    filled: Quantity = 0
    is_open: bool = True


@dataclass
class ToyVenue:
    """Keeps its own truth; requests and reports travel as long as the test likes."""

    rig: Rig
    orders: dict[str, ToyOrder] = field(default_factory=dict)
    requests: list[WireRequest] = field(default_factory=list)
    reports: list[ExecutionReport] = field(default_factory=list)

    def collect(self) -> None:
        """Take what left the engine onto the line."""
        self.requests += self.rig.requests()

    def arrive(self, index: int) -> None:
        """Let one request reach the venue, not always in order."""
        if not self.requests:
            return
        request = self.requests.pop(index % len(self.requests))
        order = self.orders.get(request.child_id)
        if isinstance(request, ChildRequested):
            assert order is None, "the same order reference left twice"
            self.orders[request.child_id] = ToyOrder(request.quantity)
            self.say(ReportKind.ACCEPTED, request.child_id, broker_order_id=1)
        elif isinstance(request, CancelRequested):
            self.cancel(request.child_id, order)
        else:
            self.replace(request, order)

    def cancel(self, child: str, order: ToyOrder | None) -> None:
        """Cancel an open order, refuse anything else."""
        if order is None or not order.is_open:
            self.say(ReportKind.CANCEL_REJECTED, child, reason="not open")
            return
        order.is_open = False
        self.say(ReportKind.CANCELLED, child, cumulative=order.filled)

    def replace(self, request: ReplaceRequested, order: ToyOrder | None) -> None:
        """Put new terms in force unless they come too late."""
        terms = {"revision": request.revision, "total": request.total, "limit_price": request.limit_price}
        if order is None or not order.is_open or request.total <= order.filled:
            self.say(ReportKind.REPLACE_REJECTED, request.child_id, revision=request.revision, reason="too late")
            return
        order.total = request.total
        self.say(ReportKind.REPLACED, request.child_id, **terms)

    def trade(self, index: int, quantity: int) -> None:
        """Fill an open order."""
        live = [child for child, order in self.orders.items() if order.is_open]
        if not live:
            return
        child = live[index % len(live)]
        order = self.orders[child]
        size = min(quantity_from(quantity), order.total - order.filled)
        order.filled += size
        order.is_open = order.filled < order.total
        self.reports.append(self.rig.fill_report(size // 10**8, child))

    def say(self, kind: ReportKind, child: str, **fields: object) -> None:
        """Put a report on the line."""
        self.reports.append(self.rig.report(kind, child, **fields))

    def deliver(self, index: int, *, keep: bool) -> None:
        """Hand one report to the engine, in any order, maybe leaving a copy on the line."""
        if self.reports:
            index %= len(self.reports)
            report = self.reports[index] if keep else self.reports.pop(index)
            self.rig.handle(report)

    def answer(self) -> None:
        """List every order when the engine asks, as a broker does."""
        if self.rig.engine.take_questions():
            listed = [self.listing(child, order) for child, order in self.orders.items()]
            self.rig.handle(self.rig.snapshot(*listed))

    def listing(self, child: str, order: ToyOrder) -> BrokerOrder:
        """Return a broker's line about one order."""
        return BrokerOrder(
            child_id=child,
            broker_order_id=1,
            total=order.total,
            cumulative=order.filled,
            limit_price=price_from("10.00"),
            is_open=order.is_open,
            state="filled" if order.filled == order.total else "cancelled",
        )

    @property
    def worst_case(self) -> Quantity:
        """What would be traded if everything open and on the line were filled."""
        exposed = sum(order.total if order.is_open else order.filled for order in self.orders.values())
        coming = sum(request.quantity for request in self.requests if isinstance(request, ChildRequested))
        growing = sum(
            max(0, request.total - self.orders[request.child_id].total)
            for request in self.requests
            if isinstance(request, ReplaceRequested)
            and request.child_id in self.orders
            and self.orders[request.child_id].is_open
        )
        return exposed + coming + growing


wants = st.lists(
    st.builds(
        slice_of,
        st.sampled_from([10, 40, 60, TARGET]),
        st.sampled_from(["9.99", "10.00"]),
        st.sampled_from("ab"),
    ),
    min_size=1,
    max_size=2,
    unique_by=lambda piece: piece.key,
).map(tuple)
steps = st.one_of(
    st.tuples(st.just("want"), wants),
    st.tuples(st.just("arrive"), st.integers(0, 5)),
    st.tuples(st.just("trade"), st.integers(0, 5), st.integers(1, 60)),
    st.tuples(st.just("deliver"), st.integers(0, 9), st.booleans()),
    st.tuples(st.just("time"), st.integers(1, 400)),
    st.tuples(st.just("act"), st.sampled_from(["pause", "resume"])),
)


def play(venue: ToyVenue, step: tuple[object, ...]) -> None:
    """Let one thing happen."""
    rig = venue.rig
    match step:
        case "want", tuple() as slices:
            rig.want(*(piece for piece in slices if isinstance(piece, Slice)))
        case "arrive", int(index):
            venue.arrive(index)
        case "trade", int(index), int(quantity):
            venue.trade(index, quantity)
        case "deliver", int(index), bool(keep):
            venue.deliver(index, keep=keep)
        case "time", int(millis):
            rig.pass_time(millis * MILLISECOND)
        case "act", str(name):
            message = PauseOrder if name == "pause" else ResumeOrder
            rig.handle(message(order_id="p1", by="x"))
        case _:
            raise AssertionError(f"no such step: {step}")
    venue.collect()


@settings(max_examples=300, deadline=None)
@given(st.lists(steps, min_size=20, max_size=80))
def test_no_play_can_exceed_the_parent_and_every_fill_is_booked_once(script: list[tuple[object, ...]]) -> None:
    """At every moment the worst case at the venue is within the order; at the end both books agree."""
    rig = Rig()
    venue = ToyVenue(rig)
    rig.quote()
    rig.order(TARGET)
    for step in script:
        play(venue, step)
        assert venue.worst_case <= quantity_from(TARGET)

    rig.handle(Kill(kill_id="k", by="x", reason="end of play"))
    venue.collect()
    for _ in range(200):
        venue.arrive(0)
        venue.deliver(0, keep=False)
        venue.answer()
        venue.collect()
        rig.pass_time(50 * MILLISECOND)
        venue.collect()

    assert rig.parent.filled == sum(order.filled for order in venue.orders.values())
    assert not any(order.is_open for order in venue.orders.values())
    assert not rig.engine.state.live
    replayed = Rig().engine
    replayed.restore(rig.records)
    assert fingerprint(replayed) == fingerprint(rig.engine)


HISTORIES = {
    "filled in three": ("ack", "fill 30", "fill 30", "fill 40"),
    "cancelled after a fill": ("ack", "fill 30", "cancelled 30"),
    "replaced, then filled": ("ack", "replaced 100", "fill 60", "fill 40"),
    "rejected": ("ack", "rejected"),
    "expired half way": ("ack", "fill 20", "fill 30", "expired 50"),
}


@pytest.mark.parametrize("name", HISTORIES)
def test_every_order_of_arrival_ends_in_the_same_state(name: str) -> None:
    """All permutations of a history, with every report doubled, book the same fills and end in the same state."""
    outcomes = set()
    for order in permutations(HISTORIES[name]):
        rig = working()
        rig.want(slice_of(100, "10.01"))
        said: dict[str, ExecutionReport] = {}
        for number, line in enumerate(order):
            report = said.setdefault(f"{number} {line}", _report(rig, line, number))
            rig.handle(report)
            rig.handle(report)
        child = rig.engine.state.children["p1-1"]
        rig.pass_time(1 * SECOND)
        outcomes.add((child.state, child.filled, child.filled_value, child.exposure(rig.now, rig.settings.settle)))
    assert len(outcomes) == 1
    state, _, _, exposure = outcomes.pop()
    assert state.is_terminal
    assert exposure == 0


def _report(rig: Rig, line: str, number: int) -> ExecutionReport:
    kind, _, text = line.partition(" ")
    quantity = quantity_from(text or 0)
    match kind:
        case "ack":
            return rig.report(ReportKind.ACCEPTED, broker_order_id=1)
        case "fill":
            return rig.fill_report(int(text), execution=f"x{number}-{line}")
        case "cancelled":
            return rig.report(ReportKind.CANCELLED, cumulative=quantity)
        case "expired":
            return rig.report(ReportKind.EXPIRED, cumulative=quantity)
        case "rejected":
            return rig.report(ReportKind.REJECTED, cumulative=0)
        case _:
            return rig.report(ReportKind.REPLACED, total=quantity, limit_price=price_from("10.01"), revision=1)


def test_a_late_fill_after_a_cancel_is_booked_and_counts() -> None:
    """A fill that comes after the confirmed cancel and after the settle window is booked, never dropped."""
    rig = working()
    rig.puppet.wanted = ()
    rig.fill(10)
    rig.cancelled(10)
    rig.pass_time(1 * SECOND)

    rig.fill(20)

    assert rig.parent.filled == quantity_from(30)
    assert rig.engine.state.children["p1-1"].state is OrderState.CANCELLED


def test_an_over_fill_is_booked_shown_and_freezes_the_parent() -> None:
    """More than was asked for is booked in full, with a critical alert, and nothing new is sent."""
    rig = working()

    rig.fill(90)
    rig.fill(20)

    assert rig.parent.filled == quantity_from(110)
    assert rig.parent.frozen_reason is not None
    assert [alert.severity for alert in rig.engine.state.alerts] == ["critical"]
