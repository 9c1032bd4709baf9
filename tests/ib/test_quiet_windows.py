"""An agent through a quiet window: nothing that adds risk leaves in it, cancels do, and nothing bursts out after it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from quietfill import MemoryJournal, OrderState
from quietfill.domain.records import CancelRequested, ChildRequested, LinkChanged, ReplaceRequested, ScheduleRebased
from quietfill.domain.types import MINUTE, SECOND, datetime_of, quantity_from
from tests.ib.line import Desk, desk, paper, play, quick
from tests.ib.test_an_agent_over_a_socket import Agent, books_agree

if TYPE_CHECKING:
    from quietfill.gateway.server import PaperGateway

ALWAYS = ("00:00-23:59 UTC", "23:58-00:01 UTC")


def window_after(gateway: PaperGateway, minutes: int, lasts: int) -> tuple[str, int, int]:
    """Return a window that begins about so many minutes from now, and its ends."""
    begin = (gateway.floor.now // MINUTE + minutes) * MINUTE
    end = begin + lasts * MINUTE
    return f"{datetime_of(begin):%H:%M}-{datetime_of(end):%H:%M} UTC", begin, end


def requested(agent: Agent, begin: int, end: int) -> list[str]:
    """Return which kinds of requests were decided in a span of time."""
    kinds = (ChildRequested, ReplaceRequested, CancelRequested)
    records = [entry.record for entry in agent.journal.read()]
    return [type(record).__name__ for record in records if isinstance(record, kinds) and begin <= record.at < end]


def lines(agent: Agent) -> list[tuple[bool, str]]:
    """Return what the journal says of the line."""
    records = [entry.record for entry in agent.journal.read()]
    return [(record.up, record.reason) for record in records if isinstance(record, LinkChanged)]


def test_an_order_pauses_for_the_window_and_is_spread_over_what_is_left():
    """The journal says why; what was missed is not made up for at once."""

    async def scenario() -> None:
        async with paper() as gateway:
            text, begin, end = window_after(gateway, 2, 2)
            agent = Agent(gateway, MemoryJournal(), quiet_windows=(text,))
            await agent.start()
            order_id = await agent.order(1_000, "TWAP", 8)
            done = await agent.until_done(order_id)
            placed = [
                entry.record for entry in agent.journal.read() if isinstance(entry.record, ChildRequested)
            ]  # fmt: skip
            first_after = next(record for record in placed if record.at >= end)
            rebased = [entry.record for entry in agent.journal.read() if isinstance(entry.record, ScheduleRebased)]

            assert requested(agent, begin + 1, end) == []
            assert [up for up, _ in lines(agent)] == [False, True]
            assert lines(agent)[0][1] == f"quiet window until {datetime_of(end):%H:%M} UTC"
            assert any(end <= record.at < end + SECOND for record in rebased)
            assert first_after.quantity < quantity_from(500)
            assert done.state is OrderState.FILLED
            await books_agree(agent, 1_000)
            await agent.impl.stop()

    play(scenario)


def test_a_cancel_leaves_in_the_window():
    """What can only make risk less is never held back."""

    async def scenario() -> None:
        async with paper() as gateway:
            text, begin, end = window_after(gateway, 1, 30)
            agent = Agent(gateway, MemoryJournal(), quiet_windows=(text,))
            await agent.start()
            order_id = await agent.order(1_000, "TWAP", 20, limit_price=9.10)
            await gateway.play((begin - gateway.floor.now) // SECOND + 5)
            working = [order for order in gateway.trading.all_orders if not order.is_done]
            await agent.impl.cancel_order(order_id)
            done = await agent.until_done(order_id)

            assert working
            assert done.state is OrderState.CANCELLED
            assert set(requested(agent, begin, end)) == {"CancelRequested"}
            assert all(order.is_done for order in gateway.trading.all_orders)
            await agent.impl.stop()

    play(scenario)


def test_a_restart_in_its_window_loses_nothing():
    """The gateway swallows orders while it goes down and forgets ids: in the window none is written into it."""

    async def scenario() -> None:
        async with paper(faults=("restart:after=125,dying=15,lasts=20,rollback=10",)) as gateway:
            start = gateway.floor.now
            text = f"{datetime_of(start + 2 * MINUTE):%H:%M}-{datetime_of(start + 4 * MINUTE):%H:%M} UTC"
            agent = Agent(gateway, MemoryJournal(), quiet_windows=(text,))
            await agent.start()
            order_id = await agent.order(1_000, "TWAP", 8)
            done = await agent.until_done(order_id)
            await gateway.play(5)

            numbers = [order.order_id for order in gateway.trading.all_orders]
            assert [up for up, _ in lines(agent)] == [False, True]
            assert done.filled == quantity_from(1_000)
            assert numbers == sorted(set(numbers))
            await books_agree(agent, 1_000)
            await agent.impl.stop()

    play(scenario)


def test_an_agent_that_starts_in_a_window_waits_for_its_end():
    """Also when its broker was connected before the agent was there to be told."""

    async def scenario() -> None:
        async with paper() as gateway:
            text, _, end = window_after(gateway, 0, 2)
            agent = Agent(gateway, MemoryJournal(), quiet_windows=(text,))
            await agent.start()
            order_id = await agent.order(500, "TWAP", 6)
            done = await agent.until_done(order_id)

            assert requested(agent, 0, end) == []
            assert done.filled == quantity_from(500)
            await agent.impl.stop()

    play(scenario)


def test_who_places_without_an_agent_is_refused_with_the_reason():
    """The line is there, and takes cancels; what adds risk is refused here."""

    async def scenario() -> None:
        async with desk(settings=quick(quiet_windows=ALWAYS)) as one:
            await closed(one)
            one.child("c1")
            await one.until(lambda: one.kinds("c1"))

            assert one.broker.is_connected
            assert one.kinds("c1") == ["rejected"]
            assert "not sent: quiet window until" in one.reports[0].reason
            assert one.gateway.trading.all_orders == []

    play(scenario)


def test_contracts_can_be_looked_up_in_a_window():
    """A question adds no risk: a service that starts in a window learns its instruments."""

    async def scenario() -> None:
        async with desk(settings=quick(quiet_windows=ALWAYS)) as one:
            await closed(one)
            again = await one.broker.instrument("AGAIN", symbol="600961", currency="CNY")

            assert again.symbol == "AGAIN"

    play(scenario)


def test_who_connects_again_is_told_again():
    """A second owner of the same session hears of the window like the first."""

    async def scenario() -> None:
        async with desk(settings=quick(quiet_windows=ALWAYS)) as one:
            await closed(one)
            await one.broker.connect()
            await one.until(lambda: len(one.links) == 2)

            assert [link.up for link in one.links] == [False, False]
            assert "quiet window until" in one.links[1].reason

    play(scenario)


async def closed(one: Desk) -> None:
    """Wait until the edge has said that nothing may leave."""
    await one.until(lambda: one.links)
