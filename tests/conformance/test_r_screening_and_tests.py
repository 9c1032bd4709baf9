"""Screening, tests of two samples, sample sizes and percentiles: the cases recomputed from their definitions."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quietfill.domain.errors import BadInput
from quietfill.tca.comparison import kolmogorov_smirnov, paired_t, rank_sum, sign_test, signed_rank, welch_t
from quietfill.tca.percentiles import percentile
from quietfill.tca.sample_size import detectable_difference, orders_per_arm
from quietfill.tca.screening import screen

A = [12.1, -3.4, 8.8, 25.0, -14.2, 6.3, 3.3, 18.9]
B = [4.0, -7.5, 2.2, 9.1, -20.3, 1.2, 5.0, 6.4]
LATENCIES = [3.1, 2.0, 45, 2.2, 2.7, 2.4, 9.9, 2.1, 2.3, 130]
TESTS = [paired_t, welch_t, signed_rank, rank_sum, kolmogorov_smirnov, sign_test]

costs = st.lists(st.floats(-1e6, 1e6), min_size=2, max_size=30)


def test_r1_the_modified_z_sees_outliers_that_hide_each_other():
    """Median 4.2, MAD 1.2; the last two score 31.9263 and 30.2401 where a mean and sd at 2 miss both (Iglewicz)."""
    screened = screen([3.1, 4.0, 2.2, 5.5, 4.4, 3.7, 61, 58])

    assert (screened.median, screened.mad) == pytest.approx((4.2, 1.2))
    assert screened.modified_z[-2:] == pytest.approx((31.9263, 30.2401), abs=5e-5)
    assert screened.classical_z[-2:] == pytest.approx((1.6764, 1.5602), abs=5e-5)
    assert screened.flagged == (6, 7)


@pytest.mark.parametrize(
    ("test", "statistic", "p_value"),
    [
        (paired_t, 3.757039, 0.0071024), (welch_t, 1.284116, 0.2212258), (rank_sum, 44, 0.2344988),
    ],
)  # fmt: skip
def test_r3_two_algorithms_on_the_same_eight_orders(test, statistic, p_value):
    """Paired t, Welch and Mann-Whitney: paired, the difference shows; unpaired, it does not."""
    found = test(A, B)

    assert found.statistic == pytest.approx(statistic, abs=5e-7)
    assert found.p_value == pytest.approx(p_value, abs=5e-8)


def test_r3_ranks_of_the_differences_and_whole_distributions():
    """The signed-rank p is 0.015625 of all 256 sign patterns, and the Kolmogorov-Smirnov distance 0.375."""
    assert signed_rank(A, B).p_value == 0.015625
    assert kolmogorov_smirnov(A, B).statistic == 0.375


def test_r5_orders_to_see_a_basis_point():
    """At a deviation of 25 bp, 5 % two-sided and 80 % power, 1 bp takes 9,812 orders an arm."""
    assert orders_per_arm(1, 25) == 9812
    assert detectable_difference(9812, 25) == pytest.approx(1, abs=1e-4)


@pytest.mark.parametrize(("method", "expected"), [("linear", (2.55, 91.75, 122.35)), ("nearest_rank", (2.4, 130, 130))])
def test_r6_percentiles_say_how_they_are_read(method, expected):
    """The median and the tail of ten latencies differ by method: interpolated, or a latency that was seen."""
    assert [percentile(LATENCIES, p, method) for p in (50, 95, 99)] == pytest.approx(expected)


@pytest.mark.parametrize("test", TESTS)
@given(first=costs, second=costs)
def test_every_test_mirrors_and_stays_a_probability(test, first, second):
    """Swapped samples give the opposite estimate and the same p, which is a probability."""
    size = min(len(first), len(second))
    first, second = first[:size], second[:size]
    there, back = test(first, second), test(second, first)

    assert there.p_value == (None if back.p_value is None else pytest.approx(back.p_value, rel=1e-9, abs=1e-12))
    assert there.p_value is None or 0 <= there.p_value <= 1 + 1e-12
    assert there.estimate == pytest.approx(-back.estimate, rel=1e-9, abs=1e-6)


@pytest.mark.parametrize(
    ("test", "reference"),
    [
        (paired_t, "ttest_rel"), (signed_rank, "wilcoxon"), (rank_sum, "mannwhitneyu"),
        (kolmogorov_smirnov, "ks_2samp"), (welch_t, "ttest_ind"),
    ],
)  # fmt: skip
def test_p_values_are_those_of_another_implementation(test, reference):
    """On samples with ties and without, of one size and of two, p agrees with scipy where that is installed."""
    stats = pytest.importorskip("scipy.stats")
    options = {"ttest_ind": {"equal_var": False}, "wilcoxon": {}, "ttest_rel": {}}.get(reference, {"method": "exact"})
    for first, second in ((A, B), ([1.5, 2.25, -7, 4, 9, 11], [0.5, 1, 2, 3, 5, 10.5])):
        wanted = getattr(stats, reference)(first, second, **options)
        assert test(first, second).p_value == pytest.approx(wanted.pvalue, rel=1e-9)
    tied = [1, 2, 2, 3, 5, 5, 5, 8, 13, 21], [1, 1, 2, 3, 3, 5, 8, 8, 9, 10]
    if test is rank_sum:
        wanted = stats.mannwhitneyu(*tied, method="asymptotic")
        assert rank_sum(*tied).p_value == pytest.approx(wanted.pvalue, rel=1e-9)


def test_samples_that_cannot_tell_say_so():
    """No difference at all has no p-value in the tests that need one, and no MAD flags whatever differs."""
    same = [1.0, 1.0, 1.0]

    assert [test(same, same).p_value for test in (paired_t, welch_t, signed_rank, rank_sum, sign_test)] == [None] * 5
    assert screen([1.0, 1.0, 1.0, 2.0]).flagged == (3,)
    assert paired_t([2.0, 2.0], [1.0, 1.0]).p_value == 0


@pytest.mark.parametrize(
    ("act", "message"),
    [
        (lambda: screen([1.0]), "values must have at least 2 values, not 1"),
        (lambda: screen([1.0, float("nan")]), r"values\[1\] must be a finite number, not nan"),
        (lambda: screen([1.0, 2.0], threshold=0), "threshold must be positive, not 0"),
        (lambda: paired_t([1.0, 2.0], [1.0]), "second must have at least 2 values, not 1"),
        (lambda: paired_t([1.0, 2.0, 3.0], [1.0, 2.0]), "must be of one length, not 3 and 2"),
        (lambda: orders_per_arm(0, 25), "difference_bps must be positive and finite, not 0"),
        (lambda: orders_per_arm(1, 25, power=1.0), "power must be within 0 to 1, not 1.0"),
        (lambda: percentile([], 50), "values must have at least 1 values, not 0"),
        (lambda: percentile([1.0], 101), "percent must be from 0 to 100, not 101"),
        (lambda: percentile([1.0], 50, "middle"), "method must be one of linear, nearest_rank, not 'middle'"),
    ],
)
def test_what_is_not_a_sample_is_refused(act, message):
    """Too few, unequal, not finite or out of range: the error names which and the value."""
    with pytest.raises(BadInput, match=message):
        act()
