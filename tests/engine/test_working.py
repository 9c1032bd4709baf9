"""What is asked of the broker when what is wanted and what is working differ."""

from __future__ import annotations

from quietfill.algos.base import Outcome
from quietfill.domain.execution_report import ReportKind
from quietfill.domain.order_state import OrderState
from quietfill.domain.records import (
    AlertRaised,
    CancelRequested,
    ChildRequested,
    OrderDone,
    OrderFrozen,
    OrderRefused,
    ReplaceRequested,
)
from quietfill.domain.types import MILLISECOND, SECOND, price_from, quantity_from
from tests.engine.rig import Rig, slice_of


def working(quantity: int = 100) -> Rig:
    """Return a rig with one acknowledged child for the whole order."""
    rig = Rig()
    rig.puppet.wanted = (slice_of(quantity),)
    rig.quote()
    rig.order(quantity)
    rig.ack()
    rig.requests()
    return rig


def test_a_wanted_slice_becomes_one_child() -> None:
    """A slice without a child is placed once, with the slice's terms."""
    rig = Rig()
    rig.puppet.wanted = (slice_of(60),)
    rig.quote()
    rig.order(100)

    placed = rig.placed()
    rig.want(slice_of(60))

    assert [(child.quantity, child.limit_price) for child in placed] == [(quantity_from(60), price_from("10.00"))]
    assert rig.placed() == []


def test_a_slice_gets_no_more_than_the_room() -> None:
    """Slices that want more than the order get what is left of it."""
    rig = Rig()
    rig.puppet.wanted = (slice_of(80, key="a"), slice_of(80, key="b"))
    rig.quote()
    rig.order(100)

    assert [child.quantity for child in rig.placed()] == [quantity_from(80), quantity_from(20)]


def test_nothing_is_changed_while_a_request_is_in_flight() -> None:
    """A child without an acknowledgement is left alone; its answer brings the change."""
    rig = Rig()
    rig.puppet.wanted = (slice_of(100),)
    rig.quote()
    rig.order(100)
    rig.requests()

    rig.want(slice_of(100, "10.01"))
    before = rig.requests()
    rig.ack()

    assert before == []
    assert [request.limit_price for request in rig.replaces()] == [price_from("10.01")]


def test_a_price_change_is_one_replace_with_the_new_total() -> None:
    """A partly filled child is replaced with fills booked plus leaves wanted."""
    rig = working()
    rig.fill(30)

    rig.want(slice_of(70, "10.01"))

    replaces = rig.replaces()
    assert [(r.total, r.limit_price, r.revision) for r in replaces] == [(quantity_from(100), price_from("10.01"), 1)]


def test_a_fill_alone_causes_no_message() -> None:
    """Leaves are compared with leaves, so a partial fill changes nothing at the broker."""
    rig = working()
    rig.puppet.wanted = (slice_of(70),)

    rig.fill(30)

    assert rig.requests() == []


def test_an_unwanted_child_is_cancelled_once() -> None:
    """A child whose slice is gone gets one cancel, however often the parent is looked at."""
    rig = working()
    rig.puppet.wanted = ()

    rig.fill(10)
    rig.fill(10)

    assert [type(request) for request in rig.requests()] == [CancelRequested]


def test_a_cancelled_remainder_waits_for_the_settle_window() -> None:
    """The remainder of a cancelled child is asked for again only after the settle time."""
    rig = working()
    rig.puppet.wanted = ()
    rig.fill(10)
    rig.puppet.wanted = (slice_of(90, key="b"),)

    rig.cancelled(10)
    at_once = rig.placed()
    rig.pass_time(249 * MILLISECOND)
    before = rig.placed()
    rig.pass_time(1 * MILLISECOND)

    assert at_once == []
    assert before == []
    assert [child.quantity for child in rig.placed()] == [quantity_from(90)]


def test_a_remainder_is_not_free_while_fills_are_missing() -> None:
    """When the broker counts more fills than were booked, the difference stays exposed until they come."""
    rig = working()
    rig.puppet.wanted = ()
    rig.fill(10)
    rig.puppet.wanted = (slice_of(90, key="b"),)

    rig.cancelled(40)
    rig.pass_time(10 * SECOND)
    before = rig.placed()
    rig.fill(30)
    rig.pass_time(1 * SECOND)

    assert before == []
    assert [child.quantity for child in rig.placed()] == [quantity_from(60)]


def test_an_unconfirmed_replace_counts_the_larger_total() -> None:
    """While a smaller total is not confirmed, the larger one is still exposed."""
    rig = working()
    rig.puppet.wanted = (slice_of(40),)
    rig.fill(10)
    rig.puppet.wanted = (slice_of(40), slice_of(60, key="b"))

    rig.want(*rig.puppet.wanted)
    before = rig.placed()
    rig.replaced(50)

    assert before == []
    assert [child.quantity for child in rig.placed()] == [quantity_from(50)]


def test_the_order_ends_when_it_is_filled() -> None:
    """The last fill ends child and parent, and nothing is left working."""
    rig = working()

    records = rig.fill(100)

    done = [record for record in records if isinstance(record, OrderDone)]
    assert [(record.state, record.filled) for record in done] == [(OrderState.FILLED, quantity_from(100))]
    assert not rig.engine.state.live


def test_the_order_ends_unfilled_when_its_window_does() -> None:
    """At the end of the window the rest is cancelled and the parent expires after the settle time."""
    rig = working()
    rig.fill(10)
    rig.puppet.wanted = (slice_of(90),)

    rig.now = rig.parent.end
    rig.wake()
    cancels = rig.requests()
    rig.cancelled(10)
    records = rig.pass_time(1 * SECOND)

    assert [type(request) for request in cancels] == [CancelRequested]
    assert [r.state for r in records if isinstance(r, OrderDone)] == [OrderState.EXPIRED]


def test_rejects_back_off_and_freeze() -> None:
    """Each reject doubles the wait, and ten in a row freeze the parent with an alert."""
    rig = Rig()
    rig.puppet.wanted = (slice_of(100),)
    rig.quote()
    rig.order(100)

    waits = []
    for number in range(1, 11):
        asked = rig.now
        rig.handle(rig.report(ReportKind.REJECTED, f"p1-{number}", reason="no"))
        rig.requests()
        while not rig.placed() and rig.engine.next_wake() is not None and rig.parent.frozen_reason is None:
            rig.now = rig.engine.next_wake() or rig.now
            rig.wake()
        waits.append((rig.now - asked) // MILLISECOND)

    assert waits[:5] == [250, 500, 1000, 2000, 4000]
    assert rig.parent.frozen_reason == "10 rejects in a row, the last: no"
    alerts = [record for record in rig.records if isinstance(record, AlertRaised)]
    assert [(alert.severity, alert.text) for alert in alerts] == [("critical", "10 rejects in a row, the last: no")]


def test_a_failing_algo_freezes_its_own_order_only() -> None:
    """An exception in an algo cancels and freezes that parent; the engine goes on."""
    rig = working()
    rig.puppet.fails = True

    records = rig.fill(10)

    assert any(isinstance(record, OrderFrozen) and "boom" in record.reason for record in records)
    assert [type(request) for request in rig.requests()] == [CancelRequested]


def test_a_repeated_decision_sends_nothing_and_names_the_first_outcome() -> None:
    """The same decision a hundred times is one order; each repeat is refused as a duplicate."""
    rig = working()

    for _ in range(100):
        rig.order(100)

    refusals = [record for record in rig.records if isinstance(record, OrderRefused)]
    assert len(refusals) == 100
    assert {record.duplicate_of for record in refusals} == {"accepted as order p1"}
    assert rig.requests() == []


def test_a_schedule_that_needs_more_than_its_budget_is_widened_and_says_so() -> None:
    """With ten placements a minute, one-second slices become six-second slices."""
    rig = Rig(Rig().settings.__class__(max_orders_per_minute=10))
    rig.quote()

    rig.order(100, algo="twap", params={"slice_seconds": 1})

    assert rig.parent.raw_params["slice_seconds"] == 6.0
    assert "widened from 1 s to 6 s" in rig.parent.accepted.notes[0]


def test_what_finds_no_token_is_planned_anew_when_one_is_free() -> None:
    """The need waits, not the message: what leaves later has the terms of later."""
    rig = Rig(Rig().settings.__class__(max_orders_per_minute=1, min_order_interval=0))
    rig.puppet.wanted = (slice_of(50, key="a", crossing=True), slice_of(50, key="b", crossing=True))
    rig.quote()
    rig.order(100)
    first = rig.placed()

    rig.puppet.wanted = (slice_of(50, key="a", crossing=True), slice_of(50, "9.99", key="b", crossing=True))
    rig.pass_time(60 * SECOND)

    assert len(first) == 1
    assert [child.limit_price for child in rig.placed()] == [price_from("9.99")]


def test_an_unanswered_request_puts_the_child_in_doubt() -> None:
    """Without an answer in five seconds the child is in doubt, fully exposed, and asked about."""
    rig = Rig()
    rig.puppet.wanted = (slice_of(100),)
    rig.quote()
    rig.order(100)

    rig.pass_time(5 * SECOND)

    child = rig.engine.state.children["p1-1"]
    assert child.state is OrderState.UNKNOWN
    assert rig.parent.room(rig.now, rig.settings.settle) == 0
    assert rig.engine.take_questions() == {"p1-1"}


def test_finish_waits_until_nothing_is_working() -> None:
    """An algo that is finished has its children cancelled before the parent ends."""
    rig = working()
    rig.puppet.wanted = ()
    rig.puppet.finish = Outcome.ABANDONED

    records = rig.fill(10)

    assert not any(isinstance(record, OrderDone) for record in records)
    assert isinstance(rig.requests()[0], CancelRequested)


def test_child_ids_are_never_used_twice() -> None:
    """Every child of a parent has a number of its own."""
    rig = working()
    rig.puppet.wanted = ()
    rig.fill(10)
    rig.puppet.wanted = (slice_of(90),)
    rig.cancelled(10)
    rig.pass_time(1 * SECOND)

    ids = [record.child_id for record in rig.records if isinstance(record, ChildRequested)]
    assert ids == ["p1-1", "p1-2"]
    assert not any(isinstance(record, ReplaceRequested) for record in rig.records)
