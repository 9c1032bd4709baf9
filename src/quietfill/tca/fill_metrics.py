"""Slippage and price improvement of all orders together."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING, Any

from quietfill.domain.types import PRICE_SCALE, QUANTITY_SCALE, quantity_number
from quietfill.tca.fill_quality import fill_quality_report
from quietfill.tca.observed_order import ObservedOrder, weighted_cost
from quietfill.tca.shortfall import bps_above

if TYPE_CHECKING:
    from collections.abc import Sequence

    from quietfill.domain.exact import Exact


def aggregate_fill_metrics(orders: Sequence[ObservedOrder]) -> dict[str, Any]:
    """Return what all orders' fills cost against arrival, and how much better than their slice's start they were.

    Slippage is the average fill against the arrival mid, positive when it hurt; improvement is that of each slice
    against the mid that it was decided on, positive when it helped. Averages weight orders by filled value and are
    None with more than one currency; `orders_with_slippage` and `orders_with_improvement` count those above 0.
    """
    costs = [row for order in orders if (row := cost_row(order, order.order.arrival_mid)) is not None]
    slippage = [float(10_000 * cost / base) for _, cost, base in costs if base]
    improved = [(order, bps) for order in orders if (bps := _improvement(order)) is not None]
    gains = [(order, Fraction(bps) * value / 10_000, value) for order, bps in improved for value in [_value(order)]]
    better = sum(bps > 0 for _, bps in improved)
    return {
        "total_orders": len(orders),
        "total_shares_filled": quantity_number(sum(order.order.filled for order in orders)),
        "slippage": {
            **_mean(costs),
            "max_bps": max(slippage, default=None),
            "min_bps": min(slippage, default=None),
            "orders_with_slippage": sum(bps > 0 for bps in slippage),
            "orders_measured": len(slippage),
        },
        "price_improvement": {
            **_mean(gains),
            "max_bps": max((bps for _, bps in improved), default=None),
            "orders_with_improvement": better,
            "improvement_rate": better / len(improved) if improved else None,
            "orders_measured": len(improved),
        },
    }


def cost_row(observed: ObservedOrder, benchmark: Exact | None) -> tuple[ObservedOrder, Fraction, Fraction] | None:
    """Return an order with its fills' cost against a price, and their value at that price, in currency.

    None without fills, and where the price is not known or 0.
    """
    order = observed.order
    if benchmark is None or not benchmark or not order.filled:
        return None
    price = Fraction(benchmark)
    base = abs(price) * order.filled * observed.multiplier / (PRICE_SCALE * QUANTITY_SCALE)
    above = bps_above(price, order.value, order.filled, order.side.sign)
    assert above is not None, "there are fills and a price"
    return observed, above * base / 10_000, base


def _improvement(observed: ObservedOrder) -> float | None:
    bps: float | None = fill_quality_report(observed.order)["price_improvement"]["avg_improvement_bps"]
    return bps


def _value(observed: ObservedOrder) -> Fraction:
    return abs(Fraction(observed.multiplier * observed.order.value, PRICE_SCALE * QUANTITY_SCALE))


def _mean(rows: Sequence[tuple[ObservedOrder, Fraction, Fraction]]) -> dict[str, float | None]:
    ratio = weighted_cost(rows)
    if ratio is None:
        return {"avg_bps": None, "standard_error_bps": None}
    return {"avg_bps": ratio.bps, "standard_error_bps": ratio.standard_error_bps}
