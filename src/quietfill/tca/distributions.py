"""Tail probabilities of the few distributions that cost comparisons need; each exact or to about 1e-12."""

from __future__ import annotations

from math import comb, erfc, exp, lgamma, log, log1p, sqrt
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

_STEPS = 300
_CLOSE = 1e-15
_TINY = 1e-300


def normal_two_sided(z: float) -> float:
    """Return P(|Z| >= |z|) for a standard normal Z."""
    return erfc(abs(z) / sqrt(2))


def student_two_sided(t: float, degrees: float) -> float:
    """Return P(|T| >= |t|) for Student's T: the regularised incomplete beta I_x(v / 2, 1/2) at x = v / (v + t^2)."""
    return _incomplete_beta(degrees / (degrees + t * t), degrees / 2, 0.5)


def signed_rank_counts(ranks: Iterable[int]) -> list[int]:
    """Return how many of the 2^n sign patterns of these ranks give each sum of the positive ones, from 0 up."""
    counts = [1]
    for rank in ranks:
        grown = counts + [0] * rank
        for place, count in enumerate(counts):
            grown[place + rank] += count
        counts = grown
    return counts


def rank_sum_counts(first: int, second: int) -> list[int]:
    """Return how many of the (m + n choose m) orders of two samples give each Mann-Whitney U, 0 to m n.

    The counts are the coefficients of the Gaussian binomial, product of (1 - q^(n + i)) / (1 - q^i).
    """
    size = first * second + 1
    counts = [1] + [0] * (size - 1)
    for step in range(1, first + 1):
        for place in range(size - 1, second + step - 1, -1):
            counts[place] -= counts[place - second - step]
        for place in range(step, size):
            counts[place] += counts[place - step]
    return counts


def sign_two_sided(positive: int, signs: int) -> float:
    """Return the chance of a split of fair signs at least as uneven as this one."""
    fewer = min(positive, signs - positive)
    tail: int = sum(comb(signs, count) for count in range(fewer + 1))
    return min(1.0, 2 * tail / (1 << signs))


def largest_gap_two_sided(gap: int, first: int, second: int) -> float:
    """Return P(max |m F_1 n - n F_2 m| >= gap) of two samples from one distribution, without ties.

    Counts the lattice paths from (0, 0) to (m, n) that stay where |i n - j m| < gap (Hodges, 1958).
    """
    row = [1] + [0] * second
    for j in range(1, second + 1):
        row[j] = row[j - 1] if j * first < gap else 0
    for i in range(1, first + 1):
        row[0] = row[0] if i * second < gap else 0
        for j in range(1, second + 1):
            row[j] = row[j] + row[j - 1] if abs(i * second - j * first) < gap else 0
    return 1 - row[second] / comb(first + second, first)


def _incomplete_beta(x: float, a: float, b: float) -> float:
    """Return I_x(a, b) by Lentz's continued fraction (Numerical Recipes, 3rd ed., 6.4)."""
    if x <= 0 or x >= 1:
        return float(x >= 1)
    front = exp(lgamma(a + b) - lgamma(a) - lgamma(b) + a * log(x) + b * log1p(-x))
    if x < (a + 1) / (a + b + 2):
        return front * _fraction(x, a, b) / a
    return 1 - front * _fraction(1 - x, b, a) / b


def _fraction(x: float, a: float, b: float) -> float:
    c, d = 1.0, 1 / _away_from_zero(1 - (a + b) * x / (a + 1))
    value = d
    for m in range(1, _STEPS):
        even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m))
        odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1))
        for term in (even, odd):
            d = 1 / _away_from_zero(1 + term * d)
            c = _away_from_zero(1 + term / c)
            value *= c * d
        if abs(c * d - 1) < _CLOSE:
            break
    return value


def _away_from_zero(value: float) -> float:
    return value if abs(value) > _TINY else _TINY
