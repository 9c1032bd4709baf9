"""Cartea and Jaimungal: liquidation with a running penalty on inventory and a terminal one on what is left.

Source: A. Cartea, S. Jaimungal and J. Penalva, "Algorithmic and High-Frequency Trading" (2015), chapter 6,
liquidation with permanent price impact. Minimises E[ Int (k v^2 + phi q^2) dt + (alpha - b / 2) q_T^2 ] over the
speed v = -dq/dt.

Valid for linear temporary impact k v and linear permanent impact b v, and a terminal penalty that outweighs what
permanent impact gives back (alpha >= b / 2). Any units, the same in all fields; q is what is left to trade, so the
same path serves buys and sells.
"""

from __future__ import annotations

from math import exp, expm1, sqrt
from typing import Annotated

import msgspec

from quietfill.domain.errors import BadInput
from quietfill.domain.fields import read_fields
from quietfill.market.arguments import finite, not_negative, positive


class InventoryPenalties(msgspec.Struct, frozen=True, kw_only=True):
    """What trading fast, holding on and being left with something cost.

    Attributes:
        temporary_impact: k, in currency a share for each (share per unit of time).
        running_penalty: phi, in currency a squared share and unit of time; 0 for none.
        terminal_penalty: alpha, in currency a squared share left at the end.
        permanent_impact: b, in currency a share for each share traded.
    """

    temporary_impact: Annotated[float, positive]
    running_penalty: Annotated[float, not_negative]
    terminal_penalty: Annotated[float, not_negative]
    permanent_impact: Annotated[float, not_negative] = 0.0

    def __post_init__(self) -> None:
        """Refuse what can never be meant, naming field and value."""
        read_fields(self)
        if self.net_terminal < 0:
            raise BadInput(
                f"terminal_penalty {self.terminal_penalty} must be at least half of permanent_impact"
                f" {self.permanent_impact}: else it pays to be left with everything"
            )

    @property
    def net_terminal(self) -> float:
        """Return alpha - b / 2."""
        return self.terminal_penalty - self.permanent_impact / 2

    @property
    def rate(self) -> float:
        """Return g = sqrt(phi / k), per unit of time."""
        return sqrt(self.running_penalty / self.temporary_impact)


def quantity_left(penalties: InventoryPenalties, quantity: float, horizon: float, at: float) -> float:
    """Return q(t), what is left to trade at time *at* of the optimal path.

    q(t) = Q [z e^{g(T-t)} - e^{-g(T-t)}] / [z e^{gT} - e^{-gT}], z = (alpha - b/2 + sqrt(k phi)) / (alpha - b/2 -
    sqrt(k phi)); linear in t where phi = 0.

    Args:
        quantity: Q.
        horizon: T.
        at: t, from 0 to the horizon.

    Raises:
        BadInput: naming the argument and its value.
    """
    whole, left = _times(horizon, at)
    total = positive(quantity, "quantity")
    g, ahead = penalties.rate, penalties.net_terminal
    if not g:
        k = penalties.temporary_impact
        return total * (k + ahead * left) / (k + ahead * whole)
    root = penalties.temporary_impact * g  # sqrt(k phi)
    return total * exp(-g * (whole - left)) * _shape(ahead, root, g * left, -1) / _shape(ahead, root, g * whole, -1)


def speed(penalties: InventoryPenalties, quantity: float, horizon: float, at: float) -> float:
    """Return v(t) = -dq/dt of the optimal path, in shares per unit of time; see `quantity_left`."""
    held = quantity_left(penalties, quantity, horizon, at)
    return _worth(penalties, horizon, at) / penalties.temporary_impact * held


def expected_penalty(penalties: InventoryPenalties, quantity: float, horizon: float) -> float:
    """Return the least expected value of what is minimised, in currency: h(0) Q^2 with h(T) = alpha - b / 2.

    Raises:
        BadInput: naming the argument and its value.
    """
    return _worth(penalties, horizon, 0.0) * positive(quantity, "quantity") ** 2


def _worth(penalties: InventoryPenalties, horizon: float, at: float) -> float:
    """Return h(t), the cost to go for each squared share left."""
    left = _times(horizon, at)[1]
    g, ahead, k = penalties.rate, penalties.net_terminal, penalties.temporary_impact
    if not g:
        return k * ahead / (k + ahead * left)
    root = k * g
    return root * _shape(ahead, root, g * left, 1) / _shape(ahead, root, g * left, -1)


def _shape(ahead: float, root: float, angle: float, sign: int) -> float:
    """Return [(ahead + root) e^angle + sign (ahead - root) e^-angle] / e^angle.

    Both sides of z's fraction are kept, so that nothing breaks where its denominator is zero; and the difference is
    taken of 1 and e^(-2 angle), so that nothing is lost where the angle is small.
    """
    fade = exp(-2 * angle)
    if sign > 0:
        return (ahead + root) + (ahead - root) * fade
    return root * (1 + fade) - ahead * expm1(-2 * angle)


def _times(horizon: float, at: float) -> tuple[float, float]:
    whole = positive(horizon, "horizon")
    if not 0 <= finite(at, "at") <= whole:
        raise BadInput(f"at must lie between 0 and the horizon {whole}, not {at}")
    return whole, whole - at
