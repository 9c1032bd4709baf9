"""One number for an order's execution, made of parts that can be looked at.

Each component is 0 to 100: `fill_rate` is the share that was filled; `slippage` is 100 at no cost against arrival and
0 at the collar; `price_improvement` is the share of the filled quantity that traded better than the mid its child was
decided on. The score is their mean under the weights; a component that cannot be known is left out with its weight.
A score ranks nothing that its parts do not: for costs read the shortfall.
"""

from __future__ import annotations

from collections import Counter
from math import isfinite
from typing import TYPE_CHECKING, Any, Final

from quietfill.domain.errors import BadInput
from quietfill.domain.types import quantity_number
from quietfill.tca.fill_quality import fill_quality_report
from quietfill.tca.shortfall import bps_above
from quietfill.tca.summary import arrival_mid

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from quietfill.tca.ledger import OrderLedger

DEFAULT_WEIGHTS: Final = {"fill_rate": 0.4, "slippage": 0.4, "price_improvement": 0.2}
GRADES: Final = ((90.0, "A"), (80.0, "B"), (70.0, "C"), (60.0, "D"))


def quality_score(
    order: OrderLedger, max_slippage_bps: float, weights: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """Return order_id, score (0-100, None when nothing can be known), grade (A-F), components and weights.

    Raises:
        BadInput: when a weight is negative or not finite.
    """
    used = checked_weights(weights)
    components = _components(order, max_slippage_bps)
    known = {name: value for name, value in components.items() if value is not None and used[name] > 0}
    total = sum(used[name] for name in known)
    score = sum(used[name] * value for name, value in known.items()) / total if total else None
    return {
        "order_id": order.order_id,
        "score": score,
        "grade": None if score is None else grade_of(score),
        "components": components,
        "weights": used,
        "quantity": quantity_number(order.quantity),
    }


def quality_summary(scores: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return orders_scored, avg_score (weighted by quantity) and grades {A..F: count} of single scores."""
    known = [row for row in scores if row["score"] is not None]
    quantity = sum(row["quantity"] for row in known)
    counts = Counter(row["grade"] for row in known)
    return {
        "orders_scored": len(known),
        "avg_score": sum(row["score"] * row["quantity"] for row in known) / quantity if quantity else None,
        "grades": {grade: counts.get(grade, 0) for grade in "ABCDF"},
    }


def grade_of(score: float) -> str:
    """Return A from 90, B from 80, C from 70, D from 60, else F."""
    return next((grade for least, grade in GRADES if score >= least), "F")


def checked_weights(weights: Mapping[str, Any] | None) -> dict[str, float]:
    """Return the weights of all components, those not given at 0; the defaults when none of them is given.

    Components of older agents that are not known here are left out with their weight.

    Raises:
        BadInput: naming the weight that is wrong.
    """
    given = weights or {}
    for name, weight in given.items():
        if isinstance(weight, bool) or not isinstance(weight, (int, float)) or not isfinite(weight) or weight < 0:
            raise BadInput(f"quality_score_weights: {name} must be 0 or more, not {weight!r}")
    used = {name: float(given.get(name, 0.0)) for name in DEFAULT_WEIGHTS}
    return used if any(used.values()) else dict(DEFAULT_WEIGHTS)


def _components(order: OrderLedger, max_slippage_bps: float) -> dict[str, float | None]:
    report = fill_quality_report(order)
    arrival = arrival_mid(order)
    cost = None if arrival is None else bps_above(arrival, order.value, order.filled, order.side.sign)
    judged = [row for row in report["slices"] if row["price_improvement_bps"] is not None]
    filled = sum(row["filled_quantity"] for row in judged)
    improved = sum(row["filled_quantity"] for row in judged if row["has_price_improvement"])
    return {
        "fill_rate": 100 * min(1.0, order.filled / order.quantity),
        "slippage": None if cost is None else 100 * _held(1 - float(cost) / max(max_slippage_bps, 1e-9)),
        "price_improvement": 100 * improved / filled if filled else None,
    }


def _held(value: float) -> float:
    return min(1.0, max(0.0, value))
