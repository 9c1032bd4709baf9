"""One order after the fact: its average fill against benchmarks, its shortfall, how its fills came about."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from quietfill.domain.errors import BadInput
from quietfill.domain.types import datetime_of, quantity_number
from quietfill.tca.figures import BENCHMARKS, OrderFigures, order_figures
from quietfill.tca.fill_quality import fill_quality_report
from quietfill.tca.shortfall_report import implementation_shortfall

if TYPE_CHECKING:
    from quietfill.tca.observed_order import ObservedOrder

PRIMARY: Final = tuple(name for name in BENCHMARKS if name not in {"low", "high"})
"""What may be asked for as primary benchmark; the best and worst price of the interval judge nobody."""


def checked_benchmark(name: str) -> str:
    """Return the name of a benchmark in the house's spelling.

    Raises:
        BadInput: when there is none of that name; the message lists those that there are.
    """
    known = str(name).lower()
    if known not in PRIMARY:
        raise BadInput(f"benchmark must be one of {', '.join(PRIMARY)}, not {name!r}")
    return known


def post_trade_tca(
    observed: ObservedOrder, benchmark: str = "arrival", impact_bps: float | None = None
) -> dict[str, Any]:
    """Return everything about one order's cost.

    VWAP is of the observed prints of others, TWAP of the observed mid over time, both from arrival to the last fill;
    the close is known once the day is over. `duration_seconds` runs from arrival to the last fill, else to the end.

    Args:
        observed: the order and its market.
        benchmark: the one that `primary_cost_bps` is against, in any letter case.
        impact_bps: what the order was expected to cost by moving the market, None when nothing was.

    Raises:
        BadInput: when the benchmark is unknown.
    """
    primary = checked_benchmark(benchmark)
    order = observed.order
    figures = order_figures(order, observed.history, multiplier=observed.multiplier)
    return {
        "order_id": order.order_id,
        "algo": order.algo,
        "notes": list(order.notes),
        "symbol": order.symbol,
        "side": order.side.value,
        "quantity": quantity_number(order.quantity),
        "filled_quantity": quantity_number(order.filled),
        "fill_rate_pct": 100 * figures.fill_rate,
        "avg_fill_price": figures.avg_fill_price,
        "benchmarks": figures.benchmarks,
        "costs_bps": {f"vs_{name}": cost for name, cost in figures.costs_bps.items()},
        "primary_benchmark": primary,
        "primary_cost_bps": figures.costs_bps[primary],
        "implementation_shortfall": implementation_shortfall(observed),
        "estimated_market_impact_bps": impact_bps,
        "execution_quality": _quality(observed, figures),
        "market": {
            "source": figures.market_source,
            "volume": figures.market_volume,
            "participation": figures.participation,
            "rpm": figures.rpm,
        },
        "spreads": {
            "quoted_bps": figures.quoted_spread_bps,
            "effective_bps": figures.effective_spread_bps,
            "capture": figures.spread_capture,
            "realized_bps": figures.realized_spread_bps,
            "impact_bps": figures.price_impact_bps,
        },
        "markout_bps": figures.markout_bps,
        "reversion_bps": figures.reversion_bps,
        "created_at": datetime_of(order.accepted.at),
        "time_to_first_fill_seconds": figures.time_to_first_fill_seconds,
        "duration_seconds": figures.duration_seconds,
    }


def _quality(observed: ObservedOrder, figures: OrderFigures) -> dict[str, Any]:
    shares = {name: figures.category_pct.get(name) for name in ("aggressive", "passive", "midpoint", "unknown")}
    return {
        "price_improvement_rate": fill_quality_report(observed.order)["price_improvement"]["improvement_rate"],
        "avg_slippage_bps": figures.costs_bps["arrival"],
        **{f"{name}_fill_pct": share for name, share in shares.items()},
    }
