"""Percentiles both ways in which they are stated; whoever shows one must say which.

Linear: between the two values around place (n - 1) p, as spreadsheets and numpy do by default (Hyndman and Fan,
1996, type 7). Nearest rank: the smallest value that at least a share p of all values does not exceed (type 1); it is
always a value that was seen, which for the tail of few latencies is what matters.
"""

from __future__ import annotations

from enum import StrEnum
from fractions import Fraction
from math import ceil
from typing import TYPE_CHECKING

from quietfill.domain.errors import BadInput
from quietfill.domain.types import to_decimal
from quietfill.tca.samples import sample

if TYPE_CHECKING:
    from collections.abc import Sequence


class PercentileMethod(StrEnum):
    """How a percentile is read off a sample."""

    LINEAR = "linear"
    NEAREST_RANK = "nearest_rank"


def percentile(
    values: Sequence[float], percent: float, method: PercentileMethod | str = PercentileMethod.LINEAR
) -> float:
    """Return the value below which *percent* (0 to 100) of the sample lies.

    Raises:
        BadInput: when there is no value, one is not finite, *percent* is out of range or the method is unknown.
    """
    known = sorted(sample(values, "values"))
    share = Fraction(to_decimal(percent, "percent")) / 100
    if not 0 <= share <= 1:
        raise BadInput(f"percent must be from 0 to 100, not {percent!r}")
    if method not in set(PercentileMethod):
        raise BadInput(f"method must be one of {', '.join(PercentileMethod)}, not {method!r}")
    if method == PercentileMethod.NEAREST_RANK:
        return known[max(1, ceil(share * len(known))) - 1]
    place = share * (len(known) - 1)
    low = int(place)
    high = min(low + 1, len(known) - 1)
    return known[low] + float(place - low) * (known[high] - known[low])
