"""The ledger of this agent's orders: the live ones, and as many ended ones as the engine keeps."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

from quietfill.domain.records import AnyRecord, OrderDone
from quietfill.engine.state import FINISHED_KEPT
from quietfill.tca.ledger import Ledger

if TYPE_CHECKING:
    from quietfill.tca.ledger import OrderLedger


class OrderHistory:
    """Folds durable records; older orders are read from the journal."""

    def __init__(self) -> None:
        """Start empty."""
        self._ledger = Ledger()
        self._ended: deque[str] = deque()

    def hear(self, record: AnyRecord) -> None:
        """Book one record."""
        self._ledger.apply(record)
        for kept in (self._ledger.refusals, self._ledger.notices):
            if len(kept) > FINISHED_KEPT:
                del kept[: FINISHED_KEPT // 2]
        if isinstance(record, OrderDone):
            self._ended.append(record.order_id)
            if len(self._ended) > FINISHED_KEPT:
                self._ledger.forget(self._ended.popleft())

    def order(self, order_id: str) -> OrderLedger | None:
        """Return what is known of one order, None for an unknown or forgotten id."""
        return self._ledger.orders.get(order_id)

    def refusal_of(self, decision_id: str) -> tuple[str, ...]:
        """Return why the last order with this decision id was refused; nothing when none was."""
        found = (record.reasons for record in reversed(self._ledger.refusals) if record.decision_id == decision_id)
        return next(found, ())
