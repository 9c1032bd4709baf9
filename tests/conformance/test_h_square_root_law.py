"""H: the square-root law, the house's default and Almgren et al. (2005) side by side."""

import pytest

from quietfill.market.impact import PowerLawImpact, SquareRootLaw, almgren_2005_impact

SIGMA, V = 0.02, 1e6


@pytest.mark.parametrize(
    ("share", "default", "peak", "average", "half", "day", "tenth"),
    [
        (0.01, 2.0000, 20.0000, 13.3333, 10.0000, 2.7849, 8.1267),
        (0.10, 6.3246, 63.2456, 42.1637, 31.6228, 17.0633, 38.3296),
    ],
)
def test_the_table(share, default, peak, average, half, day, tenth):
    """H: seven models at 1 % and 10 % of the day's volume and 200 bps a day, peak and average named."""
    quantity = share * V
    law = SquareRootLaw(y=1, delta=0.5).move(quantity, V, SIGMA)
    fitted = [
        almgren_2005_impact(
            quantity=quantity, daily_volume=V, shares_outstanding=100 * V, daily_volatility=SIGMA, horizon_days=horizon
        ).cost_bps
        for horizon in (1, 0.1)
    ]

    assert PowerLawImpact().order_impact("X", quantity, V, SIGMA).temporary_bps == pytest.approx(default, abs=5e-5)
    assert (law.peak_bps, law.average_bps) == pytest.approx((peak, average), abs=5e-5)
    assert SquareRootLaw(y=0.5).move(quantity, V, SIGMA).peak_bps == pytest.approx(half, abs=5e-5)
    assert fitted == pytest.approx([day, tenth], abs=5e-5)


@pytest.mark.parametrize("delta", [0.4, 0.489, 0.5, 0.7])
def test_the_average_is_the_integral_of_the_move(delta):
    """At a constant rate the average paid is I / (1 + delta): two thirds of the peak at 1/2."""
    law, n = SquareRootLaw(y=0.8, delta=delta), 20_000
    move = law.move(1_000, V, SIGMA)
    paid = sum(law.move(1_000 * (j + 0.5) / n, V, SIGMA).peak_bps for j in range(n)) / n

    assert move.average_bps == pytest.approx(move.peak_bps / (1 + delta))
    assert move.average_bps == pytest.approx(paid, rel=1e-4)
