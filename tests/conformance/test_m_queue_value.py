"""Case M: what a place in a queue is worth (Moallemi and Yuan 2017), in ticks a share."""

import pytest

from quietfill.domain.errors import BadInput
from quietfill.market.queue import order_value
from quietfill.market.spread import LEFT_BEHIND

NAMES = {
    # name: value at the back, fill probability, adverse selection, value at the front
    "BAC": (0.14, 0.62, 0.57, 0.36),
    "CSCO": (0.08, 0.63, 0.68, 0.24),
    "INTC": (0.11, 0.64, 0.63, 0.28),
    "PBR": (-0.03, 0.57, 0.85, 0.03),
    "EFA": (0.03, 0.57, 0.74, 0.06),
}


@pytest.mark.parametrize("name", NAMES)
def test_m_the_value_formula_gives_the_published_values(name: str) -> None:
    """Fill probability times (half a tick and the rebate less adverse selection) is the printed value at the back."""
    back, filled, adverse, _front = NAMES[name]

    assert order_value(filled, adverse) == pytest.approx(back, abs=0.005)


@pytest.mark.parametrize("name", NAMES)
def test_m_the_front_is_worth_more_than_the_back(name: str) -> None:
    """A surer fill with no more adverse selection raises the value towards, and not beyond, the front's bound."""
    back, filled, _adverse, front = NAMES[name]

    assert back < front <= order_value(1.0, 0.0)
    assert order_value(1.0, 0.8 - front) == pytest.approx(front)
    assert 0.55 <= filled <= 0.65


def test_m_the_back_may_be_worth_less_than_nothing() -> None:
    """Adverse selection beyond half-spread and rebate makes a fill cost more than it earns."""
    assert order_value(0.57, 0.85) < 0 < order_value(0.57, 0.85, rebate=0.4)


def test_m_the_share_left_behind_is_that_of_the_published_names() -> None:
    """The crossing choice's calibration is the names' mean chance of no fill over the half that queues foretell."""
    missed = 1 - sum(filled for _, filled, _, _ in NAMES.values()) / len(NAMES)

    assert pytest.approx(missed / 0.5, abs=0.005) == LEFT_BEHIND


def test_m_bad_input_is_named() -> None:
    """A chance beyond 1 or a number that is none is refused by name."""
    with pytest.raises(BadInput, match="fill_probability"):
        order_value(1.1, 0.5)
    with pytest.raises(BadInput, match="adverse_selection"):
        order_value(0.5, float("nan"))
