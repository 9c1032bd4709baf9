"""Venue health, case by case: what was measured, and the verdict."""

import pytest

from quietfill.domain.errors import BadInput
from quietfill.domain.types import MILLISECOND, MINUTE
from quietfill.tca.venue_latency import MAX_VENUES, LatencyKind, VenueLatencies

NOW = 10_000 * MINUTE
THRESHOLD = 100 * MILLISECOND

# latencies in ms by kind, silence, and the status with a word of its reason
CASES = {
    "quick": ({"order": [10, 20, 30]}, None, "healthy", "within"),
    "nothing measured": ({}, None, "unknown", "no sample"),
    "a mean at the threshold is no warning": ({"order": [100, 100]}, None, "healthy", "within"),
    "a mean above it is": ({"order": [90, 120]}, None, "warning", "mean of order"),
    "a tail above twice it is worse": ({"order": [1] * 18 + [300] * 2}, None, "degraded", "p95 of order"),
    "one slow sample among many is neither": ({"order": [1] * 99 + [300]}, None, "healthy", "within"),
    "one slow kind is not hidden by a quick one": ({"quote": [1] * 1000, "cancel": [150]}, None, "warning", "cancel"),
    "two rejects may be an accident": ({"order": [5], "reject": [5, 5]}, None, "healthy", "within"),
    "a share of rejects is not": ({"order": [5] * 9, "reject": [5] * 3}, None, "degraded", "3 of 12"),
    "few rejects among many answers are": ({"order": [5] * 12, "reject": [5] * 3}, None, "healthy", "within"),
    "our own disk is not the venue": ({"wire": [900]}, None, "unknown", "no sample"),
    "silence counts most": ({"order": [1]}, "no answer since 7 s", "degraded", "no answer"),
    "silence without samples": ({}, "no line", "degraded", "no line"),
}


@pytest.mark.parametrize("name", CASES)
def test_health(name):
    """Each case gives its verdict."""
    samples, silence, status, word = CASES[name]
    latencies = VenueLatencies()
    for kind, durations in samples.items():
        for duration in durations:
            latencies.add("X", LatencyKind(kind), duration * MILLISECOND, NOW)
    verdict = latencies.health("X", THRESHOLD, silence, NOW)

    assert verdict.status == status
    assert word in verdict.reason
    assert verdict.sample_count == sum(len(found) for kind, found in samples.items() if kind != "wire")


def test_health_looks_back_an_hour_and_no_further():
    """What was slow two hours ago is forgiven."""
    latencies = VenueLatencies()
    latencies.add("X", LatencyKind.ORDER, 900 * MILLISECOND, NOW - 120 * MINUTE)

    assert latencies.health("X", THRESHOLD, None, NOW).status == "unknown"
    assert latencies.figures("X", 180, NOW)["order"]["count"] == 1


def test_figures_of_all_kinds_are_pooled_in_the_verdict():
    """The mean is that of every sample, exactly."""
    latencies = VenueLatencies()
    for kind, duration in ((LatencyKind.ORDER, 10), (LatencyKind.FILL, 20), (LatencyKind.CANCEL, 60)):
        latencies.add("X", kind, duration * MILLISECOND, NOW)
    verdict = latencies.health("X", THRESHOLD, None, NOW)

    assert (verdict.mean_latency_ms, verdict.p95_latency_ms, verdict.sample_count) == (30.0, 60.0, 3)


def test_no_more_venues_than_anybody_has():
    """One venue too many is refused by name, the others go on."""
    latencies = VenueLatencies()
    for number in range(MAX_VENUES):
        latencies.add(f"V{number}", LatencyKind.ORDER, 1, NOW)
    with pytest.raises(BadInput, match="'one more'"):
        latencies.add("one more", LatencyKind.ORDER, 1, NOW)
    latencies.add("V0", LatencyKind.ORDER, 1, NOW)

    assert len(latencies.venues) == MAX_VENUES
    assert latencies.figures("V0", 1, NOW)["order"]["count"] == 2
