"""The port to the audit log."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping
    from decimal import Decimal


class Audit(Protocol):
    """Keeps what was said and done, tamper-evident."""

    def log_event(self, event: Any) -> None:
        """Keep one event."""
        ...

    def log_trade(
        self,
        agent_name: str,
        order_id: str,
        symbol: str,
        side: str,
        quantity: int | Decimal,
        price: Decimal,
        commission: Decimal | None,
        decision_id: str | None,
    ) -> None:
        """Keep one execution; the commission is None while it is not known."""
        ...

    def log_agent_event(self, agent_name: str, event_type: str, details: Mapping[str, Any]) -> None:
        """Keep something that an agent did."""
        ...
