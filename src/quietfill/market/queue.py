"""How long a resting order waits: laws of the time until the queue before it is gone, and what its place is worth.

Two clocks can decide it. The queue at a price is eaten lot by lot by a Poisson stream of trades, so the time to its
last lot is Erlang. A price away from the market must first be reached: for a driftless diffusion that is a barrier.
"""

from __future__ import annotations

from math import erfc, exp, inf, isfinite, lgamma, log, sqrt
from typing import Annotated

import msgspec

from quietfill.domain.fields import read_fields
from quietfill.market.arguments import finite, not_negative, positive, share

_TINY = 1e-300
_PRECISION = 1e-16
_NORMAL_FROM = 1e6  # lots: from here on the cube-root normal law is closer than the sums are exact
_HALVINGS = 200


class FillTime(msgspec.Struct, frozen=True):
    """The time until *lots* have left a queue that loses them one at a time, at *rate* a unit of time, at random.

    Erlang for a whole number of lots, its gamma continuation else; one lot is the exponential law. Valid while the
    rate holds and trades come independently. Real trades come in bursts, so the law is too sure of its mean; and
    orders before ours that are cancelled shorten the wait, which it does not count.

    Attributes:
        lots: to leave until all of ours has traded, our own included.
        rate: lots a unit of time; 0 where nothing trades.
    """

    lots: Annotated[float, positive]
    rate: Annotated[float, not_negative]

    def __post_init__(self) -> None:
        """Refuse what can never be meant, naming field and value."""
        read_fields(self)

    @property
    def mean(self) -> float | None:
        """Expected time, lots / rate; None where nothing trades."""
        return self.lots / self.rate if self.rate > 0 and isfinite(self.lots / self.rate) else None

    def by(self, time: float) -> float:
        """Return the chance that it is over by *time*, P(Gamma(lots) <= rate time), 0 to 1.

        Raises:
            BadInput: when *time* is negative or not finite.
        """
        return _gamma_share(self.lots, self.rate * not_negative(time, "time"))

    def quantile(self, probability: float) -> float | None:
        """Return by when it is over with this chance; None where it never is.

        Raises:
            BadInput: when *probability* is not within 0 to 1.
        """
        wanted = share(probability, "probability")
        if wanted == 0:
            return 0.0
        if self.rate == 0 or wanted == 1:
            return None
        low, high = 0.0, self.lots
        while _gamma_share(self.lots, high) < wanted:
            low, high = high, 2 * high
        for _ in range(_HALVINGS):
            middle = (low + high) / 2
            if middle in {low, high}:
                break
            low, high = (middle, high) if _gamma_share(self.lots, middle) < wanted else (low, middle)
        return high / self.rate


def queue_time(queue: float, rate: float, trade_size: float | None = None) -> FillTime:
    """Return the law of the time until *queue* has traded, at *rate* a unit of time in trades of *trade_size*.

    Args:
        queue: to trade until ours has, our own included, in shares, contracts or coins.
        rate: of the same, a unit of time.
        trade_size: of one trade; None takes the whole queue for one, the exponential law: the least certain.

    Raises:
        BadInput: when *queue* or *trade_size* is not positive or *rate* negative; the message names which.
    """
    whole = positive(queue, "queue")
    lot = whole if trade_size is None else min(whole, positive(trade_size, "trade_size"))
    return FillTime(whole / lot, not_negative(rate, "rate") / lot)


def barrier_probability(distance: float, volatility: float, time: float) -> float:
    """Return the chance that a driftless price travels *distance* one way within *time*.

    P = 2 Phi(-d / (sigma sqrt(t))), the reflection principle for Brownian motion (Karatzas and Shreve, Brownian Motion
    and Stochastic Calculus, eq. 2.6.2). It is the chance that a limit order so far from the market is reached at
    all, and an upper bound of its fill: the queue there comes on top.

    Args:
        distance: from the price now, in any unit; 0 is there already.
        volatility: in that unit, a square root of the unit of time.
        time: how long it may take.

    Raises:
        BadInput: when one is negative or not finite.
    """
    far = not_negative(distance, "distance")
    reach = not_negative(volatility, "volatility") * sqrt(not_negative(time, "time"))
    if far == 0:
        return 1.0
    return erfc(far / (reach * sqrt(2))) if reach > 0 else 0.0


def order_value(
    fill_probability: float, adverse_selection: float, *, half_spread: float = 0.5, rebate: float = 0.3
) -> float:
    """Return what a resting order is worth to its owner, a share, in the unit of the spread (ticks by default).

    value = P(fill) (half spread + rebate - adverse selection); Moallemi and Yuan (2017), "A model for queue position
    valuation in a limit order book", whose large-tick names are one tick wide with a rebate of 0.3 tick: 0.8 tick less
    what the mid moves against a fill. May be negative at the back of a queue. It values an order that need not trade;
    one that must trade also counts what it saves against crossing (`market.spread`).

    Args:
        fill_probability: before the price moves away, 0 to 1.
        adverse_selection: expected move of the mid against us, given a fill.
        half_spread: earned against the mid.
        rebate: paid by the venue for resting; negative where it costs a fee.

    Raises:
        BadInput: naming the argument and its value.
    """
    earned = not_negative(half_spread, "half_spread") + finite(rebate, "rebate")
    return share(fill_probability, "fill_probability") * (earned - finite(adverse_selection, "adverse_selection"))


def _gamma_share(shape: float, x: float) -> float:
    """Return the regularised lower incomplete gamma function P(shape, x).

    Series below shape + 1 and continued fraction above (Abramowitz and Stegun, 6.5.29 and 6.5.31).
    """
    if x <= 0:
        return 0.0
    if x == inf:
        return 1.0
    if shape > _NORMAL_FROM:
        ninth = 1 / (9 * shape)  # Wilson and Hilferty (1931)
        return erfc((1 - ninth - (x / shape) ** (1 / 3)) / sqrt(2 * ninth)) / 2
    scale = exp(max(-745.0, shape * log(x) - x - lgamma(shape)))
    if x < shape + 1:
        return min(1.0, scale * _series(shape, x))
    return min(1.0, max(0.0, 1 - scale * _fraction(shape, x)))


def _series(shape: float, x: float) -> float:
    term = total = 1 / shape
    while term > total * _PRECISION:
        shape += 1
        term *= x / shape
        total += term
    return total


def _fraction(shape: float, x: float) -> float:
    """Evaluate by Lentz's method."""
    b = x + 1 - shape
    c, d = 1 / _TINY, 1 / b
    value, step, turn = d, 0.0, 0
    while abs(step - 1) > _PRECISION * 10:
        turn += 1
        a = turn * (shape - turn)
        b += 2
        d = a * d + b
        c = b + a / c
        d = 1 / (d if abs(d) > _TINY else _TINY)
        c = c if abs(c) > _TINY else _TINY
        step = d * c
        value *= step
    return value
