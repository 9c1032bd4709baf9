"""What was asked and heard, one line each, as a failed check prints it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from quietfill.domain.records import CancelRequested, ChildRequested
from quietfill.domain.types import price_decimal, quantity_number

if TYPE_CHECKING:
    from quietfill.domain.execution_report import ExecutionReport, Fill
    from quietfill.domain.messages import BrokerSnapshot, LinkState
    from quietfill.domain.records import WireRequest
    from quietfill.domain.types import Price


def asked(request: WireRequest) -> str:
    """Return a request in a line."""
    if isinstance(request, ChildRequested):
        what = f"{request.side} {quantity_number(request.quantity)} at {_price(request.limit_price)}"
        life = request.time_in_force if request.good_till is None else f"good till {request.good_till}"
        return f"-> place {request.child_id}: {what}, {life}"
    if isinstance(request, CancelRequested):
        return f"-> cancel {request.child_id}, attempt {request.attempt}"
    terms = f"{quantity_number(request.total)} in all at {_price(request.limit_price)}"
    return f"-> replace {request.child_id}: {terms}, revision {request.revision}"


def told(report: ExecutionReport) -> str:
    """Return a report in a line: what it says, and nothing of what it leaves open."""
    parts = [f"<- {report.kind} {report.child_id}"]
    if report.broker_order_id is not None:
        parts.append(f"broker id {report.broker_order_id}")
    if report.revision:
        parts.append(f"revision {report.revision}")
    if report.cumulative is not None:
        parts.append(f"cumulative {quantity_number(report.cumulative)}")
    if report.total is not None:
        parts.append(f"of {quantity_number(report.total)} at {_price(report.limit_price)}")
    if report.fill is not None:
        parts.append(_fill(report.fill))
    if report.reason:
        parts.append(f"({report.reason})")
    return ", ".join(parts)


def linked(link: LinkState) -> str:
    """Return a change of the line in a line."""
    return f"<- the line is {'up' if link.up else 'down'} ({link.reason})"


def listed(snapshot: BrokerSnapshot) -> str:
    """Return a snapshot in a line."""
    orders = [
        f"{order.child_id} {'open' if order.is_open else order.state or 'done'}"
        f" {quantity_number(order.cumulative)}/{quantity_number(order.total)}"
        for order in snapshot.orders
    ]
    fills = [f"{report.child_id} {_fill(report.fill)}" for report in snapshot.fills if report.fill is not None]
    extent = "complete" if snapshot.complete else "not complete"
    return f"<- snapshot, {extent}: orders [{'; '.join(orders)}], executions [{'; '.join(fills)}]"


def _fill(fill: Fill) -> str:
    again = f" revision {fill.revision}" if fill.revision else ""
    return f"execution {fill.execution_id}{again}: {quantity_number(fill.quantity)} at {_price(fill.price)}"


def _price(price: Price | None) -> str:
    return "market" if price is None else f"{price_decimal(price).normalize():f}"
