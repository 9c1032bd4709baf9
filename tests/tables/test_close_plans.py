"""Trading at the close by hand: the last minutes of continuous trading, or the closing auction and its cut-off."""

import re
from dataclasses import replace
from typing import Any

import pytest

from quietfill.algos.base import Outcome, Plan
from quietfill.algos.registry import parse_params, registry
from quietfill.algos.shaping import shape
from quietfill.domain.types import TimeInForce
from quietfill.testing.builders import LOT, Child, Order, at, carried_out, market, ticks

ALGOS = registry()
VIEW = market(998, 1_002)
CLOSE = 19_800  # 15:00, in seconds after the open at 09:30


def order_of(params=None, **terms) -> Order:
    """A buy of 10,000 shares until the close."""
    given: dict[str, Any] = {"quantity": 100 * LOT, "end": at(CLOSE), **terms}
    return Order(params=parse_params(ALGOS.get("close"), {"jitter": 0, **(params or {})}), **given)


def auction(params=None, **terms) -> Order:
    return order_of({"style": "auction", **(params or {})}, **terms)


def ask(order, now) -> Plan:
    return shape(ALGOS.get("close").algo.plan(order, VIEW, at(now)), order, VIEW)


@pytest.mark.parametrize(
    ("params", "lots"),
    [
        ({"weight": 1}, [10, 10, 10, 10, 10, 10, 10, 10, 10, 10]),
        ({}, [1, 3, 5, 7, 9, 11, 13, 15, 17, 19]),
        ({"minutes": 4}, [6, 19, 31, 44]),
    ],
)
def test_the_last_minutes_weigh_more(params, lots):
    """Nothing works before the last minutes; then share x of them does x ^ weight of the order, done by the close."""
    order = order_of(params)
    begin = CLOSE - 60 * len(lots)
    early = ask(order, begin - 1)
    assert (early.slices, early.wake_at) == ((), at(begin))

    for number, expected in enumerate(lots):
        wanted = sum(piece.quantity for piece in ask(order, begin + 60 * number).slices)
        assert wanted == expected * LOT
        order.filled += wanted
    assert order.leaves == 0


def test_minutes_count_trading_time():
    """With more minutes than the afternoon has, the morning's last ones are taken; the lunch break is no time."""
    order = order_of({"minutes": 150})

    assert ask(order, 0).wake_at == at(7_200 - 30 * 60)


def test_an_order_that_comes_late_takes_what_is_left():
    """Three minutes before the close all of it is spread over those three."""
    order = order_of({"weight": 1}, start=at(CLOSE - 180))

    assert [piece.quantity for piece in ask(order, CLOSE - 180).slices] == [33 * LOT]


@pytest.mark.parametrize(("limit", "price"), [(None, None), (ticks(1_000.5), ticks(1_000))])
def test_the_auction_gets_everything_at_once(limit, price):
    """Market-on-close without a limit, limit-on-close with one; the cut-off is when the plan changes."""
    plan = ask(auction(limit_price=limit), 100)

    assert [(piece.quantity, piece.limit_price, piece.time_in_force, piece.crossing) for piece in plan.slices] == [
        (100 * LOT, price, TimeInForce.MOC, False)
    ]
    assert plan.wake_at == at(CLOSE - 600)


def test_pieces_for_the_auction():
    """A largest child makes several orders of it: in an auction one cannot follow another."""
    plan = ask(auction({"max_child": 4_000}), 100)

    assert [(piece.key, piece.quantity // LOT) for piece in plan.slices] == [
        ("auction1", 40), ("auction2", 40), ("auction3", 20),
    ]  # fmt: skip


def test_from_the_cut_off_on_nothing_changes():
    """What works is left alone whatever is amended, through the end of continuous trading until the auction's word."""
    order = auction({"cutoff_minutes": 5})
    order = carried_out(order, ask(order, 100))
    shrunk = replace(order, quantity=50 * LOT, working=(replace(order.working[0], leaves=50 * LOT),))

    assert ask(shrunk, CLOSE - 299).slices[0].quantity == 50 * LOT
    for now in (CLOSE - 300, CLOSE - 1, CLOSE, CLOSE + 899):
        plan = ask(order, now)
        assert [(piece.key, piece.quantity) for piece in plan.slices] == [("auction1", 100 * LOT)]
        assert plan.finish is (Outcome.ENDED if now >= CLOSE else None)
        assert plan.wake_at is not None
        assert plan.wake_at > at(now)


def test_an_auction_without_a_word_is_given_up():
    """After the stated wait the child is taken back and a person is told."""
    order = auction(working=(Child(key="auction1", leaves=100 * LOT),))
    plan = ask(order, CLOSE + 900)

    assert (plan.slices, plan.finish, plan.alert) == ((), Outcome.ENDED, "the closing auction gave no word")


@pytest.mark.parametrize(
    ("terms", "now", "why"),
    [
        ({}, CLOSE - 600, "the cut-off at .* has passed: nothing more is sent"),
        ({"last_child_ended_at": at(200), "children_count": 1}, 201, "the venue ended .* it is not sent again"),
        ({"end": at(CLOSE - 700)}, 100, "ends at .*, before the closing auction"),
    ],
)
def test_when_nothing_can_be_sent_it_ends_and_says_so(terms, now, why):
    """Too late, refused, or over before the auction: nothing is sent, nothing is tried again, a person is told."""
    plan = ask(auction(**terms), now)

    assert (plan.slices, plan.finish) == ((), Outcome.ENDED)
    assert plan.alert == plan.why
    assert re.search(why, plan.why)


def test_a_resumed_auction_order_is_sent_again():
    """A child that a pause took back was not ended by the venue: after the resume it goes out anew."""
    order = auction(last_child_ended_at=at(200), children_count=1, schedule_start=at(300))

    assert ask(order, 301).slices


def test_filled_is_filled():
    """After its fill nothing is left to do."""
    assert ask(auction(filled=100 * LOT), CLOSE + 10).finish is Outcome.FILLED
