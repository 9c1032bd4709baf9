"""Short cuts on the hot path say what the long way would have said."""

from __future__ import annotations

from decimal import Decimal

import msgspec
import pytest

from quietfill.domain.execution_report import ExecutionReport, Fill, ReportKind
from quietfill.domain.records import AlertRaised, ChildFilled, FillRevised
from quietfill.domain.types import price_from, quantity_from
from quietfill.engine.observed import ObservedMarkets
from tests.engine.rig import NOON, SYMBOL, Rig, slice_of

BOOKED = Fill(
    execution_id="x",
    quantity=quantity_from(60),
    price=price_from(Decimal("10.00")),
    exchange_time=NOON,
    revision=2,
    commission=5,
)


def filled_rig() -> Rig:
    """Return a rig with one child of 100, of which 60 were filled in execution `x`."""
    rig = Rig()
    rig.puppet.wanted = (slice_of(100),)
    rig.quote()
    rig.order()
    rig.handle(report_of(BOOKED))
    return rig


def report_of(fill: Fill) -> ExecutionReport:
    """Return a report of one execution."""
    return ExecutionReport(child_id="p1-1", kind=ReportKind.FILL, exchange_time=NOON, fill=fill)


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"revision": 1},
        {"revision": 3},
        {"revision": 3, "quantity": quantity_from(50)},
        {"quantity": quantity_from(61)},
        {"price": price_from(Decimal("10.01"))},
        {"commission": None},
        {"commission": 6},
        {"commission": 6, "revision": 3},
        {"execution_id": "y", "quantity": quantity_from(10)},
    ],
)
def test_a_snapshot_tells_an_execution_as_a_report_does(changes):
    """Executions that a snapshot repeats as booked are passed over; any difference is booked and alerted as always."""
    told = msgspec.structs.replace(BOOKED, **changes)
    listed, reported = filled_rig(), filled_rig()

    by_snapshot = listed.handle(listed.snapshot(fills=(report_of(told),)))
    by_report = reported.handle(report_of(told))

    assert booked(by_snapshot) == booked(by_report)
    assert listed.parent.filled == reported.parent.filled
    assert listed.parent.filled_value == reported.parent.filled_value


def booked(records):
    """Return what was booked and alerted of executions, without the market at the fill."""
    kept = [record for record in records if isinstance(record, (ChildFilled, FillRevised, AlertRaised))]
    return [
        msgspec.structs.replace(record, marks=None) if isinstance(record, ChildFilled) else record for record in kept
    ]


def test_what_we_display_is_taken_out_anew_after_every_record():
    """The others' market is the same whether our orders were added up before or are added up now."""
    rig = Rig()
    steps = [
        lambda: rig.want(slice_of(300)),
        rig.order,
        rig.ack,
        lambda: rig.fill(40),
        rig.quote,
        lambda: rig.want(slice_of(200, "9.99")),
        lambda: rig.replaced(240, "9.99"),
        lambda: rig.fill(10, execution="second"),
        rig.quote,
        rig.want,
        lambda: rig.cancelled(filled=50),
    ]
    rig.quote()
    seen = set()
    for step in steps:
        step()
        book = rig.engine.observed.book(SYMBOL)
        assert book is not None
        fresh = ObservedMarkets(rig.engine.state)
        fresh.update(book)
        kept, made = rig.engine.observed.view(SYMBOL), fresh.view(SYMBOL)
        assert (kept.bids, kept.asks, kept.own_bid, kept.own_ask) == (made.bids, made.asks, made.own_bid, made.own_ask)
        seen.add((kept.bids, kept.own_bid))

    assert len(seen) > 3, "nothing of ours ever showed"
