"""A whole life of an adaptive order, whatever the market and the fills do: it ends, and it trades exactly the order."""

from hypothesis import given
from hypothesis import strategies as st

from quietfill.algos.adaptive import CROSSED
from quietfill.algos.base import Outcome
from quietfill.algos.registry import parse_params, registry
from quietfill.algos.shaping import shape
from quietfill.domain.types import SECOND, OrderSide
from quietfill.testing.builders import Order, at, carried_out, market, shares

ALGO = registry().get("adaptive")
END = 600


@st.composite
def orders(draw, rest="complete"):
    given_params = {
        "urgency": draw(st.sampled_from([0, 0.3, 0.5, 0.8, 1])),
        "volatility_bps": draw(st.sampled_from([None, 3, 40])),
        "max_child": draw(st.sampled_from([None, 300])),
        "rest": rest,
    }
    return Order(
        params=parse_params(ALGO, {key: value for key, value in given_params.items() if value is not None}),
        side=draw(st.sampled_from(OrderSide)),
        quantity=shares(draw(st.integers(1, 6_000))),
        end=at(END),
        max_slippage_bps=500,
        crossing_margin=2 * SECOND,
        day_volume_at_start=draw(st.sampled_from([None, shares(9_000)])),
    )


def live(order, data):
    """Carry every plan out; what crosses trades in full, what rests in part. Return the plans."""
    plans, now = [], order.start
    while True:
        size = st.sampled_from([50, 400, 1_000, 8_000])
        bid = 999 + data.draw(st.integers(-3, 3))
        view = market(
            [(bid, data.draw(size))],
            [(bid + data.draw(st.integers(1, 3)), data.draw(size))],
            volume=order.market_volume / shares(1),
        )
        plan = shape(ALGO.algo.plan(order, view, now), order, view)
        plans.append(plan)
        order.memo = order.memo if plan.memo is None else plan.memo
        if plan.finish is not None:
            return plans
        order.working = carried_out(order, plan).working
        for child in order.working:
            part = data.draw(st.sampled_from([0, 0, 0.3, 1]))
            traded = child.leaves if child.crossing else shares(int(part * child.leaves / shares(1)))
            order.filled += traded
            child.leaves -= traded
        order.working = tuple(child for child in order.working if child.leaves)
        order.market_volume += shares(data.draw(st.sampled_from([0, 100, 3_000])))
        assert plan.wake_at is not None
        assert plan.wake_at > now
        # The market wakes it at any time, its own alarm at the latest; a whole fill at once.
        early = data.draw(st.sampled_from([1.0, 0.5, 0.0])) if order.working else 0.0
        now = max(now + 1, int(now + early * (plan.wake_at - now))) if order.leaves else now


@given(orders(), st.data())
def test_an_order_that_must_complete_trades_exactly_its_quantity(order, data):
    """Odd rests, partial fills and clips add up to the order before its window ends."""
    quantity = order.quantity
    plans = live(order, data)

    assert order.filled == quantity
    assert plans[-1].finish is Outcome.FILLED


@given(orders(rest="abandon"), st.data())
def test_an_order_that_may_be_abandoned_never_trades_more(order, data):
    """Without the last crossing it ends filled or abandoned, and never beyond its quantity."""
    quantity = order.quantity
    plans = live(order, data)

    assert order.filled <= quantity
    assert plans[-1].finish is (Outcome.FILLED if order.filled == quantity else Outcome.ABANDONED)


@given(orders(), st.data())
def test_each_choice_to_cross_is_remembered_once(order, data):
    """The memo moves on with every clip across, and only with one."""
    plans = live(order, data)
    kept = [plan.memo[CROSSED] for plan in plans if plan.memo is not None]

    assert kept == sorted(set(kept))
    assert all(plan.slices and plan.slices[0].crossing for plan in plans if plan.memo is not None)
