"""What a cancelled child may still trade: late fills, missing fills, many children ending together."""

from __future__ import annotations

from quietfill.domain.messages import CancelOrder
from quietfill.domain.order_state import OrderState
from quietfill.domain.types import MILLISECOND, SECOND, quantity_from
from tests.engine.rig import Rig, slice_of
from tests.engine.test_working import working


def test_a_fill_beyond_the_brokers_last_count_is_booked_and_the_order_still_ends() -> None:
    """A cancel confirmed with nothing filled, then a fill: settling begins anew and the parent ends."""
    rig = working()
    rig.handle(CancelOrder(order_id="p1", by="desk"))
    rig.cancelled(0)
    rig.pass_time(200 * MILLISECOND)

    rig.fill(30)
    rig.pass_time(200 * MILLISECOND)
    before = rig.parent.is_done
    rig.pass_time(SECOND)

    assert not before
    assert (rig.parent.state, rig.parent.filled) == (OrderState.CANCELLED, quantity_from(30))


def test_every_cancelled_child_is_exposed_until_it_has_settled() -> None:
    """However many children end at the same time, none of their remainders is free early."""
    rig = Rig()
    rig.quote()
    rig.puppet.wanted = tuple(slice_of(5, key=f"k{number}") for number in range(20))
    rig.order(100)
    for number in range(1, 21):
        rig.ack(f"p1-{number}")
    rig.want()
    for number in range(1, 21):
        rig.cancelled(0, f"p1-{number}")
    rig.requests()

    rig.want(slice_of(100, key="new"))
    early = rig.placed()
    rig.pass_time(SECOND)
    rig.want(slice_of(100, key="new"))

    assert early == []
    assert [request.quantity for request in rig.placed()] == [quantity_from(100)]


def test_a_missing_fill_stays_exposed_however_many_children_follow() -> None:
    """What the broker counted and we never booked is not asked for again, also not after many more children."""
    rig = Rig()
    rig.quote()
    rig.puppet.wanted = (slice_of(50, key="first"),)
    rig.order(100)
    rig.ack()
    rig.want()
    rig.cancelled(50)
    for number in range(2, 22):
        rig.want(slice_of(1, key=f"k{number}"))
        rig.ack(f"p1-{number}")
        rig.want()
        rig.cancelled(0, f"p1-{number}")
        rig.pass_time(SECOND)
    rig.requests()

    rig.want(slice_of(100, key="new"))

    assert [request.quantity for request in rig.placed()] == [quantity_from(50)]
