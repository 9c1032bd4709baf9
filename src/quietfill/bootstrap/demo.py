"""The demo: an agent at work on the packaged hour, begun or gone on with."""

from __future__ import annotations

from pathlib import Path

import msgspec

from quietfill.agent.agent import ExecutionAgentImpl
from quietfill.agent.config import AgentConfig
from quietfill.bootstrap.algos import open_algos
from quietfill.bootstrap.files import open_audit
from quietfill.bootstrap.recordings import facts_of, start_of, warm_up_venue
from quietfill.bus.local import EventBus
from quietfill.domain.messages import StartRun
from quietfill.domain.stamps import seeded_event_id
from quietfill.domain.types import Timestamp
from quietfill.journal.inspect import entries
from quietfill.journal.sqlite import SqliteJournal
from quietfill.market.history import MarketHistory
from quietfill.report.run import RunReport
from quietfill.runtime.audit import AuditLogger
from quietfill.runtime.logs import log_to_stderr
from quietfill.runtime.user_algos import is_file_reference
from quietfill.simulation.continuation import begun_with, continued
from quietfill.simulation.decisions import demo_decisions
from quietfill.simulation.rates import agent_parameters
from quietfill.simulation.rebuild import rebuild
from quietfill.simulation.scenario import local_text
from quietfill.simulation.session import Session
from quietfill.tca.ledger import Ledger
from quietfill.venue.broker import VenueBroker
from quietfill.venue.exchange import Exchange
from quietfill.venue.options import VenueOptions
from quietfill.venue.samples import load_sample
from quietfill.venue.tape import Tape


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
    warm_up_venue()
    tape = load_sample()
    algos, algo_name = open_algos(algo)
    new = start_of("demo", tape, VenueOptions(), 1 if seed is None else seed, extra_algo=algo_name)
    details = new.details if not past else begun_with(past, new.details, journal_path, seed_given=seed is not None)
    drawn, options = int(details["seed"]), msgspec.convert(details["venue"], VenueOptions, strict=False)
    exchange = Exchange(tape, options, drawn)
    resumed_at = rebuild(exchange, past)
    begin = tape.first_time if resumed_at is None else resumed_at
    broker = VenueBroker(exchange, start=begin, end=tape.last_time, speed=speed)
    journal = SqliteJournal(journal_path)
    audit = open_audit(journal_path, broker.clock, journal)
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
        facts=facts_of(demo.tape, VenueOptions(), demo.seed, demo.session.agent.runtime.journal.head),
    )
