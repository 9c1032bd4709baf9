"""Every order of arrival: what a user's broker may say, in any sequence, with any pauses, through a whole agent."""

from __future__ import annotations

import asyncio
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from quietfill import BrokerRefusal, MemoryJournal, OrderState
from quietfill.domain.records import ChildFilled, ChildRequested, DecisionReceived
from quietfill.domain.types import SECOND, quantity_from
from tests.own_broker import HandBroker, OwnDesk, TalkingBroker, fill_of, open_own_desk

QUANTITIES = {"fill 1": 30, "fill 1 again": 30, "fill 2": 30, "late fill": 40, "over-fill": 20}
STEPS = ("place returns", *QUANTITIES, "ask cancel", "cancel True")
PAUSES = st.sampled_from([0.0, 0.0, 0.0, 0.3, 2.0, 6.0])

placings = st.sampled_from([7, 7, 7, None, BrokerRefusal("no"), OSError("reset")])
sequences = st.lists(st.sampled_from(STEPS), unique=True, max_size=len(STEPS)).flatmap(st.permutations)
whole_sequences = st.permutations(STEPS)


class Venue:
    """Plays one sequence to an agent, and remembers what was told."""

    def __init__(self, desk: OwnDesk, placing: Any, by_number: bool) -> None:
        self.desk = desk
        self.broker = desk.broker
        self.placing = placing
        self.by_number = by_number
        self.told: dict[str, int] = {}
        self.broker.on_place = self._number_later_orders

    def _number_later_orders(self, call: Any) -> None:
        if len(self.broker.placed) > 1:
            call.gives(100 + len(self.broker.placed))

    async def step(self, name: str) -> None:
        """Let one thing happen."""
        if name == "place returns":
            self.broker.placed[0].gives(self.placing)
        elif name == "ask cancel":
            await self.desk.agent.cancel_order(self.desk.parent.order_id)
        elif name == "cancel True":
            self.broker.on_cancel = lambda call: call.gives(True)
            for call in self.broker.cancelled:
                call.gives(True)
        else:
            self._fill(name)

    def _fill(self, name: str) -> None:
        key = name.removesuffix(" again")
        ids: dict[str, Any] = {"broker_order_id": 7, "order_id": ""} if self.by_number else {}
        self.broker.fill(fill_of(self.broker.placed[0].order, QUANTITIES[name], execution_id=key, **ids))
        self.told[key] = QUANTITIES[name]

    async def end(self) -> None:
        """Answer everything, ask for the end, and wait for it."""
        for name in ("place returns", "cancel True", "ask cancel"):
            await self.step(name)
        await self.desk.pass_time(90)


def played(steps: list[str], pauses: list[float], placing: Any, by_number: bool, check: Any) -> None:
    """Play one sequence and have the outcome checked."""

    async def run() -> None:
        async with open_own_desk(HandBroker()) as desk:
            await desk.submit()
            venue = Venue(desk, placing, by_number)
            for name, pause in zip(steps, pauses, strict=False):
                await venue.step(name)
                await desk.pass_time(pause)
            await venue.end()
            check(desk, venue)

    asyncio.run(run())


def assert_booked_once(desk: OwnDesk, told: dict[str, int]) -> None:
    """Every execution that was told is booked exactly once; more than the order freezes it and tells a person."""
    booked = {record.fill.execution_id: record.fill.quantity for record in desk.records(ChildFilled)}
    assert booked == {key: quantity_from(quantity) for key, quantity in told.items()}
    assert len(desk.records(ChildFilled)) == len(told)
    assert desk.parent.filled == quantity_from(sum(told.values()))
    is_over = sum(told.values()) > 100
    assert (desk.parent.frozen_reason is not None) == is_over
    assert any("over-filled" in text for text in desk.alerts()) == is_over


def assert_nothing_works(desk: OwnDesk, told: dict[str, int]) -> None:
    """Every order that the broker took is filled or was cancelled, and the books agree that nothing is left."""
    cancelled = {call.number for call in desk.broker.cancelled}
    for place, call in enumerate(desk.broker.placed):
        number = call.answer.result()
        is_full = place == 0 and sum(told.values()) >= 100
        assert number is None or number in cancelled or is_full
    assert desk.parent.is_done
    assert not desk.parent.live_children


@settings(max_examples=100)
@given(steps=whole_sequences, pauses=st.lists(PAUSES, min_size=8, max_size=8), by_number=st.booleans())
def test_every_order_of_arrival_ends_in_the_same_books(steps: list[str], pauses: list[float], by_number: bool) -> None:
    """All of it, in any order: 120 booked once, frozen and told, the child filled, nothing working."""

    def check(desk: OwnDesk, venue: Venue) -> None:
        assert venue.told == {"fill 1": 30, "fill 2": 30, "late fill": 40, "over-fill": 20}
        assert_booked_once(desk, venue.told)
        assert_nothing_works(desk, venue.told)
        assert desk.states() == [OrderState.FILLED]
        assert len(desk.broker.placed) == 1

    played(steps, pauses, 7, by_number, check)


@settings(max_examples=100)
@given(steps=sequences, pauses=st.lists(PAUSES, min_size=8, max_size=8), by_number=st.booleans())
def test_any_part_of_it_ends_right(steps: list[str], pauses: list[float], by_number: bool) -> None:
    """Some of it, in any order: what was told is booked, the child is filled or cancelled, nothing works."""

    def check(desk: OwnDesk, venue: Venue) -> None:
        assert_booked_once(desk, venue.told)
        assert_nothing_works(desk, venue.told)
        is_full = sum(venue.told.values()) >= 100
        assert desk.states() == [OrderState.FILLED if is_full else OrderState.CANCELLED]

    played(steps, pauses, 7, by_number, check)


@settings(max_examples=100)
@given(steps=sequences, pauses=st.lists(PAUSES, min_size=8, max_size=8), placing=placings)
def test_a_broker_that_refuses_or_fails_loses_no_fill_either(
    steps: list[str], pauses: list[float], placing: Any
) -> None:
    """Whatever `place_order` did, fills count once; only an order that nobody answered for may stay in doubt."""

    def check(desk: OwnDesk, venue: Venue) -> None:
        booked = {record.fill.execution_id for record in desk.records(ChildFilled)}
        assert booked == set(venue.told)
        assert desk.parent.filled == quantity_from(sum(venue.told.values()))
        assert (desk.parent.frozen_reason is not None) == (sum(venue.told.values()) > 100)
        doubted = [child for child in desk.parent.children() if child.is_live]
        if isinstance(placing, OSError) and sum(venue.told.values()) < 100:
            assert [child.state for child in doubted] == [OrderState.UNKNOWN]
            assert len(desk.broker.placed) == 1
        else:
            assert doubted == []
        cancelled = {call.number for call in desk.broker.cancelled}
        assert {call.answer.result() for call in desk.broker.placed[1:]} <= cancelled

    played(steps, pauses, placing, by_number=False, check=check)


@settings(max_examples=80)
@given(
    steps=sequences,
    died_after=st.integers(0, len(STEPS)),
    pauses=st.lists(PAUSES, min_size=8, max_size=8),
    by_number=st.booleans(),
)
def test_a_restart_anywhere_changes_no_outcome(
    steps: list[str], died_after: int, pauses: list[float], by_number: bool
) -> None:
    """The process dies at any point: one placement, every fill booked once, and only what was unanswered in doubt."""

    async def run() -> None:
        journal, first, second = MemoryJournal(), HandBroker(), HandBroker()
        async with open_own_desk(first, journal) as desk:
            await desk.submit()
            decision = desk.records(DecisionReceived)[0].decision_id
            venue = Venue(desk, 7, by_number=by_number)
            for name, pause in zip(steps[:died_after], pauses, strict=False):
                await venue.step(name)
                await desk.pass_time(pause)
            was_returned = first.placed[0].answer.done()
            now = desk.clock.now()
        async with open_own_desk(second, reopened(journal), now + SECOND) as desk:
            second.placed = first.placed
            venue.desk, venue.broker = desk, second
            for name, pause in zip(steps[died_after:], pauses, strict=False):
                await venue.step(name)
                await desk.pass_time(pause)
            for name in ("cancel True", "ask cancel"):
                await venue.step(name)
            await desk.agent.process_event(desk.approval(desk.decision(event_id=decision)))
            await desk.pass_time(90)

            is_full, is_known = sum(venue.told.values()) >= 100, was_returned or not by_number
            if is_known:
                assert_booked_once(desk, venue.told)
            assert len(second.placed) == len(desk.records(ChildRequested)) == 1
            if is_known and is_full:
                assert desk.states() == [OrderState.FILLED]
            elif was_returned:
                assert desk.states() == [OrderState.CANCELLED]
                assert {call.number for call in [*first.cancelled, *second.cancelled]} == {7}
            else:
                assert desk.states() == [OrderState.UNKNOWN]
                assert any("a person must look" in text for text in desk.alerts())

    asyncio.run(run())


def reopened(journal: MemoryJournal) -> MemoryJournal:
    """Return a journal with the same records, as the next process finds it."""
    again = MemoryJournal()
    again.append([entry.record for entry in journal.read()])
    return again


REJECT_STEPS = ("place returns", "working", "fill", "fill again", "rejected")


@settings(max_examples=80)
@given(
    steps=st.permutations(REJECT_STEPS),
    pauses=st.lists(st.sampled_from([0.0, 0.0, 0.2, 1.0]), min_size=5, max_size=5),
    by_number=st.booleans(),
)
def test_a_reject_after_acknowledgement_ends_right_in_every_order(
    steps: list[str], pauses: list[float], by_number: bool
) -> None:
    """40 filled and the rest rejected, heard in any order: 40 booked once, and the other 60 are placed anew."""

    async def run() -> None:
        async with open_own_desk(TalkingBroker()) as desk:
            await desk.submit()
            order = desk.broker.placed[0].order
            desk.broker.on_place = lambda call: call.gives(8)
            ids: dict[str, Any] = {"broker_order_id": 7, "order_id": ""} if by_number else {}
            for name, pause in zip(steps, pauses, strict=True):
                if name == "place returns":
                    desk.broker.placed[0].gives(7)
                elif name in {"working", "rejected"}:
                    desk.broker.say(7, name, filled=40 if name == "rejected" else 0)
                else:
                    desk.broker.fill(fill_of(order, 40, execution_id="x1", **ids))
                await desk.pass_time(pause)
            await desk.pass_time(3)

            assert len(desk.records(ChildFilled)) == 1
            assert desk.states() == [OrderState.REJECTED, OrderState.WORKING]
            assert [call.order.quantity for call in desk.broker.placed] == [100, 60]
            assert desk.parent.frozen_reason is None

    asyncio.run(run())
