"""Defects found by reading against the invariants: kills and exits, words of people, imports, benchmarks."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, date, datetime, time
from typing import Any

import pytest
from msgspec import structs

from quietfill.domain.instrument import LocalSession
from quietfill.domain.messages import (
    BookUpdate,
    ImportOrders,
    Kill,
    KillScope,
    ReleaseKill,
    Resolution,
)
from quietfill.domain.order_state import OrderState
from quietfill.domain.records import (
    AlertRaised,
    CancelRequested,
    ChildAdopted,
    ChildFilled,
    KillSwitchReleased,
    OrderRefused,
)
from quietfill.domain.types import MINUTE, SECOND, OrderSide, TimeInForce, price_from, quantity_from, timestamp_from
from quietfill.engine.engine import Engine
from tests.engine.rig import SYMBOL, Rig, slice_of
from tests.engine.test_acts import bought, doubtful, kinds, resolve
from tests.engine.test_kill_and_restart import listed
from tests.engine.test_stops import StopRig
from tests.engine.test_working import working

CLOSE = Kill(kill_id="k", by="risk", reason="test", close_positions=True)


def critical(rig: Rig) -> list[str]:
    """Return the texts of all critical alerts."""
    return [alert.text for alert in kinds(rig.records, AlertRaised) if alert.severity == "critical"]


def exits_of(rig: Rig) -> list[Any]:
    """Return the exits that left since the last call."""
    return [child for child in rig.placed() if child.order_id.startswith("flatten:")]


def after_cancel(rig: Rig, filled: int = 30) -> None:
    """Have the one child end, and its remainder settle."""
    rig.cancelled(filled)
    rig.pass_time(rig.settings.settle + SECOND)


# Exits under a kill


class SessionRig(Rig):
    """A rig whose instrument trades from 09:00 to 12:00 and from 13:00 to 17:00 UTC."""

    def fresh_engine(self) -> Engine:
        """Return an engine that knows the sessions."""
        engine = super().fresh_engine()
        sessions = (LocalSession(time(9), time(12)), LocalSession(time(13), time(17)))
        engine.state.instruments[SYMBOL] = structs.replace(engine.state.instruments[SYMBOL], sessions=sessions)
        return engine


@pytest.mark.parametrize("killed_at", [time(12, 30), time(18)])
def test_a_kill_outside_the_session_closes_positions_when_it_opens(killed_at: time) -> None:
    """A kill in the lunch break or at night closes what is held at the next open, or says loudly that it does not."""
    rig = SessionRig()
    rig.now = timestamp_from(datetime(2023, 11, 14, 10, 0, tzinfo=UTC))
    rig.quote()
    rig.puppet.wanted = (slice_of(100),)
    rig.order()
    rig.ack()
    rig.fill(30)
    rig.pass_time(20 * MINUTE)
    after_cancel(rig)
    assert rig.engine.state.live == {}
    rig.requests()
    rig.now = timestamp_from(datetime.combine(date(2023, 11, 14), killed_at, UTC))
    rig.records.clear()
    rig.handle(CLOSE)
    for hour in (13, 33):
        rig.now = max(rig.now, timestamp_from(datetime(2023, 11, 14, 0, 1, tzinfo=UTC)) + hour * 60 * MINUTE)
        rig.quote()
        rig.pass_time(MINUTE)

    assert exits_of(rig) or critical(rig)


def test_an_exit_that_finds_no_quote_is_not_given_up_silently() -> None:
    """Where no quote comes within the wait, the position is still closed later, or a person is told that it is not."""
    rig = bought()
    rig.handle(CLOSE)
    rig.handle(BookUpdate(symbol=SYMBOL, time=rig.now, bids=(), asks=()))
    after_cancel(rig)
    rig.pass_time(MINUTE)
    rig.quote()
    rig.pass_time(MINUTE)

    assert exits_of(rig) or critical(rig)


def test_an_odd_position_is_closed() -> None:
    """A venue may fill less than a lot of an order; what came of it can be sold again under a kill."""
    rig = Rig(lot=10)
    rig.quote()
    rig.puppet.wanted = (slice_of(100),)
    rig.order()
    rig.ack()
    rig.fill(35)
    rig.handle(CLOSE)
    after_cancel(rig, 35)

    assert [child.quantity for child in exits_of(rig)] == [quantity_from(35)]


def test_a_refused_exit_is_an_alarm() -> None:
    """An exit that admission refuses leaves a position open: that is critical, not a warning among others."""
    from quietfill.risk.limits import RiskLimits

    rig = bought()
    rig.engine._admission._limits = RiskLimits(max_order_quantity=quantity_from(10))
    rig.handle(CLOSE)
    after_cancel(rig)

    assert kinds(rig.records, OrderRefused)
    assert critical(rig)


def test_a_late_fill_after_the_exit_is_closed_too() -> None:
    """A fill that trails its cancel by more than the settle time is closed, or named, under the same kill."""
    rig = bought()
    rig.handle(CLOSE)
    after_cancel(rig)
    (first,) = exits_of(rig)
    rig.ack(first.child_id)
    rig.fill(30, first.child_id)
    rig.fill(10)
    rig.pass_time(MINUTE)
    assert rig.engine.state.totals[SYMBOL].position == quantity_from(10)

    assert exits_of(rig) or critical(rig)


def test_a_second_kill_does_not_call_the_exit_off() -> None:
    """While a kill that closes positions is in force, another one that does not leaves its exit working."""
    rig = bought()
    rig.handle(CLOSE)
    after_cancel(rig)
    (exit_child,) = exits_of(rig)
    rig.ack(exit_child.child_id)
    rig.handle(Kill(kill_id="k2", by="anna", reason="me too"))

    assert [request for request in rig.requests() if isinstance(request, CancelRequested)] == []


def position(rig: Rig, name: str, side: OrderSide, quantity: int, account: str) -> None:
    """Trade in an account, to the end of the order."""
    rig.puppet.wanted = (slice_of(quantity),)
    rig.order(quantity, name, side=side, account=account)
    rig.ack(f"{name}-1")
    rig.fill(quantity, f"{name}-1")
    rig.requests()


def test_an_exit_closes_the_position_of_its_own_account() -> None:
    """A kill of one account sells what that account holds, not what the others hold too."""
    rig = Rig()
    rig.quote()
    position(rig, "a", OrderSide.BUY, 30, "A")
    position(rig, "b", OrderSide.BUY, 50, "B")
    rig.handle(Kill(kill_id="k", by="risk", reason="test", close_positions=True, scope=KillScope(account="A")))

    assert [(child.account, child.quantity) for child in exits_of(rig)] == [("A", quantity_from(30))]


def test_positions_of_several_accounts_are_closed_each_for_itself() -> None:
    """A kill of everything closes a long and a short position of two accounts, though their sum is nothing."""
    rig = Rig()
    rig.quote()
    position(rig, "a", OrderSide.BUY, 30, "A")
    position(rig, "b", OrderSide.SELL, 30, "B")
    rig.handle(CLOSE)

    assert sorted((child.account, str(child.side)) for child in exits_of(rig)) == [("A", "sell"), ("B", "buy")]


def test_another_accounts_order_does_not_hold_up_an_exit() -> None:
    """A kill of one account closes its position although another account trades the symbol on."""
    rig = Rig()
    rig.quote()
    position(rig, "a", OrderSide.BUY, 30, "A")
    rig.puppet.wanted = (slice_of(50),)
    rig.order(50, "b", account="B")
    rig.ack("b-1")
    rig.requests()
    rig.handle(Kill(kill_id="k", by="risk", reason="test", close_positions=True, scope=KillScope(account="A")))
    rig.pass_time(MINUTE)

    assert [child.account for child in exits_of(rig)] == ["A"]


def test_an_exit_does_not_outlive_its_own_kill_into_the_next() -> None:
    """Once its kill is released an exit is an order like any other: a later kill that closes nothing cancels it."""
    rig = bought()
    rig.handle(CLOSE)
    after_cancel(rig)
    (exit_child,) = exits_of(rig)
    rig.ack(exit_child.child_id)
    rig.handle(ReleaseKill(by="a", second="b", reason="keep it after all"))
    rig.handle(Kill(kill_id="k2", by="anna", reason="stop everything"))

    assert [r.child_id for r in rig.requests() if isinstance(r, CancelRequested)] == [exit_child.child_id]


def test_a_kill_at_night_is_not_an_alarm_every_minute() -> None:
    """After the close one alarm says that the position stays open, and no exit is refused before trading opens."""
    rig = SessionRig()
    rig.now = timestamp_from(datetime(2023, 11, 14, 16, 0, tzinfo=UTC))
    rig.quote()
    rig.puppet.wanted = (slice_of(100),)
    rig.order()
    rig.ack()
    rig.fill(30)
    rig.pass_time(20 * MINUTE)
    after_cancel(rig)
    rig.now = timestamp_from(datetime(2023, 11, 14, 17, 1, tzinfo=UTC))
    rig.records.clear()
    rig.handle(CLOSE)
    rig.pass_time(6 * 60 * MINUTE)

    assert len(critical(rig)) <= 2
    assert kinds(rig.records, OrderRefused) == []


# Stops and kills


def test_a_stop_is_disarmed_by_the_kill_of_a_bug_too() -> None:
    """However a kill came about, its release does not arm stops again."""
    rig = StopRig()
    rig.records += rig.engine.stop_new_risk("internal error: boom", rig.now)
    rig.handle(ReleaseKill(by="a", second="b", reason="mended"))
    rig.through()

    assert rig.placed() == []


# What a person says


@pytest.mark.parametrize("outcome", [Resolution.CANCELLED, Resolution.NEVER_ARRIVED])
def test_a_person_cannot_settle_what_nobody_doubts(outcome: Resolution) -> None:
    """A slip in a child's id must not write off an order that works at the broker: it would be sent twice."""
    rig = working()
    resolve(rig, "p1-1", outcome)
    rig.pass_time(rig.settings.settle + SECOND)

    assert rig.placed() == []


def test_an_acknowledged_child_did_arrive() -> None:
    """What the broker acknowledged cannot be said to have never arrived, doubt or not."""
    from quietfill.domain.execution_report import ReportKind

    rig = working()
    rig.handle(rig.report(ReportKind.NOT_FOUND, reason="?"))
    assert rig.engine.state.children["p1-1"].state is OrderState.UNKNOWN

    assert resolve(rig, "p1-1", Resolution.NEVER_ARRIVED) == []


@pytest.mark.parametrize("outcome", [Resolution.CANCELLED, Resolution.NEVER_ARRIVED, Resolution.WORKING])
def test_a_persons_word_about_a_child_that_is_being_changed_is_no_bug_of_ours(outcome: Resolution) -> None:
    """Whatever a person says of a child with a replace on its way is taken or settles nothing; it never raises."""
    rig = working()
    rig.want(slice_of(100, "10.01"))
    assert rig.engine.state.children["p1-1"].state is OrderState.PENDING_REPLACE

    resolve(rig, SYMBOL, outcome)


@pytest.mark.parametrize("outcome", [Resolution.CANCELLED, Resolution.NEVER_ARRIVED])
def test_a_request_that_was_just_sent_is_not_in_doubt(outcome: Resolution) -> None:
    """A word about a whole symbol settles what is in doubt, not the order that left a moment ago."""
    rig = Rig()
    rig.quote()
    rig.puppet.wanted = (slice_of(100),)
    rig.order()
    assert [child.child_id for child in rig.placed()] == ["p1-1"]
    resolve(rig, SYMBOL, outcome)
    rig.pass_time(SECOND)

    assert rig.placed() == []


def test_what_a_person_says_is_cancelled_settles_like_any_cancel() -> None:
    """The remainder of a child that a person says is cancelled is not sent again before the settle time."""
    rig = doubtful()
    rig.requests()
    resolve(rig, "p1-1", Resolution.CANCELLED)

    assert rig.placed() == []


@pytest.mark.parametrize("is_listed", [True, False])
def test_what_a_person_wrote_off_and_the_broker_has_is_taken_back(is_listed: bool) -> None:
    """A child said to be cancelled that shows at the broker is exposed again, or at the least an alarm."""
    from quietfill.domain.execution_report import ReportKind

    rig = doubtful()
    rig.requests()
    resolve(rig, "p1-1", Resolution.CANCELLED)
    rig.pass_time(rig.settings.settle + SECOND)
    assert [child.child_id for child in rig.placed()] == ["p1-2"]
    before = len(rig.records)
    if is_listed:
        rig.handle(rig.snapshot(listed()))
    else:
        rig.handle(rig.report(ReportKind.ACCEPTED, broker_order_id=1))

    after = rig.records[before:]
    assert kinds(after, ChildAdopted) or [alert for alert in kinds(after, AlertRaised) if alert.severity == "critical"]


# Imports


def test_an_import_that_brings_no_working_child_does_not_stop_the_desk() -> None:
    """After an import the broker is asked, or nothing waits for its word."""
    old = StopRig()
    new = Rig()
    new.now = old.now
    new.quote()
    new.handle(ImportOrders(records=tuple(old.records), by="anna"))

    assert new.engine.take_questions() or not new.engine.is_reconciling


def test_an_import_of_what_is_known_does_not_stop_the_desk() -> None:
    """A file that brings nothing new changes nothing of what runs."""
    rig = Rig()
    rig.quote()
    rig.order()
    rig.handle(ImportOrders(records=tuple(rig.records), by="anna"))
    rig.want(slice_of(100))

    assert rig.placed() or rig.engine.take_questions()


def test_an_import_under_a_kill_is_cancelled() -> None:
    """Orders taken over while a kill is in force fall under it: their children are cancelled."""
    old = working()
    new = Rig()
    new.now = old.now
    new.quote()
    new.handle(Kill(kill_id="k", by="risk", reason="test"))
    new.handle(ImportOrders(records=tuple(old.records), by="anna"))
    new.handle(new.snapshot(listed()))
    new.pass_time(MINUTE)

    assert [request for request in new.requests() if isinstance(request, CancelRequested)]


def test_a_stop_imported_under_a_kill_does_not_fire_when_it_is_released() -> None:
    """A stop taken over while a kill is in force is disarmed like any other."""
    old = StopRig()
    new = Rig()
    new.now = old.now
    new.quote()
    new.handle(Kill(kill_id="k", by="risk", reason="test"))
    new.handle(ImportOrders(records=tuple(old.records), by="anna"))
    new.handle(new.snapshot())
    new.handle(ReleaseKill(by="a", second="b", reason="over"))
    old.engine, old.records, old.wire = new.engine, new.records, []
    old.through()

    assert old.placed() == []


def test_an_import_cannot_lift_a_kill() -> None:
    """Only orders are taken over: a record of the house among them is refused or left out."""
    old = working()
    lift = KillSwitchReleased(at=old.now, by="x", second="x", reason="", scope=KillScope())
    new = Rig()
    new.now = old.now
    new.handle(Kill(kill_id="k", by="risk", reason="test"))
    with suppress(ValueError):
        new.handle(ImportOrders(records=(*old.records, lift), by="anna"))

    assert new.engine.state.is_killed(SYMBOL, None)


def test_a_known_order_with_a_persons_word_does_not_spoil_an_import() -> None:
    """A file of a known order and a new one brings the new one, whatever was resolved in the known one."""
    rig = doubtful()
    resolve(rig, "p1-1", Resolution.WORKING)
    known = list(rig.records)
    other = Rig()
    other.now = rig.now
    other.quote()
    other.order(name="p2")
    rig.handle(ImportOrders(records=(*known, *other.records), by="anna"))

    assert "p2" in rig.engine.state.live


# Benchmarks


def test_an_unknown_quote_has_no_age() -> None:
    """A fill before the first book of a process is kept without the age of a quote that was never there."""
    rig = working()
    engine = rig.fresh_engine()
    engine.restore(rig.records)
    rig.engine = engine
    rig._keep(engine.recover(rig.now))
    marks = kinds(rig.fill(10), ChildFilled)[0].marks

    assert marks is None or marks.quote_age is None or marks.quote_age < 60 * MINUTE


def test_a_fall_of_the_days_volume_is_a_new_session() -> None:
    """As the contract says: after a fall what is shown was traded since the session began."""
    rig = Rig()
    rig.quote(volume=1000)
    rig.order()
    rig.now += SECOND
    rig.quote(volume=600)
    rig.engine.observed.observe(rig.parent)

    assert rig.parent.market_volume == quantity_from(600)


# Prices of zero and less


def test_a_market_order_trades_around_a_price_of_zero() -> None:
    """A spread quoted at -0.01 to 0.01 has a mid of zero: its collar must not be of no width."""
    rig = Rig()
    rig.quote("-0.01", "0.01")
    rig.order(algo="market")
    (child,) = rig.placed()

    assert child.limit_price is not None
    assert child.limit_price >= price_from("0.01")


@pytest.mark.parametrize(("bid", "ask"), [("0.01", "199999.99"), ("0.50", "2.00")])
def test_a_wide_book_does_not_lift_the_collar(bid: str, ask: str) -> None:
    """A stub quote is no price: at positive prices the collar stays a share of the mid, however wide the book."""
    rig = Rig()
    rig.quote(bid, ask)
    rig.order(algo="market")
    (child,) = rig.placed()

    assert child.limit_price is not None
    assert child.limit_price < price_from(ask)


# At once or not at all


@pytest.mark.parametrize("params", [{"max_child": "30"}, {"participation_cap": 0.1}])
def test_fill_or_kill_is_never_cut(params: dict[str, Any]) -> None:
    """A fill-or-kill order is refused, or goes out whole: a part of it must not trade alone."""
    rig = Rig()
    rig.quote(volume=1000)
    rig.order(
        algo="limit", limit_price=price_from("10.02"), time_in_force=TimeInForce.FOK, params=params, side=OrderSide.BUY
    )
    rig.quote(volume=1300)
    rig.pass_time(SECOND)

    assert all(child.quantity == quantity_from(100) for child in rig.placed())
