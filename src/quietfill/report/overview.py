"""Every order of a run in one table, and one order's figures at a glance."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING, Final

from quietfill.report.frame import Frame
from quietfill.report.words import UNKNOWN, bps_text, headline, number_text, price_text, quantity_text, share_text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from quietfill.report.run import OrderReport

COLUMNS: Final = (
    "order", "state", "filled", "average", "arrival mid", "cost, bps", "vs VWAP, bps", "vs TWAP, bps",
    "half-spread, bps", "whole order, bps", "rested", "of volume", "children", "messages",
)  # fmt: skip
"""Headings of the overview; costs are positive when they hurt."""

_WORDS = 2  # the first columns are words, the others figures
_SHOWN = 0.05  # bps: less rounds to nothing


@dataclass(frozen=True, slots=True)
class Cell:
    """One figure of a table: its text, and the cost behind it where it is one."""

    text: str
    cost: float | None = None


def summary_rows(orders: Sequence[OrderReport]) -> list[list[Cell]]:
    """Return one row of `COLUMNS` for each order."""
    return [_row(report) for report in orders]


def overview_table(orders: Sequence[OrderReport]) -> str:
    """Return the overview as HTML; each order links to its section."""
    heads = "".join(
        f"<th{'' if place < _WORDS else ' class=n'}>{escape(name)}</th>" for place, name in enumerate(COLUMNS)
    )
    rows = []
    for number, (first, *rest) in enumerate(summary_rows(orders), 1):
        link = f'<td><a href="#order-{number}">{escape(first.text)}</a></td>'
        cells = (
            f"<td{'' if place < _WORDS else ' class=n'}>{cell_html(cell)}</td>" for place, cell in enumerate(rest, 1)
        )
        rows.append(f"<tr>{link}{''.join(cells)}</tr>")
    return f'<div class="scroll"><table><thead><tr>{heads}</tr></thead><tbody>{"".join(rows)}</tbody></table></div>'


def tiles(report: OrderReport) -> str:
    """Return one order's main figures as HTML."""
    summary = report.summary
    figures = [
        ("cost against arrival", _bps(summary.shortfall_bps)),
        ("against VWAP", _bps(summary.vs_vwap_bps)),
        ("half-spread paid", _bps(summary.half_spread_paid_bps)),
        ("whole order, fees in", _bps(summary.total_shortfall_bps)),
        ("rested", Cell(number_text(summary.passive_pct, 0, " %"))),
        ("share of volume", Cell(share_text(summary.participation))),
        ("children, messages", Cell(f"{summary.children:,}, {summary.messages:,}")),
    ]
    return (
        '<dl class="tiles">'
        + "".join(
            f"<div><dt>{name}</dt><dd>{cell_html(cell, unit='' if cell.cost is None else ' bps')}</dd></div>"
            for name, cell in figures
        )
        + "</dl>"
    )


def cell_html(cell: Cell, *, unit: str = "") -> str:
    """Return a figure as HTML; a cost says by sign, shape and colour whether it hurt."""
    text = escape(cell.text + unit)
    if cell.cost is None or abs(cell.cost) < _SHOWN:
        return text
    tone, shape = ("cost", "\N{BLACK UP-POINTING SMALL TRIANGLE}") if cell.cost > 0 else _GAIN
    return f'<span class="{tone}">{text} <span aria-hidden="true">{shape}</span></span>'


_GAIN = ("gain", "\N{BLACK DOWN-POINTING SMALL TRIANGLE}")


def _row(report: OrderReport) -> list[Cell]:
    order, summary = report.order, report.summary
    decimals = Frame.of(report).decimals
    filled = quantity_text(order.filled)
    share = 100 * order.filled / order.quantity
    return [
        Cell(headline(report)),
        Cell(str(order.state)),
        Cell(filled if order.filled == order.quantity else f"{filled} ({share:.0f} %)"),
        Cell(price_text(summary.avg_fill_price, decimals + 2)),
        Cell(price_text(summary.arrival_mid, decimals + 1)),
        _bps(summary.shortfall_bps),
        _bps(summary.vs_vwap_bps),
        _bps(summary.vs_twap_bps),
        _bps(summary.half_spread_paid_bps),
        _bps(summary.total_shortfall_bps),
        Cell(number_text(summary.passive_pct, 0, " %")),
        Cell(share_text(summary.participation)),
        Cell(f"{summary.children:,}"),
        Cell(f"{summary.messages:,}"),
    ]


def _bps(cost: float | None) -> Cell:
    return Cell(UNKNOWN if cost is None else bps_text(cost), cost)
