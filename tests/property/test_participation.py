"""What the share of recent volume is, and that the rate made from it always moves the right way."""

from __future__ import annotations

from dataclasses import replace

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from quietfill.algos.pov import Pov, PovParams
from quietfill.domain.types import MINUTE, SECOND
from quietfill.market.participation import VolumeWindow, adjusted_rate
from quietfill.testing.builders import LOT, Child, Order, at, market, shares

rates = st.floats(0.001, 0.999)
WINDOW = 5 * MINUTE

# (seconds since the last, grows by, fills of ours, a new session)
steps = st.lists(
    st.tuples(st.integers(0, 200), st.integers(0, 1_000), st.integers(0, 300), st.integers(0, 9).map(lambda n: n == 0)),
    min_size=1,
    max_size=40,
)


@given(rates, rates, rates, st.floats(0, 1), st.tuples(rates, rates).map(sorted))
def test_the_rate_moves_against_the_distance_from_the_target(target, near, far, factor, bounds):
    """Behind gives no less than the target, ahead no more; further behind never gives less; bounds always hold."""
    floor, cap = bounds
    one, other = sorted((near, far))

    free_one, free_other = (adjusted_rate(target, current, factor=factor) for current in (one, other))
    held = adjusted_rate(target, one, floor=floor, cap=cap, factor=factor)

    assert free_one >= free_other
    assert free_one >= target if one <= target else free_one <= target
    assert floor <= held <= cap
    if one != target and factor > 0.01 and abs(one - target) > 1e-6 and 0 < free_one < 1:
        assert (free_one > target) == (one < target)


@given(rates, st.tuples(rates, rates).map(sorted))
def test_what_is_not_known_moves_nothing(target, bounds):
    """Without a current share the rate is the target, between its bounds."""
    assert adjusted_rate(target, None) == target
    assert adjusted_rate(target, None, floor=bounds[0], cap=bounds[1]) == min(max(target, bounds[0]), bounds[1])


@given(steps)
def test_the_window_counts_what_a_list_would(steps):
    """Running sums agree with adding up every growth and fill of the window's seconds; a fall starts anew."""
    window, now = VolumeWindow(WINDOW), at(0)
    before = -1
    told: list[tuple[int, int, int, int, int]] = []
    for wait, grown, ours, falls in steps:
        now += wait * SECOND
        day_volume = grown // 2 if falls else max(0, before) + grown
        if before < 0 or day_volume < before:
            told = [(now, 0, 0, 1, 0)]
        elif day_volume != before:
            told.append((now, day_volume - before, 0, 1, 0))
        window.see_volume(day_volume, now)
        before = day_volume
        if ours:
            window.see_fill(ours, now)
            told.append((now, 0, ours, 0, 1))

        kept = [row for row in told if row[0] > now - WINDOW]
        share = window.share(now)
        sums = [sum(row[column] for row in kept) for column in (1, 2, 3, 4)]

        assert [window.market, window.ours, window.observations, window.fills] == sums
        assert share == (None if sums[0] == 0 else min(1.0, sums[1] / sums[0]))


@given(st.integers(0, 100_000))
def test_the_window_keeps_no_more_than_its_seconds(growth):
    """However often volume comes, memory is bounded by the window's length."""
    window = VolumeWindow(MINUTE)
    for number in range(1_000):
        window.see_volume(growth + number, at(0) + number * SECOND // 7)

    assert len(window._seconds) <= 61
    assert window.market <= 999


pov_params = st.builds(
    lambda rate, low, high, adjustment: PovParams(
        rate=rate, floor=rate * low, cap=min(1.0, rate + high * (1 - rate)), adjustment=adjustment
    ),
    st.sampled_from([0.02, 0.1, 0.25]),
    st.sampled_from([0.0, 0.5, 1.0]),
    st.sampled_from([0.0, 0.1, 0.5, 1.0]),
    st.sampled_from([0.0, 0.5, 1.0]),
)


def planned(order: Order) -> int:
    """Return what POV wants working in a quiet market, crossing or not."""
    book = market([(998, 500)], [(1_002, 100_000_000)], volume=10**6)
    return sum(piece.quantity for piece in Pov().plan(order, book, at(100)).slices)


@given(pov_params, st.integers(0, 500_000), st.integers(0, 400), st.integers(1, 50))
def test_pov_stays_under_its_cap_and_rests_no_less_when_further_behind(params, volume, lots, fewer):
    """Filled and working are at most the cap's share of all volume; with less filled nothing less is wanted done."""
    order = Order(params=params, quantity=2_000 * LOT, filled=lots * LOT, market_volume=shares(volume), end=at(600))
    behind = replace(order, filled=max(0, lots - fewer) * LOT)

    total = order.filled + planned(order)

    assert total <= max(order.filled, round(params.highest / (1 - params.highest) * order.market_volume) + 1
                        if params.highest < 1 else order.quantity)  # fmt: skip
    if planned(order) and planned(behind):
        assert planned(behind) >= planned(order) - LOT


@given(pov_params, st.integers(20_000, 500_000), st.integers(1, 100))
def test_pov_starts_nothing_while_it_is_ahead(params, volume, lots_ahead):
    """A clip and more ahead of the rate nothing new is wanted, whatever the adjustment."""
    due = round(params.rate / (1 - params.rate) * shares(volume))
    order = Order(params=params, quantity=20_000 * LOT, filled=due // LOT * LOT + lots_ahead * LOT + LOT,
                  market_volume=shares(volume), end=at(600))  # fmt: skip

    assert planned(order) == 0


@given(pov_params, st.integers(20_000, 500_000))
def test_a_resting_child_is_not_resized_while_the_cap_allows_it(params, volume):
    """What rests keeps its size at its price: a print makes no message, until the floor asks for a crossing."""
    params = msgspec.structs.replace(params, floor=0.0)
    due = round(params.rate / (1 - params.rate) * shares(volume)) // LOT * LOT
    order = Order(params=params, quantity=20_000 * LOT, filled=due, market_volume=shares(volume), end=at(600))
    wanted = planned(order)
    if not wanted:
        return
    order.working = (Child(key="clip", leaves=wanted, limit_price=998 * 10**7),)

    for more in (0, 100, 10_000):
        later = replace(order, market_volume=order.market_volume + shares(more))
        assert planned(later) == wanted
