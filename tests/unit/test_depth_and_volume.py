"""What levels and curves say, on figures small enough to check by hand."""

import subprocess
import sys
from math import inf, nan
from pathlib import Path

import pytest

from quietfill.domain.errors import BadInput
from quietfill.domain.types import OrderSide
from quietfill.market.depth import cover_price, imbalance, microprice, size_inside, vwap_to_size
from quietfill.market.volume import ROUND_THE_CLOCK, checked_profile, curve_of, default_curve
from quietfill.testing.builders import market, shares, ticks

BOOK = market([(999, 300), (998, 100)], [(1_001, 100), (1_003, 300)])
FOUR_HOURS = 4 * 3_600 * 10**9


def test_the_cost_of_a_size():
    """Levels are taken best first; what is not there is not invented."""
    assert vwap_to_size(BOOK.asks, shares(100)) == (10.01, shares(100))
    assert vwap_to_size(BOOK.asks, shares(200)) == (10.02, shares(200))
    assert vwap_to_size(BOOK.asks, shares(9_999)) == (10.025, shares(400))
    assert vwap_to_size((), shares(1)) == (0.0, 0)
    with pytest.raises(ValueError, match="must be positive"):
        vwap_to_size(BOOK.asks, 0)


def test_where_a_size_is_covered():
    """The price of the level at which the size is reached, else the last."""
    assert cover_price(BOOK.asks, shares(100)) == ticks(1_001)
    assert cover_price(BOOK.asks, shares(101)) == ticks(1_003)
    assert cover_price(BOOK.asks, shares(9_999)) == ticks(1_003)
    assert cover_price((), 1) is None


def test_the_size_within_a_price():
    """A buyer counts asks up to a price, a seller bids down to it."""
    assert size_inside(BOOK.asks, OrderSide.BUY, ticks(1_002)) == shares(100)
    assert size_inside(BOOK.bids, OrderSide.SELL, ticks(998)) == shares(400)
    assert size_inside(BOOK.bids, OrderSide.SELL, ticks(1_000)) == 0


def test_pressure():
    """Imbalance counts the best levels of both sides; the microprice lies nearer the thinner side."""
    assert imbalance(BOOK.bids, BOOK.asks, 1) == 0.5
    assert imbalance(BOOK.bids, BOOK.asks) == 0.0
    assert imbalance((), ()) == 0.0
    assert microprice(BOOK.bids, BOOK.asks) == 10.005
    assert microprice((), BOOK.asks) is None


def test_a_profile_becomes_a_curve():
    """Weights are relative, buckets equal in time, and the curve straight within a bucket."""
    curve = curve_of((4, 1, 1, 2))

    assert [curve.share(x) for x in (0, 0.125, 0.25, 0.5, 0.75, 1)] == [0, 0.25, 0.5, 0.625, 0.75, 1]
    assert (curve.share(-1), curve.share(2)) == (0, 1)


@pytest.mark.parametrize(
    ("weights", "message"),
    [
        ([], "volume profile is empty"),
        ([1, -1], r"volume profile\[1\] must not be negative, is -1"),
        ([nan], r"volume profile\[0\] must be finite, not nan"),
        ([1, inf], r"volume profile\[1\] must be finite"),
        ([0, 0.0], "volume profile is zero everywhere"),
    ],
)
def test_what_is_no_profile_is_refused(weights, message):
    """The message names the bucket that is wrong."""
    with pytest.raises(BadInput, match=message):
        checked_profile(weights)


def test_the_default_curve_is_u_shaped():
    """The first and last tenth of a session trade more than one in the middle; round the clock all are alike."""
    curve = default_curve(FOUR_HOURS)
    tenths = [curve.share((step + 1) / 10) - curve.share(step / 10) for step in range(10)]

    assert tenths[0] > tenths[1] > tenths[4] < tenths[9]
    assert curve.share(0) == 0
    assert curve.share(1) == 1
    assert default_curve(ROUND_THE_CLOCK).share(0.3) == 0.3


def test_the_default_curve_is_what_its_fit_gives(shared_data):
    """Fitting the bars again prints the decays and weights that the module holds."""
    root = Path(__file__).parents[2]
    bars = shared_data / "bars" / "us_1min_20190211_20190215"
    command = [sys.executable, str(root / "tools" / "fit_default_curve.py"), str(bars)]
    printed = subprocess.run(command, capture_output=True, text=True, check=True).stdout

    assert "decays 0.145 0.03, weights 0.5793 2.0803 3.9801" in printed
