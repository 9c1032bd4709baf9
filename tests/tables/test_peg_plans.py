"""The midpoint peg by hand."""

import pytest

from quietfill.algos.base import Outcome
from quietfill.algos.registry import parse_params, registry
from quietfill.algos.shaping import shape
from quietfill.domain.types import MILLISECOND, SECOND, OrderSide
from quietfill.testing.builders import Child, Order, any_meets, at, market, shares, ticks

ALGOS = registry()
BUY, SELL = OrderSide.BUY, OrderSide.SELL


def order_of(params=None, *, at_price=None, **terms) -> Order:
    """Return an order of 1,000, with its peg at a price in ticks."""
    order = Order(params=parse_params(ALGOS.get("midpoint_peg"), params or {}), **terms)
    if at_price is not None:
        order.working = (Child(key="peg", leaves=order.leaves, limit_price=ticks(at_price)),)
    return order


def ask(order, view, now=100.0):
    return shape(ALGOS.get("midpoint_peg").algo.plan(order, view, at(now)), order, view)


def price_of(plan) -> float:
    """Return where the one slice stands, in ticks."""
    (piece,) = plan.slices
    assert piece.key == "peg"
    assert not piece.crossing
    return float(piece.limit_price / ticks(1))


@pytest.mark.parametrize(
    ("side", "bid", "asked", "offset", "limit", "price"),
    [
        (BUY, 996, 1_004, 0, None, 1_000),
        (SELL, 996, 1_004, 0, None, 1_000),
        (BUY, 996, 1_003, 0, None, 999),  # 999.5, half a tick in our favour
        (SELL, 996, 1_003, 0, None, 1_000),
        (BUY, 999, 1_000, 0, None, 999),  # one tick wide: the near touch
        (SELL, 999, 1_000, 0, None, 1_000),
        (BUY, 996, 1_004, 2, None, 1_002),
        (BUY, 996, 1_004, 4, None, 1_003),  # never onto the far touch
        (SELL, 996, 1_004, 9, None, 997),
        (BUY, 996, 1_004, -6, None, 994),  # may stand behind the near touch
        (BUY, 996, 1_004, 0, 998, 998),  # never beyond the limit
        (SELL, 996, 1_004, 0, 1_001, 1_001),
        (BUY, 996, 1_004, 0, 1_002, 1_000),
        (BUY, -1_004, -996, 0, None, -1_000),  # prices below zero are legal
        (BUY, -3, 0, 0, None, -2),
    ],
)
def test_where_it_stands(side, bid, asked, offset, limit, price):
    """At mid, half ticks in our favour, moved by the offset, inside the limit, short of the far touch."""
    order = order_of({"offset_ticks": offset}, side=side, limit_price=None if limit is None else ticks(limit))

    assert price_of(ask(order, market(bid, asked))) == price
    assert ask(order, market(bid, asked)).slices[0].quantity == shares(1_000)


@pytest.mark.parametrize(
    ("bps", "bid", "asked", "price"),
    [
        (30, 996, 1_004, 1_000),
        (30, 999, 1_007, 1_000),  # mid 1,003: 30 bps of 1,000 are 3 ticks
        (30, 999, 1_008, 1_003),  # 1,003.5
        (30, 993, 1_001, 1_000),  # mid 997
        (30, 992, 1_001, 996),
        (0, 996, 1_005, 1_000),  # 1,000.5 is rounded to where it stands
        (0, 997, 1_005, 1_001),
        (0, 996, 1_003, 999),
        (500, 990, 1_000, 995),  # the far touch has come to its price: it steps back
    ],
)
def test_it_stays_inside_the_tolerance(bps, bid, asked, price):
    """A buyer's peg at 1,000 keeps its place until mid has left the tolerance, then goes to mid."""
    assert price_of(ask(order_of({"max_deviation_bps": bps}, at_price=1_000), market(bid, asked))) == price


def test_the_band_wakes_it_when_mid_leaves():
    """A peg at 1,000 with three ticks of tolerance sleeps while mid is within them, half ticks counted."""
    plan = ask(order_of({"max_deviation_bps": 30}, at_price=1_000), market(996, 1_004))

    for bid, asked, wakes in [(999, 1_007, False), (1_000, 1_007, True), (993, 1_001, False), (993, 1_000, True)]:
        assert any_meets(market(bid, asked), plan.wake_when) is wakes
    assert any_meets(market(None, 1_004), plan.wake_when)
    assert plan.wake_at == at(600)


@pytest.mark.parametrize("view", [market(None, 1_002), market(998, None), market(1_002, 1_002), market(1_003, 1_002)])
def test_without_a_two_sided_market_it_is_left_alone(view):
    """One-sided, locked or crossed: what works stays as it is, nothing starts, and a touch that appears wakes."""
    kept, none = ask(order_of(at_price=990), view), ask(order_of(), view)

    assert price_of(kept) == 990
    assert none.slices == ()
    assert any_meets(market(998, 1_001), none.wake_when)


@pytest.mark.parametrize("own", ["own_bid", "own_ask"])
def test_it_never_follows_a_quote_that_may_be_its_own(own):
    """While a touch cannot be told from our own order nothing moves or starts; it is asked again soon."""
    view = market(1_000, 1_004, **{own: True})
    kept, none = ask(order_of(at_price=990), view), ask(order_of(), view)

    assert price_of(kept) == 990
    assert none.slices == ()
    assert kept.wake_at == none.wake_at == at(100) + 100 * MILLISECOND


def test_leaves_shrink_with_fills_alone():
    """A fill causes no message: leaves are wanted, and leaves are what the child has."""
    order = order_of(filled=shares(400), at_price=999)

    assert ask(order, market(998, 1_001)).slices[0].quantity == shares(600)


@pytest.mark.parametrize(
    ("rest", "now", "crossing", "finish", "alert"),
    [
        ("abandon", 599.9, False, None, False),
        ("abandon", 600, None, Outcome.ABANDONED, False),
        ("alert", 600, None, Outcome.ABANDONED, True),
        ("complete", 597.9, False, None, False),
        ("complete", 598, True, None, False),
        ("complete", 600, None, Outcome.ENDED, False),
    ],
)
def test_the_rest_is_let_go_unless_asked_for(rest, now, crossing, finish, alert):
    """By default nothing crosses; complete crosses a crossing margin before the end, in the same child."""
    order = order_of({"rest": rest}, crossing_margin=2 * SECOND, at_price=999)
    plan = ask(order, market(998, 1_001), now)

    assert [(piece.key, piece.crossing) for piece in plan.slices] == ([] if crossing is None else [("peg", crossing)])
    assert plan.finish is finish
    assert (plan.alert is not None) is alert
