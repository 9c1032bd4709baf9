"""What the gateway says about orders, in every bad manner that is known, and what is reported of it."""

from __future__ import annotations

import pytest
from ib_async.order import Order, OrderState

from quietfill.domain.execution_report import ReportKind
from quietfill.domain.types import SECOND, price_from, quantity_from
from tests.ib.rig import NOON, STOCK, Ears

ACCEPTED, FILL, REPLACED, STATUS = ReportKind.ACCEPTED, ReportKind.FILL, ReportKind.REPLACED, ReportKind.STATUS
CANCELLED, EXPIRED, REJECTED, NOT_FOUND = (
    ReportKind.CANCELLED, ReportKind.EXPIRED, ReportKind.REJECTED, ReportKind.NOT_FOUND,
)  # fmt: skip
CENT = price_from("1.25")


# Orders that live


def test_an_echo_acknowledges_once_with_the_id_of_the_session():
    """The first sign of life is the acknowledgement; later ones only say that it lives."""
    ears = Ears()
    child = ears.placed()
    ears.echo("PreSubmitted")
    ears.echo("Submitted")
    ears.status()

    assert ears.kinds == [ACCEPTED, STATUS]
    assert ears.reports[0].broker_order_id == 5
    assert child.perms == {900}


def test_a_market_order_filled_without_any_echo_is_booked():
    """Execution alone is enough: fast market orders get no open order and no status."""
    ears = Ears()
    child = ears.placed(price=None)
    ears.execution(perm_id=0)

    assert ears.kinds == [FILL]
    assert child.filled == quantity_from(100)
    assert child.end == "filled"


def test_an_execution_before_any_echo_is_bound_by_our_reference():
    """The order of arrival does not matter: the reference is in the execution."""
    ears = Ears()
    ears.placed()
    ears.execution(order_id=0, perm_id=900, quantity=40, cumulative=40)
    ears.echo()

    assert ears.kinds == [FILL, STATUS]


def test_a_status_before_its_echo_waits_for_it():
    """A status carries no reference: without a known id it is heard once the echo has told whose it is."""
    ears = Ears()
    child = ears.placed(order_id=4)
    ears.children._by_order.clear()
    child.order_id = None
    ears.status("Cancelled", filled=0, remaining=100, order_id=4)
    before = ears.kinds
    ears.echo(order_id=4)

    assert before == []
    assert ears.kinds == [ACCEPTED, CANCELLED]


def test_two_orders_with_permanent_id_zero_are_kept_apart():
    """An id of 0 is no id: the second one's fill is not booked on the first."""
    ears = Ears()
    ears.placed("p1-1", 5)
    ears.placed("p1-2", 6)
    ears.echo(reference="p1-1", order_id=5, perm_id=0)
    ears.echo(reference="p1-2", order_id=6, perm_id=0)
    ears.execution(reference="p1-2", order_id=6, perm_id=0)

    assert [report.child_id for report in ears.reports if report.kind is FILL] == ["p1-2"]


def test_an_id_that_came_back_does_not_lead_to_the_order_that_had_it_before():
    """After ids were rolled back, a status of another permanent id under a known number is not that order's."""
    ears = Ears()
    ears.placed("p1-1", 5)
    ears.echo(reference="p1-1", order_id=5, perm_id=900)
    ears.status("Cancelled", order_id=5, perm_id=901)

    assert ears.kinds == [ACCEPTED]


def test_a_stranger_reference_is_never_ours_whatever_its_ids_say():
    """An echo of somebody else's order under our numbers changes nothing."""
    ears = Ears()
    ears.placed()
    ears.echo(reference="theirs", order_id=5)

    assert ears.reports == []


# Executions and what they cost


def test_the_same_execution_twice_is_told_once():
    """A replay after a reconnection changes nothing."""
    ears = Ears()
    ears.placed()
    ears.execution()
    ears.execution(request=1_900_000_000)

    assert ears.kinds == [FILL]


def test_a_correction_replaces_and_an_older_word_does_not():
    """The stem is the key; the higher revision counts, whichever comes last."""
    ears = Ears()
    ears.placed()
    ears.execution("a.b.c.01", 60, 10.0)
    ears.execution("a.b.c.02", 40, 9.99)
    ears.execution("a.b.c.01", 60, 10.0)

    assert ears.fills() == {"a.b.c": (2, quantity_from(40), price_from("9.99"), None)}
    assert ears.kinds == [FILL, FILL]


def test_a_correction_lowers_what_is_counted_as_filled():
    """After a correction the broker's earlier count asks for nothing."""
    ears = Ears()
    child = ears.placed()
    ears.execution("a.b.c.01", 100, 10.0)
    ears.execution("a.b.c.02", 90, 10.0, cumulative=100)
    ears.wait(10)

    assert child.filled == child.expected == quantity_from(90)
    assert ears.asked == []


@pytest.mark.parametrize("early", [True, False])
def test_a_commission_joins_its_execution_whichever_comes_first(early):
    """Before it, it waits; after it, the execution is told again with its cost."""
    ears = Ears()
    ears.placed()
    if early:
        ears.commission()
    ears.execution()
    if not early:
        ears.commission()
    ears.commission()

    assert ears.fills() == {"a.b.c": (1, quantity_from(100), price_from("10"), CENT)}
    assert len(ears.reports) == (1 if early else 2)


def test_a_commission_of_one_revision_is_not_another_ones():
    """The cost of what was corrected away is not that of the correction."""
    ears = Ears()
    ears.placed()
    ears.commission("a.b.c.01", 7.0)
    ears.execution("a.b.c.02", 100, 10.0)
    ears.commission("a.b.c.02", 1.25)

    assert ears.fills()["a.b.c"] == (2, quantity_from(100), price_from("10"), CENT)


def test_an_unset_commission_is_not_known_rather_than_huge():
    """The gateway's way to say nothing is not a number."""
    ears = Ears()
    ears.placed()
    ears.execution()
    ears.commission(amount=1.7976931348623157e308)

    assert ears.fills()["a.b.c"][3] is None


def test_what_the_broker_counts_and_does_not_tell_is_asked_for_and_doubted():
    """A status that counts more than was executed waits a moment, then asks and says so."""
    ears = Ears()
    ears.placed()
    ears.echo()
    ears.status("Filled", filled=100, remaining=0)
    ears.wait(2)
    before = list(ears.asked)
    ears.wait(2)

    assert before == []
    assert ears.asked == ["p1-1"]
    assert ears.kinds == [ACCEPTED, NOT_FOUND]


def test_fills_that_come_in_time_are_not_asked_for():
    """Status first, execution a moment later, is how it usually goes."""
    ears = Ears()
    ears.placed()
    ears.status("Filled", filled=100, remaining=0)
    ears.execution()
    ears.wait(10)

    assert ears.asked == []
    assert ears.kinds == [ACCEPTED, FILL]


def test_somebody_elses_execution_is_told_under_its_own_name():
    """A trade on our account that is none of ours is news to a person; one that is only listed again is not."""
    ears = Ears()
    ears.execution(reference="theirs", client=0, order_id=-3, perm_id=55)
    ears.execution("x.y.z.01", reference="", client=0, order_id=0, perm_id=56)
    ears.execution("old.01", reference="theirs", client=0, perm_id=57, request=1_900_000_000)

    assert [(report.kind, report.child_id) for report in ears.reports] == [
        (FILL, "theirs"),
        (FILL, "permanent id 56"),
    ]


# New terms


def test_a_modification_is_in_force_when_an_echo_shows_its_terms():
    """An echo of the old terms confirms nothing."""
    ears = Ears()
    child = ears.placed()
    ears.echo()
    ears.wants(child, 80, "10.05")
    ears.echo()
    ears.status()
    ears.echo(quantity=80, price="10.05")

    assert ears.kinds == [ACCEPTED, STATUS, REPLACED]
    assert (ears.reports[-1].revision, ears.reports[-1].total) == (1, quantity_from(80))
    assert ears.reports[-1].limit_price == price_from("10.05")


@pytest.mark.parametrize(
    ("quantity", "price", "cumulative", "proves"),
    [
        (10, 10.03, 10, True),
        (10, 10.00, 10, False),
        (10, 9.99, 10, False),
        (120, 10.0, 120, True),
        (10, 10.06, 10, False),
    ],
)
def test_a_fill_possible_only_under_new_terms_proves_them(quantity, price, cumulative, proves):
    """Beyond the old limit or the old total, and within the new ones, is proof; beyond both is none."""
    ears = Ears()
    child = ears.placed()
    ears.echo()
    ears.wants(child, 150, "10.05")
    ears.execution(quantity=quantity, price=price, cumulative=cumulative)

    assert (ears.kinds == [ACCEPTED, REPLACED, FILL]) is proves
    assert (child.wanted is None) is proves


@pytest.mark.parametrize("code", [201, 104, 105, 110, 2102, 329])
def test_a_refused_modification_leaves_the_order_as_it_was(code):
    """The code answers the modification, not the order: old terms, and a question."""
    ears = Ears()
    child = ears.placed()
    ears.echo()
    ears.wants(child, 80, "10.05")
    ears.code(code)

    assert ears.kinds == [ACCEPTED, ReportKind.REPLACE_REJECTED]
    assert ears.reports[-1].revision == 1
    assert child.end is None
    assert ears.asked == ["p1-1"]


def test_a_refused_modification_that_comes_into_force_all_the_same_is_told():
    """The echo is the evidence, whatever the code said."""
    ears = Ears()
    child = ears.placed()
    ears.echo()
    ears.wants(child, 80, "10.05")
    ears.code(201)
    ears.echo(quantity=80, price="10.05")

    assert ears.kinds == [ACCEPTED, ReportKind.REPLACE_REJECTED, REPLACED]


def test_two_lives_of_one_order_are_an_alarm_and_are_cancelled():
    """A second permanent id under our reference is told, doubted and cancelled, once."""
    ears = Ears()
    ears.placed()
    ears.echo(perm_id=900)
    ears.echo(perm_id=901)
    ears.echo(perm_id=901)

    assert ears.cancelled == ["p1-1"]
    assert NOT_FOUND in ears.kinds
    assert len(ears.notices) == 1


def test_an_order_with_two_lives_is_over_when_both_are():
    """The end of one of them frees nothing."""
    ears = Ears()
    ears.placed()
    ears.echo(perm_id=900)
    ears.echo(perm_id=901)
    ears.status("Cancelled", perm_id=900)
    before = CANCELLED in ears.kinds
    ears.status("Cancelled", perm_id=901)

    assert not before
    assert ears.kinds[-1] is CANCELLED


# Ends


def test_a_cancel_is_confirmed_by_a_status_with_what_was_filled():
    """The broker's count goes with it, so that a late fill is waited for."""
    ears = Ears()
    child = ears.placed()
    ears.echo()
    child.cancel_sent = True
    ears.code(202, "Order Canceled - reason:")
    ears.status("Cancelled", filled=30, remaining=70)

    assert ears.kinds == [ACCEPTED, CANCELLED]
    assert ears.reports[-1].cumulative == quantity_from(30)


def test_code_202_alone_ends_nothing_and_is_asked_about():
    """The code is evidence: without its status the order lives until somebody says otherwise."""
    ears = Ears()
    child = ears.placed()
    ears.echo()
    ears.code(202)
    ears.wait(2)

    assert ears.kinds == [ACCEPTED]
    assert child.end is None
    assert ears.asked == ["p1-1"]


def test_a_fill_after_the_cancel_is_still_told():
    """Whatever was executed is booked, also after the end."""
    ears = Ears()
    ears.placed()
    ears.echo()
    ears.status("Cancelled", filled=0)
    ears.execution(quantity=10, cumulative=10)

    assert ears.kinds == [ACCEPTED, CANCELLED, FILL]


@pytest.mark.parametrize("code", [161, 10147, 10148, 135, 136])
def test_a_cancel_that_did_not_work_is_no_end(code):
    """The order may have filled or may live: that is asked, and the fill that follows counts."""
    ears = Ears()
    child = ears.placed()
    ears.echo()
    child.cancel_sent = True
    ears.code(code)
    ears.execution()

    assert ears.kinds == [ACCEPTED, ReportKind.CANCEL_REJECTED, FILL]
    assert child.end == "filled"


@pytest.mark.parametrize("code", [10349, 399, 404, 2109, 2137])
def test_a_notice_leaves_an_order_alone(code):
    """Notices about a live order are not its end."""
    ears = Ears()
    child = ears.placed()
    ears.echo()
    ears.code(code)
    ears.wait(10)

    assert ears.kinds == [ACCEPTED]
    assert (child.end, ears.asked) == (None, [])


def test_a_code_that_nobody_knows_is_asked_about():
    """Unknown codes keep the order and start a question."""
    ears = Ears()
    child = ears.placed()
    ears.echo()
    ears.code(77_777)
    ears.wait(2)

    assert (child.end, ears.asked) == (None, ["p1-1"])


@pytest.mark.parametrize("code", [201, 110, 200, 203, 321, 383, 10243])
def test_the_refusal_of_an_order_that_never_showed_is_its_end(code):
    """The code is the answer to the placement, and carries the reason."""
    ears = Ears()
    ears.placed()
    ears.code(code, "no margin")

    assert ears.kinds == [REJECTED]
    assert f"no margin ({code})" in ears.reports[0].reason


def test_an_order_that_lives_though_it_was_refused_is_told_and_cancelled():
    """If the broker contradicts itself its echo counts, and nobody wants that order any more."""
    ears = Ears()
    ears.placed()
    ears.code(201)
    ears.echo()

    assert ears.kinds == [REJECTED, ACCEPTED]
    assert ears.cancelled == ["p1-1"]
    assert ears.notices


def test_a_reject_after_the_acknowledgement_waits_for_its_status():
    """Code 201 after PreSubmitted is followed by Inactive; that is the end, with the reason of the code."""
    ears = Ears()
    ears.placed()
    ears.echo("PreSubmitted")
    ears.code(201, "margin")
    ears.status("Inactive")

    assert ears.kinds == [ACCEPTED, REJECTED]
    assert "margin" in ears.reports[-1].reason


def test_an_inactive_order_that_waits_for_a_locate_lives():
    """Held for a short sale is not over."""
    ears = Ears()
    child = ears.placed()
    ears.echo()
    ears.status("Inactive", held="locate")

    assert child.end is None


def test_an_order_past_its_date_has_expired():
    """Cancelled by nobody after its good-till time is the end of its life."""
    ears = Ears()
    ears.placed(good_till=NOON + SECOND)
    ears.echo()
    ears.wait(2)
    ears.status("Cancelled", filled=20, remaining=80)

    assert ears.kinds == [ACCEPTED, EXPIRED]
    assert ears.reports[-1].cumulative == quantity_from(20)


def test_a_completed_order_is_over_also_when_nobody_asked():
    """The list of completed orders, or one of them unasked, is evidence of the end."""
    ears = Ears()
    ears.placed()
    ears.echo()
    ears.completed("Cancelled", filled=10)
    ears.execution(quantity=10, cumulative=10)

    assert ears.kinds == [ACCEPTED, CANCELLED, FILL]
    assert ears.reports[1].cumulative == quantity_from(10)


def test_a_replayed_sign_of_life_revives_nothing():
    """A status that comes late never moves an order back."""
    ears = Ears()
    ears.placed()
    ears.echo()
    ears.status("Cancelled")
    ears.status("Submitted")
    ears.echo("PreSubmitted")

    assert ears.kinds == [ACCEPTED, CANCELLED]


def test_a_duplicate_id_is_looked_up_before_anything_is_placed_again():
    """Code 103 on an order that never showed wants a new number, once; on one that did it is only asked about."""
    ears = Ears()
    child = ears.placed()
    ears.code(103)
    child.was_renumbered = True
    ears.code(103)
    ears.wait(2)

    assert ears.again == ["p1-1"]
    assert ears.asked == ["p1-1"]
    assert ears.reports == []


def test_a_what_if_answer_is_no_order():
    """It looks like an echo and is none."""
    ears = Ears()
    ears.placed()

    order = Order(orderId=5, clientId=7, action="BUY", totalQuantity=100, orderType="LMT", orderRef="p1-1", whatIf=True)

    ears.tap.openOrder(5, STOCK, order, OrderState(status="PreSubmitted"))

    assert ears.reports == []
