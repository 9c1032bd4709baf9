"""Executions that the broker says again: corrected, with a commission that came late, or just repeated."""

from __future__ import annotations

from decimal import Decimal

from quietfill.domain.execution_report import ExecutionReport, Fill, ReportKind
from quietfill.domain.records import AlertRaised, ChildFilled, FillRevised
from quietfill.domain.types import price_from, quantity_from
from quietfill.engine.state import EngineState
from quietfill.tca.ledger import Ledger
from tests.engine.rig import NOON, SYMBOL, Rig, slice_of


def execution(quantity: int, price: str, **more) -> ExecutionReport:
    """Return a report of execution `x`."""
    fill = Fill(
        execution_id="x",
        quantity=quantity_from(quantity),
        price=price_from(Decimal(price)),
        exchange_time=NOON,
        **more,
    )
    return ExecutionReport(child_id="p1-1", kind=ReportKind.FILL, exchange_time=NOON, fill=fill)


def working_rig() -> Rig:
    """Return a rig with one child of 100 working."""
    rig = Rig()
    rig.puppet.wanted = (slice_of(100),)
    rig.quote()
    rig.order()
    return rig


def test_a_higher_revision_replaces_what_was_booked():
    """A corrected execution changes quantity and value of child, parent, position and ledger, once."""
    rig = working_rig()
    rig.handle(execution(60, "10.00", revision=1))

    seen = rig.handle(execution(40, "9.99", revision=2))
    again = rig.handle(execution(40, "9.99", revision=2))
    older = rig.handle(execution(60, "10.00", revision=1))

    state = rig.engine.state
    assert [type(record) for record in seen[:2]] == [FillRevised, AlertRaised]
    assert not [record for record in again + older if isinstance(record, (ChildFilled, FillRevised))]
    assert state.parents["p1"].filled == state.children["p1-1"].filled == quantity_from(40)
    assert state.totals[SYMBOL].position == quantity_from(40)
    assert state.totals[SYMBOL].traded_value == quantity_from(40) * price_from(Decimal("9.99"))
    order = Ledger.of(rig.records).orders["p1"]
    assert (order.filled, order.value) == (quantity_from(40), quantity_from(40) * price_from(Decimal("9.99")))
    assert order.children[0].filled == quantity_from(40)


def test_a_commission_that_comes_late_is_kept_with_its_fill():
    """The same execution with a commission adds that alone, once; a repeat without one takes nothing away."""
    rig = working_rig()
    rig.handle(execution(60, "10.00", revision=1))

    seen = rig.handle(execution(60, "10.00", revision=1, commission=123))
    again = rig.handle(execution(60, "10.00", revision=1, commission=123))
    without = rig.handle(execution(60, "10.00", revision=1))

    assert [type(record) for record in seen] == [FillRevised]
    assert not [record for record in again + without if isinstance(record, (FillRevised, AlertRaised))]
    assert Ledger.of(rig.records).orders["p1"].fills[0].fill.commission == 123


def test_a_correction_without_a_commission_keeps_the_one_that_is_known():
    """What the broker does not say again it does not take back."""
    rig = working_rig()
    rig.handle(execution(60, "10.00", revision=1, commission=123))

    rig.handle(execution(61, "10.00", revision=2))

    assert Ledger.of(rig.records).orders["p1"].fills[0].fill.commission == 123


def test_a_correction_above_the_order_freezes_it():
    """More than was ordered is booked, shown, and stops the parent."""
    rig = working_rig()
    rig.handle(execution(60, "10.00", revision=1))

    rig.handle(execution(160, "10.00", revision=2))

    assert "over-filled" in (rig.engine.state.parents["p1"].frozen_reason or "")


def test_a_replay_of_revisions_gives_the_same_state():
    """A restart knows a corrected execution as the broker last told it."""
    rig = working_rig()
    rig.handle(execution(60, "10.00", revision=1))
    rig.handle(execution(40, "9.99", revision=2, commission=7))

    state: EngineState = rig.fresh_engine().state
    state.replay(rig.records)

    child = state.children["p1-1"]
    assert (child.filled, child.costs["x"]) == (quantity_from(40), (2, 7))
    assert state.totals[SYMBOL].position == quantity_from(40)
