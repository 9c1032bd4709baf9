"""The triggers that come with a price: inside them the price stays, for every book there is nearby."""

from collections.abc import Iterator

from hypothesis import given, settings
from hypothesis import strategies as st

from quietfill.algos.base import AlgoParams
from quietfill.algos.pricing import Priced, cross, inside, rest
from quietfill.domain.types import OrderSide
from quietfill.market.view import MarketView
from quietfill.testing.builders import Order, any_meets, market, shares, ticks

REACH = 7


@st.composite
def situations(draw):
    """An order, where its child may stand, and the touch, in ticks around 1,000."""
    side = draw(st.sampled_from(OrderSide))
    bid = 1_000 + draw(st.integers(-10, 10))
    ask = bid + draw(st.integers(1, 30))
    limit = draw(st.one_of(st.none(), st.integers(-12, 40).map(lambda ticks_off: 1_000 + ticks_off)))
    order = Order(
        params=AlgoParams(),
        side=side,
        limit_price=None if limit is None else ticks(limit),
        max_slippage_bps=draw(st.sampled_from([0, 5, 20, 50, 300, 3_000])),
    )
    return order, bid, ask, draw(st.one_of(st.none(), st.integers(985, 1_045)))


def nearby(bid: int, ask: int) -> Iterator[MarketView]:
    """Yield every book whose touches lie within a few ticks of these."""
    for down in range(-REACH, REACH + 1):
        for up in range(-REACH, REACH + 1):
            if bid + down < ask + up:
                yield market(bid + down, ask + up)


def stages(order, view, current) -> list[Priced]:
    """Return the answers of the three stages."""
    quantity = shares(100)
    return [rest(order, view, current), inside(order, view, current), cross(order, view, quantity, current)]


@settings(max_examples=500)
@given(situations())
def test_a_price_stays_while_its_triggers_are_not_met(case):
    """At each stage: no book within reach that meets none of the triggers gives another price or another intent."""
    order, bid, ask, current = case
    here = market(bid, ask)
    for stage, priced in enumerate(stages(order, here, None if current is None else ticks(current))):
        for there in nearby(bid, ask):
            if not any_meets(there, priced.wake_when):
                again = stages(order, there, priced.price)[stage]
                assert (again.price, again.crossing) == (priced.price, priced.crossing)


@given(situations())
def test_a_price_is_not_woken_by_the_market_it_was_made_for(case):
    """Asking again at once gives the same price, and no trigger of it is met already."""
    order, bid, ask, current = case
    here = market(bid, ask)
    for stage, priced in enumerate(stages(order, here, None if current is None else ticks(current))):
        assert stages(order, here, priced.price)[stage].price == priced.price
        assert not any_meets(here, priced.wake_when)


@given(situations())
def test_only_a_crossing_price_reaches_the_far_touch(case):
    """Resting and mid prices never trade at once; a crossing one always could, inside the collar and the limit."""
    order, bid, ask, current = case
    here = market(bid, ask)
    sign = order.side.sign
    far = here.far(order.side)
    mid = (ticks(bid) + ticks(ask)) / 2
    for priced in stages(order, here, None if current is None else ticks(current)):
        assert (sign * priced.price >= sign * far) == priced.crossing
        if priced.crossing:
            assert sign * (priced.price - mid) <= mid * order.max_slippage_bps / 10_000
        if order.limit_price is not None:
            assert sign * priced.price <= sign * order.limit_price


@given(situations())
def test_one_lone_child_never_follows_itself(case):
    """While the near touch may be our own order, a child that rests is not moved, whatever that touch shows."""
    order, bid, ask, _ = case
    here = market(bid, ask)
    resting = rest(order, here)
    for there in nearby(bid, ask):
        ours = market(there.bids[0][0] / ticks(1), there.asks[0][0] / ticks(1), own_bid=True, own_ask=True)
        if order.side.sign * resting.price < order.side.sign * ours.far(order.side):
            assert rest(order, ours, resting.price).price == resting.price
