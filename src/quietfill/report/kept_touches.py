"""The touch as the journal kept it: at arrival, requests, fills and the end. What lay between is not known."""

from __future__ import annotations

from typing import TYPE_CHECKING

from quietfill.domain.types import PRICE_SCALE
from quietfill.report.thinning import every

if TYPE_CHECKING:
    from collections.abc import Iterator

    from quietfill.domain.types import Price, Timestamp
    from quietfill.report.axes import Row
    from quietfill.report.frame import Frame
    from quietfill.report.run import OrderReport
    from quietfill.tca.ledger import OrderLedger

MOST_KEPT = 1_500


def kept_touches(report: OrderReport, frame: Frame) -> list[Row]:
    """Return the others' touch at each moment at which both sides were kept, for a chart without a recorded market."""
    known = {at: (bid, ask) for at, bid, ask in _kept(report.order) if bid is not None and ask is not None}
    rows = [
        {"t": frame.x(at), "bid": bid / PRICE_SCALE, "ask": ask / PRICE_SCALE}
        for at, (bid, ask) in sorted(known.items())
    ]
    return [rows[row] for row in every(len(rows), MOST_KEPT)]


def _kept(order: OrderLedger) -> Iterator[tuple[Timestamp, Price | None, Price | None]]:
    yield order.arrival_at, order.arrival_bid, order.arrival_ask
    for child in order.children:
        for request in child.requests:
            yield request.at, request.bid, request.ask
    for item in order.fills:
        if item.marks is not None:
            yield item.booked_at, item.marks.bid, item.marks.ask
    if order.ended_at is not None:
        yield order.ended_at, order.end_bid, order.end_ask
