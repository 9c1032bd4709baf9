"""The iceberg by hand."""

from dataclasses import replace

import msgspec
import pytest

from quietfill.algos.base import Outcome
from quietfill.algos.iceberg import tip_size
from quietfill.algos.registry import parse_params, registry
from quietfill.algos.shaping import shape
from quietfill.domain.errors import BadInput
from quietfill.domain.types import SECOND, OrderSide
from quietfill.testing.builders import LOT, STOCK, Child, Order, any_meets, at, market, shares, ticks

ALGOS = registry()
BUY, SELL = OrderSide.BUY, OrderSide.SELL
BOOK = market(996, 1_004)


def order_of(params=None, **terms) -> Order:
    given = {"display_size": 200, "variance_pct": 0} | (params or {})
    return Order(params=parse_params(ALGOS.get("iceberg"), given), **terms)


def ask(order, view=BOOK, now=100.0):
    return shape(ALGOS.get("iceberg").algo.plan(order, view, at(now)), order, view)


def seen(plan):
    """Return slices as (key, shares, ticks, crossing)."""
    return [
        (piece.key, piece.quantity / shares(1), (piece.limit_price or 0) / ticks(1), piece.crossing)
        for piece in plan.slices
    ]


@pytest.mark.parametrize(
    ("side", "offset", "limit", "price", "crossing"),
    [
        (BUY, 0, None, 996, False),
        (SELL, 0, None, 1_004, False),
        (BUY, 3, None, 999, False),
        (SELL, 3, None, 1_001, False),
        (BUY, 8, None, 1_003, False),  # never onto the far touch
        (SELL, 50, None, 997, False),
        (BUY, -2, None, 994, False),
        (BUY, 0, 990, 990, False),  # a limit is the price
        (SELL, 2, 1_000, 1_000, False),
        (BUY, 0, 1_004, 1_004, True),
    ],
)
def test_where_a_tip_stands(side, offset, limit, price, crossing):
    """At the order's limit, else at the near touch and so many ticks towards the far one, never onto it."""
    order = order_of({"price_offset_ticks": offset}, side=side, limit_price=None if limit is None else ticks(limit))

    assert seen(ask(order)) == [("tip0", 200, price, crossing)]


def test_no_price_is_invented():
    """Without market and limit nothing starts and what works stays; with a limit a market is not needed."""
    dark = market(996, None)
    working = (Child(key="tip0", leaves=shares(100), limit_price=ticks(990)),)
    waits, kept = ask(order_of(), dark), ask(order_of(working=working), dark)

    assert seen(waits) == []
    assert any_meets(BOOK, waits.wake_when)
    assert seen(kept) == [("tip0", 100, 990, False)]
    assert seen(ask(order_of(limit_price=ticks(995)), dark)) == [("tip0", 200, 995, False)]


def test_a_tip_is_not_topped_up():
    """While a part of it shows, only that part is wanted; it follows the touch by a replace of that part."""
    working = (Child(key="tip3", leaves=shares(100), limit_price=ticks(996)),)
    order = order_of(filled=shares(700), children_count=4, working=working)

    assert seen(ask(order)) == [("tip3", 100, 996, False)]
    assert seen(ask(order, market(999, 1_004))) == [("tip3", 100, 999, False)]


@pytest.mark.parametrize(("now", "shows"), [(100, False), (101.9, False), (102, True), (150, True)])
def test_the_next_tip_waits(now, shows):
    """It shows when the least time since the end of the last one has passed, under a key of its own."""
    order = order_of({"min_replenish_seconds": 2}, filled=shares(200), children_count=1, last_child_ended_at=at(100))
    plan = ask(order, now=now)

    assert seen(plan) == ([("tip1", 200, 996, False)] if shows else [])
    assert plan.wake_at == (at(600) if shows else at(102))


@pytest.mark.parametrize(("left", "wanted"), [(1_000, 200), (250, 250), (200, 200), (130, 130), (30, 30)])
def test_the_last_tip_takes_the_odd_rest(left, wanted):
    """What would be left with less than a lot goes with it; never more than the order."""
    order = order_of(filled=shares(1_000 - left), children_count=5, last_child_ended_at=at(0))

    assert seen(ask(order)) == [("tip5", wanted, 996, False)]


def test_sizes_vary_by_order_and_number_alone():
    """The same order and number always give the same size; over many tips they spread evenly around the display."""
    sizes = [tip_size("order-1", number, 10 * LOT, 0.5, LOT) // LOT for number in range(2_000)]

    assert sizes[:12] == [tip_size("order-1", number, 10 * LOT, 0.5, LOT) // LOT for number in range(12)]
    assert sizes[:12] != [tip_size("order-2", number, 10 * LOT, 0.5, LOT) // LOT for number in range(12)]
    assert (min(sizes), max(sizes)) == (5, 15)
    assert abs(sum(sizes) / len(sizes) - 10) < 0.25  # four standard errors of a uniform +-5
    assert tip_size("a", 1, shares(30), 1.0, LOT) == LOT
    assert tip_size("a", 1, shares(250), 0.0, LOT) == 3 * LOT


def test_the_rest_is_let_go_unless_asked_for():
    """At the end nothing shows; complete crosses for all of it before, in the child that shows."""
    working = (Child(key="tip3", leaves=shares(100), limit_price=ticks(996)),)
    terms = {"crossing_margin": 2 * SECOND, "filled": shares(700), "children_count": 4, "working": working}

    assert ask(order_of(**terms), now=600).finish is Outcome.ABANDONED
    assert seen(ask(order_of(**terms), now=599)) == [("tip3", 100, 996, False)]
    completing = order_of({"rest": "complete"}, **terms)
    assert seen(ask(completing, now=598)) == [("tip3", 300, 1_004, True)]
    waiting = replace(completing, working=(), last_child_ended_at=at(597.5))
    assert seen(ask(waiting, now=598)) == [("tip4", 300, 1_004, True)]


def test_a_venue_without_odd_lots_gets_none():
    """Where odd lots do not trade, tips are whole lots and the odd rest is not sent."""
    strict = msgspec.structs.replace(STOCK, odd_lots=False)
    order = order_of(instrument=strict, quantity=shares(1_000), filled=shares(770), last_child_ended_at=at(0))

    assert [piece.quantity for piece in ask(order).slices] == [2 * LOT]


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({}, "display_size"),
        ({"display_size": 0}, "display_size = 0: must be above 0"),
        ({"display_size": "nan"}, "display_size"),
        ({"display_size": 100, "variance_pct": 1.1}, "variance_pct = 1.1"),
        ({"display_size": 100, "variance_pct": -0.1}, "variance_pct = -0.1"),
        ({"display_size": 100, "min_replenish_seconds": -1}, "min_replenish_seconds = -1"),
        ({"display_size": 100, "price_offset_ticks": 0.5}, "price_offset_ticks = 0.5"),
    ],
)
def test_what_cannot_be_meant_is_refused(given, message):
    """One line names the parameter and its value."""
    with pytest.raises(BadInput, match=message):
        parse_params(ALGOS.get("iceberg"), given)
