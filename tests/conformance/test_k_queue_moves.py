"""Case K: the chance that the next mid move is up (Cont and de Larrard 2013), through the public function."""

import pytest

from quietfill.domain.errors import BadInput
from quietfill.market.queue_moves import LIMIT_FROM, chance_mid_rises, chance_mid_rises_limit


@pytest.mark.parametrize(
    ("bid", "ask", "expected"),
    [(1, 1, 0.5), (2, 1, 0.697653), (1, 2, 0.302347), (5, 1, 0.872874), (10, 3, 0.814007)],
)
def test_k1_the_integral_gives_the_published_chances(bid: int, ask: int, expected: float) -> None:
    """K1: Cont and de Larrard (2013), Proposition 3, to the last digit stated."""
    assert chance_mid_rises(bid, ask) == pytest.approx(expected, abs=5e-7)


def test_k3_the_limit_of_large_queues_is_not_the_linear_ratio() -> None:
    """K3: (2/pi) atan(b/a) at (2, 1), and b/(a + b) only as the correlation falls to -1."""
    assert chance_mid_rises_limit(2, 1) == pytest.approx(0.704833, abs=5e-7)
    assert chance_mid_rises_limit(2, 1, correlation=-1 + 1e-9) == pytest.approx(2 / 3, abs=1e-6)


@pytest.mark.parametrize(("bid", "ask"), [(1, 4), (3, 2), (7, 30), (60, 90), (400, 150), (2, 500)])
def test_k_mirrored_queues_have_mirrored_chances(bid: int, ask: int) -> None:
    """What is likely up with the queues one way is likely down with them exchanged."""
    assert chance_mid_rises(bid, ask) + chance_mid_rises(ask, bid) == pytest.approx(1, abs=1e-12)


def test_k_each_state_is_the_mean_of_its_neighbours() -> None:
    """The chance solves its own equation: the next event moves either queue by a lot, each way alike."""
    for bid, ask in [(2, 2), (3, 5), (9, 4), (40, 60)]:
        around = [(bid + 1, ask), (bid - 1, ask), (bid, ask + 1), (bid, ask - 1)]
        mean = sum(chance_mid_rises(*state) for state in around) / 4
        assert chance_mid_rises(bid, ask) == pytest.approx(mean, abs=1e-9)


def test_k_the_integral_meets_its_limit() -> None:
    """Where the limit takes over, the two differ by less than 1e-6."""
    for ask in (LIMIT_FROM, 2 * LIMIT_FROM, 20 * LIMIT_FROM):
        exact = chance_mid_rises(LIMIT_FROM - 1, ask)
        assert exact == pytest.approx(chance_mid_rises_limit(LIMIT_FROM - 1, ask), abs=1e-6)


@pytest.mark.parametrize(("bid", "ask"), [(0, 1), (1, -2), (1.5, 1)])
def test_k_a_queue_without_a_whole_lot_is_refused(bid: float, ask: float) -> None:
    """A broken or empty queue is named."""
    with pytest.raises(BadInput, match="_lots"):
        chance_mid_rises(bid, ask)


def test_k_a_correlation_of_one_is_refused() -> None:
    """The limit needs a correlation strictly between -1 and 1, and some size."""
    with pytest.raises(BadInput, match="correlation"):
        chance_mid_rises_limit(1, 1, correlation=1)
    with pytest.raises(BadInput, match="both be zero"):
        chance_mid_rises_limit(0, 0)
