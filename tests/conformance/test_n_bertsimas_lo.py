"""N: Bertsimas and Lo, "Optimal control of execution costs" (1998), linear permanent impact."""

import pytest

from quietfill.market.scheduling import (
    InformedMarket,
    even_split,
    even_split_cost,
    informed_cost,
    informed_trade,
)


def test_n1_the_block_of_the_paper():
    """N1: 100,000 shares in 20 periods cost 5,262,500, 2.625 a share; all at once 5,500,000."""
    spread, at_once = even_split_cost(100_000, 20, 5e-5, 50), even_split_cost(100_000, 1, 5e-5, 50)

    assert even_split(100_000, 20) == (5_000,) * 20
    assert spread.paid == pytest.approx(5_262_500)
    assert spread.excess_per_share == pytest.approx(2.625)
    assert at_once.paid == pytest.approx(5_500_000)


def test_the_formula_is_what_the_trades_pay():
    """Priced trade by trade, P_t = P_{t-1} + theta S_t, the even split pays the closed form."""
    price, paid = 50.0, 0.0
    for trade in even_split(100_000, 20):
        price += 5e-5 * trade
        paid += price * trade

    assert even_split_cost(100_000, 20, 5e-5, 50).paid == pytest.approx(paid)


def test_a_signal_of_nothing_changes_nothing():
    """With information that does not move the price, the optimum is the even split."""
    market = InformedMarket(impact=5e-5, sensitivity=0.0, persistence=0.5)

    assert informed_trade(market, 100_000, 20, signal=3.0) == pytest.approx(5_000)
    assert informed_cost(market, 100_000, 20, 50, signal=3.0).paid == pytest.approx(5_262_500)


def test_the_informed_optimum_beats_its_neighbours():
    """Section 2.3 by dynamic programming: trading a little more or less now costs more, by the value function."""
    market = InformedMarket(impact=5e-5, sensitivity=0.5, persistence=0.6, signal_variance=0.04)
    total, periods, signal = 100_000, 5, 1.5

    def cost(first):
        """Trade *first* now and the optimum after it, in expectation over the next signal."""
        price = 50 + market.impact * first + market.sensitivity * signal
        left, known = total - first, market.persistence * signal
        later = informed_cost(market, left, periods - 1, price, known).paid
        # The value is quadratic in the signal: its noise adds the coefficient of X^2 times the variance.
        bump = [informed_cost(market, left, periods - 1, price, known + move).paid for move in (-1, 1)]
        curvature = sum(bump) / 2 - later
        return price * first + later + curvature * market.signal_variance

    best = informed_trade(market, total, periods, signal)

    assert cost(best) == pytest.approx(informed_cost(market, total, periods, 50, signal).paid, rel=1e-12)
    assert cost(best) < min(cost(best - 500), cost(best + 500))
    assert best > informed_trade(market, total, periods, 0.0)
