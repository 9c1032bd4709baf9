"""Implementation shortfall as users read it: one order's parts, and the sums over all orders."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from quietfill.domain.types import PRICE_SCALE, QUANTITY_SCALE, quantity_number
from quietfill.tca.benchmarks import in_currency
from quietfill.tca.book_costs import BookShortfall, book_shortfall
from quietfill.tca.figures import cost_parts
from quietfill.tca.fill_quality import average_price
from quietfill.tca.observed_order import ObservedOrder, by_currency, clusters
from quietfill.tca.order_market import closing_mid

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from quietfill.tca.shortfall import Shortfall


def implementation_shortfall(observed: ObservedOrder) -> dict[str, Any]:
    """Return one order's shortfall: prices, costs in currency, and the same costs in bps of one base.

    delay + impact + opportunity + fees = total, in both. Measured from the decision price, or from arrival where no
    decision price was stated: then the delay is 0. What is not known is None, and then so is the total.
    """
    order, parts = observed.order, observed.shortfall
    closing = observed.mid if order.ended_at is None and observed.mid is not None else None
    return {
        "order_id": order.order_id,
        "notes": list(order.notes),
        "symbol": order.symbol,
        "side": order.side.value,
        "total_shares": quantity_number(order.quantity),
        "filled_shares": quantity_number(order.filled),
        "unfilled_shares": quantity_number(order.unfilled),
        "currency": observed.currency,
        "benchmark": {
            "decision_price": in_currency(order.accepted.decision_price),
            "arrival_price": in_currency(order.arrival_mid),
            "avg_fill_price": average_price(order.value, order.filled),
            "current_price": in_currency(closing_mid(order, observed.history) if closing is None else closing),
            "measured_from": "arrival" if order.accepted.decision_price is None else "decision",
        },
        "costs": _costs(observed, parts),
        "metrics": _metrics(parts) | {"fill_rate": order.filled / order.quantity},
    }


def shortfall_summary(orders: Iterable[ObservedOrder]) -> dict[str, Any]:
    """Return the shortfall of all orders, those without a fill included, as ratios of sums with standard errors.

    `avg_shortfall_bps` is the mean weighted by paper value; it is what the book as one order lost,
    `total_shortfall_bps`. `max` and `min` are single orders'. Orders of which a part is not known are counted in
    `orders_unknown` and in nothing else. With several currencies sums are given for each and not over all. Errors count
    the orders of one symbol and day as one, and single orders where there is but one symbol and day.
    """
    known = list(orders)
    books = {currency: _book(group) for currency, group in by_currency(known).items()}
    only = next(iter(books.values())) if len(books) == 1 else _book([]) if not books else None
    analyzed = [book["orders_analyzed"] for book in books.values()]
    extremes = [bps for book in books.values() for bps in (book["max_shortfall_bps"], book["min_shortfall_bps"])]
    found = [bps for bps in extremes if bps is not None]
    whole = only or dict.fromkeys(_book([]))
    return {
        **whole,
        "orders_analyzed": sum(analyzed),
        "orders_unknown": len(known) - sum(analyzed),
        "max_shortfall_bps": max(found, default=None),
        "min_shortfall_bps": min(found, default=None),
        "components": whole["components"] or dict.fromkeys(_book([])["components"]),
        "by_currency": books,
    }


def _costs(observed: ObservedOrder, parts: Shortfall | None) -> dict[str, float | None]:
    names = ("paper_cost", "delay_cost", "impact_cost", "opportunity_cost", "fees", "total_shortfall")
    actual = observed.multiplier * observed.order.value / (PRICE_SCALE * QUANTITY_SCALE)
    if parts is None:
        return {"actual_cost": actual, **dict.fromkeys(names)}
    money = cost_parts(parts)
    return {
        "paper_cost": float(parts.paper_value),
        "actual_cost": actual,
        "delay_cost": money.delay,
        "impact_cost": money.trading,
        "opportunity_cost": money.opportunity,
        "fees": money.fees,
        "total_shortfall": money.total,
    }


def _metrics(parts: Shortfall | None) -> dict[str, float | None]:
    if parts is None:
        return dict.fromkeys(("shortfall_bps", "delay_bps", "impact_bps", "opportunity_bps", "fees_bps"))
    bps = cost_parts(parts)
    return {
        "shortfall_bps": bps.total_bps,
        "delay_bps": bps.delay_bps,
        "impact_bps": bps.trading_bps,
        "opportunity_bps": bps.opportunity_bps,
        "fees_bps": bps.fees_bps,
    }


def _book(orders: Sequence[ObservedOrder]) -> dict[str, Any]:
    """Return the sums of the orders of one currency."""
    measured = [(order, parts) for order in orders if (parts := order.shortfall) is not None]
    book = book_shortfall([parts for _, parts in measured], clusters([order for order, _ in measured]))
    bps = [cost for _, parts in measured if (cost := parts.bps(parts.total)) is not None]
    total = _bps(book, "total")
    return {
        "orders_analyzed": book.orders,
        "avg_shortfall_bps": total,
        "total_shortfall_bps": total,
        "max_shortfall_bps": max(bps, default=None),
        "min_shortfall_bps": min(bps, default=None),
        "standard_error_bps": book.standard_errors_bps["total"],
        "total_shortfall": float(book.total),
        "paper_value": float(book.paper_value),
        "components": {
            "avg_delay_bps": _bps(book, "delay"),
            "avg_impact_bps": _bps(book, "trading"),
            "avg_opportunity_bps": _bps(book, "opportunity"),
            "avg_fees_bps": _bps(book, "fees"),
            "total_delay_cost": float(book.delay),
            "total_impact_cost": float(book.trading),
            "total_opportunity_cost": float(book.opportunity),
            "total_fees": float(book.fees),
            "standard_errors_bps": book.standard_errors_bps,
        },
    }


def _bps(book: BookShortfall, part: str) -> float | None:
    return book.bps(getattr(book, part))
