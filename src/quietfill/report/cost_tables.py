"""What an order cost, in tables: parts that add up, the prices it is held against, and the market after its fills."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Final

from quietfill.report.overview import Cell, cell_html
from quietfill.report.words import UNKNOWN, number_text, share_text, signed_text
from quietfill.tca.book_costs import PARTS, book_shortfall
from quietfill.tca.observed_order import by_currency, clusters
from quietfill.tca.order_market import PWP_RATE

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from quietfill.report.frame import Frame
    from quietfill.report.run import OrderReport
    from quietfill.tca.figures import OrderFigures
    from quietfill.tca.observed_order import ObservedOrder

PART_WORDS: Final = {
    "delay": "delay to arrival",
    "trading": "trading",
    "opportunity": "unfilled rest",
    "fees": "fees",
    "total": "in all",
}
BENCHMARK_WORDS: Final = {
    "decision": "decision",
    "arrival": "arrival mid",
    "arrival_near": "arrival, near touch",
    "arrival_far": "arrival, far touch",
    "vwap": "VWAP of the others",
    "vwap_with_own": "VWAP with our own",
    "twap": "TWAP of the mid",
    "pwp": f"PWP at {100 * PWP_RATE:.0f} %",
    "median": "median print",
    "open": "open",
    "close": "close",
    "day_vwap": "VWAP of the day",
    "rest_vwap": "VWAP from arrival to close",
}


def cost_tables(report: OrderReport, frame: Frame) -> str:
    """Return an order's costs as HTML tables; what is not known at all is left out."""
    figures = report.figures
    tables = [_parts(figures, report.currency), _benchmarks(figures, frame), _fills(figures), _afterwards(figures)]
    drawn = "".join(f'<div class="scroll">{table}</div>' for table in tables if table)
    return f'<div class="tables">{drawn}</div>' if drawn else ""


def book_table(orders: Sequence[ObservedOrder]) -> str:
    """Return the sums over all orders as HTML, one row a currency; empty for fewer than two orders."""
    if len(orders) < 2:  # noqa: PLR2004 - one order is its own book
        return ""
    rows = [_book_row(currency, group) for currency, group in by_currency(orders).items()]
    heads = ("all orders", "orders", *PARTS[:-1], "in all, bps", "error, bps")
    return f'<div class="scroll">{_table(heads, rows)}</div>'


def _book_row(currency: str, orders: Sequence[ObservedOrder]) -> list[Cell]:
    known = [(order, parts) for order in orders if (parts := order.shortfall) is not None]
    book = book_shortfall([parts for _, parts in known], clusters([order for order, _ in known]))
    left_out = len(orders) - book.orders
    count = f"{book.orders:,}" + (f", {left_out:,} unknown" if left_out else "")
    bps = {part: book.bps(getattr(book, part)) for part in PARTS}
    name = f"{number_text(float(book.paper_value), 0)} {currency} at the decision".replace("  ", " ")
    return [
        Cell(name),
        Cell(count),
        *(Cell(signed_text(bps[part]), bps[part]) for part in PARTS),
        Cell(number_text(book.standard_errors_bps["total"], 2)),
    ]


def _parts(figures: OrderFigures, currency: str) -> str:
    if figures.parts is None:
        return ""
    rows = []
    for part, words in PART_WORDS.items():
        cost, bps = getattr(figures.parts, part), getattr(figures.parts, f"{part}_bps")
        rows.append([Cell(words), Cell(signed_text(cost)), Cell(signed_text(bps), bps)])
    return _table((f"cost from {figures.measured_from} on", currency, "bps"), rows)


def _benchmarks(figures: OrderFigures, frame: Frame) -> str:
    rows = [
        [Cell(words), Cell(number_text(price, frame.decimals + 2)), _cost(figures.costs_bps[name])]
        for name, words in BENCHMARK_WORDS.items()
        if (price := figures.benchmarks[name]) is not None
    ]
    return _table(("average fill against", "price", "bps"), rows) if rows else ""


def _fills(figures: OrderFigures) -> str:
    rows = [
        ("quoted spread", number_text(figures.quoted_spread_bps, 2, " bps")),
        ("effective spread", signed_text(figures.effective_spread_bps, unit=" bps")),
        ("spread capture", signed_text(figures.spread_capture)),
        ("RPM", share_text(figures.rpm)),
        ("share of volume", share_text(figures.participation)),
        *((name, share_text(pct / 100)) for name, pct in figures.category_pct.items() if pct),
        ("first fill after", number_text(figures.time_to_first_fill_seconds, 1, " s")),
    ]
    known = [[Cell(name), Cell(text)] for name, text in rows if text != UNKNOWN]
    return _table(("fills", ""), known) if known else ""


def _afterwards(figures: OrderFigures) -> str:
    """Return markouts and reversion by horizon; horizons past the end of the data are left out."""
    columns = (figures.markout_bps, figures.realized_spread_bps, figures.price_impact_bps, figures.reversion_bps)
    rows = [
        [Cell(horizon), *(Cell(signed_text(column[horizon])) for column in columns)]
        for horizon in figures.markout_bps
        if any(column[horizon] is not None for column in columns)
    ]
    heads = ("after", "markout, bps", "realised spread", "impact", "reversion")
    return _table(heads, rows) if rows else ""


def _cost(bps: float | None) -> Cell:
    return Cell(signed_text(bps), bps)


def _table(heads: Iterable[str], rows: Sequence[Sequence[Cell]]) -> str:
    named = "".join(f"<th{' class=n' if place else ''}>{escape(name)}</th>" for place, name in enumerate(heads))
    body = "".join(
        "<tr>" + "".join(f"<td{' class=n' if place else ''}>{cell_html(cell)}</td>" for place, cell in enumerate(row))
        + "</tr>"
        for row in rows
    )  # fmt: skip
    return f"<table><thead><tr>{named}</tr></thead><tbody>{body}</tbody></table>"
