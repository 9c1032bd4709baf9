"""The time of an edge that works without an agent: the house's stamp once, the event loop's own count from there on."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from quietfill.domain.stamps import utc_now
from quietfill.domain.types import SECOND, timestamp_from

if TYPE_CHECKING:
    from collections.abc import Callable

    from quietfill.domain.types import Duration, Timestamp


class HouseClock:
    """A `TimedClock`; to be used inside a running loop.

    Args:
        ahead: how far it is ahead of the house, in ns: a gateway that plays recorded data lives in another year.
    """

    def __init__(self, ahead: Duration = 0) -> None:
        """Start to count when it is first asked."""
        self._ahead = ahead
        self._offset: int | None = None

    def now(self) -> Timestamp:
        """Return the present instant."""
        count = round(asyncio.get_running_loop().time() * SECOND)
        if self._offset is None:
            self._offset = timestamp_from(utc_now()) + self._ahead - count
        return self._offset + count

    def call_at(self, when: Timestamp, callback: Callable[[], None]) -> asyncio.TimerHandle:
        """Call *callback* on the loop at *when*, or in its next turn if that is past."""
        return asyncio.get_running_loop().call_later(max(0, when - self.now()) / SECOND, callback)
