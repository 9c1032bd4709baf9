"""The system's time with alarms on the running event loop."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from quietfill.domain.types import SECOND
from quietfill.runtime.clock import SystemClock

if TYPE_CHECKING:
    from collections.abc import Callable

    from quietfill.domain.types import Timestamp


class LoopClock(SystemClock):
    """A `TimedClock` for live use."""

    def call_at(self, when: Timestamp, callback: Callable[[], None]) -> asyncio.TimerHandle:
        """Call *callback* on the loop at *when*, or in its next turn if that is past."""
        return asyncio.get_running_loop().call_later(max(0, when - self.now()) / SECOND, callback)
