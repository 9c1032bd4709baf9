"""Which laws of impact cannot be pumped for money, and proofs by example of those that can.

Sources: G. Huberman and W. Stanzl, "Price manipulation and quasi-arbitrage", Econometrica 72 (2004): permanent
impact must be linear. J. Gatheral, "No-dynamic-arbitrage and market impact", Quantitative Finance 10 (2010): with
rate impact f(v) ~ |v|^d and decay G, exponential decay needs d = 1 and power-law decay t^-g needs g + d >= 1 and
g >= 2 - ln 3 / ln 2.
"""

from __future__ import annotations

from math import expm1, log
from typing import TYPE_CHECKING, Annotated, Protocol

import msgspec

from quietfill.domain.errors import BadInput
from quietfill.domain.fields import read_fields
from quietfill.market.arguments import count, figures, inner_share, not_negative, positive

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

LEAST_DECAY_EXPONENT = 2 - log(3) / log(2)
"""Power-law decay slower than t^-0.4150375 admits price manipulation whatever the impact (Gatheral 2010)."""

_ROUNDING = 1e-12


def linear_exponent(value: Any, name: str) -> float:
    """Accept the exponent of permanent impact: 1 and nothing else.

    Raises:
        BadInput: for any other; the message says why.
    """
    read = positive(value, name)
    if read != 1:
        raise BadInput(f"{name} must be 1, not {read:g}: permanent impact that is not linear can be pumped for money")
    return read


def check_exponential_decay(impact_exponent: float) -> None:
    """Refuse exponential decay with an impact that is not linear in the rate (Gatheral 2010, section 4).

    Raises:
        BadInput: naming the exponent.
    """
    d = positive(impact_exponent, "impact_exponent")
    if d != 1:
        raise BadInput(f"impact_exponent must be 1 with exponential decay, not {d:g}: it can be pumped for money")


def check_power_law_decay(decay_exponent: float, impact_exponent: float) -> None:
    """Refuse power-law decay t^-g with rate impact |v|^d unless g + d >= 1 and g >= 2 - ln 3 / ln 2.

    Both are necessary; Gatheral (2010, section 5) shows the first and, for any d, the second.

    Raises:
        BadInput: naming the exponents and the condition that they break.
    """
    g, d = inner_share(decay_exponent, "decay_exponent"), positive(impact_exponent, "impact_exponent")
    if g + d < 1 - _ROUNDING:
        raise BadInput(f"decay_exponent {g:g} + impact_exponent {d:g} must be at least 1: it can be pumped for money")
    if g < LEAST_DECAY_EXPONENT - _ROUNDING:
        raise BadInput(f"decay_exponent {g:g} must be at least {LEAST_DECAY_EXPONENT:.7f}: it can be pumped for money")


class Decay(Protocol):
    """How impact fades: G(t) of a unit of impact that is t old."""

    def integral_twice(self, time: float) -> float:
        """Return H with H'' = G, H(0) = H'(0) = 0."""
        ...


class ExponentialDecay(msgspec.Struct, frozen=True):
    """G(t) = e^(-rho t).

    Attributes:
        rate: rho, per unit of time.
    """

    rate: Annotated[float, positive]

    def __post_init__(self) -> None:
        """Refuse what can never be meant, naming field and value."""
        read_fields(self)

    def integral_twice(self, time: float) -> float:
        """Return t / rho - (1 - e^(-rho t)) / rho^2."""
        return time / self.rate + expm1(-self.rate * time) / self.rate**2


class PowerLawDecay(msgspec.Struct, frozen=True):
    """G(t) = t^-g.

    Attributes:
        exponent: g, between 0 and 1, both out.
    """

    exponent: Annotated[float, inner_share]

    def __post_init__(self) -> None:
        """Refuse what can never be meant, naming field and value."""
        read_fields(self)

    def integral_twice(self, time: float) -> float:
        """Return t^(2-g) / ((1-g)(2-g))."""
        g = self.exponent
        return float(time ** (2 - g) / ((1 - g) * (2 - g)))


class PermanentImpact(msgspec.Struct, frozen=True):
    """G(t) = 1: what was moved stays moved."""

    def integral_twice(self, time: float) -> float:
        """Return t^2 / 2."""
        return time**2 / 2


def propagator_cost(rates: Sequence[float], durations: Sequence[float], impact_exponent: float, decay: Decay) -> float:
    """Return the exact expected cost of trading at piecewise constant rates in a propagator model.

    Int_0^T v_t Int_0^t sgn(v_s) |v_s|^d G(t - s) ds dt. For a round trip a negative answer is an arbitrage.

    Args:
        rates: v, in shares per unit of time, positive for buying, negative for selling.
        durations: how long each rate is kept.
        impact_exponent: d.

    Raises:
        BadInput: naming the argument and its value.
    """
    speeds, spans = figures(rates, "rates"), figures(durations, "durations")
    d = positive(impact_exponent, "impact_exponent")
    if len(speeds) != len(spans):
        raise BadInput(f"rates has {len(speeds)} entries and durations {len(spans)}")
    ends = [0.0]
    for place, span in enumerate(spans):
        ends.append(ends[-1] + not_negative(span, f"durations[{place}]"))
    h = decay.integral_twice
    cost: float = 0.0
    for i, speed in enumerate(speeds):
        start, end = ends[i], ends[i + 1]
        cost += float(abs(speed) ** (1 + d)) * h(end - start)
        for j in range(i):
            push = float(abs(speeds[j]) ** d) * (1 if speeds[j] > 0 else -1)
            felt = h(end - ends[j]) - h(end - ends[j + 1]) - h(start - ends[j]) + h(start - ends[j + 1])
            cost += speed * push * felt
    return cost


def round_trip_cost(buy_rate: float, buy_time: float, sell_rate: float, impact_exponent: float, decay: Decay) -> float:
    """Return the cost of buying at one rate and selling the same amount at another; see `propagator_cost`.

    Args:
        buy_rate, sell_rate: v1 and v2, both positive.
        buy_time: th; the sale takes v1 th / v2.

    Raises:
        BadInput: naming the argument and its value.
    """
    first, second = positive(buy_rate, "buy_rate"), positive(sell_rate, "sell_rate")
    span = positive(buy_time, "buy_time")
    return propagator_cost((first, -second), (span, first * span / second), impact_exponent, decay)


def permanent_pump_profit(
    exponent: float, trades: int, *, trade_share: float = 0.01, gamma: float = 1.0, daily_volatility: float = 1.0
) -> float:
    """Return what buying in *trades* equal trades and selling all at once earns under permanent impact alone.

    Each trade of q moves the price by gamma sigma (q/V)^exponent for good and pays half of its own move. Zero for
    exponent 1 whatever the number of trades; above zero for a smaller one, below for a larger one, where selling in
    parts what was bought at once is the pump (Huberman and Stanzl 2004).

    Args:
        trades: n.
        trade_share: q / V of each buy.
        gamma, daily_volatility: scale the answer.

    Returns:
        In units of price x the day's volume.

    Raises:
        BadInput: naming the argument and its value.
    """
    power, n, size = positive(exponent, "exponent"), count(trades, "trades"), positive(trade_share, "trade_share")
    unit = not_negative(gamma, "gamma") * not_negative(daily_volatility, "daily_volatility")
    up, down = unit * float(size**power), unit * float((n * size) ** power)
    paid = size * up * n * n / 2  # buy i pays the (i - 1) moves before it and half of its own
    return n * size * (n * up - down / 2) - paid
