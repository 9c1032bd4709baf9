"""Changes of a running order: checked like a new order of the changed terms, except where they only take risk away.

The market moves, limits are configured anew, and orders come from other agents: so an order may stand beyond a limit
without anybody's fault. Whoever makes such an order smaller must not be told that it is too large.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from quietfill.risk.checks import limit_checks

if TYPE_CHECKING:
    from quietfill.domain.instrument import Instrument
    from quietfill.domain.messages import NewOrder
    from quietfill.domain.types import Price
    from quietfill.risk.limits import RiskLimits


def change_reasons(
    changed: NewOrder, standing: NewOrder, instrument: Instrument, limits: RiskLimits, reference_price: Price | None
) -> tuple[str, ...]:
    """Return which limits forbid a change; empty when none does.

    A change that adds no risk is not refused because of a limit that the order exceeds as it stands.

    Args:
        changed: the order with its new terms.
        standing: the same order as it is now.
        instrument: what its symbol means.
        limits: how much may be asked for at once.
        reference_price: the market, in 1e-9 of the currency; None while there is no quote.
    """
    found = limit_checks(changed, instrument, limits, reference_price)
    if not adds_risk(changed, standing):
        already = limit_checks(standing, instrument, limits, reference_price)
        found = tuple(new for new, old in zip(found, already, strict=True) if not old)
    return tuple(reason for reasons in found for reason in reasons)


def adds_risk(changed: NewOrder, standing: NewOrder) -> bool:
    """Say whether new terms are larger, reach further or last longer than those whose place they take."""
    before, after = standing.limit_price, changed.limit_price
    reaches_further = before is not None and (after is None or changed.side.sign * (after - before) > 0)
    lasts_longer = standing.end is not None and (changed.end is None or changed.end > standing.end)
    return changed.quantity > standing.quantity or reaches_further or lasts_longer
