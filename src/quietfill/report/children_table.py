"""Every child order of a parent with each thing that was asked of the broker, and why."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

from quietfill.report.words import UNKNOWN, quantity_text
from quietfill.tca.children import RequestKind

if TYPE_CHECKING:
    from collections.abc import Sequence

    from quietfill.report.frame import Frame
    from quietfill.report.run import OrderReport
    from quietfill.tca.children import ChildLedger, Request

MOST_ROWS = 1_000
"""Rows of one table; the journal has them all."""

_OPEN_ROWS = 30  # a longer table starts folded

_HEADS = ("child", "at", "asked", "limit", "size", "bid / ask then", "why", "came of it")
_WORDS = {RequestKind.PLACE: "place", RequestKind.REPLACE: "replace", RequestKind.CANCEL: "cancel"}


def children_table(report: OrderReport, frame: Frame) -> str:
    """Return the children of an order as a foldable HTML table, at most `MOST_ROWS` requests of them."""
    children = report.order.children
    if not children:
        return '<p class="quiet">No child order was asked for.</p>'
    rows = [row for child in children for row in _child(child, frame)]
    left_out = len(rows) - MOST_ROWS
    heads = "".join(f"<th>{name}</th>" for name in _HEADS)
    more = f'<p class="quiet">{left_out:,} more requests are in the journal.</p>' if left_out > 0 else ""
    state = " open" if len(rows) <= _OPEN_ROWS else ""
    count = f"{len(children):,} child {'order' if len(children) == 1 else 'orders'}, and why"
    table = f"<table><thead><tr>{heads}</tr></thead><tbody>{''.join(rows[:MOST_ROWS])}</tbody></table>"
    return f'<details{state}><summary>{count}</summary><div class="scroll">{table}</div>{more}</details>'


def _child(child: ChildLedger, frame: Frame) -> list[str]:
    name = f"{child.number + 1} <span class=quiet>{escape(child.key)}</span>"
    outcome = escape(_outcome(child, frame))
    if not child.requests:
        return [_row([name, "", "withdrawn", "", "", "", escape("; ".join(child.withdrawn)), outcome], is_last=True)]
    last = len(child.requests) - 1
    return [
        _row(
            [name if place == 0 else "", *_request(request, frame), outcome if place == last else ""],
            is_last=place == last,
        )
        for place, request in enumerate(child.requests)
    ]


def _request(request: Request, frame: Frame) -> list[str]:
    touch = (
        ""
        if request.bid is None and request.ask is None
        else f"{frame.price(request.bid)} / {frame.price(request.ask)}"
    )
    is_cancel = request.kind is RequestKind.CANCEL
    limit = "" if is_cancel else "market" if request.limit_price is None else frame.price(request.limit_price)
    what = _WORDS[request.kind] + (", crossing" if request.crossing else "")
    size = "" if request.total is None else quantity_text(request.total)
    return [frame.clock(request.at), what, limit, size, touch, escape(request.why)]


def _outcome(child: ChildLedger, frame: Frame) -> str:
    """Return what came of a child: filled how much, how it ended and when."""
    parts = []
    if child.filled:
        prices = {item.fill.price for item in child.fills}
        low, high = frame.price(min(prices)), frame.price(max(prices))
        at = low if len(prices) == 1 else f"{low}{UNKNOWN}{high}"
        parts.append(f"{quantity_text(child.filled)} filled at {at}")
    if child.done_at is None:
        parts.append("still working")
    elif not (child.filled and str(child.state) == "filled"):
        parts.append(str(child.state))
    if child.done_at is not None:
        parts[-1] += f", {frame.clock(child.done_at)}"
    if child.done_reason:
        parts.append(child.done_reason)
    parts += child.refusals
    return "; ".join(parts)


def _row(cells: Sequence[str], *, is_last: bool) -> str:
    why = _HEADS.index("why")
    drawn = "".join(f"<td{' class=why' if place >= why else ''}>{cell}</td>" for place, cell in enumerate(cells))
    return f"<tr{'' if is_last else ' class=more'}>{drawn}</tr>"
