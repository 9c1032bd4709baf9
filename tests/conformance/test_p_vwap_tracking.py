"""P: VWAP tracking (Konishi 2002 and after)."""

import pytest

from quietfill.market.scheduling import dirichlet_covariance, tracking_variance, volume_curve_moments

M = (0.3, 0.2, 0.2, 0.3)
COVARIANCE = dirichlet_covariance(M, 50)


@pytest.mark.parametrize(("planned", "schedule"), [(M, 0.0), ((0.25,) * 4, 0.005)])
def test_p1_the_two_parts(planned, schedule):
    """P1: following the expected curve leaves the floor alone; an even schedule adds its own part."""
    variance = tracking_variance(planned, M, COVARIANCE, 1)

    assert variance.schedule == pytest.approx(schedule, abs=1e-15)
    assert variance.floor == pytest.approx(0.01313725, abs=5e-9)
    assert variance.total == pytest.approx(schedule + 0.01313725, abs=5e-9)


def test_the_parts_are_the_quadratic_forms():
    """(u - m)' C (u - m) and tr(C S) with C_ij = sigma^2 min(i, j), written out."""
    u, sigma = (0.1, 0.4, 0.3, 0.2), 1.7
    c = [[sigma**2 * min(i, j) for j in range(1, 5)] for i in range(1, 5)]
    d = [mine - theirs for mine, theirs in zip(u, M, strict=True)]
    variance = tracking_variance(u, M, COVARIANCE, sigma)

    assert variance.schedule == pytest.approx(sum(d[i] * c[i][j] * d[j] for i in range(4) for j in range(4)))
    assert variance.floor == pytest.approx(sum(c[i][j] * COVARIANCE[j][i] for i in range(4) for j in range(4)))


def test_moments_of_recorded_days():
    """The mean curve and covariance of days are those of their shares of volume."""
    mean, covariance = volume_curve_moments([(10, 30), (300, 100)])

    assert mean == pytest.approx((0.5, 0.5))
    assert covariance[0] == pytest.approx((0.125, -0.125))
    assert covariance[1] == pytest.approx((-0.125, 0.125))
