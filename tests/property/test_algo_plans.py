"""What every algo promises in every situation: sums, bounds, silence when nothing changed, no side preferred."""

from dataclasses import replace
from typing import Any

import msgspec
from hypothesis import assume, given
from hypothesis import strategies as st

from quietfill.algos.adaptive import CROSSED
from quietfill.algos.base import TRIGGERED, Plan, Rest
from quietfill.algos.participation import clip
from quietfill.algos.registry import parse_params, registry
from quietfill.algos.shaping import shape
from quietfill.algos.stops import ASK, BID, PRICE
from quietfill.algos.trailing_stop import EXTREME
from quietfill.domain.types import OrderSide, Price
from quietfill.market.triggers import LastThrough, MidLeaves, SizeReaches, TouchLeaves, Trigger, VolumeReaches
from quietfill.market.view import MarketView
from quietfill.testing.builders import LOT, TICK, Child, Order, any_meets, at, carried_out, market, shares, ticks

ALGOS = registry()
MIDDLE = 1_000
SCHEDULED = ("twap", "vwap", "is", "close")
STOPS = ("stop", "stop_limit", "trailing_stop")
OWN: dict[str, dict[str, list[Any]]] = {
    "pov": {"rate": [0.02, 0.1, 0.3]},
    "midpoint_peg": {"max_deviation_bps": [0, 5, 30, 200], "offset_ticks": [0, 0, -3, 1, 4]},
    "iceberg": {
        "display_size": [100, 350, 5_000],
        "variance_pct": [0, 0.2, 1],
        "price_offset_ticks": [0, 0, -3, 1, 4],
    },
    "sniper": {"min_size": [None, 100, 1_250]},
    "adaptive": {"volatility_bps": [None, 0, 5, 80], "opportunity_cost_bps": [None, None, 0, 50]},
    "is": {
        "risk_aversion": [None, 0, 1e-3, 1e9],
        "volatility": [None, 0.02],
        "adv": [None, "1e6"],
        "eta": [None, 0.5],
    },
    "close": {"minutes": [1, 5, 200], "weight": [1, 2, 10]},
}
"""What is tried of each algo's own parameters."""

decimals = st.sampled_from
share = st.sampled_from([0.1, 0.25, 0.5, 1.0])


@st.composite
def books(draw, middle=MIDDLE):
    """A two-sided book near the middle, of up to four levels a side, sometimes with a side that may be ours."""
    bid = middle + draw(st.integers(-12, 12))
    ask = bid + draw(st.integers(1, 12))

    def levels(price, step):
        gaps = draw(st.lists(st.integers(1, 3), min_size=0, max_size=3))
        sizes = draw(st.lists(st.integers(1, 20), min_size=len(gaps) + 1, max_size=len(gaps) + 1))
        prices = [price]
        for gap in gaps:
            prices.append(prices[-1] + step * gap)
        return [(level, 50 * size) for level, size in zip(prices, sizes, strict=True)]

    return market(
        levels(bid, -1),
        levels(ask, 1),
        volume=draw(st.sampled_from([0, 1_000, 30_000])),
        last=draw(st.integers(bid - 1, ask + 1)),
        own_bid=draw(st.booleans()) and draw(st.booleans()),
        own_ask=draw(st.booleans()) and draw(st.booleans()),
    )


@st.composite
def params(draw, name):
    given_params = {
        "urgency": draw(st.sampled_from([0, 0.5, 0.5, 0.8, 1])),
        "rest": draw(st.sampled_from(list(Rest))).value,
        "min_child": draw(st.sampled_from([None, None, 100, 250])),
        "max_child": draw(st.sampled_from([None, None, 300, 1000])),
        "participation_cap": draw(st.sampled_from([None, None, 0.05, 0.3, 1])),
    }
    if name in SCHEDULED:
        given_params |= {
            "slice_seconds": draw(st.sampled_from([1, 20, 60, 400])),
            "jitter": draw(st.sampled_from([0, 0.2, 0.9])),
            "discretion": draw(st.sampled_from([0, 0.7, 1])),
        }
    given_params |= {key: draw(st.sampled_from(choices)) for key, choices in OWN.get(name, {}).items()}
    if name in STOPS:
        given_params |= {"trigger": draw(st.sampled_from(["last", "bid_ask", "mid"]))}
    if name == "trailing_stop":
        given_params |= draw(st.sampled_from([{"trail_bps": 50}, {"trail_amount": "0.03", "min_step": "0.02"}]))
    return parse_params(ALGOS.get(name), {key: value for key, value in given_params.items() if value is not None})


@st.composite
def orders(draw, names=tuple(spec.name for spec in ALGOS)):
    """An algo's name with an order in the middle of its life: fills, working children, maybe rebased."""
    name = draw(st.sampled_from(names))
    quantity = draw(st.integers(1, 40)) * LOT
    schedule_filled = draw(st.sampled_from([0, 0, quantity // 3]))
    filled = min(quantity, schedule_filled + draw(st.integers(0, 40)) * 50 * shares(1))
    volume = shares(draw(st.integers(0, 50_000)))
    order = Order(
        params=draw(params(name)),
        side=draw(st.sampled_from(OrderSide)),
        quantity=quantity,
        limit_price=draw(st.sampled_from([None, None, 996, 1_000, 1_000.5, 1_004])),
        filled=filled,
        schedule_filled=schedule_filled,
        schedule_start=at(draw(st.sampled_from([0, 0, 200]))),
        end=at(draw(st.sampled_from([600, 7_100, 13_000]))),
        max_slippage_bps=draw(st.sampled_from([5, 50, 2_000])),
        crossing_margin=draw(st.sampled_from([0, 300_000_000, 5_000_000_000])),
        market_volume=volume,
        day_volume_at_start=draw(st.sampled_from([None, 0, shares(200_000)])),
        arrival_bid=ticks(999 + draw(st.integers(-20, 20))),
    )
    order.arrival_ask = (order.arrival_bid or 0) + TICK
    if order.limit_price is not None or ALGOS.get(name).needs_limit:
        order.limit_price = ticks(order.limit_price or MIDDLE)
    if name in STOPS:
        bid = ticks(999 + draw(st.integers(-20, 20)))
        order.stop_price = draw(st.sampled_from([ticks(990), ticks(1_003)]))
        order.memo = draw(st.sampled_from([{}, {TRIGGERED: at(1), BID: bid, ASK: bid + TICK, PRICE: bid}]))
    if name == "adaptive":
        order.memo = draw(st.sampled_from([{}, {}, {CROSSED: at(1)}, {CROSSED: at(199.9)}]))
    now = at(draw(st.sampled_from([200, 201, 242, 259.9, 300, 559, 598, 599.9, 1_000, 7_000, 9_000, 12_990])))
    return name, with_children(draw, order, name, now), now


def with_children(draw, order, name, now):
    """Let the order have children of its present slice and of another, with leaves that fit."""
    keys = [piece.key for piece in ask(name, order, market(999, 1_000, volume=0), now).slices] or ["s1"]
    left = order.leaves
    children = []
    for key in [*keys[:1], "older"]:
        leaves = min(left, draw(st.integers(0, 12)) * 50 * shares(1))
        left -= leaves
        if leaves:
            bound = order.limit_price
            price = ticks(MIDDLE + draw(st.integers(-15, 15)))
            if bound is not None:
                rounded = order.instrument.round_price(bound, order.side)
                price = min(price, rounded) if order.side is OrderSide.BUY else max(price, rounded)
            children.append(Child(key=key, leaves=leaves, limit_price=price))
    return replace(order, working=tuple(children))


def ask(name, order, view, now) -> Plan:
    """Return the shaped plan, as the engine uses it."""
    return shape(ALGOS.get(name).algo.plan(order, view, now), order, view)


def settle(name, order, view, now) -> tuple[Order, Plan]:
    """Carry plans out until nothing more is asked for."""
    plan = ask(name, order, view, now)
    for _ in range(4):
        if not requests(order, plan) and (plan.memo is None or plan.memo == order.memo):
            return order, plan
        order = carried_out(order, plan, now)
        plan = ask(name, order, view, now)
    raise AssertionError(f"never quiet: {plan}")


def requests(order, plan):
    """Return what the engine would send for *plan*, each as a few words."""
    wanted = {piece.key: piece for piece in plan.slices}
    room = order.leaves - sum(child.leaves for child in order.working)
    sent = []
    for child in order.working:
        piece = wanted.pop(child.key, None)
        if piece is None:
            sent.append(f"cancel {child.key}")
        elif (min(piece.quantity, child.leaves + room), piece.limit_price) != (child.leaves, child.limit_price):
            sent.append(f"replace {child.key}")
    return [*sent, *(f"place {key}" for key in wanted if room > 0)]


@given(orders(), books())
def test_a_plan_stays_within_the_order(case, view):
    """Slices are positive, never more than the leaves, on tick, and never beyond the order's limit."""
    name, order, now = case
    plan = ask(name, order, view, now)

    assert sum(piece.quantity for piece in plan.slices) <= order.leaves
    for piece in plan.slices:
        assert piece.quantity > 0
        assert piece.limit_price is not None
        assert order.instrument.on_tick(piece.limit_price)
        if order.limit_price is not None:
            assert order.side.sign * piece.limit_price <= order.side.sign * order.limit_price


@given(orders(names=(*SCHEDULED, "pov", "adaptive")), books())
def test_scheduled_children_stay_inside_the_collar(case, view):
    """No child of a scheduled algo that is re-priced stands further than the collar beyond the current mid."""
    name, order, now = case
    plan = ask(name, order, view, now)
    assume(order.day.is_open(now))
    mid = (view.mid_twice or 0) / 2

    for piece in plan.slices:
        beyond = order.side.sign * ((piece.limit_price or 0) - mid)
        assert beyond <= mid * order.max_slippage_bps / 10_000 or any(
            child.limit_price == piece.limit_price for child in order.working
        )
        assert not piece.crossing or beyond <= mid * order.max_slippage_bps / 10_000


@given(orders(), books())
def test_nothing_is_sent_when_nothing_changed(case, view):
    """Once the broker has what a plan asks for, asking again at the same time asks for no message."""
    name, order, now = case
    order, plan = settle(name, order, view, now)

    assert requests(order, ask(name, order, view, now)) == []
    assert plan.finish is not None or plan.wake_at is None or plan.wake_at > now


@given(orders(), books(), st.integers(-3, 3), st.integers(-3, 3))
def test_the_triggers_cover_every_change_of_plan(case, before, down, up):
    """While no trigger of a plan is met, a book that moved asks for no message: nothing needs polling."""
    name, order, now = case
    order, plan = settle(name, order, before, now)
    assume(not plan.finish)
    after = moved(before, down, up)
    assume(after.is_tradable and not any_meets(after, plan.wake_when))

    assert requests(order, ask(name, order, after, now)) == []


def moved(view: MarketView, bids: int, asks: int) -> MarketView:
    """Return the book with its sides shifted by so many ticks."""
    return msgspec.structs.replace(
        view,
        bids=tuple((price + ticks(bids), size) for price, size in view.bids),
        asks=tuple((price + ticks(asks), size) for price, size in view.asks),
    )


@given(orders(), books())
def test_an_unmet_market_does_not_wake_at_once(case, view):
    """A settled plan's own triggers are not met by the market that it was made for: no endless waking."""
    name, order, now = case
    _, plan = settle(name, order, view, now)

    assert not any_meets(view, plan.wake_when)


@given(orders(), books(), st.sampled_from(["no bids", "no asks", "crossed", "empty"]))
def test_a_broken_market_changes_nothing(case, view, broken):
    """With a side missing or the book crossed, what works is kept and nothing new starts, until a touch appears."""
    name, order, now = case
    assume(name not in {"market", "limit", *STOPS})
    order, plan = settle(name, order, view, now)
    assume(not plan.finish)
    above = ((ticks(2_000), shares(1)),)
    bids = () if broken in {"no bids", "empty"} else above if broken == "crossed" else view.bids
    asks = () if broken in {"no asks", "empty"} else view.asks
    dark = MarketView(symbol=view.symbol, time=view.time, bids=bids, asks=asks, volume=view.volume)
    kept = ask(name, order, dark, now)

    assert requests(order, kept) == []
    if kept.slices and order.day.is_open(now):
        assert any_meets(view, kept.wake_when)
        assert not any_meets(dark, kept.wake_when)


@given(orders(), books())
def test_buys_and_sells_are_mirror_images(case, view):
    """Negating every price and swapping the sides negates the plan's prices and changes nothing else."""
    name, order, now = case
    plan = ask(name, order, view, now)
    mirrored = ask(name, mirrored_order(order), mirrored_market(view), now)

    assert [(piece.key, piece.quantity, negated(piece.limit_price), piece.crossing) for piece in plan.slices] == [
        (piece.key, piece.quantity, piece.limit_price, piece.crossing) for piece in mirrored.slices
    ]
    assert (plan.wake_at, plan.finish) == (mirrored.wake_at, mirrored.finish)
    assert mirrored_memo(plan.memo or {}) == (mirrored.memo or {})
    assert [mirrored_trigger(trigger) for trigger in plan.wake_when] == list(mirrored.wake_when)


def negated(price: Price | None) -> Price | None:
    return None if price is None else -price


def mirrored_market(view: MarketView) -> MarketView:
    return MarketView(
        symbol=view.symbol,
        time=view.time,
        bids=tuple((-price, size) for price, size in view.asks),
        asks=tuple((-price, size) for price, size in view.bids),
        last=negated(view.last),
        volume=view.volume,
        own_bid=view.own_ask,
        own_ask=view.own_bid,
    )


def mirrored_order(order: Order) -> Order:
    return replace(
        order,
        side=order.side.opposite,
        limit_price=negated(order.limit_price),
        stop_price=negated(order.stop_price),
        memo=mirrored_memo(order.memo),
        arrival_bid=negated(order.arrival_ask),
        arrival_ask=negated(order.arrival_bid),
        working=tuple(replace(child, limit_price=negated(child.limit_price)) for child in order.working),
    )


def mirrored_memo(memo):
    """Negate the prices that a stop remembers, and swap the sides."""
    other = {BID: ASK, ASK: BID}
    prices = {BID, ASK, PRICE, EXTREME}
    return {other.get(key, key): -value if key in prices else value for key, value in memo.items()}


def mirrored_trigger(trigger: Trigger) -> Trigger:
    match trigger:
        case TouchLeaves(side, low, high):
            return TouchLeaves(side.opposite, -high, -low)
        case MidLeaves(low, high):
            return MidLeaves(-high, -low)
        case SizeReaches(side, price, quantity):
            return SizeReaches(side.opposite, -price, quantity)
        case LastThrough(price, rising):
            return LastThrough(-price, not rising)
        case VolumeReaches():
            return trigger


@given(st.sampled_from(SCHEDULED), st.integers(1, 60), st.sampled_from([0, 30, 50]), st.data())
def test_a_schedule_that_can_cross_trades_exactly_the_order(name, lots, odd, data):
    """Whatever part of each resting slice is filled, the children add up to the order at its end, odd rest and all."""
    quantity = lots * LOT + shares(odd)
    given_params = {"slice_seconds": 30} | ({"volatility": 0.02, "adv": "1e6"} if name == "is" else {})
    order = Order(params=parse_params(ALGOS.get(name), given_params), quantity=quantity)
    view = market(999, 1_000)
    now = order.start
    while (plan := ask(name, order, view, now)).finish is None:
        order.memo = plan.memo or order.memo
        for piece in plan.slices:
            part = quantity_between(data, 0, piece.quantity)
            order.filled += piece.quantity if piece.crossing else part
        order.market_volume += shares(data.draw(st.integers(0, 2_000)))
        wake_at = ask(name, order, view, now).wake_at
        assert wake_at is None or wake_at > now
        now = wake_at or now

    assert order.filled == quantity


@given(st.sampled_from([0.02, 0.1, 0.3]), st.integers(1, 200), st.data())
def test_a_volume_follower_stays_below_its_cap_and_near_its_floor(rate, lots, data):
    """Filled and working never exceed the cap; where crossing fills, filled is at most a clip below the floor."""
    order = Order(params=parse_params(ALGOS.get("pov"), {"rate": rate}), quantity=lots * LOT)
    cap, floor = rate * 1.5, rate / 2
    for second in range(1, 60):
        order.market_volume += shares(data.draw(st.sampled_from([0, 100, 5_000])))
        view = market(999, 1_000, volume=order.market_volume / shares(1))
        order, _ = settle("pov", order, view, at(second))
        working = sum(child.leaves for child in order.working)
        assert order.filled + working <= cap / (1 - cap) * order.market_volume + 1
        for child in order.working:
            order.filled += child.leaves if child.crossing else quantity_between(data, 0, child.leaves)
        order.working = ()
        owed = min(order.quantity, floor / (1 - floor) * order.market_volume) - order.filled
        assert owed <= clip(order, rate) + LOT


def quantity_between(data, low, high):
    """Draw a whole number of shares."""
    return shares(data.draw(st.integers(low // shares(1), high // shares(1))))
