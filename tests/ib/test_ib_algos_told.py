"""Who worked an order is told wherever its cost is: a stand-in by its name, the real thing by none."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
import pytest

from quietfill.agent.views import pending_order
from quietfill.cli.record_words import in_words
from quietfill.domain.broker_algo import BrokerAlgo
from quietfill.domain.records import ChildNoted, ChildRequested
from quietfill.domain.types import quantity_from
from quietfill.journal.codec import CODEC
from quietfill.journal.inspect import describe
from quietfill.report.page import report_html
from quietfill.report.run import RunReport
from quietfill.tca.ledger import Ledger
from quietfill.tca.summary import order_summary
from tests.ib.line import play
from tests.ib.test_an_agent_over_a_socket import agent_on, books_agree

if TYPE_CHECKING:
    from collections.abc import Iterable

    from quietfill.domain.records import AnyRecord
    from tests.ib.test_an_agent_over_a_socket import Agent

NOTE = "worked by a stand-in for Interactive Brokers' Twap: Quietfill's own twap"


def records_of(agent: Agent) -> list[AnyRecord]:
    """Return what the journal has."""
    return [entry.record for entry in agent.journal.read()]


def page_of(records: Iterable[AnyRecord]) -> str:
    """Return the report of a journal."""
    ledger = Ledger.of(records)
    return report_html(RunReport.of(ledger, {}, {}, title="t", facts={}, is_simulated=False))


def test_every_report_of_a_stand_in_says_so():
    """Summary, cost analysis, page, list of live orders and journal all name it, and the parts of the cost add up."""

    async def scenario() -> None:
        async with agent_on() as agent:
            order_id = await agent.order(1_000, "ib_twap", 3)
            await agent.gateway.play(30)
            listed = pending_order(agent.parent(order_id))
            await agent.until_done(order_id)
            await agent.gateway.play(2)
            analysis = agent.impl.calculate_post_trade_tca(order_id)
            parts = agent.impl.calculate_implementation_shortfall(order_id)
            quality = agent.impl.get_fill_quality_report(order_id)
            summary = order_summary(Ledger.of(records_of(agent)).orders[order_id], None)
            page = page_of(records_of(agent))
            shown = [describe(entry) for entry in agent.journal.read()]

            assert analysis is not None
            assert parts is not None
            assert quality is not None
            assert listed["notes"] == analysis["notes"] == parts["notes"] == [NOTE]
            assert summary.notes == (NOTE,)
            assert listed["algo"] == "ib_twap (stand-in)"
            assert {summary.algo, analysis["algo"], quality["algo"]} == {"ib_twap (stand-in)"}
            assert "Worked by a stand-in for Interactive Brokers&#x27; Twap" in page
            assert sum(NOTE in line for line in shown) == 1
            costs = parts["costs"]
            assert summary.total_shortfall_bps is not None
            assert summary.shortfall_bps is not None
            assert summary.fees_bps is not None
            assert summary.total_shortfall_bps == pytest.approx(
                summary.shortfall_bps + summary.fees_bps + (summary.opportunity_bps or 0)
            )
            assert costs["fees"] is not None

    play(scenario)


def test_the_terminal_of_a_running_agent_says_so():
    """One line names the stand-in, and the record comes back from the journal as it went in."""
    record = ChildNoted(at=0, child_id="a-1", note=NOTE)

    assert in_words(record) == f"00:00:00 a-1 is {NOTE}"
    assert CODEC.decode(CODEC.encode(record), 1) == record


def test_no_report_of_the_real_thing_names_a_stand_in():
    """The same journal without the gateway's word, as Interactive Brokers itself would have left it, says nothing."""

    async def scenario() -> None:
        async with agent_on() as agent:
            order_id = await agent.order(1_000, "ib_twap", 3)
            await agent.until_done(order_id)
            real = [record for record in records_of(agent) if not isinstance(record, ChildNoted)]
            summary = order_summary(Ledger.of(real).orders[order_id], None)

            assert len(real) == len(records_of(agent)) - 1
            assert (summary.algo, summary.notes) == ("ib_twap", ())
            assert "stand-in" not in page_of(real)

    play(scenario)


@pytest.mark.parametrize(
    "faults",
    [
        ("cut-on-order:times=1",),
        ("cut:after=30",),
        ("restart:after=30,lasts=5,rollback=4",),
        ("execution-twice", "commission-early"),
        ("status-missing",),
        ("ack-late:seconds=3",),
        ("order-silent:times=1",),
        ("duplicate-id:times=1",),
        ("broker-cancels:times=1",),
        ("perm-id-zero", "status-replayed"),
        ("split-segments",),
    ],
)
def test_a_stand_in_survives_every_kind_of_break(faults):
    """Nothing is doubled or lost, and who works it is known whatever message was missed."""

    async def scenario() -> None:
        async with agent_on(*faults) as agent:
            order_id = await agent.order(1_000, "ib_twap", 4)
            done = await agent.until_done(order_id)
            await agent.gateway.play(5)
            placed = {order.child_id for order in agent.gateway.trading.all_orders}

            assert len({record.child_id for record in records_of(agent) if isinstance(record, ChildNoted)}) == len(
                placed
            )
            assert order_summary(Ledger.of(records_of(agent)).orders[order_id], None).notes == (NOTE,)
            await books_agree(agent, done.filled // quantity_from(1))

    play(scenario)


@pytest.mark.parametrize(
    "fault",
    ["modify-refused:times=1", "modify-doubles:times=1", "reject-after-ack:times=1", "fill-before-ack", "cut:after=62"],
)
def test_a_stand_in_is_changed_through_a_break(fault):
    """A larger quantity, asked for while something breaks, is bought once, and the gateway counts the same."""

    async def scenario() -> None:
        async with agent_on(fault) as agent:
            order_id = await agent.order(1_000, "ib_twap", 4)
            await agent.gateway.play(60)
            await agent.impl.amend_order(order_id, by="ops", quantity=1_200)
            done = await agent.until_done(order_id)
            await agent.gateway.play(5)

            assert done.filled == quantity_from(1_200)
            await books_agree(agent, 1_200)

    play(scenario)


def test_a_child_without_a_brokers_algo_is_written_as_ever():
    """The journal's chain covers the bytes: what has no such algo must not have a word about it."""
    record = CODEC.decode(
        b'{"kind":"child_requested","at":1,"child_id":"a-1","order_id":"a","key":"s1","symbol":"X","side":"buy",'
        b'"quantity":100,"limit_price":null,"time_in_force":"DAY","good_till":null,"why":"","account":null,'
        b'"displayed":null,"crossing":false,"bid":null,"ask":null}',
        1,
    )

    assert isinstance(record, ChildRequested)
    assert "broker_algo" not in msgspec.json.decode(CODEC.encode(record))
    assert CODEC.decode(CODEC.encode(record), 1) == record
    with_one = msgspec.structs.replace(record, broker_algo=BrokerAlgo("Twap", (("endTime", "20230711-02:04:00"),)))
    assert CODEC.decode(CODEC.encode(with_one), 1) == with_one
