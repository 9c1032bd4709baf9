"""What the algorithms are for, on recorded markets: rest first, and pay less of the spread than a market order."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from bench.costs import cells, markets, paired, passive_share

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.needs_data
def test_schedules_pay_less_of_the_spread_than_market_orders(shared_data: Path) -> None:
    """Over three stocks, both sides and 8 to 10 starts: the paired difference is beyond two standard errors."""
    for market in markets(shared_data):
        base = cells(market, "market")
        assert all(result.passive_pct == 0 for result in base)
        for algo in ("twap", "vwap", "pov"):
            results = cells(market, algo)
            saved = paired(base, results, "half_spread_paid_bps")
            assert all(result.filled <= result.quantity for result in results)
            assert passive_share(results) > 40, (market.name, algo)
            assert saved.mean > 2 * saved.error > 0, (market.name, algo, str(saved))
