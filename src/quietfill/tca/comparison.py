"""Whether two ways of executing cost differently: the tests of two samples, each with its p-value.

Algorithms that worked the same orders are compared in pairs: what the market did to both cancels, and a paired test
sees differences that an unpaired one cannot. Small samples get exact p-values; none is one-sided.
"""

from __future__ import annotations

from itertools import pairwise
from math import comb, inf, sqrt
from statistics import fmean, variance
from typing import TYPE_CHECKING

import msgspec

from quietfill.tca.distributions import (
    largest_gap_two_sided,
    normal_two_sided,
    rank_sum_counts,
    sign_two_sided,
    signed_rank_counts,
    student_two_sided,
)
from quietfill.tca.samples import paired, sample

if TYPE_CHECKING:
    from collections.abc import Sequence

EXACT_UP_TO = 60
"""Orders a sample up to which rank tests count every pattern; above, rank sums with ties too, they use the normal."""


class TwoSampleTest(msgspec.Struct, frozen=True, kw_only=True):
    """What a two-sided test says.

    Attributes:
        test: its name.
        statistic: see the test.
        p_value: None where the samples cannot tell (no spread, or only ties).
        estimate: the difference in the unit of the samples, first less second.
        orders: how many counted.
        is_exact: whether every pattern was counted, or the normal approximates them.
    """

    test: str
    statistic: float
    p_value: float | None
    estimate: float
    orders: int
    is_exact: bool


def paired_t(first: Sequence[float], second: Sequence[float]) -> TwoSampleTest:
    """Compare costs of the same orders by the mean of their differences: t = mean(d) / (sd(d) / sqrt(n)), n - 1 df.

    Raises:
        BadInput: when they are not of one length, fewer than two, or hold what is no finite number.
    """
    differences = [one - other for one, other in paired(first, second)]
    mean, error = fmean(differences), sqrt(variance(differences) / len(differences))
    return _t_result("paired t", mean, error, len(differences) - 1, len(differences))


def welch_t(first: Sequence[float], second: Sequence[float]) -> TwoSampleTest:
    """Compare costs of different orders without taking their variances for equal (Welch 1947).

    Raises:
        BadInput: when one is fewer than two or holds what is no finite number.
    """
    ours, theirs = sample(first, "first", least=2), sample(second, "second", least=2)
    parts = variance(ours) / len(ours), variance(theirs) / len(theirs)
    spread = sum(parts)
    below = parts[0] ** 2 / (len(ours) - 1) + parts[1] ** 2 / (len(theirs) - 1)
    degrees = spread**2 / below if below else 1.0
    return _t_result("Welch t", fmean(ours) - fmean(theirs), sqrt(spread), degrees, len(ours) + len(theirs))


def signed_rank(first: Sequence[float], second: Sequence[float]) -> TwoSampleTest:
    """Compare costs of the same orders by the ranks of their differences (Wilcoxon 1945).

    The statistic is the smaller of the two rank sums; pairs without a difference are left out. The estimate is the
    median of the pairwise means of the differences (Hodges and Lehmann 1963).

    Raises:
        BadInput: as `paired_t`.
    """
    differences = [one - other for one, other in paired(first, second) if one != other]
    ranks, ties = _ranks([abs(difference) for difference in differences])
    count = len(differences)
    positive = sum(rank for rank, difference in zip(ranks, differences, strict=True) if difference > 0)
    smaller = min(positive, count * (count + 1) / 2 - positive)
    is_exact = count <= EXACT_UP_TO
    if count == 0:
        p_value = None
    elif is_exact:  # ranks that share their mean are halves, so all are doubled
        counts = signed_rank_counts(round(2 * rank) for rank in ranks)
        p_value = min(1.0, 2 * sum(counts[: round(2 * smaller) + 1]) / (1 << count))
    else:
        spread = sqrt(count * (count + 1) * (2 * count + 1) / 24 - sum(size**3 - size for size in ties) / 48)
        p_value = normal_two_sided((smaller - count * (count + 1) / 4) / spread)
    means = [(one + other) / 2 for place, one in enumerate(differences) for other in differences[place:]]
    return TwoSampleTest(
        test="signed rank",
        statistic=smaller,
        p_value=p_value,
        estimate=_median(means),
        orders=count,
        is_exact=is_exact,
    )


def rank_sum(first: Sequence[float], second: Sequence[float]) -> TwoSampleTest:
    """Compare costs of different orders by their ranks: Mann-Whitney U of the first sample (1947).

    U counts the pairs in which the first is the dearer, ties by half. The estimate is the median of all differences.

    Raises:
        BadInput: when one is empty or holds what is no finite number.
    """
    ours, theirs = sample(first, "first"), sample(second, "second")
    ranks, ties = _ranks([*ours, *theirs])
    u = sum(ranks[: len(ours)]) - len(ours) * (len(ours) + 1) / 2
    is_exact = max(len(ours), len(theirs)) <= EXACT_UP_TO and not ties
    return TwoSampleTest(
        test="rank sum",
        statistic=u,
        p_value=_exact_u(u, len(ours), len(theirs)) if is_exact else _normal_u(u, len(ours), len(theirs), ties),
        estimate=_median([one - other for one in ours for other in theirs]),
        orders=len(ours) + len(theirs),
        is_exact=is_exact,
    )


def kolmogorov_smirnov(first: Sequence[float], second: Sequence[float]) -> TwoSampleTest:
    """Compare the whole distributions: the largest distance of the two empirical ones (Smirnov 1939).

    The p-value counts lattice paths; with ties across the samples it is an upper bound.

    Raises:
        BadInput: when one is empty or holds what is no finite number.
    """
    ours, theirs = sorted(sample(first, "first")), sorted(sample(second, "second"))
    below = above = gap = 0
    for value in sorted({*ours, *theirs}):
        while below < len(ours) and ours[below] <= value:
            below += 1
        while above < len(theirs) and theirs[above] <= value:
            above += 1
        gap = max(gap, abs(below * len(theirs) - above * len(ours)))
    return TwoSampleTest(
        test="Kolmogorov-Smirnov",
        statistic=gap / (len(ours) * len(theirs)),
        p_value=largest_gap_two_sided(gap, len(ours), len(theirs)),
        estimate=_median(ours) - _median(theirs),
        orders=len(ours) + len(theirs),
        is_exact=not set(ours) & set(theirs),
    )


def sign_test(first: Sequence[float], second: Sequence[float]) -> TwoSampleTest:
    """Compare costs of the same orders by how often the first was the dearer; pairs without a difference are left out.

    Raises:
        BadInput: as `paired_t`.
    """
    differences = [one - other for one, other in paired(first, second) if one != other]
    dearer = sum(difference > 0 for difference in differences)
    return TwoSampleTest(
        test="sign",
        statistic=float(dearer),
        p_value=sign_two_sided(dearer, len(differences)) if differences else None,
        estimate=_median(differences),
        orders=len(differences),
        is_exact=True,
    )


def _t_result(test: str, mean: float, error: float, degrees: float, orders: int) -> TwoSampleTest:
    """Without any spread a difference is as sure as can be, and no difference says nothing."""
    if error == 0:
        statistic, p_value = (inf if mean > 0 else -inf, 0.0) if mean else (0.0, None)
    else:
        statistic = mean / error
        p_value = student_two_sided(statistic, degrees)
    return TwoSampleTest(test=test, statistic=statistic, p_value=p_value, estimate=mean, orders=orders, is_exact=True)


def _exact_u(u: float, first: int, second: int) -> float:
    smaller = int(min(u, first * second - u))
    tail = sum(rank_sum_counts(first, second)[: smaller + 1])
    return min(1.0, 2 * tail / comb(first + second, first))


def _normal_u(u: float, first: int, second: int, ties: Sequence[int]) -> float | None:
    count = first + second
    tied = sum(size**3 - size for size in ties) / (count * (count - 1)) if count > 1 else 0.0
    spread = first * second / 12 * (count + 1 - tied)
    if spread <= 0:
        return None
    off = max(0.0, abs(u - first * second / 2) - 0.5)  # U moves in steps
    return normal_two_sided(off / sqrt(spread))


def _ranks(values: Sequence[float]) -> tuple[list[float], list[int]]:
    """Return the rank of each value from 1, ties sharing their mean, and how many values each tie holds."""
    order = sorted(range(len(values)), key=values.__getitem__)
    starts = [0, *(place + 1 for place, (a, b) in enumerate(pairwise(order)) if values[a] != values[b]), len(order)]
    ranks, ties = [0.0] * len(values), []
    for start, stop in pairwise(starts):
        for place in order[start:stop]:
            ranks[place] = (start + 1 + stop) / 2
        if stop - start > 1:
            ties.append(stop - start)
    return ranks, ties


def _median(values: Sequence[float]) -> float:
    """Return the median, 0 where nothing differs."""
    known = sorted(values)
    if not known:
        return 0.0
    middle = len(known) // 2
    return known[middle] if len(known) % 2 else (known[middle - 1] + known[middle]) / 2
