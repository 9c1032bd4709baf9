"""Defects found by an adversary in orders of Interactive Brokers' algos: changed in flight, or left behind."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import pytest

from quietfill import MemoryJournal, OrderState
from quietfill.brokers.ib.quiet_windows import read_quiet_window
from quietfill.domain.broker_algo import BrokerAlgo
from quietfill.domain.errors import BadInput
from quietfill.domain.messages import KillScope
from quietfill.domain.records import (
    AlertRaised,
    AmendRefused,
    ChildDone,
    ChildRequested,
    OrderFrozen,
    OrderRefused,
    ReplaceRequested,
)
from quietfill.domain.types import MICROSECOND, SECOND, price_from, quantity_from, timestamp_from
from quietfill.gateway.stand_in_terms import stand_in_for
from tests.agent.desk import open_desk
from tests.gateway.client import Heard, desk, paper, play, until
from tests.gateway.test_stand_ins import ENDS, algo
from tests.ib.test_an_agent_over_a_socket import Agent, agent_on, books_agree
from tests.ib.test_ib_algos import begun
from tests.ib.test_quiet_windows import requested, window_after

if TYPE_CHECKING:
    from collections.abc import Callable

    from quietfill.domain.records import AnyRecord
    from quietfill.engine.child import ChildState
    from quietfill.gateway.orders import PaperOrder, Terms
    from quietfill.gateway.server import PaperGateway

NEW_YORK = ZoneInfo("America/New_York")

# Changes of what a stand-in works


def children_of(gateway: PaperGateway, order: PaperOrder) -> list[ChildState]:
    """Return what a stand-in has at the venue, or on its way there."""
    stand_in = gateway.trading._stand_ins._live.get(order.child_id)
    return [] if stand_in is None else list(stand_in._engine.state.parents[order.child_id].live_children.values())


def at_each_moment(gateway: PaperGateway, look: Callable[[], object]) -> None:
    """Look at the gateway at every half millisecond of its time: between a child's leaving and its arrival too."""

    def again() -> None:
        look()
        gateway.floor.after(500 * MICROSECOND, again)

    again()


class InFlight:
    """Changes an order once, while a child of it that is not the first is on its way to the venue."""

    def __init__(self, gateway: PaperGateway, order: PaperOrder, change: Callable[[PaperOrder], Terms]) -> None:
        self.wanted: Terms | None = None
        self.confirmed_at = 0
        """How many executions there were when the new terms came into force; 0 when they did not."""
        self._gateway, self._order, self._change = gateway, order, change
        at_each_moment(gateway, self._look)

    def _look(self) -> None:
        order = self._order
        is_on_its_way = any(child.state is OrderState.PENDING for child in children_of(self._gateway, order))
        if order.filled and is_on_its_way and self.wanted is None:
            self.wanted = self._change(order)
            self._gateway.trading.modify(order, self.wanted)
        if order.terms is self.wanted and not self.confirmed_at:
            self.confirmed_at = len(order.executions)


def test_an_order_made_smaller_in_flight_is_not_filled_beyond_what_was_confirmed():
    """A child on its way fills more than the new size: the change is refused as too late, and the order goes on."""

    async def scenario() -> None:
        async with desk() as (gateway, ib, contract):
            heard = Heard(ib)
            trade = ib.placeOrder(contract, algo("DarkIce", 2_000, 9.40, displaySize=500, endTime=ENDS))
            await until(ib, lambda: trade.orderStatus.status == "Submitted")
            (order,) = gateway.trading.all_orders
            change = InFlight(gateway, order, lambda one: replace(one.terms, total=one.filled + quantity_from(100)))
            await gateway.play(20)

            assert change.wanted is not None
            assert "more has traded meanwhile" in next(words for _, code, words, _ in heard.of("error") if code == 201)
            assert min(values[3] for values in heard.of("orderStatus")) == 0  # never less than nothing remains
            assert (order.status, order.filled) == ("Filled", quantity_from(2_000))
            assert await ib.reqAllOpenOrdersAsync() == []

    play(scenario)


def test_a_new_limit_is_in_force_when_nothing_can_trade_beyond_it():
    """It is confirmed behind the execution of the child that was on its way with the old one; then nothing trades."""

    async def scenario() -> None:
        async with desk() as (gateway, ib, contract):
            trade = ib.placeOrder(contract, algo("DarkIce", 20_000, 9.40, displaySize=500, endTime=ENDS))
            await until(ib, lambda: trade.orderStatus.status == "Submitted")
            (order,) = gateway.trading.all_orders
            change = InFlight(gateway, order, lambda one: replace(one.terms, limit_price=price_from("9.10")))
            await gateway.play(10)

            assert order.terms is change.wanted
            assert all(execution.price > price_from("9.10") for execution in order.executions)
            assert change.confirmed_at == len(order.executions) > 1

    play(scenario)


def test_an_order_made_smaller_is_confirmed_when_what_rests_has_shrunk():
    """The tip that rests at the venue is no larger than the new terms allow at the moment they are confirmed."""

    async def scenario() -> None:
        async with desk() as (gateway, ib, contract):
            trade = ib.placeOrder(contract, algo("DarkIce", 2_000, 9.10, displaySize=500, endTime=ENDS))
            await until(ib, lambda: trade.orderStatus.status == "Submitted")
            await gateway.play(2)
            (order,) = gateway.trading.all_orders
            sizes: list[int] = []
            at_each_moment(
                gateway,
                lambda: sizes.extend(
                    child.total for child in children_of(gateway, order) if order.terms.total == quantity_from(100)
                ),
            )
            trade.order.totalQuantity = 100
            ib.placeOrder(contract, trade.order)
            await until(ib, lambda: trade.orderStatus.remaining == 100)
            await gateway.play(2)

            assert set(sizes) == {quantity_from(100)}
            assert order.status == "Submitted"

    play(scenario)


def test_an_agent_that_asks_for_less_in_flight_gets_no_more_than_one_child_too_much():
    """The parent is made smaller while the stand-in trades: what the broker confirmed bounds what it fills."""

    async def scenario() -> None:
        async with agent_on() as agent:
            order_id = await begun(agent, "ib_dark_ice", 6_000, limit_price=9.40)
            (order,) = agent.gateway.trading.all_orders
            for total in (5_500, 5_000, 4_500):
                if not agent.parent(order_id).is_done and agent.parent(order_id).filled <= quantity_from(total):
                    await agent.impl.amend_order(order_id, by="ops", quantity=total)
                await agent.gateway.play(0.75)
            done = await agent.until_done(order_id)

            assert order.filled <= order.terms.total
            assert done.filled == order.filled
            await books_agree(agent, done.filled // quantity_from(1))

    play(scenario)


# Limits that would be none


def test_a_mistyped_limit_among_the_parameters_is_refused():
    """It is all the collar that the broker's algo gets: it is checked like the order's own."""

    async def scenario() -> None:
        async with agent_on() as agent:
            await agent.gateway.play(1)  # there is a market to measure it by
            await agent.order(1_000, "ib_twap", 5, algo_params={"limit_price": 1_000})
            await agent.gateway.play(1)
            records = [entry.record for entry in agent.journal.read()]
            (refused,) = [record for record in records if isinstance(record, OrderRefused)]

            assert refused.reasons[0].startswith("limit_price 1000 reaches more than 10000 bps through the market")
            assert agent.gateway.trading.all_orders == []

    play(scenario)


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        ({"limit_price": 1_000}, "limit_price 1000 reaches more than 10000 bps through the market"),
        ({"quantity": 5_000}, "quantity 5000 is above max_order_quantity 3000"),
    ],
    ids=["limit", "size"],
)
def test_a_change_is_checked_like_an_entry(changed, says):
    """What could not be asked for at once cannot be reached by a change; the order goes on as it was."""

    async def scenario() -> None:
        async with open_desk(max_order_quantity=3_000) as one:
            order_id = await one.submit(algo="limit", limit_price=9.10)
            assert not await one.agent.amend_order(order_id, by="ops", **changed)
            records = [entry.record for entry in one.journal.read()]
            (refused,) = [record for record in records if isinstance(record, AmendRefused)]

            assert refused.reasons[0].startswith(says)
            assert not [record for record in records if isinstance(record, ReplaceRequested)]
            assert await one.agent.amend_order(order_id, by="ops", quantity=1_000)

    play(scenario)


# What is said of an end


def test_the_end_of_an_order_is_not_explained_by_who_worked_it():
    """The warning about the stand-in is a note of the child; the reason of its cancel is the broker's, in one line."""

    async def scenario() -> None:
        async with agent_on() as agent:
            order_id = await begun(agent, "ib_twap", 100_000)
            await agent.impl.cancel_order(order_id, by="ops")
            await agent.until_done(order_id)
            (end,) = [entry.record for entry in agent.journal.read() if isinstance(entry.record, ChildDone)]

            assert end.reason == "Cancelled"

    play(scenario)


def test_a_stand_in_says_of_a_cancel_what_the_venue_says():
    """An order that the broker cancels by itself was not cancelled by its client: no reason is given for either."""

    async def scenario() -> None:
        async with desk(faults=("broker-cancels:seconds=1",)) as (gateway, ib, contract):
            heard = Heard(ib)
            trade = ib.placeOrder(contract, algo("DarkIce", 2_000, 9.10, displaySize=500, endTime=ENDS))
            await until(ib, lambda: trade.orderStatus.status == "Submitted")
            await gateway.play(3)

            assert [words for _, code, words, _ in heard.of("error") if code == 202] == ["Order Canceled - reason:"]

    play(scenario)


def test_a_tag_that_is_given_twice_is_refused():
    """Which of the two was meant nobody can say; none is read and the other dropped."""
    with pytest.raises(BadInput, match="Vwap: maxPctVol is given twice"):
        stand_in_for(BrokerAlgo("Vwap", (("maxPctVol", "0.1"), ("maxPctVol", "0.5"))), "UTC")


# Orders that another agent left behind


async def left_behind(*, ended: bool) -> tuple[str, list[AnyRecord]]:
    """Return what an agent over Interactive Brokers leaves in its journal: one order, living or over."""
    async with paper() as gateway:
        first = Agent(gateway, MemoryJournal())
        await first.start()
        order_id = await first.order(3_000, "ib_twap", 20)
        await gateway.play(5)
        if ended:
            await first.impl.cancel_order(order_id, by="ops")
            await first.until_done(order_id)
        kept = [entry.record for entry in first.journal.read()]
        await first.impl.stop()
        return order_id, kept


def test_an_agent_over_another_broker_starts_with_what_is_over():
    """An order of an algo that is unknown here has ended long ago: the journal is read, and nothing is said of it."""

    async def scenario() -> None:
        order_id, records = await left_behind(ended=True)
        journal = MemoryJournal()
        journal.append(records)
        async with open_desk(journal) as one:
            assert one.agent.runtime.engine.state.parents[order_id].is_done
            later = [entry.record for entry in journal.read()][len(records) :]
            assert not [record for record in later if isinstance(record, AlertRaised)]

    play(scenario)


@pytest.mark.parametrize("ends", ["cancel", "kill"])
def test_a_live_order_of_an_unknown_algo_freezes(ends):
    """It is no reason not to start: the order freezes with an alarm, sends nothing new, and can still be ended."""

    async def scenario() -> None:
        order_id, records = await left_behind(ended=False)
        journal = MemoryJournal()
        journal.append(records)
        async with open_desk(journal) as one:
            parent = one.agent.runtime.engine.state.parents[order_id]
            await one.let_events_pass()
            later = [entry.record for entry in journal.read()][len(records) :]

            assert "ib_twap is not known here" in (parent.frozen_reason or "")
            assert [record.order_id for record in later if isinstance(record, OrderFrozen)] == [order_id]
            assert not [record for record in later if isinstance(record, ChildRequested)]
            assert one.agent.get_stop_orders() == []
            if ends == "cancel":
                await one.agent.cancel_order(order_id, by="ops")
            else:
                await one.agent.kill(KillScope(), "ops", "drill")
            assert parent.cancel_reason is not None

    play(scenario)


# Orders that should work on no longer, in a time in which only cancels leave


async def in_a_window(agent: Agent, begin: int) -> None:
    """Let the market run into a quiet window."""
    await agent.gateway.play((begin - agent.gateway.floor.now) // SECOND + 5)
    assert not agent.impl.runtime.engine.state.link_up


@pytest.mark.parametrize("changed", [{"quantity": 2_200}, {"limit_price": 9.10}], ids=["size", "limit"])
def test_an_order_made_smaller_in_a_quiet_window_is_withdrawn(changed):
    """The change cannot leave, but the broker must not fill beyond it: a cancel does, and the rest is sent after."""

    async def scenario() -> None:
        async with paper() as gateway:
            text, begin, end = window_after(gateway, 1, 3)
            agent = Agent(gateway, MemoryJournal(), quiet_windows=(text,))
            await agent.start()
            order_id = await agent.order(6_000, "ib_twap", 6)
            await in_a_window(agent, begin)
            filled = agent.parent(order_id).filled
            await agent.impl.amend_order(order_id, by="ops", **changed)
            await gateway.play(60)

            assert 0 < filled < quantity_from(2_200)
            assert requested(agent, begin, end) == ["CancelRequested"]
            assert agent.parent(order_id).filled == filled
            done = await agent.until_done(order_id)
            assert done.frozen_reason is None
            assert done.filled == (quantity_from(2_200) if "quantity" in changed else filled)
            await books_agree(agent, done.filled // quantity_from(1))
            await agent.impl.stop()

    play(scenario)


def test_an_order_that_ends_in_a_quiet_window_is_withdrawn_at_its_end():
    """An algo that knows no end time of its own would work on until the window is over."""

    async def scenario() -> None:
        async with paper() as gateway:
            text, begin, _ = window_after(gateway, 1, 10)
            agent = Agent(gateway, MemoryJournal(), quiet_windows=(text,))
            await agent.start()
            order_id = await agent.order(60_000, "ib_adaptive", 2, limit_price=9.15)
            await in_a_window(agent, begin)
            (order,) = gateway.trading.all_orders
            assert not order.is_done
            done = await agent.until_done(order_id)

            assert done.state is OrderState.EXPIRED
            assert done.done_at is not None
            assert done.done_at < done.end + 5 * SECOND
            assert order.status == "Cancelled"
            await agent.impl.stop()

    play(scenario)


# Windows on the nights on which the clock is changed


@pytest.mark.parametrize(
    ("text", "inside"),
    [
        ("02:30-03:05 America/New_York", datetime(2026, 3, 8, 3, 2, tzinfo=NEW_YORK)),  # there is no 02:30 that night
        ("01:15-01:45 America/New_York", datetime(2026, 11, 1, 1, 30, tzinfo=NEW_YORK)),
        ("01:15-01:45 America/New_York", datetime(2026, 11, 1, 1, 30, tzinfo=NEW_YORK, fold=1)),  # an hour later
    ],
)
def test_a_quiet_window_holds_where_the_clock_changes(text, inside):
    """It bars in every hour that it may mean; none ends before it begins."""
    window = read_quiet_window(text)
    now = timestamp_from(inside)
    spans = list(window.near(now))

    assert all(begin < end for begin, end in spans)
    assert any(begin <= now < end for begin, end in spans)
