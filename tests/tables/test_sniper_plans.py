"""The sniper by hand."""

import pytest

from quietfill.algos.base import Outcome
from quietfill.algos.registry import parse_params, registry
from quietfill.algos.shaping import shape
from quietfill.domain.types import MILLISECOND, SECOND, OrderSide, TimeInForce
from quietfill.testing.builders import Child, Order, any_meets, at, market, shares, ticks

ALGOS = registry()
BOOK = market([(998, 500)], [(1_002, 300), (1_003, 450), (1_006, 5_000)])


def order_of(params=None, *, limit=1_003, **terms) -> Order:
    return Order(params=parse_params(ALGOS.get("sniper"), params or {}), limit_price=ticks(limit), **terms)


def ask(order, view=BOOK, now=100.0):
    return shape(ALGOS.get("sniper").algo.plan(order, view, at(now)), order, view)


def seen(plan):
    """Return slices as (key, shares, ticks)."""
    assert all(piece.crossing for piece in plan.slices)
    return [(piece.key, piece.quantity / shares(1), (piece.limit_price or 0) / ticks(1)) for piece in plan.slices]


@pytest.mark.parametrize(
    ("limit", "min_size", "quantity", "shot"),
    [
        (1_003, None, 1_000, None),  # 750 stand inside, all 1,000 are waited for
        (1_003, None, 700, 700),
        (1_003, 700, 1_000, 700),  # whole lots of what is there
        (1_003, 750, 1_000, None),  # in lots: 800
        (1_003, 100, 1_000, 700),
        (1_003, 5_000, 600, 600),  # no more than is left
        (1_002, 300, 1_000, 300),
        (1_001, 100, 1_000, None),
        (1_006, None, 1_000, 1_000),
    ],
)
def test_it_shoots_at_size_inside_the_limit(limit, min_size, quantity, shot):
    """Nothing shows below the threshold; at it one immediate-or-cancel child takes what is there, at the limit."""
    params = {} if min_size is None else {"min_size": min_size}
    plan = ask(order_of(params, limit=limit, quantity=shares(quantity)))

    assert seen(plan) == ([] if shot is None else [("shot0", shot, limit)])
    assert all(piece.time_in_force is TimeInForce.IOC for piece in plan.slices)


def test_a_seller_shoots_at_bids():
    """The other way round for a sell: bids at or above the limit count."""
    order = order_of({"min_size": 500}, limit=998, side=OrderSide.SELL)

    assert seen(ask(order)) == [("shot0", 500, 998)]
    waiting = ask(order_of({"min_size": 600}, limit=998, side=OrderSide.SELL))
    assert seen(waiting) == []
    assert any_meets(market([(999, 300), (998, 300)], [(1_002, 100)]), waiting.wake_when)
    assert not any_meets(market([(999, 300), (997, 300)], [(1_002, 100)]), waiting.wake_when)


def test_it_needs_a_limit():
    """No price is guessed; admission knows that one is needed."""
    order = Order(params=parse_params(ALGOS.get("sniper"), {}))

    assert ALGOS.get("sniper").needs_limit
    assert seen(ask(order)) == []
    assert ask(order).alert == "sniper without a limit price"


def test_a_shot_lives_shortly():
    """A shot under way is left alone; one that the broker has not ended after a second is cancelled."""
    working = (Child(key="shot2", leaves=shares(300), limit_price=ticks(1_003), requested_at=at(100)),)
    order = order_of({"min_size": 100}, working=working, children_count=3)

    assert [piece.key for piece in ask(order, now=100.9).slices] == ["shot2"]
    assert ask(order, now=100.9).wake_at == at(101)
    assert ask(order, now=101).slices == ()


@pytest.mark.parametrize(("now", "shoots"), [(100.4, False), (100.5, True)])
def test_shots_keep_their_distance(now, shoots):
    """The next shot waits for the interval since the last one ended, whatever stands there."""
    params = {"min_size": 100, "min_interval_seconds": 0.5}
    plan = ask(order_of(params, children_count=1, last_child_ended_at=at(100)), now=now)

    assert bool(plan.slices) is shoots
    assert plan.wake_when == ()
    assert plan.wake_at == (at(101.5) if shoots else at(100.5))


def test_shots_are_bounded():
    """After the last attempt it gives up and says so; one that must complete waits for its last crossing."""
    params = {"min_size": 100, "max_attempts": 3}
    over = ask(order_of(params, children_count=3))
    completing = order_of(params | {"rest": "complete"}, children_count=3, crossing_margin=2 * SECOND)

    assert (over.finish, over.alert) == (Outcome.ABANDONED, "3 shots are used up")
    assert (ask(completing).finish, ask(completing).wake_at) == (None, at(598))
    assert seen(ask(completing, now=598)) == [("rest", 1_000, 1_003)]


def test_it_does_not_shoot_at_what_may_be_its_own():
    """While the far touch may be an order of ours it waits, and looks again soon."""
    view = market([(998, 500)], [(1_002, 5_000)], own_ask=True)
    plan = ask(order_of(), view)

    assert (seen(plan), plan.wake_at) == ([], at(100) + 100 * MILLISECOND)


@pytest.mark.parametrize("view", [market(None, 1_002), market(1_002, 1_002), market(1_003, 1_002), market(998, None)])
def test_a_market_that_cannot_be_trusted_is_not_shot_at(view):
    """One-sided, locked or crossed: nothing leaves, and a touch that appears wakes it."""
    plan = ask(order_of({"min_size": 100}), view)

    assert seen(plan) == []
    assert any_meets(market(998, 1_001), plan.wake_when)


def test_a_rest_is_abandoned_unless_asked_for():
    """At the end nothing is left; completing crosses before, inside collar and limit."""
    assert ask(order_of(), now=600).finish is Outcome.ABANDONED
    completing = order_of({"rest": "complete"}, limit=1_006, crossing_margin=2 * SECOND)
    assert seen(ask(completing, market([(998, 500)], [(1_002, 2_000)]), now=598)) == [("rest", 1_000, 1_002)]
