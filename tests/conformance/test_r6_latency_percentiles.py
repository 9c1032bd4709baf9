"""Conformance R6: which percentile of latencies is meant, on the published sample."""

import pytest

from quietfill.domain.types import MILLISECOND
from quietfill.tca.latency import RELATIVE_ERROR, Histogram

SAMPLE_MS = (3.1, 2.0, 45, 2.2, 2.7, 2.4, 9.9, 2.1, 2.3, 130)


def test_r6_percentiles_are_by_nearest_rank():
    """p50, p95, p99 are 2.4, 130, 130 (nearest rank) and not 2.55, 91.75, 122.35 (linear); the mean is exact."""
    histogram = Histogram()
    for latency in SAMPLE_MS:
        histogram.add(round(latency * MILLISECOND))
    figures = histogram.figures()

    assert figures["mean_ms"] == 20.17
    assert figures["p50_ms"] == pytest.approx(2.4, rel=RELATIVE_ERROR)
    assert (figures["p95_ms"], figures["p99_ms"]) == (130, 130)
    assert (figures["count"], figures["min_ms"], figures["max_ms"]) == (10, 2.0, 130)
