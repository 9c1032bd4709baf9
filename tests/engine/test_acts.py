"""What people ask of the house: settle by word of mouth, switch rules, close positions, import, register."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import msgspec
import pytest

from quietfill.domain.errors import BadInput
from quietfill.domain.execution_report import ReportKind
from quietfill.domain.instrument import Instrument, TickRule
from quietfill.domain.messages import (
    BookUpdate,
    ImportOrders,
    Kill,
    KillScope,
    RegisterInstrument,
    ReleaseKill,
    Resolution,
    Resolve,
    Rule,
    SwitchRule,
)
from quietfill.domain.order_state import OrderState
from quietfill.domain.records import (
    AlertRaised,
    CancelRequested,
    ChildAssumedCancelled,
    ChildDone,
    ChildFilled,
    ChildRequested,
    InstrumentRegistered,
    MemoKept,
    OrderAccepted,
    OrderCancelAsked,
    OrderDone,
    OrdersImported,
    Reconciled,
    Resolved,
    RuleSwitched,
)
from quietfill.domain.types import MINUTE, SECOND, OrderSide, price_from, quantity_from
from tests.engine.rig import FAST, SYMBOL, Rig, fingerprint, slice_of
from tests.engine.test_working import working


def kinds(records: list[Any], kind: type) -> list[Any]:
    """Return the records of one kind."""
    return [record for record in records if isinstance(record, kind)]


def doubtful() -> Rig:
    """Return a rig whose one child had no answer in time."""
    rig = Rig()
    rig.quote()
    rig.puppet.wanted = (slice_of(100),)
    rig.order()
    rig.pass_time(rig.settings.request_timeout + SECOND)
    assert rig.parent.live_children["p1-1"].state is OrderState.UNKNOWN
    return rig


def resolve(rig: Rig, subject: str, outcome: Resolution) -> list[Any]:
    """Let a person say what became of something."""
    return rig.handle(Resolve(subject=subject, outcome=outcome, by="anna", reason="rang the broker"))


@pytest.mark.parametrize("subject", ["p1-1", "p1", SYMBOL])
def test_a_person_ends_what_is_in_doubt(subject: str) -> None:
    """Named by child, order or symbol, a child that a person says is cancelled ends, and its rest is worked again."""
    rig = doubtful()
    rig.requests()

    records = resolve(rig, subject, Resolution.CANCELLED)

    assert [record.subject for record in kinds(records, Resolved)] == ["p1-1"]
    assert rig.engine.state.children["p1-1"].state is OrderState.FAILED
    rig.pass_time(rig.settings.settle + SECOND)
    assert [child.child_id for child in rig.placed()] == ["p1-2"]


def test_a_person_says_that_a_child_works() -> None:
    """A child said to be working is left alone, and its later fill is booked."""
    rig = doubtful()
    rig.requests()

    resolve(rig, "p1-1", Resolution.WORKING)
    rig.fill(40)

    assert rig.parent.live_children["p1-1"].state is OrderState.PARTIAL
    assert rig.requests() == []
    assert rig.parent.filled == quantity_from(40)


def test_what_was_filled_cannot_have_never_arrived() -> None:
    """A word that the books contradict settles nothing."""
    rig = working()
    rig.fill(10)

    assert resolve(rig, "p1-1", Resolution.NEVER_ARRIVED) == []
    assert resolve(rig, "nobody", Resolution.CANCELLED) == []


def test_a_frozen_parent_goes_on_when_a_person_says_so() -> None:
    """A parent frozen by its algo's failure sends again after `go_on`, rebased and not at once for all it missed."""
    rig = working()
    rig.puppet.fails = True
    rig.want(slice_of(100))
    rig.cancelled()
    rig.pass_time(MINUTE)
    assert rig.parent.frozen_reason
    rig.requests()

    rig.puppet.fails = False
    resolve(rig, "p1", Resolution.GO_ON)

    assert not rig.engine.state.parents["p1"].frozen_reason
    assert len(rig.placed()) == 1


def test_a_settled_state_is_the_replayed_state() -> None:
    """Replaying a journal with resolutions, switches and assumed cancels gives the same state."""
    rig = doubtful()
    resolve(rig, "p1-1", Resolution.CANCELLED)
    rig.handle(SwitchRule(rule=Rule.ZOMBIES, on=False, by="anna"))
    rig.pass_time(MINUTE)

    replayed = Rig().engine
    replayed.restore(rig.records)

    assert fingerprint(replayed) == fingerprint(rig.engine)
    assert replayed.state.rules == rig.engine.state.rules


def test_a_rule_is_switched_once() -> None:
    """Switching a rule to what it is leaves no record."""
    rig = Rig()

    first = rig.handle(SwitchRule(rule=Rule.TIMEOUTS, on=False, by="anna"))
    again = rig.handle(SwitchRule(rule=Rule.TIMEOUTS, on=False, by="anna"))

    assert kinds(first, RuleSwitched) == first
    assert len(first) == 1
    assert again == []


def test_a_silent_broker_is_taken_to_have_cancelled() -> None:
    """An assumed cancel is a record of its own; a late fill is still booked, and an over-fill freezes."""
    rig = working()
    rig.want()
    records = rig.handle(rig.report(ReportKind.ASSUMED_CANCELLED))
    assert [record.reason for record in kinds(records, ChildAssumedCancelled)] == ["cancelled (assumed)"]

    rig.fill(10)

    assert rig.parent.filled == quantity_from(10)
    assert rig.engine.state.children["p1-1"].state is OrderState.CANCELLED


def test_nobody_assumes_a_cancel_that_was_not_asked_for() -> None:
    """An assumed cancel of a child that nobody cancelled is ignored."""
    rig = working()

    assert kinds(rig.handle(rig.report(ReportKind.ASSUMED_CANCELLED)), ChildAssumedCancelled) == []


def test_without_replaces_a_change_is_a_cancel_and_after_settling_a_new_child() -> None:
    """Where the broker cannot change an order, new terms wait for the cancel's word and the settle time."""
    rig = Rig(msgspec.structs.replace(FAST, can_replace=False))
    rig.quote()
    rig.puppet.wanted = (slice_of(100),)
    rig.order()
    rig.ack()
    rig.requests()

    rig.want(slice_of(100, "10.01"))
    assert [type(request) for request in rig.requests()] == [CancelRequested]
    rig.cancelled()
    assert rig.requests() == []
    rig.pass_time(rig.settings.settle + SECOND)

    placed = rig.placed()
    assert [(child.child_id, child.limit_price) for child in placed] == [("p1-2", price_from(Decimal("10.01")))]


def test_a_child_that_is_silent_for_long_is_asked_about() -> None:
    """After a minute without a word the broker is asked; an answer without news leaves no record."""
    rig = working()

    rig.pass_time(rig.settings.silence + SECOND)

    assert rig.engine.take_questions() == {"p1-1"}
    from tests.engine.test_kill_and_restart import listed

    assert rig.handle(rig.snapshot(listed())) == []
    rig.pass_time(rig.settings.silence + SECOND)
    assert rig.engine.take_questions() == {"p1-1"}
    ended = rig.handle(rig.snapshot(listed(is_open=False, state="cancelled")))
    assert len(kinds(ended, Reconciled)) == 1
    assert len(kinds(ended, ChildDone)) == 1


def test_silence_is_no_matter_when_the_rule_is_off() -> None:
    """With the rule switched off nobody is asked."""
    rig = working()
    rig.handle(SwitchRule(rule=Rule.ZOMBIES, on=False, by="anna"))

    rig.pass_time(5 * MINUTE)

    assert rig.engine.take_questions() == set()


def test_the_market_is_kept_with_the_fill() -> None:
    """A fill carries the touch, the others' volume and the averages since arrival, our own prints left out."""
    rig = Rig()
    rig.quote(volume=1000)
    rig.puppet.wanted = (slice_of(100),)
    rig.order()
    rig.ack()
    rig.now += 10 * SECOND
    rig.quote("10.02", "10.04", volume=1500)
    rig.now += 10 * SECOND

    marks = kinds(rig.fill(40), ChildFilled)[0].marks

    assert marks is not None
    assert (marks.bid, marks.ask) == (price_from("10.02"), price_from("10.04"))
    assert marks.market_volume == quantity_from(500)
    assert marks.quote_age == 10 * SECOND
    assert marks.twap == price_from("10.02")  # ten seconds at 10.01, ten at 10.03
    assert marks.observed == 20 * SECOND
    assert marks.vwap is None  # the feed told of volume, and never at which price


def test_an_average_over_prints_leaves_ours_out() -> None:
    """With the feed's turnover the average since arrival is that of the others' prints, whatever was conflated."""
    rig = Rig()

    def show(volume: int, turnover: int) -> None:
        rig.handle(
            BookUpdate(
                symbol=SYMBOL,
                time=rig.now,
                bids=((price_from("10.00"), quantity_from(500)),),
                asks=((price_from("10.02"), quantity_from(500)),),
                last=price_from("10.02"),
                volume=quantity_from(volume),
                turnover=price_from(turnover) * quantity_from(1),
            )
        )

    show(1000, 9000)
    rig.puppet.wanted = (slice_of(100),)
    rig.order()
    rig.ack()
    rig.now += SECOND
    rig.fill(40)
    show(1000 + 40 + 100, 9000 + 400 + 1003)
    rig.want()

    sums = rig.engine.observed.since_arrival(rig.parent, rig.now)

    assert sums.volume == quantity_from(100)
    assert sums.vwap == price_from("10.03")


def test_a_memo_is_journaled_before_what_follows_from_it() -> None:
    """A plan's memo is a record ahead of the plan's requests, kept once, and the state after a replay has it."""
    rig = Rig()
    rig.quote()
    rig.puppet.wanted, rig.puppet.memo = (slice_of(100),), {"triggered_at": 5}
    records = rig.order()
    rig.want(slice_of(90))

    order = [type(record) for record in records if isinstance(record, (MemoKept, ChildRequested))]
    assert order == [MemoKept, ChildRequested]
    assert len(kinds(rig.records, MemoKept)) == 1
    replayed = Rig().engine
    replayed.restore(rig.records)
    assert dict(replayed.state.parents["p1"].memo) == {"triggered_at": 5}


def stop_rig() -> Rig:
    """Return a rig whose puppet counts as a stop."""
    rig = Rig(is_stop=True)
    rig.quote()
    rig.order()
    return rig


def test_a_kill_that_leaves_orders_working_disarms_stops_and_names_the_position() -> None:
    """A kill without cancels still ends untriggered stops, says so loudly, and its release does not bring them back."""
    rig = stop_rig()

    records = rig.handle(Kill(kill_id="k", by="risk", reason="test", cancel_pending=False))

    assert [record.order_id for record in kinds(records, OrderCancelAsked)] == ["p1"]
    alerts = kinds(records, AlertRaised)
    assert [alert.severity for alert in alerts] == ["critical"]
    assert "unprotected" in alerts[0].text
    assert rig.parent.is_done
    rig.handle(ReleaseKill(by="a", second="b", reason="over"))
    assert rig.engine.state.live == {}


def test_a_stop_that_was_triggered_is_an_order_like_any_other() -> None:
    """A kill without cancels leaves a triggered stop working."""
    rig = stop_rig()
    rig.puppet.memo = {"triggered_at": 5}
    rig.want(slice_of(100))

    rig.handle(Kill(kill_id="k", by="risk", reason="test", cancel_pending=False))

    assert not rig.parent.is_done
    assert rig.parent.cancel_reason is None


def test_while_stops_are_off_a_stop_waits() -> None:
    """An untriggered stop is not asked while the rule is off, and is again when it is on."""
    rig = stop_rig()
    rig.handle(SwitchRule(rule=Rule.STOPS, on=False, by="anna"))
    rig.want(slice_of(100))
    assert rig.placed() == []

    rig.handle(SwitchRule(rule=Rule.STOPS, on=True, by="anna"))

    assert len(rig.placed()) == 1


def test_while_the_line_is_down_only_memory_is_taken_from_a_plan() -> None:
    """An algo asked while nothing can be sent is told so; its memo is journaled, its slices are not."""
    from quietfill.domain.messages import LinkState

    rig = Rig()
    rig.quote()
    rig.order()
    rig.handle(LinkState(up=False, reason="cut"))
    rig.puppet.memo = {"latched_at": 7}
    records = rig.want(slice_of(100))

    assert len(kinds(records, MemoKept)) == 1
    assert kinds(records, ChildRequested) == []
    assert rig.puppet.could_send is False


def bought(quantity: int = 30) -> Rig:
    """Return a rig that holds a position, with the rest of its order working."""
    rig = working()
    rig.fill(quantity)
    return rig


def test_positions_are_closed_once_everything_is_cancelled_and_only_then() -> None:
    """Under a kill that asks for it the exit is sent after the last cancel has settled, reduce-only in size, once."""
    rig = bought()
    rig.requests()
    rig.handle(Kill(kill_id="k", by="risk", reason="test", close_positions=True))
    assert rig.placed() == []
    rig.cancelled(30)
    assert rig.placed() == []

    rig.pass_time(rig.settings.settle + SECOND)

    placed = rig.placed()
    assert [(child.side, child.quantity) for child in placed] == [(OrderSide.SELL, quantity_from(30))]
    rig.fill(30, placed[0].child_id)
    rig.pass_time(MINUTE)
    assert rig.engine.state.totals[SYMBOL].position == 0
    assert rig.placed() == []
    refused = rig.order(name="p2")
    assert kinds(refused, OrderAccepted) == []


def test_an_exit_that_does_not_fill_says_that_the_position_is_open() -> None:
    """When the exit's window ends with something left a critical alert names it."""
    rig = bought()
    rig.handle(Kill(kill_id="k", by="risk", reason="test", close_positions=True))
    rig.cancelled(30)
    rig.pass_time(SECOND)
    placed = rig.placed()
    rig.ack(placed[-1].child_id)
    rig.pass_time(11 * MINUTE)
    rig.cancelled(0, placed[-1].child_id)
    rig.pass_time(MINUTE)

    texts = [alert.text for alert in kinds(rig.records, AlertRaised) if alert.severity == "critical"]
    assert any("not closed" in text for text in texts)


def test_only_the_scope_is_closed() -> None:
    """A kill of another symbol closes nothing here."""
    rig = bought()
    rig.requests()
    scope = KillScope(symbols=("OTHER",))
    rig.handle(Kill(kill_id="k", by="risk", reason="test", close_positions=True, scope=scope))
    rig.pass_time(MINUTE)

    assert [request for request in rig.requests() if isinstance(request, ChildRequested)] == []


def test_orders_are_taken_over_with_their_past_and_nothing_is_sent_for_them() -> None:
    """An import restores the order as it was; its old requests stay, and it waits for the broker's word."""
    old = bought()
    new = Rig()
    new.now = old.now
    new.quote()
    new.puppet.wanted = (slice_of(70),)

    records = new.handle(ImportOrders(records=tuple(old.records), by="anna"))

    assert kinds(records, OrdersImported)[0].orders == ("p1",)
    assert new.requests() == []
    assert new.engine.state.sequence > 0
    assert new.parent.filled == quantity_from(30)
    from tests.engine.test_kill_and_restart import listed

    new.handle(new.snapshot(listed(filled=30)))
    assert new.requests() == []
    assert not new.engine.is_reconciling
    new.fill(70, execution="from the new process")
    assert new.parent.state is OrderState.FILLED


def test_what_is_known_here_is_not_imported_over() -> None:
    """An order that is known already stays as it is, and an alert names it."""
    rig = bought()
    before = fingerprint(rig.engine)["parents"]

    records = rig.handle(ImportOrders(records=tuple(rig.records), by="anna"))

    assert [alert.subject for alert in kinds(records, AlertRaised)] == ["p1"]
    assert fingerprint(rig.engine)["parents"] == before


def test_half_an_order_is_refused_and_changes_nothing() -> None:
    """Records that do not make up whole orders are refused by name, and the state is unchanged."""
    old = bought()
    rig = Rig()

    with pytest.raises(BadInput, match="cannot be imported"):
        rig.handle(ImportOrders(records=tuple(old.records[1:]), by="anna"))

    assert fingerprint(rig.engine) == fingerprint(Rig().engine)


def test_a_registered_instrument_is_in_the_journal_and_back_after_a_replay() -> None:
    """An instrument registered while running is known to an engine that only reads the journal."""
    rig = Rig()
    instrument = Instrument(symbol="NEW", ticks=(TickRule(0, 10**7),), lot=quantity_from(1))
    first = rig.handle(RegisterInstrument(instrument=instrument, by="anna"))
    again = rig.handle(RegisterInstrument(instrument=instrument, by="anna"))
    rig.order(name="p9", symbol="NEW")

    replayed = Rig().engine
    replayed.restore(rig.records)

    assert len(kinds(first, InstrumentRegistered)) == 1
    assert again == []
    assert replayed.state.instruments["NEW"] == instrument
    with pytest.raises(BadInput, match="another instrument"):
        rig.handle(RegisterInstrument(instrument=Instrument(symbol="NEW", ticks=(TickRule(0, 5),), lot=1), by="bob"))


def test_a_remainder_that_the_venue_ends_at_once_is_no_reject() -> None:
    """An immediate-or-cancel order ends with what it got; nothing is held against it and nothing follows."""
    from quietfill.domain.types import TimeInForce

    rig = Rig()
    rig.quote()
    rig.order(algo="limit", limit_price=price_from("10.02"), time_in_force=TimeInForce.IOC)
    assert [child.time_in_force for child in rig.placed()] == [TimeInForce.IOC]
    rig.ack()
    rig.fill(60)
    rig.cancelled(60)
    rig.pass_time(MINUTE)

    assert rig.parent.consecutive_rejects == 0
    assert rig.parent.is_done
    assert rig.placed() == []


def test_an_order_whose_deadline_came_says_so() -> None:
    """An order that ends with something left at its end is marked as timed out; a cancelled one is not."""
    rig = working()
    rig.pass_time(11 * MINUTE)
    rig.cancelled()
    rig.pass_time(SECOND)
    assert [record.timed_out for record in kinds(rig.records, OrderDone)] == [True]


def test_a_bug_of_ours_stops_new_risk_until_two_people_say_so() -> None:
    """After an internal error nothing new is accepted or asked for; cancels go, and a release lets it go on."""
    rig = working()
    records = rig.engine.stop_new_risk("internal error: AssertionError: boom", rig.now)
    rig.records += records
    rig.want(slice_of(50, "9.99"))

    assert [alert.severity for alert in kinds(records, AlertRaised)] == ["critical"]
    assert rig.replaces() == []
    assert kinds(rig.order(name="p2"), OrderAccepted) == []
    rig.handle(ReleaseKill(by="a", second="b", reason="mended"))
    assert len(rig.replaces()) == 1


def test_every_new_order_goes_through_the_same_door(monkeypatch: pytest.MonkeyPatch) -> None:
    """The kill's own exit is checked like any order: beyond the limits it is refused, and that is on record."""
    from quietfill.domain.records import OrderRefused
    from quietfill.risk.limits import RiskLimits

    rig = bought()
    monkeypatch.setattr(rig.engine._admission, "_limits", RiskLimits(max_order_quantity=quantity_from(10)))
    rig.handle(Kill(kill_id="k", by="risk", reason="test", close_positions=True))
    rig.cancelled(30)
    rig.pass_time(SECOND)

    assert any(
        "max_order_quantity" in reason for record in kinds(rig.records, OrderRefused) for reason in record.reasons
    )
