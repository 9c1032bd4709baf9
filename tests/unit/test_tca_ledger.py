"""The fold of a journal into orders and children."""

from typing import get_args

import msgspec
import pytest

from quietfill.domain.execution_report import Fill
from quietfill.domain.messages import KillScope
from quietfill.domain.order_state import OrderState
from quietfill.domain.records import (
    AlertRaised,
    AmendRefused,
    AnyRecord,
    CancelRefused,
    CancelRequested,
    ChildAdopted,
    ChildFilled,
    ChildInDoubt,
    FillRevised,
    KillSwitchEngaged,
    OrderAmended,
    OrderCancelAsked,
    OrderFrozen,
    OrderPaused,
    OrderResumed,
    ReplaceRefused,
    ReplaceRequested,
    RequestWithdrawn,
    RunEnded,
    RunStarted,
    ScheduleRebased,
    WorkingMark,
)
from quietfill.domain.types import Liquidity, price_from, quantity_from
from quietfill.tca.children import RequestKind
from quietfill.tca.figures import order_figures
from quietfill.tca.ledger import Ledger
from tests.tca_records import Script, at, known


def order_of(script):
    """Return the ledger of a script's only order."""
    (order,) = Ledger.of(script).orders.values()
    return order


def standings(child):
    """Return a child's terms at the venue as (since, until, limit price)."""
    return [(item.since, item.until, item.limit_price) for item in child.standings]


def test_every_kind_of_record_has_its_place():
    """The ledger knows what to do with each record there is, so that a new kind is not forgotten."""
    assert set(get_args(AnyRecord)) == set(Ledger()._book)


def test_a_child_keeps_its_requests_and_its_time_at_the_venue():
    """Requests keep their reasons; standings run from the venue's answers to the end of the child."""
    script = Script().place("c1", 1, 500, 99.99, touch=(99.99, 100.03)).replace("c1", 10, 500, 100.01)
    order = order_of(script.fill("c1", 12, 500, 100.01).done(13, "filled", 500))
    (child,) = order.children

    assert [(item.kind, item.why) for item in child.requests] == [
        (RequestKind.PLACE, "rests at the near touch"), (RequestKind.REPLACE, "steps to mid"),
    ]  # fmt: skip
    assert child.requests[0].ask == price_from(100.03)
    assert standings(child) == [
        (at(1.001), at(10.001), price_from(99.99)), (at(10.001), at(12), price_from(100.01)),
    ]  # fmt: skip
    assert (child.state, child.done_at, child.filled) == (OrderState.FILLED, at(12), quantity_from(500))
    assert (order.state, order.ended_at, order.messages) == (OrderState.FILLED, at(13), 2)


def test_withdrawn_requests_are_not_messages():
    """A replace that never left is taken back; a placement that never left takes its whole child with it."""
    script = Script().place("c1", 1, 500, 99.99)
    script.add(
        ReplaceRequested(
            at=at(2), child_id="c1", revision=1, total=quantity_from(500), limit_price=price_from(100.01), why="mid"
        ),
        RequestWithdrawn(at=at(2), child_id="c1", revision=1, reason="no line to the broker"),
    ).place("c2", 3, 500, 99.99, acknowledged=-1)
    script.add(
        CancelRequested(at=at(3), child_id="c2", attempt=1, why="killed"),
        RequestWithdrawn(at=at(3), child_id="c2", revision=0, reason="kill switch"),
    )
    order = order_of(script)

    assert (order.messages, order.children_sent, len(order.children)) == (1, 1, 2)
    assert order.children[1].state is OrderState.FAILED
    assert order.children[1].withdrawn == ["kill switch"]
    assert standings(order.children[0]) == [(at(1.001), None, price_from(99.99))]


def test_cancels_and_their_refusals_are_kept():
    """A refused cancel leaves the child standing, in doubt, and every attempt is a message."""
    script = Script().place("c1", 1, 500, 99.99)
    script.add(
        CancelRequested(at=at(2), child_id="c1", attempt=1, why="slice over"),
        CancelRefused(at=at(2), child_id="c1", reason="too late"),
        ChildInDoubt(at=at(2), child_id="c1", reason="cancel refused: too late"),
        CancelRequested(at=at(3), child_id="c1", attempt=2, why="slice over"),
    ).end_child("c1", 4, 0)
    order = order_of(script)
    (child,) = order.children

    assert (child.refusals, child.doubts, order.messages) == (["too late"], 1, 3)
    assert (child.state, child.done_at) == (OrderState.CANCELLED, at(4))


def test_a_partly_filled_child_is_complete_when_its_replace_is_refused():
    """A child that waits for more quantity ends when that is refused and all of the old quantity is filled."""
    script = Script().place("c1", 1, 500, 99.99)
    script.add(
        ReplaceRequested(
            at=at(2), child_id="c1", revision=1, total=quantity_from(900), limit_price=price_from(99.99), why="grows"
        )
    ).fill("c1", 2.5, 500, 99.99)
    assert order_of(script).children[0].state is OrderState.PARTIAL

    script.add(ReplaceRefused(at=at(3), child_id="c1", revision=1, reason="too late"))
    assert order_of(script).children[0].state is OrderState.FILLED


def test_a_late_fill_is_booked_and_moves_nothing_else():
    """A fill after the cancel counts in the totals; the child's end stays where the broker put it."""
    script = Script().place("c1", 1, 500, 99.99).end_child("c1", 5, 0).fill("c1", 4.9, 200, 99.99)
    order = order_of(script)
    (child,) = order.children

    assert (order.filled, child.filled) == (quantity_from(200), quantity_from(200))
    assert (child.state, child.done_at) == (OrderState.CANCELLED, at(5))
    assert order.unfilled == quantity_from(800)


def test_a_child_adopted_after_a_crash_stands_on_the_brokers_terms():
    """Reconciliation's terms replace those that were never acknowledged."""
    script = Script().place("c1", 1, 500, 99.99, acknowledged=-1)
    script.add(
        ChildAdopted(
            at=at(9), child_id="c1", broker_order_id=7, total=quantity_from(400), limit_price=price_from(99.98),
            revision=0,
        )
    )  # fmt: skip
    (child,) = order_of(script).children

    assert standings(child) == [(at(9), None, price_from(99.98))]
    assert (child.total, child.broker_order_id, child.acknowledged_at) == (quantity_from(400), 7, at(9))


def test_what_people_did_to_the_order_is_kept():
    """Amendments change the terms in force; pauses, rebases, alerts, freezes and cancels are remembered."""
    script = Script().add(
        OrderAmended(at=at(1), order_id="order-1", by="ann", limit_price=price_from(101), end=at(900)),
        AmendRefused(at=at(2), order_id="order-1", by="ann", reasons=("below filled",)),
        OrderPaused(at=at(3), order_id="order-1", by="bob"),
        OrderResumed(at=at(5), order_id="order-1", by="bob"),
        ScheduleRebased(at=at(5), order_id="order-1", start=at(5), filled=0, market_volume=0, reason="resumed"),
        WorkingMark(at=at(6), order_id="order-1", market_volume=0),
        OrderPaused(at=at(7), order_id="order-1", by="bob"),
        AlertRaised(at=at(8), subject="order-1", severity="warning", text="collar binds"),
        AlertRaised(at=at(8), subject="somebody else's", severity="warning", text="foreign"),
        OrderFrozen(at=at(9), order_id="order-1", reason="over-filled"),
        OrderCancelAsked(at=at(9), order_id="order-1", by="ann", reason="enough"),
    )
    order = order_of(script)

    assert (order.limit_price, order.end, order.quantity) == (price_from(101), at(900), quantity_from(1000))
    assert [(pause.since, pause.until) for pause in order.pauses] == [(at(3), at(5)), (at(7), None)]
    assert (len(order.amendments), len(order.amendments_refused), len(order.rebases)) == (1, 1, 1)
    assert [alert.text for alert in order.alerts] == ["collar binds"]
    assert (order.frozen_reason, known(order.cancel_asked).reason, order.last_at) == ("over-filled", "enough", at(9))


def test_what_concerned_the_house_is_kept_beside_the_orders():
    """Runs and kills belong to no order; a second run means that the first did not end."""
    kill = KillSwitchEngaged(at=at(1), kill_id="k1", by="ann", reason="test", scope=KillScope(), cancel_pending=True)
    start = RunStarted(at=at(0), run_id="r1", details={"seed": 7})
    ledger = Ledger.of([start, kill, RunEnded(at=at(2), reason="over")])

    assert (ledger.runs, ledger.notices, known(ledger.run_ended).reason, ledger.last_at) == (
        [start],
        [kill],
        "over",
        at(2),
    )
    ledger.apply(RunStarted(at=at(3), run_id="r2", details={}))
    assert (len(ledger.runs), ledger.run_ended) == (2, None)


def test_a_record_about_an_unknown_order_is_our_bug():
    """A journal that speaks of an order nobody accepted is refused, not patched over."""
    with pytest.raises(KeyError):
        Ledger.of([OrderPaused(at=at(1), order_id="ghost", by="ann")])


def fill_at(told, *, child="c1", execution="x"):
    """Return an execution that the broker says happened at *told* seconds."""
    return Fill(
        execution_id=execution, quantity=quantity_from(500), price=price_from(100), exchange_time=at(told),
        liquidity=Liquidity.UNKNOWN,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("told", "taken"), [(10.0, 10.4), (10.39, 10.4), (10.5, 10.5), (10.6, 10.6), (11.0, 10.6)]
)  # fmt: skip
def test_a_fill_is_never_before_its_request_nor_after_it_was_heard(told, taken):
    """A broker that tells whole seconds, or whose clock is ahead, makes no fill impossible in figures and charts."""
    script = Script(accepted=10.4).place("c1", 10.4, 1000, 100, acknowledged=10.45)
    order = order_of(script.add(ChildFilled(at=at(10.6), child_id="c1", fill=fill_at(told))))

    assert (order.first_fill_at, order.last_fill_at) == (at(taken), at(taken))
    assert order.children[0].fills[0].fill.exchange_time == at(taken)
    assert order_figures(order, None).time_to_first_fill_seconds == pytest.approx(taken - 10.4)


def test_a_revised_fill_keeps_within_the_same_bounds():
    """A commission that comes later does not bring the impossible time back, nor its own."""
    script = Script(accepted=10.4).place("c1", 10.4, 1000, 100, acknowledged=10.45)
    script.add(
        ChildFilled(at=at(10.6), child_id="c1", fill=fill_at(10)),
        FillRevised(at=at(12), child_id="c1", fill=fill_at(11.5), why="the commission is known"),
    )

    assert order_of(script).fills[0].fill.exchange_time == at(10.6)


def test_a_fill_that_a_change_made_possible_is_not_before_the_change():
    """At a price beyond the first limit it cannot have traded before the limit was moved; at that limit it can."""
    script = Script(accepted=10.4).place("c1", 10.4, 1000, 99, acknowledged=10.45).replace("c1", 12.6, 1000, 100)
    script.add(
        ChildFilled(at=at(12.8), child_id="c1", fill=fill_at(12)),
        ChildFilled(
            at=at(12.8), child_id="c1", fill=msgspec.structs.replace(fill_at(12, execution="y"), price=price_from(99))
        ),
    )

    assert [item.fill.exchange_time for item in order_of(script).fills] == [at(12.6), at(12)]
