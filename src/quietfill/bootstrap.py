"""The composition root: the one place that picks concrete classes and puts them together."""

from __future__ import annotations

import os
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from quietfill import __version__
from quietfill.agent.agent import ExecutionAgentImpl
from quietfill.agent.config import AgentConfig
from quietfill.algos.registry import registry
from quietfill.bus.local import EventBus
from quietfill.domain.errors import BadInput, JournalError
from quietfill.domain.messages import StartRun
from quietfill.domain.records import OrderRefused
from quietfill.domain.stamps import seeded_event_id
from quietfill.domain.types import MILLISECOND, Timestamp
from quietfill.engine.engine import Engine
from quietfill.journal.inspect import entries
from quietfill.journal.memory import MemoryJournal
from quietfill.journal.sqlite import SqliteJournal
from quietfill.market.history import MarketHistory
from quietfill.report.page import write_report
from quietfill.report.run import RunReport
from quietfill.runtime.audit import AuditLogger
from quietfill.runtime.clock import wall_seconds
from quietfill.runtime.logs import log_to_stderr
from quietfill.runtime.user_algos import is_file_reference, load_algo, load_entry_points
from quietfill.simulation.continuation import begun_with, continued
from quietfill.simulation.decisions import demo_decisions
from quietfill.simulation.rates import agent_parameters, simulation_settings
from quietfill.simulation.rebuild import rebuild
from quietfill.simulation.result import SimulationResult
from quietfill.simulation.runner import Simulation
from quietfill.simulation.scenario import OrderTerms, Scenario, local_iso, local_text, read_terms
from quietfill.simulation.session import Session
from quietfill.tca.ledger import Ledger
from quietfill.tca.summary import order_summary
from quietfill.venue.broker import VenueBroker
from quietfill.venue.exchange import Exchange
from quietfill.venue.feeds import load_tape
from quietfill.venue.options import VenueOptions
from quietfill.venue.samples import load_sample
from quietfill.venue.tape import Tape
from quietfill.venue.virtual_clock import VirtualClock

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from quietfill.algos.registry import AlgoRegistry
    from quietfill.ports.journal import JournalEntry


class Recording(msgspec.Struct, frozen=True, kw_only=True):
    """Where recorded market data lies, and what its files do not say of themselves."""

    feed: str
    data: tuple[Path, ...]
    symbol: str
    book: Path | None = None
    date: date | None = None
    tick: Decimal | None = None
    lot: Decimal | None = None

    def tape(self) -> Tape:
        """Read the files.

        Raises:
            BadInput: when a file or value is wrong; the message names which.
        """
        return load_tape(
            self.feed, self.data, book=self.book, symbol=self.symbol, date=self.date, tick=self.tick, lot=self.lot
        )


def simulate(
    recording: Recording | None,
    terms: OrderTerms,
    options: VenueOptions,
    *,
    seed: int,
    commit_latency: int = 0,
    on_progress: Callable[[float], None] | None = None,
) -> SimulationResult:
    """Work one order against recorded data by driving the engine directly: same arguments, same journal.

    Args:
        recording: the market; None is the hour that ships with the package.
        terms: the order.
        options: what the simulated venue does with it.
        seed: of latency, jitter and ids; all the chance there is.
        commit_latency: simulated ns until a record is durable.
        on_progress: told the share of the window that is done, 0 to 1, now and then.

    Raises:
        BadInput: when a file or value is wrong, or the order is refused; the message names which and why.
    """
    algos, algo = open_algos(terms.algo)
    tape = load_sample() if recording is None else recording.tape()
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
        [(arrival, message) for message in scenario.messages],
        start=_start_of("simulate", tape, options, seed, commit_latency=commit_latency),
        until=scenario.end + engine.settings.child_grace + 2 * engine.settings.request_timeout,
    )
    wall = wall_seconds() - began
    return _result(tuple(journal.read()), journal.head, scenario, tape, exchange, options, wall)


class Demo(msgspec.Struct, frozen=True, kw_only=True):
    """An opened demo: an agent on the packaged recording, ready to run.

    Attributes:
        session: runs it.
        tape, history: the recording.
        seed: of everything that is drawn.
        resumed_at: when the run goes on, None for a new one.
        audit: the audit log, to be closed at the end.
    """

    session: Session
    tape: Tape
    history: MarketHistory
    seed: int
    resumed_at: Timestamp | None
    audit: AuditLogger

    def local_time(self, instant: Timestamp | None = None) -> str:
        """Return an instant, by default the present one, as the venue's local time of day."""
        return local_text(self.session.now if instant is None else instant, self.tape)


def open_demo(journal_path: Path, *, seed: int | None, speed: float | None, algo: str | None = None) -> Demo:
    """Put the demo's agent together on a new journal, or on one whose run was cut short.

    The venue of a run that was cut short died with its process; it is rebuilt from the tape and our own
    requests in the journal, and simulated time goes on from the last record.

    Args:
        journal_path: a file that does not exist, or the journal of a demo that did not end.
        seed: None takes the journal's, or 1.
        speed: simulated seconds a second; None is as fast as possible.
        algo: works one more order.

    Raises:
        BadInput: when the journal is that of another run, or of one that ended.
        JournalError: when it cannot be read or written.
    """
    log_to_stderr()
    past = continued(journal_path, "demo")
    _warm_up()
    tape = load_sample()
    algos, algo_name = open_algos(algo)
    new = _start_of("demo", tape, VenueOptions(), 1 if seed is None else seed, extra_algo=algo_name)
    details = new.details if not past else begun_with(past, new.details, journal_path, seed_given=seed is not None)
    drawn, options = int(details["seed"]), msgspec.convert(details["venue"], VenueOptions, strict=False)
    exchange = Exchange(tape, options, drawn)
    resumed_at = rebuild(exchange, past)
    begin = tape.first_time if resumed_at is None else resumed_at
    broker = VenueBroker(exchange, start=begin, end=tape.last_time, speed=speed)
    journal = SqliteJournal(journal_path)
    audit = _open_audit(journal_path, broker.clock, journal)
    bus = EventBus()
    config = AgentConfig(name="ExecutionAgent", parameters=agent_parameters())
    agent = ExecutionAgentImpl(config, bus, audit, broker, journal=journal)
    if algo is not None and is_file_reference(algo):
        agent.runtime.engine.algos.register(algos.get(algo_name))
    history = exchange.history()
    session = Session(
        agent,
        bus,
        broker,
        planned=demo_decisions(tape, history, drawn, extra_algo=algo_name or None),
        past=past,
        start=StartRun(run_id=seeded_event_id(drawn, 0), details=details),
    )
    return Demo(session=session, tape=tape, history=history, seed=drawn, resumed_at=resumed_at, audit=audit)


def demo_report(demo: Demo, journal_path: Path) -> RunReport:
    """Return the report of a demo that has ended, made from its journal: orders that ended before a crash included."""
    symbol = demo.tape.instrument.symbol
    return RunReport.of(
        Ledger.of(entry.record for entry in entries(journal_path)),
        {symbol: demo.history},
        {symbol: demo.tape.instrument},
        title=f"Quietfill demo: {symbol} on {demo.tape.date}",
        facts=_facts(demo.tape, VenueOptions(), demo.seed, demo.session.agent.runtime.journal.head),
    )


def simulation_report(result: SimulationResult) -> RunReport:
    """Return the report of a simulated order."""
    instrument = result.tape.instrument
    return RunReport.of(
        result.ledger,
        {instrument.symbol: result.history},
        {instrument.symbol: instrument},
        title=f"{result.summary.algo} {result.summary.side} {instrument.symbol} on {result.tape.date}",
        facts=_facts(result.tape, result.options, result.seed, result.head),
    )


def save_report(path: Path, report: RunReport) -> None:
    """Write a report file that is there completely or not at all.

    Raises:
        BadInput: when it cannot be written.
    """
    path = Path(os.path.realpath(path))  # a link is followed, never replaced
    if path.exists() and not path.is_file():
        raise BadInput(f"{path}: not a regular file")
    try:
        write_report(path, report)
    except OSError as error:
        raise BadInput(f"{path}: {error.strerror or error}") from error


def _facts(tape: Tape, options: VenueOptions, seed: int, head: str) -> dict[str, str]:
    latency = f"{options.latency_median_ns / MILLISECOND:g} ms median each way"
    return {
        "market": ", ".join(tape.source),
        "date": str(tape.date),
        "recording sha256": tape.sha256,
        "mode": options.mode,
        "latency": latency,
        "fees": f"{options.maker_fee_bps} bps passive, {options.taker_fee_bps} bps aggressive",
        "seed": str(seed),
        "journal sha256": head,
        "quietfill": __version__,
    }


def _open_audit(journal_path: Path, clock: VirtualClock, journal: SqliteJournal) -> AuditLogger:
    """Open the audit log beside a journal; when that fails, leave no journal that was made for nothing."""
    try:
        return AuditLogger(audit_path(journal_path), clock=clock)
    except JournalError:
        is_new = journal.sequence == 0
        journal.close()
        if is_new:
            journal_path.unlink(missing_ok=True)
        raise


def audit_path(journal_path: Path) -> Path:
    """Return where the audit log beside a journal lies."""
    return journal_path.with_name(journal_path.name + ".audit")


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
        tape=tape,
        options=options,
        seed=scenario.seed,
        start=local_iso(scenario.start, tape),
        end=local_iso(scenario.end, tape),
        events=exchange.events_replayed,
        wall_s=wall,
        head=head,
    )
