"""How quickly each venue answers, as the agent and its callers measured it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from quietfill.agent.face import AgentFace
from quietfill.agent.venue_silence import silences
from quietfill.domain.errors import BadInput
from quietfill.domain.fields import shown, whole
from quietfill.domain.types import MINUTE, SECOND
from quietfill.tca.latency import MINUTES_KEPT

if TYPE_CHECKING:
    from quietfill.agent.hearers import Hearers


class LatencyMethods(AgentFace):
    """Record, report and judge venue latencies."""

    _hearers: Hearers

    def record_venue_latency(self, venue: str, latency_ms: float, event_type: str = "order") -> None:
        """Count a latency that the caller measured; the agent counts its own besides.

        Args:
            venue: any name; at most 1,000 of them.
            latency_ms: 0 to a day.
            event_type: order, fill, cancel or quote.

        Raises:
            ValueError: naming the argument that is wrong.
        """
        self._hearers.latency_log.record(venue, latency_ms, event_type, self.runtime.clock.now())

    def get_venue_latency_stats(self, venue: str | None = None, lookback_minutes: int = 60) -> dict[str, Any]:
        """Return latencies in ms by venue and event type, percentiles by nearest rank, and the alerts of that time.

        Args:
            venue: one of them; None for all.
            lookback_minutes: 1 to 1,440; the minute under way counts besides.

        Raises:
            ValueError: for another lookback.
        """
        minutes, now = _lookback(lookback_minutes), self.runtime.clock.now()
        latencies = self._hearers.latency_log.latencies
        venues = [each for each in latencies.venues if venue is None or each == venue]
        alerts = self._hearers.latency_log.alerts_since(now - minutes * MINUTE, venue)
        figures = {each: found for each in venues if (found := latencies.figures(each, minutes, now))}
        return {"lookback_minutes": minutes, "venues": figures, "recent_alerts": alerts}

    def set_latency_threshold(self, threshold_ms: float) -> None:
        """Alert on every latency above this from now on; 100 ms unless set.

        Raises:
            ValueError: when it is not positive and finite.
        """
        self._hearers.latency_log.set_threshold(threshold_ms)

    def check_venue_health(self) -> dict[str, dict[str, Any]]:
        """Return status, reason, mean_latency_ms, p95_latency_ms and sample_count of every venue over the last hour.

        Status: healthy; warning (a mean above the threshold); degraded (a 95th percentile above twice the threshold,
        or a share of rejects, or silence); unknown (no sample). Each event type is judged by itself and the worst
        counts; the figures are of all types together.
        """
        settings, now = self.config.settings, self.runtime.clock.now()
        silent = silences(
            self._hearers.latency_watch,
            self._state,
            answer_within=round(settings.request_timeout_seconds * SECOND),
            quiet_after=round(settings.max_quote_age_seconds * SECOND),
            now=now,
        )
        return {
            venue: msgspec.to_builtins(verdict)
            for venue, verdict in self._hearers.latency_log.health(silent, now).items()
        }


def _lookback(value: Any) -> int:
    minutes = whole(value, "lookback_minutes")
    if not 1 <= minutes <= MINUTES_KEPT:
        raise BadInput(f"lookback_minutes must be 1 to {MINUTES_KEPT}, not {shown(value)}")
    return minutes
