"""The published forms of implementation shortfall: one total, split three ways.

With s = +1 for a buy and -1 for a sell, Q ordered, q filled, P_d decision, P_0 arrival, P_avg average fill and
P_n closing price:

    form              delay            trading / execution   opportunity            fees
    Perold            -                s q (P_avg - P_d)     s (Q - q) (P_n - P_d)  fees
    Wagner, Edwards   s q (P_0 - P_d)  s q (P_avg - P_0)     s (Q - q) (P_n - P_d)  fees
    Kissell           s Q (P_0 - P_d)  s q (P_avg - P_0)     s (Q - q) (P_n - P_0)  fees

The rows add up to the same total, exactly. A part that rests on an unknown price is None, and only that part.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from fractions import Fraction

    from quietfill.tca.shortfall import Shortfall

Parts: TypeAlias = "dict[str, Fraction | None]"
"""Costs by name, in currency, positive when they hurt."""


def perold(shortfall: Shortfall) -> Parts:
    """Return execution, opportunity and fees (Perold 1988): no arrival price is needed."""
    return {
        "execution": shortfall.delay_filled + shortfall.trading,
        "opportunity": _missed(shortfall),
        "fees": shortfall.fees,
    }


def wagner_edwards(shortfall: Shortfall) -> Parts:
    """Return delay of what was filled, trading, opportunity from the decision on, and fees (Wagner, Edwards 1993)."""
    return {
        "delay": shortfall.delay_filled,
        "trading": shortfall.trading,
        "opportunity": _missed(shortfall),
        "fees": shortfall.fees,
    }


def kissell(shortfall: Shortfall) -> Parts:
    """Return delay of the whole order, trading, opportunity from arrival on, and fees (Kissell 2006, expanded)."""
    return {
        "delay": shortfall.delay,
        "trading": shortfall.trading,
        "opportunity": shortfall.opportunity,
        "fees": shortfall.fees,
    }


def _missed(shortfall: Shortfall) -> Fraction | None:
    return None if shortfall.opportunity is None else shortfall.delay_unfilled + shortfall.opportunity
