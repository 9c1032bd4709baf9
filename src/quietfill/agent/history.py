"""The ledger of this agent's orders: the live ones, and as many ended ones as the engine keeps."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

from quietfill.agent.order_states import Move, OrderStates
from quietfill.domain.records import AnyRecord, OrderDone, OrdersImported
from quietfill.engine.state import FINISHED_KEPT
from quietfill.tca.ledger import Ledger

if TYPE_CHECKING:
    from quietfill.engine.child import ChildState
    from quietfill.tca.ledger import OrderLedger


class OrderHistory:
    """Folds durable records; older orders are read from the journal.

    Attributes:
        moves: the orders that the last record moved from one state to another.
        forgotten: how many ended orders are not kept any more.
        is_imported: whether the last record is an older one, which an import brought from another journal.
    """

    def __init__(self) -> None:
        """Start empty."""
        self._ledger = Ledger()
        self._states = OrderStates(self._ledger)
        self._ended: deque[str] = deque()
        self._imports_left = 0
        self.forgotten = 0
        self.moves: tuple[Move, ...] = ()
        self.is_imported = False

    def hear(self, record: AnyRecord) -> None:
        """Book one record."""
        self.is_imported = self._imports_left > 0
        self._imports_left = record.records if isinstance(record, OrdersImported) else max(0, self._imports_left - 1)
        self.moves = ()
        self.moves = self._states.apply(record)
        for kept in (self._ledger.refusals, self._ledger.notices):
            if len(kept) > FINISHED_KEPT:
                del kept[: FINISHED_KEPT // 2]
        if isinstance(record, OrderDone):
            self._ended.append(record.order_id)
            if len(self._ended) > FINISHED_KEPT:
                self._states.forget(self._ended.popleft())
                self.forgotten += 1

    def order(self, order_id: str) -> OrderLedger | None:
        """Return what is known of one order, None for an unknown or forgotten id."""
        return self._ledger.orders.get(order_id)

    def child(self, child_id: str) -> ChildState | None:
        """Return one child order after the last record, None for an unknown or forgotten id."""
        return self._states.child(child_id)

    def orders(self) -> list[OrderLedger]:
        """Return every order that is kept, oldest first."""
        return list(self._ledger.orders.values())

    def refusal_of(self, decision_id: str) -> tuple[str, ...]:
        """Return why the last order with this decision id was refused; nothing when none was."""
        found = (record.reasons for record in reversed(self._ledger.refusals) if record.decision_id == decision_id)
        return next(found, ())
