"""Latencies of venues as they come in, from the agent and from callers: kept, judged against a threshold, alerted."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Any

from quietfill.domain.errors import BadInput
from quietfill.domain.fields import choice, named, number, shown
from quietfill.domain.types import MILLISECOND, MINUTE, datetime_of
from quietfill.tca.venue_latency import RECORDED_KINDS, LatencyKind, VenueHealth, VenueLatencies

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from quietfill.domain.types import Duration, Timestamp

DEFAULT_THRESHOLD: Duration = 100 * MILLISECOND

ALERTS_KEPT = 100
"""How many of the newest alerts are told."""

_LONGEST_MS = 86_400_000


class LatencyLog:
    """Keeps samples and alerts; every sample above the threshold is one, said at most once a minute.

    Attributes:
        threshold: in ns.
        latencies: the samples.
        is_silent: samples of the past raise no alert.
    """

    def __init__(self, alert: Callable[[str, str], None]) -> None:
        """Start empty; *alert* takes a venue and a text."""
        self._alert = alert
        self._alerts: deque[dict[str, Any]] = deque(maxlen=ALERTS_KEPT)
        self._alerted_at: dict[tuple[str, LatencyKind], Timestamp] = {}
        self.threshold = DEFAULT_THRESHOLD
        self.latencies = VenueLatencies()
        self.is_silent = False

    def add(self, venue: str, kind: LatencyKind, duration: Duration, at: Timestamp) -> None:
        """Count a sample that ended at *at*.

        Raises:
            BadInput: when it is negative, or of one venue too many.
        """
        self.latencies.add(venue, kind, duration, at)
        if duration > self.threshold and not self.is_silent:
            self._note(venue, kind, duration, at)

    def record(self, venue: str, latency_ms: float, event_type: str, at: Timestamp) -> None:
        """Count what a caller measured.

        Raises:
            BadInput: naming the argument and its value.
        """
        kind = LatencyKind(_recorded_kind(event_type, "event_type"))
        self.add(named(venue, "venue"), kind, _duration(latency_ms, "latency_ms"), at)

    def set_threshold(self, threshold_ms: float) -> None:
        """Alert on samples above this from now on.

        Raises:
            BadInput: when it is not a positive finite number.
        """
        threshold = _duration(threshold_ms, "threshold_ms")
        if threshold == 0:
            raise BadInput(f"threshold_ms must be positive, not {shown(threshold_ms)}")
        self.threshold = threshold

    def alerts_since(self, at: Timestamp, venue: str | None) -> list[dict[str, Any]]:
        """Return copies of the alerts kept since *at*, of one venue or of all, oldest first."""
        since = datetime_of(at)
        kept = (alert for alert in self._alerts if alert["timestamp"] >= since)
        return [dict(alert) for alert in kept if venue is None or alert["venue"] == venue]

    def health(self, silent: Mapping[str, str], now: Timestamp) -> dict[str, VenueHealth]:
        """Judge every venue that was measured or is silent."""
        venues = dict.fromkeys([*self.latencies.venues, *silent])
        return {venue: self.latencies.health(venue, self.threshold, silent.get(venue), now) for venue in venues}

    def _note(self, venue: str, kind: LatencyKind, duration: Duration, at: Timestamp) -> None:
        latency, threshold = duration / MILLISECOND, self.threshold / MILLISECOND
        self._alerts.append(
            {
                "timestamp": datetime_of(at),
                "venue": venue,
                "event_type": kind.value,
                "latency_ms": latency,
                "threshold_ms": threshold,
            }
        )
        if at - self._alerted_at.get((venue, kind), at - MINUTE) >= MINUTE:
            self._alerted_at[venue, kind] = at
            self._alert(venue, f"{kind} latency of {latency:.4g} ms is above the threshold of {threshold:g} ms")


_recorded_kind = choice(*RECORDED_KINDS)


def _duration(value: Any, name: str) -> Duration:
    """Read milliseconds as ns; a day is the most that anybody means."""
    milliseconds = float(number(value, name))
    if not 0 <= milliseconds <= _LONGEST_MS:
        raise BadInput(f"{name} must be at least 0 and at most {_LONGEST_MS}, not {shown(value)}")
    return round(milliseconds * MILLISECOND)
