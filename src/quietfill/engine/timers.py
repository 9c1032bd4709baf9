"""When to look at which parent again. One heap, deterministic: equal times come out in the order they went in."""

from __future__ import annotations

import heapq
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from quietfill.domain.types import Timestamp

_SLACK = 64
"""Replaced timers that may lie in the heap until their time comes, over and above as many as are pending."""


class Timers:
    """At most one pending wake per key; setting it again replaces it."""

    __slots__ = ("_due", "_heap", "_serial")

    def __init__(self) -> None:
        """Start with no timer."""
        self._heap: list[tuple[Timestamp, int, str]] = []
        self._due: dict[str, tuple[Timestamp, int]] = {}
        self._serial = 0

    def set(self, key: str, at: Timestamp | None) -> None:
        """Wake *key* at this time, or not at all."""
        current = self._due.get(key)
        if at is None:
            self._due.pop(key, None)
        elif current is None or current[0] != at:
            self._serial += 1
            self._due[key] = (at, self._serial)
            heapq.heappush(self._heap, (at, self._serial, key))
            if len(self._heap) > 2 * len(self._due) + _SLACK:
                self._heap = [(due_at, serial, due) for due, (due_at, serial) in self._due.items()]
                heapq.heapify(self._heap)

    def next_at(self) -> Timestamp | None:
        """Return the earliest wake, if any."""
        self._drop_stale()
        return self._heap[0][0] if self._heap else None

    def take_due(self, now: Timestamp) -> list[str]:
        """Return the keys whose time has come, earliest first, and forget their timers."""
        due: list[str] = []
        self._drop_stale()
        while self._heap and self._heap[0][0] <= now:
            key = heapq.heappop(self._heap)[2]
            self._due.pop(key, None)
            due.append(key)
            self._drop_stale()
        return due

    def _drop_stale(self) -> None:
        while self._heap and self._due.get(self._heap[0][2]) != self._heap[0][:2]:
            heapq.heappop(self._heap)
