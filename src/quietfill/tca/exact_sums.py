"""Exact sums of columns whose products do not fit 64 bits, at the speed of columns.

A price in 1e-9 times a quantity in 1e-8 takes about 90 bits. Integer arithmetic on columns wraps, so it gives the
sum modulo 2^64 exactly; floating point gives its size to about 50 bits. The two together are the sum itself, as
long as the floating-point error stays below 2^63; larger sums are added up as Python integers.
"""

from __future__ import annotations

from operator import mul
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

_WORD = 2**64
_SURE = 2.0**104  # pairwise sums of n products err by less than (3 + log2 n) 2^-53 of the sum of magnitudes


def exact_dot(first: NDArray[np.int64], second: NDArray[np.int64]) -> int:
    """Return sum(first * second) exactly."""
    magnitude = float(np.sum(np.abs(first.astype(np.float64)) * np.abs(second.astype(np.float64))))
    if magnitude >= _SURE:
        return sum(map(mul, first.tolist(), second.tolist()))
    with np.errstate(over="ignore"):
        wrapped = int(np.sum(first * second))
    return _nearest(wrapped, float(np.sum(first.astype(np.float64) * second.astype(np.float64))))


def exact_sum(values: NDArray[np.int64]) -> int:
    """Return sum(values) exactly."""
    with np.errstate(over="ignore"):
        return _nearest(int(np.sum(values)), float(np.sum(values.astype(np.float64))))


def exact_cumulative(values: NDArray[np.int64]) -> NDArray[np.int64] | NDArray[np.object_]:
    """Return the running sums exactly, as Python integers where 64 bits do not hold them."""
    if float(np.sum(np.abs(values.astype(np.float64)))) < 2.0**62:
        return np.cumsum(values)
    return np.cumsum(values.astype(object))


def _nearest(wrapped: int, estimate: float) -> int:
    """Return the number that equals *wrapped* modulo 2^64 and lies nearest to *estimate*."""
    return wrapped + (int(estimate) - wrapped + _WORD // 2) // _WORD * _WORD
