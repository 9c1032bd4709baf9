"""Settling our books against the broker's: the last step of every start and every reconnection.

Theory of operation. Replaying the journal tells what we asked; only the broker knows what became of
it. A `BrokerSnapshot` is everything the broker listed when asked in one go. For each child that may be
live, in order:

* executions we have not booked are booked, whatever the child's state (filled while away);
* a child the broker lists as open is adopted on the broker's terms, unless a request about it is on its
  way or its terms changed after the broker was asked: then the listing is older than what we know;
* a child the broker lists as done is ended with the broker's state (ended while away);
* a child the broker does not list is absent. Absence is evidence only when the snapshot is complete
  and was asked for long enough after our request, and only the second time: then it never arrived.
  Until then it stays in doubt and fully exposed.

What the accounts hold is compared with what our fills explain (see `holdings`).

Orders of other people are named, never adopted, never touched. Nothing is invented: a difference that
the evidence cannot explain stays in doubt.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import UNSET

from quietfill.domain.order_state import OrderState
from quietfill.domain.records import AlertRaised, AnyRecord, ChildAdopted, ChildDone, ChildInDoubt, Reconciled
from quietfill.engine.holdings import Holdings
from quietfill.engine.reports import book_fill, is_booked

if TYPE_CHECKING:
    from collections.abc import Iterator

    from quietfill.domain.messages import BrokerOrder, BrokerSnapshot
    from quietfill.domain.types import Duration, Timestamp
    from quietfill.engine.child import ChildState
    from quietfill.engine.state import EngineState

_BROKER_STATES = {state.value: state for state in OrderState}


class Reconciliation:
    """Compares snapshots with state, and remembers which absences were seen before."""

    __slots__ = ("_absences", "_foreign", "_patience", "holdings")

    def __init__(self, patience: Duration) -> None:
        """Take how long after a request an absence starts to mean something."""
        self._patience = patience
        self._absences: dict[str, int] = {}
        self._foreign: tuple[str, ...] = ()
        self.holdings = Holdings(patience)

    def settle(
        self, snapshot: BrokerSnapshot, state: EngineState, now: Timestamp, *, is_routine: bool = False
    ) -> Iterator[AnyRecord]:
        """Yield the records that bring state in line with *snapshot*; apply each before asking for the next.

        A routine question whose answer is no news leaves no record.
        """
        counts = dict.fromkeys(("adopted", "filled_while_away", "ended_while_away", "never_arrived"), 0)
        for record in _missed_fills(snapshot, state, now):
            counts["filled_while_away"] += 1
            yield record
        listed = {order.child_id: order for order in snapshot.orders}
        for child in [child for parent in list(state.live.values()) for child in list(parent.live_children.values())]:
            for record in self._settle_child(child, listed.get(child.child_id), snapshot, now):
                if isinstance(record, ChildAdopted):
                    counts["adopted"] += 1
                elif isinstance(record, ChildDone):
                    counts["never_arrived" if record.state is OrderState.FAILED else "ended_while_away"] += 1
                yield record
        for child in self._given_up(listed, state):
            counts["adopted"] += 1
            text = f"{child.child_id} is open at the broker, though it was given up: {child.done_reason}"
            yield AlertRaised(at=now, subject=child.child_id, severity="critical", text=text)
            yield _adopted(child, listed[child.child_id], now)
        foreign = tuple(sorted(name for name in listed if listed[name].is_open and name not in state.children))
        is_news, self._foreign = foreign != self._foreign, foreign
        if is_news:
            yield from _named(foreign, now)
        yield from self.holdings.compare(snapshot, state, now)
        others = self.holdings.news or UNSET
        is_news = is_news or others is not UNSET
        doubtful = sum(
            child.state is OrderState.UNKNOWN for p in state.live.values() for child in p.live_children.values()
        )
        if is_routine and not is_news and not doubtful and not any(counts.values()):
            return
        yield Reconciled(
            at=now, complete=snapshot.complete, foreign=foreign, still_in_doubt=doubtful, others=others, **counts
        )

    @staticmethod
    def _given_up(listed: dict[str, BrokerOrder], state: EngineState) -> list[ChildState]:
        """Return the children of live parents that we hold for never arrived, and that are open at the broker."""
        known = (state.children.get(name) for name, order in listed.items() if order.is_open)
        return [child for child in known if child and child.state is OrderState.FAILED and child.order_id in state.live]

    def _settle_child(
        self, child: ChildState, order: BrokerOrder | None, snapshot: BrokerSnapshot, now: Timestamp
    ) -> Iterator[AnyRecord]:
        if child.state.is_terminal:
            return
        if order is None:
            yield from self._absent(child, snapshot, now)
            return
        self._absences.pop(child.child_id, None)
        if order.is_open:
            is_news = not child.in_flight and order.revision != child.confirmed_revision
            if snapshot.asked_at >= child.terms_at and (is_news or child.state is OrderState.UNKNOWN):
                yield _adopted(child, order, now)
        else:
            yield _ended(child, order, now)

    def _absent(self, child: ChildState, snapshot: BrokerSnapshot, now: Timestamp) -> Iterator[AnyRecord]:
        if not snapshot.complete or snapshot.asked_at < child.requested_at + self._patience:
            return
        seen = self._absences.get(child.child_id, 0) + 1
        self._absences[child.child_id] = seen
        if seen == 1 or child.is_acknowledged:
            if child.state is not OrderState.UNKNOWN:
                yield ChildInDoubt(at=now, child_id=child.child_id, reason="the broker does not list it")
            return
        yield ChildDone(
            at=now,
            child_id=child.child_id,
            state=OrderState.FAILED,
            cumulative=child.filled,
            reason="never arrived at the broker",
            exchange_time=snapshot.asked_at,
        )


def _missed_fills(snapshot: BrokerSnapshot, state: EngineState, now: Timestamp) -> Iterator[AnyRecord]:
    for report in snapshot.fills:
        child = state.children.get(report.child_id)
        if child is not None and report.fill is not None and not is_booked(child, report.fill):
            yield from book_fill(child, report.fill, state, now)


def _named(foreign: tuple[str, ...], now: Timestamp) -> Iterator[AlertRaised]:
    if foreign:
        text = f"{len(foreign)} order(s) at the broker that are not ours: {', '.join(foreign[:5])}"
        yield AlertRaised(at=now, subject="reconcile", severity="warning", text=text)


def _adopted(child: ChildState, order: BrokerOrder, now: Timestamp) -> ChildAdopted:
    return ChildAdopted(
        at=now,
        child_id=child.child_id,
        broker_order_id=order.broker_order_id,
        total=order.total,
        limit_price=order.limit_price,
        revision=order.revision,
    )


def _ended(child: ChildState, order: BrokerOrder, now: Timestamp) -> ChildDone:
    state = _BROKER_STATES.get(order.state, OrderState.CANCELLED)
    return ChildDone(
        at=now,
        child_id=child.child_id,
        state=state if state.is_terminal else OrderState.CANCELLED,
        cumulative=order.cumulative,
        reason="ended while we were away",
        exchange_time=now,
    )
