"""Orders worked end to end on recorded depth: a Nasdaq stock in 100 ms pictures, and Binance's perpetual."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import pytest

from quietfill.algos.registry import registry
from quietfill.domain.messages import NewOrder, StartRun
from quietfill.domain.types import MINUTE, OrderSide, quantity_from, timestamp_from
from quietfill.engine.engine import Engine
from quietfill.journal.memory import MemoryJournal
from quietfill.simulation.rates import simulation_settings
from quietfill.simulation.runner import Simulation
from quietfill.tca.ledger import Ledger
from quietfill.tca.summary import OrderSummary, order_summary
from quietfill.venue.depth_core import DepthCore
from quietfill.venue.exchange import Exchange
from quietfill.venue.feeds import load_tape
from quietfill.venue.options import VenueOptions

if TYPE_CHECKING:
    from pathlib import Path

    from quietfill.venue.tape import Tape


@dataclass(frozen=True)
class Market:
    """A recording, and an order that fits it."""

    tape: Tape
    start: datetime
    minutes: int
    quantity: str


@pytest.fixture(scope="module")
def intel(shared_data: Path) -> Market:
    """Intel, from 09:40 for ten minutes."""
    tape = load_tape("nasdaq100ms", [shared_data / "nasdaq_l2_100ms" / "INTC_20141103.mat"], symbol="INTC")
    return Market(tape, datetime(2014, 11, 3, 9, 40, tzinfo=ZoneInfo("America/New_York")), 10, "2000")


@pytest.fixture(scope="module")
def bitcoin(shared_data: Path) -> Market:
    """The perpetual, for four minutes of its six."""
    tape = load_tape("binance", [shared_data / "crypto" / "binance_usdm_btcusdt_20240808.gz"], symbol="BTCUSDT")
    return Market(tape, datetime(2024, 8, 8, 23, 55, tzinfo=ZoneInfo("UTC")), 4, "0.750")


def work(market: Market, algo: str, side: OrderSide, *, compiled: bool | None = None) -> tuple[OrderSummary, str]:
    """Work one order; return its figures and the digest of its journal."""
    tape, options = market.tape, VenueOptions()
    symbol = tape.instrument.symbol
    venue = Exchange(tape, options, 1, core=DepthCore(tape, slots=options.max_working, compiled=compiled))
    engine = Engine({symbol: tape.instrument}, registry(), simulation_settings(options))
    start = timestamp_from(market.start)
    end = start + market.minutes * MINUTE
    order = NewOrder(
        order_id="order", decision_id="decision", symbol=symbol, side=side,
        quantity=quantity_from(market.quantity), algo=algo, start=start, end=end,
    )  # fmt: skip
    journal = MemoryJournal()
    run = StartRun(run_id="run", details={})
    Simulation(engine, venue, journal).run([(start, order)], start=run, until=end + MINUTE)
    assert venue.open_count == 0
    ledger = Ledger.of(entry.record for entry in journal.read())
    return order_summary(ledger.orders["order"], venue.history()), journal.head


@pytest.mark.parametrize("side", OrderSide)
@pytest.mark.parametrize("name", ["intel", "bitcoin"])
def test_a_market_order_pays_the_spread_and_a_schedule_rests(request, name, side):
    """Both are worked whole; the market order crosses at half a spread or more, the schedule mostly rests."""
    market = request.getfixturevalue(name)
    crossed, _ = work(market, "market", side)
    scheduled, _ = work(market, "twap", side)

    assert crossed.filled == scheduled.filled == crossed.quantity
    assert crossed.passive_pct == 0
    assert crossed.half_spread_paid_bps is not None
    assert crossed.half_spread_paid_bps > 0
    assert scheduled.passive_pct is not None
    assert scheduled.passive_pct > 20
    assert scheduled.half_spread_paid_bps is not None
    assert scheduled.half_spread_paid_bps < crossed.half_spread_paid_bps
    assert scheduled.interval_vwap is not None


@pytest.mark.parametrize("name", ["intel", "bitcoin"])
def test_compiled_and_plain_venues_leave_the_same_journal(request, name):
    """On real depth, too, both forms of the core tell the same story to the last byte."""
    market = request.getfixturevalue(name)

    assert (
        work(market, "twap", OrderSide.BUY, compiled=True)[1] == work(market, "twap", OrderSide.BUY, compiled=False)[1]
    )
