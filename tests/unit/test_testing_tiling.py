"""Tiled tapes for measurements: the same market several times over."""

import numpy as np
import pytest

from quietfill.testing.tiling import tiled
from quietfill.venue.core import OrderBookCore
from quietfill.venue.feeds import load_tape
from quietfill.venue.recorded import history_of
from quietfill.venue.samples import load_sample


def test_a_tiled_tape_is_the_same_market_again_and_again():
    """Three rounds have three times the events, prints and volume, in the time of one, and end with an empty book."""
    once = load_sample()
    thrice = tiled(once, 3)
    core = OrderBookCore(thrice)
    core.advance(thrice.last_time)
    one, many = history_of(once), history_of(thrice)

    assert thrice.events == 3 * once.events
    assert np.array_equal(many.print_price, np.tile(one.print_price, 3))
    assert core.volume - once.volume_before == 3 * int(once.quantity[once.is_print].sum())
    assert core.touch() == (None, None)
    assert np.all(np.diff(thrice.time) >= 0)
    assert (thrice.first_time, thrice.last_time) <= (once.first_time, once.last_time)


def test_only_one_stretch_of_trading_can_be_tiled(shared_data):
    """A day with breaks is refused as our bug."""
    orders = shared_data / "sse_l3" / "601825.SH_2023-07-11_orders.csv.zst"
    with pytest.raises(AssertionError, match="one stretch"):
        tiled(load_tape("sse", [orders], symbol="601825.SH"), 2)
