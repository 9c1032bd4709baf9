"""Which parts an agent is made of when its user names none."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

from quietfill.algos.registry import registry
from quietfill.engine.engine import Engine
from quietfill.journal.sqlite import SqliteJournal
from quietfill.runtime.loop_clock import LoopClock
from quietfill.runtime.runtime import Runtime
from quietfill.venue.broker import VenueBroker

if TYPE_CHECKING:
    from quietfill.agent.config import AgentConfig
    from quietfill.ports.broker import BrokerEdge
    from quietfill.ports.clock import TimedClock
    from quietfill.ports.journal import Journal

    AnyBroker: TypeAlias = BrokerEdge


def assemble(config: AgentConfig, broker: AnyBroker, journal: Journal | None, clock: TimedClock | None) -> Runtime:
    """Return the runtime of an agent, not started."""
    simulated = broker if isinstance(broker, VenueBroker) else None
    if clock is None:
        clock = LoopClock() if simulated is None else simulated.clock
    if journal is None:
        journal = SqliteJournal(config.settings.journal_path)
    instruments = {} if simulated is None else {simulated.instrument.symbol: simulated.instrument}
    engine = Engine(instruments, registry(), config.engine_settings, config.risk_limits)
    runtime = Runtime(engine, journal, broker, clock)
    if simulated is not None:
        simulated.attend(runtime.quiet, lambda: engine.triggers(simulated.instrument.symbol))
    return runtime
