"""Lines of a service for whoever watches it.

A reader who does not read (a stopped terminal, a full pipe) holds up one thread, and never the agent: nothing may keep
a kill from being heard.
"""

from __future__ import annotations

import sys
from queue import Full, Queue
from threading import Thread
from typing import Final

MOST_WAITING: Final = 10_000
"""Lines that may wait for their reader; those that come while so many do are left out, and counted."""


class LiveLines:
    """Writes lines to standard output, in order, from a thread of its own.

    Attributes:
        left_out: lines that nobody will get.
    """

    def __init__(self) -> None:
        """Begin to write."""
        self.left_out = 0
        self._waiting: Queue[str | None] = Queue(MOST_WAITING)
        self._thread = Thread(target=self._write, name="lines for standard output", daemon=True)
        self._thread.start()

    def say(self, line: str) -> None:
        """Write a line as soon as those before it are written."""
        try:
            self._waiting.put_nowait(line)
        except Full:
            self.left_out += 1

    def end(self, seconds: float) -> bool:
        """Write what waits; say whether it was written within that time."""
        try:
            self._waiting.put(None, timeout=seconds)
        except Full:
            return False
        self._thread.join(seconds)
        return not self._thread.is_alive()

    def _write(self) -> None:
        is_heard = True
        while (line := self._waiting.get()) is not None:
            if is_heard:
                is_heard = self._written(line)

    def _written(self, line: str) -> bool:
        """Write one line, and the others that wait with it; False when the reader went away."""
        try:
            sys.stdout.write(line + "\n")
            if self._waiting.empty():
                sys.stdout.flush()
        except (OSError, ValueError):
            return False
        return True
