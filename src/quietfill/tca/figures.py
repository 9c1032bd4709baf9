"""Everything that is known of what one order cost: parts, benchmarks, spreads, markouts, reversion.

It needs the order's records alone. An observed market adds what they do not hold: markouts, PWP, RPM, the day's
prices. Formulas: docs/explanation/every-figure-in-a-report.md.
"""

from __future__ import annotations

from fractions import Fraction
from functools import partial
from typing import TYPE_CHECKING

import msgspec

from quietfill.domain.exact import Exact
from quietfill.domain.types import MILLISECOND, MINUTE, SECOND, Duration, OrderSide, PublicNumber
from quietfill.tca.benchmarks import in_currency, mid_at
from quietfill.tca.fill_figures import category_shares, fill_figures, weighted
from quietfill.tca.fill_quality import average_price
from quietfill.tca.marks import HORIZONS
from quietfill.tca.order_market import PWP_RATE, OrderMarket, closing_mid, order_market
from quietfill.tca.shortfall import Shortfall, bps_above
from quietfill.tca.summary import order_shortfall

if TYPE_CHECKING:
    from collections.abc import Sequence

    from quietfill.market.history import MarketHistory
    from quietfill.tca.fill_figures import FillFigures
    from quietfill.tca.ledger import OrderLedger

BENCHMARKS = (
    "decision", "arrival", "arrival_near", "arrival_far", "vwap", "vwap_with_own", "twap", "open", "close", "pwp",
    "day_vwap", "rest_vwap", "low", "high", "median",
)  # fmt: skip
"""Names of the prices that an average fill is held against."""

Figures = dict[str, float | None]


class CostParts(msgspec.Struct, frozen=True, kw_only=True):
    """A shortfall as public figures: currency and bps of the paper value, positive when they hurt.

    delay + trading + opportunity + fees = total, in both. A part that is not known is None, and then so is the total.
    """

    delay: float | None
    trading: float | None
    opportunity: float | None
    fees: float | None
    total: float | None
    delay_bps: float | None
    trading_bps: float | None
    opportunity_bps: float | None
    fees_bps: float | None
    total_bps: float | None


class OrderFigures(msgspec.Struct, frozen=True, kw_only=True):
    """One order's figures. Prices in currency, costs positive when they hurt, None: not known.

    Attributes:
        measured_from: "decision" where the decision stated a price, else "arrival".
        decision_price, arrival_price, closing_price: what the parts are measured between.
        paper_value: the whole order at the decision (else arrival) price, in currency.
        parts: see `CostParts`; None without an arrival quote.
        benchmarks: price by name, see `BENCHMARKS`.
        costs_bps: the average fill against each, s (P_avg - B) / |B| 1e4.
        market_source: where volume, VWAP and TWAP come from: "history", "marks", or None.
        market_volume: what the others traded meanwhile, in shares, contracts or coins.
        participation, rpm, fill_rate: 0 to 1.
        quoted_spread_bps, effective_spread_bps, spread_capture: by quantity, see `tca.fill_figures`.
        markout_bps, realized_spread_bps, price_impact_bps: by horizon; a markout is positive when it helped.
        category_pct: share of the filled quantity by category, 0 to 100.
        reversion_bps: how far the mid came back after the last fill, by horizon; positive when we had moved it.
        time_to_first_fill_seconds, duration_seconds: from arrival; the latter to the last fill, else to the end.
    """

    measured_from: str
    decision_price: float | None
    arrival_price: float | None
    closing_price: float | None
    avg_fill_price: float | None
    paper_value: float | None
    parts: CostParts | None
    benchmarks: Figures
    costs_bps: Figures
    market_source: str | None
    market_volume: float | None
    participation: float | None
    rpm: float | None
    fill_rate: float
    quoted_spread_bps: float | None
    effective_spread_bps: float | None
    spread_capture: float | None
    markout_bps: Figures
    realized_spread_bps: Figures
    price_impact_bps: Figures
    category_pct: dict[str, float]
    reversion_bps: Figures
    time_to_first_fill_seconds: float | None
    duration_seconds: float | None


def order_figures(
    order: OrderLedger,
    history: MarketHistory | None,
    *,
    multiplier: int = 1,
    pwp_rate: PublicNumber = PWP_RATE,
    horizons: Sequence[Duration] = HORIZONS,
) -> OrderFigures:
    """Return every figure of one order.

    Args:
        order: from the journal.
        history: the observed market of its day; None takes what was kept with the fills, and leaves out the rest.
        multiplier: currency per price point and contract.
        pwp_rate: the share of all volume that the PWP takes.
        horizons: of markouts and reversion, in ns.

    Raises:
        BadInput: when *pwp_rate* is not within 0 < rate <= 1.
    """
    market = order_market(order, history, pwp_rate=pwp_rate)
    parts = decision_shortfall(order, history, multiplier=multiplier)
    fills = fill_figures(order, history, horizons)
    prices = benchmark_prices(order, market)
    names = [horizon_name(horizon) for horizon in horizons]
    return OrderFigures(
        measured_from="arrival" if order.accepted.decision_price is None else "decision",
        decision_price=in_currency(order.accepted.decision_price),
        arrival_price=in_currency(order.arrival_mid),
        closing_price=in_currency(closing_mid(order, history)),
        avg_fill_price=average_price(order.value, order.filled),
        paper_value=None if parts is None else float(parts.paper_value),
        parts=None if parts is None else cost_parts(parts),
        benchmarks={name: in_currency(price) for name, price in prices.items()},
        costs_bps={name: cost_against(order, price) for name, price in prices.items()},
        market_source=market.source,
        market_volume=None if market.volume is None else market.volume / 1e8,
        participation=_maybe(market.participation),
        rpm=_maybe(market.rpm),
        fill_rate=order.filled / order.quantity,
        quoted_spread_bps=weighted(fills, lambda fill: fill.quoted_bps),
        effective_spread_bps=weighted(fills, lambda fill: fill.effective_bps),
        spread_capture=weighted(fills, lambda fill: fill.spread_capture),
        markout_bps=_by_horizon(fills, names, "markout"),
        realized_spread_bps=_by_horizon(fills, names, "realized"),
        price_impact_bps=_by_horizon(fills, names, "impact"),
        category_pct=category_shares(fills),
        reversion_bps=dict(zip(names, reversion(order, history, horizons), strict=True)),
        time_to_first_fill_seconds=seconds_to_first_fill(order),
        duration_seconds=seconds_worked(order),
    )


def decision_shortfall(order: OrderLedger, history: MarketHistory | None, *, multiplier: int = 1) -> Shortfall | None:
    """Return the shortfall from the decision price where one was stated, else from arrival; None without an arrival."""
    return order_shortfall(order, history, multiplier=multiplier, decision=order.accepted.decision_price)


def cost_parts(parts: Shortfall) -> CostParts:
    """Return a shortfall as public figures."""
    costs = {
        "delay": parts.delay,
        "trading": parts.trading,
        "opportunity": parts.opportunity,
        "fees": parts.fees,
        "total": parts.total,
    }
    money = {name: _maybe(cost) for name, cost in costs.items()}
    return CostParts(**money, **{f"{name}_bps": parts.bps(cost) for name, cost in costs.items()})


def benchmark_prices(order: OrderLedger, market: OrderMarket) -> dict[str, Exact | None]:
    """Return each of `BENCHMARKS` in 1e-9 of the currency; the near touch is that of our own side."""
    bid, ask = order.arrival_bid, order.arrival_ask
    near, far = (bid, ask) if order.side is OrderSide.BUY else (ask, bid)
    stated: dict[str, Exact | None] = {
        "decision": order.accepted.decision_price,
        "arrival": order.arrival_mid,
        "arrival_near": near,
        "arrival_far": far,
    }
    return {name: stated[name] if name in stated else getattr(market, name) for name in BENCHMARKS}


def cost_against(order: OrderLedger, price: Exact | None) -> float | None:
    """Return s (P_avg - B) / |B| in bps, positive when it hurt; None without fills or where the price is not known."""
    if price is None:
        return None
    return _maybe(bps_above(Fraction(price), order.value, order.filled, order.side.sign))


def reversion(
    order: OrderLedger, history: MarketHistory | None, horizons: Sequence[Duration] = HORIZONS
) -> list[float | None]:
    """Return how far the mid came back within each horizon after the last fill: s (m(T) - m(T + h)) / |m(T)| in bps.

    Positive when it came back, so that what we had moved was temporary; None past the end of the data.
    """
    last = order.last_fill_at
    base = None if last is None or history is None else mid_at(history, last)
    if last is None or history is None or not base:
        return [None] * len(horizons)
    scale = 10_000 * order.side.sign / abs(base)
    found: list[float | None] = []
    for horizon in horizons:
        mid = mid_at(history, last + horizon) if last + horizon <= history.mids_until else None
        found.append(None if mid is None else float(scale * (base - mid)))
    return found


def seconds_to_first_fill(order: OrderLedger) -> float | None:
    """Return seconds from arrival to the first fill, None without one."""
    return None if order.first_fill_at is None else (order.first_fill_at - order.arrival_at) / SECOND


def seconds_worked(order: OrderLedger) -> float | None:
    """Return seconds from arrival to the last fill, else to the end; None while the first fill is waited for."""
    end = order.ended_at if order.last_fill_at is None else order.last_fill_at
    return None if end is None else (end - order.arrival_at) / SECOND


def horizon_name(horizon: Duration) -> str:
    """Return a horizon in its largest whole unit: 50ms, 5s, 10min."""
    for unit, name in ((MINUTE, "min"), (SECOND, "s"), (MILLISECOND, "ms")):
        if horizon and horizon % unit == 0:
            return f"{horizon // unit}{name}"
    return f"{horizon}ns"


def _by_horizon(fills: Sequence[FillFigures], names: Sequence[str], kind: str) -> Figures:
    return {name: weighted(fills, partial(_at_horizon, kind, number)) for number, name in enumerate(names)}


def _at_horizon(kind: str, number: int, fill: FillFigures) -> float | None:
    if kind == "markout":
        return fill.markout_bps[number]
    return fill.realized_bps(number) if kind == "realized" else fill.impact_bps(number)


def _maybe(value: Exact | None) -> float | None:
    return None if value is None else float(value)
