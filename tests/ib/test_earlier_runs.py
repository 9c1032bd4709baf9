"""A session that goes on with an earlier run's journal: its ids are used up, and its orders have an owner."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from quietfill import AgentConfig, AuditLogger, EventBus, ExecutionAgentImpl, IBBroker, MemoryJournal
from quietfill.brokers.ib.errors import GatewayUnreachable, OrdersOfAnother
from quietfill.domain.messages import StartRun
from quietfill.domain.records import CancelRefused, ChildAcknowledged
from quietfill.domain.types import quantity_from
from tests.ib.line import SECONDS, SYMBOL, desk, paper, play, quick
from tests.ib.test_an_agent_over_a_socket import RATES, Agent, books_agree, moment

if TYPE_CHECKING:
    from quietfill.gateway.server import PaperGateway
    from quietfill.ports.journal import Journal


def copy_of(journal: Journal) -> MemoryJournal:
    """Return what a process that was killed leaves behind."""
    left_behind = MemoryJournal()
    left_behind.append([entry.record for entry in journal.read()])
    return left_behind


async def killed_at_work(gateway: PaperGateway, details: dict[str, Any] | None = None) -> tuple[MemoryJournal, str]:
    """Have an agent work an order for a while and die; return its journal and the order's id."""
    journal = MemoryJournal()
    first = Agent(gateway, journal)
    await first.start()
    if details is not None:
        first.impl.runtime.submit(StartRun(run_id="r1", details=details))
    order_id = await first.order(1_000, "TWAP", 5)
    await gateway.play(70)
    left_behind = copy_of(journal)
    await first.broker.disconnect()
    await first.impl.stop()
    return left_behind, order_id


def ids_in(journal: MemoryJournal) -> list[int]:
    """Return the broker's ids of all orders, in the order in which they were acknowledged."""
    return [
        entry.record.broker_order_id or 0
        for entry in journal.read()
        if isinstance(entry.record, ChildAcknowledged)
    ]  # fmt: skip


class Later(Agent):
    """An agent that comes to life after its broker has a session and has looked contracts up, as a service does."""

    def __init__(self, gateway: PaperGateway, journal: MemoryJournal, broker: IBBroker) -> None:
        self.gateway = gateway
        self.journal = journal
        self.broker = broker
        self.impl = ExecutionAgentImpl(
            AgentConfig("Later", parameters=dict(RATES)), EventBus(), AuditLogger(), broker,
            journal=journal, clock=gateway.floor.clock,
        )  # fmt: skip


def test_ids_of_the_journal_are_used_up_though_the_session_is_older_than_the_agent():
    """The gateway restarted and proposes old ids, the agent was killed meanwhile: no id is given out again."""

    async def scenario() -> None:
        async with paper(faults=("restart:after=80,lasts=2,rollback=50",)) as gateway:
            left_behind, order_id = await killed_at_work(gateway)
            used = ids_in(left_behind)
            await gateway.play(30)
            broker = IBBroker(port=gateway.port, settings=quick(working_per_side=100))
            async with asyncio.timeout(SECONDS):
                while not broker.is_connected:
                    try:
                        await broker.connect()
                    except GatewayUnreachable:
                        await moment()
            await broker.instrument(SYMBOL, currency="CNY")
            proposed = broker._connection.session.next_id if broker._connection.session is not None else 0

            second = Later(gateway, left_behind, broker)
            await second.impl.start()
            done = await second.until_done(order_id)
            await gateway.play(5)

            later = ids_in(left_behind)[len(used) :]
            assert proposed <= max(used)
            assert later
            assert min(later) > max(used)
            assert done.filled == quantity_from(1_000)
            await books_agree(second, 1_000)
            await second.impl.stop()

    play(scenario)


@pytest.mark.parametrize(
    ("details", "named"),
    [
        ({"broker": "ib", "account": "DU1"}, "belong to account DU1 and this session is account DU2"),
        ({"broker": "ib", "account": "DU2", "client_id": 9}, "belong to client id 9 and this session is client id 1"),
    ],
)
def test_live_orders_of_another_account_or_client_are_not_gone_on_with(details, named):
    """What an earlier run left alive can only be worked by who it belongs to: nothing is sent."""

    async def scenario() -> None:
        async with paper(accounts=("DU2",)) as gateway:
            left_behind, _ = await killed_at_work(gateway, details)
            broker = IBBroker(port=gateway.port, settings=quick())
            await broker.connect()
            second = Later(gateway, left_behind, broker)
            with pytest.raises(OrdersOfAnother, match=named):
                await second.impl.start()

            assert broker.status()["order_messages_sent"] == 0
            await second.impl.stop()

    play(scenario)


def test_orders_of_the_same_account_and_client_are_gone_on_with():
    """The journal's word about who traded binds only when it differs."""

    async def scenario() -> None:
        async with paper(accounts=("DU2",)) as gateway:
            details = {"broker": "ib", "account": "DU2", "client_id": 1}
            left_behind, order_id = await killed_at_work(gateway, details)
            broker = IBBroker(port=gateway.port, settings=quick(working_per_side=100))
            await broker.connect()
            second = Later(gateway, left_behind, broker)
            await second.impl.start()
            done = await second.until_done(order_id)

            assert done.filled == quantity_from(1_000)
            await second.impl.stop()

    play(scenario)


def test_another_login_at_the_gateway_is_not_traded_with():
    """Where our account is gone after a break the line stays down until it is served again."""

    async def scenario() -> None:
        async with desk("cut:after=5", accounts=("DU1",)) as one:
            one.gateway.books["DU2"] = one.gateway.books.pop("DU1")
            await one.until(lambda: one.links)
            for _ in range(20):
                await moment()

            assert [link.up for link in one.links] == [False]
            assert not one.broker.is_connected
            one.gateway.books["DU1"] = one.gateway.books.pop("DU2")
            await one.until(lambda: one.links[-1].up)
            assert one.broker.account == "DU1"

    play(scenario)


def test_orders_of_another_client_id_are_named_and_not_touched():
    """A journal that does not say who placed its orders: the broker does, and nothing is asked of it in vain."""

    async def scenario() -> None:
        async with paper() as gateway:
            first = Agent(gateway, MemoryJournal())
            await first.start()
            order_id = await first.order(300, "LIMIT", 30, limit_price=9.10)
            await gateway.play(5)
            left_behind = copy_of(first.journal)
            await first.broker.disconnect()
            await first.impl.stop()
            broker = IBBroker(port=gateway.port, client_id=2, settings=quick())
            await broker.connect()
            second = Later(gateway, left_behind, broker)
            await second.impl.start()
            await second.impl.cancel_order(order_id)
            await gateway.play(10)
            alerts = [entry.record for entry in left_behind.read() if isinstance(entry.record, CancelRefused)]

            (child,) = second.parent(order_id).live_children
            assert any(text.endswith("start with client_id=1") for _, text in broker.notices)
            assert broker.status()["order_messages_sent"] == 0
            assert "it lives under client id 1" in alerts[0].reason
            assert alerts[0].child_id == child
            assert not gateway.trading.all_orders[0].is_done
            await second.impl.stop()

    play(scenario)
