"""The port to a market: what the runtime needs of a broker edge.

Users may bring a simpler broker (`is_connected`, `place_order`, `cancel_order`, `on_fill`); the runtime
wraps it. Our own edges speak in records and execution reports, so nothing is lost between.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable

    from quietfill.domain.execution_report import ExecutionReport
    from quietfill.domain.messages import BookUpdate, BrokerSnapshot, LinkState
    from quietfill.domain.records import WireRequest


class BrokerEdge(Protocol):
    """One session with a market.

    Callbacks are called on the event loop's thread, and never from inside `submit`: a broker that answers at once is
    heard in the next turn of the loop.
    """

    @property
    def is_connected(self) -> bool:
        """Whether requests would reach the broker now."""
        ...

    async def connect(self) -> None:
        """Open the session.

        Raises:
            BrokerError: when it cannot be opened.
        """
        ...

    async def disconnect(self) -> None:
        """Close the session; orders at the broker stay as they are."""
        ...

    def submit(self, request: WireRequest) -> None:
        """Put one request on the wire. Never waits; what came of it is reported."""
        ...

    async def snapshot(self) -> BrokerSnapshot:
        """Ask the broker for everything it knows of our orders and executions."""
        ...

    def on_report(self, callback: Callable[[ExecutionReport], None]) -> None:
        """Set who hears execution reports."""
        ...

    def on_book(self, callback: Callable[[BookUpdate], None]) -> None:
        """Set who hears market data."""
        ...

    def on_link(self, callback: Callable[[LinkState], None]) -> None:
        """Set who hears that the line went down or came back."""
        ...
