"""What an execution report means for a child: the records that follow from one word of the broker.

Reports may come twice, late, or in any order; every one of them is either booked once or ignored, and
none moves a state back. A fill implies the acknowledgement that we did not hear.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from quietfill.domain.execution_report import ExecutionReport, Fill, ReportKind
from quietfill.domain.order_state import OrderState
from quietfill.domain.records import (
    AlertRaised,
    AnyRecord,
    CancelRefused,
    ChildAcknowledged,
    ChildAdopted,
    ChildAssumedCancelled,
    ChildDone,
    ChildFilled,
    ChildInDoubt,
    ChildNoted,
    FillRevised,
    OrderFrozen,
    ReplaceConfirmed,
    ReplaceRefused,
)
from quietfill.domain.types import TimeInForce, quantity_number

if TYPE_CHECKING:
    from collections.abc import Iterator

    from quietfill.domain.records import FillMarks
    from quietfill.domain.types import Price, Quantity, Timestamp
    from quietfill.engine.child import ChildState
    from quietfill.engine.observed import ObservedMarkets
    from quietfill.engine.state import EngineState

_ENDS = {
    ReportKind.REJECTED: OrderState.REJECTED,
    ReportKind.CANCELLED: OrderState.CANCELLED,
    ReportKind.EXPIRED: OrderState.EXPIRED,
    ReportKind.NOT_FOUND: OrderState.FAILED,
}


def consequences(
    report: ExecutionReport, state: EngineState, observed: ObservedMarkets, now: Timestamp
) -> Iterator[AnyRecord]:
    """Yield the records that *report* leads to. Each must be applied before the next is asked for."""
    child = state.children.get(report.child_id)
    if child is None:
        text = f"report {report.kind} for an order that is not ours: {report.child_id!r} {report.reason}".strip()
        severity = "warning" if report.fill is None else "critical"  # somebody trades on our account
        yield AlertRaised(at=now, subject=report.child_id, severity=severity, text=text)
        return
    if report.kind is ReportKind.NOTED:
        yield from _note(child, report, now)
        return
    yield from _sign_of_life(child, report, state, now)
    if report.fill is not None:
        marks = observed.marks(state.parents[child.order_id], now)
        yield from book_fill(child, report.fill, state, now, marks)
    yield from _change(child, report, now)


def _note(child: ChildState, report: ExecutionReport, now: Timestamp) -> Iterator[AnyRecord]:
    if report.reason != child.note:
        yield ChildNoted(at=now, child_id=child.child_id, note=report.reason)


def _change(child: ChildState, report: ExecutionReport, now: Timestamp) -> Iterator[AnyRecord]:
    """Yield what a report changes of the child's state and terms."""
    if report.kind in _ENDS:
        yield from _end(child, report, now)
    elif report.kind is ReportKind.ASSUMED_CANCELLED:
        yield from _assumed_cancelled(child, report, now)
    elif report.kind is ReportKind.REPLACED:
        yield from _replaced(child, report, now)
    elif report.kind is ReportKind.REPLACE_REJECTED:
        if child.replace_pending and report.revision == child.revision:
            yield ReplaceRefused(at=now, child_id=child.child_id, revision=report.revision, reason=report.reason)
    elif report.kind is ReportKind.CANCEL_REJECTED:
        yield from _cancel_rejected(child, report, now)
    elif report.kind is ReportKind.STATUS and child.is_live and child.state is OrderState.UNKNOWN:
        yield adoption(child, report, now)


_SIGNS_OF_LIFE = frozenset(
    {ReportKind.ACCEPTED, ReportKind.FILL, ReportKind.REPLACED, ReportKind.REPLACE_REJECTED, ReportKind.STATUS}
)

_ACKNOWLEDGING = frozenset(
    {
        ReportKind.ACCEPTED,
        ReportKind.FILL,
        ReportKind.REPLACED,
        ReportKind.REPLACE_REJECTED,
        ReportKind.CANCELLED,
        ReportKind.EXPIRED,
    }
)


def _sign_of_life(
    child: ChildState, report: ExecutionReport, state: EngineState, now: Timestamp
) -> Iterator[AnyRecord]:
    """Yield what a report means by coming at all: that the broker has the child."""
    if child.state is OrderState.FAILED and report.kind in _SIGNS_OF_LIFE:
        yield from _revival(child, report, state, now)
    # A fill may have told of the child before its id was known; without the id in the journal no restart could cancel.
    learns_id = child.broker_order_id is None and report.broker_order_id is not None
    if report.kind in _ACKNOWLEDGING and (not child.is_acknowledged or learns_id):
        yield ChildAcknowledged(
            at=now,
            child_id=child.child_id,
            broker_order_id=report.broker_order_id,
            exchange_time=report.exchange_time,
        )


def book_fill(
    child: ChildState, fill: Fill, state: EngineState, now: Timestamp, marks: FillMarks | None = None
) -> Iterator[AnyRecord]:
    """Yield the booking of one execution, once per execution id; an over-fill is booked, shown, and freezes.

    *marks* is the market at the fill; None for one that happened while we were away.
    """
    booked = child.execution_ids.get(fill.execution_id)
    if booked is not None:
        said = list(_said_again(child, fill, child.fills[booked][:2], now))
        if not said:
            return
        yield from said
    else:
        yield ChildFilled(at=now, child_id=child.child_id, fill=fill, marks=marks)
    parent = state.parents[child.order_id]
    if parent.filled > parent.quantity and parent.frozen_reason is None:
        excess = quantity_number(parent.filled - parent.quantity)
        text = f"over-filled by {excess}: {child.child_id} {fill.execution_id}"
        yield AlertRaised(at=now, subject=parent.order_id, severity="critical", text=text)
        yield OrderFrozen(at=now, order_id=parent.order_id, reason=text)


def is_booked(child: ChildState, fill: Fill) -> bool:
    """Say whether an execution was booked exactly as it is told now: then it means nothing."""
    place = child.execution_ids.get(fill.execution_id)
    if place is None or child.fills[place][:2] != (fill.quantity, fill.price):
        return False
    return child.costs[fill.execution_id] == (fill.revision, fill.commission)


def _said_again(child: ChildState, fill: Fill, booked: tuple[Quantity, Price], now: Timestamp) -> Iterator[AnyRecord]:
    """Yield what an execution means that was booked before: nothing, a correction, or a commission that came late."""
    revision, commission = child.costs[fill.execution_id]
    if fill.revision > revision:
        text = f"execution {fill.execution_id} of {child.child_id} was corrected by the broker"
        kept = fill if fill.commission is not None else msgspec.structs.replace(fill, commission=commission)
        yield FillRevised(at=now, child_id=child.child_id, fill=kept, why=text)
        yield AlertRaised(at=now, subject=child.child_id, severity="critical", text=text)
    elif fill.revision < revision:
        return  # an older word, late
    elif booked != (fill.quantity, fill.price):
        text = f"execution {fill.execution_id} of {child.child_id} came again with other content; the first is kept"
        yield AlertRaised(at=now, subject=child.child_id, severity="critical", text=text)
    elif fill.commission is not None and commission is None:
        yield FillRevised(at=now, child_id=child.child_id, fill=fill, why="the commission is known")


def _revival(child: ChildState, report: ExecutionReport, state: EngineState, now: Timestamp) -> Iterator[AnyRecord]:
    """Take back a child that we held for never sent or never arrived: the broker has it, so it is exposed."""
    text = f"{child.child_id} is alive at the broker, though it was given up: {child.done_reason}"
    yield AlertRaised(at=now, subject=child.child_id, severity="critical", text=text)
    if not state.parents[child.order_id].is_done:
        yield adoption(child, report, now)


def adoption(child: ChildState, report: ExecutionReport, now: Timestamp) -> ChildAdopted:
    """Return the record that believes the broker's listing of a live child."""
    return ChildAdopted(
        at=now,
        child_id=child.child_id,
        broker_order_id=report.broker_order_id,
        total=report.total if report.total is not None else child.total,
        limit_price=report.limit_price if report.limit_price is not None else child.limit_price,
        revision=report.revision,
    )


def _end(child: ChildState, report: ExecutionReport, now: Timestamp) -> Iterator[AnyRecord]:
    if child.state.is_terminal:
        return
    if report.kind is ReportKind.NOT_FOUND and child.is_acknowledged:
        # The broker said before that it has it; which of the two is wrong it must be asked.
        if child.state is not OrderState.UNKNOWN:
            yield ChildInDoubt(at=now, child_id=child.child_id, reason=f"not found: {report.reason}")
        return
    yield ChildDone(
        at=now,
        child_id=child.child_id,
        state=_ENDS[report.kind],
        cumulative=child.filled if report.cumulative is None else report.cumulative,
        reason=report.reason,
        exchange_time=report.exchange_time,
    )


def _assumed_cancelled(child: ChildState, report: ExecutionReport, now: Timestamp) -> Iterator[AnyRecord]:
    ends_by_itself = child.time_in_force in {TimeInForce.IOC, TimeInForce.FOK}
    if child.state.is_terminal or not (
        child.cancel_attempts or ends_by_itself
    ):  # it may have refused the first cancels
        return
    yield ChildAssumedCancelled(
        at=now,
        child_id=child.child_id,
        cumulative=child.filled,
        reason="cancelled (assumed)",
        exchange_time=report.exchange_time,
    )


def _replaced(child: ChildState, report: ExecutionReport, now: Timestamp) -> Iterator[AnyRecord]:
    if child.state.is_terminal or not child.confirms(report.revision):
        return
    assert report.total is not None, "a broker edge must state the terms that a replace put in force"
    yield ReplaceConfirmed(
        at=now,
        child_id=child.child_id,
        revision=report.revision,
        total=report.total,
        limit_price=report.limit_price,
        exchange_time=report.exchange_time,
    )


def _cancel_rejected(child: ChildState, report: ExecutionReport, now: Timestamp) -> Iterator[AnyRecord]:
    if child.state.is_terminal or not child.cancel_pending:
        return
    yield CancelRefused(at=now, child_id=child.child_id, reason=report.reason)
    # The broker will not cancel what we believe is live: one of us is wrong, so ask.
    yield ChildInDoubt(at=now, child_id=child.child_id, reason=f"cancel refused: {report.reason}")
