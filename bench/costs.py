"""What resting first is worth: the same orders by each algo, on recorded markets, as paired differences.

For each instrument, side and start time the same quantity is worked by every algo over the same window. The
difference to the market order of the same cell is paired, so the market's own moves cancel as far as they
can. Run as `python -m bench.costs` beside `../shared/data`.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from math import sqrt
from pathlib import Path
from statistics import fmean, stdev
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from quietfill.algos.registry import registry
from quietfill.domain.messages import NewOrder, StartRun
from quietfill.domain.types import MINUTE, OrderSide, quantity_from, timestamp_from
from quietfill.engine.engine import Engine
from quietfill.journal.memory import MemoryJournal
from quietfill.simulation.rates import simulation_settings
from quietfill.simulation.runner import Simulation
from quietfill.tca.ledger import Ledger
from quietfill.tca.summary import order_summary
from quietfill.venue.exchange import Exchange
from quietfill.venue.feeds import load_tape
from quietfill.venue.options import VenueOptions

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from quietfill.market.history import MarketHistory
    from quietfill.tca.summary import OrderSummary
    from quietfill.venue.tape import Tape

ALGOS = ("market", "twap", "vwap", "pov")


@dataclass(frozen=True)
class Market:
    """One recorded instrument, the order that is worked in it, and when."""

    name: str
    tape: Tape
    history: MarketHistory
    quantity: int
    window: int
    starts: tuple[datetime, ...]


@dataclass(frozen=True)
class Estimate:
    """A mean with its standard error."""

    mean: float
    error: float

    @classmethod
    def of(cls, values: Sequence[float]) -> Estimate:
        """Estimate from independent values."""
        return cls(fmean(values), stdev(values) / sqrt(len(values)))

    def __str__(self) -> str:
        """Show as mean +- error."""
        return f"{self.mean:7.2f} +- {self.error:.2f}"


def markets(data: Path) -> Iterator[Market]:
    """Yield two Shanghai stocks over a day and a Nasdaq stock over an hour."""
    shanghai = ZoneInfo("Asia/Shanghai")
    morning = datetime(2023, 7, 11, 9, 35, tzinfo=shanghai)
    afternoon = datetime(2023, 7, 11, 13, 5, tzinfo=shanghai)
    starts = tuple(begin + timedelta(minutes=20 * step) for begin in (morning, afternoon) for step in range(5))
    for code, quantity in (("600961", 20_000), ("605580", 10_000)):
        files = [data / "sse_l3" / f"{code}.SH_2023-07-11_orders.csv.zst"]
        yield _market(code, load_tape("sse", files, symbol=f"{code}.SH"), quantity, 20, starts)
    stem = data / "lobster" / "AAPL_2012-06-21_34200000_37800000"
    book = stem.with_name(stem.name + "_orderbook_50_first672.csv.zst")
    tape = load_tape("lobster", [stem.with_name(stem.name + "_message_50.csv.zst")], book=book, symbol="AAPL")
    opening = datetime(2012, 6, 21, 9, 32, tzinfo=ZoneInfo("America/New_York"))
    yield _market("AAPL", tape, 500, 6, tuple(opening + timedelta(minutes=6 * step) for step in range(8)))


def _market(name: str, tape: Tape, quantity: int, minutes: int, starts: tuple[datetime, ...]) -> Market:
    history = Exchange(tape, VenueOptions(), 1).history()
    return Market(name, tape, history, quantity, minutes * MINUTE, starts)


def cells(market: Market, algo: str) -> list[OrderSummary]:
    """Work the market's order by *algo* at every start, both sides."""
    return [work(market, algo, side, start) for start in market.starts for side in OrderSide]


def work(market: Market, algo: str, side: OrderSide, start: datetime) -> OrderSummary:
    """Work one order and measure it."""
    options = VenueOptions()
    instrument = market.tape.instrument
    engine = Engine({instrument.symbol: instrument}, registry(), simulation_settings(options))
    exchange, journal = Exchange(market.tape, options, 1), MemoryJournal()
    begin = timestamp_from(start)
    order = NewOrder(
        order_id="cell",
        decision_id="cell",
        symbol=instrument.symbol,
        side=side,
        quantity=quantity_from(market.quantity),
        algo=algo,
        start=begin,
        end=begin + market.window,
    )
    run = StartRun(run_id="costs", details={})
    Simulation(engine, exchange, journal).run([(begin, order)], start=run, until=begin + market.window + MINUTE)
    ledger = Ledger.of(entry.record for entry in journal.read())
    assert exchange.open_count == 0, "an order was left working"
    return order_summary(ledger.orders["cell"], market.history)


def paired(results: Sequence[OrderSummary], base: Sequence[OrderSummary], figure: str) -> Estimate:
    """Return the paired difference of one figure, over the cells in which both have it."""
    pairs = [(getattr(a, figure), getattr(b, figure)) for a, b in zip(results, base, strict=True)]
    return Estimate.of([a - b for a, b in pairs if a is not None and b is not None])


def passive_share(results: Sequence[OrderSummary]) -> float:
    """Return the mean share of filled quantity that rested, in percent."""
    return fmean(result.passive_pct for result in results if result.passive_pct is not None)


def main() -> None:
    """Print the table."""
    data = Path(__file__).resolve().parents[2] / "shared" / "data"
    columns = ["market", "orders", "algo", "passive %", "half-spread paid", "saved", "arrival cost", "saved"]
    print(f"| {' | '.join(columns)} |\n{'|---' * len(columns)}|")
    for market in markets(data):
        base = cells(market, "market")
        for algo in ALGOS:
            results = base if algo == "market" else cells(market, algo)
            print(f"| {market.name} | {len(results)} | {algo} | {_row(results, base)} |")


def _row(results: list[OrderSummary], base: list[OrderSummary]) -> str:
    columns = [f"{passive_share(results):.0f}"]
    for figure in ("half_spread_paid_bps", "shortfall_bps"):
        values = [getattr(result, figure) for result in results]
        columns.append(str(Estimate.of([value for value in values if value is not None])))
        columns.append("" if results is base else str(paired(base, results, figure)))
    return " | ".join(columns)


if __name__ == "__main__":
    main()
