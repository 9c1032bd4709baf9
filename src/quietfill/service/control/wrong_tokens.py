"""How many wrong tokens came from where. A flood of them is told of; the right one always passes."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable

WINDOW_SECONDS: Final = 60.0
_MOST_ADDRESSES: Final = 1_000


class WrongTokens:
    """Counts by address over the last minute.

    A token has 256 bits, so guessing is hopeless at any pace: what the limit does is to make somebody hear of it.

    Args:
        limit: wrong tokens in a minute that are taken for a mistake.
        now: seconds from any origin.
        alarm: called with the address when the limit is passed, once a minute.
    """

    def __init__(self, limit: int, now: Callable[[], float], alarm: Callable[[str], None]) -> None:
        self.total = 0
        self._limit = limit
        self._now = now
        self._alarm = alarm
        self._heard: dict[str, deque[float]] = {}
        self._told: dict[str, float] = {}

    def is_flood(self, address: str) -> bool:
        """Count one; say whether there were too many from there."""
        self.total += 1
        now = self._now()
        heard = self._heard.pop(address, None) or deque(maxlen=self._limit + 1)
        heard.append(now)
        self._heard[address] = heard  # the address heard of last is at the end
        while len(self._heard) > _MOST_ADDRESSES:
            oldest = next(iter(self._heard))
            del self._heard[oldest]
            self._told.pop(oldest, None)
        is_flood = len(heard) > self._limit and now - heard[0] < WINDOW_SECONDS
        if is_flood and now - self._told.get(address, -WINDOW_SECONDS) >= WINDOW_SECONDS:
            self._told[address] = now
            self._alarm(address)
        return is_flood
