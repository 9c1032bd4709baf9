"""Stops by hand: which price triggers which stop, what is sent then, and what is remembered."""

from dataclasses import replace

import msgspec
import pytest

from quietfill.algos.base import TRIGGERED, Outcome, Plan
from quietfill.algos.registry import parse_params, registry
from quietfill.algos.shaping import shape
from quietfill.algos.stops import ASK, BID, FIRST_VOLUME, LATCHED, PRICE
from quietfill.algos.trailing_stop import EXTREME
from quietfill.domain.types import OrderSide
from quietfill.market.view import MarketView
from quietfill.testing.builders import Order, any_meets, at, carried_out, market, shares, ticks

ALGOS = registry()
BUY, SELL = OrderSide.BUY, OrderSide.SELL


def stop(name="stop", side=SELL, stop_price: float | None = 990, params=None, **terms) -> Order:
    """A sell stop at 990 ticks unless stated otherwise, 1,000 shares."""
    price = None if stop_price is None else ticks(stop_price)
    return Order(params=parse_params(ALGOS.get(name), params or {}), side=side, stop_price=price, **terms)


def ask(order, view, now=10, name="stop") -> Plan:
    return shape(ALGOS.get(name).algo.plan(order, view, at(now)), order, view)


def seen(bid, ask_price, last, *, low=None, high=None, trusted=False, volume: int | None = 1_000, when=5) -> MarketView:
    """A market in ticks; low and high are the extremes of its latest prints."""
    return msgspec.structs.replace(
        market(bid, ask_price, last=last, volume=volume, time=at(when)),
        last_trusted=trusted,
        print_low=None if low is None else ticks(low),
        print_high=None if high is None else ticks(high),
    )


@pytest.mark.parametrize(
    ("rule", "side", "view", "triggers"),
    [
        ("last", SELL, (998, 999, 991), False),
        ("last", SELL, (998, 999, 990), True),  # at the level is through
        ("last", BUY, (980, 981, 989), False),
        ("last", BUY, (980, 981, 990), True),
        ("bid_ask", SELL, (991, 992, 980), False),  # prints do not count
        ("bid_ask", SELL, (990, 999, 999), True),  # a sell looks at the bid
        ("bid_ask", BUY, (985, 989, 995), False),
        ("bid_ask", BUY, (985, 990, 985), True),  # a buy looks at the ask
        ("mid", SELL, (990, 991, 980), False),
        ("mid", SELL, (989, 991, 999), True),
        ("mid", BUY, (989, 990, 995), False),
        ("mid", BUY, (989, 991, 980), True),
    ],
)
def test_which_price_triggers(rule, side, view, triggers):
    """Each rule looks at its own price, a buy at or above the level, a sell at or below; until then nothing works."""
    order = stop(side=side, params={"trigger": rule})
    plan = ask(order, seen(*view))

    assert bool(plan.slices) is triggers
    assert (TRIGGERED in (plan.memo or {})) is triggers
    if not triggers:
        assert not any_meets(seen(*view), plan.wake_when)


@pytest.mark.parametrize("rule", ["last", "bid_ask", "mid", "double_last"])
@pytest.mark.parametrize("side", [BUY, SELL])
def test_the_price_that_triggers_wakes(rule, side):
    """Whatever triggers meets the triggers of the plan before it, so that the venue's watch stops at it."""
    away = seen(*((970, 971, 970) if side is BUY else (1_010, 1_011, 1_010)))
    order = stop(side=side, params={"trigger": rule})
    waiting = ask(order, away)
    there = seen(990, 990.5, 990, volume=2_000) if side is BUY else seen(989, 990, 990, volume=2_000)

    assert not waiting.slices
    assert not any_meets(away, waiting.wake_when)
    assert any_meets(there, waiting.wake_when)


def test_what_a_stop_remembers_and_sends():
    """The touch and the price at the trigger are remembered; the collar is the mid of that instant, whatever comes."""
    order = stop(max_slippage_bps=100)
    plan = ask(order, seen(989, 991, 990))

    assert plan.memo == {TRIGGERED: at(10), PRICE: ticks(990), BID: ticks(989), ASK: ticks(991)}
    assert [(piece.quantity, piece.limit_price, piece.crossing) for piece in plan.slices] == [
        (shares(1_000), ticks(981), True)  # 990 less 1 %, rounded up for a sell
    ]
    later = ask(carried_out(order, plan), seen(970, 971, 970), now=20)
    assert [piece.limit_price for piece in later.slices] == [ticks(981)]
    assert "collar binds" in (later.alert or "")
    assert later.memo is None


def test_the_limit_bounds_a_stop_and_a_stop_limit_rests_at_it():
    """A stop takes what there is down to its limit; a stop-limit order rests there."""
    view = seen(989, 991, 990)
    bounded = ask(stop(limit_price=ticks(988)), view)
    resting = ask(stop("stop_limit", limit_price=ticks(995)), view, name="stop_limit")

    assert [(piece.limit_price, piece.crossing) for piece in bounded.slices] == [(ticks(988), True)]
    assert [(piece.limit_price, piece.crossing) for piece in resting.slices] == [(ticks(995), False)]
    assert TRIGGERED in (resting.memo or {})


def test_a_stop_does_not_trigger_twice():
    """Once triggered it is an order like any other: the price may come back, what is left stays in the market."""
    order = stop(memo={TRIGGERED: at(1), PRICE: ticks(990)}, filled=shares(300))
    plan = ask(order, seen(1_010, 1_011, 1_010))

    assert [piece.quantity for piece in plan.slices] == [shares(700)]
    assert plan.memo is None


@pytest.mark.parametrize(
    ("view", "triggers"),
    [
        (seen(998, 999, 980), False),  # 185 bps below mid
        (seen(998, 999, 980, trusted=True), True),  # somebody vouches for it
        (seen(975, 999, 980), True),  # inside the touch: a wide market, no bad tick
        (seen(985, 986, 980), True),  # the quotes agree
        (seen(None, 999, 980), False),  # no mid to judge it by
        (seen(None, 999, 980, trusted=True), True),
        (seen(999, 998, 980), False),  # crossed
    ],
)
def test_a_bad_tick_of_the_feed_triggers_nothing(view, triggers):
    """A print outside the touch and far from mid is ignored, one that somebody vouches for never is."""
    plan = ask(stop(), view)

    assert bool(plan.slices) is triggers
    assert bool(ask(stop(params={"max_tick_bps": 1_000}), seen(998, 999, 980)).slices)


def test_a_bad_tick_that_the_market_confirms_triggers():
    """When the quotes move to where the ignored print was, the stop is woken and triggers."""
    order = stop()
    waiting = ask(order, seen(998, 999, 980))
    confirmed = seen(981, 982, 980)

    assert any_meets(confirmed, waiting.wake_when)
    assert ask(order, confirmed).slices


def test_a_print_between_others_of_its_instant_triggers():
    """Prints that came together count each: the lowest of them triggers a sell although the last is back above."""
    assert ask(stop(), seen(992, 993, 993, low=990, high=994)).slices
    assert not ask(stop(), seen(992, 993, 993, low=991, high=994)).slices


def test_prints_from_before_the_order_do_not_trigger():
    """The extremes of an update that came before the order watched say nothing; the last price does."""
    before = seen(992, 993, 993, low=980, high=994, when=0)

    assert not ask(stop(), before).slices
    assert not ask(stop(schedule_start=at(5)), seen(992, 993, 993, low=980, when=5)).slices


def test_two_prints_in_a_row():
    """Double-last wants a second print through, with none in between that is not; restarts do not lose the first."""
    order = stop(params={"trigger": "double_last"})
    first = ask(order, seen(989, 990, 990, volume=1_000))
    order = carried_out(order, first)
    same = ask(order, seen(989, 990, 990, volume=1_000))
    second = ask(order, seen(989, 990, 989, volume=1_100))

    assert first.memo == {FIRST_VOLUME: shares(1_000)}
    assert not first.slices
    assert same.memo is None
    assert not same.slices
    assert any_meets(seen(989, 990, 989, volume=1_100), first.wake_when)
    assert second.slices
    back = ask(order, seen(991, 992, 991, volume=1_100))
    assert back.memo == {}
    between = ask(order, seen(989, 992, 990, low=989, high=991, volume=1_100))
    assert between.memo == {FIRST_VOLUME: shares(1_100)}
    assert not between.slices


def test_two_prints_in_a_row_need_volume_or_trust():
    """Without volume prints cannot be counted, and a person is told; a trusted price needs no second."""
    order = stop(params={"trigger": "double_last"})
    blind = ask(order, seen(989, 990, 990, volume=None))

    assert not blind.slices
    assert "no volume" in (blind.alert or "")
    assert ask(order, seen(989, 990, 990, volume=None, trusted=True)).slices


@pytest.mark.parametrize("side", [BUY, SELL])
def test_a_trigger_without_a_line_is_latched(side):
    """While nothing can be sent a trigger is remembered; then it fires if the price is still through."""
    order = stop(side=side, may_send=False)
    through = seen(989, 991, 990)
    back = seen(1_000, 1_001, 1_000) if side is SELL else seen(980, 981, 980)
    latched = ask(order, through)
    order = carried_out(order, latched)

    assert latched.memo == {LATCHED: at(10)}
    assert "while nothing can be sent" in (latched.alert or "")
    assert not latched.slices
    assert ask(order, through, now=11).memo is None

    open_again = replace(order, may_send=True)
    fired = ask(open_again, through, now=12)
    assert fired.slices
    assert set(fired.memo or {}) == {TRIGGERED, PRICE, BID, ASK}

    armed = ask(open_again, back, now=12)
    assert not armed.slices
    assert armed.memo == {}
    assert "armed again" in (armed.alert or "")

    blind = ask(open_again, market(None, None), now=12)
    assert (blind.slices, blind.memo) == ((), None)


def test_a_trigger_in_a_break_waits_for_the_open():
    """A print at noon is latched; at the open it fires if the price is still through."""
    order = stop(end=at(19_000))
    noon, opens = 8_000, 12_600
    latched = ask(order, seen(989, 991, 990, when=noon), now=noon)

    assert latched.memo == {LATCHED: at(noon)}
    assert latched.wake_at == at(opens)
    assert ask(carried_out(order, latched), seen(989, 991, 990, when=noon), now=opens).slices


@pytest.mark.parametrize("rule", ["last", "bid_ask", "mid"])
def test_a_latched_stop_does_not_listen_for_its_level(rule):
    """While it is latched the market does not wake a fixed stop, and a trailing one only to follow."""
    through = seen(989, 991, 990)
    fixed = ask(stop(params={"trigger": rule}, may_send=False, stop_price=991), through)
    trailing_one = replace(trailing(trail_amount="0.05", trigger=rule), may_send=False, memo={EXTREME: ticks(1_000)})
    held = ask(trailing_one, through, name="trailing_stop")

    assert (LATCHED in (fixed.memo or {}), fixed.wake_when) == (True, ())
    assert LATCHED in (held.memo or {})
    assert not any_meets(through, held.wake_when)
    assert any_meets(seen(1_003, 1_005, 1_004), held.wake_when)


def test_an_untriggered_stop_just_ends():
    """At the end of its window it is over, without anything sent and without an alert."""
    plan = ask(stop(), seen(998, 999, 999), now=600)

    assert (plan.finish, plan.slices, plan.alert) == (Outcome.ENDED, (), None)


def trailing(side=SELL, **params) -> Order:
    return stop("trailing_stop", side=side, stop_price=None, params=params)


@pytest.mark.parametrize(
    ("params", "prices", "fires_at"),
    [
        ({"trail_amount": "0.05"}, [1_000, 1_004, 1_002, 1_003, 999, 1_010], 999),
        ({"trail_amount": "0.05"}, [1_000, 1_004, 1_000, 1_007, 1_003, 1_002], 1_002),
        ({"trail_amount": "0.05"}, [1_000, 999, 998, 997, 996, 995], 995),
        ({"trail_bps": 50}, [1_000, 1_020, 1_015, 1_014], 1_014),  # 1,020 less 5.1 is 1,014.9
        ({"trail_amount": "0.05", "min_step": "0.03"}, [1_000, 1_002, 996, 995], 995),  # two ticks are no step
        ({"trail_amount": "0.05", "min_step": "0.03"}, [1_000, 1_003, 998], 998),
    ],
)
def test_a_trailing_stop_follows_and_never_goes_back(params, prices, fires_at):
    """It triggers at the first price that is the trail below the best, whatever came between."""
    order, levels = trailing(**params), []
    for second, price in enumerate(prices, start=1):
        plan = ask(order, seen(price - 1, price + 1, price, when=second), now=second, name="trailing_stop")
        order = carried_out(order, plan)
        if plan.slices:
            assert price == fires_at
            break
        levels.append(order.memo[EXTREME])
    else:
        raise AssertionError("it never triggered")
    assert levels == sorted(levels)


def test_a_trailing_buy_stop_follows_down():
    """A buy stands above the lowest price and triggers when it turns up by the trail."""
    order = trailing(BUY, trail_amount="0.05")
    for second, price in enumerate([1_000, 990, 994], start=1):
        view = seen(price - 1, price + 1, price, when=second)
        order = carried_out(order, ask(order, view, now=second, name="trailing_stop"))

    assert order.memo == {EXTREME: ticks(990)}
    fired = ask(order, seen(994, 996, 995, when=4), now=4, name="trailing_stop")
    assert fired.slices
    assert (fired.memo or {})[PRICE] == ticks(995)


def test_a_stated_stop_price_holds_until_the_trail_overtakes_it():
    """With a stop price the level starts there, and moves only once the trail would stand better."""
    order = replace(trailing(trail_amount="0.10"), stop_price=ticks(995))
    order = carried_out(order, ask(order, seen(999, 1_001, 1_000, when=1), name="trailing_stop"))
    assert not ask(order, seen(995, 997, 996, when=2), name="trailing_stop").slices
    assert ask(order, seen(994, 996, 995, when=2), name="trailing_stop").slices

    order = carried_out(order, ask(order, seen(1_009, 1_011, 1_010, when=3), name="trailing_stop"))
    assert ask(order, seen(999, 1_001, 1_000, when=4), name="trailing_stop").slices


@pytest.mark.parametrize("rule", ["last", "bid_ask", "mid"])
def test_a_trailing_stop_is_woken_to_follow(rule):
    """A price better by a step and the level itself both wake; what lies between does not."""
    order = trailing(trail_amount="0.05", trigger=rule)
    now = seen(1_000, 1_001, 1_000, when=1)
    plan = ask(order, now, name="trailing_stop")

    assert not any_meets(now, plan.wake_when)
    assert not any_meets(seen(997, 999, 998, when=2), plan.wake_when)
    assert any_meets(seen(1_002, 1_003, 1_002, when=2), plan.wake_when)
    assert any_meets(seen(994, 995, 994, when=2), plan.wake_when)


def test_high_and_low_in_one_instant():
    """Which of two prints of one instant came first is not known: the low counts against the level before the high."""
    order = trailing(trail_amount="0.05")
    order = carried_out(order, ask(order, seen(999, 1_001, 1_000, when=1), name="trailing_stop"))
    plan = ask(order, seen(1_003, 1_005, 1_004, low=998, high=1_004, when=2), name="trailing_stop")

    assert not plan.slices  # 998 is below 1,004 - 5 but above 1,000 - 5
    assert plan.memo == {EXTREME: ticks(1_004)}
    assert ask(order, seen(1_003, 1_005, 1_004, low=995, high=1_004, when=2), name="trailing_stop").slices
    turned = seen(998, 1_000, 999, low=998, high=1_004, when=2)
    assert ask(order, turned, name="trailing_stop").slices  # the last one came after the high


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({}, "exactly one of trail_bps and trail_amount"),
        ({"trail_bps": 5, "trail_amount": "1"}, "exactly one of trail_bps and trail_amount"),
        ({"trail_amount": "-1"}, "trail_amount must be above 0, not -1"),
        ({"trail_amount": "nan"}, "trail_amount = 'nan': must be finite"),
        ({"trail_bps": 10_000}, "trail_bps"),
        ({"trail_bps": 5, "min_step": "0"}, "min_step must be above 0"),
        ({"trail_bps": 5, "trigger": "first"}, "trigger = 'first'"),
        ({"trail_bps": 5, "max_tick_bps": 0}, "max_tick_bps = 0"),
    ],
)
def test_parameters_that_cannot_be_meant(given, message):
    """They are refused in one line that names the parameter."""
    with pytest.raises(ValueError, match=message) as refused:
        parse_params(ALGOS.get("trailing_stop"), given)
    assert "\n" not in str(refused.value)
