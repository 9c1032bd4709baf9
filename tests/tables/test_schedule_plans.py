"""TWAP and VWAP by hand: what should be working at which second, at which price."""

from dataclasses import replace

import msgspec
import pytest

from quietfill.algos.base import AlgoParams, Outcome, Plan
from quietfill.algos.registry import parse_params, registry
from quietfill.algos.schedule import Schedule, ScheduleParams, even_share
from quietfill.algos.shaping import shape
from quietfill.domain.types import SECOND, OrderSide
from quietfill.testing.builders import STOCK, Child, Order, any_meets, at, carried_out, market, shares, ticks

ALGOS = registry()
BOOK = market([(998, 500), (997, 500)], [(1_002, 300), (1_003, 300)])


def order_of(algo="twap", params=None, **terms) -> Order:
    """A buy of 1,000 shares over ten minutes in ten slices, without jitter unless asked for."""
    return Order(params=parse_params(ALGOS.get(algo), {"jitter": 0, **(params or {})}), **terms)


def ask(order, now, view=BOOK, algo="twap") -> Plan:
    return shape(ALGOS.get(algo).algo.plan(order, view, at(now)), order, view)


def seen(plan: Plan) -> list[tuple[str, float, float, bool]]:
    """Return slices as (key, shares, ticks, crossing)."""
    return [
        (piece.key, piece.quantity / shares(1), (piece.limit_price or 0) / ticks(1), piece.crossing)
        for piece in plan.slices
    ]


@pytest.mark.parametrize(
    ("now", "filled", "slices", "wake_at"),
    [
        (0, 0, [("s1", 100, 998, False)], 41.58),  # rests for 0.7 of the 59.4 s to its deadline
        (41.58, 0, [("s1", 100, 1_000, False)], 59.4),  # steps to mid
        (59.4, 0, [("s1", 100, 1_002, True)], 60),  # crosses in the last hundredth
        (10, 100, [], 60),  # filled early: nothing until the next
        (60, 100, [("s2", 100, 998, False)], 101.58),
        (60, 0, [("s2", 200, 998, False)], 101.58),  # what slice 1 could not do is in slice 2
        (60, 40, [("s2", 100, 998, False)], 101.58),  # an odd rest stays out: 160 is one whole lot
        (300, 450, [("s6", 100, 998, False)], 341.58),
        (540, 950, [("s10", 50, 998, False)], 581.58),  # the odd rest goes whole into the last
        (599.5, 900, [("s10", 100, 1_002, True)], 600),
        (599.5, 500, [("s10", 500, 1_003, True)], 600),  # 300 at 1002 are not enough
        (540, 1_000, [], None),
        (600, 900, [], None),
    ],
)
def test_a_twap_by_the_second(now, filled, slices, wake_at):
    """1,000 shares in ten slices: resting, mid, across, and always what the schedule says less what is filled."""
    plan = ask(order_of(filled=shares(filled)), now)

    assert seen(plan) == slices
    assert plan.wake_at == (None if wake_at is None else at(wake_at))


@pytest.mark.parametrize(
    ("lots", "count", "cumulative"),
    [
        (10, 4, [2, 5, 8, 10]),  # 2.5 -> 2, 7.5 -> 8: half to even
        (3, 5, [1, 1, 2, 2, 3]),
        (7, 7, [1, 2, 3, 4, 5, 6, 7]),
        (1, 3, [0, 1, 1]),
        (0, 2, [0, 0]),
    ],
)
def test_lots_are_shared_evenly(lots, count, cumulative):
    """The cumulative target rounds half to even and ends with all lots."""
    assert [even_share(lots, number, count) for number in range(1, count + 1)] == cumulative


@pytest.mark.parametrize(
    ("params", "now", "slices"),
    [
        ({"urgency": 1}, 0, [("s1", 100, 1_002, True)]),  # crosses at once
        ({"urgency": 0}, 59, [("s1", 100, 998, False)]),  # rests to the deadline
        ({"urgency": 0}, 59.4, [("s1", 100, 1_002, True)]),
        ({"urgency": 0.75}, 20, [("s1", 100, 998, False)]),  # 0.7 ** 3 = 0.343 of 59.4 s
        ({"urgency": 0.75}, 21, [("s1", 100, 1_000, False)]),
        ({"urgency": 0.75}, 30, [("s1", 100, 1_002, True)]),  # crosses from half of it
        ({"discretion": 1}, 59, [("s1", 100, 998, False)]),
        ({"discretion": 0}, 0, [("s1", 100, 1_000, False)]),
        ({"rest": "abandon"}, 59.5, [("s1", 100, 1_002, True)]),  # only the last slice gives up
        ({"slice_seconds": 300}, 0, [("s1", 500, 998, False)]),
        ({"slice_seconds": 45}, 0, [("s1", 100, 998, False)]),  # 14 slices would be less than a lot each: 10
        ({"min_child": 300}, 0, [("s1", 300, 998, False)]),  # three slices of 3.33 lots
        ({"max_child": 250, "slice_seconds": 600}, 0, [("s1", 200, 998, False)]),
        ({"limit_price": 9.9}, 0, [("s1", 100, 998, False)]),  # a limit binds once it is the order's
    ],
)
def test_parameters_of_a_twap(params, now, slices):
    """Each parameter moves price, stage or size as its docs say."""
    assert seen(ask(order_of(params=params), now)) == slices


@pytest.mark.parametrize(("rest", "finish"), [("abandon", Outcome.ABANDONED), ("alert", Outcome.ABANDONED)])
def test_an_abandoned_rest_never_crosses(rest, finish):
    """With the rest abandoned the last slice stays at mid to the end, and what is left is let go."""
    order = order_of(params={"rest": rest}, filled=shares(900))

    assert seen(ask(order, 599.9)) == [("s10", 100, 1_000, False)]
    assert ask(order, 600).finish is finish
    assert (ask(order, 600).alert is not None) == (rest == "alert")
    assert ask(order_of(filled=shares(900)), 600).finish is Outcome.ENDED


def test_the_last_crossing_leaves_time_for_its_answer():
    """The last slice crosses a crossing margin before the end, an inner one at most a quarter of itself."""
    order = order_of(crossing_margin=30 * SECOND)

    assert seen(ask(order, 44.9))[0][3] is False
    assert seen(ask(order, 45))[0][3] is True
    assert seen(ask(order, 569.9))[0][3] is False
    assert seen(ask(order, 570))[0][3] is True


def test_a_break_is_no_schedule_time():
    """Over lunch the schedule stands still, what works is left alone, and the slice goes on afterwards."""
    order = order_of(start=at(7_140), end=at(12_660), quantity=shares(1_000))  # 60 s before lunch, 60 s after
    before = ask(order, 7_140)
    working = carried_out(order, before)

    assert seen(before) == [("s1", 500, 998, False)]
    assert seen(ask(working, 7_200)) == [("s1", 500, 998, False)]
    assert ask(working, 7_200).wake_at == at(12_600)
    assert seen(ask(working, 12_600)) == [("s2", 500, 998, False)]


def test_a_rebase_spreads_what_is_left_over_what_is_left():
    """After a resume the rest is scheduled anew from there; no missed slice is caught up at once."""
    order = order_of(schedule_start=at(300), schedule_filled=shares(200), filled=shares(200))

    assert seen(ask(order, 300)) == [("s1@300000ms", 200, 998, False)]  # 800 shares in five slices: 1.6 lots


def test_other_children_count_against_a_slice():
    """What an older child can still trade is not asked for again by the slice that follows it."""
    order = order_of(working=(Child(key="s1", leaves=shares(60), limit_price=ticks(998)),))

    assert seen(ask(order, 60)) == [("s2", 100, 998, False)]  # 200 - 60, in whole lots
    assert seen(ask(order, 540)) == [("s10", 940, 998, False)]


def test_a_partial_fill_replaces_nothing():
    """A fill takes from the child's leaves what it takes from the slice's: the child stays as it is."""
    order = replace(carried_out(order_of(), ask(order_of(), 0)), filled=shares(30))
    order.working = (Child(key="s1", leaves=shares(70), limit_price=ticks(998)),)

    assert seen(ask(order, 5)) == [("s1", 70, 998, False)]


def test_odd_lots_that_a_venue_refuses_are_not_sent():
    """Where odd lots do not trade, the last child too is whole lots."""
    order = order_of(instrument=msgspec.structs.replace(STOCK, odd_lots=False), filled=shares(750))

    assert seen(ask(order, 599.9)) == [("s10", 200, 1_002, True)]


def test_jitter_moves_inner_ends_a_little_and_always_alike():
    """Inner slice ends move by at most half the stated share, differ between orders, and never between two runs."""
    params = ScheduleParams(jitter=0.2)
    schedule = Schedule.of(Order(params=params, quantity=shares(10_000)), params)
    other = Schedule.of(Order(params=params, quantity=shares(10_000), order_id="order-2"), params)
    shifts = [schedule.boundary(number) / SECOND - 60 * number for number in range(11)]

    assert shifts[0] == shifts[10] == 0
    assert all(abs(shift) <= 6 for shift in shifts)
    assert [round(shift, 3) for shift in shifts[1:4]] == [0.687, 2.638, -1.227]  # as every machine draws them
    assert schedule.boundary(1) != other.boundary(1)
    for number in range(1, 11):
        assert schedule.slice_at(schedule.boundary(number - 1)) == number
        assert schedule.slice_at(schedule.boundary(number) - 1) == number


@pytest.mark.parametrize(
    ("side", "limit", "collar", "price", "crossing", "alert"),
    [
        (OrderSide.BUY, None, 50, 1_002, True, None),
        (OrderSide.BUY, 1_002, 50, 1_002, True, None),
        (OrderSide.BUY, 1_001, 50, 998, False, "limit binds"),
        (OrderSide.BUY, 996, 50, 996, False, "limit binds"),
        (OrderSide.BUY, None, 19, 998, False, "collar binds"),  # 10.00 + 19 bps = 10.019 < 10.02
        (OrderSide.BUY, None, 20, 1_002, True, None),
        (OrderSide.SELL, None, 50, 998, True, None),
        (OrderSide.SELL, 999, 50, 1_002, False, "limit binds"),
        (OrderSide.SELL, None, 19, 1_002, False, "collar binds"),
    ],
)
def test_collar_and_limit_stop_a_crossing(side, limit, collar, price, crossing, alert):
    """Short of the far touch nothing crosses: the child rests at the near touch, inside the limit, and says so."""
    order = order_of(side=side, limit_price=None if limit is None else ticks(limit), max_slippage_bps=collar)
    plan = ask(order, 59.5)

    assert seen(plan)[0][2:] == (price, crossing)
    assert (plan.alert or "None").startswith(str(alert))


def test_a_crossing_that_could_not_reach_is_tried_again_when_it_can():
    """Held back by its limit, a crossing wakes as soon as the far touch comes within it."""
    order = order_of(limit_price=ticks(1_000))
    plan = ask(order, 59.5)

    assert any_meets(market(998, 1_000), plan.wake_when)
    assert not any_meets(BOOK, plan.wake_when)
    assert seen(ask(carried_out(order, plan), 59.5, market(998, 1_000))) == [("s1", 100, 1_000, True)]


def test_a_crossing_chases_within_its_collar():
    """A far touch that runs away is followed while the slice crosses, each time inside the collar of the mid."""
    order = carried_out(order_of(), ask(order_of(), 59.5))
    away = market(1_000, 1_004)

    assert any_meets(away, ask(order, 59.5).wake_when)
    assert seen(ask(order, 59.5, away)) == [("s1", 100, 1_004, True)]


def test_our_own_quote_is_not_followed():
    """While the best bid may be ours, the child keeps its price; once it is known to be another's, it follows."""
    order = order_of(working=(Child(key="s1", leaves=shares(100), limit_price=ticks(998)),))

    assert seen(ask(order, 1, market(1_000, 1_002, own_bid=True))) == [("s1", 100, 998, False)]
    assert seen(ask(order, 1, market(1_000, 1_002))) == [("s1", 100, 1_000, False)]


@pytest.mark.parametrize(
    ("bid", "ask_price", "expected"),
    [
        (1_000, 1_001, 1_000),  # one tick wide: any move of the touch is followed
        (999, 1_000, 999),
        (999, 1_002, 999),  # a quarter of three ticks is less than one
        (999, 1_003, 998),  # a quarter of four is not exceeded by one
        (1_000, 1_006, 1_000),
        (997, 999, 998),  # the others step back: we stay in front while no further in than mid
        (996, 999, 996),  # further in than mid: step back too
    ],
)
def test_the_touch_is_followed_with_tolerance(bid, ask_price, expected):
    """A child at 998 stays in its queue while the touch is less than about a quarter of the spread away."""
    order = order_of(working=(Child(key="s1", leaves=shares(100), limit_price=ticks(998)),))

    assert seen(ask(order, 1, market(bid, ask_price))) == [("s1", 100, expected, False)]


@pytest.mark.parametrize(
    ("side", "bid", "ask_price", "mid"),
    [
        (OrderSide.BUY, 998, 1_001, 999),  # half ticks go our way
        (OrderSide.SELL, 998, 1_001, 1_000),
        (OrderSide.BUY, 999, 1_000, 999),  # one tick wide: mid is the near touch
        (OrderSide.SELL, 999, 1_000, 1_000),
    ],
)
def test_mid_is_rounded_in_our_favour(side, bid, ask_price, mid):
    """A mid between two ticks becomes the better one for us."""
    assert seen(ask(order_of(side=side), 50, market(bid, ask_price)))[0][2] == mid


def test_a_participation_cap_holds_the_schedule_back():
    """Own volume stays within the cap: one lot may start, the rest waits for the others to trade."""
    order = order_of(params={"participation_cap": 0.1, "slice_seconds": 300})
    begun = ask(order, 0)
    order.filled = shares(100)
    waiting = ask(order, 5, market(998, 1_002, volume=500))
    order.market_volume = shares(1_800)
    more = ask(order, 5, market(998, 1_002, volume=2_300))

    assert seen(begun) == [("s1", 100, 998, False)]
    assert seen(waiting) == []
    assert not any_meets(market(998, 1_002, volume=2_299), waiting.wake_when)  # 200 of ours need 1,800 of theirs
    assert any_meets(market(998, 1_002, volume=2_300), waiting.wake_when)
    assert seen(more) == [("s1", 100, 998, False)]


def test_a_cap_without_volume_says_so():
    """Where the feed tells no volume a cap allows one lot, and a person is told why nothing more happens."""
    order = order_of(params={"participation_cap": 0.1}, filled=shares(100))
    plan = ask(order, 60, market(998, 1_002, volume=None))

    assert plan.slices == ()
    assert plan.alert == "participation cap: the feed tells no volume, so only one lot can start"


VWAP_DAY = (4.0, 1.0, 1.0, 2.0)  # four hours of trading: one weight an hour


@pytest.mark.parametrize(
    ("terms", "now", "slices"),
    [
        ({}, 0, [("s1", 500, 998, False)]),  # half of the day's volume in the first hour
        ({"filled": 500}, 3_600, [("s2", 100, 998, False)]),  # 62.5 % of 1,000 is 6.25 lots
        ({"filled": 600}, 12_600, [("s3", 200, 998, False)]),  # 75 % is 7.5 lots: half to even is 8
        ({"filled": 800}, 16_200, [("s4", 200, 998, False)]),
    ],
)
def test_a_vwap_follows_its_profile(terms, now, slices):
    """Each slice brings the order to the share of volume that the profile expects by the slice's end."""
    order = order_of(
        "vwap",
        {"slice_seconds": 3_600, "max_participation": 1},
        end=at(19_800),
        profile=VWAP_DAY,
        filled=shares(terms.get("filled", 0)),
    )

    assert seen(ask(order, now, algo="vwap")) == slices


@pytest.mark.parametrize(
    ("volume", "target"),
    [
        (500, 600),  # hour 2 traded 500 as expected: 50 % of the window's 2,000 by the end of hour 3
        (1_500, 800),  # thrice: V = 1500 + 500, to come 1000: 66.7 % of 1,200, but at most 50 + 15 %: 780 -> 8 lots
        (0, 400),  # nothing: V = 0 + 500 of 1,500: 33.3 %, but at least 35 %: 420 -> 4 lots
        (700, 700),  # V = 1200 of 2200: 54.5 % of 1,200 = 654 -> 7 lots
    ],
)
def test_a_vwap_is_corrected_by_live_volume(volume, target):
    """A busier market than the curve expects brings the schedule forward, a quieter one back, within 15 %."""
    order = order_of(
        "vwap",
        {"slice_seconds": 3_600, "max_participation": 1},
        start=at(3_600),
        end=at(19_800),
        profile=VWAP_DAY,
        day_volume_at_start=shares(2_000),
        market_volume=shares(volume),
        quantity=shares(1_200),
    )

    assert seen(ask(order, 12_600, algo="vwap")) == [("s2", target, 998, False)]


def test_a_vwap_child_is_not_resized_for_every_print():
    """A small change of the live volume leaves the child alone; a re-price takes it up."""
    order = order_of(
        "vwap",
        {"slice_seconds": 3_600, "max_participation": 1},
        start=at(3_600),
        end=at(19_800),
        profile=VWAP_DAY,
        day_volume_at_start=shares(2_000),
        market_volume=shares(700),
        quantity=shares(1_200),
        working=(Child(key="s2", leaves=shares(600), limit_price=ticks(998)),),
    )

    assert seen(ask(order, 12_600, algo="vwap")) == [("s2", 600, 998, False)]
    assert seen(ask(order, 12_600, market(1_000, 1_002), algo="vwap")) == [("s2", 700, 1_000, False)]


def test_a_vwap_is_capped_until_its_last_crossing():
    """Own volume stays within a quarter of all, but the last crossing completes the order."""
    order = order_of("vwap", {"slice_seconds": 300}, filled=shares(500), market_volume=shares(1_500))
    waiting = ask(order, 300, market(998, 1_002, volume=1_500), algo="vwap")

    assert seen(waiting) == []
    assert any_meets(market(998, 1_002, volume=1_800), waiting.wake_when)  # another lot: 600 of ours need 1,800
    assert seen(ask(order, 599, algo="vwap")) == [("s2", 500, 1_003, True)]


def test_a_common_parameter_set_is_enough_for_no_algo():
    """An algo asks for its own parameters; the common ones alone are our own mistake."""
    with pytest.raises(AssertionError):
        ask(Order(params=AlgoParams()), 0)
