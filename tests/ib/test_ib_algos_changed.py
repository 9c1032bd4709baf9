"""Orders of Interactive Brokers' algos that change under way, pass from one process to the next, or are never taken."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from quietfill import MemoryJournal
from quietfill.algos.registry import parse_params
from quietfill.brokers.ib.algos import ALGOS
from quietfill.domain.errors import BadInput
from quietfill.domain.order_state import OrderState
from quietfill.domain.records import ChildNoted, ChildRequested, OrderRefused
from quietfill.domain.types import MINUTE, TimeInForce, datetime_of, quantity_from
from tests.agent.desk import open_desk
from tests.ib.line import paper, play
from tests.ib.test_an_agent_over_a_socket import Agent, agent_on, books_agree

if TYPE_CHECKING:
    from collections.abc import Callable

    from quietfill.domain.records import AnyRecord


def requested(agent: Agent) -> list[ChildRequested]:
    """Return the children that were asked for."""
    return [entry.record for entry in agent.journal.read() if isinstance(entry.record, ChildRequested)]


def refusals(records: list[AnyRecord]) -> str:
    """Return the reasons of all refusals."""
    return "; ".join(reason for record in records if isinstance(record, OrderRefused) for reason in record.reasons)


async def until(agent: Agent, condition: Callable[[], Any]) -> None:
    """Let the market run until something holds."""
    async with asyncio.timeout(10):
        while not condition():
            await agent.gateway.play(0.5)


def test_a_pause_withdraws_the_order_and_a_resume_sends_another():
    """The broker's algo works on no longer than it is wanted; what is left is asked for anew, with the same tags."""

    async def scenario() -> None:
        async with agent_on() as agent:
            order_id = await agent.order(3_000, "ib_twap", 5)
            await agent.gateway.play(70)
            await agent.impl.pause_order(order_id, by="ops")
            await until(agent, lambda: not agent.parent(order_id).live_children)
            filled = agent.parent(order_id).filled
            await agent.gateway.play(20)

            assert agent.parent(order_id).filled == filled > 0
            await agent.impl.resume_order(order_id, by="ops")
            done = await agent.until_done(order_id)
            first, second = requested(agent)
            assert first.broker_algo == second.broker_algo
            assert second.quantity == quantity_from(3_000) - filled
            assert done.state is OrderState.FILLED
            await books_agree(agent, 3_000)

    play(scenario)


def test_another_end_is_another_order():
    """A changed end changes the tags: the order is cancelled, settled, and the rest sent with the new end."""

    async def scenario() -> None:
        async with agent_on() as agent:
            order_id = await agent.order(3_000, "ib_twap", 5)
            await agent.gateway.play(30)
            later = datetime_of(agent.gateway.floor.now + 8 * MINUTE)
            await agent.impl.amend_order(order_id, by="ops", end=later)
            await until(agent, lambda: len(agent.gateway.trading.all_orders) > 1)
            first, second = (order.terms.stand_in for order in agent.gateway.trading.all_orders)

            assert first is not None
            assert second is not None
            assert second.end is not None
            assert first.end is not None
            assert second.end - first.end > 3 * MINUTE
            done = await agent.until_done(order_id)
            assert done.state is OrderState.FILLED
            await books_agree(agent, 3_000)

    play(scenario)


def test_a_process_that_takes_over_keeps_the_tags_of_what_it_changes():
    """An order of the dead process is amended by the next one: same algo, same tags, and who works it is still told."""

    async def scenario() -> None:
        async with paper() as gateway:
            first = Agent(gateway, MemoryJournal())
            await first.start()
            order_id = await first.order(3_000, "ib_twap", 5)
            await gateway.play(40)
            left_behind = MemoryJournal()
            left_behind.append([entry.record for entry in first.journal.read()])
            await first.broker.disconnect()

            second = Agent(gateway, left_behind, "Second")
            await second.start()
            await gateway.play(2)
            assert await second.impl.amend_order(order_id, by="ops", quantity=2_500)
            (order,) = gateway.trading.all_orders
            await until(second, lambda: order.terms.total == quantity_from(2_500))
            done = await second.until_done(order_id)

            (record,) = requested(second)
            assert record.broker_algo
            assert order.terms.tags == record.broker_algo.params
            assert done.state is OrderState.FILLED
            await books_agree(second, 2_500)
            await second.impl.stop()
            await first.impl.stop()

    play(scenario)


def test_who_worked_it_is_told_after_the_fact():
    """The agent is gone before a word comes back, the order over before the next one looks: it is told all the same."""

    async def scenario() -> None:
        async with paper() as gateway:
            first = Agent(gateway, MemoryJournal())
            await first.start()
            order_id = await first.order(500, "ib_dark_ice", 5, algo_params={"display_size": 500})
            await gateway.play(1)
            kept = [entry.record for entry in first.journal.read()]
            asked = next(place for place, record in enumerate(kept) if isinstance(record, ChildRequested))
            left_behind = MemoryJournal()
            left_behind.append(kept[: asked + 1])
            await first.broker.disconnect()
            await gateway.play(30)

            second = Agent(gateway, left_behind, "Second")
            await second.start()
            done = await second.until_done(order_id)

            assert done.state is OrderState.FILLED
            (note,) = {e.record.note for e in left_behind.read() if isinstance(e.record, ChildNoted)}
            assert note.startswith("worked by a stand-in for Interactive Brokers' DarkIce")
            await books_agree(second, 500)
            await second.impl.stop()
            await first.impl.stop()

    play(scenario)


def test_a_day_order_is_all_that_they_take():
    """Immediate-or-cancel does not go with an algo of the broker's: refused at the door, nothing is sent."""

    async def scenario() -> None:
        async with agent_on() as agent:
            await agent.order(1_000, "ib_twap", 5, time_in_force=TimeInForce.IOC)
            await agent.gateway.play(1)

            assert agent.gateway.trading.all_orders == []
            assert "IOC" in refusals([entry.record for entry in agent.journal.read()])

    play(scenario)


def test_what_a_stand_in_cannot_do_comes_back_as_the_gateways_refusal():
    """A style that the stand-in does not have is refused by the gateway with the reason, and the order freezes."""

    async def scenario() -> None:
        async with agent_on() as agent:
            order_id = await agent.order(1_000, "ib_twap", 5, algo_params={"style": "Matching Last"})
            await agent.gateway.play(5)

            assert agent.gateway.trading.all_orders == []
            assert "has no strategyType 'Matching Last'" in agent.parent(order_id).ended_children[0].done_reason

    play(scenario)


def test_with_another_broker_they_are_unknown():
    """The venue's own broker has no such algo: the order is refused, and the message says what there is."""

    async def scenario() -> None:
        async with open_desk() as desk:
            await desk.submit(algo="ib_twap")
            words = refusals([entry.record for entry in desk.journal.read()])

            assert "unknown algo 'ib_twap': known are adaptive, close, " in words
            assert "ib_adaptive" not in words

    play(scenario)


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"participation_cap": 0.1}, "participation_cap 0.1 cannot be kept"),
        ({"min_child": 100}, "min_child 100 cannot be kept"),
        ({"max_child": 100}, "max_child 100 cannot be kept"),
        ({"urgency": 0.9}, "urgency 0.9 means nothing to the broker's algo"),
        ({"rest": "complete"}, "rest complete cannot be kept"),
        ({"slice_seconds": 60}, "unknown parameter 'slice_seconds'"),
    ],
)
@pytest.mark.parametrize("spec", ALGOS, ids=lambda spec: spec.name)
def test_what_the_broker_has_no_word_for_is_refused(spec, given, says):
    """Nothing that is asked for is dropped in silence, by none of them."""
    with pytest.raises(BadInput, match=says) as refused:
        parse_params(spec, _needed(spec.name) | given)

    assert "\n" not in str(refused.value)


def _needed(name: str) -> dict[str, Any]:
    """Return the parameters that an algo cannot do without."""
    return {
        "ib_dark_ice": {"display_size": 100},
        "ib_accumulate_distribute": {"component_size": 100, "seconds_between": 5},
    }.get(name, {})
