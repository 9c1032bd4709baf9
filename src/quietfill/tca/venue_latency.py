"""How quickly each venue answers, and what that says of its health."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

import msgspec

from quietfill.domain.errors import BadInput
from quietfill.domain.types import MILLISECOND
from quietfill.tca.latency import Histogram, LatencyFigures, MinuteRing, in_ms

if TYPE_CHECKING:
    from collections.abc import Mapping

    from quietfill.domain.types import Duration, Timestamp

MAX_VENUES = 1_000
"""Venues that may be measured at the same time."""

LOOKBACK_MINUTES = 60
"""How far back health is judged."""

REJECTS_SHARE = 0.2
"""A larger share of rejects among the answers to orders is a fault of the venue's..."""

REJECTS_LEAST = 3
"""...and so many of them are no accident."""


class LatencyKind(StrEnum):
    """What was measured. All but `wire` are the venue's doing."""

    ORDER = "order"
    """From the request for an order to its acknowledgement."""
    FILL = "fill"
    """From the request for an order that was meant to trade at once to its first fill."""
    CANCEL = "cancel"
    """From the request for a cancel to the broker's last word."""
    QUOTE = "quote"
    """Of market data; measured by callers only."""
    REPLACE = "replace"
    """From the request for new terms to their confirmation."""
    REJECT = "reject"
    """From the request for an order to its reject."""
    WIRE = "wire"
    """From the request to the moment it was handed to the broker's edge: the commit, and nobody else's doing."""


RECORDED_KINDS = (LatencyKind.ORDER, LatencyKind.FILL, LatencyKind.CANCEL, LatencyKind.QUOTE)
"""What callers may record."""


class Status(StrEnum):
    """How a venue does, from unknown to worst."""

    UNKNOWN = "unknown"
    HEALTHY = "healthy"
    WARNING = "warning"
    DEGRADED = "degraded"


class VenueHealth(msgspec.Struct, frozen=True, kw_only=True):
    """A verdict and what it stands on; the figures are of all kinds together, None without a sample."""

    status: Status
    reason: str
    mean_latency_ms: float | None
    p95_latency_ms: float | None
    sample_count: int


class VenueLatencies:
    """The samples of all venues, by kind."""

    def __init__(self) -> None:
        """Start without any."""
        self._rings: dict[str, dict[LatencyKind, MinuteRing]] = {}

    @property
    def venues(self) -> list[str]:
        """The venues that were measured, in order of their first sample."""
        return list(self._rings)

    def add(self, venue: str, kind: LatencyKind, duration: Duration, at: Timestamp) -> None:
        """Count one sample, in ns, that ended at *at*.

        Raises:
            BadInput: when it is negative, or of one venue too many.
        """
        if duration < 0:
            raise BadInput(f"duration must not be negative, not {duration}")
        rings = self._rings.get(venue)
        if rings is None:
            if len(self._rings) >= MAX_VENUES:
                raise BadInput(f"venue {venue!r} is one too many: {MAX_VENUES} are measured already")
            rings = self._rings[venue] = {}
        ring = rings.get(kind)
        if ring is None:
            ring = rings[kind] = MinuteRing()
        ring.add(duration, at)

    def figures(self, venue: str, minutes: int, now: Timestamp) -> dict[str, LatencyFigures]:
        """Return count, mean, extremes and percentiles by kind, of the kinds that have a sample in the last minutes."""
        found = self._histograms(venue, minutes, now)
        return {kind.value: histogram.figures() for kind, histogram in found.items()}

    def health(self, venue: str, threshold: Duration, silence: str | None, now: Timestamp) -> VenueHealth:
        """Judge a venue by its last `LOOKBACK_MINUTES`; each kind by itself, and the worst counts.

        Args:
            venue: which one.
            threshold: in ns; a mean above it is a warning, a 95th percentile above twice that is worse.
            silence: what it owes us an answer to, None when nothing.
            now: the end of the lookback.
        """
        found = self._histograms(venue, LOOKBACK_MINUTES, now)
        found.pop(LatencyKind.WIRE, None)
        status, reason = _verdict(found, threshold, silence)
        pooled = Histogram.merged(found.values())
        return VenueHealth(
            status=status,
            reason=reason,
            mean_latency_ms=in_ms(pooled.mean),
            p95_latency_ms=in_ms(pooled.percentile(95)),
            sample_count=pooled.count,
        )

    def _histograms(self, venue: str, minutes: int, now: Timestamp) -> dict[LatencyKind, Histogram]:
        merged = {kind: ring.last(minutes, now) for kind, ring in self._rings.get(venue, {}).items()}
        return {kind: histogram for kind, histogram in merged.items() if histogram.count}


def _verdict(found: Mapping[LatencyKind, Histogram], threshold: Duration, silence: str | None) -> tuple[Status, str]:
    if silence is not None:
        return Status.DEGRADED, silence
    rejected = _rejects(found)
    if rejected is not None:
        return Status.DEGRADED, rejected
    limit = threshold / MILLISECOND
    for kind, histogram in found.items():
        slow = in_ms(histogram.percentile(95)) or 0.0
        if slow > 2 * limit:
            return Status.DEGRADED, f"p95 of {kind} is {slow:.4g} ms, above twice the threshold of {limit:g} ms"
    for kind, histogram in found.items():
        mean = in_ms(histogram.mean) or 0.0
        if mean > limit:
            return Status.WARNING, f"mean of {kind} is {mean:.4g} ms, above the threshold of {limit:g} ms"
    if not found:
        return Status.UNKNOWN, f"no sample in {LOOKBACK_MINUTES} minutes"
    return Status.HEALTHY, "within the threshold"


def _rejects(found: Mapping[LatencyKind, Histogram]) -> str | None:
    rejects, accepts = (found[kind].count if kind in found else 0 for kind in (LatencyKind.REJECT, LatencyKind.ORDER))
    answers = rejects + accepts
    if rejects < REJECTS_LEAST or rejects <= REJECTS_SHARE * answers:
        return None
    return f"{rejects} of {answers} answers to orders were rejects"
