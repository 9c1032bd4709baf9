"""One order against recorded data, with the engine driven directly: no event loop, no clock."""

from __future__ import annotations

from typing import TYPE_CHECKING

from quietfill.bootstrap.algos import open_algos
from quietfill.bootstrap.recordings import facts_of, start_of, warm_up_venue
from quietfill.domain.errors import BadInput
from quietfill.domain.records import OrderRefused
from quietfill.engine.engine import Engine
from quietfill.journal.memory import MemoryJournal
from quietfill.report.run import RunReport
from quietfill.runtime.clock import wall_seconds
from quietfill.simulation.rates import simulation_settings
from quietfill.simulation.result import SimulationResult
from quietfill.simulation.runner import Simulation
from quietfill.simulation.scenario import OrderTerms, Scenario, local_iso, read_terms
from quietfill.tca.ledger import Ledger
from quietfill.tca.summary import order_summary
from quietfill.venue.exchange import Exchange
from quietfill.venue.samples import load_sample
from quietfill.venue.tape import Tape

if TYPE_CHECKING:
    from collections.abc import Callable

    from quietfill.bootstrap.recordings import Recording
    from quietfill.domain.types import Timestamp
    from quietfill.ports.journal import JournalEntry
    from quietfill.venue.options import VenueOptions


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
    warm_up_venue()
    began = wall_seconds()
    simulation.run(
        [(arrival, message) for message in scenario.messages],
        start=start_of("simulate", tape, options, seed, commit_latency=commit_latency),
        until=scenario.end + engine.settings.child_grace + 2 * engine.settings.request_timeout,
    )
    wall = wall_seconds() - began
    return _result(tuple(journal.read()), journal.head, scenario, tape, exchange, options, wall)


def simulation_report(result: SimulationResult) -> RunReport:
    """Return the report of a simulated order."""
    instrument = result.tape.instrument
    return RunReport.of(
        result.ledger,
        {instrument.symbol: result.history},
        {instrument.symbol: instrument},
        title=f"{result.summary.algo} {result.summary.side} {instrument.symbol} on {result.tape.date}",
        facts=facts_of(result.tape, result.options, result.seed, result.head),
    )


def _share_of(scenario: Scenario, hear: Callable[[float], None] | None) -> Callable[[Timestamp], None] | None:
    if hear is None:
        return None
    length = scenario.end - scenario.start
    return lambda now: hear(min(1.0, (now - scenario.start) / length))


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
