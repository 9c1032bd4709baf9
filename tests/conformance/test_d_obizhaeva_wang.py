"""D: Obizhaeva and Wang, "Optimal trading strategy and supply/demand dynamics" (2013)."""

import pytest

from quietfill.market.impact import (
    ResilientBook,
    constant_rate_transient_cost,
    optimal_blocks,
    optimal_transient_cost,
    permanent_cost,
    saving_against_constant_rate,
    trades_cost,
)

X, DEPTH, MINUTES = 100_000, 5_000, 390


@pytest.mark.parametrize(
    ("recovery", "half_life", "saving", "printed"),
    [(300, 0.90, 0.330, 0.33), (50, 5.41, 1.884, 1.88), (10, 27.03, 7.408, 7.41)],
)
def test_d1_the_saving(recovery, half_life, saving, printed):
    """D1: what the optimum saves against a constant rate, on the cost beyond the permanent part."""
    book = ResilientBook(depth=DEPTH, recovery_rate=recovery)
    percent = 100 * saving_against_constant_rate(book, 1)
    by_cost = 1 - optimal_transient_cost(book, X, 1) / constant_rate_transient_cost(book, X, 1)

    assert book.half_life * MINUTES == pytest.approx(half_life, abs=5e-3)
    assert percent == pytest.approx(saving, abs=5e-4)
    assert percent == pytest.approx(printed, abs=5e-3)
    assert by_cost == pytest.approx(percent / 100)


def test_d2_the_blocks():
    """D2: X / (rho T + 2) at both ends, and the rest at a constant rate."""
    blocks = optimal_blocks(ResilientBook(depth=DEPTH, recovery_rate=10), X, 1)
    slow = optimal_blocks(ResilientBook(depth=DEPTH, recovery_rate=2), X, 1)

    assert blocks.first_block == blocks.last_block == pytest.approx(8_333.33, abs=5e-3)
    assert blocks.rate == pytest.approx(83_333.3, abs=0.05)
    assert slow.first_block == pytest.approx(25_000)
    assert blocks.traded(1) == pytest.approx(X)


def test_the_closed_forms_are_limits_of_single_trades():
    """Priced trade by trade, a fine grid of the optimum and of the constant rate cost what the formulas say."""
    book, n = ResilientBook(depth=DEPTH, recovery_rate=10), 2_000
    blocks = optimal_blocks(book, X, 1)
    times = [(j + 0.5) / n for j in range(n)]
    best = trades_cost(book, [0, *times, 1], [blocks.first_block, *[blocks.rate / n] * n, blocks.last_block])
    even = trades_cost(book, times, [X / n] * n)

    assert best == pytest.approx(permanent_cost(book, X) + optimal_transient_cost(book, X, 1), rel=1e-3)
    assert even == pytest.approx(permanent_cost(book, X) + constant_rate_transient_cost(book, X, 1), rel=1e-3)


def test_permanent_impact_alone_leaves_nothing_to_save():
    """With lambda_p = 1/q every schedule costs X^2 / (2 q)."""
    book = ResilientBook(depth=DEPTH, recovery_rate=10, permanent_impact=1 / DEPTH)

    assert saving_against_constant_rate(book, 1) == 0
    assert trades_cost(book, [0, 0.2, 1], [X / 2, X / 4, X / 4]) == pytest.approx(X**2 / (2 * DEPTH))
