"""All orders of a period: what they cost against arrival and VWAP, and how their fills came about."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from fractions import Fraction
from math import fsum
from statistics import median
from typing import TYPE_CHECKING, Any, TypeAlias

from quietfill.domain.errors import BadInput
from quietfill.domain.types import PRICE_SCALE, QUANTITY_SCALE, Timestamp, datetime_of, quantity_number, timestamp_from
from quietfill.tca.fill_figures import category_shares, fill_figures
from quietfill.tca.fill_metrics import cost_row
from quietfill.tca.fill_quality import fill_quality_report
from quietfill.tca.observed_order import ObservedOrder, by_currency, weighted_cost
from quietfill.tca.order_market import interval_market

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from quietfill.domain.exact import Exact

Moment: TypeAlias = "date | datetime"
"""A UTC day, or an aware instant."""


def period_of(start: Moment | None, end: Moment | None) -> tuple[Timestamp | None, Timestamp | None]:
    """Return the first and the last instant of a period, None where it is open. A day is a whole UTC day.

    Raises:
        BadInput: when one is naive or no date at all, or the end is before the start.
    """
    first = _instant(start, "start_date", last=False)
    last = _instant(end, "end_date", last=True)
    if first is not None and last is not None and last < first:
        raise BadInput(f"end_date {end} is before start_date {start}")
    return first, last


def period_report(
    orders: Sequence[ObservedOrder], start: Timestamp | None = None, end: Timestamp | None = None
) -> dict[str, Any]:
    """Return the report of the orders accepted at start <= t <= end.

    Means weight orders by filled value (the fill rate by ordered value at arrival) and are None with more than one
    currency; medians and extremes are of single orders. Orders without a fill count in the number and the fill rate.

    Args:
        orders: of any period.
        start, end: None takes the first and the last order's acceptance.
    """
    chosen = [
        order
        for order in orders
        if (start is None or order.order.accepted.at >= start) and (end is None or order.order.accepted.at <= end)
    ]
    times = [order.order.accepted.at for order in chosen]
    first = min(times, default=None) if start is None else start
    last = max(times, default=None) if end is None else end
    return {
        "period": {
            "start": None if first is None else datetime_of(first),
            "end": None if last is None else datetime_of(last),
        },
        "order_count": len(chosen),
        "orders_filled": sum(order.order.filled > 0 for order in chosen),
        "total_filled_quantity": quantity_number(sum(order.order.filled for order in chosen)),
        "avg_fill_rate_pct": _fill_rate(chosen),
        "arrival_cost_bps": _costs(chosen, lambda order: order.order.arrival_mid),
        "vwap_cost_bps": _costs(chosen, lambda order: interval_market(order.order, order.history).vwap),
        "execution_quality": {
            "avg_price_improvement_rate": _weighted(chosen, _improvement_rate),
            "avg_aggressive_fill_pct": _weighted(chosen, _aggressive),
        },
        "currencies": list(by_currency(chosen)),
    }


def _costs(orders: Sequence[ObservedOrder], price: Callable[[ObservedOrder], Exact | None]) -> dict[str, Any]:
    rows = [row for order in orders if (row := cost_row(order, price(order))) is not None]
    bps = [float(10_000 * cost / base) for _, cost, base in rows]
    ratio = weighted_cost(rows)
    return {
        "mean": None if ratio is None else ratio.bps,
        "standard_error": None if ratio is None else ratio.standard_error_bps,
        "median": median(bps) if bps else None,
        "min": min(bps, default=None),
        "max": max(bps, default=None),
        "orders": len(bps),
    }


def _fill_rate(orders: Sequence[ObservedOrder]) -> float | None:
    """Return 100 sum(min(q, Q) P_0) / sum(Q P_0); of the only currency."""
    if len(by_currency(orders)) != 1:
        return None
    filled = ordered = Fraction(0)
    for order, _, multiplier, *_ in orders:
        if order.arrival_mid is not None:
            value = abs(order.arrival_mid) * multiplier
            filled += min(order.filled, order.quantity) * value
            ordered += order.quantity * value
    return float(100 * filled / ordered) if ordered else None


def _weighted(orders: Sequence[ObservedOrder], figure: Callable[[ObservedOrder], float | None]) -> float | None:
    """Return the mean of a figure weighted by filled value; of the only currency."""
    known = [(value, order) for order in orders if order.order.filled and (value := figure(order)) is not None]
    if len({order.currency for _, order in known}) != 1:
        return None
    weights = [abs(order.order.value) * order.multiplier / (PRICE_SCALE * QUANTITY_SCALE) for _, order in known]
    total = fsum(weights)
    return fsum(value * weight for (value, _), weight in zip(known, weights, strict=True)) / total if total else None


def _improvement_rate(observed: ObservedOrder) -> float | None:
    rate: float | None = fill_quality_report(observed.order)["price_improvement"]["improvement_rate"]
    return rate


def _aggressive(observed: ObservedOrder) -> float | None:
    return category_shares(fill_figures(observed.order, observed.history, ())).get("aggressive")


def _instant(moment: Moment | None, name: str, *, last: bool) -> Timestamp | None:
    if moment is None:
        return None
    if isinstance(moment, datetime):
        if moment.tzinfo is None:
            raise BadInput(f"{name} must be an aware datetime or a date, not the naive {moment.isoformat()}")
        return timestamp_from(moment, name)
    if not isinstance(moment, date):
        raise BadInput(f"{name} must be an aware datetime or a date, not {moment!r}")
    day = datetime.combine(moment, time(), UTC)
    return timestamp_from(day + timedelta(days=1), name) - 1 if last else timestamp_from(day, name)
