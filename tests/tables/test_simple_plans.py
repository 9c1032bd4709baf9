"""Market, limit and POV by hand."""

import pytest

from quietfill.algos.base import Outcome, Plan
from quietfill.algos.participation import ours_for, volume_for
from quietfill.algos.registry import parse_params, registry
from quietfill.algos.shaping import shape
from quietfill.domain.types import SECOND, OrderSide
from quietfill.testing.builders import Child, Order, any_meets, at, market, shares, ticks

ALGOS = registry()
BOOK = market([(998, 500), (997, 500)], [(1_002, 300), (1_003, 300)])


def order_of(algo, params=None, **terms) -> Order:
    return Order(params=parse_params(ALGOS.get(algo), params or {}), **terms)


def ask(algo, order, now, view=BOOK) -> Plan:
    return shape(ALGOS.get(algo).algo.plan(order, view, at(now)), order, view)


def seen(plan: Plan) -> list[tuple[float, float | None, bool]]:
    """Return slices as (shares, ticks, crossing)."""
    return [
        (
            piece.quantity / shares(1),
            None if piece.limit_price is None else piece.limit_price / ticks(1),
            piece.crossing,
        )
        for piece in plan.slices
    ]


@pytest.mark.parametrize(
    ("params", "terms", "price"),
    [
        ({}, {}, 1_004),  # arrival mid 9.995 + 50 bps = 10.044975, on tick inside it
        ({}, {"side": OrderSide.SELL}, 995),  # 9.945025
        ({}, {"max_slippage_bps": 0}, 999),
        ({}, {"limit_price": ticks(1_003)}, 1_003),
        ({}, {"limit_price": ticks(1_010)}, 1_004),
        ({"plain": "true"}, {}, None),
        ({"plain": True}, {"limit_price": ticks(1_003)}, 1_003),  # a limit is never dropped
        ({}, {"arrival_bid": ticks(-300), "arrival_ask": ticks(-298)}, -298),  # 1.495 below zero, 50 bps of 2.99
    ],
)
def test_a_market_order_is_one_marketable_limit(params, terms, price):
    """Everything at once, up to the arrival mid and its collar, and never beyond the limit."""
    plan = ask("market", order_of("market", params, **terms), 0)

    assert seen(plan) == [(1_000, price, True)]
    assert plan.wake_at == at(600)


def test_a_market_order_beyond_its_collar_waits_there_and_says_so():
    """A book that ran away from arrival is not chased: the rest stands at the collar, and a person is told."""
    plan = ask("market", order_of("market"), 0, market(1_008, 1_010))

    assert seen(plan) == [(1_000, 1_004, True)]
    assert plan.alert == "collar binds: the far touch is beyond 10.04; the rest waits there"


def test_a_market_order_without_an_arrival_quote_sends_nothing():
    """Without a quote there is no collar, so nothing leaves."""
    plan = ask("market", order_of("market", arrival_bid=None), 0)

    assert seen(plan) == []
    assert plan.why == "no arrival quote to collar at"


@pytest.mark.parametrize(
    ("limit", "price", "crossing"), [(1_000, 1_000, False), (1_000.7, 1_000, False), (1_002, 1_002, True)]
)
def test_a_limit_order_stands_at_its_limit(limit, price, crossing):
    """One slice for all leaves at the limit, rounded in our favour; marketable when the limit is."""
    order = order_of("limit", limit_price=ticks(limit), filled=shares(300))

    assert seen(ask("limit", order, 0)) == [(700, price, crossing)]
    assert seen(ask("limit", order, 0, market(None, None))) == [(700, price, False)]
    assert ask("limit", order, 600).finish is Outcome.ENDED


def test_a_limit_order_needs_a_limit():
    """No price is guessed; admission knows that it is needed."""
    plan = ask("limit", order_of("limit"), 0)

    assert ALGOS.get("limit").needs_limit
    assert seen(plan) == []
    assert plan.alert == "limit order without a limit price"


@pytest.mark.parametrize(("algo", "params"), [("market", {}), ("limit", {}), ("twap", {}), ("vwap", {}), ("pov", {})])
def test_every_algo_keeps_the_window(algo, params):
    """Nothing works before the start, and a filled order is finished."""
    order = order_of(algo, params, start=at(60), limit_price=ticks(1_000))
    filled = order_of(algo, params, filled=shares(1_000), limit_price=ticks(1_000))

    assert (seen(ask(algo, order, 59)), ask(algo, order, 59).wake_at) == ([], at(60))
    assert ask(algo, filled, 5).finish is Outcome.FILLED


@pytest.mark.parametrize(
    ("volume", "filled", "slices", "wakes_at"),
    [
        # 50,000 shares at 10 %: clips of an eighth of what the rate allows by now, from one lot up to 1,000
        (0, 0, [], 567),  # the first lot is under the cap (15 %) at 567
        (566, 0, [], 567),
        (567, 0, [(100, 998, False)], 1_900),  # a clip below the floor (5 %) at 1,900
        (1_899, 0, [(300, 998, False)], 1_900),  # the 211 due and a clip; the cap would allow 335
        (1_900, 0, [(200, 1_002, True)], None),  # 10 % of all is 211; the first level has 300
        (19_000, 1_000, [(1_900, 998, False)], 22_800),  # at 5 %: 2,714 due at 12.5 %, a clip of 200
        (9_000, 1_000, [(100, 998, False)], 20_900),  # on the rate, a clip ahead
        (10_000, 2_000, [], 18_000),  # far ahead: the next when the rate has come up with it
        (72_000, 8_000, [(1_000, 998, False)], 171_000),  # on the rate, a whole clip ahead
        (900_000, 49_900, [(100, 998, False)], None),  # all that is left
    ],
)
def test_pov_by_volume(volume, filled, slices, wakes_at):
    """What is due and a clip rest while the cap allows them; a clip behind the floor, what is due crosses."""
    order = order_of("pov", quantity=shares(50_000), filled=shares(filled), market_volume=shares(volume))
    plan = ask("pov", order, 100, market([(998, 500)], [(1_002, 300), (1_003, 300)], volume=7_000 + volume))

    assert seen(plan) == slices
    if wakes_at is not None:
        assert any_meets(market(998, 1_002, volume=7_000 + wakes_at), plan.wake_when)
        assert not any_meets(market(998, 1_002, volume=7_000 + wakes_at - 1), plan.wake_when)


def test_pov_counts_volume_from_the_rebase():
    """After a pause only the volume since then is followed."""
    order = order_of(
        "pov",
        quantity=shares(50_000),
        filled=shares(3_000),
        schedule_filled=shares(3_000),
        schedule_volume=shares(100_000),
        market_volume=shares(100_567),
    )

    assert seen(ask("pov", order, 100)) == [(100, 998, False)]
    order.market_volume = shares(100_566)
    assert seen(ask("pov", order, 100)) == []


def test_pov_keeps_a_resting_child_as_it_is():
    """A child in its queue is not resized by each print; re-priced, it takes what may rest by then."""
    order = order_of("pov", quantity=shares(50_000), filled=shares(7_000), market_volume=shares(72_000))
    order.working = (Child(key="clip", leaves=shares(1_000), limit_price=ticks(998)),)

    assert seen(ask("pov", order, 100)) == [(1_000, 998, False)]
    assert seen(ask("pov", order, 100, market(1_000, 1_002))) == [(2_500, 1_000, False)]


def test_pov_of_an_order_too_large_for_its_market_trades_all_the_same():
    """A clip is what the market gives, not a fiftieth of an order that would take days."""
    order = order_of("pov", quantity=shares(90_000_000), market_volume=shares(72_000))

    assert seen(ask("pov", order, 100, market([(998, 500)], [(1_002, 9_000)]))) == [(8_000, 1_002, True)]


def test_pov_keeps_a_crossing_child_as_it_is():
    """A child that crosses is not resized by each print; re-priced, it takes what is due by then."""
    order = order_of("pov", quantity=shares(50_000), market_volume=shares(30_000))
    order.working = (Child(key="clip", leaves=shares(2_100), limit_price=ticks(1_003), crossing=True),)

    assert seen(ask("pov", order, 100)) == [(2_100, 1_003, True)]
    assert seen(ask("pov", order, 100, market(1_002, 1_006))) == [(3_300, 1_006, True)]


@pytest.mark.parametrize(
    ("rest", "now", "slices", "finish"),
    [
        ("abandon", 599.9, [], None),
        ("abandon", 600, [], Outcome.ABANDONED),
        ("complete", 597.9, [], None),
        ("complete", 598, [(1_000, 1_003, True)], None),
        ("complete", 600, [], Outcome.ENDED),
    ],
)
def test_pov_completes_only_when_asked(rest, now, slices, finish):
    """The rest is let go unless completing was asked for, which crosses a crossing margin before the end."""
    order = order_of("pov", {"rest": rest}, crossing_margin=2 * SECOND)
    plan = ask("pov", order, now)

    assert seen(plan) == slices
    assert plan.finish is finish


def test_pov_without_volume_says_so():
    """A feed that tells no volume cannot be followed: nothing starts and a person is told."""
    plan = ask("pov", order_of("pov"), 0, market(998, 1_002, volume=None))

    assert seen(plan) == []
    assert plan.alert == "pov: the feed tells no volume to follow"


@pytest.mark.parametrize("share", [0.001, 0.02, 0.1, 0.25, 0.5, 0.9])
@pytest.mark.parametrize("volume", [0, 1, 999, 10**13 + 7])
def test_volume_and_share_are_inverse(share, volume):
    """The least volume for what is allowed allows it, and one unit less does not."""
    ours = ours_for(volume, share)

    assert ours_for(volume_for(ours, share), share) >= ours
    assert ours == 0 or ours_for(volume_for(ours, share) - 1, share) < ours
    assert ours <= share * (ours + volume) + 1
