"""Interactive Brokers' algos asked for by a whole agent over a real socket, worked by the gateway's stand-ins."""

from __future__ import annotations

import asyncio
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

from quietfill import MemoryJournal
from quietfill.brokers.ib.strategies import Twap
from quietfill.domain.messages import KillScope
from quietfill.domain.order_state import OrderState
from quietfill.domain.records import ChildNoted, ChildRequested
from quietfill.domain.types import MINUTE, price_from, quantity_from
from tests.gateway.client import sample
from tests.ib.line import desk, order_event, paper, play
from tests.ib.test_an_agent_over_a_socket import Agent, agent_on, books_agree

if TYPE_CHECKING:
    from quietfill.gateway.orders import PaperOrder

ALGOS: dict[str, tuple[str, str, dict[str, Any]]] = {
    "ib_adaptive": ("Adaptive", "adaptive", {"priority": "Patient"}),
    "ib_twap": ("Twap", "twap", {}),
    "ib_vwap": ("Vwap", "vwap", {"max_participation": 0.5}),
    "ib_arrival_px": ("ArrivalPx", "is", {"max_participation": 0.5}),
    "ib_pct_vol": ("PctVol", "pov", {"rate": 0.2}),
    "ib_close_px": ("ClosePx", "close", {"max_participation": 0.5}),
    "ib_dark_ice": ("DarkIce", "iceberg", {"display_size": 300}),
    "ib_accumulate_distribute": ("AD", "iceberg", {"component_size": 300, "seconds_between": 5}),
}
"""By our name: Interactive Brokers', the stand-in, and what must or should be set."""


def the_order(agent: Agent) -> PaperOrder:
    """Return the one order that the gateway was sent."""
    (order,) = agent.gateway.trading.all_orders
    return order


def noted(agent: Agent) -> list[str]:
    """Return what the journal has of who works the children."""
    return [entry.record.note for entry in agent.journal.read() if isinstance(entry.record, ChildNoted)]


async def begun(agent: Agent, algo: str, quantity: int = 2_000, minutes: float = 5, **changes: Any) -> str:
    """Ask for an order and wait until the gateway works it."""
    order_id = await agent.order(quantity, algo, minutes, algo_params=ALGOS[algo][2], **changes)
    async with asyncio.timeout(10):
        while not agent.gateway.trading.all_orders or not noted(agent):
            await agent.gateway.play(0.5)
    return order_id


@pytest.mark.parametrize("algo", ALGOS)
def test_each_is_worked_to_the_end_of_its_window(algo):
    """One order at the gateway, its tags those of the record; the books agree and a stand-in is named."""

    async def scenario() -> None:
        async with agent_on() as agent:
            order_id = await begun(agent, algo)
            done = await agent.until_done(order_id)
            (sent,) = [e.record for e in agent.journal.read() if isinstance(e.record, ChildRequested)]
            order, (theirs, ours, _) = the_order(agent), ALGOS[algo]

            assert sent.broker_algo
            assert order.terms.fields["algoStrategy"] == sent.broker_algo.name == theirs
            assert order.terms.tags == sent.broker_algo.params
            assert order.filled == done.filled
            assert order.is_done
            assert done.filled > 0 or algo == "ib_close_px"  # the close is far away
            if algo in {"ib_twap", "ib_dark_ice"}:
                assert done.state is OrderState.FILLED
            assert noted(agent) == [f"worked by a stand-in for Interactive Brokers' {theirs}: Quietfill's own {ours}"]
            await books_agree(agent, done.filled // quantity_from(1))

    play(scenario)


def test_the_close_is_worked_at_the_end():
    """An order for the close waits; its stand-in works it in the last ten minutes of what is played."""

    async def scenario() -> None:
        async with paper(start=sample().last_time - 12 * MINUTE) as gateway:
            agent = Agent(gateway, MemoryJournal())
            await agent.start()
            params = {"max_participation": 0.5, "force_completion": True}
            order_id = await agent.order(1_000, "ib_close_px", 240, algo_params=params)
            await gateway.play(90)
            before = agent.parent(order_id).filled
            done = await agent.until_done(order_id)

            assert (before, done.state) == (0, OrderState.FILLED)
            await books_agree(agent, 1_000)
            await agent.impl.stop()

    play(scenario)


@pytest.mark.parametrize("algo", ALGOS)
def test_each_can_be_cancelled(algo):
    """A cancel of the parent withdraws the one order, and with it all that the stand-in has working."""

    async def scenario() -> None:
        async with agent_on() as agent:
            order_id = await begun(agent, algo, 100_000)
            await agent.gateway.play(5)
            await agent.impl.cancel_order(order_id, by="ops")
            done = await agent.until_done(order_id)

            assert done.state is OrderState.CANCELLED
            assert the_order(agent).status == "Cancelled"
            assert agent.gateway.floor.exchange.open_count == 0
            await books_agree(agent, done.filled // quantity_from(1))

    play(scenario)


@pytest.mark.parametrize("algo", ALGOS)
def test_each_is_ended_by_a_kill(algo):
    """The kill switch ends the order at the gateway too; nothing of it trades afterwards."""

    async def scenario() -> None:
        async with agent_on() as agent:
            order_id = await begun(agent, algo, 100_000)
            await agent.gateway.play(5)
            await agent.impl.kill(KillScope(), "ops", "drill")
            await agent.until_done(order_id)
            filled = the_order(agent).filled
            await agent.gateway.play(30)

            assert the_order(agent).is_done
            assert the_order(agent).filled == filled == agent.parent(order_id).filled
            await books_agree(agent, filled // quantity_from(1))

    play(scenario)


@pytest.mark.parametrize("algo", ALGOS)
def test_each_can_be_amended(algo):
    """A new quantity and limit are a modification of the same order; its algo and tags stay."""

    async def scenario() -> None:
        async with agent_on() as agent:
            order_id = await begun(agent, algo, 20_000, limit_price=Decimal("9.20"))
            await agent.impl.amend_order(order_id, by="ops", quantity=19_000, limit_price=9.30)
            async with asyncio.timeout(10):
                while the_order(agent).terms.total != quantity_from(19_000):
                    await agent.gateway.play(0.5)
            order = the_order(agent)

            assert order.terms.limit_price == price_from("9.30")
            assert order.terms.fields["algoStrategy"] == ALGOS[algo][0]
            (sent,) = [e.record for e in agent.journal.read() if isinstance(e.record, ChildRequested)]
            assert sent.broker_algo
            assert order.terms.tags == sent.broker_algo.params
            await agent.impl.cancel_order(order_id, by="ops")
            done = await agent.until_done(order_id)
            await books_agree(agent, done.filled // quantity_from(1))

    play(scenario)


def test_without_an_agent_a_strategy_is_an_argument():
    """`place_order` puts the same tags on the wire; the warning about the stand-in is not taken for the first word."""

    async def scenario() -> None:
        async with desk() as one:
            end = one.gateway.floor.now + 2 * MINUTE
            number = await one.broker.place_order(order_event(600, "9.40"), strategy=Twap(end=end))
            (order,) = one.gateway.trading.all_orders
            await one.until(lambda: one.filled(order.terms.fields["orderRef"]) == quantity_from(600))

            assert number == order.order_id
            assert order.terms.tags == Twap(end=end).parameters()
            assert one.kinds(order.terms.fields["orderRef"])[:2] == ["noted", "accepted"]

    play(scenario)
