"""Our books against what the broker and the market say: executions, volumes, children given up."""

from __future__ import annotations

from quietfill.domain.execution_report import ReportKind
from quietfill.domain.messages import BrokerOrder
from quietfill.domain.records import AlertRaised, CancelRequested
from quietfill.domain.types import MINUTE, SECOND, price_from, quantity_from
from quietfill.engine.timers import Timers
from tests.engine.rig import NOON, Rig, fingerprint, slice_of
from tests.engine.test_working import working

DAY = 86_400 * SECOND


def alarms(rig: Rig) -> list[str]:
    """Return what was alerted."""
    return [record.text for record in rig.records if isinstance(record, AlertRaised) and record.severity == "critical"]


def test_a_child_that_was_given_up_and_lives_is_taken_back() -> None:
    """It is exposed again, what exceeds the order is cancelled at once, and a person is told."""
    rig = Rig()
    rig.quote()
    rig.puppet.wanted = (slice_of(100),)
    rig.order()
    rig.handle(rig.report(ReportKind.NOT_FOUND))
    rig.pass_time(SECOND)
    replaced_by = [request.child_id for request in rig.placed()]

    rig.ack("p1-1")
    rig.ack("p1-2")
    again = rig.fresh_engine()
    again.restore(rig.records)

    assert replaced_by == ["p1-1", "p1-2"]
    assert [request.child_id for request in rig.requests() if isinstance(request, CancelRequested)] == ["p1-1"]
    assert rig.parent.room(rig.now, 0) == -quantity_from(100)
    assert alarms(rig) == ["p1-1 is alive at the broker, though it was given up: "]
    assert fingerprint(again) == fingerprint(rig.engine)


def test_an_execution_that_comes_again_with_other_content_is_an_alarm() -> None:
    """The first is kept; the same content again is nothing."""
    rig = working()
    rig.fill(10, execution="x")
    rig.fill(10, execution="x")
    quiet = alarms(rig)

    rig.fill(20, execution="x")

    assert quiet == []
    assert alarms(rig) == ["execution x of p1-1 came again with other content; the first is kept"]
    assert rig.parent.filled == quantity_from(10)


def test_our_own_prints_stay_ours_over_midnight() -> None:
    """The others' volume is the session's less all that we traded in it, also when a UTC day ends in between."""
    rig = Rig()
    rig.now = (NOON // DAY + 1) * DAY - MINUTE
    rig.puppet.wanted = (slice_of(1000),)
    rig.quote(volume=10_000)
    rig.order(1000, end=rig.now + 30 * MINUTE)
    rig.ack()
    rig.fill(500)
    rig.pass_time(2 * MINUTE)
    rig.fill(100)
    rig.engine._touch(rig.parent)  # a quote alone concerns no puppet

    rig.quote(volume=21_000)

    assert rig.parent.market_volume == quantity_from(10_400)


def test_replaced_timers_do_not_pile_up() -> None:
    """A key that is set again and again leaves a bounded heap and wakes once, at the last time."""
    timers = Timers()
    for step in range(10_000):
        timers.set("a", DAY + step % 7)

    assert len(timers._heap) < 100
    assert timers.next_at() == DAY + 9_999 % 7
    assert timers.take_due(2 * DAY) == ["a"]
    assert timers.next_at() is None


def test_a_listed_child_that_was_given_up_is_taken_back_too() -> None:
    """A broker that lists a child as open has it, whatever we thought became of it."""
    rig = Rig()
    rig.quote()
    rig.puppet.wanted = (slice_of(100),)
    rig.order()
    rig.handle(rig.report(ReportKind.NOT_FOUND))
    listed = BrokerOrder(
        child_id="p1-1",
        broker_order_id=1,
        total=quantity_from(100),
        cumulative=0,
        limit_price=price_from("10.00"),
        is_open=True,
    )

    rig.handle(rig.snapshot(listed))

    assert rig.parent.live_children["p1-1"].leaves == quantity_from(100)
    assert rig.parent.room(rig.now, 0) == 0
