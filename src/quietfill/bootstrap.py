"""The composition root: the one place that picks concrete classes and puts them together."""

from __future__ import annotations

import os
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from quietfill.algos.registry import registry
from quietfill.domain.errors import BadInput, JournalError
from quietfill.domain.messages import StartRun
from quietfill.domain.records import OrderRefused
from quietfill.domain.stamps import seeded_event_id
from quietfill.engine.engine import Engine
from quietfill.journal.memory import MemoryJournal
from quietfill.runtime.clock import wall_seconds
from quietfill.runtime.user_algos import is_file_reference, load_algo, load_entry_points
from quietfill.simulation.rates import simulation_settings
from quietfill.simulation.result import SimulationResult
from quietfill.simulation.runner import Simulation
from quietfill.simulation.scenario import OrderTerms, Scenario, local_iso, read_terms
from quietfill.tca.ledger import Ledger
from quietfill.tca.summary import order_summary
from quietfill.venue.exchange import Exchange
from quietfill.venue.feeds import load_tape
from quietfill.venue.options import VenueOptions

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from quietfill.algos.registry import AlgoRegistry
    from quietfill.domain.types import Timestamp
    from quietfill.ports.journal import JournalEntry
    from quietfill.venue.tape import Tape


class Recording(msgspec.Struct, frozen=True, kw_only=True):
    """Where recorded market data lies, and what its files do not say of themselves."""

    feed: str
    data: tuple[Path, ...]
    symbol: str
    book: Path | None = None
    date: date | None = None
    tick: Decimal | None = None
    lot: Decimal | None = None


def simulate(
    recording: Recording,
    terms: OrderTerms,
    options: VenueOptions,
    *,
    seed: int,
    commit_latency: int = 0,
    on_progress: Callable[[float], None] | None = None,
) -> SimulationResult:
    """Work one order against recorded data by driving the engine directly: same arguments, same journal.

    Args:
        recording: the market.
        terms: the order.
        options: what the simulated venue does with it.
        seed: of latency, jitter and ids; all the chance there is.
        commit_latency: simulated ns until a record is durable.
        on_progress: told the share of the window that is done, 0 to 1, now and then.

    Raises:
        BadInput: when a file or value is wrong, or the order is refused; the message names which and why.
    """
    algos, algo = open_algos(terms.algo)
    tape = load_tape(
        recording.feed,
        recording.data,
        book=recording.book,
        symbol=recording.symbol,
        date=recording.date,
        tick=recording.tick,
        lot=recording.lot,
    )
    scenario = read_terms(terms, tape, algo=algo, seed=seed)
    journal = MemoryJournal()
    exchange = Exchange(tape, options, seed)
    engine = Engine({tape.instrument.symbol: tape.instrument}, algos, simulation_settings(options))
    simulation = Simulation(
        engine,
        exchange,
        journal,
        commit_latency=commit_latency,
        on_progress=_share_of(scenario, on_progress),
    )
    arrival = max(scenario.start, tape.first_time)
    _warm_up()
    began = wall_seconds()
    simulation.run(
        [(arrival, scenario.order)],
        start=_start_of("simulate", tape, options, seed, commit_latency=commit_latency),
        until=scenario.end + engine.settings.child_grace + 2 * engine.settings.request_timeout,
    )
    wall = wall_seconds() - began
    return _result(tuple(journal.read()), journal.head, scenario, tape, exchange, options, wall)


def open_algos(name: str | None) -> tuple[AlgoRegistry, str]:
    """Return all algos (built in, from entry points, and the one in a file that *name* may refer to).

    Args:
        name: an algo's name or `FILE.py:CLASS`; None names none.

    Returns:
        The algos, and the name under which the one asked for is registered; "" without one.

    Raises:
        BadInput: when there is no such algo; the message lists the known ones.
    """
    algos = registry()
    load_entry_points(algos)
    if name is None:
        return algos, ""
    if is_file_reference(name):
        algos.register(load_algo(name))
        return algos, list(algos)[-1].name
    return algos, algos.get(name).name


def save_journal(path: Path, entries: Sequence[JournalEntry]) -> None:
    """Write a journal file that is there completely or not at all.

    Raises:
        JournalError: when it cannot be written.
    """
    from quietfill.journal.sqlite import SqliteJournal

    partial = path.with_name(path.name + ".partial")
    try:
        journal = SqliteJournal(partial)
        try:
            journal.append([entry.record for entry in entries])
        finally:
            journal.close()
        os.replace(partial, path)  # noqa: PTH105 - reads as the step that it is
    except OSError as error:
        raise JournalError(f"{path}: {error.strerror or error}") from error
    finally:
        for suffix in ("", "-wal", "-shm"):
            partial.with_name(partial.name + suffix).unlink(missing_ok=True)


def _start_of(kind: str, tape: Tape, options: VenueOptions, seed: int, **more: object) -> StartRun:
    """Return the first record's message: all that decides how the run goes. No path, clock, host or build is in it."""
    details = {
        "run": kind,
        "seed": seed,
        "tape_sha256": tape.sha256,
        "source": list(tape.source),
        "venue": msgspec.to_builtins(options),
        **more,
    }
    return StartRun(run_id=seeded_event_id(seed, 0), details=details)


def _share_of(scenario: Scenario, hear: Callable[[float], None] | None) -> Callable[[Timestamp], None] | None:
    if hear is None:
        return None
    length = scenario.end - scenario.start
    return lambda now: hear(min(1.0, (now - scenario.start) / length))


def _warm_up() -> None:
    from quietfill.venue.warmup import warm_up

    warm_up()


def _result(
    entries: tuple[JournalEntry, ...],
    head: str,
    scenario: Scenario,
    tape: Tape,
    exchange: Exchange,
    options: VenueOptions,
    wall: float,
) -> SimulationResult:
    ledger = Ledger.of(entry.record for entry in entries)
    refused = next((entry.record for entry in entries if isinstance(entry.record, OrderRefused)), None)
    if refused is not None:
        raise BadInput(f"order refused: {'; '.join(refused.reasons)}")
    history = exchange.history()
    order = ledger.orders[scenario.order.order_id]
    return SimulationResult(
        summary=order_summary(order, history, multiplier=tape.instrument.multiplier),
        ledger=ledger,
        history=history,
        entries=entries,
        seed=scenario.seed,
        mode=options.mode,
        start=local_iso(scenario.start, tape),
        end=local_iso(scenario.end, tape),
        events=exchange.events_replayed,
        wall_s=wall,
        head=head,
    )
