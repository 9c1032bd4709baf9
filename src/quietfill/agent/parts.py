"""Which parts an agent is made of when its user names none."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, TypeAlias, runtime_checkable

import msgspec

from quietfill.algos.registry import registry
from quietfill.brokers.face import is_edge
from quietfill.brokers.minimal import MinimalEdge
from quietfill.domain.messages import RegisterInstrument
from quietfill.domain.types import SECOND
from quietfill.engine.engine import Engine
from quietfill.journal.sqlite import SqliteJournal
from quietfill.runtime.loop_clock import LoopClock
from quietfill.runtime.runtime import Runtime
from quietfill.venue.broker import VenueBroker

if TYPE_CHECKING:
    from collections.abc import Callable

    from quietfill.agent.config import AgentConfig
    from quietfill.algos.registry import AlgoRegistry
    from quietfill.brokers.face import UserBroker
    from quietfill.domain.instrument import Instrument
    from quietfill.domain.records import AnyRecord
    from quietfill.domain.types import Duration
    from quietfill.engine.settings import EngineSettings
    from quietfill.engine.state import EngineState
    from quietfill.ports.broker import BrokerEdge
    from quietfill.ports.clock import TimedClock
    from quietfill.ports.journal import Journal

    AnyBroker: TypeAlias = BrokerEdge | UserBroker

_ANSWER = SECOND
"""What a broker's last word may take on top of the silence after which it is taken as said."""


def assemble(config: AgentConfig, broker: AnyBroker, journal: Journal | None, clock: TimedClock | None) -> Runtime:
    """Return the runtime of an agent, not started.

    Raises:
        BadInput: when the broker lacks what every broker needs.
    """
    simulated = broker if isinstance(broker, VenueBroker) else None
    if clock is None:
        clock = LoopClock() if simulated is None else simulated.clock
    if journal is None:
        journal = SqliteJournal(config.settings.journal_path)
    instruments = {} if simulated is None else {simulated.instrument.symbol: simulated.instrument}
    edge = broker if is_edge(broker) else _wrapped(config, broker, clock)
    engine = Engine(instruments, _algos(edge), _settings(config, edge), config.risk_limits)
    runtime = Runtime(engine, journal, edge, clock)
    if simulated is not None:
        simulated.attend(runtime.quiet, lambda: engine.triggers(simulated.instrument.symbol))
    if isinstance(edge, MinimalEdge):
        edge.attend(engine.state)
    elif isinstance(edge, BookFollower):
        edge.follow(engine.state, clock)
        engine.watch_holdings()
        runtime.on_record(edge.heed)
    if isinstance(edge, GridTeller):
        edge.on_instrument(
            lambda instrument, why: runtime.submit(RegisterInstrument(instrument=instrument, by="broker", reason=why))
        )
    if isinstance(edge, AccountTeller):
        edge.on_accounts(engine.serve_accounts)
    return runtime


@runtime_checkable
class BookFollower(Protocol):
    """An edge that looks children up in the agent's books, lives by its clock, and hears what was decided."""

    settle: Duration
    """How long after a cancel's confirmation a fill of it may still come."""

    def follow(self, books: EngineState, clock: TimedClock) -> None:
        """Use the books and the clock of the agent that it is a part of."""
        ...

    def heed(self, record: AnyRecord) -> None:
        """Hear a record that is durable."""
        ...


@runtime_checkable
class GridTeller(Protocol):
    """An edge that hears of changed price ladders."""

    def on_instrument(self, callback: Callable[[Instrument, str], object]) -> None:
        """Set who hears an instrument with its new ladder, and how that is known."""
        ...


@runtime_checkable
class AccountTeller(Protocol):
    """An edge that says for whom it trades."""

    def on_accounts(self, callback: Callable[[tuple[str, ...], str | None], object]) -> None:
        """Set who hears which accounts an order may name, and whose one is that names none; None when it must name one.

        It is told as soon as the broker has said it, and whenever it says it anew.
        """
        ...


def _algos(edge: BrokerEdge) -> AlgoRegistry:
    """Return ours and those of the broker that the edge leads to."""
    known = registry()
    for spec in getattr(edge, "algos", ()):
        known.register(spec)
    return known


def _wrapped(config: AgentConfig, broker: object, clock: TimedClock) -> MinimalEdge:
    silence = round(config.settings.assume_cancelled_seconds * SECOND)
    return MinimalEdge(broker, clock, sender=config.name, assume_cancelled=silence)


def _settings(config: AgentConfig, edge: BrokerEdge) -> EngineSettings:
    """Return what the engine is told, with the patience that a broker of few words needs."""
    settings = config.engine_settings
    if isinstance(edge, BookFollower):
        return msgspec.structs.replace(settings, settle=max(settings.settle, edge.settle))
    if not isinstance(edge, MinimalEdge):
        return settings
    return msgspec.structs.replace(
        settings,
        can_replace=edge.can_replace,
        request_timeout=max(settings.request_timeout, edge.cancel_silence + _ANSWER),
        round_trip=max(settings.round_trip, edge.cancel_silence),
    )
