"""Implementation shortfall: what an order cost against the price at which it was decided or arrived.

Perold (1988) compares the real portfolio with a paper one that trades the whole order at the reference price
at once; Wagner and Edwards, and Kissell, split the difference. With s = +1 for a buy and -1 for a sell,
Q ordered, q filled, and prices P_d decision, P_0 arrival, P_avg average fill, P_n closing mid:

    delay        s Q (P_0 - P_d)            zero when either price is not given: there is then but one reference
    trading      s q (P_avg - P_0)
    opportunity  s (Q - q) (P_n - P_0)
    fees         commissions, positive when paid
    total        s [q (P_avg - P_d) + (Q - q) (P_n - P_d)] + fees

Every part is divided by one base, the paper value Q P_d (Q P_0 without a decision price), so that the
parts add up in currency and in bps alike. All of it is exact: figures are fractions until they are read.

The delay falls on what was filled, s q (P_0 - P_d), and on what was not, s (Q - q) (P_0 - P_d). Which of the
parts it is counted with is where the published forms differ; see `tca.forms`.

Sources: Perold, "The Implementation Shortfall: Paper versus Reality", J. Portfolio Management 14 (1988);
Wagner and Edwards, "Best Execution", Financial Analysts Journal 49 (1993); Kissell, "The Expanded
Implementation Shortfall", Journal of Trading 1 (2006).
"""

from __future__ import annotations

from fractions import Fraction

import msgspec

from quietfill.domain.exact import Exact
from quietfill.domain.types import PRICE_SCALE, QUANTITY_SCALE, OrderSide, Price, Quantity

_CURRENCY = PRICE_SCALE * QUANTITY_SCALE


class ShortfallTerms(msgspec.Struct, frozen=True, kw_only=True):
    """What a shortfall is computed from.

    Attributes:
        value: sum of quantity times price over the fills, exactly.
        arrival: price at arrival; None measures all of it from the decision.
        closing: price at the end of the order; None where unknown.
        fees: in 1e-9 of the currency, positive when paid; None where not all are known.
        decision: price at the decision; None when the order is measured from arrival.
        multiplier: currency per price point and contract.
    """

    side: OrderSide
    quantity: Quantity
    filled: Quantity
    value: int
    arrival: Exact | None
    closing: Exact | None
    fees: Price | None
    decision: Exact | None = None
    multiplier: int = 1


class Shortfall(msgspec.Struct, frozen=True, kw_only=True):
    """An order's shortfall in parts; costs in currency, positive when they hurt. None: cannot be known.

    Attributes:
        paper_value: the base: the whole order at the decision (else arrival) price, in currency.
        fill_rate: filled over ordered quantity.
        executed_bps: s (P_avg - P_0) / |P_0| 1e4 of the executed part alone; None when nothing is filled.
        delay: delay_filled + delay_unfilled.
    """

    paper_value: Fraction
    fill_rate: Fraction
    executed_bps: Fraction | None
    delay_filled: Fraction
    delay_unfilled: Fraction
    delay: Fraction
    trading: Fraction
    opportunity: Fraction | None
    fees: Fraction | None
    total: Fraction | None

    def bps(self, cost: Fraction | None) -> float | None:
        """Return a cost in 1e-4 of the paper value; None where either is unknown or the paper value is 0."""
        if cost is None or not self.paper_value:
            return None
        return float(10_000 * cost / self.paper_value)


def shortfall(terms: ShortfallTerms) -> Shortfall:
    """Return the shortfall of an order of positive quantity, in parts that add up to its total.

    Raises:
        ValueError: when the ordered quantity is not positive, or there is neither a decision nor an arrival price.
    """
    if terms.quantity <= 0:
        raise ValueError(f"quantity must be positive, not {terms.quantity}")
    sign, multiplier = terms.side.sign, terms.multiplier
    decision, arrival = _references(terms)
    unfilled = max(0, terms.quantity - terms.filled)
    worked = terms.filled + unfilled  # the order's quantity, or what was filled where that is more
    scale = Fraction(sign * multiplier, _CURRENCY)
    fees = None if terms.fees is None else Fraction(terms.fees, PRICE_SCALE)
    delayed = arrival - decision
    closing = arrival if unfilled == 0 else terms.closing
    parts = Shortfall(
        paper_value=abs(decision) * terms.quantity * multiplier / _CURRENCY,
        fill_rate=Fraction(terms.filled, terms.quantity),
        executed_bps=bps_above(arrival, terms.value, terms.filled, sign),
        delay_filled=scale * terms.filled * delayed,
        delay_unfilled=scale * unfilled * delayed,
        delay=scale * worked * delayed,
        trading=scale * (terms.value - terms.filled * arrival),
        opportunity=None if closing is None else scale * unfilled * (closing - arrival),
        fees=fees,
        total=None
        if closing is None or fees is None
        else scale * (terms.value + unfilled * closing - worked * decision) + fees,
    )
    _check_sum(parts)
    return parts


def bps_above(reference: Fraction, value: int, quantity: Quantity, sign: int) -> Fraction | None:
    """Return s (value / quantity - reference) / |reference| in bps; None without quantity or with reference 0."""
    if quantity == 0 or reference == 0:
        return None
    return 10_000 * sign * (Fraction(value, quantity) - reference) / abs(reference)


def _references(terms: ShortfallTerms) -> tuple[Fraction, Fraction]:
    """Return the decision and the arrival price; where there is but one it is both."""
    decision = terms.arrival if terms.decision is None else terms.decision
    arrival = terms.decision if terms.arrival is None else terms.arrival
    if decision is None or arrival is None:
        raise ValueError("a shortfall needs a decision or an arrival price")
    return Fraction(decision), Fraction(arrival)


def _check_sum(parts: Shortfall) -> None:
    """The total is computed by its own route; the parts must meet it exactly, on every call."""
    if parts.total is None or parts.opportunity is None or parts.fees is None:
        return
    total = parts.delay + parts.trading + parts.opportunity + parts.fees
    assert total == parts.total, f"shortfall parts {total} against total {parts.total}"
