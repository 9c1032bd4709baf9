"""Which of many costs are outliers, by a rule that the outliers themselves do not move.

The classical z divides by a standard deviation that two wild values inflate until neither stands out. The modified
z uses median and median absolute deviation instead (Iglewicz and Hoaglin, How to Detect and Handle Outliers, 1993).
"""

from __future__ import annotations

from statistics import fmean, median, stdev
from typing import TYPE_CHECKING

import msgspec

from quietfill.domain.errors import BadInput
from quietfill.tca.samples import sample

if TYPE_CHECKING:
    from collections.abc import Sequence

NORMAL_MAD = 0.6745
"""The median absolute deviation of a standard normal: makes a modified z comparable to a classical one."""

THRESHOLD = 3.5
"""The modified z above which a value is flagged, in magnitude."""


class Screening(msgspec.Struct, frozen=True, kw_only=True):
    """Which values stand out.

    Attributes:
        median, mad: of the values; mad is the median of |x - median|.
        modified_z: 0.6745 (x - median) / MAD of each; None where the MAD is 0 and x is not the median.
        classical_z: (x - mean) / standard deviation of each; None where that is 0.
        flagged: places of the values whose |modified z| is above the threshold; where the MAD is 0, of all that
            differ from the median.
    """

    median: float
    mad: float
    modified_z: tuple[float | None, ...]
    classical_z: tuple[float | None, ...]
    flagged: tuple[int, ...]


def screen(values: Sequence[float], *, threshold: float = THRESHOLD) -> Screening:
    """Return which of at least two values are outliers.

    Raises:
        BadInput: when there are fewer than two, one is not finite, or the threshold is not positive.
    """
    known = sample(values, "values", least=2)
    if not threshold > 0:
        raise BadInput(f"threshold must be positive, not {threshold!r}")
    middle = median(known)
    mad = median(abs(value - middle) for value in known)
    modified = tuple(_modified(value - middle, mad) for value in known)
    mean, deviation = fmean(known), stdev(known)
    return Screening(
        median=middle,
        mad=mad,
        modified_z=modified,
        classical_z=tuple((value - mean) / deviation if deviation else None for value in known),
        flagged=tuple(place for place, z in enumerate(modified) if z is None or abs(z) > threshold),
    )


def _modified(off: float, mad: float) -> float | None:
    if mad:
        return NORMAL_MAD * off / mad
    return None if off else 0.0
