"""How much of a market's recent volume was ours, and at which rate to go on.

The share is own / (own + others) over a sliding window. The market's volume comes as the day's cumulative figure,
our own prints in it; they are taken out by what we know to have traded.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

from quietfill.domain.types import SECOND

if TYPE_CHECKING:
    from quietfill.domain.types import Duration, Quantity, Timestamp


def adjusted_rate(
    target: float, current: float | None, *, floor: float = 0.0, cap: float = 1.0, factor: float = 0.5
) -> float:
    """Return the rate to go on at: above the target when we are behind it, below when ahead.

    rate = target + factor (target - current), held between *floor* and *cap*; the target where *current* is not known.

    Args:
        target: share of all volume to be, 0 to 1.
        current: share that we were of late, None when not known.
        floor: the least rate.
        cap: the largest rate.
        factor: how much of the distance is made up for, 0 to 1.
    """
    wanted = target if current is None else target + factor * (target - current)
    return min(max(wanted, floor), cap)


class VolumeWindow:
    """Market volume and ours over the last so many ns, at O(1) a call on average.

    What falls into the same second is kept together, so the memory is bounded by the window's length in seconds.
    """

    __slots__ = ("_day_volume", "_length", "_seconds", "fills", "market", "observations", "ours")

    def __init__(self, length: Duration) -> None:
        """Start with nothing seen; *length* in ns."""
        self._length = length
        self._seconds: deque[_Second] = deque()
        self._day_volume: Quantity | None = None
        self.market: Quantity = 0
        """Volume of the window, ours included, as far as it was seen to grow."""
        self.ours: Quantity = 0
        """What we traded in the window."""
        self.observations = 0
        """How often the window's market volume was told anew."""
        self.fills = 0
        """How many fills of ours fall into the window."""

    def see_volume(self, day_volume: Quantity, at: Timestamp) -> None:
        """Take the day's cumulative volume. A fall means a new session: the window starts again from there."""
        before, self._day_volume = self._day_volume, day_volume
        if before == day_volume:
            self.expire(at)
            return
        if before is None or day_volume < before:
            self._clear()
            before = day_volume
        second = self._at(at)
        second.market += day_volume - before
        second.observations += 1
        self.market += day_volume - before
        self.observations += 1

    def see_fill(self, quantity: Quantity, at: Timestamp) -> None:
        """Take one execution of ours."""
        second = self._at(at)
        second.ours += quantity
        second.fills += 1
        self.ours += quantity
        self.fills += 1

    def share(self, now: Timestamp) -> float | None:
        """Return our share of the window's volume, 0 to 1; None while no volume was seen in it."""
        self.expire(now)
        if self.market <= 0:
            return None
        return min(1.0, self.ours / self.market)  # a report may come before the feed shows the print

    def expire(self, now: Timestamp) -> None:
        """Forget what is older than the window."""
        while self._seconds and self._seconds[0].at <= now - self._length:
            old = self._seconds.popleft()
            self.market -= old.market
            self.ours -= old.ours
            self.observations -= old.observations
            self.fills -= old.fills

    def _at(self, at: Timestamp) -> _Second:
        self.expire(at)
        if not self._seconds or self._seconds[-1].at // SECOND < at // SECOND:
            self._seconds.append(_Second(at))
        return self._seconds[-1]

    def _clear(self) -> None:
        self._seconds.clear()
        self.market = self.ours = self.observations = self.fills = 0


class _Second:
    """What came within one second."""

    __slots__ = ("at", "fills", "market", "observations", "ours")

    def __init__(self, at: Timestamp) -> None:
        self.at = at
        self.market: Quantity = 0
        self.ours: Quantity = 0
        self.observations = 0
        self.fills = 0
