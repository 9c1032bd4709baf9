"""How much leaves the queue ahead of a resting order within its time: the laws that order placement rests on."""

from __future__ import annotations

from bisect import bisect_right
from math import ceil, exp, expm1, inf, log1p
from typing import TYPE_CHECKING, Annotated, Protocol

import msgspec

from quietfill.domain.errors import BadInput
from quietfill.domain.fields import read_fields
from quietfill.market.arguments import not_negative, positive

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

_HALVINGS = 200
_PANELS = 4_096


class OutflowLaw(Protocol):
    """The law of xi >= 0, the quantity that leaves a queue from its front."""

    def cdf(self, size: float) -> float:
        """Return P(xi <= size)."""
        ...

    def quantile(self, probability: float) -> float:
        """Return the least size with cdf >= probability, for probabilities from 0 to 1, 1 left out."""
        ...

    def mean_between(self, low: float, high: float) -> float:
        """Return E[min(max(xi - low, 0), high - low)], the integral of 1 - cdf from low to high."""
        ...


class ExponentialOutflow(msgspec.Struct, frozen=True):
    """Exponential with a mean."""

    mean: Annotated[float, positive]

    def __post_init__(self) -> None:
        """Refuse what can never be meant, naming field and value."""
        read_fields(self)

    def cdf(self, size: float) -> float:
        """Return 1 - e^(-size / mean)."""
        return -expm1(-size / self.mean) if size > 0 else 0.0

    def quantile(self, probability: float) -> float:
        """Return -mean ln(1 - probability)."""
        return -self.mean * log1p(-probability)

    def mean_between(self, low: float, high: float) -> float:
        """Return mean (e^(-low / mean) - e^(-high / mean))."""
        return self.mean * exp(-low / self.mean) * -expm1((low - high) / self.mean)


class ObservedOutflow:
    """The outflows that were observed, each as likely as the next."""

    __slots__ = ("_sizes",)

    def __init__(self, sizes: Sequence[float]) -> None:
        """Take observed outflows, in any order.

        Raises:
            BadInput: when there is none, or one is negative or not finite.
        """
        self._sizes = sorted(not_negative(size, f"sizes[{place}]") for place, size in enumerate(sizes))
        if not self._sizes:
            raise BadInput("sizes is empty")

    def cdf(self, size: float) -> float:
        """Return the share of observed outflows up to *size*."""
        return bisect_right(self._sizes, size) / len(self._sizes)

    def quantile(self, probability: float) -> float:
        """Return the least observed outflow that this share of them does not exceed."""
        return self._sizes[max(0, ceil(probability * len(self._sizes) - 1e-12) - 1)]

    def mean_between(self, low: float, high: float) -> float:
        """Return the mean of what each observed outflow reaches between *low* and *high*."""
        return sum(min(max(size - low, 0.0), high - low) for size in self._sizes) / len(self._sizes)


class OutflowOfCdf:
    """Any law, by its distribution function: quantiles by halving, means by Simpson's rule.

    Smooth functions come out to about 1e-9 relative; a law of single sizes is better given as `ObservedOutflow`.
    """

    __slots__ = ("_cdf",)

    def __init__(self, cdf: Callable[[float], float]) -> None:
        """Take P(xi <= size) as a function of the size, rising from 0 or more to 1."""
        self._cdf = cdf

    def cdf(self, size: float) -> float:
        """Return P(xi <= size).

        Raises:
            BadInput: when the function's answer is no probability.
        """
        value = self._cdf(size)
        if not 0 <= value <= 1:
            raise BadInput(f"cdf must give a probability, not {value} at {size}")
        return value

    def quantile(self, probability: float) -> float:
        """Return the least size with cdf >= probability, infinite when none has."""
        if self.cdf(0.0) >= probability:
            return 0.0
        low, high = 0.0, 1.0
        while self.cdf(high) < probability:
            low, high = high, 2 * high
            if high == inf:
                return inf
        for _ in range(_HALVINGS):
            middle = (low + high) / 2
            if not low < middle < high:
                break
            low, high = (middle, high) if self.cdf(middle) < probability else (low, middle)
        return high

    def mean_between(self, low: float, high: float) -> float:
        """Return the integral of 1 - cdf, by Simpson's rule on equal panels."""
        width = (high - low) / _PANELS
        if width <= 0:
            return 0.0
        ends = 2 - self.cdf(low) - self.cdf(high)
        odd = sum(1 - self.cdf(low + place * width) for place in range(1, _PANELS, 2))
        even = sum(1 - self.cdf(low + place * width) for place in range(2, _PANELS, 2))
        return width / 3 * (ends + 4 * odd + 2 * even)
