"""Every returned key of the public contract is there, in what a whole agent says after a while at work."""

from __future__ import annotations

import asyncio
import inspect
from typing import Any

import pytest

from quietfill import DecisionEvent, OrderEvent, OrderSide, OrderType, PendingOrder
from quietfill.domain.types import MINUTE, SECOND, datetime_of
from tests.agent.desk import Desk, open_desk
from tests.contract.page import CONTRACT, missing_keys

RETURNS: dict[str, Any] = CONTRACT["agent"]["returns"]
UNKNOWN_ORDER_GIVES_NONE = [
    "get_fill_quality_report",
    "calculate_implementation_shortfall",
    "calculate_post_trade_tca",
    "get_order_age",
]
UNKNOWN_SYMBOL_GIVES_NONE = ["analyze_order_book"]


@pytest.fixture(scope="module")
def said() -> dict[str, Any]:
    """Return what each method gave on the packaged hour."""

    async def run() -> dict[str, Any]:
        async with open_desk() as desk:
            return await asyncio.wait_for(at_work(desk), 120)

    return asyncio.run(run())


async def at_work(desk: Desk) -> dict[str, Any]:
    """Work some orders of every kind and ask for everything."""
    agent, symbol, clock = desk.agent, desk.symbol, desk.broker.clock
    done = await desk.submit(quantity=1000, end=datetime_of(clock.now() + 3 * MINUTE), decision_price=9.0)
    await agent.wait_done(done)
    view = agent.runtime.engine.observed.view(symbol)
    ask, size = view.best_ask, view.asks[0][1] // 10**8
    assert ask is not None
    soon = datetime_of(clock.now() + 5 * SECOND)
    short = await desk.submit(algo="limit", limit_price=ask / 10**9, quantity=int(size) + 100_000, end=soon)
    await agent.wait_done(short)
    await desk.submit(quantity=2000, end=datetime_of(clock.now() + 40 * MINUTE))
    order = OrderEvent(symbol=symbol, quantity=500, limit_price=None, source_agent="test")
    stop = OrderEvent(symbol=symbol, quantity=200, order_type=OrderType.STOP, stop_price=99, source_agent="test")
    agent.register_stop_order(PendingOrder(stop, DecisionEvent(symbol=symbol, action=OrderSide.BUY, quantity=200)))
    agent.set_latency_threshold(50)
    agent.record_venue_latency("VENUE", 80.0)
    agent.record_venue_latency("VENUE", 3.0, "fill")
    results: dict[str, Any] = {
        "get_participation_stats": agent.get_participation_stats(symbol),
        "get_pending_orders": agent.get_pending_orders(),
        "get_stop_orders": agent.get_stop_orders(),
        "get_partial_fill_timeouts": agent.get_partial_fill_timeouts(),
        "get_fill_quality_report": agent.get_fill_quality_report(done),
        "get_status": agent.get_status(),
        "get_aggregate_fill_metrics": agent.get_aggregate_fill_metrics(),
        "calculate_implementation_shortfall": agent.calculate_implementation_shortfall(done),
        "get_implementation_shortfall_summary": agent.get_implementation_shortfall_summary(),
        "analyze_order_book": agent.analyze_order_book(symbol),
        "estimate_execution_cost": agent.estimate_execution_cost(symbol, "buy", 1000),
        "get_fill_categorization_summary": agent.get_fill_categorization_summary(),
        "should_cross_spread": agent.should_cross_spread(symbol, "sell"),
        "estimate_queue_position": agent.estimate_queue_position(symbol, OrderSide.BUY, 500),
        "calculate_post_trade_tca": agent.calculate_post_trade_tca(done),
        "generate_tca_report": agent.generate_tca_report(),
        "get_venue_latency_stats": agent.get_venue_latency_stats(),
        "check_venue_health": agent.check_venue_health(),
        "execute_with_spread_awareness": agent.execute_with_spread_awareness(order, urgency=0.3),
    }
    peg = OrderEvent(symbol=symbol, quantity=300, side=OrderSide.SELL, source_agent="test")
    results["execute_midpoint_peg"] = await agent.execute_midpoint_peg(peg, timeout_seconds=30)
    tip = OrderEvent(
        symbol=symbol, quantity=600, side=OrderSide.SELL, limit_price=ask / 10**9 - 0.05, source_agent="test"
    )
    results["execute_iceberg"] = await agent.execute_iceberg(tip, 200, 0.0, 0.5)
    for method in UNKNOWN_ORDER_GIVES_NONE:
        assert getattr(agent, method)("unknown") is None, method
    for method in UNKNOWN_SYMBOL_GIVES_NONE:
        assert getattr(agent, method)("UNKNOWN") is None, method
    assert await agent.cancel_order("unknown") is False
    assert await agent.wait_done("unknown") is None
    return results


@pytest.mark.parametrize("place", RETURNS)
def test_every_key_of_the_page_is_returned(said: dict[str, Any], place: str) -> None:
    """A method returns at least the keys that the page lists for it, down to the nested ones."""
    method, *path = place.split(".")

    assert list(missing_keys(said[method], path, RETURNS[place])) == []


def test_every_method_with_keys_was_asked(said: dict[str, Any]) -> None:
    """No method of the page's returns is left out of the play."""
    assert {place.split(".")[0] for place in RETURNS} == set(said)


def test_numbers_for_people_are_plain(said: dict[str, Any]) -> None:
    """Public results hold plain numbers, texts, times and containers, none of the house's inner integers."""
    assert all(not inspect.iscoroutine(value) for value in said.values())
    quality = said["get_fill_quality_report"]
    assert 1 < quality["avg_fill_price"] < 100
    assert quality["total_quantity"] == 1000
