"""O: Cartea and Jaimungal, liquidation with running and terminal penalty."""

from itertools import pairwise

import pytest

from quietfill.market.scheduling import InventoryPenalties, expected_penalty, quantity_left, speed

CASE = InventoryPenalties(temporary_impact=1e-3, permanent_impact=1e-4, running_penalty=1e-2, terminal_penalty=0.1)


def test_o1_the_path():
    """O1: what is left at a quarter, half, three quarters and the end, and the first speed."""
    held = [quantity_left(CASE, 1, 1, at) for at in (0.25, 0.5, 0.75, 1)]

    assert held == pytest.approx([0.450636, 0.197899, 0.075426, 0.002601], abs=5e-7)
    assert speed(CASE, 1, 1, 0) == pytest.approx(3.172933, abs=5e-7)
    assert quantity_left(CASE, 1, 1, 0) == 1


def integral(penalties, path, n):
    """Price a path given at n + 1 equal times: impact and running penalty by trapezia, then the terminal one."""
    dt, cost = 1 / n, 0.0
    for before, after in pairwise(path):
        cost += penalties.temporary_impact * ((before - after) / dt) ** 2 * dt
        cost += penalties.running_penalty * (before**2 + after**2) / 2 * dt
    return cost + (penalties.terminal_penalty - penalties.permanent_impact / 2) * path[-1] ** 2


@pytest.mark.parametrize("running", [1e-2, 0.0, 9.9900025])  # the last makes sqrt(k phi) = alpha - b / 2
def test_it_costs_what_it_says_and_nothing_costs_less(running):
    """The path's own integral is the stated value, and bending the path only adds to it."""
    penalties = InventoryPenalties(
        temporary_impact=1e-3, permanent_impact=1e-4, running_penalty=running, terminal_penalty=0.1
    )
    n = 4_000
    path = [quantity_left(penalties, 1, 1, j / n) for j in range(n + 1)]
    value = integral(penalties, path, n)

    assert value == pytest.approx(expected_penalty(penalties, 1, 1), rel=1e-3)
    for bend in (-0.02, 0.02):
        bent = [q + bend * (j / n) * (1 - j / (2 * n)) for j, q in enumerate(path)]
        assert integral(penalties, bent, n) > value


def test_speed_is_the_slope():
    """V = -dq/dt all along the path."""
    for at in (0.1, 0.4, 0.9):
        slope = (quantity_left(CASE, 1, 1, at - 1e-5) - quantity_left(CASE, 1, 1, at + 1e-5)) / 2e-5
        assert speed(CASE, 1, 1, at) == pytest.approx(slope, rel=1e-6)
