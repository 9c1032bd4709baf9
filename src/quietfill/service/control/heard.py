"""What the journal says of what came through the port: accepted or refused, and why an amendment was not made."""

from __future__ import annotations

import asyncio
from collections.abc import Generator
from contextlib import contextmanager
from typing import TYPE_CHECKING, TypeAlias

from quietfill.domain.records import AmendRefused, OrderAccepted, OrderRefused

if TYPE_CHECKING:
    from quietfill.domain.records import AnyRecord

Outcome: TypeAlias = OrderAccepted | OrderRefused


class Heard:
    """Hears every durable record, and passes on what somebody waits for."""

    def __init__(self) -> None:
        """Wait for nothing."""
        self._outcomes: dict[str, list[asyncio.Future[Outcome]]] = {}
        self._refusals: dict[str, list[str]] = {}

    def hear(self, record: AnyRecord) -> None:
        """Take one record."""
        if isinstance(record, (OrderAccepted, OrderRefused)):
            for future in self._outcomes.get(record.decision_id, ()):
                if not future.done():
                    future.set_result(record)
        elif isinstance(record, AmendRefused):
            self._refusals.get(record.order_id, []).extend(record.reasons)

    @contextmanager
    def outcome_of(self, decision_id: str) -> Generator[asyncio.Future[Outcome]]:
        """Yield a future of what becomes of a decision."""
        future: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()
        waiting = self._outcomes.setdefault(decision_id, [])
        waiting.append(future)
        try:
            yield future
        finally:
            waiting.remove(future)
            if not waiting:
                del self._outcomes[decision_id]

    @contextmanager
    def refusals_of(self, order_id: str) -> Generator[list[str]]:
        """Yield a list that the reasons go to why an order is not amended; one amendment of it at a time."""
        reasons = self._refusals[order_id] = []
        try:
            yield reasons
        finally:
            del self._refusals[order_id]
