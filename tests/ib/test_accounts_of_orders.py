"""Whose account an order is for, over a real socket: the one that it names, where it may, else the session's."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import pytest

from quietfill import AgentConfig, AuditLogger, EventBus, ExecutionAgentImpl, IBBroker, MemoryJournal
from quietfill.brokers.ib.guard import tradable
from quietfill.domain.errors import BadInput
from quietfill.domain.records import ChildRequested, OrderRefused
from tests.ib.line import SYMBOL, order_event, paper, play, quick
from tests.ib.test_an_agent_over_a_socket import RATES, Agent

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator


@asynccontextmanager
async def agent_of(account: str, *served: str) -> AsyncGenerator[Agent]:
    """Start an agent that trades one of the accounts which a gateway serves."""
    async with paper(accounts=served) as gateway:
        agent = Agent(gateway, MemoryJournal())
        agent.broker = IBBroker(port=gateway.port, account=account, settings=quick())
        config, clock = AgentConfig("Desk", parameters=dict(RATES)), gateway.floor.clock
        agent.impl = ExecutionAgentImpl(
            config, EventBus(), AuditLogger(), agent.broker, journal=agent.journal, clock=clock
        )
        await agent.start()
        try:
            yield agent
        finally:
            await agent.impl.stop()


def test_an_order_for_an_account_that_may_not_be_traded_is_refused_on_entry():
    """It is refused with the accounts that may be named, and nothing is sent: a live one is none of them."""

    async def scenario() -> None:
        async with agent_of("DU1", "DU1", "DU2", "U3") as agent:
            await agent.gateway.play(1)
            for foreign in ("DU9", "U3"):
                await agent.order(300, "MARKET", 5, account=foreign)
            records = [entry.record for entry in agent.journal.read()]

            assert [record.reasons for record in records if isinstance(record, OrderRefused)] == [
                ("unknown account 'DU9': known are DU1, DU2",),
                ("unknown account 'U3': known are DU1, DU2",),
            ]
            assert not [record for record in records if isinstance(record, ChildRequested)]
            with pytest.raises(BadInput, match="account U3 is not traded here: DU1, DU2 may be named"):
                await agent.broker.place_order(order_event(account="U3"))

    play(scenario)


def test_an_order_is_worked_in_the_account_that_it_names_else_in_the_sessions():
    """Another paper account of the login may be named; an order that names none is for the one that was configured."""

    async def scenario() -> None:
        async with agent_of("DU1", "DU1", "DU2") as agent:
            await agent.until_done(await agent.order(300, "MARKET", 5, account="DU2"))
            await agent.until_done(await agent.order(200, "MARKET", 5))

            assert (await agent.broker.positions("DU2"))[SYMBOL] == 300
            assert (await agent.broker.positions())[SYMBOL] == 200

    play(scenario)


def test_an_agent_made_after_the_broker_has_connected_knows_the_accounts_too():
    """What a session said before anybody listened is told to whoever comes."""
    heard = []

    async def scenario() -> None:
        async with paper(accounts=("DU1", "DU2")) as gateway:
            broker = IBBroker(port=gateway.port, account="DU2", settings=quick())
            broker.on_accounts(lambda accounts, own: heard.append((accounts, own)))
            assert heard == []
            await broker.connect()
            broker.on_accounts(lambda accounts, own: heard.append((accounts, own)))
            await broker.disconnect()

    play(scenario)
    assert heard == [(("DU1", "DU2"), "DU2")] * 2


@pytest.mark.parametrize(
    ("served", "own", "expected"),
    [
        (("DU1", "DU2", "U3"), "DU1", ("DU1", "DU2")),
        (("U1", "U2"), "U1", ("U1",)),
        (("DU1",), "DU1", ("DU1",)),
    ],
)
def test_real_money_is_traded_in_the_named_account_only(served, own, expected):
    """An order cannot reach a live account that was not named for the session."""
    assert tradable(served, own) == expected
