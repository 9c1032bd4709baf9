"""Exact sums of public numbers, divided only when a figure is read.

A public price or size is read by its shortest text into a whole number of the house's units or, where it is
finer than that (an average, a computed price), into a fraction of one. Nothing is rounded on the way in.
"""

from __future__ import annotations

from fractions import Fraction
from typing import TypeAlias

from quietfill.domain.fields import Number, Size, number
from quietfill.domain.types import PRICE_SCALE, QUANTITY_SCALE, to_decimal

Exact: TypeAlias = int | Fraction
"""A price in 1e-9 of the currency or a size in 1e-8: an int where that holds it, else a fraction."""

_SHORT_ENOUGH = 10**15  # among decimals of at most 15 digits, only one is nearest to a given float


class FillTotal:
    """How much was filled and what was paid, as exact sums."""

    __slots__ = ("filled", "notional")

    def __init__(self, quantity: Size = 0, average: Number = 0) -> None:
        self.filled: Exact = exact_size(quantity, "filled_quantity")
        self.notional: Exact = self.filled * exact_price(average, "avg_fill_price")

    def add(self, quantity: Exact, price: Exact) -> None:
        """Count one fill."""
        self.filled += quantity
        self.notional += quantity * price

    @property
    def average(self) -> float:
        """The quantity-weighted price in currency, 0.0 when nothing is filled."""
        return ratio(self.notional, self.filled * PRICE_SCALE) if self.filled else 0.0

    def bps_above(self, reference: Number) -> float | None:
        """How far the average lies above *reference*, in 1e-4 of its magnitude; None where that has no meaning."""
        base = exact_price(reference, "reference price")
        if not self.filled or not base:
            return None
        return ratio(10_000 * (self.notional - base * self.filled), self.filled * (base if base > 0 else -base))


def exact_price(price: Number, name: str = "price") -> Exact:
    """Return a finite public price in 1e-9 of the currency, exactly; a float counts by its shortest text.

    Raises:
        ValueError: when it is not a finite number; the message names *name*.
    """
    return _exact(price, PRICE_SCALE, name)


def exact_size(size: Number, name: str = "size") -> Exact:
    """Return a finite public size in 1e-8 of a share, contract or coin, exactly.

    Raises:
        ValueError: when it is not a finite number; the message names *name*.
    """
    return _exact(size, QUANTITY_SCALE, name)


def size_number(size: Exact) -> Size:
    """Return an exact size as an int where it is whole, else as a Decimal."""
    whole = Fraction(size, QUANTITY_SCALE)
    return whole.numerator if whole.denominator == 1 else to_decimal(float(whole))


def ratio(numerator: Exact, denominator: Exact) -> float:
    """Divide once, correctly rounded."""
    if isinstance(numerator, int) and isinstance(denominator, int):
        return numerator / denominator
    return float(Fraction(numerator) / denominator)


def _exact(value: Number, scale: int, name: str) -> Exact:
    """Return a finite number in units of 1/scale; the quick ways first, since books are long and frequent."""
    if type(value) is int:
        return value * scale
    if type(value) is float:
        guess = value * scale
        if -_SHORT_ENOUGH < guess < _SHORT_ENOUGH and (near := round(guess)) / scale == value:
            return near
    exact = Fraction(to_decimal(number(value, name), name)) * scale
    return exact.numerator if exact.denominator == 1 else exact
