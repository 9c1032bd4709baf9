"""One decision, worked by Quietfill's TWAP and by Interactive Brokers' Twap, and one table of what each cost.

Against the paper gateway on the packaged hour, so the second is worked by the gateway's stand-in, as the table says: it
shows that the two can be compared, not which is better. Run it with `python examples/twap_and_ib_twap.py`.
"""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING

import structlog
from rich.console import Console

from quietfill import (
    AgentConfig,
    AuditLogger,
    DecisionEvent,
    EventBus,
    ExecutionAgentImpl,
    IBBroker,
    MemoryJournal,
    OrderSide,
    ValidatedDecisionEvent,
)
from quietfill.agent.intake import order_id_of
from quietfill.cli.tables import order_table
from quietfill.domain.types import MINUTE, datetime_of
from quietfill.gateway.server import PaperGateway
from quietfill.tca.ledger import Ledger
from quietfill.tca.summary import order_summary
from quietfill.venue.samples import load_sample

if TYPE_CHECKING:
    from quietfill.domain.types import Timestamp
    from quietfill.tca.summary import OrderSummary

QUANTITY, LIMIT, MINUTES = 20_000, 9.40, 10
ALGOS = ("twap", "ib_twap")


async def main() -> list[OrderSummary]:
    """Work the order by each algo in a market of its own, and print the table."""
    summaries = [await worked(algo) for algo in ALGOS]
    console = Console(width=160)
    console.print(order_table(summaries))
    for summary in summaries:
        console.print(*(f"{summary.algo}: {note}" for note in summary.notes), sep="\n")
    return summaries


async def worked(algo: str) -> OrderSummary:
    """Return what one order by *algo* cost: the same recorded hour, the same instant, the same seed."""
    tape = load_sample()
    async with PaperGateway(tape, seed=1, speed=0, start=tape.first_time + 10 * MINUTE) as gateway:
        broker, journal, clock = IBBroker(port=gateway.port), MemoryJournal(), gateway.floor.clock
        agent = ExecutionAgentImpl(
            AgentConfig("Desk", parameters={"max_orders_per_minute": 60}),
            EventBus(), AuditLogger(), broker, journal=journal, clock=clock,
        )  # fmt: skip
        await broker.connect()
        agent.register_instrument(await broker.instrument("600961", currency="CNY"))
        await agent.start()
        order_id = await ask(agent, algo, clock.now())
        while order_id in {order["order_id"] for order in agent.get_pending_orders()}:
            await gateway.play(1)
        await gateway.play(2)  # for the last commission
        await agent.stop()
        orders = Ledger.of(entry.record for entry in journal.read()).orders
        return order_summary(orders[order_id], gateway.floor.history)


async def ask(agent: ExecutionAgentImpl, algo: str, now: Timestamp) -> str:
    """Have the decision validated; return the order's id."""
    decision = DecisionEvent(
        event_id=f"the decision, for {algo}", symbol="600961", action=OrderSide.BUY, quantity=QUANTITY,
        limit_price=LIMIT, algo=algo, timestamp=datetime_of(now), end=datetime_of(now + MINUTES * MINUTE),
        source_agent="Strategy",
    )  # fmt: skip
    approval = ValidatedDecisionEvent(
        original_decision_id=decision.event_id, approved=True, source_agent="ComplianceAgent",
        timestamp=datetime_of(now),
    )  # fmt: skip
    await agent.process_event(decision)
    await agent.process_event(approval)
    return order_id_of(decision.event_id)


if __name__ == "__main__":
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    asyncio.run(main())
