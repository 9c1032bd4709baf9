"""A price that the broker refuses although it is on the grid that we know: the rule is read anew, once."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from quietfill import MemoryJournal
from quietfill.domain.records import AlertRaised, ChildDone, ChildRequested, InstrumentRegistered, OrderFrozen
from quietfill.domain.types import price_from, quantity_from
from tests.ib.line import SYMBOL, desk, paper, play
from tests.ib.test_an_agent_over_a_socket import Agent, agent_on, books_agree
from tests.ib.test_earlier_runs import copy_of

if TYPE_CHECKING:
    from quietfill.gateway.server import PaperGateway

R = TypeVar("R")

COARSE = price_from("0.05")


def refusals(agent: Agent) -> list[str]:
    """Return why children were refused, in order."""
    records = [entry.record for entry in agent.journal.read()]
    return [record.reason for record in records if isinstance(record, ChildDone) and record.state == "rejected"]


def of(agent: Agent, kind: type[R]) -> list[R]:
    """Return the journal's records of a kind."""
    return [entry.record for entry in agent.journal.read() if isinstance(entry.record, kind)]


def test_an_order_goes_on_with_the_new_price_steps():
    """Steps become coarser at work: one order is refused by the broker, the next is priced on the new ladder."""

    async def scenario() -> None:
        async with agent_on("coarse-grid:after=60") as agent:
            order_id = await agent.order(1_000, "TWAP", 6)
            done = await agent.until_done(order_id)
            registered = of(agent, InstrumentRegistered)
            prices = [record.limit_price for record in of(agent, ChildRequested) if record.at > registered[-1].at]

            assert sum("does not conform" in reason and "not sent" not in reason for reason in refusals(agent)) <= 1
            assert registered[-1].by == "broker"
            assert registered[-1].instrument.ticks[0].increment == COARSE
            assert prices
            assert all(price is None or price % COARSE == 0 for price in prices)
            assert done.filled == quantity_from(1_000)
            await books_agree(agent, 1_000)

    play(scenario)


def test_a_refusal_that_the_stated_steps_do_not_explain_is_not_repeated():
    """The rule says what we used all along: nothing more is sent, the order freezes, and a person is told why."""

    async def scenario() -> None:
        async with agent_on("coarse-grid:after=60,tells=no") as agent:
            order_id = await agent.order(1_000, "TWAP", 6)
            done = await agent.until_done(order_id)
            by_the_broker = [reason for reason in refusals(agent) if "not sent" not in reason]
            here = [reason for reason in refusals(agent) if "not sent" in reason]

            assert len(by_the_broker) <= 1
            assert any("no priced order of 600961 is sent in this session" in reason for reason in here)
            assert of(agent, OrderFrozen)
            assert any(record.severity == "critical" for record in of(agent, AlertRaised))
            assert any("the price steps that the broker states" in text for _, text in agent.broker.notices)
            assert done.filled < quantity_from(1_000)

    play(scenario)


def test_asking_for_the_instrument_again_lets_it_go_on():
    """That is a person's word that somebody looked."""

    async def scenario() -> None:
        async with desk("coarse-grid:tells=no") as one:
            one.child("c1", 100, "9.11")
            await one.until(lambda: any("no priced order" in text for _, text in one.broker.notices))
            one.child("c2", 100, "9.10")
            await one.until(lambda: one.kinds("c2"))
            await one.broker.instrument(SYMBOL, currency="CNY")
            one.child("c3", 100, "9.10")
            await one.until(lambda: one.kinds("c3"))

            assert one.kinds("c1") == one.kinds("c2") == ["rejected"]
            assert one.kinds("c3")[0] == "accepted"

    play(scenario)


def test_a_refused_modification_has_the_rule_read_anew_too():
    """The old terms stand, and the steps are known from then on."""

    async def scenario() -> None:
        async with desk("coarse-grid:after=5") as one:
            one.child("c1", 300, "9.10")
            await one.until(lambda: "accepted" in one.kinds("c1"))
            await one.gateway.play(6)
            one.replace("c1", 300, "9.11")
            await one.until(lambda: "replace_rejected" in one.kinds("c1"))
            await one.until(lambda: any("price steps have changed" in text for _, text in one.broker.notices))
            one.child("c2", 100, "9.12")
            await one.until(lambda: one.kinds("c2"))

            refused = next(report for report in one.reports if report.child_id == "c2")
            assert "has no such price at its exchange" in refused.reason

    play(scenario)


def test_a_ladder_that_changed_overnight_does_not_stop_the_next_start():
    """The journal has the instrument with other steps: the same contract is registered anew."""

    async def scenario() -> None:
        async with paper() as gateway:
            journal = await registered_in(gateway)
        async with paper(faults=("coarse-grid",)) as gateway:
            later = Agent(gateway, journal)
            await later.start()
            later.impl.register_instrument(await later.broker.instrument(SYMBOL, currency="CNY"))

            assert later.impl.runtime.engine.state.instruments[SYMBOL].ticks[0].increment == COARSE
            await later.impl.stop()

    play(scenario)


async def registered_in(gateway: PaperGateway) -> MemoryJournal:
    """Return a journal in which the stock is registered as the gateway knows it."""
    agent = Agent(gateway, MemoryJournal())
    await agent.start()
    left_behind = copy_of(agent.journal)
    await agent.impl.stop()
    return left_behind
