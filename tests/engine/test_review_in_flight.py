"""What the broker lists, against requests that are still on their way."""

from __future__ import annotations

from msgspec import structs

from quietfill.domain.execution_report import ReportKind
from quietfill.domain.messages import BrokerOrder, CancelOrder, LinkState
from quietfill.domain.order_state import OrderState
from quietfill.domain.types import MILLISECOND, SECOND, price_from, quantity_from
from tests.engine.rig import Rig, fingerprint, slice_of
from tests.engine.test_working import working


def listed(total: int = 100, revision: int = 0) -> BrokerOrder:
    """Return a broker's line about the first child, open and unfilled."""
    return BrokerOrder(
        child_id="p1-1",
        broker_order_id=1,
        total=quantity_from(total),
        cumulative=0,
        limit_price=price_from("10.00"),
        is_open=True,
        revision=revision,
    )


def half_working() -> Rig:
    """Return a rig with an order of 100 and one acknowledged child of 50."""
    rig = Rig()
    rig.quote()
    rig.puppet.wanted = (slice_of(50),)
    rig.order(100)
    rig.ack()
    rig.requests()
    return rig


def test_a_listing_made_before_a_replace_arrived_does_not_settle_it() -> None:
    """The replace stays open, so that its larger total is exposed, and is confirmed when the broker says so."""
    rig = half_working()
    rig.want(slice_of(100))

    rig.handle(rig.snapshot(listed(50)))
    rig.replaced(100)
    rig.requests()
    rig.want(slice_of(100), slice_of(50, key="b"))

    assert rig.parent.live_children["p1-1"].total == quantity_from(100)
    assert rig.placed() == []


def test_a_listing_asked_for_before_the_terms_changed_is_old_news() -> None:
    """What arrives after a confirmed replace, but was asked before it, changes nothing."""
    rig = half_working()
    old = rig.snapshot(listed(50))
    rig.pass_time(MILLISECOND)
    rig.want(slice_of(100))
    rig.replaced(100)

    rig.handle(old)

    assert rig.parent.live_children["p1-1"].total == quantity_from(100)


def test_a_replace_that_was_given_up_still_counts_when_it_turns_out_to_be_in_force() -> None:
    """In doubt, listed without the replace, adopted; then the late confirmation comes, once."""
    rig = half_working()
    rig.want(slice_of(100))
    rig.pass_time(6 * SECOND)
    rig.puppet.wanted = (slice_of(50),)
    rig.handle(rig.snapshot(listed(50)))
    given_up = rig.parent.live_children["p1-1"].total

    rig.replaced(100)
    rig.replaced(100)
    again = rig.fresh_engine()
    again.restore(rig.records)

    assert given_up == quantity_from(50)
    assert rig.parent.live_children["p1-1"].total == quantity_from(100)
    assert fingerprint(again) == fingerprint(rig.engine)


def test_what_was_asked_before_the_line_broke_is_in_doubt_when_it_is_back() -> None:
    """The listing after a reconnection settles it at once, not after another time-out."""
    rig = Rig()
    rig.quote()
    rig.puppet.wanted = (slice_of(100),)
    rig.order()
    rig.handle(LinkState(up=False))

    rig.handle(LinkState(up=True))
    doubtful = rig.parent.live_children["p1-1"].state
    rig.handle(rig.snapshot(listed()))

    assert doubtful is OrderState.UNKNOWN
    assert rig.parent.live_children["p1-1"].state is OrderState.WORKING


def test_a_sign_of_life_gives_an_unanswered_cancel_its_deadline_again() -> None:
    """An acknowledgement after the doubt does not leave the cancel pending for ever: it is asked about again."""
    rig = Rig()
    rig.quote()
    rig.puppet.wanted = (slice_of(100),)
    rig.order()
    rig.handle(CancelOrder(order_id="p1", by="desk"))
    rig.pass_time(6 * SECOND)
    rig.engine.take_questions()

    rig.ack()
    rig.pass_time(6 * SECOND)

    assert rig.engine.take_questions() == {"p1-1"}


def test_a_broker_that_denies_an_order_it_had_is_asked_again() -> None:
    """`not found` about an acknowledged child is a contradiction: in doubt and exposed, never simply ended."""
    rig = working()
    rig.fill(10)

    rig.handle(rig.report(ReportKind.NOT_FOUND, reason="no such order"))

    assert rig.parent.live_children["p1-1"].state is OrderState.UNKNOWN
    assert rig.parent.room(rig.now, 0) == 0


def test_a_listing_that_says_done_frees_nothing_while_its_fills_are_missing() -> None:
    """Filled or cancelled according to the listing, but the executions did not come: all of it stays exposed."""
    for state, cumulative in (("filled", 100), ("cancelled", 40)):
        rig = Rig()
        rig.quote()
        rig.puppet.wanted = (slice_of(100),)
        rig.order()
        done = structs.replace(listed(), is_open=False, state=state, cumulative=quantity_from(cumulative))
        rig.requests()

        rig.handle(rig.snapshot(done))
        rig.pass_time(SECOND)
        while_missing = rig.placed()
        rig.fill(cumulative)
        rig.pass_time(SECOND)

        assert while_missing == []
        assert sum(request.quantity for request in rig.placed()) == quantity_from(100 - cumulative)
