"""No order is ever left alone: every wait has an end, every doubt a question, every loop a brake."""

from __future__ import annotations

from quietfill.algos.base import Plan
from quietfill.domain.execution_report import ReportKind
from quietfill.domain.messages import AmendOrder, BrokerOrder, CancelOrder, Kill
from quietfill.domain.records import AlertRaised, AmendRefused, CancelRequested
from quietfill.domain.types import MINUTE, SECOND, price_from, quantity_from
from tests.engine.rig import Rig, slice_of
from tests.engine.test_working import working


def open_at_broker() -> BrokerOrder:
    """Return a broker's line about the first child: 100 at 10.00, open and unfilled."""
    return BrokerOrder(
        child_id="p1-1",
        broker_order_id=1,
        total=quantity_from(100),
        cumulative=0,
        limit_price=price_from("10.00"),
        is_open=True,
    )


def critical(rig: Rig) -> list[str]:
    """Return the texts of the alarms."""
    return [record.text for record in rig.records if isinstance(record, AlertRaised) and record.severity == "critical"]


def stubborn(rig: Rig, wake: bool) -> None:
    """Make the puppet an algo that never ends and wakes at once, or never."""
    rig.puppet.plan = (  # type: ignore[method-assign]
        lambda order, market, now: Plan((slice_of(100),), wake_at=now if wake else None)
    )


def test_a_fill_that_the_broker_counted_and_we_missed_is_asked_about() -> None:
    """A cancelled child with fewer fills booked than the broker counted leads to a question."""
    rig = working()
    rig.handle(CancelOrder(order_id="p1", by="desk"))
    rig.cancelled(30)

    rig.pass_time(10 * SECOND)

    assert rig.engine.take_questions() == {"p1-1"}


def test_a_child_in_doubt_is_asked_about_until_it_is_settled() -> None:
    """One listing without it settles nothing; the second one, on complete evidence, does."""
    rig = Rig()
    rig.quote()
    rig.puppet.wanted = (slice_of(100),)
    rig.order()
    rig.requests()
    rig.pass_time(6 * SECOND)
    first = rig.engine.take_questions()
    rig.handle(rig.snapshot())

    rig.pass_time(6 * SECOND)
    second = rig.engine.take_questions()
    rig.handle(rig.snapshot())
    rig.pass_time(SECOND)

    assert first == second == {"p1-1"}
    assert [request.child_id for request in rig.placed()] == ["p1-2"]


def test_a_doubt_that_nobody_settles_becomes_an_alarm() -> None:
    """An acknowledged child that the broker never lists again stays exposed, and a person is told."""
    rig = working()
    rig.handle(CancelOrder(order_id="p1", by="desk"))
    for _ in range(20):
        rig.pass_time(30 * SECOND)
        if rig.engine.take_questions():
            rig.handle(rig.snapshot())

    assert critical(rig) == ["the broker does not say what became of p1-1: a person must look"]
    assert not rig.parent.is_done


def test_cancels_that_do_not_work_are_repeated_slowly_and_escalated() -> None:
    """Three refused cancels in a row raise an alarm; then one more every few seconds, not a storm."""
    rig = working()
    rig.handle(CancelOrder(order_id="p1", by="desk"))
    for _ in range(50):
        rig.handle(rig.report(ReportKind.CANCEL_REJECTED, reason="no"))
        if rig.engine.take_questions():
            rig.handle(rig.snapshot(open_at_broker()))
    at_once = rig.requests()

    rig.pass_time(6 * SECOND)

    assert [type(request) for request in at_once] == [CancelRequested] * 3
    assert [type(request) for request in rig.requests()] == [CancelRequested]
    assert critical(rig) == ["p1-1 is still live after 3 cancels"]


def test_a_kill_that_leaves_children_working_does_not_outlive_the_window() -> None:
    """At the end of its window an order ends, whether new risk is barred or not."""
    rig = working()
    rig.handle(Kill(kill_id="k", by="risk", reason="test", cancel_pending=False))

    rig.pass_time(11 * MINUTE)
    sent = rig.requests()
    rig.cancelled()
    rig.pass_time(SECOND)

    assert [type(request) for request in sent] == [CancelRequested]
    assert rig.parent.is_done


def test_an_order_ends_although_its_algo_forgets_to() -> None:
    """An algo that neither wakes nor finishes has its children cancelled at the end of the window."""
    rig = Rig()
    rig.quote()
    stubborn(rig, wake=False)
    rig.order()
    rig.ack()
    rig.requests()

    rig.pass_time(11 * MINUTE)
    sent = rig.requests()
    rig.cancelled()
    rig.pass_time(SECOND)

    assert [type(request) for request in sent] == [CancelRequested]
    assert rig.parent.is_done


def test_an_algo_that_wants_to_wake_at_once_lets_time_pass() -> None:
    """A wake at the present instant is put off a little, so that it cannot stop the clock."""
    rig = Rig()
    rig.quote()
    stubborn(rig, wake=True)

    rig.order()

    due = rig.engine.next_wake()
    assert due is not None
    assert due > rig.now


def test_an_amendment_that_is_refused_changes_nothing() -> None:
    """No schedule starts anew because of a change that was not made."""
    rig = working()

    records = rig.handle(AmendOrder(order_id="p1", by="desk", changes={"quantity": -5}))

    assert [type(record) for record in records] == [AmendRefused]


def test_an_order_that_starts_later_waits_for_its_quote_until_then() -> None:
    """Before the open there is no quote; the time to wait for one runs from the order's start."""
    rig = Rig()
    rig.order(start=rig.now + 5 * MINUTE)

    rig.pass_time(5 * MINUTE)
    waiting = not rig.parent.is_done
    rig.pass_time(MINUTE)

    assert waiting
    assert rig.parent.done_reason == "no quote within 10 s"


def test_a_kill_does_not_wait_for_the_brokers_listing() -> None:
    """While a restart waits to reconcile, a kill's cancels leave; nothing else does."""
    rig = working()
    rig.engine, journal = rig.fresh_engine(), list(rig.records)
    rig.engine.restore(journal)
    rig.engine.recover(rig.now)
    rig.want(slice_of(60))
    waiting = rig.requests()

    rig.handle(Kill(kill_id="k", by="risk", reason="test"))

    assert waiting == []
    assert [type(request) for request in rig.requests()] == [CancelRequested]


def test_what_is_heard_before_recovery_leads_to_no_request() -> None:
    """Reports that come while the line is being opened are booked; the plan waits for reconciliation."""
    rig = working(50)
    rig.engine, journal = rig.fresh_engine(), list(rig.records)
    rig.engine.restore(journal)
    rig.puppet.wanted = (slice_of(20),)

    rig.fill(10)

    assert rig.requests() == []
    assert rig.parent.filled == quantity_from(10)
