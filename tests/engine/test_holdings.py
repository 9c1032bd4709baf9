"""What the broker says an account holds against what our fills explain, without a broker."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from quietfill.domain.messages import Holding
from quietfill.domain.records import AlertRaised, AnyRecord, OrderFrozen, Reconciled
from quietfill.domain.types import SECOND, quantity_from
from tests.engine.rig import SYMBOL, Rig, slice_of

if TYPE_CHECKING:
    from quietfill.domain.messages import BrokerSnapshot

Q = quantity_from


def says(rig: Rig, quantity: float, account: str = "DU1") -> list[AnyRecord]:
    """Have the broker say what an account holds; it is asked twice, far enough apart."""
    records = []
    for _ in range(2):
        holding = Holding(symbol=SYMBOL, account=account, quantity=round(quantity * Q(1)))
        records += rig.handle(with_positions(rig, (holding,)))
        rig.pass_time(6 * SECOND)
    return records


def with_positions(rig: Rig, positions: tuple[Holding, ...] | None) -> BrokerSnapshot:
    """Return a snapshot that says what is held and lists what is open as we believe it."""
    return msgspec.structs.replace(rig.snapshot(complete=False), positions=positions, account="DU1")


def of(records: list[AnyRecord], kind: type) -> list[Any]:
    """Return the records of a kind."""
    return [record for record in records if isinstance(record, kind)]


@pytest.fixture
def rig() -> Rig:
    """An engine with an order at work, and 100 held by others."""
    rig = Rig()
    rig.engine.recover(rig.now)
    rig.quote()
    rig.order()
    rig.want(slice_of(100))
    rig.ack()
    says(rig, 100)
    return rig


def test_the_first_positions_are_taken_as_they_are():
    """They are journaled, and are no alarm."""
    rig = Rig()
    records = says(rig, 100)

    assert of(records, AlertRaised) == []
    (reconciled,) = of(records, Reconciled)
    assert reconciled.others == (Holding(symbol=SYMBOL, account="DU1", quantity=Q(100)),)
    assert rig.engine.state.others == {(SYMBOL, "DU1"): Q(100)}


def test_what_we_trade_is_explained(rig):
    """The position moves with our fills: no record, no alarm."""
    rig.fill(40)

    assert says(rig, 140) == []


def test_a_difference_is_an_alarm_and_freezes(rig):
    """By how much is said; the next time the same position is no news."""
    records = says(rig, 130)

    (alert,) = of(records, AlertRaised)
    assert alert.severity == "critical"
    assert "changed by +30 that no fill of ours explains" in alert.text
    assert [record.order_id for record in of(records, OrderFrozen)] == ["p1"]
    assert [again for again in of(says(rig, 130), AlertRaised) if again.subject == SYMBOL] == []


def test_a_difference_that_is_gone_the_second_time_was_none(rig):
    """A fill was in one answer and not yet in the other."""
    for quantity in (130, 100, 130):
        holding = Holding(symbol=SYMBOL, account="DU1", quantity=Q(quantity))
        assert rig.handle(with_positions(rig, (holding,))) == []
        rig.pass_time(6 * SECOND)


def test_a_difference_is_not_believed_twice_in_a_moment(rig):
    """Two answers at once are one."""
    holding = Holding(symbol=SYMBOL, account="DU1", quantity=Q(130))

    assert rig.handle(with_positions(rig, (holding,))) == []
    assert rig.handle(with_positions(rig, (holding,))) == []


def test_another_account_is_another_matter(rig):
    """Its positions begin with what they are, and freeze nothing of ours."""
    assert of(says(rig, 500, "DU2"), AlertRaised) == []
    records = says(rig, 700, "DU2")

    assert len(of(records, AlertRaised)) == 1
    assert of(records, OrderFrozen) == []


def test_no_answer_proves_nothing(rig):
    """A broker that does not say what is held is not compared with."""
    assert rig.handle(with_positions(rig, None)) == []
    assert rig.handle(with_positions(rig, ())) == []


def test_what_changed_while_nobody_ran_freezes_what_was_live_then():
    """An order accepted since then is not concerned; a person is told all the same."""
    before = Rig()
    before.quote()
    before.order()
    says(before, 100)
    after = Rig()
    after.now = before.now + SECOND
    after.engine.restore(before.records)
    after.engine.recover(after.now)
    after.now += SECOND
    after.quote()
    after.order(name="p2")
    records = says(after, 150)

    assert len(of(records, AlertRaised)) == 1
    assert [record.order_id for record in of(records, OrderFrozen)] == ["p1"]
