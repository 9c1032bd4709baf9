"""An agent with a broker that its user brought: two calls, one callback, and whatever arrives in whatever order."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from quietfill import (
    BadInput,
    BrokerRefusal,
    KillSwitchEvent,
    MemoryJournal,
    OrderEvent,
    OrderSide,
    OrderState,
    OrderStateChangeEvent,
    OrderType,
)
from quietfill.domain.messages import KillScope
from quietfill.domain.records import (
    CancelRefused,
    ChildAssumedCancelled,
    ChildFilled,
    ChildInDoubt,
    ChildRequested,
    LinkChanged,
)
from quietfill.domain.types import SECOND, datetime_of, quantity_from
from tests.own_broker import NOON, Call, HandBroker, OwnDesk, TalkingBroker, fill_of, open_own_desk, play

FILLED, CANCELLED, REJECTED, UNKNOWN = OrderState.FILLED, OrderState.CANCELLED, OrderState.REJECTED, OrderState.UNKNOWN
WORKING = OrderState.WORKING


async def working_order(desk: OwnDesk, number: int = 7, **changes: Any) -> OrderEvent:
    """Submit an order and have its child placed; return what the broker was given."""
    await desk.submit(**changes)
    call: Call = desk.broker.placed[0]
    call.gives(number)
    await desk.turn()
    assert call.order is not None
    return call.order


async def cancel(desk: OwnDesk) -> None:
    """Ask for the one order to be cancelled."""
    await desk.agent.cancel_order(desk.parent.order_id)
    await desk.turn()


# What the broker is given


def test_a_broker_with_four_members_works_an_order_to_the_end() -> None:
    """The child is placed with its id as key, acknowledged with the broker's id, filled and reported."""

    async def scene(desk: OwnDesk) -> None:
        order = await working_order(desk)

        assert desk.states() == [WORKING]
        assert desk.child.broker_order_id == 7
        assert (order.symbol, order.side, order.quantity, order.limit_price) == ("ACME", OrderSide.BUY, 100, 10.0)
        assert order.order_type is OrderType.LIMIT
        assert (order.event_id, desk.broker.placed[0].key) == (desk.child.child_id, desk.child.child_id)
        assert order.decision_id == desk.parent.accepted.decision_id
        desk.broker.fill(fill_of(order, 100))
        await desk.turn()
        assert desk.parent.state is FILLED
        assert desk.alerts("warning") == desk.alerts() == []

    play(scene)


def test_an_order_without_a_limit_is_placed_as_a_market_order() -> None:
    """What crosses without any bound says so to the broker."""

    async def scene(desk: OwnDesk) -> None:
        order = await working_order(desk, order_type="market", limit_price=None)

        collared = order.limit_price is not None
        assert order.order_type is (OrderType.LIMIT if collared else OrderType.MARKET)
        desk.broker.fill(fill_of(order, 100))
        await desk.turn()
        assert desk.parent.state is FILLED

    play(scene)


def test_plain_functions_will_do() -> None:
    """`is_connected` may be a method, and no member need be a coroutine or take a key."""

    class Plain:
        def __init__(self) -> None:
            self.placed: list[OrderEvent] = []
            self.cancelled: list[int] = []

        def is_connected(self) -> bool:
            return True

        def place_order(self, order: OrderEvent) -> int:
            self.placed.append(order)
            self.callback(fill_of(order, 30, broker_order_id=5))
            return 5

        def cancel_order(self, broker_order_id: int) -> bool:
            self.cancelled.append(broker_order_id)
            return True

        def on_fill(self, callback: Any) -> None:
            self.callback = callback

    async def scene(desk: OwnDesk) -> None:
        await desk.submit()
        await cancel(desk)
        await desk.pass_time(6)

        assert len(desk.broker.placed) == 1
        assert desk.broker.cancelled == [5]
        assert (desk.parent.state, desk.parent.filled) == (CANCELLED, quantity_from(30))

    play(scene, Plain())


def test_what_a_broker_lacks_is_named() -> None:
    """An object that cannot cancel is refused when the agent is made."""

    class Half:
        is_connected = True

        def place_order(self, order: OrderEvent) -> None:
            """Place nothing."""

    with pytest.raises(BadInput, match="broker Half has no cancel_order, on_fill"):
        play(None, Half())  # type: ignore[arg-type]


# Placing


def test_fills_told_inside_place_order_are_booked() -> None:
    """A broker that fills before it has said its id loses nothing, and the id is known afterwards."""

    def fill_at_once(call: Any) -> None:
        broker.fill(fill_of(call.order, 60))
        broker.fill(fill_of(call.order, 10, broker_order_id=7))
        call.gives(7)

    broker = HandBroker()
    broker.on_place = fill_at_once

    async def scene(desk: OwnDesk) -> None:
        await desk.submit()

        assert (desk.child.filled, desk.child.broker_order_id) == (quantity_from(70), 7)
        assert desk.states() == [OrderState.PARTIAL]

    play(scene, broker)


@pytest.mark.parametrize("answer", [None, BrokerRefusal("no such thing")])
def test_a_refused_order_is_rejected_and_tried_again_later(answer: Any) -> None:
    """None and `BrokerRefusal` mean that there is no order; another try waits for the back-off."""

    async def scene(desk: OwnDesk) -> None:
        await desk.submit()
        desk.broker.placed[0].gives(answer)
        await desk.turn()
        reason = desk.child.done_reason

        assert desk.states() == [REJECTED]
        assert reason == ("refused by the broker" if answer is None else "no such thing")
        await desk.pass_time(1)
        assert desk.states() == [REJECTED, OrderState.PENDING]

    play(scene)


@pytest.mark.parametrize("answer", [RuntimeError("timed out"), TimeoutError(), "abc", 7.5])
def test_no_answer_invents_nothing(answer: Any) -> None:
    """After any other exception, or an answer that is no id, the child is in doubt, exposed, and a person is told."""

    async def scene(desk: OwnDesk) -> None:
        await desk.submit()
        desk.broker.placed[0].gives(answer)
        await desk.pass_time(60)

        assert desk.states() == [UNKNOWN]
        assert len(desk.broker.placed) == 1
        assert any("a person must look" in text for text in desk.alerts())
        desk.broker.fill(fill_of(desk.broker.placed[0].order, 100))
        await desk.turn()
        assert desk.parent.state is FILLED

    play(scene)


def test_a_late_id_settles_the_doubt() -> None:
    """`place_order` may return after the child was put in doubt: then it works."""

    async def scene(desk: OwnDesk) -> None:
        await desk.submit()
        await desk.pass_time(7)
        doubted = desk.states()
        desk.broker.placed[0].gives(7)
        await desk.turn()

        assert (doubted, desk.states()) == ([UNKNOWN], [WORKING])

    play(scene)


# Cancelling


def test_no_cancel_waits_for_a_slow_placement() -> None:
    """While one order's `place_order` hangs, another's cancel is sent and answered."""

    async def scene(desk: OwnDesk) -> None:
        first = await desk.submit()
        desk.broker.placed[0].gives(7)
        await desk.submit()
        await desk.agent.cancel_order(first)
        await desk.turn()

        assert [call.number for call in desk.broker.cancelled] == [7]
        assert not desk.broker.placed[1].answer.done()

    play(scene)


@pytest.mark.parametrize("is_told_by_a_fill", [False, True])
def test_a_cancel_goes_as_soon_as_the_id_is_known(is_told_by_a_fill: bool) -> None:
    """A child whose placing has not returned is cancelled once, when a return or a fill brings the broker's id."""

    async def scene(desk: OwnDesk) -> None:
        await desk.submit()
        await cancel(desk)
        waiting = len(desk.broker.cancelled)
        if is_told_by_a_fill:
            desk.broker.fill(fill_of(desk.broker.placed[0].order, 40, broker_order_id=7))
        else:
            desk.broker.placed[0].gives(7)
        await desk.turn()

        assert waiting == 0
        assert [call.number for call in desk.broker.cancelled] == [7]

    play(scene)


def test_a_silent_cancel_is_assumed_and_says_so() -> None:
    """Five seconds after a cancel returned True the child is cancelled by assumption, with a record of its own."""

    async def scene(desk: OwnDesk) -> None:
        await working_order(desk)
        await cancel(desk)
        desk.broker.cancelled[0].gives(True)
        await desk.pass_time(4.9)
        before = desk.states()
        await desk.pass_time(0.6)

        assert (before, desk.states()) == ([OrderState.PENDING_CANCEL], [CANCELLED])
        assert desk.child.done_reason == "cancelled (assumed)"
        assert len(desk.records(ChildAssumedCancelled)) == 1
        assert desk.records(ChildInDoubt) == []
        assert desk.parent.state is CANCELLED

    play(scene)


def test_a_fill_after_the_cancel_begins_the_silence_anew() -> None:
    """Who trades is not gone: the five seconds count from the last word."""

    async def scene(desk: OwnDesk) -> None:
        order = await working_order(desk)
        await cancel(desk)
        desk.broker.cancelled[0].gives(True)
        await desk.pass_time(3)
        desk.broker.fill(fill_of(order, 30))
        await desk.pass_time(4)
        before = desk.child.is_live
        await desk.pass_time(2)

        assert (before, desk.child.is_live) == (True, False)
        assert desk.parent.filled == quantity_from(30)

    play(scene, request_timeout_seconds=20)


def test_a_late_fill_after_an_assumed_cancel_is_booked() -> None:
    """The venue may have traded first; what comes then counts, and too much of it freezes and alerts."""

    async def scene(desk: OwnDesk) -> None:
        order = await working_order(desk)
        await cancel(desk)
        desk.broker.cancelled[0].gives(True)
        await desk.pass_time(10)
        desk.broker.fill(fill_of(order, 40))
        await desk.turn()
        assert (desk.child.filled, desk.states(), desk.alerts()) == (quantity_from(40), [CANCELLED], [])
        desk.broker.fill(fill_of(order, 70))
        await desk.turn()

        assert desk.child.filled == quantity_from(110)
        assert desk.parent.frozen_reason is not None
        assert any("over-filled by 10" in text for text in desk.alerts())

    play(scene)


def test_a_refused_cancel_is_asked_again() -> None:
    """False puts the child in doubt; the only question this broker understands is another cancel."""

    async def scene(desk: OwnDesk) -> None:
        await working_order(desk)
        await cancel(desk)
        desk.broker.cancelled[0].gives(False)
        await desk.turn()
        assert desk.states() == [UNKNOWN]
        desk.broker.on_cancel = lambda call: call.gives(len(desk.broker.cancelled) > 3)
        await desk.pass_time(60)

        assert desk.states() == [CANCELLED]
        assert len(desk.broker.cancelled) == 4

    play(scene)


def test_a_cancel_that_raises_is_no_answer() -> None:
    """An exception ends nothing; the cancel is sent again and again, and never in a hurry."""

    async def scene(desk: OwnDesk) -> None:
        await working_order(desk)
        desk.broker.on_cancel = lambda call: call.gives(OSError("reset"))
        await cancel(desk)
        await desk.pass_time(300)

        assert desk.states() == [UNKNOWN]
        assert 5 < len(desk.broker.cancelled) < 60
        desk.broker.on_cancel = lambda call: call.gives(True)
        await desk.pass_time(120)
        assert desk.states() == [CANCELLED]

    play(scene)


def test_a_cancel_that_hangs_does_not_hold_up_the_next() -> None:
    """A call that never comes back is no answer: another one is made."""

    async def scene(desk: OwnDesk) -> None:
        await working_order(desk)
        await cancel(desk)
        await desk.pass_time(6.5)
        hanging = [call for call in desk.broker.cancelled if not call.answer.done()]
        desk.broker.on_cancel = lambda call: call.gives(True)
        await desk.pass_time(60)

        assert len(hanging) >= 1
        assert desk.states() == [CANCELLED]

    play(scene)


def test_a_price_is_changed_by_cancel_settle_place() -> None:
    """Without `modify_order` two children never stand at the same time."""

    async def scene(desk: OwnDesk) -> None:
        await working_order(desk)
        await desk.agent.amend_order(desk.parent.order_id, by="desk", limit_price=10.01)
        await desk.turn()
        desk.broker.cancelled[0].gives(True)
        placed_while_cancelling = len(desk.broker.placed)
        await desk.pass_time(6)

        assert placed_while_cancelling == 1
        assert [call.order.limit_price for call in desk.broker.placed] == [10.0, 10.01]

    play(scene)


def test_a_kill_reaches_orders_that_are_being_placed() -> None:
    """Nothing is placed after the kill, and what `place_order` brings back then is cancelled at once."""

    async def scene(desk: OwnDesk) -> None:
        await desk.submit()
        await desk.submit()
        desk.broker.placed[0].gives(7)
        await desk.turn()
        await desk.agent.process_event(KillSwitchEvent(reason="stop"))
        await desk.turn()
        desk.broker.placed[1].gives(8)
        await desk.turn()

        assert [call.number for call in desk.broker.cancelled] == [7, 8]
        assert len(desk.broker.placed) == 2

    play(scene)


def test_a_kill_stops_what_was_sent_and_not_placed_yet() -> None:
    """Between a request and its turn on the loop a kill may come: `place_order` is not called any more."""

    async def scene(desk: OwnDesk) -> None:
        decision = desk.decision()
        await desk.agent.process_event(decision)
        await desk.agent.process_event(desk.approval(decision))
        await desk.agent.process_event(KillSwitchEvent(reason="stop"))
        await desk.turn()

        assert (desk.broker.placed, desk.states()) == ([], [REJECTED])

    play(scene)


def test_a_cancel_overtakes_what_was_sent_and_not_placed_yet() -> None:
    """The same for a cancel of the order."""

    async def scene(desk: OwnDesk) -> None:
        decision = desk.decision()
        await desk.agent.process_event(decision)
        await desk.agent.process_event(desk.approval(decision))
        await cancel(desk)
        await desk.pass_time(1)

        assert (desk.broker.placed, desk.child.done_reason) == ([], "cancelled before it was sent")
        assert desk.parent.state is CANCELLED

    play(scene)


def test_what_the_venue_ends_by_itself_is_assumed_to_have_ended() -> None:
    """The rest of an IOC order is gone when nothing is heard of it for five seconds, without any cancel."""

    async def scene(desk: OwnDesk) -> None:
        order = await working_order(desk, time_in_force="IOC", end=None)
        desk.broker.fill(fill_of(order, 40))
        await desk.pass_time(4)
        before = desk.child.is_live
        await desk.pass_time(2)

        assert order.time_in_force == "IOC"
        assert (before, desk.states()[0]) == (True, CANCELLED)
        assert desk.broker.cancelled == []
        assert desk.parent.filled == quantity_from(40)

    play(scene)


def test_what_ended_by_itself_during_a_restart_ends_too() -> None:
    """The next run waits for the same silence."""

    async def run() -> None:
        journal, first, second = MemoryJournal(), HandBroker(), HandBroker()
        async with open_own_desk(first, journal) as desk:
            await working_order(desk, time_in_force="IOC", end=None)
        async with open_own_desk(second, reopen(journal), NOON + SECOND) as desk:
            await desk.pass_time(7)
            assert desk.states()[0] is CANCELLED
            assert second.cancelled == []

    asyncio.run(run())


# The line


def test_nothing_is_placed_without_a_line() -> None:
    """The loss of the line is noticed at the request; once it stands again the order goes on."""

    async def scene(desk: OwnDesk) -> None:
        desk.broker.is_connected = False
        await desk.submit()
        assert desk.broker.placed == []
        assert [
            (state, child.done_reason) for state, child in zip(desk.states(), desk.parent.children(), strict=True)
        ] == [(REJECTED, "not connected")]
        desk.broker.is_connected = True
        await desk.pass_time(5)

        assert len(desk.broker.placed) == 1
        assert [change.up for change in desk.records(LinkChanged)] == [False, True]

    play(scene)


def test_a_lost_line_is_noticed_while_nothing_is_sent() -> None:
    """Somebody looks every two seconds."""

    async def scene(desk: OwnDesk) -> None:
        desk.broker.is_connected = False
        await desk.pass_time(3)

        assert [change.up for change in desk.records(LinkChanged)] == [False]

    play(scene)


def test_silence_on_a_dead_line_says_nothing() -> None:
    """A cancel is not assumed to have worked while nobody could have told; it is sent again when the line stands."""

    async def scene(desk: OwnDesk) -> None:
        await working_order(desk)
        await cancel(desk)
        desk.broker.cancelled[0].gives(True)
        desk.broker.is_connected = False
        await desk.pass_time(30)
        assert desk.child.is_live
        desk.broker.is_connected = True
        desk.broker.on_cancel = lambda call: call.gives(True)
        await desk.pass_time(10)

        assert desk.states() == [CANCELLED]
        assert len(desk.broker.cancelled) > 1

    play(scene)


def test_a_line_that_broke_during_the_silence_ends_the_wait() -> None:
    """What counts is whether somebody could have told at the moment of the conclusion."""

    async def scene(desk: OwnDesk) -> None:
        await working_order(desk)
        await cancel(desk)
        desk.broker.cancelled[0].gives(True)
        await desk.pass_time(4.5)
        desk.broker.is_connected = False
        await desk.pass_time(1)

        assert desk.child.is_live

    play(scene)


def test_an_ioc_order_outlives_a_dead_line_until_silence_means_something() -> None:
    """The wait for its end begins anew when the line stands again."""

    async def scene(desk: OwnDesk) -> None:
        await working_order(desk, time_in_force="IOC", end=None)
        desk.broker.is_connected = False
        await desk.pass_time(8)
        before = desk.child.is_live
        desk.broker.is_connected = True
        await desk.pass_time(8)

        assert (before, desk.child.is_live) == (True, False)

    play(scene)


def test_a_refusal_on_a_dead_line_is_none() -> None:
    """A cancel that returns False because nothing can be sent refuses nothing."""

    async def scene(desk: OwnDesk) -> None:
        await working_order(desk)
        await cancel(desk)
        desk.broker.is_connected = False
        desk.broker.cancelled[0].gives(False)
        await desk.turn()

        assert desk.records(CancelRefused) == []
        assert desk.states() == [OrderState.PENDING_CANCEL]

    play(scene)


@pytest.mark.parametrize("is_told_at_once", [False, True])
def test_a_broker_may_refuse_a_cancel_by_exception(is_told_at_once: bool) -> None:
    """`BrokerRefusal` is a no, also from a function that is not awaited."""

    def refuse(call: Any) -> None:
        if is_told_at_once:
            raise BrokerRefusal("too late")
        call.gives(BrokerRefusal("too late"))

    async def scene(desk: OwnDesk) -> None:
        await working_order(desk)
        desk.broker.on_cancel = refuse
        await cancel(desk)

        assert [record.reason for record in desk.records(CancelRefused)] == ["too late"]
        assert desk.states() == [UNKNOWN]

    play(scene)


def test_a_connection_flag_that_raises_is_a_line_that_is_down() -> None:
    """Whatever the user's code raises, nothing is placed on a line that nobody vouches for."""

    class Flaky(HandBroker):
        fails = False

        @property
        def is_connected(self) -> bool:
            if self.fails:
                raise OSError("reset")
            return True

        @is_connected.setter
        def is_connected(self, _up: bool) -> None:
            """Ignore what the base class sets."""

    async def scene(desk: OwnDesk) -> None:
        desk.broker.fails = True
        await desk.submit()

        assert desk.broker.placed == []
        assert desk.agent.get_status()["broker_connected"] is False

    play(scene, Flaky())


# Whose fill


def test_a_fill_by_the_brokers_id_waits_for_the_id() -> None:
    """The id that `place_order` returns claims the fills that came by it before."""

    async def scene(desk: OwnDesk) -> None:
        await desk.submit()
        order = desk.broker.placed[0].order
        desk.broker.fill(fill_of(order, 40, order_id="", broker_order_id=7))
        await desk.turn()
        before = desk.child.filled
        desk.broker.placed[0].gives(7)
        await desk.turn()

        assert (before, desk.child.filled) == (0, quantity_from(40))
        assert desk.alerts() == []

    play(scene)


def test_a_fill_that_waits_too_long_is_told_and_still_claimed() -> None:
    """A hanging `place_order` hides no fill for more than five seconds, and its id books it in the end."""

    async def scene(desk: OwnDesk) -> None:
        await desk.submit()
        order = desk.broker.placed[0].order
        desk.broker.fill(fill_of(order, 40, order_id="", broker_order_id=7))
        await desk.pass_time(6)
        assert any("not ours" in text for text in desk.alerts())
        desk.broker.placed[0].gives(7)
        await desk.turn()

        assert desk.child.filled == quantity_from(40)

    play(scene)


def test_a_fill_that_is_nobodys_raises_a_critical_alert() -> None:
    """An unknown id, and an id of ours on the other side of the market, are shown and not booked."""

    async def scene(desk: OwnDesk) -> None:
        order = await working_order(desk)
        desk.broker.fill(fill_of(order, 40, order_id="", broker_order_id=99))
        desk.broker.fill(fill_of(order, 40, order_id="", broker_order_id=7, side="sell"))
        await desk.turn()

        assert desk.child.filled == 0
        assert len([text for text in desk.alerts() if "not ours" in text]) == 2
        assert "broker order 99: buy 40 ACME at 10.0" in desk.alerts()[0]

    play(scene)


def test_a_fill_from_another_thread_is_booked() -> None:
    """The callback may come from wherever the broker's library runs."""

    async def scene(desk: OwnDesk) -> None:
        order = await working_order(desk)
        await asyncio.to_thread(desk.broker.fill, fill_of(order, 100))
        await desk.turn()

        assert desk.parent.state is FILLED

    play(scene)


def test_a_fill_counts_once_however_often_it_is_told() -> None:
    """By its execution id, and by its event id where there is none."""

    async def scene(desk: OwnDesk) -> None:
        order = await working_order(desk)
        anonymous = fill_of(order, 10)
        for _ in range(3):
            desk.broker.fill(fill_of(order, 20, execution_id="x1"))
            desk.broker.fill(anonymous)
        await desk.turn()

        assert desk.child.filled == quantity_from(30)
        assert {record.fill.execution_id for record in desk.records(ChildFilled)} == {"x1", anonymous.event_id}

    play(scene)


def test_a_fill_is_never_refused_for_its_digits() -> None:
    """A price that a division made is rounded to what we count in."""

    async def scene(desk: OwnDesk) -> None:
        order = await working_order(desk)
        desk.broker.fill(fill_of(order, 0.1 + 0.2, fill_price=30.0 / 3.1, commission=1 / 3))
        await desk.turn()

        (record,) = desk.records(ChildFilled)
        assert (record.fill.quantity, record.fill.price, record.fill.commission) == (
            30_000_000,
            9_677_419_355,
            333_333_333,
        )

    play(scene)


def test_what_cannot_be_read_is_told() -> None:
    """A callback that is given something else than a fill raises an alert, not an exception in the broker."""

    async def scene(desk: OwnDesk) -> None:
        desk.broker.fill({"qty": 5})
        await desk.turn()

        assert any("a fill must be a FillEvent" in text for text in desk.alerts("warning"))

    play(scene)


# Once and only once


def test_a_replayed_validation_places_one_order_by_any_path_and_across_a_restart() -> None:
    """A hundred replays, validations anew and direct orders of one decision, also after a restart: one placement."""

    async def replay(desk: OwnDesk, decision: Any, validation: Any) -> None:
        for turn in range(100):
            await desk.agent.process_event((decision, validation, desk.approval(decision))[turn % 3])
            if turn % 10 == 0:
                direct = OrderEvent(
                    event_id=decision.event_id, symbol="ACME", side=OrderSide.BUY, quantity=100, algo="market"
                )
                await desk.agent.submit_order(direct)
        await desk.turn()

    async def run() -> None:
        journal, first, second = MemoryJournal(), HandBroker(), HandBroker()
        async with open_own_desk(first, journal) as desk:
            decision = desk.decision()
            validation = desk.approval(decision)
            await replay(desk, decision, validation)
            first.placed[0].gives(7)
            await desk.turn()
        reopened = reopen(journal)
        async with open_own_desk(second, reopened, NOON + 5 * SECOND) as desk:
            await replay(desk, decision, validation)
            await desk.pass_time(1)
            assert len(desk.parent.children()) == 1
            assert len(desk.records(ChildRequested)) == 1
        assert (len(first.placed), len(second.placed)) == (1, 0)

    asyncio.run(run())


def reopen(journal: MemoryJournal) -> MemoryJournal:
    """Return a journal with the same records, as the next process finds it."""
    again = MemoryJournal()
    again.append([entry.record for entry in journal.read()])
    return again


def test_after_a_restart_children_are_known_by_both_ids() -> None:
    """Fills that come by the broker's id are booked, and a cancel that was under way is sent again."""

    async def run() -> None:
        journal, first, second = MemoryJournal(), HandBroker(), HandBroker()
        async with open_own_desk(first, journal) as desk:
            order = await working_order(desk)
            await cancel(desk)
        second.on_cancel = lambda call: call.gives(True)
        async with open_own_desk(second, reopen(journal), NOON + 5 * SECOND) as desk:
            second.fill(fill_of(order, 40, order_id="", broker_order_id=7))
            await desk.pass_time(10)
            assert [call.number for call in second.cancelled] == [7]
            assert (desk.parent.filled, desk.parent.state) == (quantity_from(40), CANCELLED)

    asyncio.run(run())


def test_an_order_whose_placing_the_process_did_not_survive_stays_in_doubt() -> None:
    """Nobody knows whether it is there; nothing is placed again, and its late fill is booked."""

    async def run() -> None:
        journal, first, second = MemoryJournal(), HandBroker(), HandBroker()
        async with open_own_desk(first, journal) as desk:
            await desk.submit()
            order = first.placed[0].order
        async with open_own_desk(second, reopen(journal), NOON + 5 * SECOND) as desk:
            await desk.pass_time(60)
            assert (desk.states(), second.placed) == ([UNKNOWN], [])
            assert order is not None
            second.fill(fill_of(order, 100))
            await desk.turn()
            assert desk.parent.state is FILLED

    asyncio.run(run())


def test_an_id_that_comes_while_the_agent_stops_is_kept() -> None:
    """Stopping lets calls under way come back, so that the next start knows what it has."""

    async def run() -> None:
        journal, broker = MemoryJournal(), HandBroker()
        async with open_own_desk(broker, journal) as desk:
            await desk.submit()
            asyncio.get_running_loop().call_later(0.01, broker.placed[0].gives, 7)
            await desk.agent.stop()
            assert desk.child.broker_order_id == 7

    asyncio.run(run())


# A broker that says more


def test_a_reject_after_the_acknowledgement_is_believed() -> None:
    """A status of `rejected` ends a working child, and the rest is tried again."""

    async def scene(desk: OwnDesk) -> None:
        order = await working_order(desk)
        desk.broker.say(7, "working")
        desk.broker.fill(fill_of(order, 20))
        desk.broker.say(7, "rejected", filled=20, reason="margin")
        await desk.turn()

        assert (desk.states(), desk.child.done_reason) == ([REJECTED], "margin")
        await desk.pass_time(1)
        assert desk.broker.placed[1].order.quantity == 80

    play(scene, TalkingBroker())


def test_a_status_that_comes_before_the_id_is_kept() -> None:
    """A reject told by the broker's id before `place_order` returns that id ends the right child."""

    async def scene(desk: OwnDesk) -> None:
        await desk.submit()
        desk.broker.say(7, "rejected", reason="margin")
        await desk.turn()
        before = desk.states()
        desk.broker.placed[0].gives(7)
        await desk.turn()

        assert (before, desk.states()) == ([OrderState.PENDING], [REJECTED])

    play(scene, TalkingBroker())


def test_a_cancel_is_confirmed_by_status_and_never_assumed() -> None:
    """Where status is told, silence means doubt, and the broker is asked."""

    async def scene(desk: OwnDesk) -> None:
        await working_order(desk)
        await cancel(desk)
        desk.broker.cancelled[0].gives(True)
        desk.broker.listed = [{"broker_order_id": 7, "quantity": 100, "filled": 0, "limit_price": 10.0}]
        await desk.pass_time(7)
        assert desk.child.is_live
        assert desk.broker.asked > 0
        desk.broker.say(7, "Cancelled", filled=0)
        await desk.turn()

        assert desk.states() == [CANCELLED]
        assert desk.records(ChildAssumedCancelled) == []

    play(scene, TalkingBroker())


def test_a_working_order_is_modified_and_confirmed_by_status() -> None:
    """With `modify_order` a new price is one call, in force once a status of the new terms came."""

    async def scene(desk: OwnDesk) -> None:
        await working_order(desk)
        await desk.agent.amend_order(desk.parent.order_id, by="desk", limit_price=10.01)
        await desk.turn()
        (call,) = desk.broker.modified
        call.gives(True)
        await desk.turn()
        before = desk.states()
        desk.broker.say(7, "working", filled=0, remaining=100)
        await desk.turn()

        assert (call.number, call.terms) == (7, {"quantity": 100, "limit_price": 10.01})
        assert (before, desk.states()) == ([OrderState.PENDING_REPLACE], [WORKING])
        assert desk.child.limit_price_confirmed == 10_010_000_000
        assert desk.broker.cancelled == []

    play(scene, TalkingBroker())


def test_a_refused_modification_leaves_the_old_terms() -> None:
    """False means that nothing changed."""

    async def scene(desk: OwnDesk) -> None:
        await working_order(desk)
        await desk.agent.amend_order(desk.parent.order_id, by="desk", limit_price=10.01)
        await desk.turn()
        desk.broker.modified[0].gives(False)
        await desk.turn()

        assert desk.states() == [WORKING]
        assert desk.child.limit_price == 10_000_000_000

    play(scene, TalkingBroker())


@pytest.mark.parametrize("answer", [BrokerRefusal("no"), OSError("reset"), None])
def test_a_modification_may_fail_in_every_way(answer: Any) -> None:
    """A refusal leaves the old terms; an exception leaves both possible until the broker is asked."""

    async def scene(desk: OwnDesk) -> None:
        await working_order(desk)
        await desk.agent.amend_order(desk.parent.order_id, by="desk", limit_price=10.01)
        await desk.turn()
        if answer is None:
            desk.broker.is_connected = False
        else:
            desk.broker.modified[0].gives(answer)
        desk.broker.listed = [{"broker_order_id": 7, "quantity": 100, "limit_price": 10.01}]
        await desk.pass_time(8)

        if isinstance(answer, OSError):
            assert desk.child.limit_price_confirmed == 10_010_000_000
            assert desk.states() == [WORKING]
            assert len(desk.broker.modified) == 1
        else:
            assert desk.child.is_live

    play(scene, TalkingBroker())


def test_a_status_of_nobodys_order_is_told_once() -> None:
    """An order of somebody else on the account is named."""

    async def scene(desk: OwnDesk) -> None:
        desk.broker.say(99, "working")
        await desk.turn()

        assert desk.alerts("warning") == [
            "report status for an order that is not ours: 'broker order 99' broker order 99 is working"
        ]

    play(scene, TalkingBroker())


def test_a_status_on_its_way_proves_nothing() -> None:
    """`pending_cancel` and the like change no state."""

    async def scene(desk: OwnDesk) -> None:
        await working_order(desk)
        for word in ("pending_cancel", "submitted", "pending_replace", "unknown"):
            desk.broker.say(7, word)
        await desk.turn()

        assert desk.states() == [WORKING]

    play(scene, TalkingBroker())


def test_the_firms_own_event_is_a_status() -> None:
    """`on_order_status` may be given `OrderStateChangeEvent`s."""

    async def scene(desk: OwnDesk) -> None:
        order = await working_order(desk)
        event = OrderStateChangeEvent(
            order_id=order.event_id, symbol="ACME", previous_state=WORKING, new_state=OrderState.EXPIRED, reason="close"
        )
        desk.broker.status_listeners[0](event)
        await desk.turn()

        assert desk.states()[0] is OrderState.EXPIRED

    play(scene, TalkingBroker())


def test_fills_that_the_broker_counts_and_never_told_are_asked_for() -> None:
    """`filled` without a fill puts the child in doubt after five seconds; the executions settle it."""

    async def scene(desk: OwnDesk) -> None:
        order = await working_order(desk)
        desk.broker.say(7, "filled", filled=100)
        await desk.turn()
        before = desk.states()
        desk.broker.executed = [fill_of(order, 100, order_id="", broker_order_id=7, execution_id="x1")]
        await desk.pass_time(12)
        desk.broker.fill(desk.broker.executed[0])  # late, and already booked
        await desk.turn()

        assert before == [WORKING]
        assert (desk.parent.state, desk.parent.filled) == (FILLED, quantity_from(100))

    play(scene, TalkingBroker())


def test_an_unanswered_placement_is_settled_by_what_the_broker_lists() -> None:
    """Listed under our id it works; absent twice from a full answer it never arrived."""

    async def scene(desk: OwnDesk) -> None:
        await desk.submit()
        await desk.submit()
        there, gone = (call.order.event_id for call in desk.broker.placed)
        for call in desk.broker.placed:
            call.gives(OSError("reset"))
        desk.broker.listed = [{"order_id": there, "broker_order_id": 7, "quantity": 100, "limit_price": 10.0}]
        await desk.pass_time(15)

        children = desk.agent.runtime.engine.state.children
        assert (children[there].state, children[there].broker_order_id) == (WORKING, 7)
        assert children[gone].state is OrderState.FAILED

    play(scene, TalkingBroker())


def test_an_unnamed_order_at_the_broker_keeps_doubt_alive() -> None:
    """An open order without our id may be the one whose placing was not answered: absence proves nothing then."""

    async def scene(desk: OwnDesk) -> None:
        await desk.submit()
        desk.broker.placed[0].gives(OSError("reset"))
        desk.broker.listed = [{"broker_order_id": 99, "quantity": 100}]
        await desk.pass_time(60)

        assert desk.states() == [UNKNOWN]
        assert any("not ours: broker order 99" in text for text in desk.alerts("warning"))

    play(scene, TalkingBroker())


def test_an_order_that_is_listed_no_more_has_ended() -> None:
    """Ended while we were away: after two full answers without it, with the executions that they brought."""

    async def run() -> None:
        journal, first, second = MemoryJournal(), TalkingBroker(), TalkingBroker()
        async with open_own_desk(first, journal) as desk:
            order = await working_order(desk)
        second.executed = [fill_of(order, 30, order_id="", broker_order_id=7, execution_id="x1")]
        second.on_place = lambda call: call.gives(8)
        async with open_own_desk(second, reopen(journal), NOON + 60 * SECOND) as desk:
            await cancel(desk)
            second.cancelled[0].gives(False)
            await desk.pass_time(30)
            assert (desk.parent.state, desk.parent.filled) == (CANCELLED, quantity_from(30))

    asyncio.run(run())


def test_a_missing_answer_at_the_start_is_said() -> None:
    """An agent with live orders does not start on a broker that cannot be asked about them."""

    class Broken(TalkingBroker):
        async def open_orders(self) -> list[Any]:
            raise OSError("reset")

    async def run() -> None:
        journal = MemoryJournal()
        async with open_own_desk(TalkingBroker(), journal) as desk:
            await working_order(desk)
        async with open_own_desk(Broken(), reopen(journal), NOON + 5 * SECOND):
            pytest.fail("it started")

    with pytest.raises(Exception, match="the broker cannot be asked"):
        asyncio.run(run())


def test_a_kill_is_released_and_the_order_stays_dead() -> None:
    """The order that a kill ended is not worked again when the kill is lifted."""

    async def scene(desk: OwnDesk) -> None:
        await working_order(desk)
        desk.broker.on_cancel = lambda call: call.gives(True)
        await desk.agent.kill(KillScope(), "desk", "stop")
        await desk.pass_time(10)
        await desk.agent.release_kill_switch(KillScope(), "desk", "second", "over")
        await desk.pass_time(10)

        assert len(desk.broker.placed) == 1
        assert desk.parent.state is CANCELLED

    play(scene)


def test_the_times_of_events_are_the_agents() -> None:
    """An order's timestamp is the agent's clock, not the machine's."""

    async def scene(desk: OwnDesk) -> None:
        order = await working_order(desk)

        assert order.timestamp == datetime_of(NOON)

    play(scene)
