"""`quietfill simulate`: work one order against recorded market data, and say what it cost."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from quietfill.cli.options import Flag, Text, Texts, day, decimal, maybe_decimal, milliseconds, pairs, writable
from quietfill.domain.errors import BadInput

Paths = Annotated[list[Path], Parameter(negative=())]


def simulate(  # noqa: PLR0913 - a command's options are its parameters
    *,
    feed: str,
    data: Paths,
    symbol: str,
    side: str,
    quantity: Text,
    algo: str,
    start: Text,
    end: Text,
    book: Path | None = None,
    param: Texts = None,
    limit: Text | None = None,
    seed: int = 0,
    journal: Path | None = None,
    report: Path | None = None,
    json: Flag = False,
    tick: Text | None = None,
    lot: Text | None = None,
    date: Text | None = None,
    mode: str = "ghost",
    maker_fee_bps: Text = "0",
    taker_fee_bps: Text = "0",
    latency_ms: Text = "1",
    commit_latency_ms: Text = "0",
) -> int:
    """Work one order against recorded market data and print what it cost, as a table and one line of JSON.

    Args:
        feed: what the files are: lobster, sse, nasdaq100ms or binance.
        data: the recorded file, plain, .gz or .zst; several times, in time order, for binance.
        symbol: the instrument, as the files name it.
        side: buy or sell.
        quantity: in shares, contracts or coins.
        algo: a name that `quietfill algos` lists, or FILE.py:CLASS for one of your own.
        start: when the order arrives, in the venue's local time (Binance: UTC), like 10:30:00.
        end: when it must be done.
        book: lobster: the order-book file, of which the first row is used.
        param: a parameter of the algo as KEY=VALUE; several times.
        limit: bound for every child order, in the instrument's currency.
        seed: of latency, jitter and ids. The same seed gives the same journal.
        journal: keep the journal in this file, which must not exist.
        report: write an HTML report to this file.
        json: print nothing but the line of JSON.
        tick: price increment, in place of the feed's.
        lot: lot size, in place of the feed's.
        date: the recording's date, where neither data nor file name tell it, like 2012-06-21.
        mode: what our fills do to the others: ghost (nothing) or displacing (those behind us are short).
        maker_fee_bps: fee on passive fills; negative is a rebate.
        taker_fee_bps: fee on aggressive fills.
        latency_ms: median one-way time to the venue; 0 for none.
        commit_latency_ms: how long the journal takes to make a record durable.
    """
    if journal is not None and writable(journal, "journal").exists():
        raise BadInput(f"{journal}: exists already")
    if report is not None:
        writable(report, "report")
    from quietfill import bootstrap
    from quietfill.cli.tables import order_table
    from quietfill.cli.terminal import Terminal
    from quietfill.simulation.rates import PRINTED_RATES
    from quietfill.simulation.scenario import OrderTerms
    from quietfill.venue.options import VenueOptions

    options = VenueOptions(
        mode=mode,
        latency_median_ns=milliseconds(latency_ms, "latency_ms"),
        maker_fee_bps=decimal(maker_fee_bps, "maker_fee_bps"),
        taker_fee_bps=decimal(taker_fee_bps, "taker_fee_bps"),
    )
    recording = bootstrap.Recording(
        feed=feed, data=tuple(data), symbol=symbol, book=book,
        date=day(date), tick=maybe_decimal(tick, "tick"), lot=maybe_decimal(lot, "lot"),
    )  # fmt: skip
    terms = OrderTerms(
        side=side, quantity=quantity, algo=algo, params=pairs(param, "--param"), limit=limit, start=start, end=end
    )
    commit_latency = milliseconds(commit_latency_ms, "commit_latency_ms")
    terminal = Terminal(json=json)
    with terminal.progress(f"{algo} {side} {quantity} {symbol}") as hear:
        result = bootstrap.simulate(
            recording, terms, options, seed=seed, commit_latency=commit_latency, on_progress=hear
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
