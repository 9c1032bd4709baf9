"""`ExecutionAgentImpl`: the public face. Each method passes one thing on; nothing is decided here."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from quietfill.agent.base import ExecutionAgentBase
from quietfill.agent.best_execution_methods import BestExecutionMethods
from quietfill.agent.book_methods import BookMethods
from quietfill.agent.execute_methods import ExecuteMethods
from quietfill.agent.file_methods import FileMethods
from quietfill.agent.hearers import Hearers
from quietfill.agent.intake import Intake, order_id_of
from quietfill.agent.latency_methods import LatencyMethods
from quietfill.agent.market_inputs import MarketInputs
from quietfill.agent.market_record import MarketRecord
from quietfill.agent.older_names import OlderNames
from quietfill.agent.operator_methods import OperatorMethods
from quietfill.agent.participation import ParticipationWatch
from quietfill.agent.participation_methods import ParticipationMethods
from quietfill.agent.parts import assemble
from quietfill.agent.status_methods import StatusMethods
from quietfill.domain.events import (
    AnyEvent,
    DecisionEvent,
    EventType,
    KillSwitchEvent,
    OrderEvent,
    ValidatedDecisionEvent,
)
from quietfill.domain.messages import Kill, KillScope

if TYPE_CHECKING:
    from collections.abc import Sequence

    from quietfill.agent.config import AgentConfig
    from quietfill.agent.parts import AnyBroker
    from quietfill.domain.types import PublicNumber
    from quietfill.ports.audit import Audit
    from quietfill.ports.bus import Bus
    from quietfill.ports.clock import TimedClock
    from quietfill.ports.journal import Journal


class ExecutionAgentImpl(
    StatusMethods,
    OperatorMethods,
    ParticipationMethods,
    ExecuteMethods,
    FileMethods,
    BookMethods,
    LatencyMethods,
    BestExecutionMethods,
    OlderNames,
    ExecutionAgentBase,
):
    """The one component that sends orders: validated decisions in, worked orders and reports out.

    Args:
        config: see `AgentConfig`.
        event_bus: where decisions and kill switches come from and events go to.
        audit_logger: hears every event.
        broker: the simulated broker, an edge of ours, or an object of the user's with at least
            `is_connected`, `place_order`, `cancel_order` and `on_fill`.
        journal: default a file at `parameters["journal_path"]`.
        clock: default the broker's own (simulation) or the system's.
    """

    def __init__(
        self,
        config: AgentConfig,
        event_bus: Bus,
        audit_logger: Audit,
        broker: AnyBroker,
        *,
        journal: Journal | None = None,
        clock: TimedClock | None = None,
    ) -> None:
        """Put the parts together; nothing starts before `initialize`."""
        super().__init__(config, event_bus, audit_logger)
        self.broker = broker
        self.runtime = assemble(config, broker, journal, clock)
        self._intake = Intake(config, self.runtime)
        self._market = MarketInputs(self.runtime)
        self._record = MarketRecord(self.runtime)
        self._participation = ParticipationWatch(self.runtime, config.settings)
        self._hearers = Hearers(config.name, self.runtime, event_bus, audit_logger)
        self._history = self._hearers.history
        self._publisher = self._hearers.publisher

    # Life

    async def initialize(self) -> None:
        """Open the journal, recover, connect, reconcile, and start what must run. Start-up is recovery."""
        self._hearers.attend(self.runtime)
        self._follow_configured_profiles()
        await asyncio.wait_for(self.runtime.start(), self.config.timeout_seconds)
        self._publisher.report_unused(self.config.unused)

    async def shutdown(self) -> None:
        """Stop acting and close the journal; orders at the broker stay as they are."""
        await self.runtime.stop()

    async def _finish(self, timeout: float) -> None:  # noqa: ASYNC109 - passed on to wait_for
        try:
            await asyncio.wait_for(self.runtime.quiet(), timeout)
        except TimeoutError:
            text = f"stopped while records or requests still waited after {timeout:g} s; the next start settles them"
            self._publisher.alert(self.config.name, text)
        finally:
            await self.shutdown()
            await self._hearers.close(timeout)

    # The bus

    def get_subscribed_events(self) -> list[EventType]:
        """Return the three event types that this agent acts on."""
        return [EventType.VALIDATED_DECISION, EventType.DECISION, EventType.KILL_SWITCH]

    async def process_event(self, event: AnyEvent) -> None:
        """Act on one event: a kill at once, a decision is remembered, a validation executed or refused.

        Returns after one commit; the algo runs on.
        """
        match event:
            case KillSwitchEvent():
                sequence = self._kill_from(event)
            case DecisionEvent():
                sequence = self._intake.remember(event)
            case ValidatedDecisionEvent():
                sequence = self._intake.validate(event)
            case _:
                return
        await self.runtime.committed(sequence)

    # Market data

    def update_price(self, symbol: str, price: PublicNumber) -> None:
        """Take a trusted last price.

        Raises:
            ValueError: when it is not a finite number.
        """
        self._market.price(symbol, price)

    def update_market_volume(self, symbol: str, volume: PublicNumber) -> None:
        """Take the cumulative volume of the day; a fall means a new session.

        Raises:
            ValueError: when it is negative or not a finite number.
        """
        self._market.volume(symbol, volume)

    def update_order_book(
        self, symbol: str, bids: Sequence[Sequence[PublicNumber]], asks: Sequence[Sequence[PublicNumber]]
    ) -> None:
        """Take a book: lists of (price, size, number of orders), best first, our own orders included.

        Raises:
            ValueError: when a side is unsorted or a number is not finite.
        """
        self._market.book(symbol, bids, asks)

    # Orders

    async def submit_order(self, order: OrderEvent, **params: Any) -> str:
        """Work an order that no approved decision stands behind; refused unless direct orders are allowed.

        Returns:
            The order id; whether it was accepted is told by `get_pending_orders` and on the bus.
        """
        sequence = self.runtime.submit(self._intake.direct_order(order, params))
        await self.runtime.committed(sequence)
        return order_id_of(order.event_id)

    # The kill switch

    def _kill_from(self, event: KillSwitchEvent) -> int:
        """Engage a kill from the bus. `activated=False` never lifts one."""
        if not event.activated:
            self._publisher.alert(event.source_agent, "a kill switch is released only by two people, not on the bus")
            return 0
        return self.runtime.submit(
            Kill(
                kill_id=event.event_id,
                by=event.source_agent,
                reason=event.reason or event.trigger_type,
                scope=KillScope(symbols=event.affected_symbols),
                cancel_pending=event.cancel_pending_orders,
                close_positions=event.close_positions,
            )
        )

    def get_status(self) -> dict[str, Any]:
        """Return what the agent is doing now."""
        return {
            **self.base_status(),
            **self._work_status(),
            **self._house_status(),
            **self._hearers.status(),
        }
