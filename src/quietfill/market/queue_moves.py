"""Which side of the book is exhausted first: the chance that the next move of the mid is up.

Source: R. Cont and A. de Larrard, "Price dynamics in a Markovian limit order market", SIAM Journal on Financial
Mathematics 4 (2013), Proposition 3. Each best queue grows and shrinks one lot at a time at the same rate, whatever
the other does; the price moves to the side whose queue is empty first. Valid for large-tick names, whose spread is
one tick nearly always, between two moves.
"""

from __future__ import annotations

from functools import lru_cache
from math import acos, atan, cos, cosh, exp, log, pi, sin, sqrt

from quietfill.domain.errors import BadInput
from quietfill.market.arguments import count, finite, not_negative

LIMIT_FROM = 2_000
"""Lots in the shorter queue from which on the large-queue limit stands in for the integral."""

_NODES = 20
_NEGLIGIBLE = 45.0
_PANEL_ANGLE = 4.0
_STEPS = 100


@lru_cache(maxsize=4096)
def chance_mid_rises(bid_lots: int, ask_lots: int) -> float:
    """Return the chance that the next mid move is up, with so many lots at the best bid and ask.

    phi(b, a) = (1/pi) Int_0^pi [2 - cos t - sqrt((2 - cos t)^2 - 1)]^a sin(b t) cos(t/2) / sin(t/2) dt, integrated
    by Gauss-Legendre to 1e-9; from `LIMIT_FROM` lots on by its limit, which is then closer than 1e-6.

    Raises:
        BadInput: when a queue has less than one lot; the message names it.
    """
    bid, ask = count(bid_lots, "bid_lots"), count(ask_lots, "ask_lots")
    if min(bid, ask) >= LIMIT_FROM:
        return chance_mid_rises_limit(bid, ask)
    # Of the two mirror images, the one in which the integrand swings least before it has died away.
    return 1 - _integral(ask, bid) if bid > ask else _integral(bid, ask)


def chance_mid_rises_limit(bid_size: float, ask_size: float, correlation: float = 0.0) -> float:
    """Return the same chance for queues of many lots, in which only the ratio of their sizes counts.

    1/2 - atan(sqrt((1 + rho) / (1 - rho)) (a - b) / (a + b)) / (2 atan(sqrt((1 + rho) / (1 - rho)))), with rho the
    correlation of the two queues' changes (Cont and de Larrard 2012, "Order book dynamics in liquid markets: limit
    theorems and diffusion approximations", Theorem 3). For rho = 0 it is (2/pi) atan(b/a); as rho falls to -1 it
    becomes b / (a + b).

    Args:
        bid_size: at the best bid, in any unit.
        ask_size: at the best ask, in the same.
        correlation: between -1 and 1, both ends out; of size changes at the two sides.

    Raises:
        BadInput: when a size is negative, both are zero, or *correlation* is out of range.
    """
    bid, ask = not_negative(bid_size, "bid_size"), not_negative(ask_size, "ask_size")
    rho = finite(correlation, "correlation")
    if not -1 < rho < 1:
        raise BadInput(f"correlation must lie between -1 and 1, both ends out, not {correlation}")
    if bid + ask == 0:
        raise BadInput("bid_size and ask_size must not both be zero")
    slope = sqrt((1 + rho) / (1 - rho))
    return 0.5 - atan(slope * (ask - bid) / (ask + bid)) / (2 * atan(slope))


def _integral(b: int, a: int) -> float:
    """Integrate for b <= a: beyond where the power has died away there is nothing to add."""
    # The power is e^(-a arcosh(2 - cos t)), and 2 - cos t goes from 1 to 3.
    end = acos(max(-1.0, 2 - cosh(min(2.0, _NEGLIGIBLE / a))))
    panels = 2 + int(b * end / _PANEL_ANGLE) + int(_NEGLIGIBLE / 8)
    width = end / panels
    total = 0.0
    for panel in range(panels):
        middle = (panel + 0.5) * width
        total += sum(weight * _integrand(middle + node * width / 2, b, a) for node, weight in _legendre())
    return total * width / 2 / pi


def _integrand(t: float, b: int, a: int) -> float:
    # y - sqrt(y^2 - 1) is e^-arcosh(y); y - 1 = 2 sin^2(t/2) keeps its digits where t is small.
    above = 2 * sin(t / 2) ** 2
    decay = log(1 + above + sqrt(above * (above + 2)))
    return exp(-a * decay) * sin(b * t) * cos(t / 2) / sin(t / 2)


@lru_cache(maxsize=1)
def _legendre() -> tuple[tuple[float, float], ...]:
    """Return nodes and weights of Gauss-Legendre quadrature on [-1, 1], by Newton's method."""
    pairs: list[tuple[float, float]] = []
    for index in range(_NODES):
        x = cos(pi * (index + 0.75) / (_NODES + 0.5))
        slope = 1.0
        for _ in range(_STEPS):
            value, slope = _polynomial(x)
            step = value / slope
            x -= step
            if abs(step) < 1e-16:  # noqa: PLR2004 - as close as a float gets
                break
        pairs.append((x, 2 / ((1 - x * x) * slope * slope)))
    return tuple(pairs)


def _polynomial(x: float) -> tuple[float, float]:
    """Return the Legendre polynomial of degree `_NODES` and its slope."""
    before, value = 1.0, x
    for degree in range(2, _NODES + 1):
        before, value = value, ((2 * degree - 1) * x * value - (degree - 1) * before) / degree
    return value, _NODES * (x * value - before) / (x * x - 1)
