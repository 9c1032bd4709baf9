"""Pegs stay near mid and passive, tips add up, shots only take what was seen."""

from dataclasses import replace

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from quietfill.algos.base import AlgoParams, Outcome
from quietfill.algos.iceberg import tip_size
from quietfill.algos.pricing import beside, pegged
from quietfill.algos.registry import parse_params, registry
from quietfill.algos.shaping import shape
from quietfill.domain.types import SECOND, OrderSide, TimeInForce
from quietfill.testing.builders import LOT, TICK, Child, Order, any_meets, at, market, shares, ticks

ALGOS = registry()
REACH = 6


def ask(name, order, view, now):
    """Return the shaped plan, as the engine uses it."""
    return shape(ALGOS.get(name).algo.plan(order, view, now), order, view)


@st.composite
def situations(draw):
    """An order, the touch in ticks around 1,000, where its child may stand, an offset and a tolerance."""
    bid = 1_000 + draw(st.integers(-8, 8))
    ask_price = bid + draw(st.integers(1, 25))
    limit = draw(st.one_of(st.none(), st.integers(985, 1_030)))
    order = Order(
        params=AlgoParams(),
        side=draw(st.sampled_from(OrderSide)),
        limit_price=None if limit is None else ticks(limit),
    )
    current = draw(st.one_of(st.none(), st.integers(980, 1_045).map(ticks)))
    return order, bid, ask_price, current, draw(st.integers(-6, 30)), draw(st.sampled_from([0.0, 1.0, 7.0, 55.0]))


def prices(order, view, current, offset, tolerance):
    """Return where the peg and the offset touch stand."""
    return [
        pegged(order, view, offset_ticks=offset, tolerance_bps=tolerance, current=current),
        beside(order, view, offset, current),
    ]


@settings(max_examples=300)
@given(situations())
def test_a_followed_price_stays_while_its_triggers_are_not_met(case):
    """No book within reach that meets none of the triggers gives another price; the present book meets none."""
    order, bid, asked, current, offset, tolerance = case
    here = market(bid, asked)
    for which, priced in enumerate(prices(order, here, current, offset, tolerance)):
        assert not any_meets(here, priced.wake_when)
        for down in range(-REACH, REACH + 1):
            for up in range(-REACH, REACH + 1):
                there = market(bid + down, asked + up)
                if there.is_tradable and not any_meets(there, priced.wake_when):
                    assert prices(order, there, priced.price, offset, tolerance)[which].price == priced.price


@given(situations())
def test_a_followed_price_never_crosses_and_keeps_the_limit(case):
    """On tick, short of the far touch, not beyond the limit; asked again with the child there, it stays."""
    order, bid, asked, current, offset, tolerance = case
    view, sign = market(bid, asked), order.side.sign
    for which, priced in enumerate(prices(order, view, current, offset, tolerance)):
        assert not priced.crossing
        assert priced.price % TICK == 0
        assert sign * priced.price < sign * (view.far(order.side) or 0)
        assert order.limit_price is None or sign * priced.price <= sign * order.limit_price
        assert prices(order, view, priced.price, offset, tolerance)[which].price == priced.price


@given(situations())
def test_a_peg_is_at_mid_rounded_in_our_favour_or_inside_the_tolerance(case):
    """Without limit and offset: at most half a tick behind mid, or within the tolerance of it."""
    order, bid, asked, current, _, tolerance = case
    order.limit_price = None
    priced = pegged(order, market(bid, asked), tolerance_bps=tolerance, current=current)
    behind_twice = order.side.sign * (ticks(bid) + ticks(asked) - 2 * priced.price)

    if behind_twice not in {0, TICK}:
        assert priced.price == current
        assert abs(behind_twice) <= 2 * abs(current) * tolerance / 10_000


@given(st.text(min_size=1, max_size=8), st.integers(0, 500), st.integers(1, 40), st.sampled_from([0, 0.2, 0.5, 1]))
def test_tips_are_whole_lots_near_the_display_size(name, number, lots, variance):
    """The size lies within the variance, half a lot of rounding aside, and is the same each time it is asked for."""
    size = tip_size(name, number, lots * LOT, variance, LOT)

    assert size >= LOT
    assert size % LOT == 0
    assert size == LOT or abs(size - lots * LOT) <= variance * lots * LOT + LOT / 2
    assert size == tip_size(name, number, lots * LOT, variance, LOT)


@given(
    st.sampled_from(OrderSide), st.integers(1, 60), st.sampled_from([0, 30, 50]), st.integers(1, 12),
    st.sampled_from([0, 0.2, 1]), st.sampled_from([0, 1, 7.5]), st.data(),
)  # fmt: skip
def test_tips_come_one_at_a_time_and_add_up_to_the_order(side, lots, odd, display, variance, pause, data):
    """However each tip is filled, cancelled or cut short: one shows, none too early, and all add up to the order."""
    params = {"display_size": 100 * display, "variance_pct": variance, "min_replenish_seconds": pause}
    quantity = lots * LOT + shares(odd)
    order = Order(params=parse_params(ALGOS.get("iceberg"), params), side=side, quantity=quantity, end=at(7_000))
    view, now, shown = market(998, 1_002), at(0), 0
    while (plan := ask("iceberg", order, view, now)).finish is None:
        if not plan.slices:
            assert order.last_child_ended_at is not None
            assert plan.wake_at == order.last_child_ended_at + round(pause * SECOND) > now
            now = plan.wake_at
            continue
        (tip,) = plan.slices
        assert tip.quantity <= max(LOT, round(100 * display * (1 + variance)) * shares(1) + LOT // 2) + LOT
        assert order.last_child_ended_at is None or now >= order.last_child_ended_at + round(pause * SECOND)
        part = tip.quantity if shown % 3 else shares(data.draw(st.integers(1, tip.quantity // shares(1))))
        shown += 1
        working = (Child(key=tip.key, leaves=tip.quantity - part, limit_price=tip.limit_price),)
        order = replace(
            order, filled=order.filled + part, children_count=order.children_count + 1, working=working,
        )  # fmt: skip
        kept = ask("iceberg", order, view, now)
        if part < tip.quantity:
            assert [(piece.key, piece.quantity) for piece in kept.slices] == [(tip.key, tip.quantity - part)]
        order = replace(order, working=(), last_child_ended_at=now)

    assert order.filled == quantity
    assert plan.finish is Outcome.FILLED


@given(
    st.sampled_from(OrderSide), st.lists(st.integers(1, 12), min_size=1, max_size=5), st.integers(0, 6),
    st.integers(1, 30), st.sampled_from([None, 100, 250, 900]),
)  # fmt: skip
def test_a_shot_takes_only_what_was_seen_inside_the_limit(side, sizes, depth, lots, min_size):
    """Nothing below the threshold; above it one immediate shot of at most what stands inside the limit."""
    sign = side.sign
    levels = [(1_000 + sign * step, 50 * size) for step, size in enumerate(sizes)]
    near = [(1_000 - sign, 500)]
    view = market(*((near, levels) if side is OrderSide.BUY else (levels, near)))
    order = Order(
        params=parse_params(ALGOS.get("sniper"), {} if min_size is None else {"min_size": min_size}),
        side=side, quantity=lots * LOT, limit_price=ticks(1_000 + sign * (depth - 1)),
    )  # fmt: skip
    inside = sum(shares(size) for price, size in levels if sign * ticks(price) <= sign * (order.limit_price or 0))
    threshold = order.quantity if min_size is None else min(order.quantity, -(-shares(min_size) // LOT) * LOT)
    plan = ask("sniper", order, view, at(0))

    if inside < threshold:
        assert plan.slices == ()
        assert not any_meets(view, plan.wake_when)
        enough = msgspec.structs.replace(view, **{"asks" if sign > 0 else "bids": ((order.limit_price, threshold),)})
        assert any_meets(enough, plan.wake_when)
    else:
        (shot,) = plan.slices
        assert threshold <= shot.quantity <= min(inside, order.quantity)
        assert (shot.limit_price, shot.time_in_force, shot.crossing) == (order.limit_price, TimeInForce.IOC, True)
