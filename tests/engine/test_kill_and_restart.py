"""The kill switch, the second gate, pause and resume, and starting again from the journal."""

from __future__ import annotations

import pytest
from msgspec import structs

from quietfill.domain.errors import JournalError
from quietfill.domain.execution_report import ReportKind
from quietfill.domain.messages import (
    AmendOrder,
    BrokerOrder,
    CancelOrder,
    Kill,
    KillScope,
    LinkState,
    NewOrder,
    PauseOrder,
    ReleaseKill,
    ResumeOrder,
)
from quietfill.domain.order_state import OrderState
from quietfill.domain.records import (
    CancelRequested,
    ChildDone,
    ChildRequested,
    OrderDone,
    OrderRefused,
    Reconciled,
    RequestWithdrawn,
    ScheduleRebased,
)
from quietfill.domain.types import MINUTE, SECOND, OrderSide, price_from, quantity_from
from tests.engine.rig import Rig, fingerprint, slice_of
from tests.engine.test_working import working


def kill(*symbols: str, cancel: bool = True) -> Kill:
    """Return a kill of these symbols."""
    return Kill(kill_id="k", by="risk", reason="test", scope=KillScope(symbols=symbols), cancel_pending=cancel)


def listed(child: str = "p1-1", *, filled: int = 0, is_open: bool = True, state: str = "") -> BrokerOrder:
    """Return a broker's line about a child of 100 at 10.00."""
    return BrokerOrder(
        child_id=child,
        broker_order_id=1,
        total=quantity_from(100),
        cumulative=quantity_from(filled),
        limit_price=price_from("10.00"),
        is_open=is_open,
        state=state,
    )


def test_a_kill_cancels_everything_and_refuses_the_new() -> None:
    """After a kill every child has one cancel, its parent ends, and new orders are refused."""
    rig = working()

    rig.handle(kill())
    cancels = rig.requests()
    rig.cancelled()
    rig.pass_time(1 * SECOND)
    rig.order(50, "p2")

    assert [type(request) for request in cancels] == [CancelRequested]
    assert rig.parent.state is OrderState.CANCELLED
    assert isinstance(rig.records[-1], OrderRefused)
    assert "kill switch" in rig.records[-1].reasons[0]


def test_a_kill_between_decision_and_commit_stops_the_order() -> None:
    """The second gate withdraws what a kill overtook; nothing but cancels leaves."""
    rig = Rig()
    rig.puppet.wanted = (slice_of(100),)
    rig.quote()
    records = rig.engine.handle(rig_order(rig), rig.now)
    rig.engine.handle(kill(), rig.now)

    leaving, withdrawn = rig.engine.release(rig.engine.state.sequence, rig.now)

    assert any(isinstance(record, ChildRequested) for record in records)
    assert leaving == []
    assert [type(record) for record in withdrawn][:1] == [RequestWithdrawn]
    assert rig.engine.state.children["p1-1"].state is OrderState.FAILED


def rig_order(rig: Rig) -> NewOrder:
    """Return a new order without handing it in."""
    return NewOrder(
        order_id="p1",
        decision_id="d-p1",
        symbol="TEST",
        side=OrderSide.BUY,
        quantity=quantity_from(100),
        algo="puppet",
        end=rig.now + 10 * MINUTE,
    )


def test_a_kill_of_another_symbol_changes_nothing() -> None:
    """The scope decides whom a kill concerns."""
    rig = working()

    rig.handle(kill("OTHER"))

    assert rig.requests() == []
    assert rig.parent.cancel_reason is None


def test_an_unacknowledged_child_is_cancelled_again_at_its_first_sign_of_life() -> None:
    """A cancel that came too early is repeated when the child turns out to be alive."""
    rig = Rig()
    rig.puppet.wanted = (slice_of(100),)
    rig.quote()
    rig.order(100)
    rig.requests()

    rig.handle(kill())
    first = rig.requests()
    rig.handle(rig.report(ReportKind.CANCEL_REJECTED, reason="unknown order"))
    asked = rig.requests()
    rig.ack()
    again = rig.requests()

    assert [type(request) for request in first] == [CancelRequested]
    assert asked == []
    assert [type(request) for request in again] == [CancelRequested]


def test_release_needs_the_same_scope_and_lets_new_orders_in() -> None:
    """Only the kill of exactly this scope is lifted."""
    rig = Rig()
    rig.quote()
    rig.handle(kill("TEST"))

    rig.handle(ReleaseKill(by="a", second="b", reason="checked"))
    still = bool(rig.engine.state.kills)
    rig.handle(ReleaseKill(by="a", second="b", reason="checked", scope=KillScope(symbols=("TEST",))))
    rig.order(100)

    assert still
    assert "p1" in rig.engine.state.live


def test_a_kill_that_leaves_children_working_stops_only_new_risk() -> None:
    """With `cancel_pending` off the child stays, and nothing new is asked for."""
    rig = working()

    rig.handle(kill(cancel=False))
    rig.want(slice_of(100, "10.01"))
    rig.fill(10)

    assert rig.requests() == []
    assert rig.engine.state.children["p1-1"].is_live


def test_pause_withdraws_and_resume_starts_the_schedule_anew() -> None:
    """A pause cancels the children; a resume rebases, so that missed slices are not fired at once."""
    rig = working()

    rig.handle(PauseOrder(order_id="p1", by="desk"))
    paused = rig.requests()
    rig.cancelled()
    rig.pass_time(60 * SECOND)
    idle = rig.requests()
    records = rig.handle(ResumeOrder(order_id="p1", by="desk"))

    assert [type(request) for request in paused] == [CancelRequested]
    assert idle == []
    assert [record.start for record in records if isinstance(record, ScheduleRebased)] == [rig.now]
    assert len(rig.placed()) == 1


def test_a_cancelled_parent_ends_on_the_brokers_word() -> None:
    """A cancel of a parent is final only when the broker has confirmed it and the settle time has passed."""
    rig = working()

    rig.handle(CancelOrder(order_id="p1", by="desk", reason="changed my mind"))
    rig.cancelled()
    records = rig.pass_time(1 * SECOND)

    done = [record for record in records if isinstance(record, OrderDone)]
    assert [(record.state, record.reason) for record in done] == [(OrderState.CANCELLED, "changed my mind")]


def test_nothing_leaves_while_the_line_is_down() -> None:
    """A request decided before the line broke is withdrawn; planning stops until it is back and reconciled."""
    rig = Rig()
    rig.puppet.wanted = (slice_of(100),)
    rig.quote()
    rig.handle(LinkState(up=False, reason="cut"))
    rig.order(100)
    down = rig.placed()
    rig.handle(LinkState(up=True))
    reconciling = rig.placed()
    rig.handle(rig.snapshot())

    assert down == []
    assert reconciling == []
    assert len(rig.placed()) == 1


def restarted(rig: Rig) -> Rig:
    """Return a rig whose engine was made anew from the journal of *rig*."""
    again = Rig(rig.settings, lot=rig.lot)
    again.puppet.wanted = rig.puppet.wanted
    again.now = rig.now
    again.engine.restore(rig.records)
    return again


def test_replay_gives_the_same_state_at_every_prefix() -> None:
    """Whatever was live when the journal ended, a replay of it is the same state, field by field."""
    rig = working()
    rig.fill(10)
    rig.want(slice_of(90, "10.01"))
    rig.fill(5)
    rig.replaced(100, "10.01")
    rig.handle(PauseOrder(order_id="p1", by="desk"))
    rig.cancelled(15)
    rig.pass_time(5 * SECOND)
    rig.handle(ResumeOrder(order_id="p1", by="desk"))

    live = Rig().engine
    for length, record in enumerate(rig.records, start=1):
        live.state.apply(record)
        replayed = Rig().engine
        replayed.restore(rig.records[:length])
        assert fingerprint(replayed) == fingerprint(live)
    assert fingerprint(live) == fingerprint(rig.engine)


def test_a_restart_adopts_what_the_broker_lists() -> None:
    """A child that was sent without an answer is in doubt, then adopted, and never sent twice."""
    rig = Rig()
    rig.puppet.wanted = (slice_of(100),)
    rig.quote()
    rig.order(100)
    again = restarted(rig)

    again._keep(again.engine.recover(again.now))
    again.quote()
    doubtful = again.engine.state.children["p1-1"].state
    again.handle(again.snapshot(listed()))
    again.pass_time(30 * SECOND)

    assert doubtful is OrderState.UNKNOWN
    assert again.engine.state.children["p1-1"].state is OrderState.WORKING
    assert again.placed() == []


def test_a_restart_books_what_was_filled_while_away() -> None:
    """Executions that the journal does not have are booked once from the broker's list."""
    rig = working()
    rig.fill(10, execution="x1")
    again = restarted(rig)
    fills = (again.fill_report(10, execution="x1"), again.fill_report(90, execution="x2"))

    again._keep(again.engine.recover(again.now))
    again.handle(again.snapshot(listed(filled=100, is_open=False, state="filled"), fills=fills))

    assert again.parent.filled == quantity_from(100)
    assert again.parent.state is OrderState.FILLED
    assert [r.filled_while_away for r in again.records if isinstance(r, Reconciled)] == [1]


def test_absence_is_believed_only_the_second_time_and_on_complete_evidence() -> None:
    """A child that no listing shows never arrived, once two complete listings long after the request say so."""
    rig = Rig()
    rig.puppet.wanted = (slice_of(100),)
    rig.quote()
    rig.order(100)
    again = restarted(rig)
    again._keep(again.engine.recover(again.now))

    states = []
    for step, complete in ((0, True), (10, False), (1, True), (1, True)):
        again.now += step * SECOND
        again.handle(again.snapshot(complete=complete))
        states.append(again.engine.state.children["p1-1"].state)

    assert states == [OrderState.UNKNOWN, OrderState.UNKNOWN, OrderState.UNKNOWN, OrderState.FAILED]
    assert [r.reason for r in again.records if isinstance(r, ChildDone)] == ["never arrived at the broker"]


def test_foreign_orders_are_named_and_never_touched() -> None:
    """An order that is not ours is shown by reconciliation and gets no message."""
    rig = working()

    records = rig.handle(rig.snapshot(listed(), listed("somebody-else")))

    assert [r.foreign for r in records if isinstance(r, Reconciled)] == [("somebody-else",)]
    assert rig.requests() == []


def test_a_limit_tightened_meanwhile_stops_the_request() -> None:
    """The second gate withdraws a price that an amendment has put beyond the order's limit."""
    rig = Rig()
    rig.puppet.wanted = (slice_of(100, "10.00"),)
    rig.quote()
    rig.engine.handle(rig_order(rig), rig.now)
    rig.puppet.wanted = ()
    rig.engine.handle(AmendOrder(order_id="p1", by="desk", changes={"limit_price": "9.99"}), rig.now)
    rig.engine.state.children["p1-1"].cancel_pending = False

    leaving, withdrawn = rig.engine.release(rig.engine.state.sequence, rig.now)

    assert leaving == []
    assert [record.reason for record in withdrawn if isinstance(record, RequestWithdrawn)] == [
        "beyond the order's limit"
    ]


def test_nothing_crosses_on_an_old_quote() -> None:
    """A crossing slice waits, with an alert, until the quote is fresh again."""
    rig = Rig(structs.replace(Rig().settings, quote_age_limit=1 * SECOND))
    rig.puppet.wanted = (slice_of(100, "10.02", crossing=True),)
    rig.quote()
    rig.now += 2 * SECOND
    rig.order(100)
    stale = rig.placed()
    rig.quote()
    rig.pass_time(1 * SECOND)

    assert stale == []
    assert len(rig.placed()) == 1
    assert ["old" in alert.text for alert in rig.engine.state.alerts] == [True]


def test_a_journal_of_an_unknown_instrument_is_refused_by_name() -> None:
    """A replay that meets a symbol nobody registered says which, instead of going on without it."""
    rig = working()
    empty = Rig().engine
    empty.state.instruments.clear()

    with pytest.raises(JournalError, match="TEST"):
        empty.restore(rig.records)
