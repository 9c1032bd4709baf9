"""Case L: when a queue is gone, and whether a price is reached, through the public functions."""

from math import exp

import pytest

from quietfill.domain.errors import BadInput
from quietfill.market.queue import FillTime, barrier_probability, queue_time


def test_l1_poisson_depletion_is_an_erlang_time() -> None:
    """L1: ten lots to go, own included, at 0.2 a second: 0.757608 within a minute, 50 s on average."""
    law = FillTime(lots=10, rate=0.2)

    assert law.by(60) == pytest.approx(0.757608, abs=5e-7)
    assert law.mean == pytest.approx(50)


def test_l1_is_the_poisson_sum() -> None:
    """P(at least n trades by t) summed term by term gives the same for other queues."""
    for lots, rate, time in [(1, 0.2, 3.0), (3, 2.0, 0.7), (25, 0.5, 44.0)]:
        mean, term, below = rate * time, exp(-rate * time), 0.0
        for trades in range(lots):
            below += term
            term *= mean / (trades + 1)
        assert FillTime(lots, rate).by(time) == pytest.approx(1 - below, rel=1e-9)


@pytest.mark.parametrize("lots", [0.3, 1, 2.5, 10, 300, 5_000, 200_000, 3_000_000])
@pytest.mark.parametrize("ratio", [0.01, 0.9, 0.999, 1, 1.001, 1.3, 4])
def test_l1_agrees_with_an_independent_library(lots: float, ratio: float) -> None:
    """Short and long queues, early and late: scipy's incomplete gamma function says the same to 1e-9."""
    special = pytest.importorskip("scipy.special")

    assert FillTime(lots, 1.0).by(lots * ratio) == pytest.approx(special.gammainc(lots, lots * ratio), abs=1e-9)


@pytest.mark.parametrize("probability", [0.01, 0.5, 0.99])
def test_l1_quantiles_turn_chances_back_into_times(probability: float) -> None:
    """The chance of being done by a quantile is the chance that was asked for."""
    for law in (FillTime(1, 0.2), FillTime(10, 0.2), FillTime(4_000, 30)):
        time = law.quantile(probability)
        assert time is not None
        assert law.by(time) == pytest.approx(probability, rel=1e-9)


def test_l_nothing_trades_nothing_fills() -> None:
    """At rate 0 there is no mean, no quantile, and no chance."""
    law = FillTime(3, 0)

    assert (law.mean, law.quantile(0.5), law.by(1e9)) == (None, None, 0.0)
    assert law.quantile(0) == 0.0


def test_l4_a_driftless_barrier() -> None:
    """L4: distance 0.05, volatility 0.20, one unit of time: 2 Phi(-0.25) = 0.8025873."""
    assert barrier_probability(0.05, 0.20, 1) == pytest.approx(0.8025873, abs=5e-8)


def test_l4_a_barrier_at_the_price_is_reached_and_one_in_a_still_market_is_not() -> None:
    """Distance 0 is there already; without volatility or time nothing else is ever reached."""
    assert barrier_probability(0, 0, 0) == 1.0
    assert barrier_probability(0.05, 0, 100) == 0.0
    assert barrier_probability(0.05, 0.2, 0) == 0.0


def test_a_queue_in_one_trade_is_exponential() -> None:
    """Where the size of trades is not known the whole queue counts as one: the least certain law with that mean."""
    law = queue_time(500, 100)

    assert law.mean == pytest.approx(5)
    assert law.by(5) == pytest.approx(1 - exp(-1))
    assert queue_time(500, 100, 50).lots == pytest.approx(10)
    assert queue_time(500, 100, 9_999).lots == 1


@pytest.mark.parametrize(
    ("bad", "name"),
    [
        (lambda: FillTime(0, 1), "lots"),
        (lambda: FillTime(1, -1), "rate"),
        (lambda: FillTime(1, 1).by(-1), "time"),
        (lambda: FillTime(1, 1).by(float("nan")), "time"),
        (lambda: FillTime(1, 1).quantile(1.5), "probability"),
        (lambda: barrier_probability(-1, 1, 1), "distance"),
        (lambda: barrier_probability(1, float("inf"), 1), "volatility"),
        (lambda: queue_time(0, 1), "queue"),
    ],
)
def test_l_bad_input_is_named(bad, name) -> None:
    """What can never be meant is refused by name."""
    with pytest.raises(BadInput, match=name):
        bad()
