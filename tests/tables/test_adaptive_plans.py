"""When adaptive rests, when it crosses, and for how much, case by case."""

from dataclasses import replace

import pytest

from quietfill.algos.adaptive import CROSSED
from quietfill.algos.registry import parse_params, registry
from quietfill.algos.shaping import shape
from quietfill.domain.types import MINUTE, SECOND, OrderSide
from quietfill.testing.builders import Child, Order, any_meets, at, carried_out, market, shares, ticks

ALGO = registry().get("adaptive")
BALANCED = market([(999, 1_000)], [(1_000, 1_000), (1_001, 5_000)])
HEAVY_BID = market([(999, 9_000)], [(1_000, 1_000), (1_001, 5_000)])
HEAVY_ASK = market([(999, 1_000), (998, 5_000)], [(1_000, 9_000)])


def order(params=None, **terms):
    return Order(params=parse_params(ALGO, params or {}), quantity=shares(4_000), **terms)


def plan(of, view, now=None):
    return shape(ALGO.algo.plan(of, view, at(60) if now is None else now), of, view)


def only(of, view, now=None):
    """Return the one slice of a plan as (ticks, shares, crossing)."""
    (piece,) = plan(of, view, now).slices
    assert piece.limit_price is not None
    return piece.limit_price / ticks(1), piece.quantity / shares(1), piece.crossing


@pytest.mark.parametrize(
    ("side", "view", "expected"),
    [
        (OrderSide.BUY, BALANCED, (999, 4_000, False)),
        (OrderSide.SELL, BALANCED, (1_000, 4_000, False)),
        (OrderSide.BUY, HEAVY_BID, (1_000, 1_000, True)),
        (OrderSide.SELL, HEAVY_BID, (1_000, 4_000, False)),
        (OrderSide.BUY, HEAVY_ASK, (999, 4_000, False)),
        (OrderSide.SELL, HEAVY_ASK, (999, 1_000, True)),
    ],
)
def test_it_crosses_where_the_queues_foretell_that_the_price_leaves(side, view, expected):
    """A heavy side of our own makes it cross for what the far touch shows; all leaves rest else."""
    assert only(order(side=side), view) == expected


@pytest.mark.parametrize(("urgency", "crosses"), [(0, False), (0.5, False), (0.7, True), (1, True)])
def test_urgency_makes_it_cross_a_balanced_book(urgency, crosses):
    """The same book is crossed once urgency outweighs the spread."""
    assert only(order({"urgency": urgency}), BALANCED)[2] is crosses


def test_time_that_runs_out_makes_it_cross():
    """With more to do than the queue's pace allows in the time left it begins to cross; with time enough it rests."""
    late = at(540)
    slow = order(market_volume=shares(100))
    busy = order(market_volume=shares(1_000_000))

    assert only(slow, BALANCED, late)[2]
    assert not only(busy, BALANCED, late)[2]
    assert not only(order({"rest": "abandon"}, market_volume=shares(100)), BALANCED, late)[2]


def test_a_volatile_market_makes_it_cross():
    """Where the mid moves much while the queue is served, missing costs more than the spread."""
    calm, wild = ({"volatility_bps": bps} for bps in (1, 80))
    slow = {"market_volume": shares(2_000), "end": at(7_000)}

    assert not only(order(calm, **slow), BALANCED)[2]
    assert only(order(wild, **slow), BALANCED)[2]


def test_a_choice_to_cross_is_remembered_and_the_next_clip_waits_its_turn():
    """After a clip it rests for its share of the time left, even where the book still asks to cross."""
    first = plan(order(), HEAVY_BID, at(60))
    assert first.memo == {CROSSED: at(60)}
    after = order(filled=shares(1_000), memo=first.memo)

    waiting = plan(after, HEAVY_BID, at(61))
    assert waiting.slices[0].crossing is False
    assert waiting.memo is None
    # Four clips of which three are left, and the end: a quarter of the 540 s from the last one on.
    assert waiting.wake_at == at(60 + 540 / 4)
    assert plan(after, HEAVY_BID, at(60 + 540 / 4)).slices[0].crossing


def test_at_full_urgency_clip_follows_clip():
    """Urgency 1 gives no time to recover."""
    after = order({"urgency": 1}, filled=shares(1_000), memo={CROSSED: at(60)})

    assert only(after, BALANCED, at(60))[2]


def test_what_was_sent_across_stays_while_it_can_still_trade():
    """A child on its way is not called back because the queues changed; once the touch has gone it is weighed anew."""
    crossing = Child(key="all", leaves=shares(1_000), limit_price=ticks(1_000), crossing=True)
    sent = order(working=(crossing,), memo={CROSSED: at(60)})

    assert only(sent, BALANCED, at(61)) == (1_000, 1_000, True)
    gone = market([(999, 1_000)], [(1_002, 1_000)])
    assert only(sent, gone, at(61)) == (1_000, 4_000, False)


def test_the_end_of_the_window_crosses_for_everything():
    """Before the end, with the margin that crossing needs, the rest completes inside the collar."""
    ending = order(crossing_margin=5 * SECOND)

    assert only(ending, BALANCED, at(596)) == (1_001, 4_000, True)
    assert plan(ending, BALANCED, at(590)).wake_at == at(595)
    assert only(order({"rest": "abandon"}, crossing_margin=5 * SECOND), BALANCED, at(596)) == (999, 4_000, False)


def test_the_limit_forbids_crossing_before_it_is_weighed():
    """A far touch beyond the limit is no choice: it rests at the touch or the limit, without an alert."""
    bounded = order(limit_price=ticks(999))

    resting = plan(bounded, HEAVY_BID)
    assert only(bounded, HEAVY_BID) == (999, 4_000, False)
    assert resting.alert is None


def test_a_collar_that_binds_is_told():
    """Where crossing is the better choice and the collar forbids it, it rests and a person hears."""
    wide = market([(990, 9_000)], [(1_010, 1_000)])

    held = plan(order(), wide)
    assert held.slices[0].crossing is False
    assert held.alert is not None
    assert "collar binds" in held.alert


def test_a_touch_that_may_be_ours_decides_nothing():
    """While the near touch cannot be told from our own order, no queue is read from it."""
    ours = market([(999, 9_000)], [(1_000, 1_000)], own_bid=True)

    assert only(order(), ours) == (999, 4_000, False)


def test_it_sleeps_until_a_touch_moves_or_the_queue_grows():
    """Nothing but a touch, a longer queue, or an eighth of the queue's own time wakes it."""
    resting = plan(order(market_volume=shares(4_000)), BALANCED, at(60))
    settled = carried_out(order(), resting)
    assert settled.leaves == shares(4_000)

    assert not any_meets(BALANCED, resting.wake_when)
    assert any_meets(market([(999, 1_500)], [(1_000, 1_000)]), resting.wake_when)
    assert any_meets(market([(998, 1_000)], [(1_000, 1_000)]), resting.wake_when)
    assert any_meets(market([(999, 1_000)], [(1_001, 1_000)]), resting.wake_when)
    # 1,000 ahead and half of ours, 2,000, at half of 4,000 a minute: 1.5 minutes; an eighth of them.
    assert resting.wake_at == at(60) + MINUTE * 3 // 16


def test_the_pace_of_the_day_stands_in_at_the_start():
    """Just accepted, the day's volume so far tells how fast the queue is served; without any, nothing is invented."""
    started = {"start": at(600), "end": at(1_200), "schedule_start": at(600)}
    known = order(day_volume_at_start=shares(40_000), **started)
    unknown = order(**started)

    assert plan(known, BALANCED, at(600)).wake_at == at(600) + MINUTE * 3 // 16
    assert plan(unknown, BALANCED, at(600)).wake_at == at(630)


def test_small_children_and_lots_hold_across():
    """A clip is whole lots, at least one, and never a child that is too small to send."""
    thin = market([(999, 9_000)], [(1_000, 130), (1_001, 9_000)])

    assert only(order(), thin)[1:] == (100, True)
    assert only(order({"min_child": 300}), thin)[1:] == (300, True)
    assert only(order({"max_child": 500}), HEAVY_BID)[1:] == (500, True)


def test_a_sibling_still_at_work_is_left_its_quantity():
    """What an older child may still trade is not asked for twice."""
    older = Child(key="older", leaves=shares(1_500), limit_price=ticks(998))

    assert only(order(working=(older,)), BALANCED) == (999, 2_500, False)
    all_of_it = replace(older, leaves=shares(4_000))
    assert plan(order(working=(all_of_it,)), BALANCED).slices == ()
