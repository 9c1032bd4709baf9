"""The trajectory of Almgren and Chriss as the algo works it: its shape, its re-planning, and what it must know."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quietfill.algos.base import Plan
from quietfill.algos.registry import parse_params, registry
from quietfill.algos.shaping import shape
from quietfill.algos.shortfall import Shortfall, ShortfallParams, held_share
from quietfill.domain.types import SECOND, OrderSide
from quietfill.market.scheduling.almgren_chriss import optimal_trajectory
from quietfill.market.scheduling.linear_market import LinearMarket
from quietfill.testing.builders import LOT, Order, at, market, ticks

ALGOS = registry()
VIEW = market(998, 1_002)
DAY = 4 * 3_600 * SECOND
KNOWN = {"volatility": 0.02, "adv": "5e6"}


def order_of(params=None, **terms) -> Order:
    """A buy of 100,000 shares at 10.00 over ten minutes in ten slices, without jitter."""
    given_params = {"jitter": 0, **KNOWN, **(params or {})}
    given: dict[str, Any] = {"quantity": 1_000 * LOT, "arrival_bid": ticks(999), "arrival_ask": ticks(1_001), **terms}
    return Order(params=parse_params(ALGOS.get("is"), given_params), **given)


def missing(**params) -> tuple[str, ...]:
    """Return what an order with these parameters lacks."""
    read = order_of(params).params
    assert isinstance(read, ShortfallParams)
    return read.missing


def ask(order, now) -> Plan:
    return shape(Shortfall().plan(order, VIEW, at(now)), order, VIEW)


def worked(order, *, done=lambda _number, wanted: wanted) -> list[int]:
    """Work the order slice by slice, filling what *done* says of each; return the lots wanted of each slice."""
    lots = []
    for number in range(10):
        plan = ask(order, 60 * number)
        order.memo = plan.memo or order.memo
        wanted = sum(piece.quantity for piece in plan.slices)
        lots.append(wanted // LOT)
        order.filled += done(number, wanted)
    return lots


def test_the_slices_are_those_of_the_paper():
    """With risk aversion, volatility, volume and impact stated the slices are Almgren and Chriss's trades."""
    aversion, eta = 3e-3, 0.5
    price_risk = 0.02 * 10.0
    model = LinearMarket(volatility=price_risk, temporary_impact=eta * price_risk / 5e6)
    path = optimal_trajectory(model, 100_000, 600 * SECOND / DAY, 10, aversion)
    lots = worked(order_of({"risk_aversion": aversion, "eta": eta}))

    held = 1_000
    for wanted, ideal in zip(lots, path.holdings[1:], strict=True):
        held -= wanted
        assert abs(held - ideal / 100) <= 1
    assert lots[0] > 3 * lots[-1] > 0
    assert sum(lots) == 1_000


def test_without_aversion_it_is_a_straight_line():
    """Risk aversion 0, or urgency 0, trades evenly and needs to know nothing of the market."""
    unknown = {"volatility": None, "adv": None}

    assert worked(order_of({**unknown, "risk_aversion": 0})) == [100] * 10
    assert worked(order_of({**unknown, "urgency": 0})) == [100] * 10


def test_all_at_once_needs_nothing_either():
    """Urgency 1 is infinite risk aversion: everything is in the first slice."""
    assert worked(order_of({"volatility": None, "adv": None, "urgency": 1})) == [1_000] + [0] * 9


def test_more_urgency_volatility_or_volume_trades_faster():
    """What makes waiting riskier or trading cheaper brings the first slice forward."""
    base = {"urgency": 0.8, "volatility": 0.05, "adv": "5e8"}
    first = worked(order_of(base))[0]

    for change in ({"urgency": 0.9}, {"volatility": 0.1}, {"adv": "5e9"}, {"risk_aversion": 1e-3}, {"eta": 1e-5}):
        assert worked(order_of({**base, **change}))[0] > first


@pytest.mark.parametrize(
    ("params", "terms", "lack"),
    [
        ({"volatility": None}, {}, "volatility"),
        ({"adv": None}, {}, "adv"),
        ({"volatility": None, "adv": None}, {}, "volatility, adv"),
        ({}, {"arrival_bid": None}, "an arrival price"),
    ],
)
def test_it_does_not_guess(params, terms, lack):
    """Without what the trajectory is made of nothing is sent, and a person is told what is missing."""
    plan = ask(order_of(params, **terms), 0)

    assert plan.slices == ()
    assert plan.alert == f"no trajectory without {lack}; nothing new is sent"


def test_missing_names_what_must_be_known():
    """The names are those of the parameters that the door must fill in."""
    assert missing(volatility=None, adv=None) == ("volatility", "adv")
    assert missing() == ()
    assert missing(adv=None, risk_aversion=0) == ()


def test_replanned_on_schedule_gives_the_tail():
    """A17: computed anew at any slice with the same risk aversion, the rest is the tail of the first plan."""
    params = {"risk_aversion": 3e-3, "eta": 0.5}
    lots = worked(order_of(params))
    for step in range(1, 10):
        halfway = order_of(params, filled=sum(lots[:step]) * LOT)
        plan = ask(halfway, 60 * step)
        assert sum(piece.quantity for piece in plan.slices) == lots[step] * LOT


@given(
    st.floats(1e-14, 1e-10),
    st.integers(1, 10**12),
    st.integers(0, 10**12),
    st.integers(0, 10**12),
)
def test_the_held_share_has_no_memory(kappa, total, one, two):
    """A17: going to t by way of any earlier instant gives what going there at once gives, exact to 1e-9."""
    middle, late = sorted((min(one, total), min(two, total)), reverse=True)
    at_once = held_share(kappa, total, late)

    assert 0 <= at_once <= 1
    if middle:
        assert held_share(kappa, total, middle) * held_share(kappa, middle, late) == pytest.approx(
            at_once, rel=1e-9, abs=1e-300
        )


def test_what_is_missed_is_spread_over_what_is_to_come():
    """A slice that did nothing is not caught up at once: its part goes to all that follow, in their proportions."""
    params = {"risk_aversion": 3e-3, "eta": 0.5}
    planned = worked(order_of(params))
    lots = worked(order_of(params), done=lambda number, wanted: 0 if number == 2 else wanted)

    assert lots[:3] == planned[:3]
    missed = planned[2]
    for late, ideal in zip(lots[3:], planned[3:], strict=True):
        assert late == pytest.approx(ideal * (1 + missed / sum(planned[3:])), abs=1.5)


def test_a_slice_keeps_its_size_while_it_fills():
    """What a slice is to do was settled when it began: fills within it make it neither grow nor shrink."""
    order = order_of({"risk_aversion": 3e-3, "eta": 0.5})
    first = ask(order, 0)
    order.memo = first.memo or {}
    (piece,) = first.slices
    order.filled = 20 * LOT
    (rest,) = ask(order, 30).slices

    assert rest.quantity == piece.quantity - 20 * LOT


def test_a_restart_in_mid_slice_goes_on_from_what_is_left():
    """A rebased schedule begins anew with what is left and the time that is left: nothing fires at once."""
    params = {"risk_aversion": 3e-3, "eta": 0.5}
    order = order_of(params)
    order.memo = ask(order, 0).memo or {}
    order.filled = 300 * LOT
    rebased = replace(order, schedule_start=at(300), schedule_filled=300 * LOT)
    plan = ask(rebased, 300)

    assert 140 * LOT < sum(piece.quantity for piece in plan.slices) < 350 * LOT
    assert plan.memo != order.memo


def test_buy_and_sell_have_the_same_trajectory():
    """The side changes prices, never how much is to be done by when."""
    params = {"urgency": 0.9, "volatility": 0.05, "adv": "5e8"}

    assert worked(order_of(params)) == worked(order_of(params, side=OrderSide.SELL))
