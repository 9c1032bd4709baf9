"""Adaptive on recorded markets: it completes, rests most of it, and pays less of the spread than a market order."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from bench.costs import Market, cells, markets, paired, passive_share
from quietfill.domain.types import MINUTE, datetime_of
from quietfill.venue.exchange import Exchange
from quietfill.venue.options import VenueOptions
from quietfill.venue.samples import load_sample

if TYPE_CHECKING:
    from pathlib import Path


def packaged() -> Market:
    """Return the packaged hour: 2,000 shares over five minutes, from ten starts."""
    tape = load_sample()
    begin = datetime_of(max(tape.first_time, tape.day.spans[0][0]) + 2 * MINUTE)
    starts = tuple(begin + timedelta(minutes=5 * step) for step in range(10))
    history = Exchange(tape, VenueOptions(), 1).history()
    return Market("packaged", tape, history, 2_000, 5 * MINUTE, starts)


def test_adaptive_completes_on_the_packaged_hour_for_less_of_the_spread() -> None:
    """Both sides, ten starts: everything filled, nothing overfilled, and the saving is beyond two standard errors."""
    market = packaged()
    base, results = cells(market, "market"), cells(market, "adaptive")

    assert all(result.filled == result.quantity for result in results)
    assert len(results) == 20
    saved = paired(base, results, "half_spread_paid_bps")
    assert saved.mean > 2 * saved.error > 0, str(saved)
    assert passive_share(results) > 40


@pytest.mark.needs_data
def test_adaptive_pays_less_than_market_orders_on_three_stocks(shared_data: Path) -> None:
    """Spread paid and cost against arrival, paired by cell, are both lower beyond two standard errors."""
    for market in markets(shared_data):
        base, results = cells(market, "market"), cells(market, "adaptive")
        assert all(result.filled == result.quantity for result in results)
        for figure in ("half_spread_paid_bps", "shortfall_bps"):
            saved = paired(base, results, figure)
            assert saved.mean > 2 * saved.error > 0, (market.name, figure, str(saved))
