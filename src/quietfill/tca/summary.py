"""One order's cost in one line: the figures of `simulate --json`, the report's table and cost analysis.

Costs are positive when they hurt, for buys and sells alike. Formulas: docs/reference/figures.md.
"""

from __future__ import annotations

from datetime import datetime
from fractions import Fraction
from typing import TYPE_CHECKING, TypeAlias

import msgspec

from quietfill.domain.exact import Exact
from quietfill.domain.order_state import OrderState
from quietfill.domain.types import OrderSide, Price, datetime_of, quantity_number
from quietfill.tca.benchmarks import in_currency
from quietfill.tca.fill_quality import average_price, half_spread_paid, passive_pct
from quietfill.tca.order_market import OrderMarket, closing_mid, interval_market
from quietfill.tca.shortfall import Shortfall, ShortfallTerms, bps_above, shortfall

if TYPE_CHECKING:
    from quietfill.market.history import MarketHistory
    from quietfill.tca.ledger import OrderLedger

Size: TypeAlias = int | float


class OrderSummary(msgspec.Struct, frozen=True, kw_only=True):
    """What became of one order. None: nothing filled, or it cannot be known.

    Attributes:
        quantity, filled: in shares, contracts or coins; ints when whole.
        avg_fill_price, arrival_mid, interval_vwap, interval_twap: in the instrument's currency.
        shortfall_bps: the executed part against the arrival mid.
        fees_bps, opportunity_bps, total_shortfall_bps: of the whole order at the arrival mid, so that
            total = filled / quantity x shortfall + fees + opportunity.
        participation: filled / (filled + recorded volume from arrival to last fill), 0 to 1.
        half_spread_coverage: share of the filled quantity whose mid at the fill is known, 0 to 1.
        passive_pct: share of the filled quantity that rested before it traded, 0 to 100.
        children, messages: what left for the broker; messages are placements, replaces and cancels.
        notes: what the broker said of who works it: on a paper gateway, that a stand-in does.
        started: when arrival was measured; ended: when the order was done.
    """

    order_id: str
    symbol: str
    side: OrderSide
    algo: str
    state: OrderState
    quantity: Size
    filled: Size
    avg_fill_price: float | None = None
    arrival_mid: float | None = None
    shortfall_bps: float | None = None
    fees_bps: float | None = None
    opportunity_bps: float | None = None
    total_shortfall_bps: float | None = None
    interval_vwap: float | None = None
    vs_vwap_bps: float | None = None
    interval_twap: float | None = None
    vs_twap_bps: float | None = None
    half_spread_paid_bps: float | None = None
    half_spread_coverage: float | None = None
    participation: float | None = None
    passive_pct: float | None = None
    children: int
    messages: int
    started: datetime
    ended: datetime | None
    first_fill: datetime | None = None
    last_fill: datetime | None = None
    notes: tuple[str, ...] = ()


def order_summary(order: OrderLedger, history: MarketHistory | None, *, multiplier: int = 1) -> OrderSummary:
    """Return the figures of one order.

    Args:
        order: from the journal.
        history: the observed market of its day; None takes what was kept with the fills, and leaves out the rest.
        multiplier: currency per price point and contract.
    """
    summary = OrderSummary(
        order_id=order.order_id,
        symbol=order.symbol,
        side=order.side,
        algo=order.algo,
        state=order.state,
        quantity=quantity_number(order.quantity),
        filled=quantity_number(order.filled),
        children=order.children_sent,
        messages=order.messages,
        started=datetime_of(order.arrival_at),
        ended=None if order.ended_at is None else datetime_of(order.ended_at),
        notes=order.notes,
    )
    first, last = order.first_fill_at, order.last_fill_at
    if first is None or last is None:
        return summary
    summary = msgspec.structs.replace(summary, first_fill=datetime_of(first), last_fill=datetime_of(last))
    return _against_market(_costs(summary, order, history, multiplier), order, interval_market(order, history))


def arrival_mid(order: OrderLedger) -> Fraction | None:
    """Return the mid of the arrival quote in 1e-9 of the currency; None while there is none."""
    return order.arrival_mid


def order_shortfall(
    order: OrderLedger,
    history: MarketHistory | None,
    *,
    multiplier: int = 1,
    decision: Price | None = None,
    closing: Exact | None = None,
) -> Shortfall | None:
    """Return the shortfall of an order, unfilled orders included; None without an arrival.

    Args:
        order: from the journal.
        history: the observed market; None takes the closing price from the journal.
        multiplier: currency per price point and contract.
        decision: the price that it is measured from; None measures it from the arrival mid.
        closing: price of what is not filled; None is the mid at the order's end (its last record, while it runs).
    """
    arrival = arrival_mid(order)
    if arrival is None:
        return None
    commissions = [item.fill.commission for item in order.fills]
    known = [commission for commission in commissions if commission is not None]
    return shortfall(
        ShortfallTerms(
            side=order.side,
            quantity=order.quantity,
            filled=order.filled,
            value=order.value,
            arrival=arrival,
            decision=decision,
            closing=closing_mid(order, history) if closing is None else closing,
            fees=sum(known) if len(known) == len(commissions) else None,
            multiplier=multiplier,
        )
    )


def _costs(summary: OrderSummary, order: OrderLedger, history: MarketHistory | None, multiplier: int) -> OrderSummary:
    half_spread, coverage = half_spread_paid(order.side, order.fills, history)
    summary = msgspec.structs.replace(
        summary,
        avg_fill_price=average_price(order.value, order.filled),
        half_spread_paid_bps=half_spread,
        half_spread_coverage=coverage,
        passive_pct=passive_pct(order.fills),
    )
    arrival, parts = arrival_mid(order), order_shortfall(order, history, multiplier=multiplier)
    if arrival is None or parts is None:
        return summary
    return msgspec.structs.replace(
        summary,
        arrival_mid=in_currency(arrival),
        shortfall_bps=None if parts.executed_bps is None else float(parts.executed_bps),
        fees_bps=parts.bps(parts.fees),
        opportunity_bps=parts.bps(parts.opportunity),
        total_shortfall_bps=parts.bps(parts.total),
    )


def _against_market(summary: OrderSummary, order: OrderLedger, market: OrderMarket) -> OrderSummary:
    return msgspec.structs.replace(
        summary,
        interval_vwap=in_currency(market.vwap),
        vs_vwap_bps=_against(order, market.vwap),
        interval_twap=in_currency(market.twap),
        vs_twap_bps=_against(order, market.twap),
        participation=None if market.participation is None else float(market.participation),
    )


def _against(order: OrderLedger, benchmark: Exact | None) -> float | None:
    if benchmark is None:
        return None
    above = bps_above(Fraction(benchmark), order.value, order.filled, order.side.sign)
    return None if above is None else float(above)
