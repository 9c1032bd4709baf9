"""The engine's own books, kept while a broker is examined: what the engine would believe after all it was told."""

from __future__ import annotations

from typing import TYPE_CHECKING

from quietfill.domain.records import CancelRequested, ChildRequested, LinkChanged, OrderAccepted, OrderAmended
from quietfill.domain.types import OrderType, TimeInForce
from quietfill.engine.observed import ObservedMarkets
from quietfill.engine.reports import consequences
from quietfill.engine.state import EngineState

if TYPE_CHECKING:
    from quietfill.domain.execution_report import ExecutionReport
    from quietfill.domain.instrument import Instrument
    from quietfill.domain.messages import LinkState
    from quietfill.domain.records import ReplaceRequested, WireRequest
    from quietfill.domain.types import Timestamp
    from quietfill.engine.child import ChildState

FAR_AWAY = 10**15
"""When the parents of examined orders end, in ns after they begin: never."""


class Books:
    """The fold of records that the engine would have written, each order a parent with one child.

    Attributes:
        state: also what an edge looks children up in, as it does with an agent's books.
        unlawful: transitions that the order-state table does not have.
    """

    def __init__(self, instrument: Instrument) -> None:
        """Begin with one instrument and nothing asked."""
        self.state = EngineState({instrument.symbol: instrument}, lambda _parent: None)
        self.unlawful: list[str] = []
        self._observed = ObservedMarkets(self.state)

    def alerts(self) -> list[str]:
        """Return the texts of all critical alerts that the engine would have raised."""
        return [alert.text for alert in self.state.alerts if alert.severity == "critical"]

    def child(self, child_id: str) -> ChildState:
        """Return what the engine would know of an order."""
        return self.state.children[child_id]

    def ask(self, request: WireRequest) -> None:
        """Book a request, before it leaves; one that the engine would not make is not booked."""
        if isinstance(request, ChildRequested):
            if request.child_id not in self.state.children:
                self.state.apply(_parent_of(request))
                self.state.apply(request)
            return
        child = self.state.children.get(request.child_id)
        if child is None or child.state.is_terminal:
            return
        if isinstance(request, CancelRequested):
            self.state.apply(request)
        else:
            self._ask_replace(child, request)

    def _ask_replace(self, child: ChildState, request: ReplaceRequested) -> None:
        parent = self.state.parents[child.order_id]
        if request.total > parent.quantity:
            self.state.apply(OrderAmended(at=request.at, order_id=child.order_id, by="check", quantity=request.total))
        self.state.apply(request)

    def hear(self, report: ExecutionReport, now: Timestamp) -> None:
        """Book what follows from a report, as the engine does; what the table forbids is noted."""
        try:
            for record in consequences(report, self.state, self._observed, now):
                self.state.apply(record)
        except AssertionError as error:
            self.unlawful.append(str(error))

    def hear_link(self, link: LinkState, now: Timestamp) -> None:
        """Book what the line did."""
        self.state.apply(LinkChanged(at=now, up=link.up, reason=link.reason))


def _parent_of(request: ChildRequested) -> OrderAccepted:
    is_market = request.limit_price is None
    return OrderAccepted(
        at=request.at,
        order_id=request.order_id,
        decision_id=request.order_id,
        symbol=request.symbol,
        side=request.side,
        quantity=request.quantity,
        algo="market" if is_market else "limit",
        params={},
        order_type=OrderType.MARKET if is_market else OrderType.LIMIT,
        limit_price=request.limit_price,
        stop_price=None,
        start=request.at,
        end=request.at + FAR_AWAY,
        time_in_force=TimeInForce.DAY,
        account=request.account,
        reduce_only=False,
        direct=True,
        by="check",
        decision_price=None,
        decided_at=None,
        bid=None,
        ask=None,
        bid_size=0,
        ask_size=0,
        quote_age=0,
        day_volume=None,
    )
