"""Latency histograms: exact where they say so, near everywhere else, and the same in whatever pieces they are kept."""

from math import ceil

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quietfill.domain.errors import BadInput
from quietfill.domain.types import MINUTE
from quietfill.tca.latency import MINUTES_KEPT, RELATIVE_ERROR, Histogram, MinuteRing

DURATIONS = st.lists(st.integers(0, 86_400 * 10**9), min_size=1, max_size=200)


def histogram_of(durations):
    """Return a histogram of durations in ns."""
    histogram = Histogram()
    for duration in durations:
        histogram.add(duration)
    return histogram


@given(DURATIONS, st.sampled_from([1, 50, 90, 95, 99, 99.9, 100]))
def test_percentiles_are_within_the_stated_error_of_a_nearest_rank_sample(durations, percent):
    """Every percentile lies within the relative error of the sample of rank ceil(p n / 100)."""
    told = histogram_of(durations).percentile(percent)
    meant = sorted(durations)[ceil(percent * len(durations) / 100) - 1]

    assert told is not None
    assert abs(told - meant) <= RELATIVE_ERROR * meant * (1 + 1e-9)


@given(DURATIONS)
def test_count_mean_and_extremes_are_exact(durations):
    """What needs no bucket is not rounded."""
    histogram = histogram_of(durations)

    assert (histogram.count, histogram.total) == (len(durations), sum(durations))
    assert (histogram.least, histogram.most) == (min(durations), max(durations))
    assert histogram.mean == sum(durations) / len(durations)


@given(DURATIONS, st.data())
def test_merging_loses_nothing(durations, data):
    """Two parts merged give every figure of the whole."""
    cut = data.draw(st.integers(0, len(durations)))
    merged = Histogram.merged([histogram_of(durations[:cut]), histogram_of(durations[cut:])])

    assert merged.figures() == histogram_of(durations).figures()


@given(st.lists(st.tuples(st.integers(0, 3 * MINUTES_KEPT), st.integers(0, 10**9)), max_size=60), st.integers(1, 1440))
def test_a_lookback_counts_the_minutes_asked_for(samples, lookback):
    """The ring gives the samples of the minute under way and of so many before it, unless they are over a day old."""
    ring, newest, expected = MinuteRing(), -1, []
    for minute, duration in samples:
        ring.add(duration, minute * MINUTE)
        newest = max(newest, minute)
        if minute > newest - MINUTES_KEPT:
            expected.append((minute, duration))
    now = max(newest, 0)
    kept = [duration for minute, duration in expected if minute >= now - lookback and minute > now - MINUTES_KEPT]

    assert ring.last(lookback, now * MINUTE).figures() == histogram_of(kept).figures()
    assert ring.minutes <= MINUTES_KEPT


def test_a_ring_holds_a_day_and_no_more():
    """Three days of a sample a minute leave one day of them."""
    ring = MinuteRing()
    for minute in range(3 * MINUTES_KEPT):
        ring.add(1_000, minute * MINUTE)

    assert ring.minutes == MINUTES_KEPT
    assert ring.last(MINUTES_KEPT, 3 * MINUTES_KEPT * MINUTE).count == MINUTES_KEPT


def test_an_empty_histogram_knows_nothing():
    """Without samples there is no mean and no percentile, not a zero."""
    figures = Histogram().figures()

    assert figures.pop("count") == 0
    assert set(figures.values()) == {None}


@pytest.mark.parametrize("percent", [0, -1, 100.5, float("nan")])
def test_a_percentile_is_above_0_and_at_most_100(percent):
    """Another is refused by name."""
    with pytest.raises(BadInput, match="percent"):
        Histogram().percentile(percent)


def test_a_negative_duration_is_refused_and_nothing_changes():
    """Neither the histogram nor the ring takes it."""
    histogram, ring = histogram_of([5]), MinuteRing()
    before = histogram.figures()
    with pytest.raises(BadInput, match="negative"):
        histogram.add(-1)
    with pytest.raises(BadInput, match="negative"):
        ring.add(-1, 0)

    assert (histogram.figures(), ring.minutes) == (before, 0)
