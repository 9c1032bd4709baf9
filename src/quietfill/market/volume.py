"""How volume is spread over a session: set, learned, or the default for its kind of calendar.

A curve is the cumulative share of the day's volume in continuous trading, against the share x of the
session's *trading time*: a lunch break is no time at all.
"""

from __future__ import annotations

from functools import lru_cache
from math import exp, isfinite
from typing import TYPE_CHECKING, Any

import msgspec

from quietfill.domain.errors import BadInput
from quietfill.domain.types import SECOND, Duration

if TYPE_CHECKING:
    from collections.abc import Iterable

# The density base + opening exp(-x / OPENING_DECAY) + closing exp(-(1 - x) / CLOSING_DECAY), fitted by
# tools/fit_default_curve.py to 35 days of one-minute bars (AAPL, AMZN, BAC, JPM, MSFT, SPY, TSLA, 2019-02-11 to
# 02-15). The mean day is never further than 0.010 from it (0.140 from a straight line); of single days the median
# one is at most 0.069 away (0.160), the worst 0.150 (0.286).
_BASE, _OPENING, _CLOSING = 0.5793, 2.0803, 3.9801
_OPENING_DECAY, _CLOSING_DECAY = 0.145, 0.03
_BUCKETS = 130

ROUND_THE_CLOCK: Duration = 20 * 3_600 * SECOND
"""A session at least this long has no opening rush: its default is a straight line."""


class VolumeCurve(msgspec.Struct, frozen=True):
    """Cumulative share of the session's volume at equal steps of trading time, straight in between.

    Attributes:
        cumulative: from 0.0 to 1.0, never falling, one more than there are buckets.
    """

    cumulative: tuple[float, ...]

    def share(self, x: float) -> float:
        """Return the share of the day's volume that has traded at share *x* of the trading time (both 0-1)."""
        buckets = len(self.cumulative) - 1
        position = min(max(x, 0.0), 1.0) * buckets
        bucket = min(int(position), buckets - 1)
        low, high = self.cumulative[bucket], self.cumulative[bucket + 1]
        return low + (high - low) * (position - bucket)


@lru_cache(maxsize=256)
def curve_of(profile: tuple[float, ...]) -> VolumeCurve:
    """Return the curve of relative weights per equal bucket of the session's trading time.

    Raises:
        BadInput: when the weights are no profile; see `checked_profile`.
    """
    weights = checked_profile(profile)
    total = sum(weights)
    cumulative = [0.0]
    for weight in weights:
        cumulative.append(cumulative[-1] + weight / total)
    return VolumeCurve((*cumulative[:-1], 1.0))


def default_curve(session: Duration) -> VolumeCurve:
    """Return the curve for an instrument of which nothing is known, by the trading time of its day in ns."""
    return _STRAIGHT if session >= ROUND_THE_CLOCK else _U_SHAPED


def checked_profile(weights: Iterable[Any], name: str = "volume profile") -> tuple[float, ...]:
    """Return *weights* as a profile.

    Raises:
        BadInput: when there is none, one is negative or not finite, or all are zero; the message names which.
    """
    try:
        checked = tuple(weights)
    except TypeError:
        raise BadInput(f"{name} must be a list of weights, not {weights!r}") from None
    if not checked:
        raise BadInput(f"{name} is empty")
    for place, weight in enumerate(checked):
        if isinstance(weight, bool) or not isinstance(weight, (int, float)) or not isfinite(weight):
            raise BadInput(f"{name}[{place}] must be finite, not {weight!r}")
        if weight < 0:
            raise BadInput(f"{name}[{place}] must not be negative, is {weight!r}")
    if not any(checked):
        raise BadInput(f"{name} is zero everywhere")
    return tuple(float(weight) for weight in checked)


def _fitted(x: float) -> float:
    opening = _OPENING * _OPENING_DECAY * (1 - exp(-x / _OPENING_DECAY))
    closing = _CLOSING * _CLOSING_DECAY * (exp(-(1 - x) / _CLOSING_DECAY) - exp(-1 / _CLOSING_DECAY))
    return _BASE * x + opening + closing


_STRAIGHT = VolumeCurve((0.0, 1.0))
_U_SHAPED = VolumeCurve((*(_fitted(step / _BUCKETS) / _fitted(1.0) for step in range(_BUCKETS)), 1.0))
