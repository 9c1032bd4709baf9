"""When messages arrive: two-way random delays that depend on nothing but seed, order and message.

The agent's clock is the feed's clock (ADR 0010): at agent time T it has seen the recorded events up to T.
Market data needs `feed_delay` to reach it, so a request sent at T leaves `feed_delay` after the venue
was at T, and meets the core at T + feed_delay + delay. A report of something at venue time v reaches the
agent `delay` later, which its clock calls v + delay - feed_delay; never before v, since the feed has not
shown v by then.

Each delay is drawn from a hash of (seed, child, message, number) and never from a running generator, so a venue
rebuilt from the journal draws the same. Messages of one child overtake each other in neither direction.
"""

from __future__ import annotations

import hashlib
import math
from dataclasses import dataclass
from statistics import NormalDist
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from quietfill.domain.types import Duration, Timestamp
    from quietfill.venue.options import VenueOptions

_NORMAL = NormalDist()
_BITS = 53


def delay(options: VenueOptions, seed: int, child_id: str, message: str, number: int) -> Duration:
    """Return the one-way delay of one message in ns: log-normal around the median."""
    if options.latency_median_ns == 0 or options.latency_sigma == 0:
        return options.latency_median_ns
    key = f"{seed}\x1f{child_id}\x1f{message}\x1f{number}".encode()
    drawn = int.from_bytes(hashlib.blake2b(key, digest_size=8).digest(), "big") >> (64 - _BITS)
    score = _NORMAL.inv_cdf((drawn + 0.5) / 2**_BITS)
    return round(options.latency_median_ns * math.exp(options.latency_sigma * score))


@dataclass(slots=True)
class _Ends:
    arrived: Timestamp
    delivered: Timestamp
    reports: int = 0


class Wire:
    """The line between us and the venue, in both directions."""

    def __init__(self, options: VenueOptions, seed: int) -> None:
        self._options = options
        self._seed = seed
        self._children: dict[str, _Ends] = {}

    def arrival(self, child_id: str, message: str, number: int, sent: Timestamp) -> Timestamp:
        """Return the venue time at which a request sent at agent time *sent* meets the core."""
        ends = self._ends(child_id)
        took = self._options.feed_delay + delay(self._options, self._seed, child_id, message, number)
        ends.arrived = max(ends.arrived, sent + took)
        return ends.arrived

    def delivery(self, child_id: str, happened: Timestamp) -> Timestamp:
        """Return the agent time at which the next report on a child arrives."""
        ends = self._ends(child_id)
        ends.reports += 1
        took = delay(self._options, self._seed, child_id, "report", ends.reports)
        ends.delivered = max(ends.delivered, happened + max(0, took - self._options.feed_delay))
        return ends.delivered

    def _ends(self, child_id: str) -> _Ends:
        ends = self._children.get(child_id)
        if ends is None:
            ends = self._children[child_id] = _Ends(_LONG_AGO, _LONG_AGO)
        return ends


_LONG_AGO = -(2**62)
