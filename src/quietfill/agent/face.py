"""What every part of the public face stands on. Each part is a mixin of thin methods in a file of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from quietfill.agent.config import AgentConfig
    from quietfill.agent.history import OrderHistory
    from quietfill.agent.intake import Intake
    from quietfill.agent.market_record import MarketRecord
    from quietfill.domain.instrument import Instrument
    from quietfill.engine.engine import Engine
    from quietfill.engine.state import EngineState
    from quietfill.market.history import MarketHistory
    from quietfill.ports.broker import BrokerEdge
    from quietfill.runtime.runtime import Runtime


class AgentFace:
    """An agent's configuration, runtime and ledger, as the parts of its face see them."""

    config: AgentConfig
    runtime: Runtime
    _history: OrderHistory
    _intake: Intake
    _record: MarketRecord
    is_running: bool

    @property
    def _engine(self) -> Engine:
        """The decider."""
        return self.runtime.engine

    @property
    def _state(self) -> EngineState:
        """What must survive a restart."""
        return self.runtime.engine.state

    @property
    def _edge(self) -> BrokerEdge:
        """The session with the market."""
        return self.runtime.edge

    def _instrument(self, symbol: str) -> Instrument | None:
        """Return what a symbol means, None when nobody knows."""
        return self._state.instruments.get(symbol)

    def history_of(self, symbol: str) -> MarketHistory | None:
        """Return the market as it was observed: the recording of a simulated venue, else what the feed has shown."""
        return self._record.history(symbol)
