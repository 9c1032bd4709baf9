"""What the broker says we hold against what our fills explain: somebody else's trade is an alarm, and ours never is."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from quietfill import MemoryJournal
from quietfill.domain.messages import Resolution, Resolve
from quietfill.domain.records import AlertRaised, OrderFrozen, Reconciled
from quietfill.domain.types import quantity_from
from tests.ib.line import SECONDS, SYMBOL, paper, play
from tests.ib.test_an_agent_over_a_socket import Agent, agent_on
from tests.ib.test_earlier_runs import copy_of

if TYPE_CHECKING:
    from collections.abc import Callable


def unexplained(agent: Agent) -> list[str]:
    """Return the alarms about positions."""
    records = [entry.record for entry in agent.journal.read()]
    return [record.text for record in records if isinstance(record, AlertRaised) and record.subject == SYMBOL]


def others(agent: Agent) -> list[int]:
    """Return what the account held beyond ours, as the journal learned it."""
    records = [entry.record for entry in agent.journal.read()]
    told = [record.others for record in records if isinstance(record, Reconciled) and isinstance(record.others, tuple)]
    return [one.quantity for holdings in told for one in holdings]


async def until(agent: Agent, condition: Callable[[], object], plays: float = 1.0) -> None:
    """Let the market run until a condition holds."""
    async with asyncio.timeout(SECONDS):
        while not condition():
            await agent.gateway.play(plays)


def test_a_trade_by_hand_freezes_what_trades_the_symbol_until_a_person_says_go_on():
    """The alarm says by how much; the order goes on after a word, and the same difference is no second alarm."""

    async def scenario() -> None:
        async with agent_on("foreign-fill:after=60,quantity=700") as agent:
            order_id = await agent.order(1_000, "TWAP", 10)
            await until(agent, lambda: unexplained(agent))
            account = agent.broker.account
            frozen = agent.parent(order_id).frozen_reason
            await agent.gateway.play(30)
            filled = agent.parent(order_id).filled
            await agent.gateway.play(60)
            stood_still = agent.parent(order_id).filled == filled
            agent.impl.runtime.submit(
                Resolve(subject=SYMBOL, outcome=Resolution.GO_ON, by="Ann", reason="I bought 700 by hand")
            )
            done = await agent.until_done(order_id)
            await agent.gateway.play(130)

            said = f"the position in {SYMBOL} of {account} changed by +700 that no fill of ours explains"
            assert unexplained(agent) == [said]
            assert frozen == said
            assert stood_still
            assert done.filled == quantity_from(1_000)
            assert others(agent) == [0, quantity_from(700)]

    play(scenario)


def test_what_was_there_before_us_is_taken_as_it_is():
    """A position that the account begins with is no alarm, and our own trading never is one."""

    async def scenario() -> None:
        async with agent_on("foreign-fill:quantity=300,side=sell") as agent:
            await agent.gateway.play(15)
            order_id = await agent.order(1_000, "TWAP", 8)
            done = await agent.until_done(order_id, plays=1.0)
            await agent.gateway.play(130)

            assert done.filled == quantity_from(1_000)
            assert unexplained(agent) == []
            assert others(agent) == [-quantity_from(300)]

    play(scenario)


def test_a_trade_by_hand_while_nobody_runs_is_noticed_at_the_next_start():
    """The journal remembers what the others held."""

    async def scenario() -> None:
        async with paper() as gateway:
            first = Agent(gateway, MemoryJournal())
            await first.start()
            await until(first, lambda: others(first))
            left_behind = copy_of(first.journal)
            await first.broker.disconnect()
            await first.impl.stop()
            gateway.faults.add("foreign-fill:quantity=200,side=sell")
            await gateway.play(5)
            second = Agent(gateway, left_behind, "Second")
            await second.start()
            await until(second, lambda: unexplained(second))

            assert "changed by -200" in unexplained(second)[0]
            assert not [entry for entry in second.journal.read() if isinstance(entry.record, OrderFrozen)]
            await second.impl.stop()

    play(scenario)


def test_positions_that_are_not_told_prove_nothing():
    """No answer is no position of zero."""

    async def scenario() -> None:
        async with agent_on() as agent:
            await until(agent, lambda: others(agent))
            order_id = await agent.order(1_000, "TWAP", 4)
            await agent.gateway.play(30)
            agent.gateway.faults.add("list-silent:list=positions")
            await agent.gateway.play(100)

            assert agent.parent(order_id).frozen_reason is None
            assert unexplained(agent) == []

    play(scenario)
