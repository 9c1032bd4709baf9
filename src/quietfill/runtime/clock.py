"""The one place that reads a clock."""

from __future__ import annotations

import time

from quietfill.domain.types import Duration, Timestamp


class SystemClock:
    """The machine's time in ns UTC, which never goes back.

    The wall clock is read once; from there on the monotonic one counts. A wall clock that somebody sets,
    or that the network corrects, therefore moves no deadline; `drift` says by how much the two differ.
    """

    def __init__(self) -> None:
        self._offset = time.time_ns() - time.monotonic_ns()

    def now(self) -> Timestamp:
        """Return the present instant."""
        return self._offset + time.monotonic_ns()

    def drift(self) -> Duration:
        """Return how far the wall clock is ahead of us in ns, negative when behind.

        More than a second of it means that the clock was set or the machine slept.
        """
        return time.time_ns() - self.now()


def wall_seconds() -> float:
    """Return seconds from an arbitrary origin, to measure by differences how long a run takes."""
    return time.perf_counter()
