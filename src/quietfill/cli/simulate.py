"""`quietfill simulate`: work one order against recorded market data, and say what it cost."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeAlias

from cyclopts import Parameter

from quietfill.cli.options import Flag, Text, Texts, day, decimal, maybe_decimal, milliseconds, pairs, writable
from quietfill.domain.errors import BadInput

if TYPE_CHECKING:
    from quietfill.bootstrap import Recording
    from quietfill.simulation.scenario import OrderTerms
    from quietfill.venue.options import VenueOptions

Paths: TypeAlias = Annotated[list[Path], Parameter(negative=())]


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class MarketFlags:
    """Which recording; without any of these the hour that ships with the package (600961.SH, 10:00 to 11:00).

    Attributes:
        feed: what the files are: lobster, sse, nasdaq100ms or binance.
        data: the recorded file, plain, .gz or .zst; several times, in time order, for binance.
        symbol: the instrument, as the files name it.
        book: lobster: the order-book file, of which the first row is used.
        date: the recording's date, where neither data nor file name tell it, like 2012-06-21.
        tick: price increment, in place of the feed's.
        lot: lot size, in place of the feed's.
    """

    feed: str | None = None
    data: Paths | None = None
    symbol: str | None = None
    book: Path | None = None
    date: Text | None = None
    tick: Text | None = None
    lot: Text | None = None

    def recording(self) -> Recording | None:
        """Return what is to be read, None for the hour that ships with the package.

        Raises:
            BadInput: when something of a recording is stated, but not what is needed to read it.
        """
        from quietfill.bootstrap import Recording

        stated = [f"--{name}" for name, value in vars(self).items() if value is not None]
        if not stated:
            return None
        if self.feed is None or self.data is None or self.symbol is None:
            missing = [f"--{name}" for name in ("feed", "data", "symbol") if getattr(self, name) is None]
            raise BadInput(
                f"{', '.join(stated)} needs {', '.join(missing)} too; without any of them the packaged hour is used"
            )
        return Recording(
            feed=self.feed,
            data=tuple(self.data),
            symbol=self.symbol,
            book=self.book,
            date=day(self.date),
            tick=maybe_decimal(self.tick, "tick"),
            lot=maybe_decimal(self.lot, "lot"),
        )


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class OrderFlags:
    """Which order.

    Attributes:
        side: buy or sell.
        quantity: in shares, contracts or coins.
        algo: a name that `quietfill algos` lists, or FILE.py:CLASS for one of your own.
        start: when the order arrives, in the venue's local time (Binance: UTC), like 10:30:00.
        end: when it must be done.
        param: a parameter of the algo as KEY=VALUE; several times.
        limit: bound for every child order, in the instrument's currency.
        stop: stop price, for stop and stop_limit; where trailing_stop begins, if stated.
        profile: a volume profile of the symbol, as `profile learn` writes it; without one, the default curve.
    """

    side: str
    quantity: Text
    algo: str
    start: Text
    end: Text
    param: Texts = None
    limit: Text | None = None
    stop: Text | None = None
    profile: Path | None = None

    def terms(self) -> OrderTerms:
        """Return the order as its user wrote it."""
        from quietfill.agent.profiles import read_profile
        from quietfill.simulation.scenario import OrderTerms

        return OrderTerms(
            side=self.side,
            quantity=self.quantity,
            algo=self.algo,
            params=pairs(self.param, "--param"),
            limit=self.limit,
            stop=self.stop,
            start=self.start,
            end=self.end,
            profile=None if self.profile is None else read_profile(self.profile),
        )


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class VenueFlags:
    """What the simulated venue does with our orders.

    Attributes:
        mode: what our fills do to the others: ghost (nothing) or displacing (those behind us are short).
        maker_fee_bps: fee on passive fills; negative is a rebate.
        taker_fee_bps: fee on aggressive fills.
        latency_ms: median one-way time to the venue; 0 for none.
        commit_latency_ms: how long the journal takes to make a record durable.
    """

    mode: str = "ghost"
    maker_fee_bps: Text = "0"
    taker_fee_bps: Text = "0"
    latency_ms: Text = "1"
    commit_latency_ms: Text = "0"

    def options(self) -> VenueOptions:
        """Return the venue's options."""
        from quietfill.venue.options import VenueOptions

        return VenueOptions(
            mode=self.mode,
            latency_median_ns=milliseconds(self.latency_ms, "latency_ms"),
            maker_fee_bps=decimal(self.maker_fee_bps, "maker_fee_bps"),
            taker_fee_bps=decimal(self.taker_fee_bps, "taker_fee_bps"),
        )


def simulate(
    *,
    order: OrderFlags,
    market: MarketFlags | None = None,
    venue: VenueFlags | None = None,
    seed: int = 0,
    journal: Path | None = None,
    report: Path | None = None,
    json: Flag = False,
) -> int:
    """Work one order against recorded market data and print what it cost, as a table and one line of JSON.

    Without --feed, --data and --symbol the recording is the hour that ships with the package.

    Args:
        seed: of latency, jitter and ids. The same seed gives the same journal.
        journal: keep the journal in this file, which must not exist.
        report: write an HTML report to this file.
        json: print nothing but the line of JSON.
    """
    if journal is not None and writable(journal, "journal").exists():
        raise BadInput(f"{journal}: exists already")
    if report is not None:
        writable(report, "report")
    from quietfill import bootstrap
    from quietfill.cli.tables import order_table
    from quietfill.cli.terminal import Terminal
    from quietfill.simulation.rates import PRINTED_RATES

    venue = venue or VenueFlags()
    recording = (market or MarketFlags()).recording()
    terminal = Terminal(json=json)
    place = "the packaged hour" if recording is None else recording.symbol
    with terminal.progress(f"{order.algo} {order.side} {order.quantity} {place}") as hear:
        result = bootstrap.simulate(
            recording,
            order.terms(),
            venue.options(),
            seed=seed,
            commit_latency=milliseconds(venue.commit_latency_ms, "commit_latency_ms"),
            on_progress=hear,
        )
    if journal is not None:
        bootstrap.save_journal(journal, result.entries)
    if report is not None:
        bootstrap.save_report(report, bootstrap.simulation_report(result))
    terminal.note(PRINTED_RATES)
    terminal.say(order_table([result.summary], width=terminal.out.width))
    for alert in result.alerts:
        terminal.note(f"alert: {alert}")
    terminal.finish(result.as_json())
    return 0
