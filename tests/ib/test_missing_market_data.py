"""An order whose symbol has no quotes that may be traded on: refused with what to do about it, and nothing is sent."""

from __future__ import annotations

import pytest

from quietfill import OrderState
from quietfill.domain.records import AlertRaised, OrderDone
from tests.ib.line import SYMBOL, play
from tests.ib.test_an_agent_over_a_socket import Agent, agent_on

PORTAL = "subscribe to it in Client Portal"


def reason_in(agent: Agent, order_id: str) -> str:
    """Return why the journal says that an order ended."""
    records = [entry.record for entry in agent.journal.read()]
    return next(record.reason for record in records if isinstance(record, OrderDone) and record.order_id == order_id)


def alerts(agent: Agent, order_id: str) -> list[str]:
    """Return what a person was told about an order."""
    records = [entry.record for entry in agent.journal.read()]
    return [record.text for record in records if isinstance(record, AlertRaised) and record.subject == order_id]


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        ("no-permission:code=354", f"no permission for live market data (354): {PORTAL}"),
        ("no-permission:code=10089", f"no permission for live market data (10089): {PORTAL}"),
        ("no-permission:code=10090", f"no permission for live market data (10090): {PORTAL}"),
        ("no-permission:code=10168", f"no permission for live market data (10168): {PORTAL}"),
        ("delayed-data", "no permission for live market data (10167)"),
        ("other-session:after=1", "another live session takes the market data (10197): log that session out"),
        ("halted:after=1", "trading is halted"),
    ],
)
def test_an_order_without_quotes_is_refused_with_what_to_do(fault, said):
    """A person is told at once; when no quote came in time the journal has the reason with the remedy."""

    async def scenario() -> None:
        async with agent_on(fault) as agent:
            await agent.gateway.play(3)
            order_id = await agent.order(1_000, "TWAP", 5)
            await agent.gateway.play(2)
            told = alerts(agent, order_id)
            done = await agent.until_done(order_id)

            assert len(told) == 1
            assert told[0].startswith(f"no quotes of {SYMBOL}: {said}")
            assert done.state is OrderState.REJECTED
            assert reason_in(agent, order_id).startswith(f"no quote within 10 s: {said}")
            assert (agent.broker.market_problem(SYMBOL) or "").startswith(said)
            assert agent.broker.status()["order_messages_sent"] == 0

    play(scenario)


def test_a_permission_that_comes_in_time_lets_the_order_go():
    """It was held, not refused: with the first quotes it is worked."""

    async def scenario() -> None:
        async with agent_on("no-permission:lasts=4") as agent:
            order_id = await agent.order(500, "TWAP", 3)
            await agent.gateway.play(5)
            agent.broker.unsubscribe(SYMBOL)
            await agent.broker.subscribe(SYMBOL)
            done = await agent.until_done(order_id)

            assert PORTAL in alerts(agent, order_id)[0]
            assert done.state is OrderState.FILLED

    play(scenario)
