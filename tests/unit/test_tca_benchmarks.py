"""Benchmarks of the recorded market, on markets small enough to compute by hand."""

import pytest

from quietfill.domain.types import price_from, quantity_from
from quietfill.tca.benchmarks import (
    in_currency,
    interval_twap,
    interval_volume,
    interval_vwap,
    mid_at,
    mid_before,
    touch_rows,
)
from tests.tca_records import at, market


def test_both_ends_of_the_interval_are_in():
    """Prints at the very start and at the very end count; those a nanosecond outside do not."""
    history = market([], [(1, 10, 100), (2, 11, 100), (3, 12, 200), (4, 13, 100)])

    assert interval_volume(history, at(2), at(3)) == quantity_from(300)
    assert in_currency(interval_vwap(history, at(2), at(3))) == pytest.approx(35 / 3)
    assert interval_volume(history, at(2) + 1, at(3) - 1) == 0


def test_nothing_printed_has_no_vwap():
    """An interval without prints has volume 0 and no average, also when it is empty or reversed."""
    history = market([], [(1, 10, 100)])

    assert interval_vwap(history, at(2), at(3)) is None
    assert interval_vwap(history, at(3), at(0)) is None
    assert interval_volume(history, at(3), at(0)) == 0


def test_twap_weights_the_mid_by_time():
    """A mid in force three times as long counts three times; what came before the interval counts from its start."""
    history = market([(0, 9.99, 10.01), (10, 10.99, 11.01), (13, 49, 51)])

    assert in_currency(interval_twap(history, at(1), at(13))) == pytest.approx((9 * 10 + 3 * 11) / 12)


def test_breaks_are_not_time():
    """The midday break is in neither part of the average; the touch that stood before it stands after it."""
    history = market([(0, 9.99, 10.01), (110, 19.99, 20.01)], spans=[(0, 10), (100, 200)])

    assert in_currency(interval_twap(history, at(0), at(120))) == pytest.approx((10 * 10 + 10 * 10 + 10 * 20) / 30)


def test_a_one_sided_touch_is_not_time():
    """While a side is empty there is no mid, and that time does not count."""
    history = market([(0, 9.99, 10.01), (4, 10.01, None), (8, 11.99, 12.01)])

    assert in_currency(interval_twap(history, at(0), at(12))) == pytest.approx(11)
    assert mid_at(history, at(5)) is None


def test_time_before_the_first_touch_is_not_time():
    """What was not recorded is not invented."""
    history = market([(5, 9.99, 10.01)])

    assert in_currency(interval_twap(history, at(0), at(6))) == 10
    assert mid_at(history, at(4)) is None
    assert interval_twap(market([]), at(0), at(6)) is None


def test_an_instant_has_the_mid_in_force():
    """An interval of no length, or wholly inside a break, has the mid at its end."""
    history = market([(0, 9.99, 10.01), (5, 10.99, 11.01)], spans=[(0, 10), (100, 200)])

    assert in_currency(interval_twap(history, at(5), at(5))) == 11
    assert in_currency(interval_twap(history, at(20), at(30))) == 11


def test_the_touch_at_and_just_before_an_instant():
    """A change counts from its own instant on, and a fill at that instant met the touch before it."""
    history = market([(0, 9.99, 10.01), (5, 10.99, 11.01)])

    assert mid_at(history, at(5)) == price_from(11)
    assert mid_before(history, at(5)) == price_from(10)
    assert mid_before(history, at(0)) is None


def test_touch_rows_begin_with_the_one_in_force():
    """The rows of a window include the one that was there when it began."""
    history = market([(0, 1, 2), (5, 1, 2), (9, 1, 2), (12, 1, 2)])

    assert touch_rows(history, at(6), at(10)) == slice(1, 3)
    assert touch_rows(history, at(-5), at(-1)) == slice(0, 0)
